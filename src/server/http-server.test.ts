import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { XdsError } from "../errors.js";
import { type HttpHost, HttpServer, type HttpServerOptions, sendError } from "./http-server.js";

afterEach(() => void vi.useRealTimers());

/** So many turns of the event loop suffice for what is on its way on this machine. */
async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits without a timer, for a test may have stopped the clock. */
async function until(happened: () => boolean): Promise<void> {
  for (let turn = 0; !happened(); turn++) {
    if (turn > 200_000) throw new Error("waited in vain");
    await turns(1);
  }
}

/** A server whose requests wait in `asked` to be answered. */
async function start(options: Partial<HttpServerOptions> = {}, handle?: HttpHost["handle"]) {
  const asked: { request: IncomingMessage; response: ServerResponse; body: string; isWhole: boolean }[] = [];
  const refused: { code: string; peer: string }[] = [];
  const host: HttpHost = {
    handle:
      handle ??
      ((request, response) => {
        const one = { request, response, body: "", isWhole: false };
        asked.push(one);
        request.on("data", (piece) => (one.body += piece));
        request.on("end", () => {
          one.isWhole = true;
        });
      }),
    late: () => new XdsError("REQUEST_TOO_SLOW", "too slow"),
    full: () => new XdsError("LIMIT_EXCEEDED", "too many connections"),
    refused: (error, peer) => refused.push({ code: (error as XdsError).code, peer }),
  };
  const server = new HttpServer({ connections: 10, headersMs: 10_000, droppedBytes: 1 << 20, ...options }, host);
  const port = await server.listen("127.0.0.1", 0, "a test");
  onTestFinished(() => server.close());
  return { server, port, asked, refused };
}

interface Client {
  readonly socket: Socket;
  text: string;
  /** The server has ended its side, and both have. */
  isEnded: boolean;
  isClosed: boolean;
  error: string | undefined;
}

function client(port: number): Client {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const is: Client = { socket, text: "", isEnded: false, isClosed: false, error: undefined };
  onTestFinished(() => void socket.destroy());
  socket.on("data", (bytes) => (is.text += bytes));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    is.error = error.code;
  });
  socket.on("end", () => {
    is.isEnded = true;
  });
  socket.on("close", () => {
    is.isEnded = true;
    is.isClosed = true;
  });
  return is;
}

