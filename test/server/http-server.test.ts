import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { client, get, start, sum, turns, until } from "./http-scene.js";

afterEach(() => void vi.useRealTimers());

describe("headers", () => {
  it("have ten seconds from the connection's start, to the millisecond, and then the client gets an answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const receiving = sum();
    const { port, refused } = await start({ receiving });
    const is = client(port);
    is.socket.write("GET / HTTP/1.1\r\nHost:");
    await until(() => receiving.bytes > 0);
    const before = receiving.bytes;
    vi.advanceTimersByTime(9_999);
    is.socket.write(" x\r\n");
    await until(() => receiving.bytes > before);
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
    const sockets = asked.map(({ request }) => request.socket);
    for (const { response } of asked) response.end();
    await until(() => late.text !== "" && idle.text !== "");
    await turns();
    vi.advanceTimersByTime(4_999);
    const received = Promise.race(sockets.map((socket) => once(socket, "data")));
    late.socket.write("G");
    await received;
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
    ["CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed", "METHOD_NOT_ALLOWED"],
    ["no HTTP at all\r\n\r\n", "400 Bad Request", "INVALID_REQUEST"],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "431 Request Header", "REQUEST_TOO_LARGE"],
  ])("that are no request of ours are answered with an error that says why: %.20s", async (text, status, code) => {
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
  it("has a limited number of connections, and reports those that it refuses", async () => {
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
