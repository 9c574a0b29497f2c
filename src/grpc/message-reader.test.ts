import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageReader } from "./message-reader.js";

/** A message with its prefix. */
function framed(message: Uint8Array, flag = 0): Buffer {
  const out = Buffer.alloc(5 + message.length);
  out[0] = flag;
  out.writeUInt32BE(message.length, 1);
  out.set(message, 5);
  return out;
}

const all = (messages: readonly Uint8Array[]) => Buffer.concat(messages.map((message) => framed(message)));

/** A reader, what it gave, and what it counts. */
class Scene {
  readonly messages: Buffer[] = [];
  readonly begun: number[] = [];
  bytes = 0;
  most = 0;
  limit = Number.POSITIVE_INFINITY;
  onMessage = () => {};
  mayTake = () => true;
  readonly reader = new MessageReader(
    {
      begins: (bytes) => void this.begun.push(bytes),
      mayTake: () => this.mayTake(),
      message: (bytes) => {
        this.messages.push(bytes);
        this.onMessage();
      },
    },
    {
      add: (bytes) => {
        this.bytes += bytes;
        this.most = Math.max(this.most, this.bytes);
        if (bytes > 0 && this.bytes > this.limit) throw new Error("too much");
      },
    },
  );

  /** Messages as they were, although more was read since. */
  get hex(): string[] {
    return this.messages.map((message) => message.toString("hex"));
  }
}

const hex = (messages: readonly Uint8Array[]) => messages.map((message) => Buffer.from(message).toString("hex"));

const anyMessages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
/** How long each chunk is; the last length is that of all further ones. */
const anyLengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

function* chunksOf(bytes: Buffer, lengths: readonly number[]): Iterable<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[Math.min(i, lengths.length - 1)] as number;
    yield Buffer.from(bytes.subarray(at, at + length));
    at += length;
  }
}

