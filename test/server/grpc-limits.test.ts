import { connect as connectTcp } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { DeltaDiscoveryRequestSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { status } from "../../src/grpc/status.js";
import { errorCode } from "../../src/http2/errors.js";
import { clientPreface, flag, frame, frameType } from "../../src/http2/frames.js";
import { clusterType, type LimitName, type Limits, Snapshot } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { cacheOf, LogBook, streamPath, TestServer, type TestServerOptions, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { callFields, framed, headerBlock, RawClient } from "./raw-http2.js";

const ads = { variant: "delta", kind: "ADS" } as const;
const adsPath = streamPath(ads, clusterType);
const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const fetchStatus = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const csds = "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus";
const lrs = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
const check = "/grpc.health.v1.Health/Check";
const watch = "/grpc.health.v1.Health/Watch";
const { RESOURCE_EXHAUSTED, UNIMPLEMENTED } = status;
const exhausted = (pattern: RegExp) => ({ code: RESOURCE_EXHAUSTED, details: expect.stringMatching(pattern) });
const ask = Buffer.from(
  toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, { node: { id: "n" }, typeUrl: clusterType }),
  ),
);

/** A server with these limits, and a client of it that has done nothing wrong. */
async function start(limits: Partial<Limits>, options: TestServerOptions = {}) {
  const cache = cacheOf(cluster("a"));
  const book = new LogBook();
  const test = await TestServer.start(cache, { loadReporting: {}, ...options, limits, logger: book });
  const stream = test.open(ads, clusterType);
  stream.want();
  await stream.take(["a@1"]);
  await test.barrier();
  let content = 1;
  return {
    test,
    server: test.server,
    port: test.port,
    book,
    hits: (name: LimitName) => test.server.report().refusals[name],
    warnings: () => book.entries.filter(({ level }) => level === "warn"),
    /** The client is served, on the same stream and on a new one. */
    async undisturbed() {
      content++;
      cache.set("n", Snapshot.of([cluster("a", content)]));
      await stream.take([`a@${content}`]);
      const late = test.open(ads, clusterType);
      late.want();
      await late.take([`a@${content}`]);
      await late.cancel();
      expect(await test.health()).toBe(1);
    },
    /** Nothing is held for anybody but the client. */
    async isFree() {
      await until(() => test.server.report().receivingBytes === 0, "the end of what is received");
      await until(() => test.server.report().unsentBytes === 0, "the end of what is sent");
      await until(() => test.server.report().streams.length === 1, "the end of the streams");
    },
  };
}

const closed = (client: RawClient) => until(client.isClosed, "the end of a connection");

