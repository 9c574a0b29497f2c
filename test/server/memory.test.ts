import { type ClientHttp2Stream, connect, constants, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectTcp } from "node:net";
import { getHeapStatistics } from "node:v8";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { DiscoveryRequestSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { clusterType, endpointType, Snapshot } from "../../src/index.js";
import { allWays, cacheOf, LogBook, on, stopClock, streamPath, TestServer, until } from "../protocol/harness.js";
import { cluster, endpoints } from "../protocol/resources.js";
import { post } from "./post.js";

const { RESOURCE_EXHAUSTED } = status;
const ads = { variant: "sotw", kind: "ADS" } as const;
const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const lrs = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
const csds = "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus";
const fetchStatus = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const refusal = (pattern: RegExp) => ({ code: RESOURCE_EXHAUSTED, details: expect.stringMatching(pattern) });

describe("the limit heapPercent", () => {
  /** So much of the heap is taken for as long as this is not called. */
  function take(bytes: number): () => void {
    // In pieces: V8 keeps them where what is live is counted. Numbers alone cost its collector nothing.
    let taken: object[] | undefined = [];
    const { used_heap_size: before } = getHeapStatistics();
    while (getHeapStatistics().used_heap_size - before < bytes)
      for (let i = 0; i < 100; i++) taken?.push(Array.from({ length: 1_000 }, (_, j) => i + j / 3));
    return () => {
      taken = undefined;
    };
  }

  it("refuses new streams, and streams that ask for more, while the heap is full; the others are served", {
    timeout: 60_000,
  }, async () => {
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    const mib = 2 ** 20;
    const heapPercent = ((used_heap_size + 128 * mib) / (heap_size_limit - 64 * mib)) * 100;
    const cache = cacheOf(cluster("a"), endpoints("e"));
    const test = await TestServer.start(cache, { limits: { heapPercent }, loadReporting: {} });
    const all = allWays.map((way) => ({ way, stream: test.open(way, clusterType) }));
    const eds = allWays.map((way) => test.open(way, endpointType));
    for (const { stream } of all) {
      stream.want();
      await stream.take(["a@1"]);
    }
    for (const stream of eds) {
      stream.want("e");
      await stream.take(["e@1"]);
    }
    expect(test.server.report().refusals).toMatchObject({ heapPercent: 0 });

    const give = take(256 * mib);
    const more = /^memory is short, so nothing new is accepted.*limit heapPercent is/;
    for (const { way } of all) {
      const late = test.open(way, clusterType);
      late.want();
      expect(await late.ended).toMatchObject(refusal(more));
    }
    for (const path of [lrs, csds]) {
      const call = test.call(path);
      call.on("error", () => {});
      expect(await new Promise((resolve) => call.on("status", resolve))).toMatchObject(refusal(more));
    }
    cache.set("n", Snapshot.of([cluster("a", 2), endpoints("e", 2)]));
    for (const { stream } of all) await stream.take(["a@2"]);
    for (const stream of eds) await stream.take(["e@2"]);
    for (const stream of eds) {
      stream.want("e"); // what it has named before
      await stream.quiet();
      stream.want("e", "f");
      expect(await stream.ended).toMatchObject(refusal(more));
    }
    expect((await test.fetch(fetchPath, { node: { id: "n" } })).resources).toHaveLength(1); // of which nothing is kept

    give();
    // Garbage is collected for the sake of knowing, but not every time.
    for (let left = 200; ; left--) {
      const late = test.open(ads, clusterType);
      late.want();
      const taken = late.take(["a@2"]).then(() => true);
      if (await Promise.race([taken, late.ended.then(() => false)])) break;
      taken.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20)); // the collector needs time of its own
      if (left === 0) throw new Error("no stream is taken though there is memory again");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const { stream } of all) await stream.quiet();
  });

  it("refuses a request that may take more than is left of the heap", async () => {
    const mib = 2 ** 20;
    const test = await TestServer.start(cacheOf(cluster("a")), {
      rest: true,
      limits: { requestBytes: 256 * mib, nodeBytes: 256 * mib },
      loadReporting: {},
    });
    const { heap_size_limit } = getHeapStatistics();
    const tooMuch = /^a request of \d+ bytes may need more than the \d+ MiB of heap that is left; the server's limit/;
    // In JSON, many small values take three hundred times their bytes.
    const blank = " ".repeat(heap_size_limit / 300);
    expect(await post({ port: test.restPort }, "/v3/discovery:clusters", { node: { id: blank } })).toMatchObject({
      status: 429,
      body: { code: "LIMIT_EXCEEDED", message: expect.stringMatching(tooMuch) },
    });
    for (const path of [lrs, csds]) {
      const call = test.call(path);
      call.on("error", () => {});
      call.on("data", () => {});
      call.write(Buffer.alloc(Math.ceil(heap_size_limit / 128)));
      expect(await new Promise((resolve) => call.on("status", resolve))).toMatchObject(refusal(tooMuch));
    }
    await expect(test.unary(fetchStatus, Buffer.alloc(Math.ceil(heap_size_limit / 128)))).rejects.toMatchObject(
      refusal(tooMuch),
    );
    expect((await test.fetch(fetchPath, { node: { id: "n" } })).resources).toHaveLength(1);
    expect(test.server.report().refusals).toMatchObject({ heapPercent: 4, requestBytes: 0 });
  });
});

