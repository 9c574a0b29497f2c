import { describe, expect, it } from "vitest";
import { XdsError } from "../../src/errors.js";
import { status } from "../../src/grpc/status.js";
import { frame, frameType } from "../../src/http2/frames.js";
import { clusterType } from "../../src/resource/types.js";
import { selfSigned } from "../e2e/certificate.js";
import { adsWays, cacheOf, streamPath, TestServer, type TestServerOptions, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { callFields, framed, headerBlock, RawClient } from "./raw-http2.js";

const [ads] = adsWays as [(typeof adsWays)[0]];
const path = streamPath(ads, clusterType);
const fetch = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const check = "/grpc.health.v1.Health/Check";
/** A DiscoveryRequest of a node "n" for clusters. */
const request = framed(
  Buffer.concat([Buffer.of(0x12, 3, 0x0a, 1, 0x6e, 0x22, clusterType.length), Buffer.from(clusterType)]),
);
const number = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
/** SETTINGS_INITIAL_WINDOW_SIZE: how much a stream may be sent. */
const windowOf = (bytes: number) => frame(frameType.SETTINGS, 0, 0, Buffer.from([0, 4, ...number(bytes)]));
const update = (id: number, bytes: number) => frame(frameType.WINDOW_UPDATE, 0, id, number(bytes));

const start = (options: TestServerOptions = {}) => TestServer.start(cacheOf(cluster("a")), options);

describe("a call whose client takes nothing of the answer", () => {
  it("keeps its place until it has", async () => {
    const test = await start({ limits: { streamsPerPeer: 10 } });
    const client = await RawClient.connect(test.port);
    client.send(windowOf(0));
    const ids = Array.from({ length: 12 }, () => client.call(fetch));
    for (const id of ids) client.data(id, request, true);
    for (const id of ids.slice(10)) expect(await client.ended(id)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    for (const id of ids.slice(0, 10)) client.send(update(id, 65_535));
    for (const id of ids.slice(0, 10)) expect(await client.ended(id)).toMatchObject({ code: 0 });
    client.send(windowOf(65_535));
    expect(await client.ended(client.unary(fetch, request.subarray(5)))).toMatchObject({ code: 0 });
  });

  it.each([
    ["a fetch", fetch, request],
    ["a health check", check, framed(Buffer.of())],
  ])("is reset after messageMs: %s", async (_, path, body) => {
    const test = await start({ limits: { messageMs: 200 } });
    const client = await RawClient.connect(test.port);
    client.send(windowOf(0));
    const id = client.call(path);
    client.data(id, body, true);
    await until(() => client.of(frameType.RST_STREAM, id).length === 1, "a RST_STREAM");
    await until(() => test.server.report().unsentBytes === 0, "nothing is left");
    expect(test.server.report().refusals.messageMs).toBe(1);
  });

  it("is not reset while it takes some of it", async () => {
    const cache = cacheOf(...Array.from({ length: 20 }, (_, i) => cluster(`c${i}`)));
    const test = await TestServer.start(cache, { limits: { messageMs: 400 } });
    const client = await RawClient.connect(test.port);
    client.send(windowOf(0));
    const id = client.call(fetch);
    client.data(id, request, true);
    for (let i = 0; i < 12; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      client.send(update(id, 1));
    }
    expect(client.of(frameType.RST_STREAM, id)).toEqual([]);
    client.send(update(id, 1 << 20));
    expect(await client.ended(id)).toMatchObject({ code: 0 });
  });
});

describe("streams that are refused together", () => {
  it("all get their status, however long it is, and the connection lives on", async () => {
    const authorize = () => {
      throw new XdsError("PERMISSION_DENIED", "no ".repeat(1_300));
    };
    const test = await start({ authorize });
    const client = await RawClient.connect(test.port);
    client.socket.pause();
    const ids = Array.from({ length: 300 }, () => client.call(path));
    for (const id of ids) client.data(id, request);
    await until(() => test.server.report().refusals.authorize === 300, "300 refusals");
    client.socket.resume();
    for (const id of ids) expect(await client.ended(id)).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
  });

  it("may each be reset by the client, as grpc-go does", async () => {
    const test = await start({ authorize: () => Promise.reject(new XdsError("PERMISSION_DENIED", "no")) });
    const client = await RawClient.connect(test.port);
    for (let round = 0; round < 12; round++) {
      const ids = Array.from({ length: 300 }, () => client.call(path));
      for (const id of ids) client.data(id, request);
      for (const id of ids) await client.ended(id);
      for (const id of ids) client.reset(id);
    }
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
    expect(client.of(frameType.GOAWAY)).toEqual([]);
  });
});

describe("what is never finished", () => {
  it.each([
    ["a header block", frame(frameType.HEADERS, 0, 3, headerBlock(callFields(path)))],
    ["a frame", frame(frameType.DATA, 0, 1, Buffer.alloc(100)).subarray(0, 50)],
  ])("ends its connection after messageMs: %s", async (_, bytes) => {
    const test = await start({ limits: { messageMs: 400 } });
    const client = await RawClient.connect(test.port);
    const id = client.call(path);
    client.data(id, request);
    await until(() => client.messages(id).length === 1, "a response");
    client.send(bytes);
    await until(() => client.isClosed(), "the end of the connection");
    expect(test.server.report().refusals.messageMs).toBe(1);
  });
});

it("a drain ends with the last byte of an answer that the client takes slowly", async () => {
  const cache = cacheOf(...Array.from({ length: 1_000 }, (_, i) => cluster(`${"c".repeat(2_000)}${i}`)));
  const test = await TestServer.start(cache);
  const client = await RawClient.connect(test.port);
  client.send(windowOf(2 ** 31 - 1), update(0, 2 ** 30));
  const id = client.call(fetch);
  client.data(id, request, true);
  await until(() => client.of(frameType.DATA, id).length > 0, "the beginning of the answer");
  client.socket.pause();
  const drained = test.server.drain({ timeoutMs: 15_000 });
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  client.socket.resume();
  expect(await client.ended(id)).toMatchObject({ code: 0 });
  expect(client.messages(id)[0]?.length).toBeGreaterThan(2_000_000);
  await drained;
}, 30_000);

it("a drain does not wait for watches of health", async () => {
  const test = await start();
  const client = await RawClient.connect(test.port);
  const id = client.unary("/grpc.health.v1.Health/Watch");
  await until(() => client.messages(id).length === 1, "an answer");
  let isDrained = false;
  void test.server.drain({ timeoutMs: 60_000 }).then(() => {
    isDrained = true;
  });
  expect(await client.ended(id)).toMatchObject({ code: status.UNAVAILABLE });
  await until(() => isDrained, "the end of the drain");
});

it("limits of time may be Infinity, with TLS too", async () => {
  const tls = selfSigned();
  const limits = { handshakeMs: Number.POSITIVE_INFINITY, messageMs: Number.POSITIVE_INFINITY };
  const test = await start({ tls, limits });
  const client = await RawClient.connect(test.port, tls.cert);
  expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
});

it("a fetch of another type is refused", async () => {
  const test = await start();
  const typeUrl = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
  await expect(test.fetch(fetch, { node: { id: "n" }, typeUrl })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: `this is the service of ${clusterType}; ask for ${typeUrl} at its own service or on an aggregated stream`,
  });
  expect((await test.fetch(fetch, { node: { id: "n" }, typeUrl: clusterType })).resources).toHaveLength(1);
});
