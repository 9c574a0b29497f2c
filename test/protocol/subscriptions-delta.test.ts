import { describe, expect, it } from "vitest";
import { resourceTypes } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, filterChainType, virtualHostType } from "../../src/resource/types.js";
import { cacheOf, deltaWays, on, onBothTypes, TestServer, takeRemovedLast } from "./harness.js";
import { cluster, endpoints } from "./resources.js";

const subscribe = (...resourceNamesSubscribe: string[]) => ({ resourceNamesSubscribe });
const unsubscribe = (...resourceNamesUnsubscribe: string[]) => ({ resourceNamesUnsubscribe });

describe("a response", () =>
  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    it("P38 carries changed resources only, each with its name and a version", async () => {
      const cache = cacheOf(make("a"), make("b"), make("c"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*");
      const first = await stream.take(["a@1", "b@1", "c@1"]);
      cache.set("n", Snapshot.of([make("a"), make("b", 2), make("c"), make("d")]));
      const second = await stream.take(["b@2", "d@1"]);
      const versions = [...first.resources, ...second.resources].map(({ name, version }) => ({ name, version }));
      expect(versions.map(({ name }) => name).sort()).toEqual(["a", "b", "b", "c", "d"]);
      for (const { version } of versions) expect(version).not.toBe("");
      const [before, after] = versions.filter(({ name }) => name === "b");
      expect(before?.version).not.toBe(after?.version);
    });

    for (const names of [["*"], ["a", "b"]])
      it(`P39 has a deleted resource in removed_resources once, for [${names}]`, async () => {
        const cache = cacheOf(make("a"), make("b"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want(...names);
        await stream.take(["a@1", "b@1"]);
        cache.set("n", Snapshot.of([make("a")]));
        await stream.take([], ["b"]);
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a", 2)]));
        await stream.take(["a@2"]);
      });

    it("P52 has a system_version_info that only informs", async () => {
      const cache = cacheOf();
      cache.set("n", Snapshot.of([make("a")], { version: "one" }));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want();
      expect((await stream.take(["a@1"])).version).toBe("one");
      cache.set("n", Snapshot.of([make("a")], { version: "two" }));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2)], { version: "two" }));
      expect((await stream.take(["a@2"])).version).toBe("two");
      // The same, with other content.
      cache.set("n", Snapshot.of([make("a", 3)], { version: "two" }));
      expect((await stream.take(["a@3"])).version).toBe("two");
    });
  }));

describe("names", () =>
  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    it("P40 that do not exist are answered in removed_resources", async () => {
      const stream = (await TestServer.start(cacheOf(make("a")))).open(way, typeUrl);
      stream.want("no such");
      await stream.take([], ["no such"]);
      stream.want("no such", "a", "nor this");
      await stream.take(["a@1"], ["nor this"]);
      await stream.quiet();
    });

    it("P41 that do not exist stay subscribed: their creation is pushed", async () => {
      const cache = cacheOf();
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("later");
      await stream.take([], ["later"]);
      for (let round = 1; round <= 2; round++) {
        cache.set("n", Snapshot.of([make("later")]));
        await stream.take(["later@1"]);
        cache.set("n", Snapshot.of([]));
        await stream.take([], ["later"]);
      }
    });

    it("P42 that the client already holds are sent again when it subscribes them", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b")))).open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      for (let round = 0; round < 2; round++) {
        stream.request(typeUrl, subscribe("a"));
        await stream.take(["a@1"]);
      }
      await stream.quiet();
    });

    it("P43 that leave need no response, and no updates follow", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      stream.want("a");
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a")]));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.take(["a@2"]);
    });

    it("P44 that were not subscribed can be unsubscribed without effect", async () => {
      const stream = (await TestServer.start(cacheOf(make("a")))).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.request(typeUrl, unsubscribe("never there", "*"));
      await stream.quiet();
      stream.request(typeUrl, unsubscribe("a", "a"));
      stream.request(typeUrl, unsubscribe("a"));
      await stream.quiet();
      stream.request(typeUrl, subscribe("a"));
      await stream.take(["a@1"]);
    });

    it("P44 in a first message that only unsubscribes subscribe nothing", async () => {
      const cache = cacheOf(make("a"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.request(typeUrl, unsubscribe("a"));
      cache.set("n", Snapshot.of([make("a", 2)]));
      await stream.quiet();
    });

    it("P51 in both lists of one message end subscribed, and are sent", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.request(typeUrl, { ...subscribe("a"), ...unsubscribe("a") });
      await stream.take(["a@1"]);
      stream.request(typeUrl, { ...subscribe("a", "b"), ...unsubscribe("b", "a") });
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.take(["a@2", "b@2"]);
    });

    it("P51 in both lists of one message are still on the client, though it refuses to be sent them again", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.request(typeUrl, { ...subscribe("a"), ...unsubscribe("a") });
      const again = await stream.expect(["a@1"]);
      cache.set("n", Snapshot.of([make("b")]));
      stream.nack(again);
      await stream.take([], ["a"]);
      await stream.quiet();
    });

    it("P51 `*` in both lists of one message stays a wildcard, and is sent", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*");
      await stream.take(["a@1", "b@1"]);
      stream.request(typeUrl, { ...subscribe("*"), ...unsubscribe("*") });
      cache.set("n", Snapshot.of([make("a")]));
      await takeRemovedLast(way, stream, ["a@1"], ["b"]);
      await stream.quiet();
    });
  }));

