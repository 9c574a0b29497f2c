import { SpanStatusCode, trace } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { AdminServer } from "../../src/admin/index.js";
import { clusterType, type Resource, Snapshot, type SnapshotCache } from "../../src/index.js";
import { adsWays, cacheOf, on, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { ask, samples, startBoth } from "./harness.js";

const exporter = new InMemorySpanExporter();
beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
beforeEach(() => exporter.reset());
afterAll(() => trace.disable());

const one = { added: 0, changed: 1, removed: 0 };

function serve(admin: AdminServer, cache: SnapshotCache, ...resources: Resource[]): void {
  admin.changes.apply(() => {
    cache.set("n", Snapshot.of(resources));
    return one;
  });
}

async function metrics(admin: AdminServer) {
  const found = samples((await ask(admin, "/metrics")).body);
  return {
    converged: found.get("xds_convergence_seconds_count"),
    seconds: found.get("xds_convergence_seconds_sum"),
    refused: found.get('xds_changes_not_applied_total{reason="refused"}'),
    reloads: found.get('xds_config_reloads_total{result="success"}'),
    failed: found.get('xds_config_reloads_total{result="failure"}'),
    successful: found.get("xds_config_last_reload_successful"),
    at: found.get("xds_config_last_reload_success_timestamp_seconds"),
  };
}

const spans = () =>
  exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    attributes: span.attributes,
    status: span.status.code,
    message: span.status.message,
    parent: span.parentSpanContext?.spanId,
    id: span.spanContext().spanId,
  }));
const ended = (name: string) => spans().filter((span) => span.name === name);

on(adsWays, (way) => {
  it("measures a change to its last ACK, and those that come meanwhile each from its own moment", async () => {
    const cache = cacheOf(cluster("a"));
    const { test, admin } = await startBoth(cache, { group: "n" });
    const streams = [test.open(way, clusterType), test.open(way, clusterType)];
    for (const stream of streams) stream.want();
    for (const stream of streams) await stream.take(["a@1"]);
    await test.barrier();
    const began = performance.now();
    const startedAt = Math.floor(Date.now() / 1_000);
    serve(admin, cache, cluster("a", 2));
    await streams[0]?.take(["a@2"]);
    await test.barrier();
    expect(await metrics(admin)).toMatchObject({ converged: 0, reloads: 1, failed: 0, successful: 1 });
    expect(ended("xds.publish")).toHaveLength(1);
    expect(ended("xds.change")).toEqual([]);
    serve(admin, cache, cluster("a", 3));
    serve(admin, cache, cluster("a", 4));
    await streams[1]?.take(["a@2"]);
    await until(() => ended("xds.change").length === 1, "the end of the first change");
    expect(await metrics(admin)).toMatchObject({ converged: 1, reloads: 3 });
    for (const stream of streams) await stream.take(["a@4"]);
    await until(() => ended("xds.change").length === 3, "the end of all changes");
    const { converged, seconds = 0, at } = await metrics(admin);
    expect(converged).toBe(3);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan((3 * (performance.now() - began)) / 1_000);
    expect(at).toBeGreaterThanOrEqual(startedAt);
    const [first] = ended("xds.change");
    expect(first).toMatchObject({
      status: SpanStatusCode.UNSET,
      parent: undefined,
      attributes: {
        "xds.added": 0,
        "xds.changed": 1,
        "xds.removed": 0,
        "xds.version.clusters": expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    });
    expect(ended("xds.apply").filter(({ parent }) => parent === first?.id)).toHaveLength(1);
    expect(ended("xds.publish").filter(({ parent }) => parent === first?.id)).toHaveLength(1);
    expect(spans()).toHaveLength(9);
  });

  it("counts a change that a node refuses, with the node's words in the trace, and goes on with the next", async () => {
    const cache = cacheOf(cluster("a"));
    const { test, admin } = await startBoth(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    await test.barrier();
    serve(admin, cache, cluster("a", 2));
    stream.nack(await stream.expect(["a@2"]), "no such thing");
    await until(() => ended("xds.change").length === 1, "the end of the change");
    expect(await metrics(admin)).toMatchObject({ converged: 0, refused: 1 });
    const failure = { status: SpanStatusCode.ERROR, message: expect.stringContaining("no such thing") };
    expect(ended("xds.change")).toMatchObject([failure]);
    expect(ended("xds.apply")).toMatchObject([failure]);
    serve(admin, cache, cluster("a", 3));
    await stream.take(["a@3"]);
    await until(() => ended("xds.change").length === 2, "the end of the next change");
    expect(await metrics(admin)).toMatchObject({ converged: 1, refused: 1 });
  });
});

it("measures nothing where nobody is connected or nothing has changed, and ends the spans", async () => {
  const cache = cacheOf(cluster("a"));
  const { admin, test } = await startBoth(cache);
  serve(admin, cache, cluster("a", 2));
  await until(() => ended("xds.change").length === 1, "the end of the change");
  const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
  stream.want();
  await stream.take(["a@2"]);
  admin.changes.apply(() => ({ added: 0, changed: 0, removed: 0 }));
  expect(ended("xds.change")).toHaveLength(2);
  expect(await metrics(admin)).toMatchObject({ converged: 0, refused: 0, reloads: 2 });
});

it("counts configurations that could not be read or served", async () => {
  const { admin } = await startBoth(cacheOf(cluster("a")));
  expect(await metrics(admin)).toMatchObject({ reloads: 0, failed: 0, successful: undefined, at: undefined });
  admin.changes.failed("a.yaml: bad");
  const { since } = admin.changes.failure ?? {};
  const publish = () => {
    throw new Error("two resources are named a");
  };
  expect(() => admin.changes.apply(publish)).toThrow("two resources are named a");
  expect(await metrics(admin)).toMatchObject({ reloads: 0, failed: 2, successful: 0 });
  expect(admin.changes.failure).toEqual({ since, message: "two resources are named a" });
  expect(ended("xds.change")).toMatchObject([{ status: SpanStatusCode.ERROR, message: "two resources are named a" }]);
});

it("ends a wait, and its spans, when the server shuts down", async () => {
  const cache = cacheOf(cluster("a"));
  const { admin, test } = await startBoth(cache);
  const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
  stream.want();
  await stream.expect(["a@1"]);
  serve(admin, cache, cluster("a", 2));
  serve(admin, cache, cluster("a", 3));
  await test.server.close();
  await until(() => ended("xds.change").length === 2, "the end of the changes");
  expect(ended("xds.change")[0]).toMatchObject({ status: SpanStatusCode.ERROR });
  expect(await metrics(admin)).toMatchObject({ converged: 0, refused: 0 });
});

it("follows no more than a hundred changes that come during one wait", async () => {
  const cache = cacheOf(cluster("a"));
  const { admin, test } = await startBoth(cache);
  const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
  stream.want();
  await stream.expect(["a@1"]);
  for (let content = 2; content < 150; content++) serve(admin, cache, cluster("a", content));
  expect(ended("xds.change"), "one is waited for, a hundred wait").toHaveLength(148 - 101);
});
