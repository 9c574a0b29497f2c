import { describe, it } from "vitest";
import type { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import type { XdsServerOptions } from "../../src/server/xds-server.js";
import { adsWays, cacheOf, on, ownWays, TestServer, type Way } from "./harness.js";
import { cluster, edsCluster, endpoints, listener, route, routeToC } from "./resources.js";

/** A client on an aggregated stream that has taken what is served: all clusters and listeners, and these by name. */
async function synced(way: Way, options: XdsServerOptions, names: Record<string, string[]>, ...resources: Resource[]) {
  const cache = cacheOf(...resources);
  const stream = (await TestServer.start(cache, options)).open(way, clusterType);
  const wanted = { [clusterType]: [], [listenerType]: [], ...names };
  for (const [typeUrl, list] of Object.entries(wanted)) {
    stream.of(typeUrl).want(...list);
    stream.ack(await stream.next());
  }
  await stream.quiet();
  return { cache, stream, serve: (...next: Resource[]) => serve(cache, next) };
}

const serve = (cache: SnapshotCache, resources: Resource[]) => cache.set("n", Snapshot.of(resources));

describe("a change of several types", () => {
  on(adsWays, (way) => {
    const names = { [endpointType]: ["e"], [routeType]: ["r"] };
    const all = (content: number) => [
      route("r", content),
      listener("l", content),
      endpoints("e", content),
      cluster("c", content),
    ];

    it("P53 goes out type by type, each after the ACK of the one before", async () => {
      const { stream, serve } = await synced(way, {}, names, ...all(1));
      serve(...all(2));
      for (const [typeUrl, has] of [
        [clusterType, "c@2"],
        [endpointType, "e@2"],
        [listenerType, "l@2"],
        [routeType, "r@2"],
      ] as const) {
        const answer = await stream.of(typeUrl).expect([has]);
        await stream.quiet();
        stream.ack(answer);
      }
      await stream.quiet();
    });

    it("P53 goes on after a NACK", async () => {
      const { stream, serve } = await synced(way, {}, names, ...all(1));
      serve(...all(2));
      stream.nack(await stream.of(clusterType).expect(["c@2"]));
      stream.ack(await stream.of(endpointType).expect(["e@2"]));
      stream.ack(await stream.of(listenerType).expect(["l@2"]));
      stream.ack(await stream.of(routeType).expect(["r@2"]));
      await stream.quiet();
    });

    it("P53 goes on without an answer when the time is over", async () => {
      const { stream, serve } = await synced(way, { orderTimeoutMs: 100 }, names, ...all(1));
      serve(...all(2));
      await stream.of(clusterType).expect(["c@2"]);
      await stream.of(endpointType).expect(["e@2"]);
      await stream.of(listenerType).expect(["l@2"]);
      await stream.of(routeType).expect(["r@2"]);
      await stream.quiet();
    });

    it("P53 P25 is merged with a newer one that comes in the middle", async () => {
      const { stream, serve } = await synced(way, {}, names, ...all(1));
      serve(...all(2));
      const first = await stream.of(clusterType).expect(["c@2"]);
      serve(...all(3));
      await stream.quiet();
      stream.ack(first);
      stream.ack(await stream.of(clusterType).expect(["c@3"]));
      stream.ack(await stream.of(endpointType).expect(["e@3"]));
      stream.ack(await stream.of(listenerType).expect(["l@3"]));
      stream.ack(await stream.of(routeType).expect(["r@3"]));
      await stream.quiet();
    });

    it("goes out at once where the user wants no order", async () => {
      const { stream, serve } = await synced(way, { makeBeforeBreak: false }, names, ...all(1));
      serve(...all(2));
      await stream.of(clusterType).expect(["c@2"]);
      await stream.of(endpointType).expect(["e@2"]);
    });
  });
});

describe("a removal", () => {
  on(adsWays, (way) => {
    const names = { [routeType]: ["r"] };
    const isSotw = way.variant === "sotw";
    /** What a response about clusters has: all of them, or what has changed. */
    const clusters = (whole: string[], changed: string[], removed: string[] = []): [string[], string[]] =>
      isSotw ? [whole, []] : [changed, removed];

    it("P54 waits until what referred to it is replaced and that is ACKed", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c2"), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      const moved = await stream.of(routeType).expect(["r@2"]);
      await stream.quiet();
      stream.ack(moved);
      stream.ack(await stream.of(clusterType).expect(...clusters(["c2@1"], [], ["c1"])));
      await stream.quiet();
    });

    it("P54 waits while what would replace it is refused, without a bound", async () => {
      const { stream, serve } = await synced(way, { orderTimeoutMs: 50 }, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c2"), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      stream.nack(await stream.of(routeType).expect(["r@2"]));
      await new Promise((resolve) => setTimeout(resolve, 150));
      await stream.quiet();
      serve(cluster("c3"), routeToC("r", 3));
      // Nobody uses c2, so it goes; c1 is still in use.
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c3@1"], ["c3@1"], ["c2"])));
      stream.ack(await stream.of(routeType).expect(["r@3"]));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c3@1"], [], ["c1"])));
      await stream.quiet();
    });

    it("P54 of what nothing refers to goes at once", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), cluster("c2"), routeToC("r", 1));
      serve(cluster("c1"), routeToC("r", 1));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1"], [], ["c2"])));
      await stream.quiet();
    });

    it("P54 is no more when the resource is there again", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(routeToC("r", 1));
      await stream.quiet();
      serve(cluster("c1"), routeToC("r", 1));
      await stream.quiet();
      serve(cluster("c1", 2), routeToC("r", 1));
      stream.ack(await stream.of(clusterType).expect(["c1@2"]));
      await stream.quiet();
    });
  });

  on(ownWays, (way) => {
    const open = async (options: XdsServerOptions) => {
      const cache = cacheOf(cluster("c1"), routeToC("r", 1));
      const server = await TestServer.start(cache, options);
      const [clusters, routes] = [server.open(way, clusterType), server.open(way, routeType)];
      clusters.want();
      clusters.ack(await clusters.expect(["c1@1"]));
      routes.want("r");
      routes.ack(await routes.expect(["r@1"]));
      await routes.quiet();
      serve(cache, [cluster("c2"), routeToC("r", 2)]);
      clusters.ack(await clusters.expect(way.variant === "sotw" ? ["c1@1", "c2@1"] : ["c2@1"]));
      return { clusters, moved: await routes.expect(["r@2"]), routes };
    };
    const gone: [string[], string[]] = way.variant === "sotw" ? [["c2@1"], []] : [[], ["c1"]];

    it("waits for the node's other streams", async () => {
      const { clusters, moved, routes } = await open({});
      await clusters.quiet();
      routes.ack(moved);
      await clusters.expect(...gone);
    });

    it("waits for the node's other streams no longer than the bound", async () => {
      const { clusters } = await open({ orderTimeoutMs: 100 });
      await clusters.expect(...gone);
    });
  });
});

describe("what refers to a resource that has not changed", () => {
  on(adsWays, (way) => {
    it("P55 has it sent again right behind itself, before it is ACKed", async () => {
      const { stream, serve } = await synced(
        way,
        {},
        { [endpointType]: ["c1", "c2"] },
        edsCluster("c1"),
        edsCluster("c2"),
        endpoints("c1"),
        endpoints("c2"),
      );
      serve(edsCluster("c1", 2), edsCluster("c2"), endpoints("c1"), endpoints("c2"));
      const changed = await stream.of(clusterType).expect(way.variant === "sotw" ? ["c1@2", "c2@1"] : ["c1@2"]);
      stream.ack(await stream.of(endpointType).expect(["c1@1"]));
      stream.ack(changed);
      await stream.quiet();
    });
  });
});
