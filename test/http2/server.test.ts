import { randomBytes } from "node:crypto";
import { type EventEmitter, once } from "node:events";
import { constants } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { clientPreface } from "../../src/http2/frames.js";
import { encodeHeaders } from "../../src/http2/hpack/encoder.js";
import { selfSigned } from "../e2e/certificate.js";
import { allWords, frame, headers, parseFrames, settings, windowUpdate } from "./client-frames.js";
import { answerOf, ask, everything, Listening } from "./listening.js";

let listening: Listening;
const start = async (own?: Parameters<typeof Listening.start>[0]) => {
  listening = await Listening.start(own);
  return listening;
};
afterEach(() => listening.close());

const certificate = selfSigned();
const trusting = { ca: certificate.cert, servername: "localhost" };

/** Waits for the end of a client or a stream, with or without an error. */
const closeOf = (one: EventEmitter) => new Promise((resolve) => one.on("error", () => {}).once("close", resolve));

/** Waits until something is so, as a socket's end reaches the other side later. */
async function until(is: () => boolean): Promise<void> {
  while (!is()) await sleep(5);
}

describe("nghttp2 as the client", () => {
  it("gets answers with headers, a body and trailers", async () => {
    const client = (await start()).client();
    const { headers, body, trailers } = await ask(client);
    expect([headers[":status"], body.toString(), trailers["x-end"]]).toEqual([200, "hello", "1"]);
  });

  it("sends and gets large bodies under small windows, and large ones", async () => {
    await start();
    for (const initialWindowSize of [1_000, 65_535, 2 ** 24]) {
      const one = listening.client({ initialWindowSize });
      const body = randomBytes(initialWindowSize < 65_535 ? 200_000 : 3_000_000);
      const answer = await ask(one, "/", body);
      expect(answer.body.equals(body)).toBe(true);
    }
    expect(listening.errors).toEqual([]);
  });

  it("opens 300 streams at once on one connection, each with its own answer", async () => {
    const client = (await start()).client();
    const bodies = Array.from({ length: 300 }, (_, i) => randomBytes(i * 17));
    const answers = await Promise.all(bodies.map((body) => ask(client, "/", body)));
    expect(answers.every(({ body }, i) => body.equals(bodies[i] as Buffer))).toBe(true);
    expect(listening.connections).toHaveLength(1);
  });

  it("gets answers to streams of which others read nothing", async () => {
    const client = (await start()).client({ initialWindowSize: 1e6 });
    await once(client, "connect");
    client.setLocalWindowSize(1e8);
    const lazy = Array.from({ length: 20 }, () => client.request({ ":method": "POST", ":path": "/bytes/900000" }));
    await Promise.all(lazy.map((stream) => once(stream, "response")));
    expect((await ask(client)).body.toString()).toBe("hello");
    for (const stream of lazy) stream.close(constants.NGHTTP2_CANCEL);
    await until(() => listening.connections[0]?.streams.size === 0);
  });

  it("may have any header table: a smaller one is acknowledged as nghttp2 demands", async () => {
    await start();
    for (const headerTableSize of [0, 1, 4_096, 65_536]) {
      const client = listening.client({ headerTableSize });
      expect((await ask(client)).body.toString()).toBe("hello");
      client.settings({ headerTableSize: 0 });
      await once(client, "localSettings");
      expect((await ask(client)).trailers["x-end"]).toBe("1");
      client.settings({ headerTableSize: 8_192 });
      client.settings({ headerTableSize: 100 });
      await once(client, "localSettings");
      expect((await ask(client)).trailers["x-end"]).toBe("1");
    }
  });

  it("may send any header: all bytes, as Huffman codes and indexed", async () => {
    const client = (await start()).client();
    const values = Array.from({ length: 190 }, (_, i) => `v${String.fromCharCode(...range(32 + i, 64 + i))}v`);
    const valid = values.filter((value) => !value.includes("\x7f"));
    for (let i = 0; i < 2; i++)
      for (const value of valid) {
        const stream = client.request({ ":method": "POST", ":path": "/bytes/1", "x-any": value });
        await answerOf(stream);
      }
    const got = listening.requests.map((request) => request?.fields[1]);
    expect(got).toEqual([...valid, ...valid]);
  });

  it("that cancels a stream ends it alone", async () => {
    const client = (await start()).client();
    const stream = client.request({ ":method": "POST", ":path": "/never" });
    stream.on("error", () => {});
    await until(() => listening.requests.length === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => listening.connections[0]?.streams.size === 0);
    expect((await ask(client)).body.toString()).toBe("hello");
  });

  it("is told to go away, and its streams are served to their end", async () => {
    const client = (await start()).client();
    const stream = client.request({ ":method": "POST", ":path": "/" });
    await once(stream, "response");
    const stopped = listening.server.stop();
    await once(client, "goaway");
    const answer = answerOf(stream);
    stream.end("late");
    expect((await answer).body.toString()).toBe("late");
    await stopped;
    expect([listening.server.connections, listening.closedConnections]).toEqual([0, 1]);
  });

  it("is ended at once by close(), with its streams", async () => {
    const client = (await start()).client();
    const stream = client.request({ ":method": "POST", ":path": "/never" });
    const bothClosed = [closeOf(stream), closeOf(client)];
    await until(() => listening.requests.length === 1);
    listening.server.close();
    await Promise.all(bothClosed);
    await until(() => listening.server.connections === 0);
  });
});

