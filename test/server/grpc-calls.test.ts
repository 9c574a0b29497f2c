import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { status } from "../../src/grpc/status.js";
import { frame, frameType } from "../../src/http2/frames.js";
import { clusterType, Snapshot, XdsError } from "../../src/index.js";
import { cacheOf, LogBook, streamPath, TestServer, type TestServerOptions, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { framed, RawClient } from "./raw-http2.js";

const adsPath = streamPath({ variant: "delta", kind: "ADS" }, clusterType);
const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const fetchStatus = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const csds = "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus";
const lrs = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const check = "/grpc.health.v1.Health/Check";
const watch = "/grpc.health.v1.Health/Watch";

const deltaRequest = (id = "n") =>
  Buffer.from(
    toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { node: { id }, typeUrl: clusterType })),
  );
const fetchRequest = Buffer.from(
  toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { node: { id: "n" } })),
);
const never = () => new Promise<never>(() => {});

async function start(options: TestServerOptions = {}) {
  const book = new LogBook();
  const test = await TestServer.start(cacheOf(cluster("a")), { loadReporting: {}, ...options, logger: book });
  const client = await RawClient.connect(test.port);
  return {
    test,
    book,
    server: test.server,
    client,
    /** Nothing is held for anybody, and all seats are free. */
    async isFree() {
      const { server } = test;
      await until(() => server.report().receivingBytes === 0, "the end of what is received");
      await until(() => server.report().unsentBytes === 0, "the end of what is sent");
      await until(() => server.report().streams.length === 0, "the end of the streams");
      expect(server.report().loads?.streams).toBe(0);
      expect(await test.health()).toBe(1);
    },
  };
}

