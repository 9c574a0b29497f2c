import { beforeEach, describe, expect, it } from "vitest";
import { allWords } from "../../test/http2/client-frames.js";
import { TestWire, turn } from "../../test/http2/test-wire.js";
import { errorCode } from "./errors.js";
import { FrameBudget } from "./frame-budget.js";
import { ping } from "./frames.js";
import { encodeHeaders } from "./hpack/encoder.js";
import { Outbox } from "./outbox.js";
import { StreamTable } from "./stream-table.js";

let wire: TestWire;
let outbox: Outbox;
let streams: StreamTable;
let errors: unknown[];

beforeEach(() => {
  wire = new TestWire();
  errors = [];
  outbox = new Outbox(wire, new FrameBudget(1_000, { limitHit: () => {} }));
  streams = new StreamTable(outbox, { idle: () => {}, fail: (error) => void errors.push(error) }, 100);
});

/** A stream whose client has sent all. */
const open = (id: number, window?: number) => {
  if (window !== undefined) streams.setSendWindow(window);
  const stream = streams.add(id, undefined, true);
  stream.start({ data: () => {}, ended: () => {}, closed: () => {} });
  return stream;
};
const sent = async () => {
  await turn();
  return allWords(wire.take());
};
const bytes = (length: number) => [Buffer.alloc(length)];
const end = encodeHeaders([["grpc-status", "0"]]);
const wireBytes = 256 << 10;
const frameBytes = 16_384 + 9;

describe("one turn of the event loop", () => {
  it("is one write, with all frames in their order", async () => {
    const [a, b] = [open(1), open(3)];
    a.respond(end);
    a.write(bytes(10));
    outbox.put(ping(Buffer.alloc(8)));
    b.respond(end);
    b.end(end, bytes(20));
    expect(wire.writes).toHaveLength(0);
    await turn();
    expect(wire.writes).toHaveLength(1);
    expect(await sent()).toEqual(["HEADERS 1", "DATA 1 10", "PING", "HEADERS 3", "DATA 3 20", "HEADERS 3 END"]);
  });

  it("with nothing to send writes nothing", async () => {
    open(1).write(bytes(10));
    await sent();
    await turn();
    expect(wire.writes).toHaveLength(0);
  });
});

describe("windows", () => {
  it("of a stream hold back its DATA only", async () => {
    const [a, b] = [open(1, 5), open(3)];
    a.end(end, bytes(12));
    b.end(end, bytes(4));
    expect(await sent()).toEqual(["DATA 1 5", "DATA 3 4", "HEADERS 3 END"]);
    a.widen(6);
    expect(await sent()).toEqual(["DATA 1 6"]);
    a.widen(100);
    expect(await sent()).toEqual(["DATA 1 1", "HEADERS 1 END"]);
  });

  it("of the connection hold back the DATA of all", async () => {
    const [a, b] = [open(1, 1e6), open(3)];
    a.write(bytes(70_000));
    b.write(bytes(10));
    const full = ["DATA 1 16384", "DATA 1 16384", "DATA 1 16384", "DATA 1 16383"];
    expect(await sent()).toEqual(full);
    outbox.widen(5);
    expect(await sent()).toEqual(["DATA 1 5"]);
    outbox.widen(10_000);
    expect(await sent()).toEqual(["DATA 3 10", "DATA 1 4460"]);
    expect(outbox.window).toBe(10_000 - 10 - 4_460);
  });

  it("can become less than 0, and then need as much more", async () => {
    const stream = open(1, 100);
    stream.write(bytes(150));
    streams.setSendWindow(20);
    stream.widen(80);
    expect(await sent()).toEqual(["DATA 1 100"]);
    stream.widen(1);
    expect(await sent()).toEqual(["DATA 1 1"]);
  });

  it("do not hold back an end without bytes, also where they are less than 0", async () => {
    const [a, b] = [open(1, 100), open(3)];
    a.write(bytes(100));
    b.write(bytes(100));
    streams.setSendWindow(20);
    a.end();
    b.end(end);
    expect(await sent()).toEqual(["DATA 1 100", "DATA 3 100", "DATA 1 0 END", "HEADERS 3 END"]);
    expect(streams.size).toBe(0);
  });

  it("of the connection do not hold back an end without bytes, behind others' DATA or behind its own", async () => {
    const [a, b, c] = [open(1, 1e6), open(3), open(5)];
    c.write(bytes(1));
    a.write(bytes(70_000));
    b.write(bytes(10));
    await sent();
    c.end(end);
    expect(await sent()).toEqual(["HEADERS 5 END"]);
    b.end(end);
    outbox.widen(70_000 - 65_534);
    expect(await sent()).toEqual(["DATA 1 4466"]);
    outbox.widen(10);
    expect(await sent()).toEqual(["DATA 3 10", "HEADERS 3 END"]);
  });

  it("may not be wider than 2^31 - 1", () => {
    expect(() => outbox.widen(2 ** 31 - 65_536)).not.toThrow();
    expect(() => outbox.widen(1)).toThrow(expect.objectContaining({ name: "ConnectionError", code: 3 }));
    const stream = open(1);
    expect(() => stream.widen(2 ** 31 - 65_536)).not.toThrow();
    expect(() => stream.widen(1)).toThrow(expect.objectContaining({ name: "StreamError", code: 3 }));
  });
});

