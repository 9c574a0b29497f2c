import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { convergenceRow, metricRows } from "../../src/admin/metric-rows.js";
import { clusterType, Snapshot } from "../../src/index.js";
import { allWays, cacheOf, on } from "../protocol/harness.js";
import { cluster, endpoints, listener } from "../protocol/resources.js";
import type { Answer } from "../protocol/scripted-stream.js";
import { ask, samples, startBoth } from "./harness.js";

const rows = [...metricRows, convergenceRow];

it("docs/metrics.md has the metrics that there are", () => {
  const written = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const wanted = rows.map(({ name, kind, help, labels }) => {
    const named = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${kind} | ${named} | ${help} |`;
  });
  expect(written).toEqual(wanted);
});

on(allWays, (way) => {
  it("counts streams, requests, responses and their answers by variant and type", async () => {
    const cache = cacheOf(cluster("a"), cluster("b"));
    const { test, admin } = await startBoth(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    const first = await stream.take(["a@1", "b@1"]);
    cache.set("n", Snapshot.of([cluster("a", 2), cluster("b", 2)]));
    const second = await stream.expect(["a@2", "b@2"]);
    stream.nack(second);
    // In delta each is offered alone then (P17). The counters count every answer.
    const alone = way.variant === "delta" ? ["a@2", "b@2"] : [];
    const halves: Answer[] = [];
    for (const one of alone) {
      const half = await stream.expect([one]);
      halves.push(half);
      stream.nack(half);
    }
    const gone = test.open(way, clusterType, "other");
    gone.want();
    await gone.quiet();
    await gone.cancel();
    await test.barrier();
    const { body, headers } = await ask(admin, "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const found = samples(body);
    const service = way.kind === "ADS" ? "ads" : "clusters";
    const { variant } = way;
    const responses = [first, second, ...halves];
    const bytes = responses.reduce((sum, response) => sum + response.bytes.length, 0);
    const wanted = {
      [`xds_streams{variant="${variant}",type="${service}"}`]: 1,
      [`xds_streams_opened_total{variant="${variant}",type="${service}"}`]: 2,
      [`xds_requests_total{variant="${variant}",type="clusters"}`]: 4 + halves.length,
      [`xds_responses_total{variant="${variant}",type="clusters"}`]: responses.length,
      [`xds_response_bytes_total{variant="${variant}",type="clusters"}`]: bytes,
      [`xds_resources_sent_total{variant="${variant}",type="clusters"}`]: 4 + halves.length,
      [`xds_acks_total{variant="${variant}",type="clusters"}`]: 1,
      [`xds_nacks_total{variant="${variant}",type="clusters"}`]: 1 + halves.length,
      'xds_nodes{state="SYNCED"}': 0,
      'xds_nodes{state="DRAINING"}': 0,
      'xds_nodes{state="NOT_SENT"}': 0,
      'xds_nodes{state="STALE"}': 0,
      'xds_nodes{state="ERROR"}': 1,
    };
    expect(Object.fromEntries(Object.keys(wanted).map((name) => [name, found.get(name)]))).toEqual(wanted);
  });
});

it("counts fetches by transport, type and result", async () => {
  const { test, admin } = await startBoth(cacheOf(cluster("a")), {}, { rest: true });
  const post = (body: object) =>
    fetch(test.url("/v3/discovery:clusters"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const { versionInfo } = (await (await post({ node: { id: "n" } })).json()) as { versionInfo: string };
  expect((await post({ node: { id: "n" }, versionInfo })).status).toBe(304);
  expect((await post({ node: { id: "x" } })).status).toBe(404);
  await test.fetch("/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters", { node: { id: "n" } });
  const found = samples((await ask(admin, "/metrics")).body);
  const fetches = [...found].filter(([name]) => name.startsWith("xds_fetches_total"));
  expect(Object.fromEntries(fetches)).toEqual({
    'xds_fetches_total{transport="rest",type="clusters",result="answered"}': 1,
    'xds_fetches_total{transport="rest",type="clusters",result="not_modified"}': 1,
    'xds_fetches_total{transport="rest",type="clusters",result="refused"}': 1,
    'xds_fetches_total{transport="grpc",type="clusters",result="answered"}': 1,
  });
});

it("counts resources and groups, and has the metrics of the process", async () => {
  const cache = cacheOf(cluster("a"), cluster("b"), listener("l"));
  cache.set("m", Snapshot.of([cluster("a"), endpoints("e")]));
  const { admin } = await startBoth(cache, {}, { loadReporting: {} });
  const found = samples((await ask(admin, "/metrics")).body);
  expect(found.get('xds_resources{type="clusters"}')).toBe(3);
  expect(found.get('xds_resources{type="endpoints"}')).toBe(1);
  expect(found.get('xds_resources{type="listeners"}')).toBe(1);
  expect(found.get("xds_groups")).toBe(2);
  expect(found.get("xds_load_report_streams")).toBe(0);
  expect(found.get('xds_load_report_requests_total{result="issued"}')).toBe(0);
  for (const name of ["process_cpu_seconds_total", "nodejs_eventloop_lag_seconds", "nodejs_heap_size_total_bytes"])
    expect([...found.keys()], name).toContain(name);
});

it("has no series that grow with nodes, and all its own begin with xds_", async () => {
  const { test, admin } = await startBoth(cacheOf(cluster("a")), {}, { loadReporting: {} });
  const names = async () => {
    const found = [...samples((await ask(admin, "/metrics")).body).keys()];
    return found.filter((name) => !/^(process|nodejs)_/.test(name));
  };
  const openOne = async (id: string) => {
    const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType, id);
    stream.want();
    await stream.quiet();
  };
  await openOne("x");
  const before = await names();
  expect(before.filter((name) => !name.startsWith("xds_"))).toEqual([]);
  for (let at = 0; at < 50; at++) await openOne(`x${at}`);
  expect(await names()).toEqual(before);
});