describe("TLS", () => {
  it("with ALPN h2 is served, and its sockets have no delay", async () => {
    await start({ tls: certificate });
    expect((await ask(listening.client({}, trusting))).body.toString()).toBe("hello");
    expect((listening.server.listener as unknown as { noDelay: boolean }).noDelay).toBe(true); // there is no getter
  });

  it("carries large bodies both ways", async () => {
    await start({ tls: certificate });
    const body = randomBytes(2_000_000);
    expect((await ask(listening.client({}, trusting), "/", body)).body.equals(body)).toBe(true);
  });

  it("without ALPN gets a GOAWAY that says why, after SETTINGS", async () => {
    await start({ tls: certificate });
    const socket = await listening.rawTls(trusting);
    socket.write(Buffer.concat([clientPreface, settings(), headers(1)]));
    const frames = parseFrames(await everything(socket));
    expect(allWords(frames)).toEqual(["SETTINGS", "WINDOW_UPDATE 0 983041", "GOAWAY last 0 code 12"]);
    expect(frames[2]?.payload.toString()).toMatch(/has to offer h2 by ALPN/);
  });

  it("without ALPN gets a readable answer to HTTP/1.1", async () => {
    await start({ tls: certificate });
    const socket = await listening.rawTls(trusting);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await everything(socket)).toString()).toMatch(/^HTTP\/1.1 505 .*this is HTTP\/2, and not HTTP\/1.1\n$/s);
  });

  it("with ALPN of others, or no TLS at all, ends with a failed handshake that is reported once", async () => {
    await start({ tls: certificate });
    await expect(listening.rawTls({ ...trusting, ALPNProtocols: ["http/1.1"] })).rejects.toThrow();
    await until(() => listening.errors.length > 0);
    const socket = await listening.raw();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await everything(socket).catch(() => {});
    await until(() => listening.errors.length > 1 && listening.server.connections === 0);
    expect([listening.errors.length, listening.limitsHit]).toEqual([2, []]);
    expect((await ask(listening.client({}, trusting))).body.toString()).toBe("hello");
  });

  it("has new certificates for new connections", async () => {
    await start({ tls: certificate });
    const other = selfSigned();
    listening.server.setTls(other);
    const client = listening.client({}, { ...trusting, ca: other.cert });
    expect((await ask(client)).body.toString()).toBe("hello");
  });
});

it("a request of HTTP/1.1 gets a readable answer, also in pieces", async () => {
  await start();
  const socket = await listening.raw();
  const answer = everything(socket);
  for (const part of ["GET", " / HTT", "P/1.1\r\nHost: a\r\n", "\r\n"]) {
    socket.write(part);
    await sleep(5);
  }
  expect((await answer).toString()).toMatch(
    /^HTTP\/1.1 505 HTTP Version Not Supported\r\n.*this is HTTP\/2, and not HTTP\/1.1\n$/s,
  );
});

