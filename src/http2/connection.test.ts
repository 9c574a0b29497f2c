import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  allWords,
  data,
  frame,
  headers,
  padded,
  ping,
  priority,
  requestBlock,
  rstStream,
  settings,
  settingsAck,
  trailers,
  windowUpdate,
} from "../../test/http2/client-frames.js";
import { TestConnection, turn } from "../../test/http2/test-wire.js";
import { errorCode, StreamError } from "./errors.js";
import { clientPreface, flag, frameType } from "./frames.js";
import { encodeHeaders } from "./hpack/encoder.js";
import { setting } from "./settings.js";

const ready = TestConnection.ready;
const ok = encodeHeaders([[":status", "200"]]);
const end = encodeHeaders([["grpc-status", "0"]]);
const bytes = (length: number) => [Buffer.alloc(length)];

describe("a connection's beginning", () => {
  it("is our SETTINGS and a larger window, and the client's SETTINGS are acknowledged", async () => {
    const test = new TestConnection();
    expect(test.connection.isReady).toBe(false);
    const frames = await test.answer(clientPreface, settings());
    expect(allWords(frames)).toEqual(["SETTINGS", "WINDOW_UPDATE 0 983041", "SETTINGS ACK"]);
    expect(frames[0]?.payload.toString("hex")).toBe("00030000006400060000" + "4000"); // 100 streams, 16 KiB
    expect(test.connection.isReady).toBe(true);
  });

  it("may come byte by byte", async () => {
    const test = new TestConnection();
    for (const byte of Buffer.concat([clientPreface, settings(), headers(1, true)])) test.send(Buffer.of(byte));
    await turn();
    expect(test.last.events).toEqual(["ended"]);
    expect(test.errors).toEqual([]);
  });

  it.each([
    ["SETTINGS with ACK", settingsAck],
    ["PING", ping(Buffer.alloc(8))],
    ["HEADERS", headers(1)],
  ])("is refused where the first frame is %s", async (_, first) => {
    const test = new TestConnection();
    expect(allWords(await test.answer(clientPreface, first)).at(-1)).toBe("GOAWAY last 0 code 1");
    expect([test.wire.isEnded, test.connection.isReady]).toEqual([true, false]);
  });

  it.each([
    ["TLS", Buffer.of(0x16, 3, 1, 0, 0)],
    ["something else", Buffer.from("hello\r\n\r\n")],
  ])("of %s is answered with GOAWAY, and the reason", async (is, first) => {
    const test = new TestConnection();
    const [frame] = await test.answer(first);
    expect(frame?.payload.subarray(8).toString()).toBe(`not HTTP/2 but ${is}`);
    expect(test.wire.isEnded).toBe(true);
  });

  it("of HTTP/1.1 is answered with HTTP/1.1, also where it comes in pieces", async () => {
    const test = new TestConnection();
    for (const part of ["G", "ET / HTTP/", "1.1\r\n", "\r\n"]) test.send(Buffer.from(part));
    await turn();
    expect(test.wire.bytes.toString()).toMatch(/^HTTP\/1.1 505 .*not HTTP\/2 but HTTP\/1.1\n$/s);
    expect(test.wire.isEnded).toBe(true);
  });

  it("that is refused for another reason gets SETTINGS, then GOAWAY with the reason", async () => {
    const test = new TestConnection();
    test.connection.refusal = "no ALPN";
    const frames = await test.answer(clientPreface, settings(), headers(1));
    expect(allWords(frames)).toEqual(["SETTINGS", "WINDOW_UPDATE 0 983041", "GOAWAY last 0 code 12"]);
    expect(frames[2]?.payload.subarray(8).toString()).toBe("no ALPN");
    expect(test.requests).toEqual([]);
  });
});

