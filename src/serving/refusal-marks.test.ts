import { expect, it, vi } from "vitest";
import { silentLogger } from "../logger.js";
import { clusterType, listenerType } from "../resource/types.js";
import { MemoryStore } from "../store/memory-store.js";
import { RefusalMarks } from "./refusal-marks.js";

async function marksIn(store: MemoryStore, logger = silentLogger) {
  const marks = new RefusalMarks(store, logger);
  await marks.open();
  return marks;
}

it("marks outlive the process, and go when the node has taken what replaced it", async () => {
  const store = new MemoryStore();
  const first = await marksIn(store);
  first.openRefusals.note("n", clusterType, 1, true);
  first.openRefusals.note("m", listenerType, 2, true);
  first.openRefusals.note("m", listenerType, 2, false);
  await first.close();
  const second = await marksIn(store);
  expect(second.openRefusals.has("n", clusterType)).toBe(true);
  expect(second.openRefusals.has("n", listenerType)).toBe(false);
  expect(second.openRefusals.has("m", listenerType)).toBe(false);
  second.openRefusals.note("n", clusterType, 1, false);
  await second.close();
  expect((await marksIn(store)).openRefusals.has("n", clusterType)).toBe(false);
});

it("a mark is in the store soon after the refusal, without an orderly end", async () => {
  const store = new MemoryStore();
  const { openRefusals } = await marksIn(store);
  openRefusals.note("n", clusterType, 1, true);
  await new Promise((resolve) => setImmediate(resolve));
  expect((await marksIn(store)).openRefusals.has("n", clusterType)).toBe(true);
});

it("the newest 10,000 are kept, and what the record has besides marks is passed over", async () => {
  const store = new MemoryStore();
  const first = await marksIn(store);
  for (let n = 0; n <= 10_000; n++) first.openRefusals.note(`n${n}`, clusterType, n, true);
  expect(first.openRefusals.known()).toHaveLength(10_000);
  await first.close();
  const { openRefusals } = await marksIn(store);
  expect([openRefusals.has("n0", clusterType), openRefusals.has("n1", clusterType)]).toEqual([false, true]);
  openRefusals.note("new", clusterType, 1, true);
  expect([openRefusals.has("n1", clusterType), openRefusals.has("n10000", clusterType)]).toEqual([false, true]);
  await store.putRecords({ "refused/marks": [1, null, "nonsense", `${clusterType} x`] });
  expect((await marksIn(store)).openRefusals.known()).toEqual([`${clusterType} x`]);
});

it("a write that fails is said in the log and tried again, also at the end", async () => {
  const store = new MemoryStore();
  const lines: string[] = [];
  const marks = await marksIn(store, { ...silentLogger, warn: (_fields, message) => lines.push(message) });
  const write = vi.spyOn(store, "putRecords").mockRejectedValueOnce(new Error("the disk is full"));
  marks.openRefusals.note("n", clusterType, 1, true);
  await vi.waitFor(() => expect(lines).toEqual([expect.stringContaining("could not be written")]));
  expect((await marksIn(store)).openRefusals.has("n", clusterType)).toBe(false);
  await marks.close();
  expect(write).toHaveBeenCalledTimes(2);
  expect((await marksIn(store)).openRefusals.has("n", clusterType)).toBe(true);
});

it("the end does not wait for a store that goes on failing", async () => {
  const store = new MemoryStore();
  const marks = await marksIn(store);
  vi.spyOn(store, "putRecords").mockRejectedValue(new Error("the disk is full"));
  marks.openRefusals.note("n", clusterType, 1, true);
  await marks.close();
  expect(marks.openRefusals.has("n", clusterType)).toBe(true);
});
