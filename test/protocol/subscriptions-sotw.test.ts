import { describe, expect, it } from "vitest";
import { registerResourceType, resourceTypes } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  filterChainType,
  listenerType,
  routeType,
  scopedRouteType,
  secretType,
  virtualHostType,
} from "../../src/resource/types.js";
import { cacheOf, on, onBothTypes, sotwWays, TestServer } from "./harness.js";
import { cluster, endpoints, extensionConfig, listener, route, scopedRoute, secret } from "./resources.js";

const fullStateTypes = [
  { typeUrl: clusterType, make: cluster },
  { typeUrl: listenerType, make: listener },
  { typeUrl: scopedRouteType, make: scopedRoute },
];
const otherTypes = [
  { typeUrl: endpointType, make: endpoints },
  { typeUrl: routeType, make: route },
  { typeUrl: secretType, make: secret },
  { typeUrl: extensionConfigType, make: extensionConfig },
];

describe("names", () =>
  onBothTypes(sotwWays, (way, { typeUrl, make, fullState }) => {
    it("P26 that are added are sent, although the version has not changed", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b"), make("c")))).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.want("a", "b");
      await stream.take(fullState ? ["a@1", "b@1"] : ["b@1"]);
      stream.want("a", "b", "c");
      await stream.take(fullState ? ["a@1", "b@1", "c@1"] : ["c@1"]);
      await stream.quiet();
    });

    it("P27 that are dropped end their updates, without a response", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      stream.want("a");
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a"), make("b", 2)]));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.take(["a@2"]);
    });

    it("P28 that are dropped and taken up again are sent again", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b")))).open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      stream.want("a");
      stream.want("a", "b");
      await stream.take(fullState ? ["a@1", "b@1"] : ["b@1"]);
      await stream.quiet();
    });

    it("P32 that do not exist are remembered, and pushed when they are created", async () => {
      const cache = cacheOf(make("a"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a", "later");
      await stream.take(["a@1"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a"), make("later")]));
      await stream.take(fullState ? ["a@1", "later@1"] : ["later@1"]);
      cache.set("n", Snapshot.of([make("a")]));
      if (fullState) await stream.take(["a@1"]);
      else await stream.quiet();
      cache.set("n", Snapshot.of([make("a"), make("later")]));
      await stream.take(fullState ? ["a@1", "later@1"] : ["later@1"]);
    });

    it("P37 that are only a part of what is served get that part", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b"), make("c")))).open(way, typeUrl);
      stream.want("b");
      await stream.take(["b@1"]);
      await stream.quiet();
    });

    it("P37 that go beyond what is served get what there is", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b")))).open(way, typeUrl);
      stream.want("b", "no such", "nor this");
      await stream.take(["b@1"]);
      await stream.quiet();
    });
  }));