describe("a request", () => {
  it("has headers, a body, and an end", async () => {
    const test = await ready();
    test.send(headers(1), data(1, "abc"), data(1, "", true));
    const { headers: list, events } = test.last;
    expect(list).toMatchObject({ method: "POST", path: "/test", fields: ["content-type", "application/grpc"] });
    expect(events).toEqual(["data 3", "ended"]);
  });

  it("can end with trailers", async () => {
    const test = await ready();
    test.send(headers(1), data(1, "abc"), trailers(1));
    expect(test.last.events).toEqual(["data 3", "ended"]);
  });

  it("is over when both sides have ended, whichever is first", async () => {
    const test = await ready();
    const one = test.open(1, true);
    one.stream.respond(ok);
    one.stream.end(end, bytes(3));
    expect(allWords(await test.answer())).toEqual(["HEADERS 1", "DATA 1 3", "HEADERS 1 END"]);
    expect(one.events).toEqual(["ended", "closed"]);
    const two = test.open(3);
    two.stream.respond(ok);
    two.stream.write(bytes(1));
    test.close(3);
    two.stream.end();
    expect(allWords(await test.answer())).toEqual(["HEADERS 3", "DATA 3 1", "DATA 3 0 END"]);
    expect(two.events).toEqual(["ended", "closed"]);
    expect(test.connection.streams.size).toBe(0);
  });

  it("that is answered before it has ended is told so: END_STREAM, then RST_STREAM without an error", async () => {
    const test = await ready();
    const { stream, events } = test.open(1);
    stream.respond(ok, true);
    expect(allWords(await test.answer())).toEqual(["HEADERS 1 END", "RST_STREAM 1 code 0"]);
    expect(events).toEqual(["closed"]);
    expect(allWords(await test.answer(data(1, "abc"), trailers(1)))).toEqual([]);
    expect(test.errors).toEqual([]);
  });

  it("that is answered before its handler has returned is over like any other", async () => {
    const test = await ready();
    test.onRequest = ({ stream }) => stream.respond(ok, true);
    expect(allWords(await test.answer(headers(1, true)))).toEqual(["HEADERS 1 END"]);
    expect(test.last.events).toEqual(["closed"]);
    expect(allWords(await test.answer(headers(3)))).toEqual(["HEADERS 3 END", "RST_STREAM 3 code 0"]);
    expect(test.last.events).toEqual(["closed"]);
    expect(allWords(await test.answer(data(3, "abc", true), headers(5, true)))).toEqual(["HEADERS 5 END"]);
  });

  it("that is answered at its body may have a wrong content-length without harm to the connection", async () => {
    const test = await ready();
    test.onData = ({ stream }) => stream.respond(ok, true);
    const frames = await test.answer(headers(1, false, [["content-length", "5"]]), data(1, "abc", true));
    expect(allWords(frames)).toEqual(["HEADERS 1 END", "RST_STREAM 1 code 0"]);
    expect(test.errors).toEqual([]);
  });

  it("whose headers are too large has none, and can be answered", async () => {
    const test = await ready({ headerBytes: 300 });
    test.onRequest = ({ stream, headers }) =>
      stream.respond(encodeHeaders([[":status", headers ? "200" : "431"]]), true);
    const large = [["x", "v".repeat(300)]] as const;
    expect(allWords(await test.answer(headers(1, true, large)))).toEqual(["HEADERS 1 END"]);
    expect([test.last.headers, test.limitsHit]).toEqual([undefined, ["headerBytes"]]);
    await test.answer(headers(3, true));
    expect(test.last.headers).toBeDefined();
  });

  it("beyond the limit of streams is refused, and its headers are decoded all the same", async () => {
    const test = await ready({ streams: 1 });
    const { stream } = test.open(1, true);
    const block = Buffer.concat([requestBlock(), Buffer.from("4001610131", "hex")]); // into the dynamic table
    const refused = frame(frameType.HEADERS, flag.END_HEADERS, 3, block);
    expect(allWords(await test.answer(refused))).toEqual(["RST_STREAM 3 code 7"]);
    expect(test.limitsHit).toEqual(["streams"]);
    stream.respond(ok, true);
    const known = Buffer.concat([requestBlock(), Buffer.of(0xbe)]);
    test.send(frame(frameType.HEADERS, flag.END_HEADERS, 5, known));
    expect(test.last.headers?.fields.slice(-2)).toEqual(["a", "1"]);
  });

  it.each([
    ["a malformed header", [headers(1, true, [["X", "1"]])], 1],
    [
      "a stream that depends on itself",
      [frame(1, 0x25, 1, Buffer.concat([Buffer.of(0, 0, 0, 1, 0), requestBlock()]))],
      1,
    ],
    ["no body, but a content-length", [headers(1, true, [["content-length", "1"]])], 1],
    ["a body shorter than content-length", [headers(1, false, [["content-length", "3"]]), data(1, "ab", true)], 1],
    ["a body longer than content-length", [headers(1, false, [["content-length", "1"]]), data(1, "ab")], 1],
    ["malformed trailers", [headers(1), trailers(1, [[":path", "/"]])], 1],
    ["HEADERS in the middle", [headers(1), headers(1)], 1],
  ])("with %s is reset", async (_, frames, code) => {
    const test = await ready();
    expect(allWords(await test.answer(...frames))).toEqual([`RST_STREAM 1 code ${code}`]);
    expect(test.errors).toEqual([]);
    test.open(3, true).stream.respond(ok, true);
    expect(allWords(await test.answer())).toEqual(["HEADERS 3 END"]);
  });
});

