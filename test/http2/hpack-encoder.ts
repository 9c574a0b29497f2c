import { codeLengths } from "../../src/http2/hpack/huffman.js";
import { staticTable } from "../../src/http2/hpack/static-table.js";

/**
 * The Huffman code of each symbol, as text of 0 and 1. It is canonical, so the lengths of RFC 7541, appendix B, say
 * all.
 */
const codes: string[] = [];
{
  const order = codeLengths.map((_, symbol) => symbol).sort((a, b) => bitsOf(a) - bitsOf(b) || a - b);
  let code = 0n;
  let bits = 0;
  for (const symbol of order) {
    code <<= BigInt(bitsOf(symbol) - bits);
    bits = bitsOf(symbol);
    codes[symbol] = code.toString(2).padStart(bits, "0");
    code++;
  }
}

function bitsOf(symbol: number): number {
  return codeLengths[symbol] as number;
}

/** Text of 0 and 1 as bytes, padded with 1s. */
export function bytesOf(bits: string): Buffer {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from((padded.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** The bits of a text, without padding. 256 is EOS. */
export const huffmanBits = (symbols: Iterable<number>) => [...symbols].map((symbol) => codes[symbol]).join("");
export const huffman = (text: string) => bytesOf(huffmanBits(Buffer.from(text, "latin1")));

/** How a field is sent. */
export type Form = "indexed" | "plain" | "never";

/** An encoder that uses all forms of RFC 7541, section 6, and a dynamic table of at most so many bytes. */
export class ClientHpack {
  private table: (readonly [string, string])[] = [];
  private bytes = 0;

  constructor(private capacity = 4_096) {}

  resize(capacity: number): Buffer {
    this.capacity = capacity;
    this.evict();
    return integer(0x20, 5, capacity);
  }

  field(name: string, value: string, form: Form, isHuffman: boolean): Buffer {
    const all = [...staticTable, ...this.table];
    const whole = all.findIndex((entry) => entry[0] === name && entry[1] === value) + 1;
    if (whole > 0 && form === "indexed") return integer(0x80, 7, whole);
    const known = all.findIndex((entry) => entry[0] === name) + 1;
    const [first, prefix] = form === "indexed" ? [0x40, 6] : form === "plain" ? [0, 4] : [0x10, 4];
    const parts = [integer(first, prefix, known)];
    if (known === 0) parts.push(string(name, isHuffman));
    parts.push(string(value, isHuffman));
    if (form === "indexed") {
      this.table.unshift([name, value]);
      this.bytes += name.length + value.length + 32;
      this.evict();
    }
    return Buffer.concat(parts);
  }

  private evict(): void {
    while (this.bytes > this.capacity) {
      const [name, value] = this.table.pop() as [string, string];
      this.bytes -= name.length + value.length + 32;
    }
  }
}

/** An integer of RFC 7541, section 5.1. */
export function integer(first: number, prefix: number, value: number): Buffer {
  const mask = 2 ** prefix - 1;
  if (value < mask) return Buffer.of(first | value);
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.of(...bytes, rest);
}

export function string(text: string, isHuffman: boolean): Buffer {
  const bytes = isHuffman ? huffman(text) : Buffer.from(text, "latin1");
  return Buffer.concat([integer(isHuffman ? 0x80 : 0, 7, bytes.length), bytes]);
}
