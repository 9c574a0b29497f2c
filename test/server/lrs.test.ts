import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import {
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import {
  type LoadReport,
  type LoadReportingOptions,
  SnapshotCache,
  XdsError,
  XdsServer,
  type XdsServerOptions,
} from "../../src/index.js";
import { LogBook, TestServer } from "../protocol/harness.js";

const service = "envoy.service.load_stats.v3.LoadReportingService";

/** A node that reports to a server with these options. */
async function start(loadReporting: LoadReportingOptions, more: Pick<XdsServerOptions, "requireNode" | "limits"> = {}) {
  const logger = new LogBook();
  const test = await TestServer.start(new SnapshotCache(), { loadReporting, logger, ...more });
  const call = test.call(`/${service}/StreamLoadStats`);
  const answers: LoadStatsResponse[] = [];
  let arrived = () => {};
  call.on("data", (bytes: Buffer) => {
    answers.push(fromBinary(LoadStatsResponseSchema, bytes));
    arrived();
  });
  const ended = new Promise<{ code: number; details: string }>((resolve) => call.on("status", resolve));
  call.on("error", () => {}); // the status says it
  return {
    test,
    logger,
    call,
    ended,
    send: (message: MessageInitShape<typeof LoadStatsRequestSchema>) =>
      call.write(Buffer.from(toBinary(LoadStatsRequestSchema, create(LoadStatsRequestSchema, message)))),
    /** What the server asks for. */
    asked: async () => {
      const arrives = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      if (answers.length === 0) await arrives;
      return answers.shift();
    },
    /** All that was sent is taken, and the server asks for nothing more. */
    quiet: async () => {
      await test.barrier();
      expect(answers).toEqual([]);
    },
  };
}

const stats = (clusterName: string, counts: { issued: bigint; ok: bigint; failed: bigint; dropped?: bigint }) => ({
  clusterName,
  totalDroppedRequests: counts.dropped ?? 0n,
  upstreamLocalityStats: [
    {
      locality: { zone: "here" },
      totalIssuedRequests: counts.issued,
      totalSuccessfulRequests: counts.ok,
      totalErrorRequests: counts.failed,
    },
  ],
});

it("asks for the clusters and the interval configured, hands the reports on, and counts them", async () => {
  const reports: [string, LoadReport][] = [];
  const onReport = (node: { id: string }, report: LoadReport) => void reports.push([node.id, report]);
  const node = await start({ clusters: ({ id }) => [`${id}-backend`], intervalMs: 1_500, perEndpoint: true, onReport });
  expect(await node.test.health(service)).toBe(1);
  node.send({ node: { id: "n" } });
  expect(await node.asked()).toMatchObject({
    clusters: ["n-backend"],
    sendAllClusters: false,
    loadReportingInterval: { seconds: 1n, nanos: 500_000_000 },
    reportEndpointGranularity: true,
  });
  expect(reports).toEqual([]);
  expect(node.test.server.nodeLoads?.get("n")?.total).toEqual({ succeeded: 0, failed: 0 });
  const backend = stats("n-backend", { issued: 5n, ok: 3n, failed: 1n, dropped: 2n });
  node.send({ clusterStats: [backend, stats("", { issued: 9n, ok: 9n, failed: 9n })] });
  node.send({ node: { id: "n" }, clusterStats: [stats("n-backend", { issued: 1n, ok: 0n, failed: 1n })] });
  await node.quiet();
  expect(reports).toMatchObject([
    ["n", { peer: expect.stringMatching(/^127/), clusters: [backend] }],
    ["n", { clusters: [{ clusterName: "n-backend" }] }],
  ]);
  expect(node.test.server.nodeLoads?.get("n")?.total).toEqual({ succeeded: 3, failed: 2 });
  const counted = { reports: 2, clusters: 2, invalid: 1, issued: 6, succeeded: 3, failed: 2, dropped: 2 };
  expect(node.test.server.report().loads).toEqual({ streams: 1, ...counted });
  expect(node.logger.entries).toMatchObject([{ level: "warn", fields: { node: "n", invalid: 1 } }]);
  node.call.end();
  expect(await node.ended).toMatchObject({ code: 0 });
  expect(node.test.server.report().loads).toMatchObject({ streams: 0 });
});

it("asks for all clusters every 10 seconds by default, and again when the setting changes", async () => {
  const node = await start({});
  node.send({ node: { id: "n" } });
  expect(await node.asked()).toMatchObject({ sendAllClusters: true, loadReportingInterval: { seconds: 10n } });
  let wish: readonly string[] | "all" = "all";
  const other = await start({ clusters: () => wish });
  other.send({ node: { id: "n" } });
  expect(await other.asked()).toMatchObject({ sendAllClusters: true, clusters: [] });
  wish = ["one"];
  other.send({});
  expect(await other.asked()).toMatchObject({ sendAllClusters: false, clusters: ["one"] });
});

it("reads no further report of a node while one is being taken", async () => {
  let taken = 0;
  let release = () => {};
  const onReport = () => {
    taken++;
    return new Promise<void>((resolve) => (release = resolve));
  };
  const node = await start({ onReport });
  for (let i = 0; i < 3; i++)
    node.send({ node: { id: "n" }, clusterStats: [stats("c", { issued: 1n, ok: 1n, failed: 0n })] });
  for (const expected of [1, 2, 3]) {
    await node.test.barrier();
    expect(taken).toBe(expected);
    release();
  }
});

it("goes on when the callback throws, and ends a stream whose clusters cannot be determined", async () => {
  const node = await start({
    clusters: ({ id }) => {
      if (id === "stranger") throw new XdsError("NO_CONFIGURATION", "not you");
      return "all";
    },
    onReport: () => {
      throw new Error("mine");
    },
  });
  node.send({ node: { id: "n" }, clusterStats: [stats("c", { issued: 1n, ok: 1n, failed: 0n })] });
  expect(await node.asked()).toBeDefined();
  expect(node.logger.entries).toMatchObject([{ level: "error", fields: { callback: "onReport", error: "mine" } }]);
  const stranger = node.test.call(`/${service}/StreamLoadStats`);
  const refused = new Promise((resolve) => stranger.on("error", resolve));
  const introduction = create(LoadStatsRequestSchema, { node: { id: "stranger" } });
  stranger.write(Buffer.from(toBinary(LoadStatsRequestSchema, introduction)));
  expect(await refused).toMatchObject({ code: 5, details: "not you" });
});

it("refuses bytes that are no report, and a missing node where one is required", async () => {
  const garbled = await start({});
  garbled.call.write(Buffer.of(0xff));
  expect(await garbled.ended).toMatchObject({ code: 3 });
  expect(garbled.test.server.report().loads).toMatchObject({ streams: 0, reports: 0 });
  const nameless = await start({}, { requireNode: true });
  nameless.send({});
  expect(await nameless.ended).toMatchObject({ code: 3, details: expect.stringContaining("node") });
});

it("ends its streams when the server drains, and is not offered unless configured", async () => {
  const node = await start({});
  node.send({ node: { id: "n" } });
  await node.asked();
  await node.test.server.drain();
  expect(await node.ended).toMatchObject({ code: 14 });
  const without = await TestServer.start(new SnapshotCache());
  expect(without.server.report().loads).toBeUndefined();
  await expect(without.health(service)).rejects.toMatchObject({ code: 5 });
  expect(() => new XdsServer(new SnapshotCache(), { loadReporting: { intervalMs: 0 } })).toThrow("intervalMs");
});

it("a report of more messages than names are allowed is refused before it is decoded, wherever they are", async () => {
  const named = Array.from({ length: 11 }, (_, i) => ({ clusterName: `c${i}` }));
  const localities = [{ clusterName: "c", upstreamLocalityStats: Array.from({ length: 11 }, () => ({})) }];
  for (const clusterStats of [named, localities]) {
    let reports = 0;
    const scene = await start({ onReport: () => void reports++ }, { limits: { names: 10 } });
    scene.send({ node: { id: "n" } });
    await scene.asked();
    scene.send({ clusterStats: [{ clusterName: "c", upstreamLocalityStats: [{}, {}] }] });
    await scene.quiet();
    expect(reports).toBe(1);
    scene.send({ clusterStats });
    expect(await scene.ended).toMatchObject({
      code: 8, // RESOURCE_EXHAUSTED
      details: "a load report of more than 10 messages; the server's limit names is 10",
    });
    expect(reports).toBe(1);
    expect(scene.test.server.report().refusals).toMatchObject({ names: 1 });
  }
});
