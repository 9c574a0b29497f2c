import { describe, expect, it } from "vitest";
import {
  clusterType,
  endpointType,
  LinearCache,
  NotAppliedError,
  routeType,
  Snapshot,
  SnapshotCache,
  silentLogger,
  XdsServer,
} from "../../src/index.js";
import { routeAll } from "../e2e/edge.js";
import { adsWays, allWays, on, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import type { Answer } from "../protocol/scripted-stream.js";

/** Nodes `<group>-<number>`. */
const nodeGroup = ({ id }: { id: string }) => id.replace(/-.*/, "");

/** Whether a promise has settled yet, and how. */
function watch(promise: Promise<void>) {
  const seen: { outcome: "pending" | "resolved" | NotAppliedError } = { outcome: "pending" };
  promise.then(
    () => {
      seen.outcome = "resolved";
    },
    (error: NotAppliedError) => {
      seen.outcome = error;
    },
  );
  return seen;
}

on(allWays, (way) => {
  async function start() {
    const cache = new SnapshotCache({ nodeGroup });
    cache.set("edge", Snapshot.of([cluster("a")]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType, "edge-1");
    stream.want();
    await stream.take(["a@1"]);
    await test.barrier();
    return { cache, test, stream };
  }

  describe("applied()", () => {
    it("P54 resolves when the removals that wait for the rest of the change are ACKed too", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("b")]));
      const seen = watch(test.server.applied("edge"));
      const removalAlone = way.kind === "ADS";
      if (way.variant === "delta") await stream.take(["b@1"], removalAlone ? [] : ["a"]);
      else await stream.take(removalAlone ? ["a@1", "b@1"] : ["b@1"]);
      await test.barrier();
      if (removalAlone) {
        expect(seen.outcome).toBe("pending");
        if (way.variant === "delta") await stream.take([], ["a"]);
        else await stream.take(["b@1"]);
        await test.barrier();
      }
      expect(seen.outcome).toBe("resolved");
    });

    it("resolves when the change is ACKed, and not before, though it is called at once", async () => {
      const { cache, test, stream } = await start();
      await test.server.applied("edge");
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      const seen = watch(test.server.applied("edge"));
      const answer = await stream.expect(["a@2"]);
      await test.barrier();
      expect(seen.outcome).toBe("pending");
      stream.ack(answer);
      await test.barrier();
      expect(seen.outcome).toBe("resolved");
    });

    it("waits for every node of the group, and for no other", async () => {
      const { cache, test, stream } = await start();
      cache.set("other", Snapshot.of([cluster("a")]));
      const [second, other] = [test.open(way, clusterType, "edge-2"), test.open(way, clusterType, "other-1")];
      for (const each of [second, other]) {
        each.want();
        await each.expect(["a@1"]); // and says nothing of it
      }
      const seen = watch(test.server.applied("edge"));
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      await stream.take(["a@2"]);
      await test.barrier();
      expect(seen.outcome).toBe("pending");
      await second.cancel();
      await test.barrier();
      expect(seen.outcome).toBe("resolved");
      await expect(test.server.applied(({ id }) => id === "edge-1")).resolves.toBeUndefined();
    });

    it("rejects on a NACK, with the node, the type, the resource that the message names, and the message", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2), cluster("bad"), cluster("b")]));
      const applied = test.server.applied("edge").catch((error: unknown) => error);
      // As Envoy: it refuses the one that is bad, by name.
      const words = "Error adding/updating cluster(s) bad: no endpoints";
      const answer = (response: Answer) =>
        response.has.includes("bad@1") ? stream.nack(response, words) : stream.ack(response);
      answer(await stream.next());
      if (way.variant === "delta")
        for (const half of [["a@2", "bad@1"], ["a@2"], ["bad@1"], ["b@1"]]) answer(await stream.expect(half));
      const error = await applied;
      expect(error).toBeInstanceOf(NotAppliedError);
      expect(error).toMatchObject({
        code: "NOT_APPLIED",
        message: 'node "edge-1" refused clusters "bad": Error adding/updating cluster(s) bad: no endpoints',
        lacking: [{ typeUrl: clusterType, state: "ERROR", refused: ["bad"], node: { id: "edge-1" } }],
      });
      expect((error as NotAppliedError).lacking[0]?.nack?.names, "the one that is refused alone").toEqual(["bad"]);
      await expect(test.server.applied("edge"), "it is still what is served").rejects.toMatchObject({
        code: "NOT_APPLIED",
      });
    });

    it("names all that are refused, though the last refusal is about one of them", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2), cluster("bad"), cluster("worse")]));
      const applied = test.server.applied("edge").catch((error: unknown) => error);
      const answer = (response: Answer) => {
        const bad = ["bad", "worse"].filter((name) => response.has.includes(`${name}@1`));
        if (bad.length > 0)
          stream.nack(
            response,
            `Error adding/updating cluster(s) ${bad.map((name) => `${name}: no endpoints`).join(", ")}`,
          );
        else stream.ack(response);
      };
      answer(await stream.next());
      if (way.variant === "delta")
        for (const half of [["a@2", "bad@1"], ["a@2"], ["bad@1"], ["worse@1"]]) answer(await stream.expect(half));
      const error = await applied;
      expect(error).toBeInstanceOf(NotAppliedError);
      expect([...((error as NotAppliedError).lacking[0]?.refused ?? [])].sort()).toEqual(["bad", "worse"]);
    });

    it("takes a refusal of what is no longer served for no refusal", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      stream.nack(await stream.expect(["a@2"]));
      await test.barrier();
      cache.set("edge", Snapshot.of([cluster("a", 3)]));
      const applied = test.server.applied("edge");
      await stream.take(["a@3"]);
      await applied;
    });

    it("resolves when a refused change is withdrawn, which needs no response", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      stream.nack(await stream.expect(["a@2"]));
      await test.barrier();
      cache.set("edge", Snapshot.of([cluster("a")]));
      await test.server.applied("edge");
      await stream.quiet();
    });

    it("rejects when the time is over, with all that is lacking", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      await stream.expect(["a@2"]);
      await expect(test.server.applied("edge", { timeoutMs: 10 })).rejects.toMatchObject({
        code: "TIMED_OUT",
        message: 'not applied within 10 ms: node "edge-1" clusters STALE',
        lacking: [{ typeUrl: clusterType, state: "STALE", nack: undefined, node: { id: "edge-1" } }],
      });
    });

    it("resolves where changes never end: what was served at the call, or newer, is ACKed", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      const second = await stream.expect(["a@2"]);
      cache.set("edge", Snapshot.of([cluster("a", 3)]));
      const seen = watch(test.server.applied("edge"));
      stream.ack(second);
      const third = await stream.expect(["a@3"]);
      cache.set("edge", Snapshot.of([cluster("a", 4)]));
      await test.barrier();
      expect(seen.outcome).toBe("pending");
      stream.ack(third);
      await stream.expect(["a@4"]);
      await test.barrier();
      expect(seen.outcome).toBe("resolved");
    });

    it("waits for a version that is yet to come, for all types or for one", async () => {
      const { cache, test, stream } = await start();
      const all = watch(test.server.applied("edge", { version: "v2" }));
      const one = watch(test.server.applied("edge", { version: { [clusterType]: "v2", [endpointType]: "v9" } }));
      cache.set("edge", Snapshot.of([cluster("a", 2)], { version: "v1" }));
      await stream.take(["a@2"]);
      await test.barrier();
      expect([all.outcome, one.outcome]).toEqual(["pending", "pending"]);
      cache.set("edge", Snapshot.of([cluster("a", 3)], { version: "v2" }));
      await stream.take(["a@3"]);
      await test.barrier();
      expect([all.outcome, one.outcome]).toEqual(["resolved", "resolved"]);
    });

    it("takes a version that changes nothing for applied", async () => {
      const { cache, test } = await start();
      const applied = test.server.applied("edge", { version: "v2" });
      cache.set("edge", Snapshot.of([cluster("a")], { version: "v2" }));
      await applied;
      await expect(test.server.applied("edge", { version: "v3", timeoutMs: 10 })).rejects.toMatchObject({
        lacking: [{ version: "v2" }],
      });
    });

    it("ends with the server", async () => {
      const { cache, test, stream } = await start();
      cache.set("edge", Snapshot.of([cluster("a", 2)]));
      const applied = test.server.applied("edge").catch((error: unknown) => error);
      await stream.expect(["a@2"]);
      await test.server.close();
      expect(await applied).toMatchObject({ code: "WRONG_STATE" });
      await expect(test.server.applied("edge")).rejects.toMatchObject({ code: "WRONG_STATE" });
    });
  });
});