describe("a wildcard", () => {
  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    it("P45 answers a name that leaves with that resource, or its removal", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*", "a", "gone");
      await stream.take(["a@1", "b@1"], ["gone"]);
      stream.request(typeUrl, unsubscribe("a"));
      await stream.take(["a@1"]);
      stream.request(typeUrl, unsubscribe("gone"));
      await stream.take([], ["gone"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b")]));
      await stream.take(["a@2"]); // still there, by the wildcard
    });

    it("P44 does not answer a name that leaves and was neither subscribed nor is there", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b")))).open(way, typeUrl);
      stream.want("*");
      await stream.take(["a@1", "b@1"]);
      stream.request(typeUrl, unsubscribe("never"));
      await stream.quiet();
      stream.request(typeUrl, unsubscribe("b", "never"));
      await stream.take(["b@1"]);
      await stream.quiet();
    });

    it("P45 that is taken up as a name leaves answers that name", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("b")]));
      stream.request(typeUrl, { ...subscribe("*"), ...unsubscribe("a") });
      const { has, removed } = await stream.next();
      expect({ has, removed }).toEqual({ has: [], removed: ["a"] });
    });

    it("P46 is a first request with neither list", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.request(typeUrl, {});
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("a"), make("b"), make("c")]));
      await stream.take(["c@1"]);
    });

    it("P46 is answered even when there is nothing", async () => {
      const stream = (await TestServer.start(cacheOf())).open(way, typeUrl);
      stream.request(typeUrl, {});
      await stream.take([]);
      await stream.quiet();
    });

    it("P47 and a name: without `*` the name stays; without the name nothing does", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*", "a");
      await stream.take(["a@1", "b@1"]);
      stream.request(typeUrl, unsubscribe("*"));
      cache.set("n", Snapshot.of([make("a"), make("b", 2)]));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.take(["a@2"]);
      stream.request(typeUrl, unsubscribe("a"));
      cache.set("n", Snapshot.of([make("a", 3), make("b", 3), make("c")]));
      await stream.quiet();
    });

    it("P47 of a first request with neither list ends by `*` too", async () => {
      const cache = cacheOf(make("a"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.request(typeUrl, {});
      await stream.take(["a@1"]);
      stream.request(typeUrl, unsubscribe("*"));
      cache.set("n", Snapshot.of([make("a", 2)]));
      await stream.quiet();
    });

    it("P48 is not what later empty lists mean; they change nothing", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.request(typeUrl, {});
      cache.set("n", Snapshot.of([make("a"), make("b", 2)]));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.take(["a@2"]);
      stream.request(typeUrl, unsubscribe("a"));
      stream.request(typeUrl, {});
      await stream.quiet();
    });
  });

  on(deltaWays, (way) => {
    for (const type of resourceTypes()) {
      if (way.kind === "own service" && !type.service?.delta) continue;
      const onDemand = [virtualHostType, filterChainType].includes(type.typeUrl);
      const what = onDemand ? "means nothing, by name only, and is answered so" : "means everything";
      it(`P46 a first request of ${type.name} with neither list ${what}`, async () => {
        const one = Resource.fromBytes(type.typeUrl, new Uint8Array(), { name: "one" });
        const stream = (await TestServer.start(cacheOf(one))).open(way, type.typeUrl);
        stream.request(type.typeUrl, {});
        expect((await stream.next()).resources.map(({ name }) => name)).toEqual(onDemand ? [] : ["one"]);
        await stream.quiet();
      });
    }
  });
});

