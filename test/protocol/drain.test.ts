import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType } from "../../src/resource/types.js";
import type { Callbacks } from "../../src/server/callbacks.js";
import { adsWays, allWays, on, stopClock, TestServer } from "./harness.js";
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

describe("a server without streams", () => {
  it("P13 is drained at once", async () => {
    const test = await TestServer.start(cacheOf("n"));
    stopClock(); // so a drain that waits never ends
    await test.server.drain({ timeoutMs: 5_000 });
    expect(test.server.report().connections).toBe(0);
  });
});

describe("a draining server", () =>
  on(allWays, (way) => {
    it("P13 ends its streams with UNAVAILABLE, one after the other, within the bound", async () => {
      let closed = 0;
      const close = () => void closed++;
      const test = await TestServer.start(cacheOf("n"), {
        callbacks: { onStreamClosed: close, onDeltaStreamClosed: close },
      });
      const streams = Array.from({ length: 20 }, () => test.open(way, clusterType));
      for (const stream of streams) stream.want();
      for (const stream of streams) await stream.take(["a@1"]);
      await test.barrier();

      const clock = stopClock();
      const drained = test.server.drain({ timeoutMs: 3_000, paceMs: 50 });
      for (let due = 1; due <= 20; due++) {
        await clock.pass(50);
        expect(closed).toBe(due);
      }
      for (const stream of streams) expect((await stream.ended).code).toBe(status.UNAVAILABLE);
      await clock.pass(20);
      await drained;
      expect(test.server.report().streams).toEqual([]);
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

      const clock = stopClock();
      const drained = test.server.drain({ timeoutMs: 2_000, paceMs: 10 });
      for (let ms = 0; ms < 2_000; ms += 20) {
        await clock.pass(20);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await drained;
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
      await test.server.drain({ timeoutMs: 600_000 });
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    });

    it("P13 ends what hangs when the time is over", async () => {
      const test = await TestServer.start(cacheOf("n"), { callbacks: onRequest(() => new Promise(() => {})) });
      const stream = test.open(way, clusterType);
      stream.want();
      await test.barrier();
      await test.server.drain({ timeoutMs: 200 });
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    });

    it("P13 refuses new streams, without a callback", async () => {
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

describe("a draining server, and an unknown type", () =>
  on(adsWays, (way) => {
    it("P12 P13 does not wait for a response on a stream with this type only", async () => {
      const test = await TestServer.start(cacheOf("n"));
      const stream = test.open(way, unknownType);
      stream.want();
      await test.barrier();
      await test.server.drain({ timeoutMs: 600_000 });
      expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    });

    it("P13 sends the response for another type of the stream first", async () => {
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