/** Counts as the server does. */
function sum(limit = Number.POSITIVE_INFINITY) {
  const receiving = {
    bytes: 0,
    add(bytes: number) {
      receiving.bytes += bytes;
      if (bytes > 0 && receiving.bytes > limit) throw new XdsError("LIMIT_EXCEEDED", "too much");
    },
  };
  return receiving;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const sized = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chunked = (path: string, chunks: readonly string[], trailer = "") =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n` +
  `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n${trailer}\r\n`;

/** Requests of every kind, with empty lines where they might be taken for an end. */
const kinds = [
  { path: "/0", body: "", text: get("/0") },
  { path: "/1", body: "\r\n\r\nGET /no HTTP/1.1\r\n\r\n", text: sized("/1", "\r\n\r\nGET /no HTTP/1.1\r\n\r\n") },
  { path: "/2", body: "x", text: `\r\n\r\n${sized("/2", "x")}` },
  { path: "/3", body: "a\r\n\r\nb\n\n0\r\n\r\n", text: chunked("/3", ["a\r\n\r\nb", "\n\n0\r\n\r\n"]) },
  { path: "/4", body: "c", text: chunked("/4", ["c"], "X-Trailer: 1\r\n") },
  { path: "/5", body: "", text: sized("/5", "") },
];

describe("requests on one connection", () => {
  it("are at work one at a time, and nothing of the next one is parsed before", async () => {
    const { port, asked } = await start();
    const { socket } = client(port);
    socket.write(get("/").repeat(2_000));
    for (let count = 1; count <= 20; count++) {
      await until(() => asked.length === count);
      await turns();
      expect(asked).toHaveLength(count);
      asked[count - 1]?.response.end();
    }
  });

  it.each([1, 2, 3, 5, 7, 16, 64, 1_000])(
    "come as they were sent, in pieces of %i bytes, and are answered in order",
    async (size) => {
      const { port, asked } = await start();
      const is = client(port);
      const bytes = Buffer.from(kinds.map(({ text }) => text).join(""));
      is.socket.setNoDelay();
      for (let at = 0; at < bytes.length; at += size) {
        is.socket.write(bytes.subarray(at, at + size));
        await turns(2);
      }
      for (const [i, { path, body }] of kinds.entries()) {
        await until(() => asked[i]?.isWhole === true);
        expect(asked).toHaveLength(i + 1);
        expect({ path: asked[i]?.request.url, body: asked[i]?.body }).toEqual({ path, body });
        asked[i]?.response.end(`answer ${i}.`);
      }
      await until(() => is.text.includes("answer 5."));
      expect(is.text.match(/answer \d/g)).toEqual(kinds.map((_, i) => `answer ${i}`));
      expect(is.isClosed).toBe(false);
    },
  );

  it("are answered also where the client has ended its side", async () => {
    const { port, asked } = await start();
    const is = client(port);
    is.socket.end(get("/a") + get("/b"));
    for (const i of [0, 1]) {
      await until(() => asked[i] !== undefined);
      asked[i]?.response.end(`answer ${i}`);
    }
    await until(() => is.isClosed);
    expect(is.text).toMatch(/answer 0[\s\S]*answer 1/);
  });

  it("count while they wait, and their connection ends where there is no room", async () => {
    const receiving = sum(100_000);
    const { port, asked } = await start({ receiving });
    const is = client(port);
    is.socket.write(get("/").repeat(1_000));
    await until(() => asked.length === 1);
    await until(() => receiving.bytes > 10_000);
    const another = client(port);
    another.socket.write(get("/").repeat(4_000));
    await until(() => another.isEnded || is.isEnded);
    is.socket.resetAndDestroy();
    another.socket.resetAndDestroy();
    await until(() => receiving.bytes === 0);
  });

  it("whose headers find no room are answered 429", async () => {
    const { port, refused } = await start({ receiving: sum(1_000) });
    const is = client(port);
    is.socket.write(`GET / HTTP/1.1\r\nX: ${"x".repeat(2_000)}`);
    await until(() => is.isEnded);
    expect(is.text).toMatch(/^HTTP\/1\.1 429 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*too much/);
    expect(refused).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
  });

  it("end with the connection that the client leaves", async () => {
    const receiving = sum();
    const { port, asked } = await start({ receiving });
    const is = client(port);
    is.socket.write(get("/").repeat(100));
    await until(() => asked.length === 1);
    let isOver = false;
    asked[0]?.response.on("close", () => {
      isOver = true;
    });
    is.socket.resetAndDestroy();
    await until(() => isOver && receiving.bytes === 0);
    expect(asked).toHaveLength(1);
  });
});

describe("an answer before the request's end", () => {
  const refuse: HttpHost["handle"] = (_, response) =>
    sendError(response, new XdsError("REQUEST_TOO_LARGE", "too large"));

  it.each(["a length", "chunks"])("comes to a client that reads only when it has sent all (%s)", async (how) => {
    const { port } = await start({ droppedBytes: 64 << 20 }, refuse);
    const is = client(port);
    is.socket.pause();
    const [piece, pieces] = [Buffer.alloc(1 << 20, 32), 24]; // more than sockets hold
    const head = how === "chunks" ? "Transfer-Encoding: chunked" : `Content-Length: ${pieces * piece.length}`;
    is.socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
    const [before, after] = how === "chunks" ? [`${piece.length.toString(16)}\r\n`, "\r\n"] : ["", ""];
    for (let i = 0; i < pieces; i++)
      await new Promise<void>((resolve, reject) => {
        is.socket.write(before);
        is.socket.write(piece);
        is.socket.write(after, (error) => (error ? reject(error) : resolve()));
      });
    is.socket.resume();
    await until(() => is.text.includes("too large"));
    expect(is.text).toMatch(/^HTTP\/1\.1 413 /);
    is.socket.end();
    await until(() => is.isClosed);
    expect(is.error).toBeUndefined();
  });

  it("is followed by so many bytes at most", async () => {
    const { port } = await start({ droppedBytes: 1 << 20 }, refuse);
    const is = client(port);
    is.socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
    const piece = Buffer.alloc(1 << 16, 32);
    let sent = 0;
    const more = () => {
      is.socket.write(piece, (error) => {
        if (error) return;
        sent += piece.length;
        more();
      });
    };
    more();
    await until(() => is.isClosed);
    expect(sent).toBeLessThan(32 << 20); // the bound, and what the kernel holds
  });

  it("is followed by ten seconds at most", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { port } = await start({}, refuse);
    const is = client(port);
    is.socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    await until(() => is.isEnded);
    await turns();
    vi.advanceTimersByTime(9_999);
    await turns();
    is.socket.write("x");
    await turns();
    expect(is).toMatchObject({ isClosed: false, error: undefined });
    vi.advanceTimersByTime(1);
    await turns();
    await until(() => {
      is.socket.write("x");
      return is.error !== undefined;
    });
    expect(is.error).toMatch(/ECONNRESET|EPIPE/);
  });
});

describe("headers", () => {
  it("have ten seconds from the connection's start, to the millisecond, and then the client is told", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { port, refused } = await start();
    const is = client(port);
    is.socket.write("GET / HTTP/1.1\r\nHost:");
    await turns();
    vi.advanceTimersByTime(9_999);
    is.socket.write(" x\r\n");
    await turns();
    expect([is.text, refused]).toEqual(["", []]);
    vi.advanceTimersByTime(1);
    await until(() => is.text.includes("too slow"));
    expect(is.text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/);
    expect(refused).toMatchObject([{ code: "REQUEST_TOO_SLOW" }]);
  });

  it("of a later request have as long, from their first byte, which may come within five seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { port, asked, refused } = await start();
    const [late, idle] = [client(port), client(port)];
    for (const { socket } of [late, idle]) socket.write(get("/"));
    await until(() => asked.length === 2);
    for (const { response } of asked) response.end();
    await until(() => late.text !== "" && idle.text !== "");
    await turns();
    vi.advanceTimersByTime(4_999);
    late.socket.write("G");
    await turns();
    expect(idle.isEnded).toBe(false);
    vi.advanceTimersByTime(1);
    await until(() => idle.isEnded);
    expect(refused).toEqual([]);
    vi.advanceTimersByTime(9_998);
    await turns();
    expect(late.text).not.toContain("408");
    vi.advanceTimersByTime(1);
    await until(() => late.text.includes("408 Request Timeout"));
  });

  it.each([
    ["no HTTP at all\r\n\r\n", "400 Bad Request", "INVALID_REQUEST"],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "431 Request Header", "REQUEST_TOO_LARGE"],
  ])("that cannot be read are answered with an error that says why: %.20s", async (text, status, code) => {
    const { port, asked, refused } = await start();
    const is = client(port);
    is.socket.write(text);
    await until(() => is.text.includes(code));
    expect(is.text).toContain(`HTTP/1.1 ${status}`);
    expect(asked).toEqual([]);
    expect(refused).toMatchObject([{ code }]);
  });
});

describe("a server", () => {
  it("has so many connections, and tells of those that it does not take", async () => {
    const { port, asked, refused } = await start({ connections: 2 });
    const clients = [client(port), client(port)];
    for (const { socket } of clients) socket.write(get("/"));
    await until(() => asked.length === 2);
    const third = client(port);
    await until(() => third.isEnded);
    expect(refused).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    let left = 0;
    for (const { response } of asked) response.once("close", () => left++);
    clients[0]?.socket.resetAndDestroy();
    await until(() => left === 1);
    await turns();
    const fourth = client(port);
    fourth.socket.write(get("/"));
    await until(() => asked.length === 3);
  });

  it("stops when the requests under way are answered, and not the ones behind them", async () => {
    const { server, port, asked } = await start();
    const [busy, idle] = [client(port), client(port)];
    busy.socket.write(get("/").repeat(3));
    idle.socket.write("GET");
    await until(() => asked.length === 1);
    await turns();
    let isStopped = false;
    const stopped = server.stop().then(() => {
      isStopped = true;
    });
    await until(() => idle.isEnded);
    expect(isStopped).toBe(false);
    asked[0]?.response.end("answer");
    await until(() => busy.text.includes("answer"));
    busy.socket.end();
    await stopped;
    expect(asked).toHaveLength(1);
  });
});
