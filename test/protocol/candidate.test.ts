import { describe, expect, it } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType, routeType } from "../../src/resource/types.js";
import { adsWays, allWays, on, TestServer, takeRemovedLast } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, listenerToR, route, routeToC } from "./resources.js";

const snapshot = (...resources: Resource[]) => Snapshot.of(resources);
const pick =
  (...ids: string[]) =>
  ({ id }: { readonly id: string }) =>
    ids.includes(id);

/** A cache in which all nodes are of one group. */
function oneGroup(...resources: Resource[]): SnapshotCache {
  const cache = new SnapshotCache({ nodeGroup: () => "g" });
  cache.set("g", snapshot(...resources));
  return cache;
}

describe("a candidate", () => {
  on(allWays, (way) => {
    const whole = wholeOr(way.variant);

    /** Two nodes that have c@1 and d@1, of which n1 has been moved to the candidate c@2, e@1. */
    async function moved() {
      const cache = oneGroup(cluster("c"), cluster("d"));
      const server = await TestServer.start(cache);
      const [first, second] = ["n1", "n2"].map((id) => server.open(way, clusterType, id));
      if (!first || !second) throw new Error("two streams");
      for (const stream of [first, second]) {
        stream.want();
        await stream.take(["c@1", "d@1"]);
      }
      cache.setCandidate("g", snapshot(cluster("c", 2), cluster("e")), pick("n1"));
      if (way.variant === "sotw") {
        if (way.kind === "ADS") await first.take(["c@2", "d@1", "e@1"]);
        await first.take(["c@2", "e@1"]);
      } else await takeRemovedLast(way, first, ["c@2", "e@1"], ["d"]);
      await second.quiet();
      return { cache, server, first, second };
    }

    it("is sent to the nodes that are picked, and nothing to the others", async () => {
      const { first, second } = await moved();
      await first.quiet();
      await second.quiet();
    });

    it("is sent to more nodes as more are picked", async () => {
      const { cache, first, second } = await moved();
      cache.setCandidate("g", snapshot(cluster("c", 2), cluster("d")), pick("n1", "n2"));
      await second.take(...whole(["c@2", "d@1"], ["c@2"]));
      if (way.variant === "sotw") {
        if (way.kind === "ADS") await first.take(["c@2", "d@1", "e@1"]);
        await first.take(["c@2", "d@1"]);
      } else await takeRemovedLast(way, first, ["d@1"], ["e"]);
    });

    it("is promoted: nodes that have it are sent nothing, the others what differs", async () => {
      const { cache, first, second } = await moved();
      cache.promote("g");
      expect(cache.candidate("g")).toBeUndefined();
      expect([...(cache.get("g")?.resources(clusterType).keys() ?? [])]).toEqual(["c", "e"]);
      if (way.variant === "sotw") {
        if (way.kind === "ADS") await second.take(["c@2", "d@1", "e@1"]);
        await second.take(["c@2", "e@1"]);
      } else await takeRemovedLast(way, second, ["c@2", "e@1"], ["d"]);
      await first.quiet();
      cache.set("g", snapshot(cluster("c", 3), cluster("e")));
      for (const stream of [first, second]) await stream.take(...whole(["c@3", "e@1"], ["c@3"]));
    });

    it("is dropped: its nodes go back, and the others are sent nothing", async () => {
      const { cache, first, second } = await moved();
      cache.dropCandidate("g");
      if (way.variant === "sotw") {
        if (way.kind === "ADS") await first.take(["c@1", "d@1", "e@1"]);
        await first.take(["c@1", "d@1"]);
      } else await takeRemovedLast(way, first, ["c@1", "d@1"], ["e"]);
      await second.quiet();
      cache.set("g", snapshot(cluster("c", 3), cluster("d")));
      for (const stream of [first, second]) await stream.take(...whole(["c@3", "d@1"], ["c@3"]));
    });

    it("stays with a node that connects again, and a node that comes first then gets what it is picked for", async () => {
      const { server } = await moved();
      for (const [id, has] of [
        ["n1", ["c@2", "e@1"]],
        ["n3", ["c@1", "d@1"]],
      ] as const) {
        const stream = server.connect().open(way, clusterType, id);
        stream.want();
        await stream.take(has);
      }
    });
  });

  on(adsWays, (way) => {
    it("P53 P54 is made before break in both directions", async () => {
      const cache = oneGroup(cluster("c1"), routeToC("r1", 1), listenerToR("l", 1));
      const server = await TestServer.start(cache, { drainTimeMs: 0 });
      const stream = server.open(way, clusterType, "n1");
      const whole = wholeOr(way.variant);
      stream.want();
      await stream.take(["c1@1"]);
      stream.of(listenerType).want();
      await stream.of(listenerType).take(["l@1"]);
      stream.of(routeType).want("r1");
      await stream.of(routeType).take(["r1@1"]);
      const swap = async (from: number, to: number) => {
        await stream.of(clusterType).take(...whole([`c${from}@1`, `c${to}@1`].sort(), [`c${to}@1`]));
        await stream.of(listenerType).take([`l@${to}`]);
        if (way.variant === "sotw") stream.of(routeType).want(`r${to}`);
        else stream.request(routeType, { resourceNamesSubscribe: [`r${to}`], resourceNamesUnsubscribe: [`r${from}`] });
        await stream.of(routeType).take([`r${to}@${to}`]);
        if (way.variant === "sotw") await stream.of(clusterType).take([`c${to}@1`]);
        else await stream.of(clusterType).take([], [`c${from}`]);
        await stream.quiet();
      };
      cache.setCandidate("g", snapshot(cluster("c2"), routeToC("r2", 2), listenerToR("l", 2)), pick("n1"));
      await swap(1, 2);
      cache.dropCandidate("g");
      await swap(2, 1);
    });
  });

  it("needs a snapshot of the group, can be replaced, and is dropped with the snapshot", () => {
    const cache = new SnapshotCache();
    const set = () => cache.setCandidate("n", snapshot(cluster("a", 2)), () => true);
    expect(set).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    cache.set("n", snapshot(cluster("a")));
    set();
    expect(cache.candidate("n")?.get(clusterType, "a")?.version).toBe(cluster("a", 2).version);
    expect(cache.get("n")?.get(clusterType, "a")?.version).toBe(cluster("a").version);
    cache.clear("n");
    expect(cache.candidate("n")).toBeUndefined();
    for (const nothing of [() => cache.promote("n"), () => cache.dropCandidate("n"), () => cache.promote("other")])
      expect(nothing).not.toThrow();
  });

  it("is not taken where its selection fails, and nothing changes", async () => {
    const cache = oneGroup(cluster("a"));
    const server = await TestServer.start(cache);
    const stream = server.open({ variant: "sotw", kind: "ADS" }, clusterType, "n1");
    stream.want();
    await stream.take(["a@1"]);
    const fails = () => {
      throw new Error("my mistake");
    };
    expect(() => cache.setCandidate("g", snapshot(cluster("a", 2)), fails)).toThrow("my mistake");
    const noFunction = "n1" as unknown as () => boolean;
    expect(() => cache.setCandidate("g", snapshot(cluster("a", 2)), noFunction)).toThrow("pick must be a function");
    expect(cache.candidate("g")).toBeUndefined();
    await stream.quiet();
  });

  it("of the fallback group goes to the nodes that read it", async () => {
    const cache = new SnapshotCache({ fallbackGroup: "*" });
    cache.set("*", snapshot(route("r")));
    cache.setCandidate("*", snapshot(route("r", 2)), pick("n1"));
    const server = await TestServer.start(cache);
    const [first, second] = ["n1", "n2"].map((id) => server.open({ variant: "delta", kind: "ADS" }, routeType, id));
    first?.want("r");
    second?.want("r");
    await first?.take(["r@2"]);
    await second?.take(["r@1"]);
    cache.dropCandidate("*");
    await first?.take(["r@1"]);
    await second?.quiet();
  });
});