describe("the limit nodeBytes", () => {
  const tooLarge = /^a node of \d+ bytes; the server's limit nodeBytes is 1000$/;
  const node = { id: "n", cluster: "c".repeat(1_000) };

  on(allWays, (way) => {
    it("refuses a larger node", async () => {
      const test = await TestServer.start(cacheOf(cluster("a")), { limits: { nodeBytes: 1_000 } });
      const [good, bad] = [test.open(way, clusterType), test.open(way, clusterType, "n".repeat(1_000))];
      good.want();
      await good.take(["a@1"]);
      bad.want();
      expect(await bad.ended).toMatchObject(refusal(tooLarge));
      await good.quiet();
      expect(test.server.report().refusals).toMatchObject({ nodeBytes: 1 });
    });
  });

  it("is for fetches, REST, and the first message of load reports and client status too", async () => {
    const test = await TestServer.start(cacheOf(cluster("a")), {
      rest: true,
      limits: { nodeBytes: 1_000 },
      loadReporting: {},
    });
    await expect(test.fetch(fetchPath, { node })).rejects.toMatchObject(refusal(tooLarge));
    expect(await post({ port: test.restPort }, "/v3/discovery:clusters", { node })).toMatchObject({
      status: 429,
      body: { code: "LIMIT_EXCEEDED", message: expect.stringMatching(tooLarge) },
    });
    const nodeField = Buffer.from(toBinary(NodeSchema, create(NodeSchema, node)));
    for (const [path, field] of [
      [lrs, 0x0a],
      [csds, 0x12],
    ] as const) {
      const call = test.call(path);
      call.on("error", () => {});
      call.on("data", () => {});
      call.write(Buffer.concat([Buffer.of(field, 0x80 | (nodeField.length & 0x7f), nodeField.length >> 7), nodeField]));
      expect(await new Promise((resolve) => call.on("status", resolve))).toMatchObject(refusal(tooLarge));
    }
    expect(test.server.report().refusals).toMatchObject({ nodeBytes: 4 });
  });
});