on(adsWays, (way) => {
  it("applied() waits for a removal that is kept back (P54)", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([cluster("old"), routeAll("r", "old")]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["old@1"]);
    stream.of(routeType).want("r");
    stream.ack(await stream.next());
    cache.set("n", Snapshot.of([cluster("new"), routeAll("r", "new")]));
    const seen = watch(test.server.applied("n"));
    await stream.take(way.variant === "sotw" ? ["new@1", "old@1"] : ["new@1"]);
    const moved = await stream.next();
    await test.barrier();
    expect([moved.typeUrl, seen.outcome]).toEqual([routeType, "pending"]);
    stream.ack(moved);
    const last = await (way.variant === "sotw" ? stream.expect(["new@1"]) : stream.expect([], ["old"]));
    await test.barrier();
    expect(seen.outcome).toBe("pending");
    stream.ack(last);
    await test.barrier();
    expect(seen.outcome).toBe("resolved");
  });
});

describe("applied()", () => {
  it("resolves at once without a connected node", async () => {
    const cache = new SnapshotCache();
    cache.set("nobody", Snapshot.empty);
    await new XdsServer(cache).applied("nobody");
    await new XdsServer(cache).applied(() => true);
  });

  it("refuses a group with neither nodes nor a configuration, and logs that one without nodes has applied all", async () => {
    const cache = new SnapshotCache();
    cache.set("edge", Snapshot.empty);
    const lines: unknown[] = [];
    const logger = { ...silentLogger, info: (fields: object, message: string) => lines.push([fields, message]) };
    const server = new XdsServer(cache, { logger });
    await expect(server.applied("egde")).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: 'no connected node is in the group "egde", and it has no configuration; groups that have one: "edge"',
    });
    expect(lines).toEqual([]);
    await server.applied("edge");
    expect(lines).toEqual([[{ group: "edge" }, "applied() waits for nothing: no connected node is in this group"]]);
  });

  it("knows groups only from caches that have them, and refuses what is no time", async () => {
    const server = new XdsServer(new LinearCache(clusterType));
    await expect(server.applied("g")).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await server.applied(() => true);
    await expect(server.applied(() => true, { timeoutMs: Number.NaN })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
  });

  it("counts to the fallback group those that have no snapshot of their own", () => {
    const cache = new SnapshotCache({ fallbackGroup: "*", nodeGroup });
    const node = { id: "edge-1" } as Parameters<SnapshotCache["inGroup"]>[0];
    cache.set("*", Snapshot.empty);
    expect([cache.inGroup(node, "*"), cache.inGroup(node, "edge"), cache.inGroup(node, "x")]).toEqual([
      true,
      true,
      false,
    ]);
    cache.set("edge", Snapshot.empty);
    expect([cache.inGroup(node, "*"), cache.inGroup(node, "edge")]).toEqual([false, true]);
  });
});