describe("a full-state type", () =>
  on(sotwWays, (way) => {
    for (const { typeUrl, make } of fullStateTypes) {
      const name = typeUrl.split(".").at(-1);

      it(`P29 ${name}: each response is the full state of what is subscribed`, async () => {
        const cache = cacheOf(make("a"), make("b"), make("c"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want();
        await stream.take(["a@1", "b@1", "c@1"]);
        cache.set("n", Snapshot.of([make("a", 2), make("b"), make("c")]));
        await stream.take(["a@2", "b@1", "c@1"]);
        stream.want("a", "b");
        await stream.take(["a@2", "b@1"]);
        cache.set("n", Snapshot.of([make("a", 2), make("b", 2), make("c", 2)]));
        await stream.take(["a@2", "b@2"]);
      });

      it(`P30 ${name}: absence deletes, and deleting the last sends an empty list`, async () => {
        const cache = cacheOf(make("a"), make("b"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want();
        await stream.take(["a@1", "b@1"]);
        cache.set("n", Snapshot.of([make("b")]));
        await stream.take(["b@1"]);
        cache.set("n", Snapshot.of([]));
        await stream.take([]);
        await stream.quiet();
      });

      it(`P30 ${name}: the same for names`, async () => {
        const cache = cacheOf(make("a"), make("b"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want("a");
        await stream.take(["a@1"]);
        cache.set("n", Snapshot.of([make("b")]));
        await stream.take([]);
        await stream.quiet();
      });
    }
  }));

describe("any other type", () =>
  on(sotwWays, (way) => {
    for (const { typeUrl, make } of otherTypes) {
      const name = typeUrl.split(".").at(-1);

      it(`P31 ${name}: a response holds only what is new or changed, and absence deletes nothing`, async () => {
        const cache = cacheOf(make("a"), make("b"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want("a", "b", "c");
        // A route configuration that does not exist is answered with an empty one (P56).
        make("c", "");
        await stream.take(["a@1", "b@1", ...(typeUrl === routeType ? ["c@"] : [])]);
        cache.set("n", Snapshot.of([make("a"), make("b", 2), make("c")]));
        await stream.take(["b@2", "c@1"]);
        cache.set("n", Snapshot.of([make("a")]));
        await stream.quiet();
      });
    }

    it("P31 under a wildcard too", async () => {
      const cache = cacheOf(endpoints("a"), endpoints("b"));
      const stream = (await TestServer.start(cache)).open(way, endpointType);
      stream.want("*");
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([endpoints("a"), endpoints("b", 2), endpoints("c")]));
      await stream.take(["b@2", "c@1"]);
      cache.set("n", Snapshot.of([]));
      await stream.quiet();
    });

    it("P31 P32 a resource that was removed while something else was sent is sent when it exists again", async () => {
      const cache = cacheOf(endpoints("a"), endpoints("b"));
      const stream = (await TestServer.start(cache)).open(way, endpointType);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([endpoints("b", 2)]));
      await stream.take(["b@2"]);
      cache.set("n", Snapshot.of([endpoints("a"), endpoints("b", 2)]));
      await stream.take(["a@1"]);
    });

    it("P31 P32 a removed resource is sent when it exists again", async () => {
      const cache = cacheOf(endpoints("a"));
      const stream = (await TestServer.start(cache)).open(way, endpointType);
      stream.want("a");
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([]));
      await stream.quiet();
      cache.set("n", Snapshot.of([endpoints("a")]));
      await stream.take(["a@1"]);
    });
  }));

describe("a wildcard", () => {
  on(sotwWays, (way) => {
    for (const type of resourceTypes()) {
      const method = way.kind === "ADS" || type.service?.stream;
      if (!method) continue;
      const onDemand = [virtualHostType, filterChainType].includes(type.typeUrl);
      const what = onDemand ? "means nothing: by name only" : "means everything";
      it(`P33 an empty first list of ${type.name} ${what}`, async () => {
        const one = Resource.fromBytes(type.typeUrl, new Uint8Array(), { name: "one" });
        const stream = (await TestServer.start(cacheOf(one))).open(way, type.typeUrl);
        stream.want();
        if (!onDemand) expect((await stream.next()).anys).toHaveLength(1);
        await stream.quiet();
      });
    }
  });

  onBothTypes(sotwWays, (way, { typeUrl, make, fullState }) => {
    it("P33 goes on for as long as nothing was named", async () => {
      const cache = cacheOf(make("a"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want();
      await stream.take(["a@1"]);
      stream.want();
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a"), make("b")]));
      await stream.take(fullState ? ["a@1", "b@1"] : ["b@1"]);
    });

    it("P34 is `*`, alone or beside names, and ends with a list without it", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*");
      await stream.take(["a@1", "b@1"]);
      stream.want("*", "a");
      await stream.take(fullState ? ["a@1", "b@1"] : ["a@1"]);
      cache.set("n", Snapshot.of([make("a"), make("b", 2)]));
      await stream.take(fullState ? ["a@1", "b@2"] : ["b@2"]);
      stream.want("a");
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a"), make("b", 3), make("c")]));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2)]));
      await stream.take(["a@2"]);
    });

    it("P34 may follow names, and brings what is missing", async () => {
      const stream = (await TestServer.start(cacheOf(make("a"), make("b")))).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.want("*");
      await stream.take(fullState ? ["a@1", "b@1"] : ["b@1"]);
    });

    for (const named of [["a"], ["*"], ["*", "a"]])
      it(`P35 an empty list after [${named}] means nothing, and silence`, async () => {
        const cache = cacheOf(make("a"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want(...named);
        await stream.take(["a@1"]);
        stream.want();
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a", 2), make("b")]));
        await stream.quiet();
        stream.want("a");
        await stream.take(["a@2"]);
      });

    it("P36 of the current version is skipped if the client certainly has everything, and otherwise sent again", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const test = await TestServer.start(cache);
      const before = test.open(way, typeUrl);
      before.want();
      const { version } = await before.take(["a@1", "b@1"]);
      await before.cancel();
      const stream = test.open(way, typeUrl);
      stream.of(typeUrl).wantWith({ versionInfo: version });
      if (fullState) await stream.quiet();
      else await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("b", 2)]));
      // On ADS the removal comes after the rest of its change (P54).
      if (fullState && way.kind === "ADS") await stream.take(["a@1", "b@2"]);
      await stream.take(["b@2"]);
    });

    for (const names of [["a", "b"], ["*"], ["*", "a"]])
      it(`P36 the same version for [${names}] is sent again: such a client may have dropped some names`, async () => {
        const cache = cacheOf(make("a"), make("b"));
        const test = await TestServer.start(cache);
        const before = test.open(way, typeUrl);
        before.want(...names);
        const { version } = await before.take(["a@1", "b@1"]);
        await before.cancel();
        const stream = test.open(way, typeUrl);
        stream.of(typeUrl).wantWith({ versionInfo: version }, ...names);
        await stream.take(["a@1", "b@1"]);
      });

    it("P36 of another version, or of a version of the user's own, is sent", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const one = test.open(way, typeUrl);
      one.of(typeUrl).wantWith({ versionInfo: "0123456789abcdef" });
      await one.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a", 2)], { version: "mine" }));
      await one.take(["a@2"]);
      const other = test.open(way, typeUrl);
      other.of(typeUrl).wantWith({ versionInfo: "mine" });
      await other.take(["a@2"]);
    });
  });

  on(sotwWays, (way) => {
    it("P33 is not meant by an empty list of a type with emptyIsWildcard: false", async () => {
      const typeUrl = `type.googleapis.com/example.OnDemand.${way.variant}.${way.kind.length}`;
      registerResourceType({
        typeUrl,
        name: `on-demand-${way.kind}`,
        order: 9,
        fullStateInSotw: false,
        emptyIsWildcard: false,
        service: { name: `example.OnDemandService${way.kind.length}`, stream: "Stream" },
      });
      const stream = (
        await TestServer.start(cacheOf(Resource.fromBytes(typeUrl, Buffer.of(8, 1), { name: "one" })))
      ).open(way, typeUrl);
      stream.want();
      await stream.quiet();
      stream.want("one");
      const [any] = (await stream.next()).anys;
      expect([any?.typeUrl, ...(any?.value ?? [])]).toEqual([typeUrl, 8, 1]);
    });
  });
});
