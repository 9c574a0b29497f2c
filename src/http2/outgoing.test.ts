import fc from "fast-check";
import { expect, it } from "vitest";
import { copiedBytes, outgoing, putBytes } from "./outgoing.js";

/** Bytes that differ from place to place. */
const body = (length: number, from: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + from) & 0xff);

it("pieces of any length put together are the message, with room for exactly what is copied", () => {
  const length = fc.oneof(fc.nat(20), fc.constantFrom(0, 4_095, 4_096, 4_097, 20_000));
  fc.assert(
    fc.property(
      fc.array(length, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 17_000 })),
      (lengths, counts) => {
        const parts = lengths.map(body);
        const message = outgoing(parts, false, undefined, undefined);
        const buffers: Buffer[] = [];
        for (let i = 0; message.left > 0; i++) {
          const count = Math.min(counts[i] ?? 16_384, message.left);
          const out = Buffer.alloc(1 + copiedBytes(message, count)); // as if a header had one byte
          const before = buffers.reduce((sum, { length }) => sum + length, 0);
          putBytes(message, count, out, 1, buffers);
          expect(buffers.reduce((sum, { length }) => sum + length, 0) - before).toBe(1 + count);
        }
        let at = 0; // the bytes without the headers
        const all = Buffer.concat(buffers);
        const whole = Buffer.concat(parts);
        for (let i = 0, done = 0; done < whole.length; i++) {
          const count = Math.min(counts[i] ?? 16_384, whole.length - done);
          at++;
          expect(all.subarray(at, at + count).equals(whole.subarray(done, done + count))).toBe(true);
          at += count;
          done += count;
        }
        expect(at).toBe(all.length);
      },
    ),
    { seed: 1 },
  );
});

it("large pieces are not copied, small ones are", () => {
  const [small, large] = [body(100, 0), body(10_000, 1)];
  const message = outgoing([small, large], false, undefined, undefined);
  expect(copiedBytes(message, 10_100)).toBe(100);
  const buffers: Buffer[] = [];
  putBytes(message, 10_100, Buffer.alloc(109), 9, buffers);
  expect(buffers.map((buffer) => buffer.buffer === large.buffer)).toEqual([false, true]);
});
