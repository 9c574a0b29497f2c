import { isUtf8 } from "node:buffer";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Reads encoded messages in place: it copies nothing that it passes over. As strict as Envoy's own decoder. */
export class WireReader extends BinaryReader {
  /** Whether the bytes of the last text() were UTF-8. */
  wasUtf8 = true;
  private readonly buffer = Buffer.from(this.buf.buffer, this.buf.byteOffset, this.buf.length);

  /** All that there is to read. */
  get all(): Uint8Array {
    return this.buf;
  }

  /** The bytes from there to here. */
  slice(from: number): Uint8Array {
    return this.buf.subarray(from, this.pos);
  }

  /** The bytes from there to here, each as a character. */
  latin1(from: number): string {
    return this.buffer.toString("latin1", from, this.pos);
  }

  /** Passes over a tag if it is the next thing; tells whether it was. */
  skipTag(tag: number): boolean {
    const start = this.pos;
    if (start < this.len && this.uint32() === tag) return true;
    this.pos = start;
    return false;
  }

  /** The tag that the reader is at: a field's number and wire type. */
  fieldTag(): number {
    const start = this.pos;
    const tag = this.uint32();
    const size = this.pos - start;
    if (size > 5 || (size === 5 && (this.buf[this.pos - 1] ?? 0) > 15)) throw new RangeError("a tag in it is too long");
    if (tag >>> 3 === 0) throw new RangeError("a field in it has the number 0");
    return tag;
  }

  /** Reads the length of a value of a message that goes up to `end`; gives back where the value ends. */
  valueEnd(end = this.len): number {
    const start = this.pos;
    const length = this.uint32();
    if (this.pos - start > 5) throw new RangeError("a length in it is too long");
    if (this.pos + length > end) throw new RangeError("it ends early");
    return this.pos + length;
  }

  /** Passes over the value of a repeated field whose first tag is read, up to the last that directly follows. */
  passRepeated(fieldNo: number): void {
    do this.pos = this.valueEnd();
    while (this.skipTag(lengthDelimited(fieldNo)));
  }

  /** The string from here to there; goes there. */
  text(end: number): string {
    const text = this.buffer.toString("utf8", this.pos, end);
    this.wasUtf8 = !text.includes("\ufffd") || this.isUtf8(end);
    this.pos = end;
    return text;
  }

  /** Whether the bytes from here to there are UTF-8. */
  isUtf8(end: number): boolean {
    let at = this.pos;
    while (at < end && (this.buf[at] ?? 0) < 128) at++;
    return at === end || isUtf8(this.buf.subarray(at, end));
  }

  /** Passes over the value of a field whose tag is read. */
  pass(tag: number): void {
    const wireType = tag & 7;
    if (wireType === WireType.LengthDelimited) this.pos = this.valueEnd();
    else if (wireType === WireType.Varint) this.passVarint();
    else this.skip(wireType, tag >>> 3);
  }

  private passVarint(): void {
    const last = this.pos + 10;
    while ((this.buf[this.pos++] ?? 0) > 127) if (this.pos === last) throw new RangeError("a number in it is too long");
    this.assertBounds();
  }
}

/** The tag of a field that is a message, a string or bytes. */
export const lengthDelimited = (fieldNo: number): number => (fieldNo << 3) | WireType.LengthDelimited;

/** @throws RangeError where what was read is not just what was there to be read */
export function mustEndAt(reader: WireReader, end: number): void {
  if (reader.pos !== end) throw new RangeError("a value in it is longer than it says");
}

/** The values of a field of a message, which is a message, a string or bytes itself. */
function fieldValues(message: Uint8Array, fieldNo: number): Uint8Array[] {
  const reader = new WireReader(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(fieldNo)) values.push(reader.bytes());
    else reader.pass(tag);
  }
  return values;
}

/** The last of them. */
export const lastField = (message: Uint8Array, fieldNo: number): Uint8Array | undefined =>
  fieldValues(message, fieldNo).at(-1);

/** All values at the end of a path through messages, which may lead through lists. */
export const valuesAt = (message: Uint8Array, path: readonly number[]): Uint8Array[] =>
  path.reduce<Uint8Array[]>((messages, fieldNo) => messages.flatMap((one) => fieldValues(one, fieldNo)), [message]);