describe("limits", () => {
  it.each([
    ["connections", {}],
    ["connectionsPerPeer", {}],
    ["connections", { tls: certificate }],
  ] as const)("%s: one more is closed and reported, and a place becomes free again", async (limit, more) => {
    await start({ limits: { [limit]: 2 }, ...more });
    const tls = "tls" in more ? trusting : undefined;
    const [first, second] = [listening.client({}, tls), listening.client({}, tls)];
    for (const client of [first, second]) await ask(client);
    await closeOf(listening.client({}, tls));
    expect([listening.limitsHit, listening.server.connections]).toEqual([[limit], 2]);
    first.close();
    await until(() => listening.server.connections === 1);
    expect((await ask(listening.client({}, tls))).body.toString()).toBe("hello");
    expect(listening.errors).toEqual([]);
  });

  it("a preface that does not come in time ends the connection", async () => {
    await start({ limits: { handshakeMs: 50 } });
    for (const beginning of ["", "PRI * HTTP/2.0", "GET /", clientPreface]) {
      const socket = await listening.raw();
      if (beginning) socket.write(beginning);
      await everything(socket).catch(() => {});
    }
    expect(listening.limitsHit).toEqual(Array(4).fill("handshakeMs"));
    await until(() => listening.server.connections === 0);
  });

  it("a TLS handshake that does not end in time ends the connection", async () => {
    await start({ limits: { handshakeMs: 50 }, tls: certificate });
    const socket = await listening.raw();
    await everything(socket).catch(() => {});
    await until(() => listening.server.connections === 0);
    expect([listening.limitsHit, listening.errors]).toEqual([["handshakeMs"], []]);
  });

  it("a connection without streams is told to go away, one with a stream is not", async () => {
    await start({ limits: { idleMs: 60 } });
    const [idle, busy] = [listening.client(), listening.client()];
    const stream = busy.request({ ":method": "POST", ":path": "/" });
    await once(stream, "response");
    await closeOf(idle);
    await sleep(100);
    expect(listening.server.connections).toBe(1);
    const answer = answerOf(stream);
    stream.end("still here");
    expect((await answer).body.toString()).toBe("still here");
    await closeOf(busy);
  });
});

describe("keepalive", () => {
  it("pings a client on which nothing comes, and keeps it while it answers", async () => {
    await start({ keepaliveMs: 40 });
    const client = listening.client();
    let pings = 0;
    client.on("ping", () => pings++);
    await until(() => pings >= 3);
    expect((await ask(client)).body.toString()).toBe("hello");
  });

  it("cuts a client that does not answer", async () => {
    await start({ keepaliveMs: 40 });
    const socket = await listening.raw();
    socket.write(Buffer.concat([clientPreface, settings()]));
    const frames = parseFrames(await everything(socket).catch(() => Buffer.alloc(0)));
    expect(allWords(frames).filter((words) => words === "PING").length).toBeLessThanOrEqual(1);
    await until(() => listening.server.connections === 0);
  });
});

it("a client that reads nothing, and goes away, leaves nothing", async () => {
  await start();
  const socket = await listening.raw();
  socket.pause();
  const large = (id: number) => frame(1, 0x5, id, encodeHeaders(largeFields));
  socket.write(Buffer.concat([clientPreface, settings([[4, 1e8]]), windowUpdate(0, 1e8), ...[1, 3, 5].map(large)]));
  await until(() => listening.requests.length === 3);
  await sleep(50);
  expect(listening.connections[0]?.streams.size).toBe(3);
  socket.destroy();
  await until(() => listening.closedConnections === 1);
  expect(listening.connections[0]?.streams.size).toBe(0);
});

it("a server that has stopped takes no connection, and can be stopped twice", async () => {
  await start();
  const { port, server } = listening;
  await Promise.all([server.stop(), server.stop()]);
  const late = connect(port, "127.0.0.1");
  await expect(once(late, "connect")).rejects.toThrow("ECONNREFUSED");
});

const largeFields = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/bytes/4000000"],
] as const;
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i).filter((code) => code < 256);
