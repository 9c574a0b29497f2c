import type { JsonValue } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { LogBook, stopClock, TestServer } from "../../test/protocol/harness.js";
import { wholeOr } from "../../test/protocol/ordered-client.js";
import { cluster, endpoints } from "../../test/protocol/resources.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { XdsError } from "../errors.js";
import { inOneStep } from "../in-turns.js";
import { Resource } from "../resource/resource.js";
import { clusterType, endpointType } from "../resource/types.js";
import type { Groups } from "../revisions/revision-blobs.js";
import { Revisions } from "../revisions/revisions.js";
import { MemoryStore } from "../store/memory-store.js";
import { HeadFollower, type HeadFollowerOptions } from "./head-follower.js";
import { withLive } from "./head-snapshots.js";
import { hasCandidate, type ServedHead } from "./served-head.js";

const by = { by: "me" };
/** Layers are groups. The layer "common" is in all of them. */
const viewsOf = (layers: Groups, _rules: JsonValue | undefined) => {
  const common = layers.get("common") ?? [];
  const views = new Map<string, readonly Resource[]>();
  for (const [layer, own] of layers) if (layer !== "common") views.set(layer, [...common, ...own]);
  return views;
};
const inSteps = (layers: Groups, rules: JsonValue | undefined) => inOneStep(() => viewsOf(layers, rules));
const layers = (all: Record<string, readonly Resource[]>): Groups => new Map(Object.entries(all));
/** The resources of a group of the cache, as `name@content`. */
const shown = (cache: SnapshotCache, group: string, snapshot = cache.get(group)) =>
  snapshot && [clusterType, endpointType].flatMap((type) => [...snapshot.resources(type).values()].map(versionOf));
const versionOf = ({ name, version }: Resource) => `${name} ${version}`;
const versions = (...resources: Resource[]) => resources.map(versionOf);

/** A store whose blobs cannot be read now. */
class BrokenStore extends MemoryStore {
  isBroken = false;
  reads = 0;
  override async readBlob(hash: string) {
    this.reads++;
    if (this.isBroken) throw new XdsError("STORE_FAILED", "the disk is gone");
    return super.readBlob(hash);
  }
}

async function follow(options: Partial<HeadFollowerOptions> = {}) {
  const store = new BrokenStore();
  const revisions = await Revisions.open(store, { now: () => 1_000 });
  const cache = new SnapshotCache({ nodeGroup: () => "a" });
  const log = new LogBook();
  const follower = new HeadFollower(revisions, cache, { viewing: inSteps, logger: log, ...options });
  onTestFinished(() => follower.close());
  const gradually = () => ["n1"];
  const publish = async (all: Record<string, readonly Resource[]>, first?: string) => {
    const published = await revisions.publish(layers(all), { ...by, ...(first && { gradually }) });
    await follower.applied();
    return published;
  };
  const rollout = () => revisions.head.rollout ?? expect.fail("a rollout");
  return { store, revisions, cache, log, follower, publish, gradually, rollout };
}