describe("connections", () => {
  it("beyond the limit are closed, and another is accepted when one has gone", async () => {
    const scene = await start({ connections: 3 });
    const first = await RawClient.connect(scene.port);
    await RawClient.connect(scene.port).then((client) => client.barrier());
    expect(scene.server.report().connections).toBe(3);
    for (let i = 0; i < 5; i++) await closed(await RawClient.connect(scene.port));
    expect([scene.hits("connections"), scene.server.report().connections]).toEqual([5, 3]);
    expect(scene.warnings()[0]).toMatchObject({
      message: "a connection is refused or ended",
      fields: {
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        error: "too many connections; the server's limit connections is 3",
      },
    });
    await scene.undisturbed();
    first.socket.destroy();
    await until(() => scene.server.report().connections === 2, "the end of a connection");
    const late = await RawClient.connect(scene.port);
    expect(await late.ended(late.unary(check))).toMatchObject({ code: 0 });
  });

  it("of one address beyond the limit are closed, those of others are not", async () => {
    const scene = await start({ connectionsPerPeer: 2 });
    await RawClient.connect(scene.port).then((client) => client.barrier());
    await closed(await RawClient.connect(scene.port));
    const socket = connectTcp({ host: "127.0.0.1", port: scene.port, localAddress: "127.0.0.2" });
    const other = new RawClient(socket);
    other.send(clientPreface, frame(frameType.SETTINGS, 0, 0, Buffer.of()));
    expect(await other.ended(other.unary(check))).toMatchObject({ code: 0 });
    expect([scene.hits("connectionsPerPeer"), scene.hits("connections")]).toEqual([1, 0]);
    await scene.undisturbed();
  });

  it("with TLS count from their start, and are forgotten when their handshake fails", async () => {
    const tls = selfSigned();
    const server = await TestServer.start(cacheOf(cluster("a")), { tls, limits: { connections: 2 } });
    const silent = [connectTcp(server.port, "127.0.0.1"), connectTcp(server.port, "127.0.0.1")];
    onTestFinished(() => silent.forEach((socket) => void socket.destroy()));
    await until(() => server.server.report().connections === 2, "both");
    await expect(RawClient.connect(server.port, tls.cert)).rejects.toThrow();
    for (const socket of silent) socket.end("no handshake");
    await until(() => server.server.report().connections === 0, "their ends");
    const client = await RawClient.connect(server.port, tls.cert);
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
  });

  it("that do not begin in time are closed", async () => {
    const scene = await start({ handshakeMs: 200 });
    const [silent, half, ready] = [
      await RawClient.silent(scene.port),
      await RawClient.silent(scene.port),
      await RawClient.connect(scene.port),
    ];
    half.send(clientPreface.subarray(0, 10));
    await Promise.all([closed(silent), closed(half)]);
    expect(scene.hits("handshakeMs")).toBe(2);
    await ready.barrier();
    expect(ready.isClosed()).toBe(false);
    await scene.undisturbed();
  });

  it("are closed if they do not finish their TLS handshake in time, or finish it and send nothing", async () => {
    const tls = selfSigned();
    const server = await TestServer.start(cacheOf(cluster("a")), { tls, limits: { handshakeMs: 300 } });
    const none = await RawClient.silent(server.port);
    const only = await RawClient.silent(server.port, tls.cert);
    await Promise.all([closed(none), closed(only)]);
    await until(() => server.server.report().connections === 0, "their ends");
    expect(server.server.report().refusals.handshakeMs).toBe(2);
  });

  it("without streams are sent away in time, those with one are not", async () => {
    const scene = await start({ idleConnectionMs: 300 });
    const idle = await RawClient.connect(scene.port);
    const busy = await RawClient.connect(scene.port);
    const id = busy.call(adsPath);
    busy.data(id, framed(ask));
    expect(await idle.goneAway()).toEqual({ code: errorCode.NO_ERROR, text: "" });
    await closed(idle);
    expect(scene.hits("idleConnectionMs")).toBe(1);
    expect(scene.warnings()).toEqual([]);
    await busy.barrier();
    expect(busy.of(frameType.GOAWAY)).toEqual([]);
    busy.data(id, Buffer.of(), true);
    expect(await busy.ended(id)).toMatchObject({ code: 0 });
    await closed(busy);
    expect(scene.hits("idleConnectionMs")).toBe(2);
    await scene.undisturbed();
  });
});

describe("streams of one connection", () => {
  it("beyond the limit are refused, so that the client may try again elsewhere", async () => {
    const scene = await start({ streamsPerConnection: 3 });
    const client = await RawClient.connect(scene.port);
    const ids = Array.from({ length: 5 }, () => client.call(adsPath));
    await client.barrier();
    const resets = client.of(frameType.RST_STREAM).map(({ id, payload }) => [id, payload.readUInt32BE(0)]);
    expect(resets).toEqual([
      [ids[3], errorCode.REFUSED_STREAM],
      [ids[4], errorCode.REFUSED_STREAM],
    ]);
    expect(scene.hits("streamsPerConnection")).toBe(2);
    expect(scene.warnings()[0]).toMatchObject({ message: "a stream is ended" });
    client.reset(ids[0] as number);
    const late = client.call(adsPath);
    client.data(late, framed(ask));
    await until(() => client.messages(late).length === 1, "a response");
    await scene.undisturbed();
  });

  it("may be more than the protocol can express", async () => {
    const scene = await start({ streamsPerConnection: Number.POSITIVE_INFINITY, headerBytes: 2 ** 33 });
    const client = await RawClient.connect(scene.port);
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
    const [settings] = client.of(frameType.SETTINGS);
    expect(settings?.payload.toString("hex")).toBe("0003ffffffff0006ffffffff");
  });

  it("may be 300, as an Envoy has with a stream for each cluster", async () => {
    const scene = await start({});
    const client = await RawClient.connect(scene.port);
    const ids = Array.from({ length: 300 }, () => client.call(adsPath));
    for (const id of ids) client.data(id, framed(ask));
    await until(() => ids.every((id) => client.messages(id).length === 1), "300 responses");
    await until(() => scene.server.report().streams.length === 301, "301 streams");
    for (const id of ids) client.reset(id);
    await scene.isFree();
    expect(Object.values(scene.server.report().refusals).every((count) => count === 0)).toBe(true);
  });
});

