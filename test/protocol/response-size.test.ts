import { describe, expect, it } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { cacheOf, deltaWays, LogBook, on, sotwWays, TestServer } from "./harness.js";
import { serve } from "./ordered-client.js";
import { aggregateOfC, cluster } from "./resources.js";

/** The limit of gRPC clients by default. */
const clientLimit = 4 * 1024 * 1024;
const count = 30_000;
const nameOf = (i: number) => `outbound|8080|v1|a-rather-long-service-name-${i}.some-namespace.svc.cluster.local`;

describe("a delta response", () =>
  on(deltaWays, (way) => {
    it(`is no larger than gRPC clients take by default: ${count} clusters come in parts, each after the ACK of the one before`, {
      timeout: 60_000,
    }, async () => {
      const cache = cacheOf(...Array.from({ length: count }, (_, i) => cluster(nameOf(i))));
      const stream = (await TestServer.start(cache, { maxReceiveBytes: clientLimit })).open(way, clusterType);
      stream.want("*");
      const names: string[] = [];
      let parts = 0;
      while (names.length < count) {
        const answer = await stream.next();
        await stream.quiet();
        expect(answer.bytes.length).toBeLessThanOrEqual(clientLimit);
        names.push(...answer.resources.map(({ name }) => name));
        parts++;
        stream.ack(answer);
      }
      await stream.quiet();
      expect(parts).toBe(2);
      expect(new Set(names).size).toBe(count);
      expect(names).toHaveLength(count);
    });

    it("is no larger than maxResponseBytes, but for a resource that is larger by itself", async () => {
      const maxResponseBytes = 1_000;
      const large = `large-${"x".repeat(2 * maxResponseBytes)}`;
      const small = Array.from({ length: 50 }, (_, i) => `small-${i}`);
      const cache = cacheOf(...[...small, large].map((name) => cluster(name)));
      const stream = (await TestServer.start(cache, { maxResponseBytes })).open(way, clusterType);
      stream.want("*");
      const parts: { names: string[]; bytes: number }[] = [];
      while (parts.flatMap(({ names }) => names).length <= small.length) {
        const answer = await stream.next();
        parts.push({ names: answer.resources.map(({ name }) => name), bytes: answer.bytes.length });
        stream.ack(answer);
      }
      await stream.quiet();
      expect(parts.filter(({ bytes }) => bytes > maxResponseBytes).map(({ names }) => names)).toEqual([[large]]);
      expect(new Set(parts.flatMap(({ names }) => names))).toEqual(new Set([...small, large]));
    });

    it("P17 of which a part is refused: the others go on, and the bad resource is found", async () => {
      const names = Array.from({ length: 40 }, (_, i) => `cluster-${i}`);
      const cache = cacheOf(...names.map((name) => cluster(name)));
      const test = await TestServer.start(cache, { maxResponseBytes: 500, retryRefused: false });
      const stream = test.open(way, clusterType);
      stream.want("*");
      const taken: string[] = [];
      while (taken.length < names.length - 1) {
        const answer = await stream.next();
        if (answer.has.includes("cluster-17@1")) stream.nack(answer);
        else {
          stream.ack(answer);
          taken.push(...answer.has);
        }
      }
      await stream.quiet().catch(async () => stream.nack(await stream.expect(["cluster-17@1"])));
      await stream.quiet();
      expect(new Set(taken).size).toBe(names.length - 1);
      expect(test.server.report().streams[0]?.types[0]?.nacked?.names).toEqual(["cluster-17"]);
    });

    it("P25 P53 of which the parts are superseded: each name comes at last as it is served", async () => {
      const names = Array.from({ length: 40 }, (_, i) => `cluster-${i}`);
      const made = (content: number) => names.map((name) => cluster(name, content));
      const cache = cacheOf(...made(1));
      const stream = (await TestServer.start(cache, { maxResponseBytes: 500 })).open(way, clusterType);
      stream.want("*");
      const has = new Map<string, string>();
      let content = 1;
      for (let parts = 0; [...has.values()].filter((one) => one === "4").length < names.length; parts++) {
        expect(parts).toBeLessThan(100);
        const answer = await stream.next();
        for (const label of answer.has) has.set(...(label.split("@") as [string, string]));
        if (content < 4) serve(cache, made(++content));
        stream.ack(answer);
      }
      await stream.quiet();
    });

    it("P53 of which an aggregate comes no earlier than the clusters that it needs", async () => {
      const needed = Array.from({ length: 40 }, (_, i) => i + 100);
      const cache = cacheOf(...needed.flatMap((i) => [aggregateOfC(`a${i}`, i), cluster(`c${i}`)]));
      const stream = (await TestServer.start(cache, { maxResponseBytes: 500 })).open(way, clusterType);
      stream.want("*");
      const has = new Set<string>();
      while (has.size < 80) {
        const answer = await stream.next();
        for (const label of answer.has) has.add(label.replace(/@.*/, ""));
        for (const name of has) if (name.startsWith("a")) expect([...has]).toContain(name.replace("a", "c"));
        stream.ack(answer);
      }
      await stream.quiet();
    });
  }));

describe("a SotW response", () =>
  on(sotwWays, (way) => {
    it("P29 that is larger than maxResponseBytes goes out whole; the log has it once, with the size", async () => {
      const logger = new LogBook();
      const names = Array.from({ length: 100 }, (_, i) => `cluster-${i}`);
      const cache = cacheOf(...names.map((name) => cluster(name)));
      const stream = (await TestServer.start(cache, { maxResponseBytes: 1_000, logger })).open(way, clusterType);
      stream.want();
      const { bytes } = await stream.take(names.map((name) => `${name}@1`));
      serve(cache, [...names.slice(1).map((name) => cluster(name)), cluster("cluster-0", 2)]);
      stream.ack(await stream.next());
      await stream.quiet();
      const warnings = logger.entries.filter(({ message }) => message.includes("maxResponseBytes"));
      expect(warnings).toMatchObject([{ level: "warn", fields: { typeUrl: clusterType, bytes: bytes.length } }]);
      expect(warnings[0]?.message).toContain("max_receive_message_length");
    });
  }));