it.each([
  ["SETTINGS of a stream", frame(frameType.SETTINGS, 0, 1, Buffer.alloc(0)), 1],
  ["PING of a stream", frame(frameType.PING, 0, 1, Buffer.alloc(8)), 1],
  ["GOAWAY of a stream", frame(frameType.GOAWAY, 0, 1, Buffer.alloc(8)), 1],
  ["DATA of the connection", data(0, ""), 1],
  ["HEADERS of the connection", headers(0), 1],
  ["HEADERS of an even stream", headers(2), 1],
  ["RST_STREAM of the connection", rstStream(0, 0), 1],
  ["PRIORITY of the connection", priority(0, 1), 1],
  ["a WINDOW_UPDATE of 0", windowUpdate(0, 0), 1],
  ["a WINDOW_UPDATE that is too large", windowUpdate(0, 2 ** 31 - 1), 3],
  ["PING of 7 bytes", ping(Buffer.alloc(7)), 6],
  ["GOAWAY of 7 bytes", frame(frameType.GOAWAY, 0, 0, Buffer.alloc(7)), 6],
  ["WINDOW_UPDATE of 3 bytes", frame(frameType.WINDOW_UPDATE, 0, 0, Buffer.alloc(3)), 6],
  ["RST_STREAM of 5 bytes", frame(frameType.RST_STREAM, 0, 1, Buffer.alloc(5)), 6],
  ["SETTINGS of 5 bytes", frame(frameType.SETTINGS, 0, 0, Buffer.alloc(5)), 6],
  ["a SETTINGS ACK of 6 bytes", frame(frameType.SETTINGS, flag.ACK, 0, Buffer.alloc(6)), 6],
  ["a frame in the middle of a header block", Buffer.concat([frame(1, 0, 1, ok), ping(Buffer.alloc(8))]), 1],
  ["another stream's CONTINUATION", Buffer.concat([frame(1, 0, 1, ok), frame(9, 0, 3, ok)]), 1],
  ["a block that cannot be decoded", frame(1, flag.END_HEADERS, 1, Buffer.of(0x80)), 9],
])("%s ends the connection, and the handler is told", async (_, bytes, code) => {
  const test = await ready();
  const words = allWords(await test.answer(bytes));
  expect(words.at(-1)).toMatch(new RegExp(`^GOAWAY last \\d code ${code}$`));
  expect(test.errors).toHaveLength(1);
  expect(test.wire.isEnded).toBe(true);
  expect(allWords(await test.answer(headers(5)))).toEqual([]);
});