describe("headers", () => {
  it("that are too large are answered with 431, and the connection goes on", async () => {
    const scene = await start({ headerBytes: 1_024 });
    const client = await RawClient.connect(scene.port);
    const large = client.call(check, { more: { "x-large": "x".repeat(1_000) }, isEnd: true });
    expect(await client.ended(large)).toMatchObject({ httpStatus: "431" });
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
    expect(scene.hits("headerBytes")).toBe(1);
    expect(scene.warnings()[0]).toMatchObject({
      message: "a request is refused",
      fields: { error: "the headers of a call are too large; the server's limit headerBytes is 1024" },
    });
    await scene.undisturbed();
  });

  it("in too many CONTINUATION frames end their connection", async () => {
    const scene = await start({ continuationFrames: 4 });
    const client = await RawClient.connect(scene.port);
    client.send(frame(frameType.HEADERS, 0, 1, headerBlock(callFields(check))));
    for (let i = 0; i < 5; i++) client.send(frame(frameType.CONTINUATION, 0, 1, Buffer.of()));
    expect(await client.goneAway()).toEqual({
      code: errorCode.ENHANCE_YOUR_CALM,
      text: "too many CONTINUATION frames in a header block",
    });
    await closed(client);
    expect(scene.hits("continuationFrames")).toBe(1);
    await scene.undisturbed();
  });
});

describe("frames that ask for nothing", () => {
  const payloads = {
    PING: () => frame(frameType.PING, 0, 0, Buffer.alloc(8)),
    SETTINGS: () => frame(frameType.SETTINGS, 0, 0, Buffer.of()),
    PRIORITY: () => frame(frameType.PRIORITY, 0, 1, Buffer.of(0, 0, 0, 3, 1)),
    WINDOW_UPDATE: () => frame(frameType.WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1)),
  };

  it.each(Object.entries(payloads))("end their connection beyond the limit: %s", async (_, make) => {
    const scene = await start({ controlFrames: 10 });
    const client = await RawClient.connect(scene.port);
    client.send(...Array.from({ length: 300 }, make));
    expect(await client.goneAway()).toMatchObject({ code: errorCode.ENHANCE_YOUR_CALM });
    await closed(client);
    expect(scene.hits("controlFrames")).toBe(1);
    expect(scene.warnings()[0]).toMatchObject({ fields: { error: expect.stringContaining("ask for nothing") } });
    await scene.undisturbed();
  });

  it("are not the resets of streams that were answered, of which a client may send as many as it likes", async () => {
    const scene = await start({ controlFrames: 10 });
    const client = await RawClient.connect(scene.port);
    for (let round = 0; round < 3; round++) {
      const ids = Array.from({ length: 100 }, () => client.call(adsPath));
      for (const id of ids) client.data(id, framed(ask));
      await until(() => ids.every((id) => client.messages(id).length === 1), "responses");
      for (const id of ids) client.reset(id);
    }
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
    await scene.isFree();
  });

  it("end their connection beyond the limit: streams that are opened and reset", async () => {
    const scene = await start({ controlFrames: 10 });
    const client = await RawClient.connect(scene.port);
    for (let i = 0; i < 300; i++) client.reset(client.call(adsPath));
    expect(await client.goneAway()).toMatchObject({ code: errorCode.ENHANCE_YOUR_CALM });
    await scene.isFree();
    await scene.undisturbed();
  });
});

