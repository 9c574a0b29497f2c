import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader } from "./frame-reader.js";
import { frame, maxPayload } from "./frames.js";

/** What a reader takes from these chunks. The payload is copied, as it is only lent. */
function read(chunks: readonly Uint8Array[]) {
  const taken: unknown[] = [];
  const reader = new FrameReader({
    frame: (type, flags, id, payload) => void taken.push([type, flags, id, Buffer.from(payload)]),
  });
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return taken;
}

const sizeError = expect.objectContaining({ name: "ConnectionError", code: 6 });
const tooLarge = Buffer.concat([frame(0, 0, 1, Buffer.alloc(maxPayload)), Buffer.alloc(1)]);
tooLarge.writeUIntBE(maxPayload + 1, 0, 3);

describe("a frame reader", () => {
  it("gives the same frames however the bytes are cut", () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 1, maxPayload - 1, maxPayload));
    const aFrame = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(2 ** 31 - 1), length);
    fc.assert(
      fc.property(fc.array(aFrame, { maxLength: 6 }), fc.array(fc.nat()), (frames, cuts) => {
        const whole = frames.map(([type, flags, id, length]) => [type, flags, id, Buffer.alloc(length, type)] as const);
        const bytes = Buffer.concat(whole.map(([type, flags, id, payload]) => frame(type, flags, id, payload)));
        const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i]));
        expect(read(chunks)).toEqual(whole);
        if (bytes.length < 500) expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("ignores the reserved bit of a stream's id", () => {
    const bytes = frame(0, 0, 5, Buffer.alloc(0));
    bytes[5] = 0x80;
    expect(read([bytes])).toEqual([[0, 0, 5, Buffer.alloc(0)]]);
  });

  it.each([
    ["in one chunk", [tooLarge]],
    ["from its header alone", [tooLarge.subarray(0, 9)]],
    ["byte by byte", [...tooLarge.subarray(0, 9)].map((byte) => Uint8Array.of(byte))],
    ["behind another frame", [frame(4, 0, 0, Buffer.alloc(0)), tooLarge.subarray(0, 9)]],
  ])("refuses a frame that is too large: %s", (_, chunks) => {
    expect(() => read(chunks)).toThrow(sizeError);
  });

  it("sets no room aside for a frame before its header is there", () => {
    expect(() => read([tooLarge.subarray(0, 8)])).not.toThrow();
  });

  it("gives no frame after it was stopped, also not of the chunk that it reads", () => {
    for (const chunkBytes of [1, 1_000]) {
      let count = 0;
      const take = () => {
        count++;
        reader.stop();
      };
      const reader = new FrameReader({ frame: take });
      const bytes = Buffer.concat([frame(0, 0, 1, Buffer.alloc(3)), frame(0, 0, 1, Buffer.alloc(3))]);
      for (let at = 0; at < bytes.length; at += chunkBytes) reader.read(bytes.subarray(at, at + chunkBytes));
      expect(count).toBe(1);
    }
  });

  it("passes on what its taker throws", () => {
    const refuse = () => {
      throw new Error("no");
    };
    const reader = new FrameReader({ frame: refuse });
    expect(() => reader.read(frame(0, 0, 1, Buffer.alloc(0)))).toThrow("no");
  });
});