describe("a request that is no call of a method", () => {
  it.each([
    ["/no.such.Service/Method", "there is no method /no.such.Service/Method"],
    ["/", "there is no method /"],
    [`${check}/`, `there is no method ${check}/`],
    [check.slice(1), `there is no method ${check.slice(1)}`],
    ["/a%0ab%", "there is no method /a%0ab%"],
    [`/${"x".repeat(5_000)}`, `there is no method /${"x".repeat(199)}`],
  ])("gets UNIMPLEMENTED: %s", async (path, details) => {
    const { client } = await start();
    expect(await client.ended(client.unary(path))).toMatchObject({
      httpStatus: "200",
      code: status.UNIMPLEMENTED,
      details,
      fields: { "content-type": "application/grpc" },
    });
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
  });

  it.each([
    [{ ":method": "GET" }, "405"],
    [{ ":method": "PUT" }, "405"],
    [{ "content-type": "application/json" }, "415"],
    [{ "content-type": "application/grpc-web" }, "415"],
    [{ "content-type": "" }, "415"],
  ])("gets a status of HTTP: %j, %s", async (more, httpStatus) => {
    const { client } = await start();
    const body = client.call(check, { more });
    client.data(body, framed(Buffer.of()), true);
    for (const id of [client.call(check, { more, isEnd: true }), body])
      expect(await client.ended(id)).toMatchObject({ httpStatus, code: undefined });
    for (const good of ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"])
      expect(await client.ended(client.unary(check, Buffer.of(), { "content-type": good }))).toMatchObject({ code: 0 });
  });
});

it("a long upload that is no gRPC is read to its end, and then answered, because curl loses an earlier answer", async () => {
  const { client } = await start();
  const id = client.call(check, { more: { ":method": "PUT" } });
  const piece = Buffer.alloc(16_000);
  for (let i = 0; i < 20; i++) {
    for (let frames = 0; frames < 3; frames++) client.data(id, piece);
    await client.barrier();
    expect(client.of(frameType.HEADERS).length).toBe(0);
  }
  client.data(id, piece, true);
  expect(await client.ended(id)).toMatchObject({ httpStatus: "405" });
  expect(client.of(frameType.RST_STREAM)).toEqual([]);
});

describe("a unary call", () => {
  it.each([fetchPath, fetchStatus, check, watch])("has exactly one message: %s", async (path) => {
    const { client, isFree } = await start();
    const details = "this method takes one request, not more and not less";
    const [none, two, twoAtOnce] = [client.call(path, { isEnd: true }), client.call(path), client.call(path)];
    client.data(two, framed(Buffer.of()));
    client.data(two, framed(Buffer.of()), true);
    client.data(twoAtOnce, Buffer.concat([framed(Buffer.of()), framed(Buffer.of())]), true);
    for (const id of [none, two, twoAtOnce])
      expect(await client.ended(id)).toMatchObject({ code: status.UNIMPLEMENTED, details });
    const half = client.call(path);
    client.data(half, Buffer.of(0, 0, 0, 0, 9, 1), true);
    expect(await client.ended(half)).toMatchObject({
      code: status.INTERNAL,
      details: "the request ends in the middle of a message",
    });
    await isFree();
  });

  it("is answered when the client has ended, by trailers or by DATA that is empty", async () => {
    const { client } = await start();
    const [byData, byTrailers] = [client.call(fetchPath), client.call(fetchPath)];
    for (const id of [byData, byTrailers]) client.data(id, framed(fetchRequest));
    await client.barrier();
    expect(client.of(frameType.HEADERS)).toEqual([]);
    client.data(byData, Buffer.of(), true);
    client.send(frame(frameType.HEADERS, 0x5, byTrailers, Buffer.of()));
    for (const id of [byData, byTrailers]) {
      expect(await client.ended(id)).toMatchObject({ code: 0 });
      expect(client.messages(id)).toHaveLength(1);
    }
  });
});

describe("a message of a status", () => {
  const failing = (message: string) => ({
    callbacks: {
      onFetchRequest: () => {
        throw new XdsError("PERMISSION_DENIED", message);
      },
    },
  });

  it("may have any character", async () => {
    const message = "100 % \u00e4\u20ac\u{1f600}\n\r\0 ";
    const { client } = await start(failing(message));
    const end = await client.ended(client.unary(fetchPath, fetchRequest));
    expect(end).toMatchObject({ code: status.PERMISSION_DENIED, details: message });
    expect(end.fields["grpc-message"]).toMatch(/^[ -~]*$/);
  });

  it.each(["x", "\u{1f600}"])("of 100 KB is cut to 4 KB between two characters: %s", async (text) => {
    const { client } = await start(failing(text.repeat(100_000)));
    const { code, details, fields } = await client.ended(client.unary(fetchPath, fetchRequest));
    expect(code).toBe(status.PERMISSION_DENIED);
    expect(fields["grpc-message"]?.length).toBeLessThanOrEqual(4_096);
    expect(details).toBe(text.repeat(details.length / text.length));
    expect(await client.ended(client.unary(check))).toMatchObject({ code: 0 });
  });
});

describe("grpc-timeout", () => {
  const exceeded = { code: status.DEADLINE_EXCEEDED, details: "the client's deadline has passed" };
  const more = { "grpc-timeout": "200m" };

  it("ends a call that waits for a callback, and one that waits for nothing but changes", async () => {
    const { client, isFree, server } = await start({ callbacks: { onFetchRequest: never } });
    const [fetch, stream, watched] = [
      client.unary(fetchPath, fetchRequest, more),
      client.call(adsPath, { more }),
      client.unary(watch, Buffer.of(), more),
    ];
    client.data(stream, framed(deltaRequest()));
    await until(() => client.messages(stream).length === 1 && client.messages(watched).length === 1, "responses");
    for (const id of [fetch, stream, watched]) expect(await client.ended(id)).toMatchObject(exceeded);
    await isFree();
    expect(server.report().refusals).toMatchObject({ messageMs: 0, streams: 0 });
  });

  it("ends a call whose message has not come", async () => {
    const { client, isFree } = await start();
    for (const path of [fetchPath, adsPath, csds, lrs, check])
      expect(await client.ended(client.call(path, { more }))).toMatchObject(exceeded);
    await isFree();
  });

  it("of another form is an error", async () => {
    const { client } = await start();
    for (const bad of ["", "1", "S", "-1S", "1.5S", "123456789S", "1X"])
      expect(await client.ended(client.unary(check, Buffer.of(), { "grpc-timeout": bad }))).toMatchObject({
        code: status.INTERNAL,
        details: "grpc-timeout is not a time",
      });
    for (const good of ["10S", "99999999H", "1M"])
      expect(await client.ended(client.unary(check, Buffer.of(), { "grpc-timeout": good }))).toMatchObject({ code: 0 });
  });
});

describe("the end of a client's side", () => {
  it.each([adsPath, csds, lrs, reflection])("ends a stream with OK, after the answers: %s", async (path) => {
    const { client, isFree } = await start();
    const id = client.call(path);
    client.data(id, framed(path === adsPath ? deltaRequest() : Buffer.of()));
    await until(() => client.messages(id).length === 1, "a response");
    client.data(id, Buffer.of(), true);
    expect(await client.ended(id)).toMatchObject({ code: 0 });
    const atOnce = client.call(path);
    client.data(atOnce, framed(path === adsPath ? deltaRequest() : Buffer.of()), true);
    expect(await client.ended(atOnce)).toMatchObject({ code: 0 });
    if (path !== adsPath) expect(client.messages(atOnce)).toHaveLength(1);
    expect(client.of(frameType.RST_STREAM)).toEqual([]);
    await isFree();
  });

  it("waits for what is being done for a request before it", async () => {
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { client, isFree } = await start({ callbacks: { onClientStatusRequest: () => held } });
    const id = client.call(csds);
    client.data(id, framed(Buffer.of()));
    client.data(id, framed(Buffer.of()), true);
    await client.barrier();
    expect(client.messages(id)).toEqual([]);
    go();
    expect(await client.ended(id)).toMatchObject({ code: 0 });
    expect(client.messages(id)).toHaveLength(2);
    await isFree();
  });

  it("in the middle of a message is an error, also when the message before it is being handled", async () => {
    const { client, isFree, book } = await start();
    for (const path of [adsPath, csds, lrs, reflection]) {
      const id = client.call(path);
      client.data(id, framed(path === adsPath ? deltaRequest() : Buffer.of()));
      client.data(id, Buffer.of(0, 0, 0, 0, 9, 1), true);
      expect(await client.ended(id), path).toMatchObject({ code: status.INTERNAL });
    }
    const said = book.entries.filter(({ level }) => level !== "debug" && level !== "info");
    expect(said).toEqual([]); // it is no fault of ours
    await isFree();
  });
});

describe("a call that is cancelled frees what it has", () => {
  const streams = [adsPath, csds, lrs, reflection];
  const calls = [fetchPath, fetchStatus, check, watch];

  it.each([
    ["before its message", () => {}],
    [
      "in the middle of its message",
      (client: RawClient, id: number) => client.data(id, framed(Buffer.alloc(9)).subarray(0, 9)),
    ],
    ["after its message", (client: RawClient, id: number) => client.data(id, framed(Buffer.of()))],
    ["after a bad message", (client: RawClient, id: number) => client.data(id, framed(Buffer.of(0xff)))],
    ["after a message and its end", (client: RawClient, id: number) => client.data(id, framed(Buffer.of()), true)],
  ])("%s", async (_, send) => {
    const { client, isFree, server } = await start({ limits: { streams: 8 } });
    for (let round = 0; round < 3; round++) {
      const ids = [...streams, ...calls].map((path) => client.call(path));
      for (const id of ids) send(client, id);
      for (const id of ids) client.reset(id);
      await client.barrier();
      await isFree();
    }
    expect(server.report().refusals).toMatchObject({ streams: 0 });
  });

  it("while a callback is pending, whether it resolves or rejects", async () => {
    const pending: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const hold = () => new Promise<void>((resolve, reject) => void pending.push({ resolve, reject }));
    const callbacks = {
      onDeltaStreamOpen: hold,
      onStreamDeltaRequest: hold,
      onFetchRequest: hold,
      onClientStatusRequest: hold,
    };
    const { client, isFree, server, book } = await start({ callbacks, limits: { streams: 4 } });
    const settle = [
      () => pending.splice(0).forEach(({ resolve }) => void resolve()),
      () => pending.splice(0).forEach(({ reject }) => void reject(new Error("too late"))),
    ];
    for (const end of settle) {
      const ids = [client.call(adsPath), client.call(csds)];
      for (const id of ids) client.data(id, framed(id === ids[0] ? deltaRequest() : Buffer.of()));
      ids.push(client.unary(fetchPath, fetchRequest), client.unary(fetchStatus));
      await until(() => pending.length === 4, "the callbacks");
      for (const id of ids) client.reset(id);
      await client.barrier();
      end();
      await client.barrier();
      await isFree();
    }
    expect(server.report().refusals).toMatchObject({ streams: 0 });
    expect(book.entries.filter(({ fields }) => JSON.stringify(fields).includes("undefined"))).toEqual([]);
  });

  it("with its connection, and when the server closes", async () => {
    const { client, server } = await start({ callbacks: { onFetchRequest: never, onDeltaStreamOpen: never } });
    const open = () => {
      client.data(client.call(adsPath), framed(deltaRequest()));
      client.unary(fetchPath, fetchRequest);
      client.unary(watch);
    };
    open();
    await client.barrier();
    expect(server.report().streams).toHaveLength(1);
    client.socket.destroy();
    await until(() => server.report().streams.length === 0 && server.report().connections === 0, "the end of all");
    expect([server.report().receivingBytes, server.report().unsentBytes]).toEqual([0, 0]);
    await server.close();
    expect([server.report().receivingBytes, server.report().unsentBytes]).toEqual([0, 0]);
  });
});

describe("a callback that throws", () => {
  const throws = () => {
    throw new XdsError("PERMISSION_DENIED", "not you");
  };
  const rejects = async () => throws();

  it.each([
    ["at the opening", { onDeltaStreamOpen: throws }],
    ["at the opening, later", { onDeltaStreamOpen: rejects }],
    ["at a request", { onStreamDeltaRequest: throws }],
    ["at a request, later", { onStreamDeltaRequest: rejects }],
  ])("%s ends the stream once, and frees it", async (_, callbacks) => {
    let closed = 0;
    const { client, isFree, book } = await start({
      callbacks: { ...callbacks, onDeltaStreamClosed: () => void closed++ },
    });
    for (let i = 1; i <= 3; i++) {
      const id = client.call(adsPath);
      client.data(id, framed(deltaRequest()));
      expect(await client.ended(id)).toMatchObject({ code: status.PERMISSION_DENIED, details: "not you" });
      await isFree();
      expect(closed).toBe(i);
    }
    expect(
      book.entries.filter(({ level, message }) => level === "warn" && message === "a stream is ended"),
    ).toHaveLength(3);
  });
});

describe("health", () => {
  it("of what is not served is NOT_FOUND for a check, and SERVICE_UNKNOWN for a watch", async () => {
    const { client } = await start();
    const unknown = Buffer.from([0x0a, 1, 0x78]);
    expect(await client.ended(client.unary(check, unknown))).toMatchObject({ code: status.NOT_FOUND });
    const id = client.unary(watch, unknown);
    await until(() => client.messages(id).length === 1, "an answer");
    expect(client.messages(id)).toEqual([Buffer.of(0x08, 3)]);
  });

  it("may be asked with fields that are not known, and not with what is no request", async () => {
    const { client } = await start();
    const more = Buffer.from([0x10, 1, 0x0a, 0]);
    expect(await client.ended(client.unary(check, more))).toMatchObject({ code: 0 });
    expect(await client.ended(client.unary(check, Buffer.alloc(5_000, 0x20)))).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: "a request of 5000 bytes; 4096 are allowed",
    });
    for (const bad of [Buffer.of(0x0a, 9), Buffer.of(0xff)])
      expect(await client.ended(client.unary(check, bad))).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: "not a HealthCheckRequest",
      });
  });

  it("is NOT_SERVING while the server drains, for a watch that was there and for a check and a watch that come", async () => {
    const { client, server } = await start();
    const id = client.unary(watch);
    await until(() => client.messages(id).length === 1, "an answer");
    const drained = server.drain({ timeoutMs: 500 });
    await until(() => client.messages(id).length === 2, "another answer");
    expect(client.messages(id)).toEqual([Buffer.of(0x08, 1), Buffer.of(0x08, 2)]);
    const [late, lateCheck] = [client.unary(watch), client.unary(check)];
    await until(() => client.messages(late).length === 1, "an answer");
    expect(client.messages(late)).toEqual([Buffer.of(0x08, 2)]);
    expect(await client.ended(lateCheck)).toMatchObject({ code: 0 });
    expect(client.messages(lateCheck)).toEqual([Buffer.of(0x08, 2)]);
    await drained;
  });
});