describe("a message", () => {
  const late = /^a message took too long to arrive; the server's limit messageMs is 300$/;

  it.each([
    ["a discovery stream", adsPath],
    ["client status", csds],
    ["load reports", lrs],
    ["a fetch", fetchPath],
    ["a fetch of client status", fetchStatus],
    ["a health check", check],
    ["a watch of health", watch],
  ])("that never comes, comes in part, or is not followed by the end, ends %s in time", async (_, path) => {
    const scene = await start({ messageMs: 300 });
    const client = await RawClient.connect(scene.port);
    const [none, prefix, part] = [client.call(path), client.call(path), client.call(path)];
    client.data(prefix, Buffer.of(0, 0, 0));
    client.data(part, framed(Buffer.alloc(2_000)).subarray(0, 1_000));
    for (const id of [none, prefix, part]) expect(await client.ended(id)).toMatchObject(exhausted(late));
    expect(scene.hits("messageMs")).toBe(3);
    const isStream = path === adsPath || path === csds || path === lrs;
    const open = client.call(path);
    client.data(open, framed(path === adsPath ? ask : Buffer.of()));
    if (isStream) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      await client.barrier();
      const resets = client.of(frameType.RST_STREAM, open);
      expect([...client.of(frameType.HEADERS, open).filter(({ flags }) => flags & flag.END_STREAM), ...resets]).toEqual(
        [],
      );
      client.data(open, framed(Buffer.alloc(2_000)).subarray(0, 1_000));
      expect(await client.ended(open)).toMatchObject(exhausted(late));
    } else expect(await client.ended(open)).toMatchObject(exhausted(late));
    await scene.isFree();
    await scene.undisturbed();
  });

  it("has its own time: many that each come in time do not end a stream, though one always is on its way", async () => {
    const scene = await start({ messageMs: 400 });
    const client = await RawClient.connect(scene.port);
    const id = client.call(adsPath);
    client.data(id, framed(ask).subarray(0, 20));
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      client.data(id, Buffer.concat([framed(ask).subarray(20), framed(ask).subarray(0, 20)]));
    }
    await client.barrier();
    expect(scene.hits("messageMs")).toBe(0);
    expect(client.messages(id)).toHaveLength(1);
  });

  it("in DATA frames of one byte is taken, with empty ones between it is not", async () => {
    const scene = await start({ controlFrames: 10 });
    const client = await RawClient.connect(scene.port);
    const id = client.call(adsPath);
    for (const byte of framed(ask)) client.data(id, Buffer.of(byte));
    await until(() => client.messages(id).length === 1, "a response");
    const bad = client.call(adsPath);
    for (const byte of Buffer.concat([framed(ask), framed(Buffer.alloc(1_000))])) {
      client.data(bad, Buffer.of(byte));
      client.data(bad, Buffer.of());
    }
    expect(await client.goneAway()).toMatchObject({ code: errorCode.ENHANCE_YOUR_CALM });
    await scene.isFree();
  });
});

describe("calls that send headers and no message", () => {
  it.each([
    ["fetches", fetchPath],
    ["streams", adsPath],
  ])("count as open ones: %s", async (_, path) => {
    const scene = await start({ streams: 101, messageMs: 1_500 });
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(scene.port)));
    const calls = clients.map((client) => Array.from({ length: 600 }, () => client.call(path)));
    for (const client of clients) await client.barrier();
    expect(scene.hits("streams")).toBe(3_000 - 100);
    const ends = await Promise.all(
      clients.flatMap((client, i) => (calls[i] as number[]).map(async (id) => client.ended(id))),
    );
    expect(ends.every(({ code }) => code === RESOURCE_EXHAUSTED)).toBe(true);
    const inTime = ends.filter(({ details }) => details.startsWith("a message took too long"));
    expect(inTime).toHaveLength(100);
    expect(scene.hits("messageMs")).toBe(100);
    await scene.isFree();
    await scene.undisturbed();
  });

  it("do not keep health checks from being answered, of which the oldest are given up for new ones", async () => {
    const scene = await start({ streams: 1 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(scene.port)));
    const calls = clients.map((client) => Array.from({ length: 900 }, () => client.call(check)));
    for (const client of clients) await client.barrier();
    const ended = clients.flatMap((client, i) =>
      (calls[i] as number[]).filter((id) => client.of(frameType.HEADERS, id).length > 0),
    );
    expect(ended).toHaveLength(1_700);
    expect(await scene.test.health()).toBe(1);
  });
});

