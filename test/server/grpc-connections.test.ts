import { request as requestHttp } from "node:http";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DeltaDiscoveryRequestSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { status } from "../../src/grpc/status.js";
import { errorCode } from "../../src/http2/errors.js";
import { clientPreface, flag, frame, frameType } from "../../src/http2/frames.js";
import { clusterType, Snapshot } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { cacheOf, LogBook, streamPath, TestServer, type TestServerOptions, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { framed, RawClient } from "./raw-http2.js";

const adsPath = streamPath({ variant: "delta", kind: "ADS" }, clusterType);
const check = "/grpc.health.v1.Health/Check";
const ask = Buffer.from(
  toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, { node: { id: "n" }, typeUrl: clusterType }),
  ),
);
const tls = selfSigned();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function start(options: TestServerOptions = {}) {
  const book = new LogBook();
  const cache = cacheOf(cluster("a"));
  const test = await TestServer.start(cache, { ...options, logger: book });
  const lines = (level: string) => book.entries.filter((entry) => entry.level === level);
  return { test, cache, lines, server: test.server, port: test.port };
}

/** An open stream that was sent its resources. */
async function openStream(client: RawClient): Promise<number> {
  const id = client.call(adsPath);
  client.data(id, framed(ask));
  await until(() => client.messages(id).length === 1, "a response");
  return id;
}

/** What a request of HTTP/1.1 is answered. */
function http1(port: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = requestHttp({ host: "127.0.0.1", port, path: "/v3/discovery:clusters", agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    call.on("error", reject);
    call.end();
  });
}

const strangerLine = (error: string) => ({
  message: "a connection to the gRPC port is not HTTP/2",
  fields: { peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), error: expect.stringContaining(error) },
});

describe("a client of another protocol than HTTP/2", () => {
  it("gets an HTTP/1.1 answer for HTTP/1.1, and is logged", async () => {
    const { port, lines } = await start();
    expect(await http1(port)).toEqual({
      status: 505,
      text: "this is a request of HTTP/1.1, but this port speaks gRPC, which is HTTP/2 without TLS\n",
    });
    expect(lines("warn")).toEqual([{ level: "warn", ...strangerLine("this is a request of HTTP/1.1") }]);
  });

  it("gets an HTTP/1.1 answer for HTTP/1.1 over TLS, and is logged", async () => {
    const { port, lines } = await start({ tls });
    const client = await RawClient.silent(port, tls.cert, []);
    client.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(client.isClosed, "the end");
    expect(client.rest.toString()).toMatch(
      /^HTTP\/1\.1 505 [\s\S]*this port speaks gRPC, which is HTTP\/2 with TLS\n$/,
    );
    expect(lines("warn")).toEqual([{ level: "warn", ...strangerLine("this is a request of HTTP/1.1") }]);
  });

  it("is logged if it uses TLS on a plain port", async () => {
    const { port, lines } = await start();
    const error = await new Promise<Error>((resolve) => {
      connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: ["h2"] }).on("error", resolve);
    });
    expect(error.message).toMatch(/wrong version number|packet length too long|ECONNRESET/);
    await until(() => lines("warn").length === 1, "a line");
    expect(lines("warn")).toEqual([{ level: "warn", ...strangerLine("this is a TLS handshake") }]);
  });

  it("gets a GOAWAY with a text for an unknown protocol, and is logged", async () => {
    const { port, lines } = await start();
    const client = await RawClient.silent(port);
    client.socket.write("SSH-2.0-OpenSSH_9.6\r\n");
    expect(await client.goneAway()).toEqual({
      code: errorCode.PROTOCOL_ERROR,
      text: "these bytes are not the beginning of HTTP/2, but this port speaks gRPC, which is HTTP/2 without TLS",
    });
    await until(client.isClosed, "the end");
    expect(lines("warn")).toEqual([{ level: "warn", ...strangerLine("these bytes are not the beginning of HTTP/2") }]);
  });

  it("gets a GOAWAY for TLS without ALPN, and is logged", async () => {
    const { port, lines, test } = await start({ tls });
    const client = await RawClient.silent(port, tls.cert, []);
    client.send(clientPreface, frame(frameType.SETTINGS, 0, 0, Buffer.of()));
    expect(await client.goneAway()).toEqual({
      code: errorCode.INADEQUATE_SECURITY,
      text: "this server speaks HTTP/2 only; a client with TLS has to offer h2 by ALPN (RFC 9113, section 3.2)",
    });
    await until(client.isClosed, "the end");
    expect(lines("warn")).toEqual([{ level: "warn", ...strangerLine("has to offer h2 by ALPN") }]);
    await until(() => test.server.report().connections === 0, "the end");
  });

  it("is refused in the handshake for TLS with other protocols, and logged", async () => {
    const { port, lines } = await start({ tls });
    await expect(RawClient.silent(port, tls.cert, ["http/1.1"])).rejects.toThrow(/no application protocol/);
    await until(() => lines("warn").length === 1, "a line");
    expect(lines("warn")[0]).toMatchObject({
      message: "a TLS handshake fails",
      fields: { error: expect.stringMatching(/no.(suitable.)?application.protocol|no shared/i) },
    });
  });

  it.each([
    ["HTTP/2", clientPreface],
    ["HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ])("with TLS but of plain %s, where there is TLS, is logged", async (_, bytes) => {
    const { port, lines } = await start({ tls });
    const client = await RawClient.silent(port);
    client.socket.write(bytes);
    await until(client.isClosed, "the end");
    await until(() => lines("warn").length === 1, "a line");
    expect(lines("warn")[0]).toMatchObject({
      message: "a TLS handshake fails",
      fields: {
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        error: expect.stringMatching(/http request|wrong version number/),
      },
    });
  });

  it("is in ten lines of an address in 10 s, however often it comes", async () => {
    const { port, lines } = await start();
    for (let i = 0; i < 60; i++) await http1(port);
    expect(lines("warn")).toHaveLength(10);
    const client = await RawClient.connect(port);
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
  });
});