describe("windows of the client's DATA", () => {
  it("of the connection grow again by themselves, those of a stream when it is allowed", async () => {
    const test = await ready();
    const { stream } = test.open(1);
    const frames = await test.answer(...Array(3).fill(data(1, Buffer.alloc(16_384))));
    expect([allWords(frames), stream.allowed]).toEqual([[], 65_535 - 3 * 16_384]);
    stream.allow(65_535);
    stream.allow(100); // which is less than it may send
    expect(allWords(await test.answer())).toEqual(["WINDOW_UPDATE 1 49152"]);
    const many: string[] = [];
    for (let i = 0; i < 40; i++) {
      many.push(...allWords(await test.answer(data(1, Buffer.alloc(16_000)))));
      stream.allow(65_535);
    }
    expect(many.filter((text) => text.startsWith("WINDOW_UPDATE 0"))).toEqual(["WINDOW_UPDATE 0 529152"]);
  });

  it("count padding, which is given back at once", async () => {
    const test = await ready();
    const { stream, events } = test.open(1);
    expect(allWords(await test.answer(padded(1, "abc", 10)))).toEqual(["WINDOW_UPDATE 1 11"]);
    expect([events, stream.allowed]).toEqual([["data 3"], 65_535 - 3]);
  });

  it("of the connection count DATA of streams that are over", async () => {
    const test = await ready();
    test.open(1).stream.reset(errorCode.CANCEL);
    const frames = await test.answer(...Array(40).fill(data(1, Buffer.alloc(16_384))));
    expect(allWords(frames)).toEqual(["RST_STREAM 1 code 8", "WINDOW_UPDATE 0 540672"]);
  });

  it("of a stream reset it where they are exceeded", async () => {
    const test = await ready();
    test.open(1);
    const frames = await test.answer(...Array(5).fill(data(1, Buffer.alloc(16_384))));
    expect(allWords(frames)).toEqual(["RST_STREAM 1 code 3"]);
  });
});

describe("settings of the client", () => {
  it("are acknowledged before the DATA that they let through", async () => {
    const test = await ready({}, [[setting.INITIAL_WINDOW_SIZE, 0]]);
    const { stream } = test.open(1, true);
    stream.respond(ok);
    stream.end(end, bytes(5));
    expect(allWords(await test.answer())).toEqual(["HEADERS 1"]);
    const frames = await test.answer(settings([[setting.INITIAL_WINDOW_SIZE, 5]]));
    expect(allWords(frames)).toEqual(["SETTINGS ACK", "DATA 1 5", "HEADERS 1 END"]);
  });

  it("that make a stream's window too large end the connection", async () => {
    const test = await ready();
    test.open(1);
    const frames = await test.answer(windowUpdate(1, 1), settings([[setting.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]]));
    expect(allWords(frames).at(-1)).toBe("GOAWAY last 1 code 3");
  });

  it("with a smaller header table are followed by a table size update in the next header block", async () => {
    const test = await ready({}, [[setting.HEADER_TABLE_SIZE, 0]]);
    test.onRequest = ({ stream }) => stream.respond(ok, true);
    const frames = await test.answer(headers(1, true), headers(3, true));
    expect(frames.map(({ payload }) => payload.toString("hex"))).toEqual(["2088", "88"]);
  });
});

