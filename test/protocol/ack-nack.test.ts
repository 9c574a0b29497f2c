import { describe, expect, it } from "vitest";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType } from "../../src/resource/types.js";
import { allWays, cacheOf, deltaWays, on, onBothTypes, sotwWays, TestServer } from "./harness.js";
import { cluster } from "./resources.js";

const error = (message: string) => ({ errorDetail: { code: 13, message } });
const typeStatus = (test: TestServer) => test.server.report().streams[0]?.types[0];

describe("an ACK", () => {
  onBothTypes(sotwWays, (way, { typeUrl, make }) => {
    it("P14 gets no response until something changes", async () => {
      const cache = cacheOf(make("a"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2)]));
      await stream.take(["a@2"]);
      await stream.quiet();
    });
  });

  onBothTypes(allWays, (way, { typeUrl, make }) => {
    it("P20 of a nonce confirms exactly what was sent with it", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want();
      const first = await stream.expect(["a@1"]);
      cache.set("n", Snapshot.of([make("a", 2)]));
      stream.ack(first);
      const second = await stream.expect(["a@2"]);
      expect(typeStatus(test)).toMatchObject({
        state: "STALE",
        sent: { nonce: second.nonce, version: second.version },
        acked: { nonce: first.nonce, version: first.version },
      });
      // Refused: the client has what came with the first nonce, so that going back to it needs no word.
      stream.nack(second);
      cache.set("n", Snapshot.of([make("a")]));
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "SYNCED", acked: { nonce: first.nonce } });
    });

    it("P20 has no effect the second time", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want();
      const answer = await stream.take(["a@1"]);
      stream.ack(answer);
      await stream.quiet();
      stream.nack(answer, "too late");
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "SYNCED", nacked: undefined });
    });
  });
});

