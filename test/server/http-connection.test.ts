import { afterEach, describe, expect, it, vi } from "vitest";
import { XdsError } from "../../src/errors.js";
import { type HttpHost, sendError } from "../../src/server/http/http-server.js";
import { chunked, client, get, sized, start, sum, turns, until } from "./http-scene.js";

afterEach(() => void vi.useRealTimers());

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

it("a request with two Host headers is refused, and ends the connection", async () => {
  const { port, asked, refused } = await start();
  const is = client(port);
  is.socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nhost: x\r\n\r\n");
  await until(() => is.text.includes("more than one Host header"));
  expect(is.text).toMatch(/^HTTP\/1\.1 400 /);
  expect(refused).toMatchObject([{ code: "INVALID_REQUEST" }]);
  await until(() => is.isEnded);
  expect(asked).toHaveLength(0);
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

  it("is followed by a bounded number of bytes", async () => {
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
