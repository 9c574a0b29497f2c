import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, runtimeType } from "../../src/resource/types.js";
import { adsWays, allWays, cacheOf, LogBook, on, ownWays, TestServer } from "./harness.js";
import { cluster, endpoints, listener, runtime } from "./resources.js";

describe("the node", () =>
  on(allWays, (way) => {
    it("P1 comes with the first request and holds for later requests without a node", async () => {
      const cache = cacheOf(cluster("a"), cluster("b"));
      cache.set("other", Snapshot.of([cluster("a", 9), cluster("b", 9)]));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      stream.want("a");
      await stream.take(["a@1"]);
      stream.want("a", "b");
      await stream.take(way.variant === "sotw" ? ["a@1", "b@1"] : ["b@1"]);
      cache.set("other", Snapshot.of([cluster("a", 10)]));
      await stream.quiet();
    });

    it("P2 a different node later on the stream is ignored and logged once", async () => {
      const cache = cacheOf(cluster("a"), cluster("b"));
      cache.set("other", Snapshot.of([cluster("b", 9)]));
      const logger = new LogBook();
      const stream = (await TestServer.start(cache, { logger })).open(way, clusterType);
      const as = (id: string) => ({ node: { id } });
      stream.of(clusterType).wantWith(as("n"), "a");
      await stream.take(["a@1"]);
      stream.of(clusterType).wantWith(as("other"), "b");
      await stream.take(["b@1"]);
      stream.of(clusterType).wantWith(as("third"), "b", "c");
      await stream.take(way.variant === "sotw" ? ["b@1"] : [], ["c"]);
      expect(logger.entries).toMatchObject([{ level: "warn", fields: { node: "n", other: "other" } }]);
    });

    it("P2 a first request without any node is the empty node's", async () => {
      const cache = cacheOf();
      cache.set("", Snapshot.of([cluster("a")]));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      stream.send({ typeUrl: clusterType });
      await stream.expect(["a@1"]);
    });

    it("P2 a first request without any node is refused where the server requires one", async () => {
      const stream = (await TestServer.start(cacheOf(), { requireNode: true })).open(way, clusterType);
      stream.send({ typeUrl: clusterType });
      expect(await stream.ended).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringMatching(/node/),
      });
    });
  }));

describe("the type URL", () => {
  on(adsWays, (way) => {
    it("P3 a request without one ends an aggregated stream", async () => {
      const stream = (await TestServer.start(cacheOf())).open(way, clusterType);
      stream.send({ node: { id: "n" } });
      expect(await stream.ended).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringMatching(/type_url/),
      });
    });
  });

  on(ownWays, (way) => {
    it("P4 is the service's own where it is missing", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a")))).open(way, clusterType);
      stream.send({ node: { id: "n" } });
      await stream.expect(["a@1"]);
    });

    it("P4 of another type than the service's is rejected", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a")))).open(way, clusterType);
      stream.send({ node: { id: "n" }, typeUrl: listenerType });
      expect(await stream.ended).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining(listenerType),
      });
    });

    it("P4 of another type is rejected later on the stream too", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a")))).open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      stream.send({ typeUrl: listenerType });
      expect((await stream.ended).code).toBe(status.INVALID_ARGUMENT);
    });
  });

  on(allWays, (way) => {
    it("P5 of a response is the request's, and so is each resource's", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a"), cluster("b")))).open(way, clusterType);
      stream.want();
      const { typeUrl, anys } = await stream.expect(["a@1", "b@1"]);
      expect([typeUrl, ...anys.map((any) => any.typeUrl)]).toEqual([clusterType, clusterType, clusterType]);
    });
  });
});

