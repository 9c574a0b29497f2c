import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, listenerToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;

/** A client that names its cluster itself, and whose listener moves from c1 to c2 while it goes on naming c1. */
function moved(variant: VariantName, times: { drainTimeMs: number; orderTimeoutMs: number }) {
  const clusters = wholeOr(variant);
  const cache = cacheOf(cluster("c1"), listenerToC("l", 1));
  const server = new DirectServer(cache, {}, times);
  const client = server.open(variant);
  const serve = (...next: Resource[]) => cache.set("n", Snapshot.of(next));
  client.want(clusterType, "c1");
  client.take(clusterType, ["c1@1"]);
  client.want(listenerType);
  client.take(listenerType, ["l@1"]);
  serve(cluster("c2"), listenerToC("l", 2));
  client.want(clusterType, "c1", "c2");
  client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
  client.take(listenerType, ["l@2"]);
  client.quiet();
  /** The cluster goes after this time, and not before. */
  const goesAfter = (ms: number) => {
    client.quietFor(ms - 100);
    server.pass(200);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    client.quietFor(60 * second);
  };
  return { server, client, serve, goesAfter };
}

describe.each(["sotw", "delta"] as const)(
  "a removed cluster that drains and that the client still names, %s",
  (variant) => {
    it("P54 goes after orderTimeoutMs where that is longer than drainTimeMs", () => {
      const { client, goesAfter } = moved(variant, { drainTimeMs: 2 * second, orderTimeoutMs: 5 * second });
      expect(client.state(clusterType)).toBe("DRAINING");
      goesAfter(5 * second);
      expect(client.state(clusterType)).toBe("SYNCED");
    });

    it("P54 goes after drainTimeMs where that is longer; the waits are not added up", () => {
      const { client, goesAfter } = moved(variant, { drainTimeMs: 30 * second, orderTimeoutMs: 5 * second });
      expect(client.state(clusterType)).toBe("DRAINING");
      goesAfter(30 * second);
      expect(client.state(clusterType)).toBe("SYNCED");
    });

    it("P54 does not count as lag after the drain time either: the state stays DRAINING until the removal", () => {
      const { client, server } = moved(variant, { drainTimeMs: 2 * second, orderTimeoutMs: 5 * second });
      for (let ms = 0; ms < 4 * second; ms += 500) {
        server.pass(500);
        expect([ms, client.state(clusterType)]).toEqual([ms, "DRAINING"]);
      }
    });

    it("P54 goes at once when the client drops the name, whichever of the times is over", () => {
      for (const ms of [second, 3 * second]) {
        const { client, server } = moved(variant, { drainTimeMs: 2 * second, orderTimeoutMs: 5 * second });
        server.pass(ms);
        client.want(clusterType, "c2");
        client.quietFor(60 * second);
        expect(client.state(clusterType)).toBe("SYNCED");
      }
    });

    it("P54 goes after orderTimeoutMs where nothing drains (drainTimeMs: 0)", () => {
      const { client, goesAfter } = moved(variant, { drainTimeMs: 0, orderTimeoutMs: 5 * second });
      expect(client.state(clusterType)).toBe("STALE");
      goesAfter(5 * second);
    });

    it("P54 goes after drainTimeMs where the client is not waited for (orderTimeoutMs: 0)", () => {
      const { goesAfter } = moved(variant, { drainTimeMs: 2 * second, orderTimeoutMs: 0 });
      goesAfter(2 * second);
    });
  },
);

describe.each(["sotw", "delta"] as const)(
  "a removed cluster that something else uses while it drains, %s",
  (variant) => {
    it("P54 stays, and its longest wait begins when nothing uses it any more", () => {
      // It is created again, used again, and removed again: the first drain says nothing about the second.
      const { client, server, serve, goesAfter } = moved(variant, { drainTimeMs: 10 * second, orderTimeoutMs: second });
      server.pass(8 * second);
      serve(cluster("c1"), cluster("c2"), listenerToC("l", 1));
      client.take(listenerType, ["l@1"]);
      client.quietFor(5 * second);
      serve(cluster("c2"), listenerToC("l", 2));
      client.take(listenerType, ["l@2"]);
      goesAfter(10 * second);
    });
  },
);
