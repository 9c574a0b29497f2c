import { describe, it } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType, scopedRouteType } from "../../src/resource/types.js";
import type { XdsServerOptions } from "../../src/server/xds-server.js";
import { adsWays, cacheOf, on, ownWays, TestServer, type Way } from "./harness.js";
import { cluster, edsCluster, endpoints, listener, route, routeToC, scopedRoute } from "./resources.js";
import type { ScriptedStream } from "./scripted-stream.js";

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

    it("P54 of what was refused together with others waits too, for the client may have taken it", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c2"), cluster("bad"), routeToC("r", 2));
      const whole = ["bad@1", "c1@1", "c2@1"];
      stream.nack(await stream.of(clusterType).expect(...clusters(whole, ["bad@1", "c2@1"])));
      stream.ack(await stream.of(routeType).expect(["r@2"]));
      stream.nack(await stream.of(clusterType).expect(...clusters(["bad@1", "c2@1"], [], ["c1"])));
      serve(cluster("c3"), routeToC("r", 3));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c2@1", "c3@1"], ["c3@1"], ["bad"])));
      stream.ack(await stream.of(routeType).expect(["r@3"]));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c3@1"], [], ["c2"])));
      await stream.quiet();
    });

    /** The route configuration is taken away; a client that still names it may still use it, as Envoy does while a listener drains. */
    const routeIsGone = async (stream: ScriptedStream) => {
      if (!isSotw) stream.ack(await stream.of(routeType).expect([], ["r"]));
    };

    it("P54 waits while the client names what referred to it, told as gone after it had refused another", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c1"), cluster("c2"), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      stream.nack(await stream.of(routeType).expect(["r@2"]));
      serve();
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1"], [], ["c2"])));
      await routeIsGone(stream);
      await stream.quiet();
      stream.of(routeType).want();
      stream.ack(await stream.of(clusterType).expect(...clusters([], [], ["c1"])));
      await stream.quiet();
    });

    it("P54 waits while the client names what referred to it, gone, brought again and refused, and gone again", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c1"));
      await routeIsGone(stream);
      serve(cluster("c1"), routeToC("r", 2));
      stream.nack(await stream.of(routeType).expect(["r@2"]));
      serve(cluster("c1"));
      await stream.quiet();
      serve();
      await stream.quiet();
      stream.of(routeType).want();
      stream.ack(await stream.of(clusterType).expect(...clusters([], [], ["c1"])));
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

    it("of a node without an id waits for nobody, for no other stream can be told to be that node's", async () => {
      const cache = new SnapshotCache({ fallbackGroup: "n" });
      serve(cache, [cluster("c1"), routeToC("r", 1)]);
      const server = await TestServer.start(cache, {});
      const [clusters, routes] = [server.open(way, clusterType, ""), server.open(way, routeType, "")];
      clusters.want();
      clusters.ack(await clusters.expect(["c1@1"]));
      routes.want("r");
      routes.ack(await routes.expect(["r@1"]));
      await routes.quiet();
      serve(cache, [cluster("c2"), routeToC("r", 2)]);
      await clusters.expect(["c2@1"], ["c1"]);
    });

    it("that is on its way is not answered by what refers to it, as it was", async () => {
      const cache = cacheOf(cluster("c1"), scopedRoute("s", 1), routeToC("routes 1", 1));
      const server = await TestServer.start(cache, {});
      const open = (typeUrl: string) => server.open(way, typeUrl);
      const [clusters, scopes, routes] = [open(clusterType), open(scopedRouteType), open(routeType)];
      clusters.want();
      clusters.ack(await clusters.expect(["c1@1"]));
      scopes.want();
      scopes.ack(await scopes.expect(["s@1"]));
      await scopes.quiet();
      serve(cache, []);
      await clusters.expect([], ["c1"]);
      routes.want("routes 1");
      if (way.variant === "delta") await routes.expect([], ["routes 1"]);
      await routes.quiet();
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