describe("unsentBytes", () => {
  const name = "l".repeat(1 << 20);

  it("has a response's bytes until all of them have left, to the byte", async () => {
    const cache = cacheOf(cluster(name));
    const test = await TestServer.start(cache);
    const client = await RawClient.connect(test.port);
    await client.barrier();
    const id = client.call(adsPath);
    client.data(id, framed(deltaRequest()));
    const sent = () => client.of(frameType.DATA, id).reduce((sum, { payload }) => sum + payload.length, 0);
    await until(() => sent() === 65_535, "a window full");
    await client.barrier();
    const { unsentBytes } = test.server.report();
    expect(unsentBytes).toBeGreaterThan(1 << 20);
    const widen = (stream: number, bytes: number) => {
      const payload = Buffer.alloc(4);
      payload.writeUInt32BE(bytes);
      client.send(frame(frameType.WINDOW_UPDATE, 0, stream, payload));
    };
    // All but one byte: it is one message, and counts until its last byte has left.
    const rest = unsentBytes + 5 - sent();
    widen(0, rest);
    widen(id, rest - 1);
    await until(() => sent() === unsentBytes + 5 - 1, "all but one byte");
    await client.barrier();
    expect(test.server.report().unsentBytes).toBe(unsentBytes);
    widen(id, 1);
    await until(() => client.messages(id).length === 1, "the response");
    expect(client.messages(id)[0]).toHaveLength(unsentBytes);
    await until(() => test.server.report().unsentBytes === 0, "nothing that waits");
    // It is the client's turn: a change is sent, and waits for its window.
    cache.set("n", Snapshot.of([cluster(name, 2)]));
    await client.barrier();
    client.reset(id);
    await until(() => test.server.report().unsentBytes === 0, "nothing that waits");
  });

  it("counts what a client does not read from its socket, and is 0 after it has gone", async () => {
    const test = await TestServer.start(cacheOf(cluster("l".repeat(16 << 20))));
    const client = await RawClient.connect(test.port);
    await client.barrier();
    const large = Buffer.alloc(4);
    large.writeUInt32BE(1 << 30);
    client.socket.pause();
    const id = client.call(adsPath);
    client.send(frame(frameType.WINDOW_UPDATE, 0, 0, large), frame(frameType.WINDOW_UPDATE, 0, id, large));
    client.data(id, framed(deltaRequest()));
    await until(() => test.server.report().unsentBytes > 16 << 20, "a response that is not taken");
    await test.barrier();
    const { unsentBytes } = test.server.report();
    client.data(id, Buffer.of(), true); // the call ends, and its response is still to be sent
    await until(() => test.server.report().streams.length === 0, "the end of the stream");
    await test.barrier();
    expect(test.server.report().unsentBytes).toBe(unsentBytes);
    client.socket.destroy();
    await until(() => test.server.report().unsentBytes === 0, "nothing that waits");
  });
});
