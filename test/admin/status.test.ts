import { expect, it } from "vitest";
import { clusterType, listenerType, Snapshot } from "../../src/index.js";
import { adsWays, allWays, cacheOf, on } from "../protocol/harness.js";
import { cluster, listener } from "../protocol/resources.js";
import { ask, page, startBoth } from "./harness.js";

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

on(allWays, (way) => {
  it("tells of each node what its types were sent, took and refused", async () => {
    const cache = cacheOf(cluster("a"));
    const { test, admin } = await startBoth(cache);
    const stream = test.open(way, clusterType);
    stream.request(clusterType, {
      node: {
        id: "n",
        cluster: "edge",
        userAgentName: "envoy",
        userAgentVersionType: {
          case: "userAgentBuildVersion",
          value: { version: { majorNumber: 1, minorNumber: 40, patch: 2 } },
        },
      },
    });
    const first = await stream.take(["a@1"]);
    cache.set("n", Snapshot.of([cluster("a", 2)]));
    const second = await stream.expect(["a@2"]);
    stream.nack(second, "no such thing");
    await test.barrier();
    const { nodes, ...server } = await page(admin, "/status");
    expect(server).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      state: "LIVE",
      startedAt: time,
      nodeStates: { SYNCED: 0, DRAINING: 0, NOT_SENT: 0, STALE: 0, ERROR: 1 },
      counters: { traffic: [{ variant: way.variant, typeUrl: clusterType, responses: 2, acks: 1, nacks: 1 }] },
    });
    const answered = { version: first.version, nonce: first.nonce, at: time };
    const refused = { version: second.version, nonce: second.nonce, at: time };
    expect(nodes).toEqual([
      {
        id: "n",
        cluster: "edge",
        addresses: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
        agent: "envoy",
        version: "1.40.2",
        variants: [way.variant],
        connectedAt: time,
        state: "ERROR",
        types: [
          {
            type: "clusters",
            typeUrl: clusterType,
            state: "ERROR",
            wildcard: true,
            names: 0,
            sent: refused,
            acked: answered,
            nacked: { ...refused, code: 13, message: "no such thing", names: ["a"] },
            retryAt: time,
          },
        ],
      },
    ]);
    // The same content is offered again after 10 s, and up to a fifth more (P16).
    const [{ nacked, retryAt }] = nodes[0].types;
    const wait = Date.parse(retryAt) - Date.parse(nacked.at);
    expect(wait).toBeGreaterThan(9_990);
    expect(wait).toBeLessThan(12_010);
  });
});

on(adsWays, (way) => {
  it("tells of one node alone, and lists all in a line each", async () => {
    const cache = cacheOf(cluster("a"), listener("l"));
    cache.set("m", Snapshot.of([cluster("b")]));
    const { test, admin } = await startBoth(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    stream.of(listenerType).want();
    await stream.of(listenerType).take(["l@1"]);
    const other = test.open(way, clusterType, "m");
    other.want();
    await other.expect(["b@1"]);
    await test.barrier();
    const { nodes } = await page(admin, "/status?node=n");
    expect(nodes).toMatchObject([{ id: "n", state: "SYNCED", types: [{ type: "clusters" }, { type: "listeners" }] }]);
    expect((await page(admin, "/status?node=x")).nodes).toEqual([]);
    const { body } = await ask(admin, "/clients");
    expect(JSON.parse(body)).toMatchObject([
      { id: "n", cluster: "test", state: "SYNCED", version: "" },
      { id: "m", state: "STALE" },
    ]);
    expect(body.trim().split("\n")).toHaveLength(4);
  });
});
