import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { decodeDeltaDiscoveryResponse, decodeDiscoveryResponse } from "../../src/wire/response-decoding.js";
import { adsWays, allWays, cacheOf, deltaWays, on, onBothTypes, sotwWays, TestServer, type Way } from "./harness.js";
import { cluster, type Maker, routeToC } from "./resources.js";
import type { Answer, ScriptedStream } from "./scripted-stream.js";

const supportsTtl = "xds.config.supports-resource-ttl";
const bothFeatures = [supportsTtl, "xds.config.resource-in-sotw"];

const withTtl = (resource: Resource, ttlMs: number) => Resource.of(resource.message(), { ttlMs });

/** Subscribes as a client with these features. */
function want(stream: ScriptedStream, clientFeatures: string[], ...names: string[]) {
  stream.of(stream.typeUrl).wantWith({ node: { id: "n", clientFeatures } }, ...names);
}

/** The resources of a response; `name` is "" where it is in the body only, as it is without a wrapper in SotW. */
const read = ({ variant }: Way, { bytes }: Answer) =>
  (variant === "sotw" ? decodeDiscoveryResponse(bytes) : decodeDeltaDiscoveryResponse(bytes)).resources;

/** Each resource's label, or "-" where it has no body, and its TTL. */
function ttls(way: Way, answer: Answer, labels: Record<string, Resource>) {
  return read(way, answer)
    .map(({ body, ttlMs }) => {
      const label = Object.entries(labels).find(([, resource]) => body && Buffer.from(resource.body).equals(body));
      return `${body ? (label?.[0] ?? "?") : "-"} ${ttlMs ?? "for ever"}`;
    })
    .sort();
}

const some = (make: Maker) => ({ a: withTtl(make("a"), 10_500), b: make("b") });

describe("a TTL", () => {
  onBothTypes(allWays, (way, { typeUrl, make }) => {
    it("P57 is sent to clients that support it, with the resource's name and version", async () => {
      const resources = some(make);
      const stream = (await TestServer.start(cacheOf(...Object.values(resources)))).open(way, typeUrl);
      want(stream, bothFeatures, "a", "b");
      const answer = await stream.next();
      expect(ttls(way, answer, resources)).toEqual(["a 10500", "b for ever"]);
      const a = read(way, answer).find(({ ttlMs }) => ttlMs !== undefined);
      expect(a).toMatchObject({ name: "a", typeUrl, version: resources.a.version });
      stream.ack(answer);
      await stream.quiet();
    });

    it("P57 is not sent to other clients on the same server", async () => {
      const resources = some(make);
      const server = await TestServer.start(cacheOf(...Object.values(resources)));
      for (const features of [[], bothFeatures, [bothFeatures[1] as string], []]) {
        const stream = server.open(way, typeUrl);
        want(stream, features, "a", "b");
        const told = features === bothFeatures ? ["a 10500", "b for ever"] : ["a for ever", "b for ever"];
        expect(ttls(way, await stream.next(), resources)).toEqual(told);
      }
    });
  });

  on(adsWays, (way) => {
    it("P53 P58 of a held back resource: heartbeats keep the old version alive", async () => {
      const route = (content: number) => withTtl(routeToC("r", content), 100);
      const cache = cacheOf(cluster("c1"), route(1));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      want(stream, bothFeatures);
      stream.ack(await stream.expect(["c1@1"]));
      stream.of(routeType).want("r");
      stream.ack(await stream.next());
      cache.set("n", Snapshot.of([cluster("c1"), cluster("c2"), route(2)]));
      const answer = async (typeUrl: string) => {
        for (;;) {
          const next = await stream.next();
          if (next.typeUrl === typeUrl) return next;
          stream.ack(next); // a heartbeat from before the change
        }
      };
      stream.nack(await answer(clusterType));
      const old = { a: route(1) };
      const expected = way.variant === "sotw" ? "a 100" : "- 100";
      for (let beat = 0; beat < 2; beat++) {
        const next = await answer(routeType);
        expect(ttls(way, next, old)).toEqual([expected]);
        if (way.variant === "delta") expect(read(way, next)).toMatchObject([{ name: "r", version: route(1).version }]);
        stream.ack(next);
      }
    });
  });

  onBothTypes(sotwWays, (way, { typeUrl, make }) => {
    it("P57 needs a client that takes the wrapper, of either spelling", async () => {
      const resources = some(make);
      const server = await TestServer.start(cacheOf(...Object.values(resources)));
      for (const [features, told] of [
        [[supportsTtl], "a for ever"],
        [[supportsTtl, "xds.config.resource-in-sotw"], "a 10500"],
        [[supportsTtl, "xds.config.supports-resource-in-sotw"], "a 10500"],
      ] as const) {
        const stream = server.open(way, typeUrl);
        want(stream, [...features], "a");
        expect(ttls(way, await stream.next(), resources)).toEqual([told]);
      }
    });
  });
});

