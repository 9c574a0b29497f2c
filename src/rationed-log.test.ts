import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LogBook } from "../test/protocol/harness.js";
import { RationedLog } from "./rationed-log.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const leftOut = (book: LogBook) =>
  book.entries.filter(({ message }) => message === "lines were left out of the log").map(({ fields }) => fields);

describe("the log of what clients cause", () => {
  it("has ten lines of a kind and address in 10 s, and one line with the count of the others", () => {
    const book = new LogBook();
    const log = new RationedLog(book);
    for (let port = 1; port <= 5_000; port++) log.warn({ peer: `10.0.0.1:${port}` }, "a flood");
    log.warn({ peer: "10.0.0.2:1" }, "a flood");
    log.warn({ peer: "10.0.0.1:1" }, "something else");
    expect(book.entries).toHaveLength(12);
    vi.advanceTimersByTime(10_000);
    expect(book.entries).toHaveLength(13);
    expect(book.entries[12]).toEqual({
      level: "warn",
      message: "lines were left out of the log",
      fields: { kind: "a flood", leftOut: 4_990, address: "10.0.0.1", ofAddress: 4_990 },
    });
    log.warn({ peer: "10.0.0.1:1" }, "a flood");
    expect(book.entries).toHaveLength(14);
    vi.advanceTimersByTime(60_000);
    expect(book.entries).toHaveLength(14);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has a hundred lines of a kind in 10 s, however many addresses there are", () => {
    const book = new LogBook();
    const log = new RationedLog(book);
    for (let i = 0; i < 20_000; i++) log.info({ peer: `2001:db8:0:${i.toString(16)}::1:443` }, "stream opened");
    for (let i = 0; i < 3; i++) log.error({ peer: "10.0.0.1:1" }, "a callback failed");
    expect(book.entries).toHaveLength(103);
    log.close();
    expect(leftOut(book)).toEqual([{ kind: "stream opened", leftOut: 19_900 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has ten lines for all addresses of an IPv6 network", () => {
    const book = new LogBook();
    const log = new RationedLog(book);
    for (let i = 0; i < 1_000; i++) log.info({ peer: `2001:db8::${i.toString(16)}:443` }, "stream opened");
    expect(book.entries).toHaveLength(10);
    log.close();
    expect(leftOut(book)).toEqual([
      { kind: "stream opened", leftOut: 990, address: "2001:db8:0:0::/64", ofAddress: 990 },
    ]);
  });

  it("rations lines without a peer, and in debug, as one address", () => {
    const book = new LogBook();
    const log = new RationedLog(book);
    for (let i = 0; i < 30; i++) log.debug({}, "looked");
    log.close();
    for (let i = 0; i < 30; i++) log.debug({}, "looked");
    expect(book.entries.map(({ level }) => level)).toEqual(Array(21).fill("debug"));
    expect(leftOut(book)).toEqual([{ kind: "looked", leftOut: 20 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("cuts texts at 256 characters, those in lists too, and escapes what moves the cursor or turns a line", () => {
    const book = new LogBook();
    const log = new RationedLog(book);
    log.info({ peer: "p:1", node: "i".repeat(900_000), names: ["n".repeat(257), "\u202e\u001b[2J"], more: 3 }, "x");
    log.info({ peer: "p:1", node: "\u0000".repeat(200) }, "x");
    expect(book.entries.map(({ fields }) => fields)).toEqual([
      {
        peer: "p:1",
        node: `${"i".repeat(256)}… (900000 characters)`,
        names: [`${"n".repeat(256)}… (257 characters)`, "\\u202e\\u001b[2J"],
        more: 3,
      },
      { peer: "p:1", node: `${"\\u0000".repeat(43).slice(0, 256)}… (200 characters)` },
    ]);
  });
});
