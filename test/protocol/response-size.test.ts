import { describe, expect, it } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { cacheOf, deltaWays, on, TestServer } from "./harness.js";
import { cluster } from "./resources.js";

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
  }));
