import { describe, expect, it, vi } from "vitest";
import { flag } from "./frames.js";
import { HeaderBlockReader, withoutPadding } from "./header-block.js";

const bytes = (text: string) => Buffer.from(text);
const errorOf = (code: number) => expect.objectContaining({ name: "ConnectionError", code });

describe("padding", () => {
  it.each([
    ["is not there without its flag", 0, [1, 2, 3], [1, 2, 3]],
    ["of no bytes", flag.PADDED, [0, 1, 2], [1, 2]],
    ["of two bytes", flag.PADDED, [2, 1, 0, 0], [1]],
    ["of all bytes", flag.PADDED, [2, 0, 0], []],
  ])("%s", (_, flags, payload, content) => {
    expect([...withoutPadding(Buffer.from(payload), flags)]).toEqual(content);
  });

  it.each([[[]], [[1]], [[3, 0, 0]], [[255]]])("longer than the payload is refused: %j", (payload) => {
    expect(() => withoutPadding(Buffer.from(payload), flag.PADDED)).toThrow(errorOf(1));
  });
});

describe("a header block", () => {
  const reader = (maxBytes = 100, most = 3, onTooMany = () => {}) =>
    new HeaderBlockReader(maxBytes, most, { limitHit: onTooMany });

  it("in one frame is complete at once", () => {
    const blocks = reader();
    const block = blocks.headers(1, flag.END_HEADERS | flag.END_STREAM, bytes("ab"));
    expect(block).toMatchObject({ streamId: 1, isEnd: true, dependsOnItself: false, fragments: [bytes("ab")] });
    expect(blocks.openStreamId).toBeUndefined();
  });

  it("is put together from its CONTINUATION frames, whose bytes may change meanwhile", () => {
    const blocks = reader();
    const first = bytes("ab");
    expect(blocks.headers(1, flag.END_STREAM, first)).toBeUndefined();
    first.fill(0);
    expect(blocks.openStreamId).toBe(1);
    expect(blocks.continuation(1, 0, bytes("cd"))).toBeUndefined();
    const block = blocks.continuation(1, flag.END_HEADERS, bytes("ef"));
    expect(block).toMatchObject({ streamId: 1, isEnd: true, bytes: 6 });
    expect(Buffer.concat(block?.fragments ?? []).toString()).toBe("abcdef");
    expect(blocks.openStreamId).toBeUndefined();
  });

  it("has no padding and no priority in it", () => {
    const flags = flag.END_HEADERS | flag.PADDED | flag.PRIORITY;
    const block = reader().headers(3, flags, Buffer.of(1, 0x80, 0, 0, 1, 16, 0x61, 0));
    expect(block).toMatchObject({ dependsOnItself: false, fragments: [bytes("a")] });
  });

  it("can make its stream depend on itself", () => {
    const block = reader().headers(1, flag.END_HEADERS | flag.PRIORITY, Buffer.of(0x80, 0, 0, 1, 16));
    expect(block).toMatchObject({ dependsOnItself: true });
  });

  it("is refused where it is too short for its priority", () => {
    expect(() => reader().headers(1, flag.END_HEADERS | flag.PRIORITY, Buffer.alloc(4))).toThrow(errorOf(1));
    const both = flag.END_HEADERS | flag.PRIORITY | flag.PADDED;
    expect(() => reader().headers(1, both, Buffer.of(1, 0, 0, 0, 0, 0))).toThrow(errorOf(1));
  });

  it("may have as many CONTINUATION frames as the limit says, empty ones too", () => {
    const onTooMany = vi.fn();
    const blocks = reader(100, 3, onTooMany);
    blocks.headers(1, 0, bytes(""));
    for (let i = 0; i < 3; i++) blocks.continuation(1, 0, bytes(""));
    expect(onTooMany).not.toHaveBeenCalled();
    expect(() => blocks.continuation(1, flag.END_HEADERS, bytes(""))).toThrow(errorOf(0xb));
    expect(onTooMany).toHaveBeenCalledOnce();
  });

  it("counts the CONTINUATION frames of each block by themselves", () => {
    const blocks = reader(100, 1);
    for (const id of [1, 3, 5]) {
      blocks.headers(id, 0, bytes("a"));
      expect(blocks.continuation(id, flag.END_HEADERS, bytes("b"))).toBeDefined();
    }
  });

  it("may have as many bytes as the limit says", () => {
    const limitHit = vi.fn();
    const blocks = new HeaderBlockReader(4, 3, { limitHit });
    blocks.headers(1, 0, bytes("ab"));
    expect(blocks.continuation(1, 0, bytes("cd"))).toBeUndefined();
    expect(limitHit).not.toHaveBeenCalled();
    expect(() => blocks.continuation(1, 0, bytes("e"))).toThrow(errorOf(0xb));
    expect(limitHit).toHaveBeenCalledExactlyOnceWith("headerBytes");
  });

  it("is not continued for another stream, nor after its end", () => {
    const blocks = reader();
    expect(() => blocks.continuation(1, 0, bytes(""))).toThrow(errorOf(1));
    blocks.headers(1, 0, bytes(""));
    expect(() => blocks.continuation(3, 0, bytes(""))).toThrow(errorOf(1));
  });
});
