import fc from "fast-check";
import { expect, it } from "vitest";
import { HpackDecoder } from "./decoder.js";
import { encodeHeaders } from "./encoder.js";

const latin1 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1"));

it("a field of the static table is one byte, and a name of it is not spelled out", () => {
  expect(encodeHeaders([[":status", "200"]])).toEqual(Buffer.of(0x88));
  expect(encodeHeaders([["content-type", "a"]])).toEqual(Buffer.of(0x0f, 0x10, 1, 0x61));
});

it("what is encoded is decoded to the same fields, and leaves the dynamic table empty", () => {
  const name = fc.oneof(fc.constantFrom(":status", "content-type", "grpc-status"), latin1);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, latin1)), (fields) => {
      const decoder = new HpackDecoder(4_096, 1e6);
      expect(decoder.decode(encodeHeaders(fields))).toEqual(fields.flat());
      expect(() => decoder.decode(Buffer.of(0xbe))).toThrow("no header field of index 62");
    }),
    { seed: 1 },
  );
});