describe("a heartbeat", () => {
  const ttlMs = 100;
  const short = (make: Maker) => ({ a: withTtl(make("a"), ttlMs), b: make("b") });

  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    for (const names of [["*"], ["a", "b"]])
      it(`P58 has no body, and the version last sent, to [${names}]`, async () => {
        const resources = short(make);
        const stream = (await TestServer.start(cacheOf(...Object.values(resources)))).open(way, typeUrl);
        want(stream, bothFeatures, ...names);
        stream.ack(await stream.next());
        for (let beat = 0; beat < 3; beat++) {
          const answer = await stream.next();
          expect(read(way, answer)).toMatchObject([
            { name: "a", version: resources.a.version, ttlMs, body: undefined, aliases: [] },
          ]);
          expect(answer.removed).toEqual([]);
          stream.ack(answer);
        }
      });
  });

  onBothTypes(sotwWays, (way, { typeUrl, make, fullState }) => {
    for (const names of [["*"], ["a", "b"]])
      it(`P58 has the version last sent and the body, which Envoy needs, and all of a full-state type, for [${names}]`, async () => {
        const resources = short(make);
        const stream = (await TestServer.start(cacheOf(...Object.values(resources)))).open(way, typeUrl);
        want(stream, bothFeatures, ...names);
        const first = await stream.next();
        stream.ack(first);
        for (let beat = 0; beat < 3; beat++) {
          const answer = await stream.next();
          expect(answer.version).toBe(first.version);
          expect(ttls(way, answer, resources)).toEqual(fullState ? ["a 100", "b for ever"] : ["a 100"]);
          stream.ack(answer);
        }
      });
  });

  onBothTypes(allWays, (way, { typeUrl, make }) => {
    it("P58 does not wait for the answer to an earlier heartbeat or response", async () => {
      const resources = short(make);
      const stream = (await TestServer.start(cacheOf(...Object.values(resources)))).open(way, typeUrl);
      want(stream, bothFeatures, "a");
      const first = await stream.next();
      const beats: Answer[] = [];
      for (let beat = 0; beat < 6; beat++) {
        const answer = await stream.next();
        expect(read(way, answer)).toMatchObject([{ ttlMs }]);
        beats.push(answer);
      }
      stream.ack(first);
      // Each answer is about its own response, or about one that is forgotten.
      for (const beat of beats) stream.ack(beat);
      expect(read(way, await stream.next())).toMatchObject([{ ttlMs }]);
    });

    it("P58 repeats what the client certainly has while an update is refused, and never what it has refused", async () => {
      const resources = short(make);
      const cache = cacheOf(...Object.values(resources));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      want(stream, bothFeatures, "a");
      stream.ack(await stream.next());
      cache.set("n", Snapshot.of([withTtl(make("a", 2), ttlMs), resources.b]));
      for (;;) {
        const answer = await stream.next();
        const isUpdate = ttls(way, answer, { new: withTtl(make("a", 2), ttlMs) }).includes("new 100");
        if (!isUpdate)
          stream.ack(answer); // a heartbeat from before the change
        else {
          stream.nack(answer);
          break;
        }
      }
      const isOld = way.variant === "delta" ? "- 100" : "a 100";
      for (let beat = 0; beat < 3; beat++) {
        const answer = await stream.next();
        expect(ttls(way, answer, resources)).toEqual([isOld]);
        stream.ack(answer);
      }
    });

    it("P58 is followed by the body when it is refused", async () => {
      const resources = short(make);
      const stream = (await TestServer.start(cacheOf(...Object.values(resources)))).open(way, typeUrl);
      want(stream, bothFeatures, "a");
      stream.ack(await stream.next());
      const beat = await stream.next();
      stream.nack(beat);
      for (;;) {
        const answer = await stream.next();
        stream.ack(answer);
        if (ttls(way, answer, resources)[0] === "a 100" && way.variant === "delta") break;
        if (way.variant === "sotw") {
          expect(ttls(way, answer, resources)).toEqual(["a 100"]);
          break;
        }
      }
    });

    it("P57 P58 comes only to clients that get TTLs and have a resource with one", async () => {
      const cache = new LinearCache(typeUrl, { resources: Object.values(short(make)) });
      const server = await TestServer.start(cache);
      const [beaten, other, unable] = [1, 2, 3].map(() => server.open(way, typeUrl)) as [
        ScriptedStream,
        ScriptedStream,
        ScriptedStream,
      ];
      want(other, bothFeatures, "b");
      other.ack(await other.next());
      want(unable, [], "a", "b");
      unable.ack(await unable.next());
      want(beaten, bothFeatures, "a", "b");
      for (let beat = 0; beat < 4; beat++) beaten.ack(await beaten.next());
      await other.quiet();
      await unable.quiet();
    });

    it("P58 ends when the resource is sent without a TTL", async () => {
      const resources = short(make);
      const cache = cacheOf(...Object.values(resources));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      want(stream, bothFeatures, "a");
      stream.ack(await stream.next());
      stream.ack(await stream.next());
      cache.set("n", Snapshot.of([make("a"), resources.b]));
      for (;;) {
        const answer = await stream.next();
        stream.ack(answer);
        if (ttls(way, answer, resources)[0] === "a for ever") break;
        expect(read(way, answer)).toMatchObject([{ ttlMs }]); // it was on its way
      }
      await sleep(2 * ttlMs);
      await stream.quiet();
    });
  });
});