describe("HeadFollower", () => {
  it("shows the stable revision in all groups, and clears groups that no longer exist", async () => {
    const { cache, follower, publish } = await follow();
    await follower.open();
    expect(cache.keys()).toEqual([]);
    await publish({ common: [cluster("c")], a: [cluster("x")], b: [] });
    expect([shown(cache, "a"), shown(cache, "b")]).toEqual([
      versions(cluster("c"), cluster("x")),
      versions(cluster("c")),
    ]);
    await publish({ common: [cluster("c", 2)], a: [] });
    expect(cache.keys()).toEqual(["a"]);
    expect(shown(cache, "a")).toEqual(versions(cluster("c", 2)));
  });

  it("shows a revision that was published before it was opened, with live resources in their layers", async () => {
    const { revisions, cache, follower } = await follow();
    await revisions.publish(layers({ common: [cluster("c")], a: [] }), by);
    await revisions.publishLive(layers({ common: [endpoints("c")] }));
    await follower.open();
    expect(shown(cache, "a")).toEqual(versions(cluster("c"), endpoints("c")));
    await revisions.publishLive(layers({ common: [endpoints("c", 2)] }));
    await follower.applied();
    expect(shown(cache, "a")).toEqual(versions(cluster("c"), endpoints("c", 2)));
  });

  it("has a candidate only for groups that the candidate changes; both revisions have the live resources", async () => {
    const { revisions, cache, follower, publish } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")], b: [cluster("y")] });
    await publish({ a: [cluster("x", 2)], b: [cluster("y")] }, "n1");
    await revisions.publishLive(layers({ a: [endpoints("x", 3)] }));
    await follower.applied();
    expect(shown(cache, "a")).toEqual(versions(cluster("x"), endpoints("x", 3)));
    expect(shown(cache, "a", cache.candidate("a"))).toEqual(versions(cluster("x", 2), endpoints("x", 3)));
    expect(cache.candidate("b")).toBeUndefined();
    expect([...(follower.served?.candidates.keys() ?? [])]).toEqual(["a"]);
  });

  it("keeps equal resources of stable and candidate as one object, remembered or read", async () => {
    const { revisions, cache, follower, publish, gradually } = await follow();
    await follower.open();
    await publish({ a: [cluster("x"), cluster("y")] });
    const stable = cache.get("a")?.get(clusterType, "x");
    await publish({ a: [cluster("x"), cluster("y", 2)] }, "n1");
    expect(cache.candidate("a")?.get(clusterType, "x")).toBe(stable);
    // Whoever gives layers keeps them, so its objects take the place of those that were read.
    const x = cluster("x");
    expect(x).not.toBe(stable);
    const remembered = layers({ a: [x, cluster("y", 3)] });
    await revisions.publish(remembered, {
      ...by,
      gradually: ({ content }) => {
        follower.remember(content, remembered);
        return gradually();
      },
    });
    await follower.applied();
    expect(cache.candidate("a")?.get(clusterType, "x")).toBe(x);
    expect(cache.get("a")?.get(clusterType, "x")).toBe(x);
    expect(cache.candidate("a")?.get(clusterType, "y")).toBe(cluster("y", 3));
  });

  it("reads nothing for another wave, and nothing that it remembers", async () => {
    const { store, revisions, follower, publish, rollout } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")] });
    await publish({ a: [cluster("x", 2)] }, "n1");
    const { reads } = store;
    await revisions.settle(rollout().id, { next: { ...rollout(), share: 0.5, wave: 1 } });
    await follower.applied();
    expect(store.reads).toBe(reads);
    expect(follower.served?.head).toBe(revisions.head);
  });

  it.each(["sotw", "delta"] as const)("moves nodes between stable and candidate in waves, %s", async (variant) => {
    const { revisions, cache, follower, publish, rollout } = await follow();
    const server = await TestServer.start(cache);
    await follower.open();
    await publish({ a: [cluster("x"), cluster("z")] });
    const [first, second] = ["n1", "n2"].map((id) => server.open({ variant, kind: "own service" }, clusterType, id));
    if (!first || !second) throw new Error("two streams");
    const whole = wholeOr(variant);
    for (const stream of [first, second]) {
      stream.want();
      await stream.take(["x@1", "z@1"]);
    }
    await publish({ a: [cluster("x", 2), cluster("z")] }, "n1");
    await first.take(...whole(["x@2", "z@1"], ["x@2"]));
    await second.quiet();
    // Back: the first node only.
    await revisions.abort({ by: "me", why: "no" });
    await follower.applied();
    expect(cache.candidate("a")).toBeUndefined();
    await first.take(...whole(["x@1", "z@1"], ["x@1"]));
    await second.quiet();
    // Forward: the first node has it already.
    await publish({ a: [cluster("x", 3), cluster("z")] }, "n1");
    await first.take(...whole(["x@3", "z@1"], ["x@3"]));
    await revisions.settle(rollout().id, { end: "done" });
    await follower.applied();
    await second.take(...whole(["x@3", "z@1"], ["x@3"]));
    await first.quiet();
    expect([cache.candidate("a"), shown(cache, "a")]).toEqual([undefined, versions(cluster("x", 3), cluster("z"))]);
  });

  it("replaces a candidate without showing the stable revision in between", async () => {
    const { cache, follower, publish } = await follow();
    const server = await TestServer.start(cache);
    await follower.open();
    await publish({ a: [cluster("x")] });
    const first = server.open({ variant: "delta", kind: "ADS" }, clusterType, "n1");
    first.want();
    await first.take(["x@1"]);
    for (const content of [2, 3]) {
      await publish({ a: [cluster("x", content)] }, "n1");
      await first.take([`x@${content}`]);
    }
    await first.quiet();
  });

  it("goes back at once while another head is prepared", async () => {
    const { revisions, cache, follower, publish } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")] });
    await publish({ a: [cluster("x", 2)] }, "n1");
    await revisions.publishLive(layers({ a: [endpoints("x")] }));
    await revisions.abort({ by: "me", why: "no" });
    expect(cache.candidate("a")).toBeUndefined();
    await follower.applied();
    expect(shown(cache, "a")).toEqual(versions(cluster("x"), endpoints("x")));
    expect(follower.served?.head).toBe(revisions.head);
  });

  it("skips all but the newest of the heads that come while one is prepared", async () => {
    const seen: number[] = [];
    const { revisions, follower } = await follow({ onServed: ({ head }) => seen.push(head.stable) });
    await follower.open();
    for (let content = 1; content <= 20; content++) await revisions.publish(layers({ a: [cluster("x", content)] }), by);
    await follower.applied();
    expect(seen.at(-1)).toBe(20);
    expect(seen.length).toBeLessThan(20);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("leaves the cache as it was when the store cannot be read, logs why, and tries again", async () => {
    const { store, revisions, cache, log, follower, publish } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")] });
    const clock = stopClock();
    store.isBroken = true;
    await revisions.publish(layers({ a: [cluster("x", 2)] }), by);
    await expect(follower.applied()).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(shown(cache, "a")).toEqual(versions(cluster("x")));
    expect(log.entries.at(-1)).toMatchObject({ level: "error", fields: { error: "the disk is gone" } });
    store.isBroken = false;
    await clock.pass(2_000);
    vi.useRealTimers();
    await follower.applied();
    expect(shown(cache, "a")).toEqual(versions(cluster("x", 2)));
  });

  it("changes all groups or none", async () => {
    const { cache, follower, publish, revisions } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")], b: [cluster("y")] });
    await revisions.publish(layers({ a: [cluster("x", 2)], b: [cluster("y"), cluster("y", 2)] }), by);
    await expect(follower.applied()).rejects.toMatchObject({ code: "DUPLICATE_NAME" });
    expect([shown(cache, "a"), shown(cache, "b")]).toEqual([versions(cluster("x")), versions(cluster("y"))]);
    await publish({ a: [cluster("x", 3)], b: [cluster("y", 3)] });
    expect([shown(cache, "a"), shown(cache, "b")]).toEqual([versions(cluster("x", 3)), versions(cluster("y", 3))]);
  });

  it("changes all groups or none even if only the cache refuses a snapshot", async () => {
    const { cache, follower, publish, revisions } = await follow();
    const versioned = (content: number) =>
      Resource.fromBytes(clusterType, cluster("y", content).body, { version: "mine" });
    await follower.open();
    await publish({ a: [cluster("x")], b: [versioned(1)] });
    await revisions.publish(layers({ a: [cluster("x", 2)], b: [versioned(2)] }), by);
    await expect(follower.applied()).rejects.toMatchObject({ code: "VERSION_IN_USE" });
    expect(shown(cache, "a")).toEqual(versions(cluster("x")));
  });

  it("never shows a candidate that was rolled back while it was prepared", async () => {
    const { cache, follower, publish, revisions, gradually } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")] });
    const set = vi.spyOn(cache, "setCandidate");
    await revisions.publish(layers({ a: [cluster("x", 2)] }), { ...by, gradually });
    await revisions.abort({ by: "me", why: "no" });
    await follower.applied();
    expect(set).not.toHaveBeenCalled();
  });

  it("shows the fallback group's resources as stable in a group that only the candidate has", async () => {
    const { cache, follower, publish, revisions, rollout } = await follow({ fallbackGroup: "a" });
    await follower.open();
    await publish({ a: [cluster("x")] });
    await publish({ a: [cluster("x")], b: [cluster("y")] }, "n1");
    expect(shown(cache, "b")).toEqual(versions(cluster("x")));
    expect(shown(cache, "b", cache.candidate("b"))).toEqual(versions(cluster("y")));
    expect(cache.candidate("a")).toBeUndefined();
    await revisions.settle(rollout().id, { end: "rolledBack", why: "no" });
    await follower.applied();
    expect(cache.keys()).toEqual(["a"]);
  });

  it("rejects waits when it is closed, and stops following the head", async () => {
    const { cache, follower, publish, revisions } = await follow();
    await follower.open();
    await publish({ a: [cluster("x")] });
    await revisions.publish(layers({ a: [cluster("x", 2)] }), by);
    const applied = follower.applied();
    follower.close();
    await expect(applied).rejects.toMatchObject({ code: "WRONG_STATE" });
    await expect(follower.applied()).rejects.toMatchObject({ code: "WRONG_STATE" });
    expect(shown(cache, "a")).toEqual(versions(cluster("x")));
  });
});

/** A slow store. Each call takes another time. */
class SlowStore extends MemoryStore {
  constructor(private readonly turns: () => number) {
    super();
  }
  private async wait() {
    for (let turns = this.turns(); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  }
  override async readBlob(hash: string) {
    await this.wait();
    return super.readBlob(hash);
  }
  override async readRecord(key: string) {
    await this.wait();
    return super.readRecord(key);
  }
}

it("always ends by showing the present head, whatever happens while it is prepared", async () => {
  const act = fc.record({
    what: fc.constantFrom("publish", "roll", "live", "wave", "done", "rollback", "promote", "again", "applied"),
    x: fc.integer({ min: 1, max: 4 }),
    y: fc.integer({ min: 0, max: 2 }),
    turns: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), fc.array(fc.nat(3), { minLength: 1 }), async (acts, waits) => {
      let call = 0;
      const store = new SlowStore(() => waits[call++ % waits.length] as number);
      const revisions = await Revisions.open(store, { now: () => 1_000 });
      const cache = new SnapshotCache({ nodeGroup: () => "a", fallbackGroup: "b" });
      const log = new LogBook();
      const problems: string[] = [];
      const onServed = ({ head, candidates }: ServedHead) => {
        for (const group of ["a", "b"])
          if (cache.candidate(group) !== candidates.get(group)) problems.push(`candidate of ${group}`);
        if (!head.rollout && candidates.size > 0) problems.push("a candidate without a rollout");
      };
      const follower = new HeadFollower(revisions, cache, {
        viewing: inSteps,
        fallbackGroup: "b",
        logger: log,
        onServed,
      });
      await follower.open();
      for (const { what, x, y, turns } of acts) {
        const { rollout } = revisions.head;
        const all: Record<string, readonly Resource[]> = { common: [cluster("x", x)], b: [cluster("b")] };
        if (y > 0) all.a = [cluster("y", y)];
        if (what === "publish") await revisions.publish(layers(all), by);
        if (what === "roll") await revisions.publish(layers(all), { ...by, gradually: () => ["n1"] });
        if (what === "live") await revisions.publishLive(layers({ common: [endpoints("x", x)] }));
        if (what === "wave" && rollout)
          await revisions.settle(rollout.id, { next: { ...rollout, share: 0.5, wave: 1 } });
        if (what === "done" && rollout) await revisions.settle(rollout.id, { end: "done" });
        if (what === "rollback" && rollout) await revisions.settle(rollout.id, { end: "rolledBack", why: "no" });
        if (what === "promote" && rollout) await revisions.promote({ by: "me", why: "now" });
        for (const { content } of what === "again" ? revisions.head.barred : [])
          await revisions.again(content, { by: "me", why: "now" });
        if (what === "applied") await follower.applied();
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      await follower.applied();
      const { stable, rollout } = revisions.head;
      const live = await revisions.live();
      const viewsIn = async (number: number) =>
        viewsOf(withLive(await revisions.groupsOf(await revisions.read(number)), live), undefined);
      const stableViews = stable > 0 ? await viewsIn(stable) : new Map<string, readonly Resource[]>();
      const views = rollout ? await viewsIn(rollout.revision) : stableViews;
      for (const group of ["a", "b"]) {
        const [own, candidate] = [stableViews, views].map((all) => {
          const view = stableViews.has(group) || views.has(group) ? (all.get(group) ?? all.get("b")) : undefined;
          return view?.map(versionOf).sort();
        });
        const isOther = JSON.stringify(candidate) !== JSON.stringify(own);
        const has = cache.candidate(group);
        expect(has && shown(cache, group, has)?.sort()).toEqual(isOther ? candidate : undefined);
        const isShown = stableViews.has(group) || isOther;
        expect(shown(cache, group)?.sort()).toEqual(isShown ? own : undefined);
      }
      expect(problems).toEqual([]);
      expect(log.entries.filter(({ level }) => level === "error")).toEqual([]);
      follower.close();
    }),
    { numRuns: 150 },
  );
});

it("gives the candidate to a node without an id in the last wave", () => {
  const rollout = { id: "r", revision: 2, startedAt: 0, first: ["", "n1"], wave: 0, share: 0, since: 0 };
  const at = (share: number, id: string) => hasCandidate({ ...rollout, state: "applying", share }, { id });
  expect([at(0, "n1"), at(0, "n2"), at(0, ""), at(0.99, ""), at(1, ""), at(1, "n2")]).toEqual([
    true,
    false,
    false,
    false,
    true,
    true,
  ]);
});

describe("a client that comes back to another process", () => {
  it("P36 gets the endpoints that were removed meanwhile, also after several changes", async () => {
    const store = new MemoryStore();
    const revisions = await Revisions.open(store);
    const at = (name: string) => layers({ a: [endpoints(name)] });
    await revisions.publish(layers({ a: [cluster("c")] }), { ...by, live: at("c0") });
    for (const name of ["c1", "c2", "c3", "c4"]) await revisions.publishLive(at(name));
    const cache = new SnapshotCache({ nodeGroup: () => "a" });
    // What was live as c2 cannot be shown any more. Only that is left out.
    const viewing = (all: Groups, rules: JsonValue | undefined) => {
      if (all.get("a")?.some(({ name }) => name === "c2")) throw new XdsError("INVALID_RESOURCE", "c2 is no more");
      return inSteps(all, rules);
    };
    const follower = new HeadFollower(await Revisions.open(store), cache, { viewing });
    onTestFinished(() => follower.close());
    await follower.open();
    await follower.noteEarlier();
    const test = await TestServer.start(cache);
    const stream = test.open({ variant: "sotw", kind: "ADS" }, endpointType);
    stream.request(endpointType, { versionInfo: "of before", resourceNames: ["c0", "c1", "c2", "c3", "c4"] });
    await stream.take(["c1@1", "c3@1", "c4@1"]); // c0 is no longer kept
  });
});
