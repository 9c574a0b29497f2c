import { expect, it, onTestFinished } from "vitest";
import { LogBook } from "../../test/protocol/harness.js";
import { XdsError } from "../errors.js";
import { MemoryStore } from "../store/memory-store.js";
import { Membership } from "./membership.js";
import { isAsNew, type ReplicaRecord, replicaRecord } from "./replica.js";

const record = (address: string): ReplicaRecord => ({
  ...{ address, token: "t", version: "1", startedAt: 1 },
  served: { stable: 1, live: 2 },
});

function member(store: MemoryStore, address: string, logger = new LogBook()): Membership {
  const made = new Membership(store, { own: () => record(address), everyMs: 5, logger });
  onTestFinished(() => made.close());
  return made;
}

const addresses = ({ others }: Membership) => others.map((one) => one.record?.address);

it("knows the other members, and not itself", async () => {
  const store = new MemoryStore();
  const [one, two] = [member(store, "one:1"), member(store, "two:2")];
  await expect.poll(() => [addresses(one), addresses(two)]).toEqual([["two:2"], ["one:1"]]);
});

it("has a member whose record it cannot read, by its id only", async () => {
  const store = new MemoryStore();
  await store.announce("strange", { address: 7 });
  const one = member(store, "one:1");
  await expect.poll(() => one.others).toEqual([{ id: "strange", record: undefined }]);
});

it("keeps the members while the store does not answer, and logs an error once", async () => {
  const store = new MemoryStore();
  await store.announce("b", record("b:1") as never);
  const log = new LogBook();
  const one = member(store, "one:1", log);
  await expect.poll(() => addresses(one)).toEqual(["b:1"]);
  let calls = 0;
  store.present = async () => {
    calls++;
    throw new XdsError("STORE_FAILED", "permission denied");
  };
  await expect.poll(() => calls).toBeGreaterThan(3);
  expect(addresses(one)).toEqual(["b:1"]);
  expect(log.entries.filter(({ message }) => message === "the other replicas are not known")).toHaveLength(1);
});

it("a member that may not write is seen by nobody, and still sees the others", async () => {
  const store = new MemoryStore();
  await store.announce("b", record("b:1") as never);
  let tries = 0;
  store.announce = async () => {
    tries++;
    throw new XdsError("STORE_FAILED", "permission denied");
  };
  const log = new LogBook();
  const one = member(store, "one:1", log);
  await expect.poll(() => addresses(one)).toEqual(["b:1"]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(tries).toBe(1);
  expect(JSON.stringify(log.entries)).toContain("this replica cannot announce itself");
});

it("reads records of other versions, and drops what it does not know", () => {
  const full: ReplicaRecord = {
    ...record("a:1"),
    certificate: "PEM",
    applied: { stable: 1, live: 1 },
    lacking: { isRefused: true, text: "no" },
  };
  expect(replicaRecord({ ...full, later: 1 } as never)).toEqual(full);
  expect(replicaRecord({ ...record("a:1"), applied: "x", lacking: 3 } as never)).toEqual(record("a:1"));
  for (const wrong of [null, 3, {}, { ...record("a:1"), token: 1 }, { ...record("a:1"), served: {} }])
    expect(replicaRecord(wrong as never)).toBeUndefined();
});

it("is as new only if both numbers are", () => {
  const than = { stable: 2, live: 5 };
  expect([isAsNew(than, than), isAsNew({ stable: 3, live: 5 }, than)]).toEqual([true, true]);
  for (const old of [undefined, { stable: 3, live: 4 }, { stable: 1, live: 9 }]) expect(isAsNew(old, than)).toBe(false);
});
