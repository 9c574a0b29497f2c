import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, huffman, huffmanBits } from "../../../test/http2/hpack-encoder.js";
import { decodeHuffman } from "./huffman.js";

const hex = (text: string) => Buffer.from(text, "hex");
const compression = expect.objectContaining({ name: "ConnectionError", code: 9 });
const a = huffmanBits([0x61]); // 00011

describe("Huffman codes", () => {
  it.each([
    ["f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"],
    ["a8eb10649cbf", "no-cache"],
    ["25a849e95ba97d7f", "custom-key"],
    ["9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"],
    ["", ""],
  ])("%s is %s (RFC 7541, appendix C)", (bytes, text) => {
    expect(decodeHuffman(hex(bytes))).toBe(text);
  });

  it.each([
    ["no padding", bytesOf(a.repeat(8)), "a".repeat(8)],
    ["seven 1s", bytesOf(a.repeat(5)), "aaaaa"],
  ])("end with %s", (_, bytes, text) => {
    expect(decodeHuffman(bytes)).toBe(text);
  });

  it.each([
    ["padding of eight 1s", Buffer.concat([bytesOf(a), Buffer.of(0xff)])],
    ["a byte of 1s alone", Buffer.of(0xff)],
    ["padding of 0s", hex("18")],
    ["padding with a 0 in it", bytesOf(`${a}110`)],
    ["EOS", bytesOf(huffmanBits([256]))],
    ["EOS between symbols", bytesOf(huffmanBits([0x61, 256, 0x61]))],
    ["a symbol that is cut off", bytesOf(huffmanBits([0]).slice(0, 8))],
  ])("with %s are refused (5.2)", (_, bytes) => {
    expect(() => decodeHuffman(bytes)).toThrow(compression);
  });

  it("of each byte are decoded", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = Buffer.of(byte, 0x61, byte).toString("latin1");
      expect(decodeHuffman(huffman(text))).toBe(text);
    }
  });

  it("of any text are decoded", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString("latin1");
        expect(decodeHuffman(huffman(text))).toBe(text);
      }),
      { seed: 1 },
    );
  });
});
