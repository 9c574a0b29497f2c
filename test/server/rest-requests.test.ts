import { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { Resource, type XdsServerOptions } from "../../src/index.js";
import type { Accounts } from "../../src/protocol/account.js";
import { clusterType } from "../../src/resource/types.js";
import { allWays, cacheOf, streamPath, TestServer, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";

afterEach(() => void vi.useRealTimers());

const path = "/v3/discovery:clusters";
const asking = JSON.stringify({ node: { id: "n" } });
const json = { "Content-Type": "application/json" };

const start = (options: XdsServerOptions = {}) => TestServer.start(cacheOf(cluster("a")), { rest: true, ...options });

interface Raw {
  readonly socket: Socket;
  text: string;
}

/** A connection to REST on which this is sent. */
function raw(test: TestServer, sent: string): Raw {
  const socket = connect(test.restPort as number, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const is = { socket, text: "" };
  socket.on("data", (bytes) => (is.text += bytes));
  socket.on("error", () => {});
  socket.write(sent);
  return is;
}

/** The head of a request; `length` undefined: its body comes in chunks. */
function head(headers: Record<string, string>, length?: number): string {
  const all = {
    Host: "127.0.0.1",
    ...(length === undefined ? { "Transfer-Encoding": "chunked" } : { "Content-Length": String(length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The answer to a request on a connection of its own. */
async function answerTo(test: TestServer, headers: Record<string, string>) {
  const is = raw(test, head({ ...headers, Connection: "close" }, asking.length) + asking);
  await until(() => /\r\n\r\n[\s\S]*\}\n?$/.test(is.text), "the answer");
  const body = JSON.parse(is.text.slice(is.text.indexOf("\r\n\r\n"))) as { code?: string; message?: string };
  return { status: Number(is.text.slice(9, 12)), code: body.code, message: body.message };
}

/** Lets what is on its way arrive, without a timer. */
async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("what a web page can send", () => {
  it("gets nothing: only JSON is taken, and a page must ask before it sends that", async () => {
    const test = await start();
    for (const good of ["application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"])
      expect(await answerTo(test, { "Content-Type": good }), good).toMatchObject({ status: 200 });
    for (const bad of [
      "text/plain",
      "text/plain;application/json",
      "application/x-www-form-urlencoded",
      "application/jsonx",
    ])
      expect(await answerTo(test, { "Content-Type": bad })).toEqual({
        status: 415,
        code: "UNSUPPORTED_MEDIA_TYPE",
        message: `the content type must be application/json, is ${JSON.stringify(bad)}`,
      });
    expect(await answerTo(test, {})).toEqual({
      status: 415,
      code: "UNSUPPORTED_MEDIA_TYPE",
      message: "the content type must be application/json, is missing",
    });
  });

  it("gets nothing under a name of its own, or with an origin of its own; a named host does, and an Envoy", async () => {
    const test = await start();
    const fromPage = { ...json, Host: `127.0.0.1:${test.restPort}`, Origin: "http://evil.example" };
    expect(await answerTo(test, fromPage)).toEqual({
      status: 403,
      code: "FORBIDDEN_ORIGIN",
      message:
        "REST refuses web pages of another origin; the request's Origin is " +
        `"http://evil.example", its Host "127.0.0.1:${test.restPort}"`,
    });
    expect(await answerTo(test, { ...json, Host: "evil.example:18001" })).toEqual({
      status: 403,
      code: "FORBIDDEN_HOST",
      message:
        'REST does not serve the host "evil.example:18001"; the hosts are 127.0.0.1, localhost; ' +
        "--allowed-hosts (allowedHosts) adds more",
    });
    expect(await answerTo(test, { ...json, Host: "evil.example", Origin: "http://evil.example" })).toMatchObject({
      status: 403,
    });
    for (const Host of ["xds", "localhost:1"])
      expect(await answerTo(test, { ...json, Host })).toMatchObject({ status: 200 });
  });
});

describe("Expect", () => {
  it("with an unknown value is ignored: the request is checked, counted and answered like all others", async () => {
    const test = await start({ limits: { newStreamsPerSecond: 0.1 } }); // one request
    const expecting = { ...json, Expect: "nope" };
    expect(await answerTo(test, { ...expecting, Host: "evil.example" })).toMatchObject({ code: "FORBIDDEN_HOST" });
    expect(await answerTo(test, expecting)).toMatchObject({ status: 200 });
    expect(await answerTo(test, expecting)).toMatchObject({ status: 429 });
    expect(test.server.report().refusals.newStreamsPerSecond).toBe(1);
    await until(() => test.server.report().receivingBytes === 0, "what was given back");
  });
});

describe("a body", () => {
  const slow = (test: TestServer, bytes: number) => raw(test, head(json, 90_000) + " ".repeat(bytes));

  it("counts in one sum with all others and with gRPC's, and until it is answered", async () => {
    const test = await start({ limits: { receivingBytes: 134_000 } }); // one address may have 100,500
    const { server } = test;
    const first = slow(test, 60_000);
    await until(() => server.report().receivingBytes >= 60_000, "the first one");
    const second = slow(test, 60_000);
    await until(() => second.text.includes("}"), "the refusal");
    expect(second.text).toMatch(/^HTTP\/1\.1 429 [\s\S]*\r\nretry-after: 1\r\n/i);
    expect(second.text).toMatch(
      /(\d+) bytes of requests are being received, \1 of them from this address; the server's limit receivingBytes is 134000/,
    );
    expect(server.report().refusals.receivingBytes).toBe(1);
    const [way] = allWays;
    const call = test.call(streamPath(way as NonNullable<typeof way>, clusterType));
    const status = new Promise<{ code: number }>((resolve) => call.on("status", resolve));
    call.on("error", () => {});
    call.write(Buffer.alloc(95_000));
    expect(await status).toMatchObject({ code: 8, details: expect.stringContaining("receivingBytes") });
    first.socket.write(`${" ".repeat(30_000 - asking.length)}${asking}`);
    await until(() => first.text.startsWith("HTTP/1.1 200 "), "the answer");
    await until(() => server.report().receivingBytes === 0, "what was given back");
  });

  it.each([60, 6_000])("counts twice its bytes at most, in %i pieces", async (pieces) => {
    const test = await start();
    const is = raw(test, head(json));
    const piece = " ".repeat(60_000 / pieces);
    is.socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`.repeat(pieces));
    await until(() => test.server.report().receivingBytes >= 60_000, "the pieces");
    await turns();
    expect(test.server.report().receivingBytes).toBeLessThan(2 * 60_000 + 1);
    is.socket.destroy();
    await until(() => test.server.report().receivingBytes === 0, "what was given back");
  });

  it("has ten seconds from the end of the headers, to the millisecond", async () => {
    const test = await start();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const is = raw(test, head(json, 1_000) + " ".repeat(500));
    while (test.server.report().receivingBytes < 1_000) await turns(1);
    vi.advanceTimersByTime(9_999);
    await new Promise((written) => is.socket.write(" ", written));
    await sleep(100); // of the real clock: the byte arrives
    expect([is.text, test.server.report().refusals.messageMs]).toEqual(["", 0]);
    vi.advanceTimersByTime(1);
    while (!is.text.includes("}")) await turns(1);
    expect(is.text).toMatch(/^HTTP\/1\.1 408 [\s\S]*"REQUEST_TOO_SLOW".*only 501 bytes of the request's body/);
    expect(test.server.report().refusals.messageMs).toBe(1);
    while (test.server.report().receivingBytes > 0) await turns(1);
  });

  it("that is too large is refused while it is sent, and fetch gets the answer", async () => {
    const test = await start({ limits: { requestBytes: 1_000 } });
    const body = Buffer.alloc(20 << 20, 32); // more than sockets hold
    const answer = await fetch(test.url(path), { method: "POST", headers: json, body });
    expect([answer.status, await answer.text()]).toEqual([
      413,
      `{"code":"REQUEST_TOO_LARGE","message":"a request of ${body.length} bytes; the server's limit requestBytes is 1000"}\n`,
    ]);
  });

  it("that is asked for first (Expect) is not sent if it would be refused", async () => {
    const test = await start({ limits: { requestBytes: 1_000 } });
    const refused = raw(test, head({ ...json, Expect: "100-continue" }, 1_001));
    await until(() => refused.text.includes("}"), "the refusal");
    expect(refused.text).toMatch(/^HTTP\/1\.1 413 /);
    const taken = raw(test, head({ ...json, Expect: "100-continue" }, asking.length));
    await until(() => taken.text !== "", "the word to go on");
    expect(taken.text).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    taken.socket.write(asking);
    await until(() => taken.text.includes("HTTP/1.1 200 "), "the answer");
  });
});

describe("clients that take nothing of their answers", () => {
  /** Sends a request from this address, and reads nothing when `isDeaf`. */
  async function ask(test: TestServer, localAddress: string, isDeaf = false): Promise<Raw> {
    const socket = connect({ port: test.restPort as number, host: "127.0.0.1", localAddress });
    onTestFinished(() => void socket.destroy());
    const is = { socket, text: "" };
    socket.on("error", () => {});
    socket.write(head({ ...json }, asking.length) + asking);
    if (!isDeaf) {
      socket.on("data", (bytes) => (is.text = (is.text + String(bytes)).slice(0, 100)));
      await until(() => is.text !== "", "an answer");
    }
    return is;
  }

  it("do not keep REST from other addresses, and their accounts go with their connections", async () => {
    const big = { name: "big", altStatName: "x".repeat(24 << 20) };
    const cache = cacheOf(Resource.of(create(ClusterSchema, big)));
    const test = await TestServer.start(cache, { rest: true, limits: { responseBytes: 40 << 20 } });
    const deaf = await ask(test, "127.0.0.1", true);
    await until(() => test.server.report().unsentBytes > 20 << 20, "an answer that is not taken");
    expect((await ask(test, "127.0.0.1")).text).toMatch(/^HTTP\/1.1 429 /);
    const reader = await ask(test, "127.0.0.2");
    expect(reader.text).toMatch(/^HTTP\/1.1 200 /);
    await until(() => test.server.report().unsentBytes < 25 << 20, "the answer that is taken");
    for (const { socket } of [deaf, reader]) socket.destroy();
    const { accounts } = test.server as unknown as { accounts: Accounts };
    await until(() => accounts.size === 0, "no accounts");
    expect(test.server.report().unsentBytes).toBe(0);
  });
});

it("answers that are ready at once are written in many turns of the event loop, each in its client's turn", async () => {
  const test = await start();
  const inTurns = new Map<number, number>();
  const { end } = ServerResponse.prototype;
  const writing = vi.spyOn(ServerResponse.prototype, "end").mockImplementation(function (
    this: ServerResponse,
    ...args
  ) {
    for (const until = performance.now() + 2; performance.now() < until; ); // as the kernel takes for a large answer
    const { loopCount } = performance.nodeTiming.uvMetricsInfo;
    inTurns.set(loopCount, (inTurns.get(loopCount) ?? 0) + 1);
    return Reflect.apply(end, this, args);
  });
  onTestFinished(() => writing.mockRestore());
  const clients = Array.from({ length: 60 }, () => raw(test, head(json, asking.length) + asking));
  await until(() => clients.every(({ text }) => text.includes("200 OK")), "all answers");
  expect([...inTurns.values()].reduce((sum, count) => sum + count, 0)).toBe(60);
  expect(Math.max(...inTurns.values())).toBeLessThan(6);
});