describe("a drain", () => {
  it("sends two GOAWAYs: streams that cross the first are taken, and those after the second are not", async () => {
    const { server, port } = await start();
    const client = await RawClient.silent(port);
    client.send(clientPreface, frame(frameType.SETTINGS, 0, 0, Buffer.of()));
    const id = await openStream(client);
    const goAways = () =>
      client.of(frameType.GOAWAY).map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);
    const drained = server.drain({ timeoutMs: 1_500, paceMs: 1_200 });
    await until(() => goAways().length === 1, "a GOAWAY");
    expect(goAways()).toEqual([[2 ** 31 - 1, 0]]);
    const crossing = client.unary(check);
    expect(await client.ended(crossing)).toMatchObject({ code: 0 });
    const ping = client.of(frameType.PING).find(({ flags }) => !(flags & flag.ACK));
    client.send(frame(frameType.PING, flag.ACK, 0, ping?.payload ?? Buffer.alloc(8)));
    await until(() => goAways().length === 2, "another GOAWAY");
    expect(goAways()[1]).toEqual([crossing, 0]);
    const late = client.unary(check);
    await client.barrier();
    expect(client.of(frameType.RST_STREAM, late).map(({ payload }) => payload.readUInt32BE(0))).toEqual([
      errorCode.REFUSED_STREAM,
    ]);
    expect(await client.ended(id)).toMatchObject({ code: status.UNAVAILABLE });
    await drained;
    await until(client.isClosed, "the end");
  });

  it("ends connections without streams at once, and those that answer no PING in time", async () => {
    const { server, port } = await start();
    const [answering, silent] = [await RawClient.connect(port), await RawClient.connect(port)];
    await Promise.all([answering.barrier(), silent.barrier()]);
    const drained = server.drain({ timeoutMs: 10_000 });
    await until(() => answering.of(frameType.GOAWAY).length === 1, "a GOAWAY");
    const ping = answering.of(frameType.PING).find(({ flags }) => !(flags & flag.ACK));
    answering.send(frame(frameType.PING, flag.ACK, 0, ping?.payload ?? Buffer.alloc(8)));
    await until(answering.isClosed, "the end of one");
    await until(silent.isClosed, "the end of the other");
    await drained;
    expect(server.report().connections).toBe(0);
  });

  it("takes no new connections", async () => {
    const { server, port } = await start();
    const client = await RawClient.connect(port);
    await openStream(client);
    const drained = server.drain({ timeoutMs: 300 });
    await expect(RawClient.connect(port)).rejects.toThrow(/ECONNREFUSED/);
    await drained;
  });
});

