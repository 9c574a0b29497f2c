import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.js";
import { Resource } from "../../src/resource/resource.js";
import { clusterType, endpointType, routeType, secretType, virtualHostType } from "../../src/resource/types.js";
import { adsWays, cacheOf, on, TestServer, type TestServerOptions, type Way } from "./harness.js";
import { serve, synced, wholeOr } from "./ordered-client.js";
import { cluster, clusterWithS, edsCluster, endpoints, routeToC, secret, vhdsRoute } from "./resources.js";

const own = (variant: Way["variant"]): Way => ({ variant, kind: "own service" });
const host = (name: string) => Resource.of(create(VirtualHostSchema, { name, domains: [name] }), { name: `r/${name}` });

describe("a stream of one type beside an aggregated one of the same connection", () => {
  on(adsWays, (way) => {
    const clusters = wholeOr(way.variant);
    const gone = (...rest: string[]) => clusters(rest, [], ["c1"]);

    /** A client whose routes come on a stream of their own. */
    const start = async (options: TestServerOptions = {}) => {
      const { cache, server, stream } = await synced(way, options, {}, cluster("c1"));
      serve(cache, [cluster("c1"), routeToC("r", 1)]);
      const routes = server.open(own(way.variant), routeType);
      routes.want("r");
      await routes.take(["r@1"]);
      await stream.quiet();
      return { cache, server, stream, routes };
    };

    it("P54 P56 the first answer for virtual hosts has a name, because Envoy waits for one", async () => {
      const { server, stream } = await synced(way, {}, { [routeType]: ["r"] }, vhdsRoute("r"));
      const hosts = server.open(own("delta"), virtualHostType);
      hosts.want();
      await hosts.take([], ["r/*"]);
      await stream.quiet();
    });

    it("P56 P61 virtual hosts that are asked for are answered, and sent again with an update of their route configuration", async () => {
      const { cache, server, stream } = await synced(way, {}, { [routeType]: ["r"] }, vhdsRoute("r"), host("a"));
      const hosts = server.open(own("delta"), virtualHostType);
      hosts.want();
      await hosts.take([], ["r/*"]);
      hosts.want("r/a");
      const first = await hosts.next();
      expect(first.resources.map(({ name }) => name)).toEqual(["r/a"]);
      hosts.ack(first);
      serve(cache, [vhdsRoute("r", 2), host("a")]);
      stream.ack(await stream.of(routeType).expect(["r@2"]));
      await stream.quiet();
    });

    it("P54 a removal waits until what referred to it is replaced there and ACKed", async () => {
      const { cache, stream, routes } = await start();
      serve(cache, [cluster("c2"), routeToC("r", 2)]);
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      const moved = await routes.expect(["r@2"]);
      await stream.quiet();
      routes.ack(moved);
      stream.ack(await stream.of(clusterType).expect(...gone("c2@1")));
      await stream.quiet();
    });

    it("P54 a removal goes when that stream has ended", async () => {
      const { cache, stream, routes } = await start();
      serve(cache, [cluster("c2"), routeToC("r", 2)]);
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
      await routes.expect(["r@2"]);
      await stream.quiet();
      await routes.cancel();
      stream.ack(await stream.of(clusterType).expect(...gone("c2@1")));
    });

    it("P54 endpoints on a stream of their own wait for the aggregated one's clusters", async () => {
      const start = [edsCluster("c1"), endpoints("c1")];
      const { cache, server, stream } = await synced(way, {}, {}, ...start);
      const streamOfEndpoints = server.open(own("delta"), endpointType);
      streamOfEndpoints.want("c1");
      await streamOfEndpoints.take(["c1@1"]);
      serve(cache, [edsCluster("c2"), endpoints("c2")]);
      const added = await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"]));
      await streamOfEndpoints.quiet();
      stream.ack(added);
      const removed = await stream.of(clusterType).expect(...gone("c2@1"));
      await streamOfEndpoints.quiet();
      stream.ack(removed);
      // After 5 s. The clock is not stopped: work that rests meanwhile needs it.
      await streamOfEndpoints.take([], ["c1"]);
      await streamOfEndpoints.quiet();
    });

    it("P54 a stream of its own waits 5 s at most", async () => {
      const start = [edsCluster("c1"), endpoints("c1")];
      const { cache, server, stream } = await synced(way, { orderTimeoutMs: 200 }, {}, ...start);
      const streamOfEndpoints = server.open(own("delta"), endpointType);
      streamOfEndpoints.want("c1");
      await streamOfEndpoints.take(["c1@1"]);
      serve(cache, [edsCluster("c2"), endpoints("c2")]);
      await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"]));
      await streamOfEndpoints.take([], ["c1"]);
    });

    it("P54 secrets on a stream of their own are answered at once", async () => {
      const { server } = await synced(way, {}, {}, clusterWithS("c", 1), secret("s1"));
      const secrets = server.open(own(way.variant), secretType);
      secrets.want("s1");
      await secrets.take(["s1@1"]);
      await secrets.quiet();
    });
  });
});

describe("streams of one node id", () => {
  on(adsWays, (way) => {
    const clusters = wholeOr(way.variant);

    it("P9 P54 two aggregated ones are never related: two Envoys may share an id", async () => {
      const cache = cacheOf(cluster("c1"), routeToC("r", 1));
      const server = await TestServer.start(cache);
      const [one, two] = [server.open(way, clusterType), server.open(way, clusterType)];
      for (const stream of [one, two]) {
        stream.want();
        await stream.take(["c1@1"]);
      }
      two.of(routeType).want("r");
      two.ack(await two.of(routeType).expect(["r@1"]));
      serve(cache, [cluster("c2"), routeToC("r", 2)]);
      // The first has no routes: it waits for nobody.
      await one.take(...clusters(["c1@1", "c2@1"], ["c2@1"]));
      await one.take(...clusters(["c2@1"], [], ["c1"]));
      await two.take(...clusters(["c1@1", "c2@1"], ["c2@1"]));
      const moved = await two.of(routeType).expect(["r@2"]);
      await two.quiet();
      two.ack(moved);
      await two.take(...clusters(["c2@1"], [], ["c1"]));
    });
  });
});
