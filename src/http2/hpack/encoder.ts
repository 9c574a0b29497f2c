import { staticTable } from "./static-table.js";

/**
 * Encodes a header list without the dynamic table and without Huffman codes, so that the block is the same for every
 * connection and can be made once (RFC 7541, sections 6.1 and 6.2.2). Names are in lower case; values are latin1.
 */
export function encodeHeaders(fields: Iterable<readonly [name: string, value: string]>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) {
    const whole = staticTable.findIndex((entry) => entry[0] === name && entry[1] === value) + 1;
    if (whole > 0) {
      parts.push(integer(0x80, 7, whole));
      continue;
    }
    const known = staticTable.findIndex((entry) => entry[0] === name) + 1;
    parts.push(integer(0, 4, known));
    if (known === 0) pushString(parts, name);
    pushString(parts, value);
  }
  return Buffer.concat(parts);
}

/** An integer with a prefix of `prefix` bits. `first` has the bits before the prefix (5.1). */
function integer(first: number, prefix: number, value: number): Buffer {
  const mask = 2 ** prefix - 1;
  if (value < mask) return Buffer.of(first | value);
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function pushString(parts: Buffer[], text: string): void {
  const encoded = Buffer.from(text, "latin1");
  parts.push(integer(0, 7, encoded.length), encoded);
}