describe("frames that cost a client nothing", () => {
  const few = { controlFrames: 1 }; // and ten at once
  it.each([
    ["RST_STREAM", (id: number) => [headers(id), rstStream(id, 8)]],
    ["SETTINGS", () => [settings()]],
    ["PRIORITY", (id: number) => [priority(id, 0)]],
    ["empty DATA", () => [data(1, "")]],
    ["DATA that is padding only", () => [padded(1, "", 5)]],
    ["PING", () => [ping(Buffer.alloc(8))]],
    ["WINDOW_UPDATE", () => [windowUpdate(1, 1)]],
    ["malformed requests", (id: number) => [headers(id, true, [["X", "1"]])]],
    ["frames for which we reset a stream", (id: number) => [headers(id), windowUpdate(id, 2 ** 31 - 1)]],
    ["HEADERS for which we reset a stream", (id: number) => [headers(id, true), headers(id, true)]],
  ] as [string, (id: number) => Buffer[]][])("are bounded: %s", async (_, frames) => {
    const test = await ready(few);
    test.open(1);
    let count = 0;
    for (; count < 30 && !test.wire.isEnded; count++) test.send(...frames(2 * count + 3));
    expect(count).toBeGreaterThan(4);
    expect(count).toBeLessThan(15);
    expect(allWords(await test.answer()).at(-1)).toMatch(/^GOAWAY last \d+ code 11$/);
    expect(test.limitsHit).toEqual(["controlFrames"]);
  });

  it("are not bounded where they answer our DATA", async () => {
    const test = await ready(few);
    const { stream } = test.open(1, true);
    for (let i = 0; i < 100; i++) {
      stream.write(bytes(100));
      await test.answer(windowUpdate(0, 100), windowUpdate(1, 100));
    }
    expect(test.errors).toEqual([]);
  });
});