describe("a NACK", () => {
  onBothTypes(allWays, (way, { typeUrl, make, fullState }) => {
    it("P15 is made by error_detail alone; versions do not matter", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want("a");
      const first = await stream.expect(["a@1"]);
      // The version of an ACK, and an error.
      const list = way.variant === "sotw" ? { resourceNames: ["a"] } : {};
      const version = (versionInfo: string) => (way.variant === "sotw" ? { versionInfo } : {});
      stream.send({ typeUrl, ...list, ...version(first.version), responseNonce: first.nonce, ...error("no") });
      await test.barrier();
      expect(typeStatus(test)).toMatchObject({
        state: "ERROR",
        nacked: { error: { code: 13, message: "no" }, names: ["a"] },
      });
      cache.set("n", Snapshot.of([make("a", 2)]));
      const second = await stream.expect(["a@2"]);
      // The version of a NACK, and no error.
      stream.send({ typeUrl, ...list, ...version(""), responseNonce: second.nonce });
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "SYNCED", acked: { version: second.version } });
    });

    it("P15 is made by an empty error_detail", async () => {
      const test = await TestServer.start(cacheOf(make("a")));
      const stream = test.open(way, typeUrl);
      stream.want();
      const { nonce } = await stream.expect(["a@1"]);
      stream.send({ typeUrl, responseNonce: nonce, errorDetail: {} });
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "ERROR", acked: undefined });
    });

    it("P18 is healed by the next different content, and its ACK clears the error", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want();
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a", 2)]));
      stream.nack(await stream.expect(["a@2"]), "bad");
      await test.barrier();
      expect(typeStatus(test)).toMatchObject({ state: "ERROR", nacked: { error: { message: "bad" } } });
      cache.set("n", Snapshot.of([make("a", 3)]));
      const healing = await stream.expect(["a@3"]);
      expect(typeStatus(test)?.state).toBe("ERROR");
      stream.ack(healing);
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "SYNCED", nacked: undefined });
    });

    it("P18 needs no response when the content goes back to what the client holds, and is SYNCED again", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b")]));
      stream.nack(await stream.next());
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a"), make("b")]));
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "SYNCED", nacked: undefined });
    });

    it("P18 of several resources: all are sent again, because the client may have taken some of them", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want();
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      stream.nack(await stream.expect(["a@2", "b@2"]));
      if (way.variant === "sotw" && fullState) {
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a"), make("b")]));
        await stream.take(["a@1", "b@1"]);
      } else {
        // Which of them is bad is found out first (P17).
        const half = await stream.expect(["a@2"]);
        cache.set("n", Snapshot.of([make("a"), make("b")]));
        stream.nack(half);
        await stream.take(["b@1"]);
      }
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "SYNCED", nacked: undefined });
    });
  });

  onBothTypes(allWays, (way, { typeUrl, make }) => {
    it("P16 P17 the status has the time of the next offer", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want("a");
      await stream.take(["a@1"]);
      await stream.quiet();
      expect(typeStatus(test)?.retryAt).toBeUndefined();
      cache.set("n", Snapshot.of([make("a", 2)]));
      const refused = await stream.expect(["a@2"]);
      const now = () => performance.timeOrigin + performance.now();
      const earliest = Math.floor(now() + 10_000);
      stream.nack(refused);
      await stream.quiet();
      const { retryAt } = typeStatus(test) ?? {};
      expect(retryAt).toBeGreaterThanOrEqual(earliest);
      expect(retryAt).toBeLessThanOrEqual(Math.ceil(now() + 12_000)); // up to a fifth more
      cache.set("n", Snapshot.of([make("a", 3)]));
      await stream.take(["a@3"]);
      await stream.quiet();
      expect(typeStatus(test)?.retryAt).toBeUndefined();
    });
  });

  onBothTypes(sotwWays, (way, { typeUrl, make }) => {
    for (const wildcard of [true, false])
      it(`P16 is not answered until the content differs from what was refused (${wildcard ? "wildcard" : "by name"})`, async () => {
        const cache = cacheOf(make("a"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want(...(wildcard ? [] : ["a", "b"]));
        stream.nack(await stream.expect(["a@1"]));
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a")]));
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a", 2)]));
        await stream.take(["a@2"]);
      });

    it("P16 again and again: each content is sent once", async () => {
      const cache = cacheOf();
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      if (typeUrl === clusterType) await stream.take([]);
      for (let content = 1; content <= 10; content++) {
        cache.set("n", Snapshot.of([make("a", content)]));
        stream.nack(await stream.expect([`a@${content}`]));
        await stream.quiet();
      }
    });

    it("P19 that also changes resource_names still changes the subscription", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      const { nonce } = await stream.expect(["a@1"]);
      stream.of(typeUrl).wantWith({ responseNonce: nonce, ...error("not a") }, "b");
      await stream.take(["b@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.take(["b@2"]);
      await stream.quiet();
    });
  });

  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    for (const wildcard of [true, false])
      it(`P17 is not answered until the content differs from what was refused (${wildcard ? "wildcard" : "by name"})`, async () => {
        const cache = cacheOf(make("a"));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want(...(wildcard ? [] : ["a", "b"]));
        stream.nack(await stream.expect(["a@1"], wildcard ? [] : ["b"]));
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a")]));
        await stream.quiet();
        cache.set("n", Snapshot.of([make("a", 2)]));
        await stream.take(["a@2"], wildcard ? [] : ["b"]);
      });

    it("P17 counts for its response: others go on, and what was refused stays away", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want();
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b")]));
      stream.nack(await stream.expect(["a@2"]));
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2), make("c")]));
      await stream.take(["b@2", "c@1"]);
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 3), make("b", 2), make("c")]));
      await stream.take(["a@3"]);
    });

    it("P17 of a removal is not answered with that removal", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want();
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("b")]));
      stream.nack(await stream.expect([], ["a"]));
      cache.set("n", Snapshot.of([make("b", 2)]));
      await stream.take(["b@2"]);
      await stream.quiet();
    });
  });
});