describe("nonces", () =>
  on(allWays, (way) => {
    it("P6 are not empty and never repeat on a stream", async () => {
      const cache = cacheOf(cluster("a"));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      const nonces: string[] = [];
      stream.want();
      for (let content = 1; content <= 20; content++) {
        cache.set("n", Snapshot.of([cluster("a", content)]));
        const answer = await stream.expect([`a@${content}`]);
        nonces.push(answer.nonce);
        if (content % 2) stream.ack(answer);
        else stream.nack(answer);
      }
      expect(nonces).not.toContain("");
      expect(new Set(nonces).size).toBe(20);
    });

    it("P7 of an earlier stream mean nothing on a new one", async () => {
      const cache = cacheOf(cluster("a"));
      const server = await TestServer.start(cache);
      const old = server.open(way, clusterType);
      old.want("a");
      const { nonce, version } = await old.take(["a@1"]);
      await old.cancel();
      const stream = server.open(way, clusterType);
      const versions = way.variant === "sotw" ? { versionInfo: version } : {};
      stream.of(clusterType).wantWith({ ...versions, responseNonce: nonce }, "a");
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([cluster("a", 2)]));
      await stream.take(["a@2"]);
    });

    it("P7 of an earlier stream refuse nothing on a new one", async () => {
      const server = await TestServer.start(cacheOf(cluster("a")));
      const stream = server.open(way, clusterType);
      stream.of(clusterType).wantWith({ responseNonce: "1", errorDetail: { code: 13, message: "from before" } }, "a");
      await stream.take(["a@1"]);
      await stream.quiet();
      expect(server.server.report().streams[0]?.types[0]).toMatchObject({ state: "SYNCED", nacked: undefined });
    });
  }));

describe("types on an aggregated stream", () =>
  on(adsWays, (way) => {
    it("P8 are independent: versions, nonces, ACKs and NACKs", async () => {
      const cache = cacheOf(cluster("c"), listener("l"));
      const server = await TestServer.start(cache);
      const stream = server.open(way, clusterType);
      const [clusters, listeners] = [stream.of(clusterType), stream.of(listenerType)];
      clusters.want();
      const refused = await clusters.expect(["c@1"]);
      clusters.nack(refused);
      listeners.want();
      await listeners.take(["l@1"]);
      // A nonce of one type says nothing of another.
      stream.request(listenerType, { responseNonce: refused.nonce, errorDetail: { code: 13, message: "stray" } });
      await stream.quiet();
      const types = server.server.report().streams[0]?.types ?? [];
      expect(types.map(({ typeUrl, state }) => [typeUrl, state])).toEqual([
        [clusterType, "ERROR"],
        [listenerType, "SYNCED"],
      ]);
      cache.set("n", Snapshot.of([cluster("c"), listener("l", 2)]));
      await listeners.take(["l@2"]);
      await stream.quiet();
    });

    it("P8 have versions of their own", async () => {
      const cache = cacheOf(cluster("c"), listener("l"));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      stream.of(clusterType).want();
      const before = await stream.of(clusterType).take(["c@1"]);
      stream.of(listenerType).want();
      const listeners = await stream.of(listenerType).take(["l@1"]);
      expect(listeners.version).not.toBe(before.version);
      cache.set("n", Snapshot.of([cluster("c"), listener("l", 2)]));
      expect((await stream.of(listenerType).take(["l@2"])).version).not.toBe(listeners.version);
    });
  }));

describe("streams", () =>
  on(allWays, (way) => {
    it("P9 of one node have separate subscriptions", async () => {
      const cache = cacheOf(endpoints("a"), endpoints("b"));
      const server = await TestServer.start(cache);
      const [one, other] = [server.open(way, endpointType), server.open(way, endpointType)];
      one.want("a");
      other.want("b");
      await one.take(["a@1"]);
      await other.take(["b@1"]);
      cache.set("n", Snapshot.of([endpoints("a", 2), endpoints("b")]));
      await one.take(["a@2"]);
      await other.quiet();
      one.want("b");
      await one.take(["b@1"]);
      await other.quiet();
    });
  }));