describe("groups of nodes that are changed", () => {
  on(allWays, (way) => {
    const whole = wholeOr(way.variant);

    it("move connected nodes with the difference, and new nodes come to the new group", async () => {
      const cache = new SnapshotCache({ nodeGroup: () => "old", fallbackGroup: "others" });
      cache.set("old", snapshot(cluster("c"), cluster("d")));
      cache.set("new", snapshot(cluster("c", 2), cluster("d")));
      cache.set("others", snapshot(cluster("c", 3), cluster("d")));
      const server = await TestServer.start(cache);
      const streams = ["n1", "n2", "n3"].map((id) => server.open(way, clusterType, id));
      for (const stream of streams) {
        stream.want();
        await stream.take(["c@1", "d@1"]);
      }
      const [first, second, third] = streams as [(typeof streams)[0], (typeof streams)[0], (typeof streams)[0]];
      const groups: Record<string, string> = { n1: "new", n2: "nobody's" };
      cache.regroup(({ id }) => groups[id] ?? "old");
      await first.take(...whole(["c@2", "d@1"], ["c@2"]));
      await second.take(...whole(["c@3", "d@1"], ["c@3"]));
      await third.quiet();
      expect(cache.status().map(({ node, group }) => [node.id, group])).toEqual(
        expect.arrayContaining([
          ["n1", "new"],
          ["n2", "nobody's"],
          ["n3", "old"],
        ]),
      );
      cache.set("new", snapshot(cluster("c", 4), cluster("d")));
      await first.take(...whole(["c@4", "d@1"], ["c@4"]));
      await third.quiet();
      expect(() => cache.regroup((() => 1) as never)).toThrow(/must return a string/);
      const late = server.open(way, clusterType, "n1");
      late.want();
      await late.take(["c@4", "d@1"]);
    });
  });
});
