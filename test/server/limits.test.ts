import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { clusterType, endpointType, type Limits, Snapshot, type XdsServerOptions } from "../../src/index.js";
import { allWays, cacheOf, on, streamPath, TestServer, until } from "../protocol/harness.js";
import { cluster, endpoints } from "../protocol/resources.js";
import type { ScriptedStream } from "../protocol/scripted-stream.js";
import { post } from "./post.js";

const { RESOURCE_EXHAUSTED } = status;
const ads = { variant: "delta", kind: "ADS" } as const;
const start = (limits: Partial<Limits>, options: XdsServerOptions = {}) =>
  TestServer.start(cacheOf(cluster("a")), { rest: true, limits, loadReporting: {}, ...options });
const lrs = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
const csds = "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus";

/** How a stream that is opened now ends; undefined: it does not. */
async function opened(test: TestServer, path: string): Promise<unknown> {
  const call = test.call(path);
  let ended: { code: number; details: string } | undefined;
  call.on("status", ({ code, details }) => {
    ended = { code, details };
  });
  call.on("error", () => {});
  call.on("data", () => {});
  await test.barrier();
  return ended;
}

/** The gRPC status of a stream from another address of this machine; undefined: it stays open. */
async function openedFrom(localAddress: string, port: number): Promise<string | undefined> {
  const socket = () => connectTcp({ host: "127.0.0.1", port, localAddress });
  const session = connectHttp2("http://127.0.0.1", { createConnection: socket });
  onTestFinished(() => session.destroy());
  const headers = {
    ":method": "POST",
    ":path": streamPath(ads, clusterType),
    "content-type": "application/grpc",
    te: "trailers",
  };
  const stream = session.request(headers);
  let code: string | undefined;
  stream.on("response", (answer) => {
    code = answer["grpc-status"] as string;
  });
  stream.on("trailers", (answer) => {
    code = answer["grpc-status"] as string;
  });
  stream.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    session.on("error", reject);
    // Node 20 cancels a ping that is asked for before the connection is there.
    session.once("connect", () => session.ping((error) => (error ? reject(error) : session.ping(() => resolve()))));
  });
  return code;
}