describe("fairness", () => {
  it("streams that wait for the connection take turns frame by frame", async () => {
    const all = [open(1, 1e6), open(3), open(5)];
    const [a, b, c] = all;
    a?.write(bytes(65_535)); // the whole window
    await sent();
    for (const stream of all) stream.write(bytes(40_000));
    b?.end(end);
    outbox.widen(1e6);
    expect(await sent()).toEqual([
      ...["DATA 1 16384", "DATA 3 16384", "DATA 5 16384", "DATA 1 16384", "DATA 3 16384", "DATA 5 16384"],
      ...["DATA 1 7232", "DATA 3 7232", "HEADERS 3 END", "DATA 5 7232"],
    ]);
    c?.write(bytes(1));
    expect(await sent()).toEqual(["DATA 5 1"]);
  });

  it("a stream that waits for its own window is passed over, and has its turn again afterwards", async () => {
    const [a, b] = [open(1, 20_000), open(3)];
    outbox.widen(-65_535);
    a.write(bytes(50_000));
    b.write(bytes(10_000));
    expect(await sent()).toEqual([]);
    outbox.widen(1e6);
    expect(await sent()).toEqual(["DATA 1 16384", "DATA 3 10000", "DATA 1 3616"]);
    a.widen(10);
    expect(await sent()).toEqual(["DATA 1 10"]);
  });
});

describe("a client that reads nothing", () => {
  beforeEach(() => {
    wire.isSlow = true;
    outbox.widen(1e8);
    streams.setSendWindow(1e8);
  });

  it("keeps 256 KiB in the wire, and the rest in its streams", async () => {
    const all = Array.from({ length: 20 }, (_, i) => open(2 * i + 1));
    for (const stream of all) stream.write(bytes(100_000));
    await turn();
    expect(wire.waitingBytes).toBeGreaterThanOrEqual(wireBytes);
    expect(wire.waitingBytes).toBeLessThan(wireBytes + frameBytes);
    expect(outbox.unsent).toBe(wire.waitingBytes);
    wire.leave();
    await turn();
    expect(wire.waitingBytes).toBeGreaterThanOrEqual(wireBytes);
    expect(wire.waitingBytes).toBeLessThan(wireBytes + frameBytes);
  });

  it("costs nothing more after its streams were reset", async () => {
    const all = Array.from({ length: 20 }, (_, i) => open(2 * i + 1));
    for (const stream of all) stream.write(bytes(100_000));
    await turn();
    wire.take();
    for (const stream of all) stream.reset(errorCode.CANCEL);
    await turn();
    expect(allWords(wire.take())).toEqual(all.map(({ id }) => `RST_STREAM ${id} code 8`));
    wire.leave();
    await turn();
    expect([wire.writes.length, wire.waitingBytes, outbox.unsent]).toEqual([0, 0, 0]);
  });

  it("and makes us answer all the time is cut off", async () => {
    for (let i = 0; i < 40_000 && !wire.isDestroyed; i++) {
      outbox.put(ping(Buffer.alloc(8)));
      if (i % 100 === 0) await turn();
    }
    expect(wire.isDestroyed).toBe(true);
    expect(wire.waitingBytes).toBeLessThanOrEqual(2 * wireBytes + frameBytes);
    outbox.put(ping(Buffer.alloc(8)));
    const at = wire.writes.length;
    await turn();
    expect(wire.writes).toHaveLength(at);
  });
});

describe("the shared body of many streams", () => {
  it("is handed to the wire as the same memory for each of them", async () => {
    outbox.widen(1e8);
    const shared = new Uint8Array(15_000).fill(1);
    for (let id = 1; id < 30; id += 2) open(id).end(end, [Buffer.of(0, 0, 0, 0, 1), shared]);
    await turn();
    const same = wire.writes.flat().filter((buffer) => buffer.buffer === shared.buffer);
    expect(same.map(({ length, byteOffset }) => [length, byteOffset])).toEqual(Array(15).fill([15_000, 0]));
    expect(wire.bytes.length - 15 * 15_000).toBeLessThan(15 * 60);
  });
});