describe("the end of a connection", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());
  const shutdown = Buffer.from("shutdown");

  it("loses no stream: GOAWAY, PING, and the last stream's id when the client has answered it", async () => {
    const test = await ready();
    const first = test.open(1, true);
    test.connection.goAway();
    test.connection.goAway();
    expect(allWords(await test.answer())).toEqual(["GOAWAY last 2147483647 code 0", "PING"]);
    const second = test.open(3, true); // it crossed our GOAWAY
    const pong = frame(frameType.PING, flag.ACK, 0, shutdown);
    expect(allWords(await test.answer(pong))).toEqual(["GOAWAY last 3 code 0"]);
    expect(allWords(await test.answer(headers(5, true)))).toEqual(["RST_STREAM 5 code 7"]);
    for (const { stream } of [first, second]) stream.respond(ok, true);
    expect(test.connection.streams.size).toBe(0);
    expect(allWords(await test.answer())).toEqual(["HEADERS 1 END", "HEADERS 3 END", "GOAWAY last 3 code 0"]);
    expect([test.wire.isEnded, vi.getTimerCount()]).toEqual([true, 0]);
  });

  it("does not wait longer than a second for the client's answer", async () => {
    const test = await ready();
    test.open(1);
    test.connection.goAway();
    await test.answer();
    vi.advanceTimersByTime(999);
    expect(allWords(await test.answer())).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(allWords(await test.answer())).toEqual(["GOAWAY last 1 code 0"]);
    test.connection.closed();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("comes after the answer where there are no streams, and at once before the client's SETTINGS", async () => {
    const test = await ready();
    test.connection.goAway();
    const pong = frame(frameType.PING, flag.ACK, 0, shutdown);
    expect(allWords(await test.answer(pong)).at(-1)).toBe("GOAWAY last 0 code 0");
    expect(test.wire.isEnded).toBe(true);
    const early = new TestConnection();
    early.connection.goAway();
    expect(allWords(await early.answer())).toEqual(["SETTINGS", "WINDOW_UPDATE 0 983041", "GOAWAY last 0 code 0"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ["before", true],
    ["after", false],
  ])(
    "waits for the end of an answer that has not left, which was given %s the client was asked",
    async (_, isEarly) => {
      const test = await ready();
      test.wire.isSlow = true;
      const { stream } = test.open(1, true);
      const answer = () => {
        stream.respond(ok);
        stream.end(end, bytes(100));
      };
      if (isEarly) answer();
      test.connection.goAway();
      test.send(frame(frameType.PING, flag.ACK, 0, shutdown));
      if (!isEarly) answer();
      await turn();
      vi.advanceTimersByTime(60_000);
      expect([test.connection.streams.size, test.wire.isEnded]).toEqual([0, false]);
      while (test.wire.waitingBytes > 0) {
        test.wire.leave();
        await turn();
      }
      expect(test.wire.isEnded).toBe(true);
      expect(allWords(test.wire.take()).at(-1)).toMatch(/^GOAWAY last 1 code 0/);
    },
  );

  it("leaves no timer where the wire closes, or the connection is ended, while the client is asked", async () => {
    for (const how of ["closed", "end"] as const) {
      const test = await ready();
      const { events } = test.open(1);
      test.connection.goAway();
      test.connection[how]();
      expect([vi.getTimerCount(), events]).toEqual([0, ["closed"]]);
    }
  });

  it("is not begun by an answer to another PING", async () => {
    const test = await ready();
    test.connection.goAway();
    await test.answer();
    expect(allWords(await test.answer(frame(frameType.PING, flag.ACK, 0, Buffer.alloc(8))))).toEqual([]);
  });

  it("closes its streams, and takes nothing more", async () => {
    const test = await ready();
    const { stream, events } = test.open(1);
    test.connection.end(errorCode.ENHANCE_YOUR_CALM, "enough");
    test.connection.end();
    stream.write(bytes(1));
    const [frame, ...rest] = await test.answer(headers(3));
    expect([frame?.payload.subarray(8).toString(), rest, events]).toEqual(["enough", [], ["closed"]]);
  });
});

describe("a handler that throws", () => {
  it("at a request, or its body, ends the connection with INTERNAL_ERROR", async () => {
    for (const name of ["onRequest", "onData"] as const) {
      const test = await ready();
      test[name] = () => {
        throw new Error("no");
      };
      expect(allWords(await test.answer(headers(1), data(1, "a")))).toEqual(["GOAWAY last 1 code 2"]);
      expect(test.errors).toEqual([new Error("no")]);
    }
  });

  it("a StreamError of its own, or what is not an error, ends it too", async () => {
    const test = await ready();
    test.onRequest = () => {
      throw new StreamError(99, errorCode.CANCEL, "mine");
    };
    expect(allWords(await test.answer(headers(1)))).toEqual(["GOAWAY last 1 code 8"]);
    const other = await ready();
    other.onData = () => {
      throw "text";
    };
    await other.answer(headers(1), data(1, "a"));
    expect(other.errors).toEqual([new Error("text")]);
  });

  it("at a stream's end keeps no other stream from its end", async () => {
    const test = await ready();
    const [one, two] = [test.open(1), test.open(3)];
    one.events.push = () => {
      throw new Error("no");
    };
    test.connection.closed();
    expect([two.events, test.errors]).toEqual([["closed"], [new Error("no")]]);
  });
});

it("a connection says since when it is idle, and how often something came", async () => {
  const test = await ready();
  const { connection } = test;
  const since = connection.idleSince;
  expect(since).toBeLessThanOrEqual(performance.now());
  test.open(1, true).stream.respond(ok);
  expect(connection.idleSince).toBeUndefined();
  test.open(3);
  test.send(rstStream(3, 8));
  expect(connection.idleSince).toBeUndefined();
  const before = performance.now();
  test.requests[0]?.stream.end(end);
  expect(connection.idleSince).toBeGreaterThanOrEqual(before);
  const last = connection.received;
  test.send(ping(Buffer.alloc(8)));
  expect(connection.received).toBe(last + 1);
});

it("a PING is answered with its payload, and ours is sent only to a client that is there", async () => {
  const test = await ready();
  const [pong] = await test.answer(ping(Buffer.from("abcdefgh")));
  expect([pong?.flags, pong?.payload.toString()]).toEqual([flag.ACK, "abcdefgh"]);
  test.connection.ping();
  expect(allWords(await test.answer())).toEqual(["PING"]);
  const early = new TestConnection();
  early.connection.ping();
  expect(await early.answer()).toEqual([]);
});

it("no answer is written after the wire has closed", async () => {
  const test = await ready();
  const { stream, events } = test.open(1, true);
  test.connection.closed();
  stream.respond(ok);
  stream.end(end, bytes(3));
  stream.reset(errorCode.CANCEL);
  test.connection.ping();
  test.connection.goAway();
  test.connection.end();
  expect([await test.answer(headers(3)), events]).toEqual([[], ["ended", "closed"]]);
});