describe("initial_resource_versions", () =>
  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    /** What a client has from an earlier stream. */
    const has = (...resources: Resource[]) => ({
      initialResourceVersions: Object.fromEntries(resources.map(({ name, version }) => [name, version])),
    });

    it("P49 the same version is skipped, another one is sent, a missing one is removed (wildcard)", async () => {
      const cache = cacheOf(make("same"), make("changed", 2), make("new"));
      const stream = (await TestServer.start(cache, { orderTimeoutMs: 50 })).open(way, typeUrl);
      stream.request(typeUrl, { ...subscribe("*"), ...has(make("same"), make("changed"), make("vanished")) });
      await takeRemovedLast(way, stream, ["changed@2", "new@1"], ["vanished"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([make("same", 2), make("changed", 2), make("new")]));
      await stream.take(["same@2"]);
    });

    it("P49 the same for names", async () => {
      const cache = cacheOf(make("same"), make("changed", 2), make("new"));
      const stream = (await TestServer.start(cache, { orderTimeoutMs: 50 })).open(way, typeUrl);
      stream.request(typeUrl, {
        ...subscribe("same", "changed", "new", "vanished"),
        ...has(make("same"), make("changed"), make("vanished")),
      });
      await takeRemovedLast(way, stream, ["changed@2", "new@1"], ["vanished"]);
      cache.set("n", Snapshot.of([make("changed", 2), make("new")]));
      await stream.take([], ["same"]);
    });

    it("P49 of names that are all current need no response", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.request(typeUrl, { ...subscribe("a", "b"), ...has(make("a"), make("b")) });
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b")]));
      await stream.take(["a@2"]);
    });

    it("P49 of another server with the same content skip the same", async () => {
      const first = (await TestServer.start(cacheOf(make("a"), make("b")))).open(way, typeUrl);
      first.want("*");
      const { resources } = await first.take(["a@1", "b@1"]);
      const stream = (await TestServer.start(cacheOf(make("b"), make("a", 2)))).open(way, typeUrl);
      const initialResourceVersions = Object.fromEntries(resources.map(({ name, version }) => [name, version]));
      stream.request(typeUrl, { ...subscribe("*"), initialResourceVersions });
      await stream.take(["a@2"]);
    });

    it("P50 count in the type's first request on the stream only", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.request(typeUrl, { ...subscribe("b"), ...has(make("a", 7), make("b"), make("c")) });
      await stream.take(["b@1"]);
      await stream.quiet();
    });

    it("P50 subscribe nothing", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.request(typeUrl, { ...subscribe("a"), ...has(make("b", 7), make("vanished")) });
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a"), make("b", 2)]));
      await stream.quiet();
    });
  }));

describe("initial_resource_versions on an aggregated stream", () => {
  it("P50 count for each type's first request", async () => {
    const stream = (await TestServer.start(cacheOf(cluster("c"), endpoints("e"), endpoints("f")))).open(
      { variant: "delta", kind: "ADS" },
      clusterType,
    );
    stream.of(clusterType).want("*");
    await stream.of(clusterType).take(["c@1"]);
    const initialResourceVersions = { e: endpoints("e").version };
    stream.of(endpointType).wantWith({ initialResourceVersions }, "e", "f");
    await stream.of(endpointType).take(["f@1"]);
  });
});