describe("`done` is called exactly once", () => {
  const counted = () => {
    const calls = { count: 0 };
    return { calls, done: () => calls.count++ };
  };

  it("after all of a message has left, not before", async () => {
    wire.isSlow = true;
    const { calls, done } = counted();
    const stream = open(1, 10);
    stream.write(bytes(15), done);
    await turn();
    wire.leave();
    stream.widen(5);
    await turn();
    expect(calls.count).toBe(0);
    wire.leave();
    expect(calls.count).toBe(1);
  });

  it("for each of many messages, in their order", async () => {
    const order: number[] = [];
    const stream = open(1);
    for (let i = 0; i < 5; i++) stream.write(bytes(i), () => order.push(i));
    stream.end(end, bytes(3), () => order.push(5));
    await turn();
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it.each([
    ["before any of it is framed", 0],
    ["after it is partly framed", 10],
  ])("where its stream is reset %s", async (_, window) => {
    const { calls, done } = counted();
    const stream = open(1, window);
    stream.write(bytes(15), done);
    await turn();
    stream.reset(errorCode.CANCEL);
    await turn();
    expect(calls.count).toBe(1);
  });

  it("where its stream is reset in the turn in which all of it was framed", async () => {
    wire.isSlow = true;
    const { calls, done } = counted();
    const stream = open(1);
    stream.write(bytes(15), done);
    stream.reset(errorCode.CANCEL);
    await turn();
    expect([calls.count, await sent()]).toEqual([0, ["DATA 1 15", "RST_STREAM 1 code 8"]]);
    wire.leave();
    expect(calls.count).toBe(1);
  });

  it("where the client resets its stream while an earlier write is in the wire", async () => {
    wire.isSlow = true;
    const { calls, done } = counted();
    const stream = open(1, 10);
    stream.write(bytes(15), done);
    await turn();
    stream.close("reset by client");
    expect(calls.count).toBe(0);
    wire.leave();
    expect(calls.count).toBe(1);
  });

  it("at once where it is written after the end, or to a stream that is over", () => {
    const { calls, done } = counted();
    const stream = open(1, 0);
    stream.end(end, bytes(3));
    stream.write(bytes(1), done);
    expect(calls.count).toBe(1);
    stream.reset(errorCode.CANCEL);
    stream.write(bytes(1), done);
    stream.end(end, bytes(1), done);
    expect(calls.count).toBe(3);
  });

  it.each([
    ["in the turn in which it is framed", 15, false],
    ["with a part of it framed", 10, false],
    ["with none of it framed", 0, false],
    ["while the wire has it", 15, true],
    ["while the wire has a part of it", 10, true],
  ])("where the wire closes %s", async (_, window, isWritten) => {
    wire.isSlow = true;
    const { calls, done } = counted();
    open(1, window).write(bytes(15), done);
    if (isWritten) await turn();
    outbox.closed();
    streams.close("reset by client");
    wire.leave();
    await turn();
    expect(calls.count).toBe(1);
  });

  it("where the connection ends", async () => {
    wire.isSlow = true;
    const all = [0, 10, 15].map((window, i) => {
      const { calls, done } = counted();
      open(2 * i + 1, window).write(bytes(15), done);
      return calls;
    });
    outbox.end();
    streams.close("reset by us");
    wire.leave();
    outbox.closed();
    await turn();
    expect(all).toEqual(Array(3).fill({ count: 1 }));
  });

  it("and one that sends more does so only while its stream is open", async () => {
    const stream = streams.add(1, undefined, true);
    let count = 0;
    let isOpen = true;
    stream.start({ data: () => {}, ended: () => {}, closed: () => (isOpen = false) });
    const more = () => {
      count++;
      if (isOpen) stream.write(bytes(100), more);
    };
    streams.setSendWindow(150);
    more();
    await turn();
    stream.reset(errorCode.CANCEL);
    await turn();
    expect([isOpen, count]).toEqual([false, 3]);
  });
});

it("the header block after a smaller header table of the client begins with a table size update, once", async () => {
  const [a, b] = [open(1), open(3)];
  outbox.resizeTable();
  a.respond(end);
  b.end(end);
  await turn();
  expect(wire.take().map(({ payload }) => payload)).toEqual([Buffer.concat([Buffer.of(0x20), end]), end]);
});

it("a header block that is too large for a frame is continued, also in its trailers", async () => {
  const block = encodeHeaders([["grpc-message", "a".repeat(40_000)]]);
  open(1).end(block, bytes(1));
  await turn();
  const [data, ...frames] = wire.take();
  expect(data?.type).toBe(0);
  expect(frames.map(({ type, flags, payload }) => [type, flags, payload.length])).toEqual([
    [1, 1, 16_384],
    [9, 0, 16_384],
    [9, 4, block.length - 32_768],
  ]);
  expect(Buffer.concat(frames.map(({ payload }) => payload))).toEqual(block);
});
