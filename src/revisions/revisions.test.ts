import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { Crash, CrashingDisk, crashes } from "../../test/store/crashing-disk.js";
import { allAtOnce } from "../in-turns.js";
import { Resource } from "../resource/resource.js";
import { DirectoryStore } from "../store/directory-store.js";
import { MemoryStore } from "../store/memory-store.js";
import { chunksOf, type Packed, packing, unpack, unpackChunk } from "./packing.js";
import type { Published } from "./revision.js";
import type { Groups } from "./revision-blobs.js";
import { Revisions } from "./revisions.js";

const cluster = (name: string, content = 1, options = {}) =>
  Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }), options);
const clusters = (count: number, content = 1) => Array.from({ length: count }, (_, at) => cluster(`c${at}`, content));
const me = { by: "me" };
const why = { by: "me", why: "because" };
const groups = (...resources: Resource[]): Groups => new Map([["", resources]]);
const labels = (found: Groups) =>
  [...found].map(([group, resources]) => [group, resources.map(({ name, version }) => `${name} ${version}`).sort()]);

describe("packed resources", () => {
  const pack = (resources: readonly Resource[], before?: Packed) => allAtOnce(packing(resources, before));
  const bytesOf = ({ chunks }: Packed) => Buffer.concat(chunks.map(({ bytes }) => bytes as Uint8Array));
  const unpacked = ({ manifest, chunks }: Packed) => {
    const byHash = new Map(chunks.map(({ hash, bytes }) => [hash, bytes]));
    return unpack(manifest, async (hash) => unpackChunk(byHash.get(hash) as Uint8Array));
  };

  it("are the same after unpacking, with names, aliases, TTLs and versions", async () => {
    const resources = [
      cluster("a", 1, { version: "mine", aliases: ["b", "c"], ttlMs: 1_500 }),
      cluster("xdstp://x/envoy.config.cluster.v3.Cluster/a?b=1&a=2"),
      Resource.of(create(ListenerSchema, { name: "a" })),
      cluster("empty", 0),
    ];
    const back = await unpacked(pack(resources));
    expect(back).toHaveLength(resources.length);
    for (const resource of resources) {
      const one = back.find(({ type, name }) => type === resource.type && name === resource.name) as Resource;
      expect(one.hasContentOf(resource)).toBe(true);
      expect([one.version, one.aliases, one.ttlMs]).toEqual([resource.version, resource.aliases, resource.ttlMs]);
      expect(Buffer.from(one.deltaEntry(true)).equals(Buffer.from(resource.deltaEntry(true)))).toBe(true);
    }
  });

  it("have the same bytes in any order", () => {
    const all = clusters(3_000);
    const [one, other] = [all, [...all].reverse()].map((resources) => bytesOf(pack(resources)));
    expect(one?.equals(other as Buffer)).toBe(true);
    expect(pack([...all].reverse()).manifest).toEqual(pack(all).manifest);
    expect(pack(all).chunks.length).toBeGreaterThan(1);
  });

  it("differ in one chunk when one resource has changed", () => {
    const all = clusters(20_000);
    const before = chunksOf(pack(all).manifest);
    const after = chunksOf(pack(all.map((one, at) => (at === 77 ? cluster(one.name, 2) : one))).manifest);
    expect(before.length).toBeGreaterThanOrEqual(16);
    expect(after.filter((hash) => !before.includes(hash))).toHaveLength(1);
  });

  it("are encoded again in one chunk only when one resource has changed", () => {
    const all = clusters(20_000);
    const before = pack(all);
    const changed = all.map((one, at) => (at === 77 ? cluster(one.name, 2) : one));
    const after = pack(changed, before);
    expect(after.chunks.filter(({ bytes }) => bytes)).toHaveLength(1);
    expect(after.manifest).toEqual(pack(changed).manifest);
    expect(pack(all, before).chunks.filter(({ bytes }) => bytes)).toEqual([]);
  });

  it("can be empty", async () => {
    expect(await unpacked(pack([]))).toEqual([]);
  });

  it.each(["", "{}", "[", '{"resources":1,"chunks":["x"]}', '{"resources":1,"chunks":[]}'])(
    "cannot be unpacked from %j",
    async (bytes) => {
      await expect(unpack(Buffer.from(bytes), async () => [])).rejects.toMatchObject({ code: "STORE_DAMAGED" });
    },
  );
});