describe("bytes that are being received", () => {
  const part = (bytes: number) => framed(Buffer.alloc(2 * bytes)).subarray(0, bytes + 5);

  it("are one sum over all clients, and are given back when their calls are cancelled or cut", async () => {
    const scene = await start({ receivingBytes: 134_000 }); // one address may have 100,500
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(scene.port)));
    const ids = clients.map((client) => client.call(adsPath));
    for (const [i, client] of clients.slice(0, 3).entries()) {
      client.data(ids[i] as number, part(10_000));
      client.data(ids[i] as number, Buffer.alloc(5_000));
      await client.barrier();
    }
    const held = scene.server.report().receivingBytes;
    expect(held).toBeGreaterThanOrEqual(45_000);
    expect(held).toBeLessThanOrEqual(90_000);
    const [first, second, third, fourth] = clients as [RawClient, RawClient, RawClient, RawClient];
    fourth.data(ids[3] as number, framed(Buffer.alloc(200_000)).subarray(0, 16_005));
    for (let i = 0; i < 5; i++) fourth.data(ids[3] as number, Buffer.alloc(16_000));
    const tooMuch =
      /^(\d+) bytes of requests are being received, \1 of them from this address; the server's limit receivingBytes is 134000$/;
    expect(await fourth.ended(ids[3] as number)).toMatchObject(exhausted(tooMuch));
    expect(scene.hits("receivingBytes")).toBe(1);
    await until(() => scene.server.report().receivingBytes === held, "what was given back");
    await scene.undisturbed();
    first.reset(ids[0] as number);
    await first.barrier();
    const left = scene.server.report().receivingBytes;
    expect(left).toBeLessThan(held);
    second.socket.destroy();
    await until(() => scene.server.report().receivingBytes < left, "what was given back");
    third.data(ids[2] as number, Buffer.alloc(5_000)); // the rest, which is no request
    expect(await third.ended(ids[2] as number)).toMatchObject({ code: status.INVALID_ARGUMENT });
    await scene.isFree();
  });

  it.each([
    ["a fetch", fetchPath],
    ["a fetch of client status", fetchStatus],
  ])("include the whole message of %s until it is answered", async (_, path) => {
    const scene = await start({ receivingBytes: 128_000, messageMs: 500 }); // one address may have 96,000
    const client = await RawClient.connect(scene.port);
    const ids = Array.from({ length: 8 }, () => client.call(path));
    for (const id of ids) client.data(id, framed(Buffer.alloc(16_000)));
    await client.barrier();
    expect(scene.server.report().receivingBytes).toBe(6 * 16_000);
    expect(scene.hits("receivingBytes")).toBe(2);
    for (const id of ids) expect(await client.ended(id)).toMatchObject({ code: RESOURCE_EXHAUSTED });
    expect(scene.hits("messageMs")).toBe(6);
    await scene.isFree();
    await scene.undisturbed();
  });

  it("include what comes while a stream waits for a callback, of which a client can send one window", async () => {
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const callbacks = { onStreamDeltaRequest: ({ peer }: { peer: string }) => (peer === slow ? held : undefined) };
    let slow = "";
    const scene = await start({}, { callbacks });
    const client = await RawClient.connect(scene.port);
    slow = `127.0.0.1:${client.socket.localPort}`;
    const id = client.call(adsPath);
    client.data(id, framed(ask));
    await client.barrier();
    const all = Buffer.concat(Array.from({ length: 1_000 }, () => framed(ask))).subarray(0, 60_000);
    for (let at = 0; at < all.length; at += 10_000) client.data(id, all.subarray(at, at + 10_000));
    await client.barrier();
    expect(scene.server.report().receivingBytes).toBeGreaterThanOrEqual(60_000);
    expect(scene.server.report().receivingBytes).toBeLessThanOrEqual(2 * 65_535);
    expect(client.of(frameType.WINDOW_UPDATE, id)).toEqual([]);
    await scene.undisturbed();
    go();
    await until(() => client.messages(id).length === 1, "a response");
    client.data(id, Buffer.of(), true);
    expect(await client.ended(id)).toMatchObject({ code: status.INTERNAL, details: /middle of a message/ });
    await scene.isFree();
  });

  it("are given back when the server closes", async () => {
    const scene = await start({});
    const client = await RawClient.connect(scene.port);
    client.data(client.call(adsPath), part(10_000));
    client.data(client.call(fetchPath), framed(Buffer.alloc(10_000)));
    await client.barrier();
    expect(scene.server.report().receivingBytes).toBeGreaterThanOrEqual(20_000);
    await scene.server.close();
    expect(scene.server.report().receivingBytes).toBe(0);
    await until(() => scene.server.report().connections === 0, "the end of the connections");
  });
});

it("compressed requests are refused, with the accepted encoding", async () => {
  const scene = await start({});
  const client = await RawClient.connect(scene.port);
  const encoded = client.call(adsPath, { more: { "grpc-encoding": "gzip" } });
  expect(await client.ended(encoded)).toMatchObject({
    code: UNIMPLEMENTED,
    details: "grpc-encoding gzip is not supported; send identity",
    fields: { "grpc-accept-encoding": "identity" },
  });
  const flagged = client.call(adsPath);
  client.data(flagged, framed(ask, 1));
  expect(await client.ended(flagged)).toMatchObject({
    code: UNIMPLEMENTED,
    fields: { "grpc-accept-encoding": "identity" },
  });
  const identity = client.call(adsPath, { more: { "grpc-encoding": "identity", "grpc-accept-encoding": "gzip" } });
  client.data(identity, framed(ask));
  await until(() => client.messages(identity).length === 1, "a response");
  await scene.undisturbed();
});
