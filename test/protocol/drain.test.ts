import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType } from "../../src/resource/types.js";
import type { Callbacks } from "../../src/server/callbacks.js";
import { adsWays, allWays, on, TestServer } from "./harness.js";
import { cluster } from "./resources.js";

const cacheOf = (group: string) => {
  const cache = new SnapshotCache();
  cache.set(group, Snapshot.of([cluster("a")]));
  return cache;
};

/** Callbacks of both variants alike. */
const onRequest = (call: () => void | Promise<void>): Callbacks => ({
  onStreamRequest: call,
  onStreamDeltaRequest: call,
});

describe("a draining server", () =>
  on(allWays, (way) => {
    it("P13 ends its streams with UNAVAILABLE, one after the other, within the bound", async () => {
      const closed: number[] = [];
      const close = () => void closed.push(performance.now());
      const test = await TestServer.start(cacheOf("n"), {
        callbacks: { onStreamClosed: close, onDeltaStreamClosed: close },
      });
      const streams = Array.from({ length: 20 }, () => test.open(way, clusterType));
      for (const stream of streams) stream.want();
      for (const stream of streams) await stream.take(["a@1"]);
      await test.barrier();

      const start = performance.now();
      await test.server.drain({ timeoutMs: 3_000, paceMs: 50 });
      expect(performance.now() - start).toBeLessThan(3_500);
      for (const stream of streams) expect((await stream.ended).code).toBe(status.UNAVAILABLE);
      expect(closed).toHaveLength(20);
      expect((closed.at(-1) as number) - (closed[0] as number)).toBeGreaterThan(19 * 25); // what a slow machine is late with is made up for
      expect(test.server.status()).toEqual([]);
    });

    it("P13 ends 1,000 streams within the bound, a few at a time", async () => {
      /** How many ended in each turn of the event loop. */
      const batches: number[] = [];
      let isSame = false;
      const close = () => {
        if (isSame) batches.push((batches.pop() ?? 0) + 1);
        else batches.push(1);
        isSame = true;
        setImmediate(() => {
          isSame = false;
        });
      };
      const test = await TestServer.start(cacheOf("n"), {
        callbacks: { onStreamClosed: close, onDeltaStreamClosed: close },
      });
      const streams = Array.from({ length: 1_000 }, () => test.open(way, clusterType));
      for (const stream of streams) stream.want();
      for (const stream of streams) await stream.take(["a@1"]);

      const start = performance.now();
      await test.server.drain({ timeoutMs: 2_000, paceMs: 10 });
      expect(performance.now() - start).toBeLessThan(4_000);
      for (const stream of streams) expect((await stream.ended).code).toBe(status.UNAVAILABLE);
      expect(batches.reduce((sum, size) => sum + size)).toBe(1_000);
      expect(Math.max(...batches)).toBeLessThanOrEqual(50);
    });

    it("P13 lets a stream have its first response before it ends it", async () => {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const test = await TestServer.start(cacheOf("n"), { callbacks: onRequest(() => held) });
      const stream = test.open(way, clusterType);
      stream.want();
      await test.barrier();
      const drained = test.server.drain({ timeoutMs: 5_000 });
      letGo();
      await stream.expect(["a@1"]);
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
      await drained;
    });

    it("P13 waits for no response that cannot come: not for a node without configuration", async () => {
      const test = await TestServer.start(cacheOf("other"));
      const stream = test.open(way, clusterType);
      stream.want();
      await stream.quiet();
      const start = performance.now();
      await test.server.drain({ timeoutMs: 10_000 });
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
      expect(performance.now() - start).toBeLessThan(5_000);
    });

    it("P13 ends what hangs when the time is over", async () => {
      const test = await TestServer.start(cacheOf("n"), { callbacks: onRequest(() => new Promise(() => {})) });
      const stream = test.open(way, clusterType);
      stream.want();
      await test.barrier();
      await test.server.drain({ timeoutMs: 200 });
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    });

    it("P13 takes no new streams, and tells nobody of them", async () => {
      const told: string[] = [];
      const open = () => void told.push("open");
      const close = () => void told.push("closed");
      const callbacks = {
        onStreamOpen: open,
        onDeltaStreamOpen: open,
        onStreamClosed: close,
        onDeltaStreamClosed: close,
      };
      const test = await TestServer.start(cacheOf("n"), { callbacks });
      const before = test.open(way, clusterType);
      before.want();
      await before.take(["a@1"]);
      const drained = test.server.drain();
      const late = test.open(way, clusterType);
      late.want();
      expect((await late.ended).code).toBe(status.UNAVAILABLE);
      await drained;
      expect(told).toEqual(["open", "closed"]);
    });
  }));

const unknownType = "type.googleapis.com/not.Known";

describe("a draining server, and a type that nobody knows", () =>
  on(adsWays, (way) => {
    it("P12 P13 waits for no response where only that is asked for", async () => {
      const test = await TestServer.start(cacheOf("n"));
      const stream = test.open(way, unknownType);
      stream.want();
      await test.barrier();
      await test.server.drain({ timeoutMs: 600_000 });
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    });

    it("P13 lets a stream have the response to what it asks for besides", async () => {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      let requests = 0;
      const callbacks = onRequest(() => (++requests === 2 ? held : undefined));
      const test = await TestServer.start(cacheOf("n"), { callbacks });
      const stream = test.open(way, unknownType);
      stream.want();
      stream.of(clusterType).want();
      await test.barrier();
      expect(requests).toBe(2);
      const drained = test.server.drain({ timeoutMs: 600_000 });
      // The stream's turn is in 5 ms; it is passed over then.
      await new Promise((resolve) => setTimeout(resolve, 50));
      letGo();
      await stream.of(clusterType).expect(["a@1"]);
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
      await drained;
    });
  }));