/** The revision that was published. */
const revisionOf = (published: Published) => {
  if (!("revision" in published)) throw new Error(`no revision: ${JSON.stringify(published)}`);
  return published.revision;
};

describe("Revisions", () => {
  const open = async (options = {}, store = new MemoryStore()) =>
    Revisions.open(store, { now: () => 1_000, ...options });
  const gradually = () => ["n1", "n2"];

  it("gives each publishing a number, and reads it by the number", async () => {
    const revisions = await open();
    const first = await revisions.publish(
      new Map([
        ["g", clusters(2)],
        ["", [cluster("x")]],
      ]),
      { ...me, message: "one", source: "config/" },
    );
    expect(first).toMatchObject({
      result: "served",
      revision: { number: 1, parent: 0, at: 1_000, by: "me", message: "one", source: "config/" },
    });
    expect(revisionOf(first).counts).toEqual({ "type.googleapis.com/envoy.config.cluster.v3.Cluster": 3 });
    const second = await revisions.publish(groups(cluster("x", 2)), me);
    expect(revisionOf(second)).toMatchObject({ number: 2, parent: 1 });
    expect(revisions.head).toMatchObject({ next: 3, stable: 2 });
    expect((await revisions.list()).map(({ number }) => number)).toEqual([2, 1]);
    expect(labels(await revisions.groupsOf(revisionOf(first)))).toEqual(
      labels(
        new Map([
          ["", [cluster("x")]],
          ["g", clusters(2)],
        ]),
      ),
    );
    await expect(revisions.read(3)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(/no revision 3/),
    });
  });

  it("publishes live resources in the same move of the head as the rest, but not when all is held", async () => {
    const revisions = await open();
    const moves: number[] = [];
    revisions.onMove(({ stable, live }) => moves.push(stable * 10 + live));
    const live = (content: number): Groups => groups(cluster("e", content));
    await revisions.publish(groups(cluster("a")), { ...me, live: live(1) });
    await revisions.publish(groups(cluster("a")), { ...me, live: live(2) });
    const held = await revisions.publish(groups(cluster("b")), { ...me, live: live(3), isHeld: () => "all" });
    expect(held).toMatchObject({ result: "held", content: expect.stringMatching(/^[0-9a-f]{64}$/) });
    await revisions.publish(groups(cluster("b")), { ...me, live: live(3), isHeld: () => false });
    expect(moves).toEqual([11, 12, 23]);
    await revisions.publish(groups(cluster("c")), { ...me, live: live(4), isHeld: () => "rest" });
    expect(moves.at(-1)).toBe(24);
    await revisions.publish(groups(cluster("b")), { ...me, live: live(3) });
    expect(labels(await revisions.live())).toEqual(labels(live(3)));
  });

  it("keeps a bounded number of blobs, however often live resources change", async () => {
    const store = new MemoryStore();
    const revisions = await open({}, store);
    await revisions.publish(groups(cluster("a")), me);
    for (let content = 1; content <= 200; content++) await revisions.publishLive(groups(cluster("e", content)));
    expect(labels(await revisions.live())).toEqual(labels(groups(cluster("e", 200))));
    expect(await store.collect(new Set())).toBeLessThan(100);
  });

  it("writes blobs again that another process has removed", async () => {
    const store = new MemoryStore();
    const revisions = await open({}, store);
    const all = clusters(2_000);
    const isHeld = () => "all" as const;
    // Nothing refers to what is held, so another process removes it.
    expect((await revisions.publish(groups(...all), { ...me, isHeld })).result).toBe("held");
    expect(await store.collect(new Set())).toBeGreaterThan(1);
    const published = await revisions.publish(groups(...all), me);
    expect(labels(await revisions.groupsOf(revisionOf(published)))).toEqual(labels(groups(...all)));
  });

  it("makes no revision if only the order changes, but makes one if only the rules change", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a"), cluster("b")), me);
    expect((await revisions.publish(groups(cluster("b"), cluster("a")), me)).result).toBe("unchanged");
    expect(revisionOf(await revisions.publish(groups(cluster("b"), cluster("a")), { ...me, rules: [1] })).number).toBe(
      2,
    );
    expect((await revisions.publish(groups(cluster("b"), cluster("a")), { ...me, rules: [1] })).result).toBe(
      "unchanged",
    );
  });

  it("rolls a revision out, and serves it to all nodes at the end", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    const heard: number[] = [];
    revisions.onMove(({ stable, rollout }) => heard.push(stable, rollout?.revision ?? 0));
    expect(await revisions.publish(groups(cluster("a", 2)), { ...me, gradually })).toMatchObject({
      result: "started",
      revision: { number: 2 },
    });
    expect(revisions.head).toMatchObject({ stable: 1, rollout: { revision: 2, first: ["n1"] } });
    await revisions.settle(revisions.head.rollout?.id as string, { end: "done" });
    expect(revisions.head).toMatchObject({ stable: 2, next: 3 });
    expect(revisions.head.rollout).toBeUndefined();
    expect(heard).toEqual([1, 2, 2, 0]);
  });

  it("serves the first revision to all nodes at once, and also one that changes no node", async () => {
    const revisions = await open();
    expect((await revisions.publish(groups(cluster("a")), { ...me, gradually })).result).toBe("served");
    expect((await revisions.publish(groups(cluster("b")), { ...me, gradually: () => undefined })).result).toBe(
      "served",
    );
    expect((await revisions.publish(groups(cluster("c")), { ...me, gradually: () => [] })).result).toBe("started");
  });

  it("bars a content that was rolled back, until an order allows it", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    const bad = await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.settle(revisions.head.rollout?.id as string, { end: "rolledBack", why: "n1 refuses it" });
    expect(revisions.head).toMatchObject({ stable: 1, barred: [{ revision: 2, why: "n1 refuses it" }] });
    const again = await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    expect(again).toMatchObject({ result: "barred", barred: { why: "n1 refuses it", revision: 2 } });
    expect((await revisions.publish(groups(cluster("a", 3)), { ...me, gradually })).result).toBe("started");
    await revisions.again(revisionOf(bad).content, why);
    expect((await revisions.publish(groups(cluster("a", 2)), { ...me, gradually })).result).toBe("started");
    await expect(revisions.again(revisionOf(bad).content, why)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("bars a content even when its revision is no longer kept", async () => {
    const revisions = await open({ keep: 1 });
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.abort(why);
    for (const content of [3, 4, 5]) await revisions.publish(groups(cluster("a", content)), me);
    await expect(revisions.read(2)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(await revisions.publish(groups(cluster("a", 2)), me)).toMatchObject({
      result: "barred",
      barred: { revision: 2 },
    });
    expect(revisions.head.stable).toBe(5);
  });

  it("ends the rollout when the stable configuration is published again", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    expect((await revisions.publish(groups(cluster("a", 2)), { ...me, gradually })).result).toBe("unchanged");
    expect(await revisions.publish(groups(cluster("a")), { ...me, gradually })).toMatchObject({
      result: "reverted",
      revision: { number: 1 },
    });
    expect(revisions.head).toEqual({ next: 3, stable: 1, live: 0, barred: [] });
  });

  it("refuses a second undo without a target, because it would bring back what was undone", async () => {
    const revisions = await open();
    for (const name of ["x", "y", "z"]) await revisions.publish(groups(cluster(name)), me);
    const both = await Promise.allSettled([revisions.undo(undefined, why), revisions.undo(undefined, why)]);
    expect(both).toMatchObject([
      { status: "fulfilled", value: { number: 4, undoTo: 2 } },
      { status: "rejected", reason: { code: "WRONG_STATE", message: expect.stringMatching(/4.*me.*@2.*--to/s) } },
    ]);
    expect(revisions.head).toMatchObject({ stable: 4, barred: [{ revision: 3 }] });
    // With a target it can go back further, also to an undo.
    expect(await revisions.undo(1, why)).toMatchObject({ number: 5, undoTo: 1 });
    await revisions.publish(groups(cluster("w")), me);
    expect(await revisions.undo(undefined, why)).toMatchObject({ number: 7, undoTo: 5 });
    await expect(revisions.undo(undefined, why)).rejects.toMatchObject({ code: "WRONG_STATE" });
  });

  it("undoes: it serves old content as a new revision, keeps live resources, and bars the undone content", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), me);
    await revisions.publishLive(groups(cluster("live", 5)));
    expect(await revisions.undo(undefined, why)).toMatchObject({
      number: 3,
      parent: 2,
      message: "undo to @1: because",
    });
    expect(labels(await revisions.groupsOf(await revisions.read(3)))).toEqual(labels(groups(cluster("a"))));
    expect(labels(await revisions.live())).toEqual(labels(groups(cluster("live", 5))));
    expect(await revisions.publish(groups(cluster("a", 2)), me)).toMatchObject({
      result: "barred",
      barred: { why: "undone by me: because" },
    });
    expect(await revisions.undo(2, why)).toMatchObject({ number: 4 });
    expect((await revisions.publish(groups(cluster("a", 2)), me)).result).toBe("unchanged");
    await expect(revisions.undo(4, why)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(revisions.undo(9, why)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("undoes during a rollout only to a revision that is named, because the stable one has nothing to undo", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), me);
    await revisions.publish(groups(cluster("a", 3)), { ...me, gradually: () => ["n1"] });
    await expect(revisions.undo(undefined, why)).rejects.toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringMatching(/^@3 is being rolled out: `xds rollout abort` goes back to @2, .*--to$/),
    });
    expect(revisions.head).toMatchObject({ stable: 2, rollout: { revision: 3 }, barred: [] });
    expect(await revisions.undo(1, why)).toMatchObject({ number: 4, undoTo: 1 });
  });

  it("promotes, aborts, pauses, resumes and freezes, and records it in the audit log", async () => {
    const revisions = await open();
    for (const act of ["promote", "abort", "pause", "resume"] as const)
      await expect(Promise.resolve().then(() => revisions[act](why))).rejects.toMatchObject({ code: "WRONG_STATE" });
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.pause(why);
    expect(revisions.head.rollout?.paused).toEqual(why);
    await revisions.resume(why);
    expect(revisions.head.rollout?.paused).toBeUndefined();
    await revisions.freeze(why, 2_000);
    expect(revisions.isFrozen).toBe(true);
    await revisions.unfreeze(why);
    expect(revisions.isFrozen).toBe(false);
    await revisions.abort(why);
    expect(revisions.head).toMatchObject({ stable: 1, barred: [{ why: "aborted by me: because" }] });
    await revisions.publish(groups(cluster("a", 3)), { ...me, gradually });
    await revisions.promote(why);
    expect(revisions.head).toMatchObject({ stable: 3 });
    const content = (await revisions.read(2)).content;
    await revisions.again(content, why);
    const entries = await revisions.readAudit(20);
    expect(entries.map(({ what, details }) => (what === "publish" ? what : [what, details]))).toEqual([
      ["again", { revision: 2, content }],
      ["promote", { revision: 3 }],
      "publish",
      ["abort", { revision: 2 }],
      ["unfreeze", {}],
      ["freeze", { until: "1970-01-01T00:00:02.000Z" }],
      ["resume", { revision: 2 }],
      ["pause", { revision: 2 }],
      "publish",
      "publish",
    ]);
    expect(new Set(entries.filter(({ what }) => what !== "publish").map((entry) => entry.why))).toEqual(
      new Set(["because"]),
    );
  });

  it("has the reason of a rollback as the reason in the audit log", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.settle(revisions.head.rollout?.id ?? "", { end: "rolledBack", why: "node n0 refuses it" });
    expect(await revisions.readAudit(1)).toMatchObject([
      { what: "roll back", by: "server", why: "node n0 refuses it", details: { revision: 2 } },
    ]);
  });

  it("serves the next change to all nodes at once by order, and writes down who and why", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.promoteNext({ by: "eve", why: "outage" }, 2_000);
    expect(await revisions.publish(groups(cluster("a", 3)), { ...me, gradually })).toMatchObject({ result: "served" });
    expect(revisions.head).toMatchObject({ stable: 3 });
    expect(revisions.head.rollout, "the rollout before has ended").toBeUndefined();
    const [publish, order] = await revisions.readAudit(2);
    expect(publish).toMatchObject({ what: "publish", details: { revision: 3, "at once": "eve: outage" } });
    const details = { until: "1970-01-01T00:00:02.000Z" };
    expect(order).toMatchObject({ what: "promote next", by: "eve", why: "outage", details });
    expect(await revisions.publish(groups(cluster("a", 4)), { ...me, gradually })).toMatchObject({ result: "started" });
    expect((await revisions.readAudit(1))[0]?.details).not.toHaveProperty("at once");
  });

  it("has such an order wait for what is held, is barred or does not differ, until its time is over", async () => {
    let time = 1_000;
    const revisions = await open({ now: () => time });
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.abort(why);
    await revisions.promoteNext(why, 2_000);
    const results: string[] = [];
    const publish = async (content: number, isHeld = false) =>
      results.push((await revisions.publish(groups(cluster("a", content)), gradual(isHeld))).result);
    const gradual = (isHeld: boolean) => ({ ...me, gradually, isHeld: () => isHeld && ("all" as const) });
    await publish(1);
    await publish(2);
    await publish(3, true);
    expect([results, revisions.head.stable]).toEqual([["unchanged", "barred", "held"], 1]);
    await publish(3);
    expect(results.at(-1)).toBe("served");
    await revisions.promoteNext(why, 2_000);
    time = 2_000;
    await publish(4);
    expect(results.at(-1)).toBe("started");
  });

  it("does not go forward when a freeze is stored while the step is, and goes back", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    const { id } = revisions.head.rollout as { id: string };
    const before = revisions.head.rollout;
    await Promise.all([revisions.settle(id, { end: "done" }), revisions.freeze(why)]);
    expect(revisions.head).toMatchObject({ stable: 1, rollout: before, frozen: why });
    await revisions.settle(id, { end: "rolledBack", why: "refused" });
    expect(revisions.head.rollout).toBeUndefined();
  });

  it("takes no order to promote anything while everything is frozen, and a freeze ends such an order", async () => {
    const revisions = await open();
    await revisions.publish(groups(cluster("a")), me);
    await revisions.promoteNext(why, 2_000);
    await revisions.freeze({ by: "eve", why: "sale" });
    await expect(revisions.promoteNext(why, 2_000)).rejects.toThrow("eve has frozen changes: sale");
    await revisions.unfreeze(why);
    expect(await revisions.publish(groups(cluster("a", 2)), { ...me, gradually })).toMatchObject({ result: "started" });
    await revisions.freeze(why);
    await expect(revisions.promote(why)).rejects.toMatchObject({ code: "WRONG_STATE" });
    expect(revisions.head).toMatchObject({ stable: 1, rollout: { revision: 2 } });
  });

  it("keeps only the newest revisions and their blobs", async () => {
    const store = new MemoryStore();
    const revisions = await open({ keep: 3 }, store);
    for (let content = 1; content <= 10; content++) {
      await revisions.publish(groups(...clusters(10), cluster("x", content)), me);
      await revisions.publishLive(groups(cluster("live", content)));
    }
    expect((await revisions.list()).map(({ number }) => number)).toEqual([10, 9, 8]);
    for (const revision of await revisions.list())
      expect((await revisions.groupsOf(revision)).get("")).toHaveLength(11);
    expect((await revisions.live()).get("")?.[0]?.version).toBe(cluster("live", 10).version);
    expect(await store.collect(new Set())).toBeLessThanOrEqual(2 * (3 + 5));
  });

  it("keeps the revision before the stable one; candidates that were replaced go first", async () => {
    const revisions = await open({ keep: 3 });
    const numbers = async () => (await revisions.list()).map(({ number }) => number);
    await revisions.publish(groups(cluster("a", 1)), me);
    await revisions.publish(groups(cluster("a", 2)), me);
    for (let content = 3; content <= 8; content++)
      await revisions.publish(groups(cluster("a", content)), { ...me, gradually });
    expect(await numbers()).toEqual([8, 2, 1]);
    await revisions.promote(why);
    await revisions.publishLive(groups(cluster("live")));
    expect(await numbers()).toEqual([8, 2, 1]);
    for (let content = 9; content <= 12; content++)
      await revisions.publish(groups(cluster("a", content)), { ...me, gradually });
    expect(await numbers()).toEqual([12, 8, 2]);
    expect(await revisions.undo(2, why)).toMatchObject({ number: 13, undoTo: 2 });
  });

  it("keeps a candidate that was rolled back longer than one that was replaced", async () => {
    const revisions = await open({ keep: 4 });
    await revisions.publish(groups(cluster("a", 1)), me);
    await revisions.publish(groups(cluster("a", 2)), { ...me, gradually });
    await revisions.abort(why);
    for (let content = 3; content <= 9; content++)
      await revisions.publish(groups(cluster("a", content)), { ...me, gradually });
    expect((await revisions.list()).map(({ number }) => number)).toEqual([9, 8, 2, 1]);
  });

  it("removes old live resources whose earlier removal has failed", async () => {
    class FailingStore extends MemoryStore {
      fails = false;
      override async removeRecords(keys: readonly string[]) {
        if (this.fails) throw new Error("disk");
        await super.removeRecords(keys);
      }
    }
    const store = new FailingStore();
    const revisions = await open({}, store);
    for (let content = 1; content <= 12; content++) {
      store.fails = content === 6 || content === 7;
      await revisions.publishLive(groups(cluster("live", content)));
    }
    expect((await store.listRecords("live")).map(Number).sort((a, b) => a - b)).toEqual([9, 10, 11, 12]);
  });

  it("loses no configuration when several are published at the same time", async () => {
    const revisions = await open();
    const all = await Promise.all(
      [1, 2, 3, 4, 5].map((content) => revisions.publish(groups(cluster("a", content)), me)),
    );
    expect(all.map((published) => revisionOf(published).number)).toEqual([1, 2, 3, 4, 5]);
    expect(revisions.head.stable).toBe(5);
  });

  it("sees the moves of another Revisions on the same store", async () => {
    const store = new MemoryStore();
    const [one, other] = [await open({}, store), await open({}, store)];
    await one.publish(groups(cluster("a")), me);
    expect(other.head).toEqual(one.head);
    await Promise.all([one.freeze(why), other.publish(groups(cluster("a", 2)), me)]);
    expect(one.head).toMatchObject({ stable: 2, frozen: why });
    expect(other.head).toEqual(one.head);
  });

  it.each(crashes)("can be opened after a crash at any moment, when the disk has: %s", async (left) => {
    const scenario = async (disk: CrashingDisk, done: (served: number) => void) => {
      const revisions = await Revisions.open(await DirectoryStore.open("/state", { disk }), { keep: 2 });
      for (let content = revisions.head.stable + 1; content <= 4; content++) {
        await revisions.publish(groups(...clusters(3), cluster("x", content)), me);
        await revisions.publishLive(groups(cluster("live", content)));
        done(content);
      }
    };
    const whole = new CrashingDisk();
    await scenario(whole, () => {});
    for (let steps = 0; steps < whole.steps; steps += 1) {
      const disk = new CrashingDisk(steps);
      let served = 0;
      await scenario(disk, (content) => (served = content)).catch((error: { cause?: unknown }) => {
        if (!(error.cause instanceof Crash)) throw error;
      });
      const revisions = await Revisions.open(await DirectoryStore.open("/state", { disk: disk.after(left) }), {
        keep: 2,
      });
      const { stable } = revisions.head;
      expect(stable === served || stable === served + 1).toBe(true);
      for (const revision of await revisions.list())
        expect((await revisions.groupsOf(revision)).get("")).toHaveLength(4);
      const live = (await revisions.live()).get("")?.[0];
      if (served > 0)
        expect([served, served + 1].map((content) => cluster("live", content).version)).toContain(live?.version);
      await revisions.publish(groups(cluster("y")), me);
      expect(revisions.head.stable).toBe(stable + 1);
    }
  });
});

it("does not replace a revision that a publisher does not know, unless both have the same content", async () => {
  const store = new MemoryStore();
  const [one, two] = [await Revisions.open(store), await Revisions.open(store)];
  await one.publish(groups(cluster("a")), me);
  const after = two.head.next - 1;
  await one.publish(groups(cluster("a", 2)), { by: "alice", message: "timeouts" });
  await expect(two.publish(groups(cluster("a", 3)), { ...me, after })).rejects.toMatchObject({
    code: "WRONG_STATE",
    message: expect.stringMatching(
      /^@2 was published meanwhile, by alice \(timeouts\), so this change is not published/,
    ),
  });
  expect(two.head.stable).toBe(2);
  expect(await two.publish(groups(cluster("a", 2)), { ...me, after })).toMatchObject({ result: "unchanged" });
  expect(await two.publish(groups(cluster("a", 3)), { ...me, after: 2 })).toMatchObject({ result: "served" });
});
