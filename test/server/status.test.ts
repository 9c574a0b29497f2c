import { expect, it } from "vitest";
import { clusterType, endpointType, Snapshot, SnapshotCache, secretType } from "../../src/index.js";
import { allWays, on, ownWays, TestServer } from "../protocol/harness.js";
import { cluster, endpoints, secret } from "../protocol/resources.js";

on(allWays, (way) => {
  it("reports for each type of a node what was sent, ACKed and refused", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([cluster("a")], { version: "v1" }));
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    const told = () => {
      const [node, ...others] = test.server.nodes();
      expect(others).toEqual([]);
      expect(node).toMatchObject({ node: { id: "n" }, streams: [expect.any(Number)], state: node?.types[0]?.state });
      // When it is offered again is computed from a monotonic clock each time, to the millisecond.
      const retryAt = node?.types[0]?.retryAt;
      const types = node?.types.map((type) => ({
        ...type,
        retryAt: retryAt === undefined ? undefined : expect.closeTo(retryAt, -1),
      }));
      expect(test.server.report().streams[0]?.types).toEqual(types);
      return node?.types[0];
    };
    stream.want();
    const first = await stream.expect(["a@1"]);
    expect(told()).toMatchObject({ state: "STALE", wildcard: true, sent: { version: "v1", nonce: first.nonce } });
    expect(told()?.acked).toBeUndefined();
    stream.ack(first);
    await test.barrier();
    expect(told()).toMatchObject({ state: "SYNCED", acked: { version: "v1", nonce: first.nonce } });
    cache.set("n", Snapshot.of([cluster("a", 2)], { version: "v2" }));
    expect(told()).toMatchObject({ state: "STALE", sent: { version: "v1" } });
    const second = await stream.expect(["a@2"]);
    stream.nack(second, "no");
    await test.barrier();
    const nacked = { version: "v2", nonce: second.nonce, names: ["a"], error: { message: "no" } };
    const refused = told();
    expect(refused).toMatchObject({ state: "ERROR", sent: { version: "v2" }, acked: { version: "v1" }, nacked });
    const wait = (refused?.retryAt ?? 0) - (refused?.nacked?.at ?? 0);
    expect(wait, "the same content is offered again after 10 s, and up to a fifth more (P16)").toBeGreaterThan(9_990);
    expect(wait).toBeLessThan(12_010);
    cache.set("n", Snapshot.of([cluster("a", 3)], { version: "v3" }));
    const third = await stream.expect(["a@3"]);
    const replaced = { state: "ERROR", sent: { version: "v3" }, nacked, retryAt: undefined };
    expect(told(), "what is newer cancels the next offer").toMatchObject(replaced);
    stream.ack(third);
    await test.barrier();
    expect(told()).toMatchObject({ state: "SYNCED", acked: { version: "v3" }, nacked: undefined, retryAt: undefined });
    cache.clear("n");
    await test.barrier();
    expect(told()?.state).toBe("SYNCED");
  });

  it("reports NOT_SENT if nothing was sent", async () => {
    const cache = new SnapshotCache();
    cache.set("other", Snapshot.empty);
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.quiet();
    expect(test.server.nodes()[0]).toMatchObject({ state: "NOT_SENT", types: [{ typeUrl: clusterType, names: 0 }] });
  });

  it("reports SYNCED for a client that came back with what is served, and then unsubscribed it", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([endpoints("a")]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, endpointType);
    if (way.variant === "delta") {
      stream.request(endpointType, {
        resourceNamesSubscribe: ["a"],
        initialResourceVersions: { a: endpoints("a").version },
      });
      stream.request(endpointType, { resourceNamesUnsubscribe: ["a"] });
    } else {
      stream.want("a");
      await stream.take(["a@1"]);
      stream.want();
    }
    await stream.quiet();
    expect(test.server.nodes()[0]).toMatchObject({ state: "SYNCED", types: [{ typeUrl: endpointType, names: 0 }] });
    await test.server.applied("n");
  });

  it("lists nodes separately, and can select some", async () => {
    const cache = new SnapshotCache();
    for (const id of ["a", "b"]) cache.set(id, Snapshot.of([cluster("c")]));
    const test = await TestServer.start(cache);
    for (const id of ["a", "b", "", ""]) test.open(way, clusterType, id).want();
    await test.barrier();
    expect(test.server.nodes().map(({ node }) => node.id)).toEqual(["a", "b", "", ""]);
    expect(test.server.nodes("b").map(({ node }) => node.id)).toEqual(["b"]);
    expect(test.server.nodes(({ id }) => id === "")).toHaveLength(2);
  });
});

on(ownWays, (way) => {
  it("puts the streams of a node together, types in the table's order, the worst state first", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([secret("s"), secret("t"), endpoints("e")]));
    const test = await TestServer.start(cache);
    const streams = [secretType, secretType, endpointType].map((type) => test.open(way, type));
    const [one, two, three] = streams as [(typeof streams)[0], (typeof streams)[0], (typeof streams)[0]];
    one.want("s");
    two.want("t");
    three.want("e");
    await one.take(["s@1"]);
    await three.take(["e@1"]);
    const unanswered = await two.expect(["t@1"]);
    await test.barrier();
    const [node] = test.server.nodes();
    expect(node).toMatchObject({
      state: "STALE",
      types: [
        { typeUrl: endpointType, state: "SYNCED", names: 1 },
        { typeUrl: secretType, state: "STALE", names: 2 },
      ],
    });
    expect(node?.streams).toHaveLength(3);
    two.nack(unanswered, "no such key");
    await test.barrier();
    expect(test.server.nodes()[0]).toMatchObject({
      state: "ERROR",
      types: [{ state: "SYNCED" }, { state: "ERROR", nacked: { names: ["t"] }, acked: { nonce: expect.any(String) } }],
    });
  });
});
