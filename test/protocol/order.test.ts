import { describe, expect, it } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { clusterType, endpointType, listenerType, routeType, scopedRouteType } from "../../src/resource/types.js";
import type { XdsServerOptions } from "../../src/server/xds-server-options.js";
import { adsWays, cacheOf, on, ownWays, TestServer } from "./harness.js";
import { serve, synced } from "./ordered-client.js";
import {
  cluster,
  edsCluster,
  endpoints,
  listener,
  listenerToR,
  otherRouteToC,
  route,
  routeToC,
  scopedRoute,
} from "./resources.js";
import type { ScriptedStream } from "./scripted-stream.js";

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
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1", "c3@1"], ["c3@1"])));
      stream.ack(await stream.of(routeType).expect(["r@3"]));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c3@1"], [], ["c1", "c2"])));
      await stream.quiet();
    });

    it("P54 of what nothing refers to goes at once", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), cluster("c2"), routeToC("r", 1));
      serve(cluster("c1"), routeToC("r", 1));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1"], [], ["c2"])));
      await stream.quiet();
    });

    it("P54 of a resource that was refused together with others waits too, because the client may have taken it", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"));
      serve(cluster("c1"), cluster("c2"), cluster("bad"), routeToC("r", 2));
      stream.nack(await stream.of(clusterType).expect(...clusters(["bad@1", "c1@1", "c2@1"], ["bad@1", "c2@1"])));
      if (!isSotw) {
        // Which of them is bad is found out (P17).
        stream.ack(await stream.of(clusterType).expect(["c2@1"]));
        stream.nack(await stream.of(clusterType).expect(["bad@1"]));
      }
      stream.of(routeType).want("r");
      stream.ack(await stream.of(routeType).expect(["r@2"]));
      serve(cluster("c1"), cluster("c3"), routeToC("r", 3));
      // In delta, a cluster that the client never had needs no removal.
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1", "c3@1"], ["c3@1"])));
      stream.ack(await stream.of(routeType).expect(["r@3"]));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c3@1"], [], ["c2"])));
      await stream.quiet();
    });

    /**
     * The route configuration is taken away; a client that still names it may still use it, as Envoy does while a
     * listener drains.
     */
    const routeIsGone = async (stream: ScriptedStream) => {
      if (!isSotw) stream.ack(await stream.of(routeType).expect([], ["r"]));
    };

    it("P54 waits while the client names a referring resource that was removed after another version was refused", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c1"), cluster("c2"), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      stream.nack(await stream.of(routeType).expect(["r@2"]));
      serve();
      await routeIsGone(stream);
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1"], [], ["c2"])));
      await stream.quiet();
      stream.of(routeType).want();
      stream.ack(await stream.of(clusterType).expect(...clusters([], [], ["c1"])));
      await stream.quiet();
    });

    it("P54 waits while the client names a referring resource that was removed, created again, refused, and removed again", async () => {
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

    it("P54 is cancelled when the resource exists again", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(cluster("c2"), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      const moved = await stream.of(routeType).expect(["r@2"]);
      serve(cluster("c1"), cluster("c2"), routeToC("r", 2));
      stream.ack(moved);
      await stream.quiet();
      serve(cluster("c1", 2), cluster("c2"), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@2", "c2@1"], ["c1@2"])));
      await stream.quiet();
    });

    it("P54 does not wait for what refers to it and is served still", async () => {
      const { stream, serve } = await synced(way, {}, names, cluster("c1"), routeToC("r", 1));
      serve(routeToC("r", 1));
      stream.ack(await stream.of(clusterType).expect(...clusters([], [], ["c1"])));
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

    it("of a node without an id waits for no other stream, because none can be identified as that node's", async () => {
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

    it("that is unanswered: the resource is not sent as it was, although something refers to it", async () => {
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
      route("routes 1", "");
      await routes.expect(["routes 1@"]); // it does not exist (P40, P56)
      await routes.quiet();
    });

    it("waits for a bounded time only", async () => {
      const { clusters } = await open({ orderTimeoutMs: 100 });
      await clusters.expect(...gone);
    });
  });
});

describe("a reference to a resource that the client has refused and never had", () => {
  on(adsWays, (way) => {
    const isSotw = way.variant === "sotw";
    const names = { [routeType]: ["r1", "s"] };
    /** A client whose `r1` is to move from c1 to c2, which it refuses. */
    const refusing = async () => {
      const start = [cluster("c1"), cluster("c9"), routeToC("r1", 1), routeToC("s", 9)];
      const { stream, serve, server } = await synced(way, {}, names, ...start);
      const whole = ["c1@1", "c2@1", "c9@1"];
      serve(cluster("c2"), cluster("c9"), routeToC("r1", 2), routeToC("s", 9));
      stream.nack(await stream.of(clusterType).expect(isSotw ? whole : ["c2@1"]));
      await stream.quiet();
      return { stream, serve, server };
    };
    const states = (server: TestServer) =>
      Object.fromEntries(
        server.server.report().streams.flatMap(({ types }) => types.map((one) => [one.typeUrl, one.state])),
      );

    it("P53 keeps the old version until the resource is corrected and ACKed; P54 the old version's targets stay too", async () => {
      const { stream, serve, server } = await refusing();
      expect(states(server)).toMatchObject({ [clusterType]: "ERROR", [routeType]: "STALE" });
      serve(cluster("c2", 2), cluster("c9"), routeToC("r1", 2), routeToC("s", 9));
      const mended = await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@2", "c9@1"] : ["c2@2"]);
      await stream.quiet();
      stream.ack(mended);
      const moved = await stream.of(routeType).expect(["r1@2"]);
      await stream.quiet();
      stream.ack(moved);
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c2@2", "c9@1"] : [], ["c1"]));
      await stream.quiet();
      expect(states(server)).toMatchObject({ [clusterType]: "SYNCED", [routeType]: "SYNCED" });
    });

    it("P53 keeps the old version while the correction is refused too, or unanswered", async () => {
      const { stream, serve } = await refusing();
      serve(cluster("c2", 2), cluster("c9"), routeToC("r1", 2), routeToC("s", 9));
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@2", "c9@1"] : ["c2@2"]));
      await stream.quiet();
    });

    it("P53 is sent when it refers to something else", async () => {
      const { stream, serve } = await refusing();
      serve(cluster("c2"), cluster("c9"), routeToC("r1", 9), routeToC("s", 9));
      stream.ack(await stream.of(routeType).expect(["r1@9"]));
      // In SotW what was refused goes along with all that changes.
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["c2@1", "c9@1"] : [], ["c1"]));
      await stream.quiet();
    });

    it("P53 holds back nothing else of its type", async () => {
      const { stream, serve } = await refusing();
      serve(cluster("c1"), cluster("c2"), cluster("c9"), routeToC("r1", 2), routeToC("s", 1));
      stream.ack(await stream.of(routeType).expect(["s@1"]));
      await stream.quiet();
    });

    it("P18 P53 goes back to the old version: nothing is sent, and the state is SYNCED", async () => {
      const { stream, serve, server } = await refusing();
      serve(cluster("c1"), cluster("c9"), routeToC("r1", 1), routeToC("s", 9));
      await stream.quiet();
      expect(states(server)).toMatchObject({ [clusterType]: "SYNCED", [routeType]: "SYNCED" });
    });

    it("P53 is answered with the old version when it is requested", async () => {
      const { stream, serve } = await refusing();
      // A new listener has its route configuration sent again (P55).
      serve(cluster("c2"), cluster("c9"), routeToC("r1", 2), routeToC("s", 9), listenerToR("l", 1));
      const added = await stream.of(listenerType).expect(["l@1"]);
      stream.ack(added);
      stream.ack(await stream.of(routeType).expect(["r1@1"]));
      await stream.quiet();
      serve(cluster("c2", 2), cluster("c9"), routeToC("r1", 2), routeToC("s", 9), listenerToR("l", 1));
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@2", "c9@1"] : ["c2@2"]));
      stream.ack(await stream.of(routeType).expect(["r1@2"]));
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c2@2", "c9@1"] : [], ["c1"]));
      await stream.quiet();
    });

    it("P53 also keeps the listener whose new route configuration refers to the resource", async () => {
      const start = [cluster("c1"), routeToC("r1", 1), listenerToR("l", 1), listener("m", 1)];
      const { stream, serve } = await synced(way, {}, { [routeType]: ["r1"] }, ...start);
      const moved = [routeToC("r2", 2), listenerToR("l", 2)];
      serve(cluster("c2"), ...moved, listener("m", 2));
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@1"] : ["c2@1"]));
      stream.ack(await stream.of(listenerType).expect(isSotw ? ["l@1", "m@2"] : ["m@2"]));
      await stream.quiet();
      serve(cluster("c2", 2), ...moved, listener("m", 3));
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@2"] : ["c2@2"]));
      const listeners = await stream.of(listenerType).expect(["l@2", "m@3"]);
      await stream.quiet();
      stream.of(routeType).want("r1", "r2");
      stream.ack(await stream.of(routeType).expect(["r2@2"]));
      stream.ack(listeners);
      await stream.quiet(); // the old listener drains, and goes on using r1
      stream.of(routeType).want("r2");
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c2@2"] : [], ["c1"]));
      await stream.quiet();
    });

    it("P53 keeps the old version if the client may have taken the resource out of several that it refused together", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"), routeToC("r", 1), routeToC("bad", 1));
      stream.of(routeType).want("r", "bad");
      stream.nack(await stream.of(routeType).expect(["bad@1", "r@1"]));
      serve(cluster("c1"), cluster("c2"), routeToC("r", 2), routeToC("bad", 1));
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@1"] : ["c2@1"]));
      // One of those that were refused together has changed, so the other goes again.
      stream.nack(await stream.of(routeType).expect(["bad@1"]));
      await stream.quiet();
      serve(cluster("c1"), cluster("c2", 2), routeToC("r", 2), routeToC("bad", 1));
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@2"] : ["c2@2"]));
      stream.ack(await stream.of(routeType).expect(["r@2"]));
      await stream.quiet();
    });

    it("P53 P18 is sent, if it was refused together with others, when nothing that was refused stands in its way any more", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"), routeToC("r", 1), routeToC("bad", 1));
      stream.of(routeType).want("r", "bad");
      stream.nack(await stream.of(routeType).expect(["bad@1", "r@1"]));
      serve(cluster("c1"), cluster("c2"), routeToC("r", 2), routeToC("bad", 9));
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@1"] : ["c2@1"]));
      stream.ack(await stream.of(routeType).expect(["bad@9"]));
      await stream.quiet();
      serve(cluster("c1"), routeToC("r", 1), routeToC("bad", 9));
      stream.ack(await stream.of(routeType).expect(["r@1"])); // c2 the client never had
      await stream.quiet();
    });

    it("P53 keeps the old version if the resource was sent as it was, and refused", async () => {
      const always = [cluster("c1"), cluster("c9"), routeToC("r2", 1)];
      const start = [...always, listenerToR("l", 1), listenerToR("m", 2), routeToC("r1", 1)];
      const { stream, serve } = await synced(way, {}, { [routeType]: ["r2"] }, ...start);
      serve(...always, listenerToR("m", 2));
      const without = await stream.of(listenerType).expect(isSotw ? ["m@2"] : [], ["l"]);
      stream.of(routeType).want("r2", "r1");
      stream.nack(await stream.of(routeType).expect(["r1@1"]));
      serve(...always, listenerToR("m", 1), routeToC("r1", 9));
      stream.ack(without);
      stream.ack(await stream.of(routeType).expect(["r1@9"]));
      stream.ack(await stream.of(listenerType).expect(["m@1"]));
      stream.ack(await stream.of(routeType).expect(["r1@9"])); // P55
      await stream.quiet();
    });

    it("P53 keeps the old version if the client may have removed the resource, and then refused it", async () => {
      const always = [cluster("c1"), routeToC("r", 1)];
      const { stream, serve } = await synced(way, {}, { [routeType]: ["r"] }, ...always, cluster("c2"));
      serve(...always, cluster("bad"));
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["bad@1", "c1@1", "c2@1"] : ["bad@1"]));
      // The removal comes last; Envoy takes it although it refuses the response.
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["bad@1", "c1@1"] : [], ["c2"]));
      serve(cluster("c1"), cluster("c2", 2), routeToC("r", 2));
      stream.nack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@2"] : ["c2@2"]));
      await stream.quiet();
      serve(cluster("c1"), cluster("c2", 3), routeToC("r", 2));
      stream.ack(await stream.of(clusterType).expect(isSotw ? ["c1@1", "c2@3"] : ["c2@3"]));
      stream.ack(await stream.of(routeType).expect(["r@2"]));
      await stream.quiet();
    });

    it("P53 is sent if the client has no older one, or one that refers to it as well", async () => {
      const { stream, serve } = await refusing();
      const others = [cluster("c2"), cluster("c9"), routeToC("r1", 2), routeToC("s", 9)];
      serve(...others, routeToC("t", 2));
      stream.of(routeType).want("r1", "s", "t");
      stream.ack(await stream.of(routeType).expect(["t@2"]));
      await stream.quiet();
      serve(...others, otherRouteToC("t", 2));
      stream.ack(await stream.of(routeType).expect(["t@2"]));
      await stream.quiet();
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