describe("the limit", () => {
  on(allWays, (way) => {
    it("streams accepts another when one has ended, and calls no callback for refused ones", async () => {
      const told: string[] = [];
      const open = () => void told.push("open");
      const close = () => void told.push("closed");
      const test = await start(
        { streams: 2 },
        {
          callbacks: { onStreamOpen: open, onDeltaStreamOpen: open, onStreamClosed: close, onDeltaStreamClosed: close },
        },
      );
      const streams = [test.open(way, clusterType), test.open(way, clusterType)];
      for (const stream of streams) stream.want();
      for (const stream of streams) await stream.take(["a@1"]);
      const refused = test.open(way, clusterType);
      refused.want();
      expect(await refused.ended).toMatchObject({
        code: RESOURCE_EXHAUSTED,
        details: expect.stringMatching(/limit streams is 2/),
      });
      expect(told).toEqual(["open", "open"]);
      await streams[0]?.cancel();
      await until(() => told.length === 3, "the end of the stream");
      const next = test.open(way, clusterType);
      next.want();
      await next.take(["a@1"]);
      expect(test.server.report().refusals).toMatchObject({ streams: 1, streamsPerPeer: 0 });
    });

    it("requestsPerSecond ends a stream that asks too often, and no other", async () => {
      const test = await start({ requestsPerSecond: 1 });
      const [good, bad] = [test.open(way, clusterType), test.open(way, clusterType)];
      good.want("a");
      await good.take(["a@1"]);
      // Unknown names in turn: the client is told at most once of each, and answers nothing.
      for (let i = 0; i < 40; i++) bad.want("a", `unknown-${i % 2}`);
      expect(await bad.ended).toMatchObject({
        code: RESOURCE_EXHAUSTED,
        details: expect.stringMatching(/requestsPerSecond/),
      });
      await good.quiet();
      expect(test.server.report().refusals).toMatchObject({ requestsPerSecond: 1 });
    });

    it("requestsPerSecond does not count the answers to what it was sent", async () => {
      const cache = cacheOf(cluster("a"));
      const test = await TestServer.start(cache, { limits: { requestsPerSecond: 0.001 } });
      const stream = test.open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      for (let n = 2; n <= 50; n++) {
        cache.set("n", Snapshot.of([cluster("a", n)]));
        await stream.take([`a@${n}`]);
      }
      await stream.quiet();
    });

    it("requestBytes and names count what they refuse", async () => {
      const test = await start({ requestBytes: 1_000, names: 3 });
      const large = test.open(way, endpointType);
      large.want("x".repeat(1_000));
      expect(await large.ended).toMatchObject({
        code: RESOURCE_EXHAUSTED,
        details: expect.stringMatching(/requestBytes/),
      });
      const many = test.open(way, endpointType);
      many.want("a", "b", "c", "d");
      expect(await many.ended).toMatchObject({
        code: RESOURCE_EXHAUSTED,
        details: expect.stringMatching(/limit names is 3/),
      });
      // One of many times the size is refused when it is announced, before it is read.
      const larger = test.open(way, endpointType);
      larger.want("x".repeat(3_000_000));
      expect(await larger.ended).toMatchObject({ code: RESOURCE_EXHAUSTED });
      expect(test.server.report().refusals).toMatchObject({ requestBytes: 2, names: 1 });
    });
  });

  it("streams counts load reporting and client status streams too", async () => {
    const test = await start({ streams: 2 });
    expect(await opened(test, lrs)).toBeUndefined();
    expect(await opened(test, csds)).toBeUndefined();
    for (const path of [lrs, csds, streamPath(ads, clusterType)])
      expect(await opened(test, path)).toMatchObject({ code: RESOURCE_EXHAUSTED });
    expect(test.server.report().refusals).toMatchObject({ streams: 3 });
  });

  it("streamsPerPeer is for each IP address, over all its connections", async () => {
    const test = await start({ streamsPerPeer: 2 });
    expect(await openedFrom("127.0.0.1", test.port)).toBeUndefined();
    expect(await openedFrom("127.0.0.1", test.port)).toBeUndefined();
    expect(await openedFrom("127.0.0.1", test.port)).toBe("8");
    expect(await openedFrom("127.0.0.2", test.port)).toBeUndefined();
    expect(test.server.report().refusals).toMatchObject({ streamsPerPeer: 1 });
  });

  it("newStreamsPerSecond allows a burst, and refuses what is beyond", async () => {
    const test = await start({ newStreamsPerSecond: 0.2 });
    const path = streamPath(ads, clusterType);
    expect(await opened(test, path)).toBeUndefined();
    expect(await opened(test, lrs)).toBeUndefined();
    expect(await opened(test, path)).toMatchObject({
      code: RESOURCE_EXHAUSTED,
      details: expect.stringMatching(/newStreams/),
    });
    expect(test.server.report().refusals).toMatchObject({ newStreamsPerSecond: 1 });
  });

  it("newStreamsPerSecond counts unary calls and REST requests too", async () => {
    const node = { id: "n" };
    const calls = {
      fetch: (test: TestServer) =>
        test.fetch("/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters", { node }).then(
          () => status.OK,
          ({ code }) => code as number,
        ),
      "client status": (test: TestServer) =>
        test.unary("/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus", Buffer.of()).then(
          () => status.OK,
          ({ code }) => code as number,
        ),
    };
    const polls = ["/v3/discovery:clusters", "/v3/discovery:client_status", "/nowhere"];
    for (const first of Object.values(calls)) {
      const test = await start({ newStreamsPerSecond: 0.001 }); // a burst of one
      expect(await first(test)).toBe(status.OK);
      for (const call of Object.values(calls)) expect(await call(test)).toBe(RESOURCE_EXHAUSTED);
      for (const path of polls)
        expect(await post({ port: test.restPort }, path, { node })).toMatchObject({
          status: 429,
          body: { code: "LIMIT_EXCEEDED", message: expect.stringMatching(/calls.*limit newStreamsPerSecond is 0.001/) },
        });
      expect(await opened(test, streamPath(ads, clusterType))).toMatchObject({ code: RESOURCE_EXHAUSTED });
      expect(test.server.report().refusals).toMatchObject({ newStreamsPerSecond: 6 });
    }
    const test = await start({ newStreamsPerSecond: 0.001 });
    expect(await post({ port: test.restPort }, "/v3/discovery:clusters", { node })).toMatchObject({ status: 200 });
    expect(await calls.fetch(test)).toBe(RESOURCE_EXHAUSTED);
    expect(test.server.report().streams).toEqual([]);
  });

  it("requestsPerSecond and requestBytes are for load reports and client status too", async () => {
    const test = await start({ requestsPerSecond: 0.1, requestBytes: 10 });
    for (const path of [lrs, csds]) {
      const [often, large] = [test.call(path), test.call(path)];
      for (const call of [often, large]) call.on("error", () => {});
      const ends = [often, large].map((call) => new Promise((resolve) => call.on("status", resolve)));
      for (const call of [often, large]) call.on("data", () => {});
      often.write(Buffer.of());
      often.write(Buffer.of());
      large.write(Buffer.alloc(11));
      for (const end of ends) expect(await end).toMatchObject({ code: RESOURCE_EXHAUSTED });
    }
    expect(test.server.report().refusals).toMatchObject({ requestsPerSecond: 2, requestBytes: 2 });
  });

  it("requestBytes and names are for fetches and REST too", async () => {
    const test = await start({ requestBytes: 100, names: 3 });
    const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
    const node = { id: "n" };
    const fetched = (...resourceNames: string[]) => test.fetch(fetchPath, { node, resourceNames });
    const polled = (...resource_names: string[]) =>
      post({ port: test.restPort }, "/v3/discovery:clusters", { node, resource_names });
    expect((await fetched("a")).resources).toHaveLength(1);
    expect(await polled("a")).toMatchObject({ status: 200 });
    await expect(fetched("a", "b", "c", "d")).rejects.toMatchObject({ code: RESOURCE_EXHAUSTED });
    expect(await polled("a", "b", "c", "d")).toMatchObject({ status: 429 });
    await expect(fetched("x".repeat(150))).rejects.toMatchObject({ code: RESOURCE_EXHAUSTED });
    expect(await polled("x".repeat(150))).toMatchObject({ status: 413 });
    expect(test.server.report().refusals).toMatchObject({ requestBytes: 2, names: 2 });
  });
});

it("the limits' defaults take 2,000 streams of one address at once, each asking for 300 names one by one", async () => {
  const cache = cacheOf(...Array.from({ length: 3 }, (_, i) => endpoints(`e${i}`)));
  const test = await TestServer.start(cache);
  const connections = Array.from({ length: 4 }, () => test.connect());
  const streams = Array.from(
    { length: 2_000 },
    (_, i) => connections[i % 4]?.open(ads, endpointType) as ScriptedStream,
  );
  const [busy, ...others] = streams;
  for (const stream of others) stream.want("e0");
  for (let i = 0; i < 300; i++) busy?.want(...Array.from({ length: i % 3 }, (_, j) => `e${j}`), `unknown-${i}`);
  for (const stream of others) await stream.take(["e0@1"]);
  await test.barrier();
  expect(test.server.report().streams).toHaveLength(2_000);
  expect(Object.values(test.server.report().refusals).every((count) => count === 0)).toBe(true);
});