describe("a name", () => {
  const message = /two resources of type .*Cluster are named "a"/;

  it("P10 twice in what is served is an error when it is set, in every cache", () => {
    expect(() => Snapshot.of([cluster("a"), cluster("b"), cluster("a", 2)])).toThrow(message);
    expect(() => Snapshot.empty.with(clusterType, [cluster("a"), cluster("a", 2)])).toThrow(message);
    const linear = new LinearCache(clusterType);
    expect(() => linear.update({ set: [cluster("a"), cluster("a")] })).toThrow(message);
    expect(() => linear.replace([cluster("a"), cluster("a")])).toThrow(message);
    expect(() => new LinearCache(clusterType, { resources: [cluster("a"), cluster("a")] })).toThrow(message);
  });

  on(allWays, (way) => {
    it("P10 asked for twice comes once", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a")))).open(way, clusterType);
      stream.want("a", "a", "b", "b", "*", "*");
      await stream.take(["a@1"], ["b"]);
      await stream.quiet();
    });
  });
});

describe("silence", () =>
  on(allWays, (way) => {
    it("P11 when the same is set again, in any order", async () => {
      const cache = cacheOf(cluster("a"), cluster("b"));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      stream.want();
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([cluster("b"), cluster("a")]));
      await stream.quiet();
    });

    it("P11 when a change is undone before it was sent", async () => {
      const cache = cacheOf(cluster("a"));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([cluster("a", 2), cluster("b")]));
      cache.set("n", Snapshot.of([cluster("a")]));
      await stream.quiet();
    });

    it("P11 when something changes that this subscription does not see", async () => {
      const cache = cacheOf(endpoints("a"), endpoints("b"), cluster("c"));
      const stream = (await TestServer.start(cache)).open(way, endpointType);
      stream.want("a");
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([endpoints("a"), endpoints("b", 2), endpoints("d"), cluster("c", 2)]));
      cache.set("other", Snapshot.of([endpoints("a", 2)]));
      await stream.quiet();
      cache.set("n", Snapshot.of([endpoints("a", 2), endpoints("b", 3)]));
      await stream.take(["a@2"]);
    });
  }));

describe("a type URL that is in no row of the table", () =>
  on(adsWays, (way) => {
    it("P12 is logged once and stays silent, and other types go on", async () => {
      const cache = cacheOf(runtime("r"));
      const logger = new LogBook();
      const stream = (await TestServer.start(cache, { logger })).open(way, clusterType);
      const unknown = stream.of("type.googleapis.com/example.Unheard");
      unknown.want("a");
      unknown.want("a", "b");
      unknown.want();
      await stream.quiet();
      stream.of(runtimeType).want("r");
      await stream.of(runtimeType).take(["r@1"]);
      unknown.want("c");
      cache.set("n", Snapshot.of([runtime("r", 2)]));
      await stream.of(runtimeType).take(["r@2"]);
      stream.of(`type.googleapis.com/${"long.".repeat(100)}Unheard`).want("a"); // not logged, for it would have to be remembered
      await stream.quiet();
      expect(logger.entries).toMatchObject([
        {
          level: "warn",
          fields: { typeUrl: "type.googleapis.com/example.Unheard" },
          message: expect.stringMatching(/no resource type/),
        },
      ]);
    });
  }));

describe("availability", () =>
  on(allWays, (way) => {
    it("P13 a stream ends with UNAVAILABLE until the first configuration is loaded", async () => {
      const cache = new SnapshotCache();
      const server = await TestServer.start(cache);
      const early = server.open(way, clusterType);
      early.want();
      expect(await early.ended).toMatchObject({ code: status.UNAVAILABLE });
      cache.set("another group", Snapshot.of([]));
      const waiting = server.open(way, clusterType);
      waiting.want();
      await waiting.quiet(); // there is a configuration, but none for this node yet
      cache.set("n", Snapshot.of([cluster("a")]));
      await waiting.expect(["a@1"]);
    });

    it("P13 the same with a linear cache", async () => {
      const cache = new LinearCache(clusterType);
      const server = await TestServer.start(cache);
      const early = server.open(way, clusterType);
      early.want();
      expect(await early.ended).toMatchObject({ code: status.UNAVAILABLE });
      cache.set(cluster("a"));
      const stream = server.open(way, clusterType);
      stream.want();
      await stream.expect(["a@1"]);
    });
  }));