describe("a nonce", () => {
  onBothTypes(sotwWays, (way, { typeUrl, make, fullState }) => {
    it("P21 that is stale is not answered; the next current one is", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a");
      const first = await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b")]));
      const second = await stream.expect(["a@2"]);
      const request = { typeUrl, resourceNames: ["a", "b"] };
      stream.send({ ...request, versionInfo: first.version, responseNonce: first.nonce });
      await stream.quiet();
      stream.send({ ...request, versionInfo: second.version, responseNonce: second.nonce });
      const third = await stream.expect(fullState ? ["a@2", "b@1"] : ["b@1"]);
      stream.send({ ...request, versionInfo: third.version, responseNonce: third.nonce });
      // Neither is one that comes when everything is answered, nor one that never was.
      for (const responseNonce of [first.nonce, second.nonce, "never was"])
        stream.send({ typeUrl, resourceNames: ["a"], responseNonce });
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      await stream.expect(fullState ? ["a@2", "b@2"] : ["b@2"]);
    });

    it("P21 that is stale refuses nothing", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want();
      const first = await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a", 2)]));
      const second = await stream.expect(["a@2"]);
      stream.send({ typeUrl, responseNonce: first.nonce, ...error("stale") });
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "STALE", nacked: undefined });
      stream.ack(second);
      await stream.quiet();
      expect(typeStatus(test)?.state).toBe("SYNCED");
    });

    it("P21 P28 of a request that crossed a response: a name that it takes up again is still sent", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b")]));
      const crossing = await stream.next(); // the requests below do not know of it
      stream.want("a");
      stream.want("a", "b"); // the client has let go of b, and has to get it again
      await stream.quiet();
      stream.ack(crossing);
      await stream.take(fullState ? ["a@2", "b@1"] : ["b@1"]);
    });

    it("P24 of several requests the latest list of names counts", async () => {
      const cache = cacheOf(make("a"), make("b"), make("c"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want("a");
      stream.want("a", "b");
      stream.want("c");
      await test.barrier();
      let answer = await stream.next();
      stream.ack(answer);
      while (!answer.has.includes("c@1")) {
        answer = await stream.next();
        stream.ack(answer);
      }
      await stream.quiet();
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2), make("c", 2)]));
      await stream.take(["c@2"]);
      await stream.quiet();
    });
  });

  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    it("P22 that is stale never voids the message's lists", async () => {
      const cache = cacheOf(make("a"), make("b"), make("c"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("a", "b");
      const first = await stream.take(["a@1", "b@1"]);
      for (const responseNonce of [first.nonce, "never was"]) {
        stream.send({ typeUrl, resourceNamesSubscribe: ["c"], resourceNamesUnsubscribe: ["b"], responseNonce });
        await stream.take(["c@1"]);
      }
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2), make("c", 2)]));
      await stream.take(["a@2", "c@2"]);
    });

    it("P22 that is stale acknowledges and refuses nothing", async () => {
      const cache = cacheOf(make("a"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want();
      const first = await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a", 2)]));
      await stream.expect(["a@2"]);
      stream.send({ typeUrl, responseNonce: first.nonce, ...error("stale") });
      stream.send({ typeUrl, responseNonce: first.nonce });
      cache.set("n", Snapshot.of([make("a", 3)]));
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "STALE", nacked: undefined, acked: { nonce: first.nonce } });
    });

    it("P23 that is empty is neither ACK nor NACK", async () => {
      const cache = cacheOf(make("a"), make("b"));
      const test = await TestServer.start(cache);
      const stream = test.open(way, typeUrl);
      stream.want("a");
      const answer = await stream.expect(["a@1"]);
      stream.send({ typeUrl });
      stream.send({ typeUrl, ...error("of nothing") });
      stream.send({ typeUrl, resourceNamesSubscribe: ["b"] });
      await stream.quiet();
      expect(typeStatus(test)).toMatchObject({ state: "STALE", acked: undefined, nacked: undefined });
      stream.ack(answer);
      await stream.take(["b@1"]);
    });
  });
});

describe("a client that does not answer", () => {
  onBothTypes(allWays, (way, { typeUrl, make, fullState }) => {
    it("P25 has one unanswered response; what changes meanwhile is merged, newest state first", async () => {
      const cache = cacheOf(make("a"), make("same"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want();
      const first = await stream.expect(["a@1", "same@1"]);
      for (let content = 2; content <= 50; content++) {
        cache.set("n", Snapshot.of([make("a", content), make("same"), make(`b${content}`)]));
        if (content % 10 === 0) await stream.quiet();
      }
      stream.ack(first);
      const whole = way.variant === "sotw" && fullState;
      await stream.take(["a@50", "b50@1", ...(whole ? ["same@1"] : [])]);
      await stream.quiet();
    });
  });

  on(allWays, (way) => {
    it("P25 holds up no other stream", async () => {
      const cache = cacheOf(cluster("a"));
      const test = await TestServer.start(cache);
      const [slow, quick] = [test.open(way, clusterType), test.open(way, clusterType)];
      slow.want();
      await slow.expect(["a@1"]);
      quick.want();
      await quick.take(["a@1"]);
      for (let content = 2; content < 10; content++) {
        cache.set("n", Snapshot.of([cluster("a", content)]));
        await quick.take([`a@${content}`]);
      }
      await slow.quiet();
    });
  });
});
