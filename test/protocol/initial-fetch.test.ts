import { describe, it } from "vitest";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, runtimeType } from "../../src/resource/types.js";
import { adsWays, allWays, cacheOf, deltaWays, on, onBothTypes, sotwWays, TestServer } from "./harness.js";
import { cluster, endpoints, runtime } from "./resources.js";

// A message with nothing but its name: `<name>@`.
for (const make of [endpoints, runtime]) make("a", "");

describe("a client that starts", () => {
  onBothTypes(allWays, (way, { typeUrl, make }) => {
    for (const names of [[], ["*"]])
      it(`P56 gets an empty response for [${names}] of which nothing is served`, async () => {
        const cache = cacheOf();
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want(...names);
        await stream.take([]);
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a")]));
        await stream.take(["a@1"]);
      });
  });

  on(sotwWays, (way) => {
    it("P56 gets empty endpoints for a cluster without endpoints", async () => {
      const cache = cacheOf(cluster("a"), endpoints("b"));
      const stream = (await TestServer.start(cache)).open(way, endpointType);
      stream.want("a", "b", "no cluster");
      await stream.take(["a@", "b@1"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([cluster("a"), endpoints("b", 2)]));
      await stream.take(["b@2"]);
      cache.set("n", Snapshot.of([cluster("a"), endpoints("a"), endpoints("b", 2)]));
      await stream.take(["a@1"]);
    });

    it("P56 gets an empty layer of runtime for a name that does not exist", async () => {
      const cache = cacheOf();
      const stream = (await TestServer.start(cache)).open(way, runtimeType);
      stream.want("a");
      await stream.take(["a@"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([runtime("a")]));
      await stream.take(["a@1"]);
    });
  });

  on(deltaWays, (way) => {
    it("P56 gets names that do not exist in removed_resources", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a")))).open(way, endpointType);
      stream.want("a", "no cluster");
      await stream.take([], ["a", "no cluster"]);
    });
  });

  on(adsWays, (way) => {
    it("P56 waits for nothing when there is nothing at all", async () => {
      const stream = (await TestServer.start(cacheOf())).open(way, clusterType);
      for (const { typeUrl, names } of [
        { typeUrl: clusterType, names: [] },
        { typeUrl: runtimeType, names: ["a"] },
      ]) {
        stream.of(typeUrl).want(...names);
        await stream.of(typeUrl).take(names.length && way.variant === "sotw" ? ["a@"] : [], names);
      }
    });
  });
});
