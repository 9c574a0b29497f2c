import { describe, expect, it } from "vitest";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { adsWays, cacheOf, on, TestServer } from "./harness.js";
import { cluster, routeToC } from "./resources.js";

describe("a full state that is refused", () => {
  on(
    adsWays.filter(({ variant }) => variant === "sotw"),
    (way) => {
      /** A client whose route is to move from c1 to c2, which comes in one response with a cluster that it refuses. */
      const refused = async (userAgentName: string, message: string) => {
        const cache = cacheOf(cluster("c1"), routeToC("r", 1));
        const server = await TestServer.start(cache);
        const stream = server.open(way, clusterType);
        stream.of(clusterType).wantWith({ node: { id: "n", userAgentName } });
        stream.ack(await stream.of(clusterType).expect(["c1@1"]));
        stream.of(routeType).want("r");
        stream.ack(await stream.of(routeType).expect(["r@1"]));
        cache.set("n", Snapshot.of([cluster("bad"), cluster("c2"), routeToC("r", 2)]));
        stream.nack(await stream.of(clusterType).expect(["bad@1", "c1@1", "c2@1"]), message);
        return { cache, server, stream };
      };
      const names = ({ server }: TestServer) => server.report().streams[0]?.types[0]?.nacked?.names;

      it("P17 P53 counts as taken, except for the resources that Envoy's message names", async () => {
        const { server, stream } = await refused("envoy", "Error adding/updating cluster(s) bad: no such c2 set");
        stream.ack(await stream.of(routeType).expect(["r@2"]));
        expect(names(server)).toEqual(["bad"]);
      });

      it("P17 P53 counts as not taken where Envoy refuses it as a whole", async () => {
        const words = 'Proto constraint validation failed (ClusterValidationError.Timeout: too small): name: "bad"';
        const { cache, stream } = await refused("envoy", words);
        await stream.quiet();
        // Nor does it count as taken when it comes again.
        cache.set("n", Snapshot.of([cluster("bad"), cluster("c2"), cluster("c3"), routeToC("r", 2)]));
        stream.nack(await stream.of(clusterType).expect(["bad@1", "c1@1", "c2@1", "c3@1"]), words);
        await stream.quiet();
        cache.set("n", Snapshot.of([cluster("bad", 2), cluster("c2"), cluster("c3"), routeToC("r", 2)]));
        stream.ack(await stream.of(clusterType).expect(["bad@2", "c1@1", "c2@1", "c3@1"]));
        stream.ack(await stream.of(routeType).expect(["r@2"]));
        stream.ack(await stream.of(clusterType).expect(["bad@2", "c2@1", "c3@1"]));
        await stream.quiet();
      });

      it("P17 P53 is explained by a resource that was refused before, if the message names nothing", async () => {
        const { cache, stream } = await refused("", "no");
        await stream.quiet();
        cache.set("n", Snapshot.of([cluster("bad"), cluster("c2"), cluster("c3"), routeToC("r", 3)]));
        stream.nack(await stream.of(clusterType).expect(["bad@1", "c1@1", "c2@1", "c3@1"]), "no");
        stream.ack(await stream.of(routeType).expect(["r@3"]));
      });

      it("P18 names only what is refused still", async () => {
        const { cache, server, stream } = await refused("envoy", "Error adding/updating cluster(s) bad: 1, c2: 2");
        await stream.quiet();
        expect(names(server)).toEqual(["bad", "c2"]);
        cache.set("n", Snapshot.of([cluster("bad"), cluster("c2", 2), routeToC("r", 2)]));
        const again = await stream.of(clusterType).expect(["bad@1", "c1@1", "c2@2"]);
        stream.nack(again, "Error adding/updating cluster(s) bad: 1");
        stream.ack(await stream.of(routeType).expect(["r@2"]));
        expect(names(server)).toEqual(["bad"]);
      });
    },
  );
});
