import { expect, it } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { CountingCallbacks } from "../../src/server/counting-callbacks.js";
import { cacheOf, LogBook, TestServer, until } from "./harness.js";
import { cluster } from "./resources.js";

const fetchClusters = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";

async function run(debug: boolean) {
  const log = new LogBook();
  const callbacks = new CountingCallbacks(log, debug);
  const server = await TestServer.start(cacheOf(cluster("a")), { callbacks });
  for (const variant of ["sotw", "delta"] as const) {
    const stream = server.open({ variant, kind: "ADS" }, clusterType, "n");
    stream.want();
    await stream.take(["a@1"]);
    await stream.quiet();
    await stream.cancel();
  }
  await server.fetch(fetchClusters, { node: { id: "n" } });
  await until(() => server.server.report().streams.length === 0, "the closes");
  return { callbacks, log };
}

it("CountingCallbacks count and report", async () => {
  const { callbacks, log } = await run(false);
  const counters = { fetches: 1, requests: 2, responses: 1, deltaRequests: 2, deltaResponses: 1 };
  expect(log.entries).toEqual([]);
  expect(callbacks.report()).toEqual(counters);
  expect(log.entries).toMatchObject([{ level: "info", fields: counters }]);
});

it("CountingCallbacks in debug log opens and closes with the nodes' ids", async () => {
  const { log } = await run(true);
  expect(log.entries.map(({ message }) => message)).toEqual([
    "stream open",
    "stream closed",
    "delta stream open",
    "delta stream closed",
  ]);
  expect(log.entries.filter(({ message }) => message.endsWith("closed"))).toMatchObject(
    Array(2).fill({ fields: { node: "n" } }),
  );
});

it("CountingCallbacks resolve at the first request of any kind", async () => {
  for (const ask of ["sotw", "delta", "fetch"] as const) {
    const callbacks = new CountingCallbacks(new LogBook());
    const server = await TestServer.start(cacheOf(cluster("a")), { callbacks });
    let came = false;
    void callbacks.firstRequest.then(() => {
      came = true;
    });
    const stream = server.open({ variant: "delta", kind: "ADS" }, clusterType);
    await stream.quiet();
    expect(came).toBe(false);
    if (ask === "fetch") await server.fetch(fetchClusters, { node: { id: "n" } });
    else server.open({ variant: ask, kind: "ADS" }, clusterType).want();
    await callbacks.firstRequest;
  }
});
