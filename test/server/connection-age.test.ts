import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { clusterType, type StreamInfo, type XdsServerOptions } from "../../src/index.js";
import { ConnectionAge } from "../../src/server/admission/connection-age.js";
import type { StreamSlot } from "../../src/server/admission/stream-slot.js";
import { cluster as clusterOf, connect, serve } from "../client/modes.js";
import { allWays, cacheOf, on, stopClock, TestServer, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";

const start = (options: XdsServerOptions) => TestServer.start(cacheOf(cluster("a")), options);

describe("a connection that has reached maxConnectionAgeMs", () => {
  on(allWays, (way) => {
    it("has all its streams ended together, with UNAVAILABLE, and its client opens them on another one", async () => {
      const peers: string[] = [];
      const closed: number[] = [];
      const open = ({ peer }: StreamInfo) => void peers.push(peer);
      let turn = 0;
      const close = () => {
        closed.push(turn);
        setImmediate(() => turn++);
      };
      const callbacks = {
        onStreamOpen: open,
        onDeltaStreamOpen: open,
        onStreamClosed: close,
        onDeltaStreamClosed: close,
      };
      const test = await start({ maxConnectionAgeMs: 1_000, callbacks });
      const streams = Array.from({ length: 3 }, () => test.open(way, clusterType));
      for (const stream of streams) stream.want();
      for (const stream of streams) await stream.take(["a@1"]);
      for (const stream of streams)
        expect(await stream.ended).toMatchObject({
          code: status.UNAVAILABLE,
          details: "this connection has reached the server's maxConnectionAge; connect again",
        });
      await until(() => closed.length === 3, "the ends");
      expect(closed).toEqual([0, 0, 0]); // in one turn of the event loop
      const next = test.open(way, clusterType);
      next.want();
      await next.take(["a@1"]);
      expect(new Set(peers.slice(0, 3)).size).toBe(1);
      expect(peers[3]).not.toBe(peers[0]);
    });
  });

  it.each([
    ["delta", "ads", 2],
    ["delta", "separate", 2],
  ] as const)("costs no resource again: %s, %s", async (variant, service, resources) => {
    let opened = 0;
    const { server, set, address } = await serve([clusterOf("a"), clusterOf("b")], {
      maxConnectionAgeMs: 300,
      callbacks: { onDeltaStreamOpen: () => void opened++ },
    });
    const client = connect({ address, variant, service });
    client.subscribe(clusterType);
    await client.synced(clusterType);
    await until(() => opened >= 4, "new connections");
    const sent = () => server.report().counters.traffic.reduce((sum, row) => sum + row.resources, 0);
    expect(sent()).toBe(resources);
    set([clusterOf("a", 2), clusterOf("b")]);
    await until(() => sent() === resources + 1, "the change");
  });

  it("does not disturb connections that are younger", async () => {
    const test = await start({ maxConnectionAgeMs: 60_000 });
    const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    await stream.quiet();
  });
});

describe("the age of a connection", () => {
  const connection = { goAway: () => {}, destroy: () => {} };

  it("varies by a tenth, so that connections that were opened together do not end together", () => {
    stopClock();
    const age = new ConnectionAge(1_000);
    const now = performance.now();
    const ends = Array.from({ length: 1_000 }, (_, i) => {
      const caller = { peer: `10.0.0.1:${i}`, certificateNames: [] };
      age.opened(caller, connection);
      return age.endsAt(caller) - now;
    });
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(900);
    expect(Math.max(...ends)).toBeLessThanOrEqual(1_100);
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(150);
  });

  it("makes it go away at four fifths, then ends its streams, and then closes it", async () => {
    const clock = stopClock();
    const age = new ConnectionAge(1_000);
    const caller = { peer: "10.0.0.1:1", certificateNames: [] };
    const events: string[] = [];
    age.opened(caller, { goAway: () => void events.push("GOAWAY"), destroy: () => void events.push("closed") });
    const stream = { fail: () => void events.push("ended") };
    age.start([{ endsAt: age.endsAt(caller), stream } as unknown as StreamSlot]);
    onTestFinished(() => age.stop());
    await clock.pass(700); // 720 ms at the earliest
    expect(events).toEqual([]);
    await clock.pass(200);
    expect(new Set(events)).toEqual(new Set(["GOAWAY"]));
    await clock.pass(250);
    expect(events).toContain("ended");
    expect(events).not.toContain("closed");
    await clock.pass(60_000);
    expect(events).toContain("closed");
  });

  it("is one for all its streams, and is forgotten with it", () => {
    stopClock();
    const age = new ConnectionAge(1_000);
    const caller = { peer: "10.0.0.1:1", certificateNames: [] };
    age.opened(caller, connection);
    const endsAt = age.endsAt(caller);
    expect(endsAt).toBeLessThanOrEqual(performance.now() + 1_100);
    expect(age.endsAt(caller)).toBe(endsAt);
    age.closed(caller);
    expect(age.endsAt(caller)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([0, -1, Number.NaN, 2 ** 31])("cannot be %d", (maxConnectionAgeMs) => {
    expect(() => new ConnectionAge(maxConnectionAgeMs)).toThrow(/maxConnectionAgeMs must be from 1 to/);
  });
});