describe("a message reader", () => {
  it("gives the same messages whatever the chunks are, and holds nothing in the end", () => {
    fc.assert(
      fc.property(anyMessages, anyLengths, (messages, lengths) => {
        const scene = new Scene();
        for (const chunk of chunksOf(all(messages), lengths)) scene.reader.read(chunk);
        expect(scene.hex).toEqual(hex(messages));
        expect(scene.begun).toEqual(messages.map(({ length }) => length));
        expect([scene.reader.isEmpty, scene.reader.missing, scene.bytes]).toEqual([true, 0, 0]);
      }),
    );
  });

  it("gives the same messages when they have to wait for their turn, which comes at any time", () => {
    const turns = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(anyMessages, anyLengths, turns, (messages, lengths, when) => {
        const scene = new Scene();
        let turn = 0;
        let waits = false;
        scene.mayTake = () => {
          expect(waits).toBe(false); // one waits at most
          waits = when[turn++ % when.length] === true;
          return !waits;
        };
        const goOn = () => {
          const before = scene.messages.length;
          const isTurn = waits;
          waits = false;
          scene.reader.resume();
          if (isTurn) expect(scene.messages.length).toBeGreaterThan(before);
        };
        for (const chunk of chunksOf(all(messages), lengths)) {
          const before = scene.messages.length;
          const waited = waits;
          scene.reader.read(chunk);
          if (waited) expect(scene.messages).toHaveLength(before);
          if (waits && when[turn++ % when.length]) goOn();
        }
        while (waits) goOn();
        expect(scene.hex).toEqual(hex(messages));
        expect([scene.bytes, scene.reader.isEmpty]).toEqual([0, true]);
      }),
    );
  });

  it("gives the same messages when it is paused after each, and resumed at any time", () => {
    const resumes = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(anyMessages, anyLengths, resumes, (messages, lengths, when) => {
        const scene = new Scene();
        scene.onMessage = () => scene.reader.pause();
        let turn = 0;
        for (const chunk of chunksOf(all(messages), lengths)) {
          const before = scene.messages.length;
          scene.reader.read(chunk);
          expect(scene.messages.length).toBeLessThanOrEqual(before + 1);
          if (when[turn++ % when.length]) scene.reader.resume();
        }
        while (!scene.reader.isEmpty) {
          const before = scene.messages.length;
          scene.reader.resume();
          expect(scene.messages).toHaveLength(before + 1);
        }
        expect(scene.hex).toEqual(hex(messages));
        expect(scene.bytes).toBe(0);
      }),
    );
  });

  it("counts the memory that it holds, and gives it back whenever it is closed", () => {
    fc.assert(
      fc.property(anyMessages, anyLengths, fc.nat(300), fc.boolean(), (messages, lengths, cut, isPaused) => {
        const scene = new Scene();
        const bytes = all(messages).subarray(0, cut);
        if (isPaused) scene.reader.pause();
        for (const chunk of chunksOf(bytes, lengths)) scene.reader.read(chunk);
        if (isPaused) expect(scene.bytes).toBeGreaterThanOrEqual(bytes.length);
        scene.reader.close();
        expect(scene.bytes).toBe(0);
        scene.reader.read(framed(Buffer.of(1)));
        scene.reader.resume();
        expect(scene.bytes).toBe(0);
      }),
    );
  });

  it("sets aside no memory for a message that is only announced, and twice what has come at most", () => {
    const scene = new Scene();
    scene.reader.read(framed(Buffer.alloc(1 << 17)).subarray(0, 5));
    expect(scene.bytes).toBe(0);
    expect(scene.reader.missing).toBe(1 << 17);
    let worst = 0;
    for (let came = 1; came < 1 << 17; came++) {
      scene.reader.read(Buffer.of(7));
      worst = Math.max(worst, scene.bytes / Math.max(came, 2_048));
    }
    expect(worst).toBeLessThanOrEqual(2);
    scene.reader.read(Buffer.of(7));
    expect(scene.messages).toEqual([Buffer.alloc(1 << 17, 7)]);
    expect(scene.bytes).toBe(0);
  });

  it("copies what waits a few times, not once for each small piece", () => {
    const scene = new Scene();
    scene.reader.pause();
    let copied = 0;
    const { copy } = Buffer.prototype;
    Buffer.prototype.copy = function (target: Uint8Array, at?: number) {
      const bytes = copy.call(this, target, at);
      copied += bytes;
      return bytes;
    };
    try {
      for (let i = 0; i < 65_535; i++) scene.reader.read(Buffer.of(0));
    } finally {
      Buffer.prototype.copy = copy;
    }
    expect(copied).toBeLessThan(4 * 65_535);
    scene.reader.resume();
    expect(scene.messages).toHaveLength(65_535 / 5);
    expect(scene.bytes).toBe(0);
  });

  it("counts a message once, also in the moment in which it is complete", () => {
    const scene = new Scene();
    const held: number[] = [];
    scene.onMessage = () => held.push(scene.bytes);
    for (const chunk of chunksOf(framed(Buffer.alloc(100_000)), [1_000])) scene.reader.read(chunk);
    expect(held).toEqual([0]);
  });

  it("throws where it may not hold more; what it holds is counted until it is closed", () => {
    const scene = new Scene();
    scene.limit = 10_000;
    scene.reader.read(framed(Buffer.alloc(100_000)).subarray(0, 10_005));
    expect(() => scene.reader.read(Buffer.alloc(1))).toThrow("too much");
    expect(scene.bytes).toBeGreaterThan(10_000);
    scene.reader.close();
    expect(scene.bytes).toBe(0);
  });

  it("stops in the middle of a chunk when it is closed by what takes a message", () => {
    const scene = new Scene();
    scene.onMessage = () => scene.reader.close();
    scene.reader.read(Buffer.concat([framed(Buffer.of(1)), framed(Buffer.of(2)), Buffer.of(0, 0)]));
    expect(scene.hex).toEqual(["01"]);
    expect(scene.bytes).toBe(0);
  });

  it.each([
    [1, 12, /the message is compressed/],
    [2, 13, /a message begins with 2/],
    [255, 13, /a message begins with 255/],
  ])("refuses a message whose flag is %d", (flag, code, details) => {
    for (const length of [1, 3, 5, 100]) {
      const scene = new Scene();
      const read = () => {
        for (const chunk of chunksOf(framed(Buffer.alloc(20), flag), [length])) scene.reader.read(chunk);
      };
      expect(read).toThrow(expect.objectContaining({ code, details: expect.stringMatching(details) }));
      expect(scene.messages).toEqual([]);
    }
  });
});