describe("a connection that has reached its age", () => {
  it("gets a GOAWAY, then its streams are ended, and then it is closed", async () => {
    const { port } = await start({ maxConnectionAgeMs: 1_000 });
    const client = await RawClient.connect(port);
    const id = await openStream(client);
    expect(await client.goneAway()).toEqual({ code: errorCode.NO_ERROR, text: "" });
    expect(client.of(frameType.HEADERS, id)).toHaveLength(1); // of the response
    expect(await client.ended(id)).toMatchObject({ code: status.UNAVAILABLE, details: /maxConnectionAge/ });
    await until(client.isClosed, "the end");
  });

  it("closes also when nothing was asked on it", async () => {
    const { port, server } = await start({ maxConnectionAgeMs: 300 });
    const client = await RawClient.connect(port);
    await until(client.isClosed, "the end");
    await until(() => server.report().connections === 0, "the end");
  });
});

describe("keepalive", () => {
  it("pings a connection on which nothing comes, and leaves one that answers as it is", async () => {
    const { port, cache } = await start({ keepaliveMs: 100, keepaliveTimeoutMs: 300, orderTimeoutMs: 100 });
    const client = await RawClient.connect(port);
    client.socket.on("data", () => {
      for (const { flags, payload } of client.of(frameType.PING).splice(answered))
        if (!(flags & flag.ACK)) client.send(frame(frameType.PING, flag.ACK, 0, payload));
      answered = client.of(frameType.PING).length;
    });
    let answered = 0;
    const id = await openStream(client);
    await until(() => answered >= 5, "five pings");
    expect(client.isClosed()).toBe(false);
    cache.set("n", Snapshot.of([cluster("a", 2)]));
    await until(() => client.messages(id).length === 2, "the change");
  });

  it("closes one that does not answer, and what it had is free", async () => {
    const { port, server } = await start({ keepaliveMs: 200, keepaliveTimeoutMs: 200 });
    const client = await RawClient.connect(port);
    await openStream(client);
    await until(client.isClosed, "the end");
    expect(client.of(frameType.PING).filter(({ flags }) => !(flags & flag.ACK))).toHaveLength(1);
    await until(() => server.report().streams.length === 0 && server.report().connections === 0, "the end");
  });

  it("does not ping a client that sends", async () => {
    const { port } = await start({ keepaliveMs: 300, keepaliveTimeoutMs: 300 });
    const client = await RawClient.connect(port);
    for (let i = 0; i < 20; i++) {
      await pause(50);
      client.data(client.call(check), framed(Buffer.of()), true);
    }
    expect(client.of(frameType.PING)).toEqual([]);
  });
});

it("a server that closes at once ends connections in every state", async () => {
  const { server, port } = await start({ callbacks: { onDeltaStreamOpen: () => new Promise(() => {}) } });
  const silent = await RawClient.silent(port);
  const half = await RawClient.silent(port);
  half.send(clientPreface.subarray(0, 10));
  const ready = await RawClient.connect(port);
  const open = await RawClient.connect(port);
  open.data(open.call(adsPath), framed(ask).subarray(0, 7));
  const unread = connectTcp({ host: "127.0.0.1", port }).pause();
  await Promise.all([ready.barrier(), open.barrier()]);
  await server.close();
  for (const client of [silent, half, ready, open]) await until(client.isClosed, "the end");
  await until(() => server.report().connections === 0, "the end");
  unread.destroy();
  expect([server.report().receivingBytes, server.report().unsentBytes]).toEqual([0, 0]);
});
