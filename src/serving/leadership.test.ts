import { expect, it, onTestFinished, vi } from "vitest";
import { LogBook } from "../../test/protocol/harness.js";
import { XdsError } from "../errors.js";
import { MemoryStore } from "../store/memory-store.js";
import { Leadership } from "./leadership.js";

function leadership(store: MemoryStore, logger = new LogBook()): Leadership {
  const leader = new Leadership(store, { everyMs: 5, logger });
  onTestFinished(() => leader.close());
  return leader;
}

it("has one leader, and another one when the leader ends", async () => {
  const store = new MemoryStore();
  const first = leadership(store);
  await vi.waitFor(() => expect(first.lease).toBeDefined());
  const second = leadership(store);
  await expect(store.lease("leader")).resolves.toBeUndefined();
  expect(second.lease).toBeUndefined();
  await first.close();
  await vi.waitFor(() => expect(second.lease).toBeDefined());
  expect(first.lease).toBeUndefined();
});

it("logs once that it cannot lead", async () => {
  const store = new MemoryStore();
  store.lease = async () => Promise.reject(new XdsError("STORE_FAILED", "permission denied"));
  const log = new LogBook();
  leadership(store, log);
  await vi.waitFor(() => expect(log.entries).toHaveLength(1));
  expect(JSON.stringify(log.entries[0])).toContain("permission denied");
});