describe("the limit responseBytes", () => {
  const large = "l".repeat(8 << 20);
  const message = (request: MessageInitShape<typeof DiscoveryRequestSchema>) =>
    Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
  const all = message({ node: { id: "n" }, typeUrl: clusterType });
  const none = Buffer.of();

  const framed = (body: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    return Buffer.concat([head, body]);
  };

  /** A client that sends a message and reads nothing of what comes. */
  function unread(port: number, path: string, body: Buffer, headers: OutgoingHttpHeaders = {}) {
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => {});
    stream.pause();
    if (path === fetchPath || path === fetchStatus) stream.end(framed(body));
    else stream.write(framed(body));
    return { session, stream };
  }

  const start = (logger = new LogBook()) =>
    TestServer.start(cacheOf(cluster(large), endpoints("e")), {
      rest: true,
      limits: { responseBytes: 1 << 20 },
      logger,
    });
  const occupied = (test: TestServer) =>
    until(() => test.server.report().unsentBytes > 8 << 20, "a response that is not taken");

  it.each([
    ["a stream", streamPath(ads, clusterType), all],
    ["a fetch", fetchPath, all],
    ["client status", csds, none],
    ["a fetch of client status", fetchStatus, none],
  ])("lets others wait while %s is not taken, and no longer", async (_, path, body) => {
    const test = await start();
    const served = test.open(ads, endpointType);
    served.want("e");
    await served.take(["e@1"]);
    // Only who is connected has a status, which is what it is served.
    const shown = test.open(ads, clusterType);
    shown.want();
    await shown.take([`${large}@1`]);
    const slow = unread(test.port, path, body);
    await occupied(test);
    const late = test.open(ads, endpointType);
    late.want("e");
    await late.quiet();
    const refused = refusal(/^\d+ bytes of responses are still unsent; the server's limit responseBytes is 1048576$/);
    await expect(test.fetch(fetchPath, { node: { id: "n" } })).rejects.toMatchObject(refused);
    await expect(test.unary(fetchStatus, none)).rejects.toMatchObject(refused);
    for (const poll of ["clusters", "client_status"])
      expect(await post({ port: test.restPort }, `/v3/discovery:${poll}`, { node: { id: "n" } })).toMatchObject({
        status: 429,
        body: { code: "LIMIT_EXCEEDED", message: refused.details },
      });
    slow.session.destroy();
    await late.take(["e@1"]);
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
    expect((await test.fetch(fetchPath, { node: { id: "n" } })).resources).toHaveLength(1);
    await served.quiet();
    expect(test.server.report().refusals).toMatchObject({ responseBytes: 4 });
  });

  it.each([
    ["is done asking", (stream: ClientHttp2Stream) => void stream.end(), status.OK],
    ["is refused", (stream: ClientHttp2Stream) => void stream.write(framed(Buffer.of(0xff))), status.INVALID_ARGUMENT],
    [
      "is refused, and then done",
      (stream: ClientHttp2Stream) => void stream.end(framed(Buffer.of(0xff))),
      status.INVALID_ARGUMENT,
    ],
  ])("counts what a client that %s has not taken, until it has", async (_, act, code) => {
    const test = await start();
    const { stream } = unread(test.port, streamPath(ads, clusterType), all);
    await occupied(test);
    act(stream);
    await until(() => test.server.report().streams.length === 0, "the end of the stream");
    const late = test.open(ads, endpointType);
    late.want("e");
    await late.quiet();
    expect(test.server.report().unsentBytes).toBeGreaterThan(8 << 20);
    const ended = new Promise((resolve) => stream.on("trailers", (trailers) => resolve(trailers["grpc-status"])));
    stream.resume();
    expect(await ended).toBe(String(code));
    await late.take(["e@1"]);
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
  });

  it("counts what a client has not taken whose next message is compressed, which is refused", async () => {
    const test = await start();
    const { session, stream } = unread(test.port, streamPath(ads, clusterType), all);
    await occupied(test);
    stream.write(Buffer.of(1, 0, 0, 0, 1, 0));
    await until(() => test.server.report().streams.length === 0, "the end of the stream");
    await test.barrier();
    expect(test.server.report().unsentBytes).toBeGreaterThan(8 << 20);
    session.destroy();
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
  });

  it("counts nothing of a client that has reset its stream", async () => {
    const test = await start();
    const { stream } = unread(test.port, streamPath(ads, clusterType), all);
    await occupied(test);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
    expect(test.server.report().streams).toEqual([]);
  });

  it("frees the bytes of a closed connection, and the unread bytes of a refused stream", async () => {
    const test = await start();
    const { session, stream } = unread(test.port, streamPath(ads, clusterType), all);
    await occupied(test);
    stream.write(framed(Buffer.of(0xff)));
    await until(() => test.server.report().streams.length === 0, "the end of the stream");
    await test.barrier();
    expect(test.server.report().unsentBytes).toBeGreaterThan(8 << 20);
    session.destroy();
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
  });

  it("has one answer of client status at a time, however often a stream asks", async () => {
    const test = await start();
    const shown = test.open(ads, clusterType);
    shown.want();
    await shown.take([`${large}@1`]);
    const { stream } = unread(test.port, csds, none);
    await occupied(test);
    const one = test.server.report().unsentBytes;
    for (let i = 0; i < 5; i++) stream.write(framed(none));
    await test.barrier();
    expect(test.server.report().unsentBytes).toBe(one);
    let bytes = 0;
    const taken = new Promise<void>((resolve) => {
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= 6 * one) resolve();
      });
    });
    stream.resume();
    await taken;
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
  });

  it("counts what REST has not sent, one answer a connection however many it asks for", async () => {
    const test = await start();
    const socket = connectTcp(test.restPort as number, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    const ask = JSON.stringify({ node: { id: "n" } });
    const poll = `POST /v3/discovery:clusters HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${ask.length}\r\n\r\n${ask}`;
    socket.pause();
    socket.write(poll.repeat(400));
    await occupied(test);
    await test.barrier();
    expect(test.server.report().unsentBytes).toBeLessThan(9 << 20);
    expect(await post({ port: test.restPort }, "/v3/discovery:clusters", { node: { id: "n" } })).toMatchObject({
      status: 429,
    });
    socket.destroy();
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
    expect(await post({ port: test.restPort }, "/v3/discovery:clusters", { node: { id: "n" } })).toMatchObject({
      status: 200,
    });
  });

  it("ends whose response others have waited for ten seconds, with its connection", async () => {
    const log = new LogBook();
    const test = await start(log);
    const { session } = unread(test.port, streamPath(ads, clusterType), all);
    await occupied(test);
    const closed = new Promise((resolve) => session.on("close", resolve));
    const clock = stopClock();
    const late = test.open(ads, endpointType);
    late.want("e");
    await late.quiet();
    let isTaken = false;
    const taken = late.take(["e@1"]).then(() => (isTaken = true));
    // It is looked at every second. Between the seconds, sockets and work that rests have their turns.
    for (let second = 0; second < 60 && !isTaken; second++) {
      await clock.pass(1_000);
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    await taken;
    await closed;
    await until(() => test.server.report().unsentBytes === 0, "the end of what was not taken");
    expect(log.entries).toContainEqual({
      level: "warn",
      message: "a stream is ended",
      fields: expect.objectContaining({
        node: "n",
        error: expect.stringMatching(
          /^the client did not read a response of \d+ bytes within 10 s while others waited;/,
        ),
      }),
    });
    expect(test.server.report().streams).toHaveLength(1);
  }, 30_000);
});
