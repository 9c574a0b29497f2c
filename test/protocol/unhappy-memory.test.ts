import { describe, expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { Fleet, type FleetOptions, freshCluster, routeTo } from "./fleet.js";
import { collect, liveBytes } from "./live-heap.js";

const variants = ["sotw", "delta"] as const;
const fleetOf = (cache: LinearCache, options: Partial<FleetOptions> & Pick<FleetOptions, "variant" | "streams">) =>
  new Fleet(cache, { typeUrl: clusterType, ...options });

describe.each(variants)("memory, %s:", (variant) => {
  it("a stream that refused its first response of 5,000 clusters holds at most 4 times what one that ACKed holds", async () => {
    const streams = 400; // so many that code which V8 drops meanwhile does not matter
    const clusters = Array.from({ length: 5_000 }, (_, i) => freshCluster(`c${i}`, 1));
    const perStream = async (count: number, bad: string | undefined) => {
      const cache = new LinearCache(clusterType, { resources: clusters });
      const before = await liveBytes();
      const fleet = fleetOf(cache, { variant, streams: count });
      fleet.refuse(({ name }) => name === bad);
      fleet.settle();
      const bytes = ((await liveBytes()) - before) / count;
      expect(fleet.nacks > 0).toBe(bad !== undefined);
      fleet.close();
      return bytes;
    };
    // The code is compiled first.
    await perStream(10, undefined);
    await perStream(10, "c2500");
    const acked = await perStream(streams, undefined);
    const refused = await perStream(streams, "c2500");
    console.log(`${variant}: ${acked.toFixed()} bytes per stream after an ACK, ${refused.toFixed()} after a NACK`);
    expect(acked).toBeGreaterThan(500);
    expect(acked).toBeLessThan(10_000);
    expect(refused).toBeLessThanOrEqual(4 * acked);
  }, 60_000);

  it("while a NACK is open, the replacements of other names take a constant amount of memory", async () => {
    const streams = 20;
    const cache = new LinearCache(clusterType, { resources: [freshCluster("bad", 1), freshCluster("c0", 1)] });
    // On streams of the type's own nothing waits for other types.
    const fleet = fleetOf(cache, { variant, streams, own: true });
    fleet.refuse(({ name }) => name === "bad");
    fleet.settle();
    let last = 0;
    const replaceUntil = async (count: number) => {
      for (; last < count; last++) {
        cache.update({ set: [freshCluster(`c${last + 1}`, 1)], delete: [`c${last}`] });
        fleet.settle();
      }
      return liveBytes();
    };
    const first = await replaceUntil(1_000);
    let growth = 0;
    // In steps, so that it fails soon where it grows. An entry takes some 200 bytes.
    for (let count = 1_500; count <= 2_500; count += 500) {
      growth = ((await replaceUntil(count)) - first) / streams / (count - 1_000);
      console.log(`${variant}: ${growth.toFixed(1)} bytes per stream for each of ${count - 1_000} replacements`);
      expect(growth).toBeLessThan(20);
    }
    expect(fleet.nacks).toBeGreaterThanOrEqual(streams);
    expect(cache.size).toBe(2);
  }, 60_000);

  it("two clusters that are refused in turn 3,000 times leave at most 4 responses reachable", async () => {
    // A route sends to both, so that the one that is not served has to stay as the client may have it.
    const cache = new SnapshotCache({ nodeGroup: () => "all" });
    const route = routeTo("r", "a", "b");
    cache.set("all", Snapshot.of([freshCluster("a", 0), freshCluster("b", 0), route]));
    const fleet = new Fleet(cache, {
      variant,
      streams: 1,
      typeUrl: clusterType,
      also: { typeUrl: routeType, names: ["r"] },
    });
    fleet.settle();
    expect(fleet.acks).toBe(2);
    fleet.refuse(({ type }) => type.typeUrl === clusterType);
    const responses: WeakRef<object>[] = [];
    const lists: WeakRef<object>[] = [];
    fleet.onResponse = (response) => {
      responses.push(new WeakRef(response));
      lists.push(new WeakRef(response.resources));
    };
    const served: WeakRef<object>[] = [];
    for (let i = 1; i <= 3_000; i++) {
      const next = freshCluster(i % 2 ? "a" : "b", i);
      served.push(new WeakRef(next));
      cache.set("all", Snapshot.of([next, route]));
      fleet.settle();
    }
    await collect();
    const alive = (refs: readonly WeakRef<object>[]) => new Set(refs.flatMap((ref) => ref.deref() ?? [])).size;
    const found = { responses: alive(responses), lists: alive(lists), contents: alive(served) };
    console.log(`${variant}: of ${fleet.nacks} refused responses are alive: ${JSON.stringify(found)}`);
    expect(fleet.nacks).toBeGreaterThanOrEqual(1_000);
    expect(found.responses).toBeLessThanOrEqual(4);
    expect(found.lists).toBeLessThanOrEqual(4);
    // Besides what was refused last, a log keeps what 256 changes have superseded and 256 removals have removed.
    expect(found.contents).toBeLessThanOrEqual(4 * 2 + 2 * 256);
  }, 60_000);
});
