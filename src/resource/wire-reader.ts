import { isUtf8 } from "node:buffer";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Reads encoded messages in place: it copies nothing that it passes over. */
export class WireReader extends BinaryReader {
  private readonly buffer = Buffer.from(this.buf.buffer, this.buf.byteOffset, this.buf.length);

  /** The bytes from there to here. */
  slice(from: number): Uint8Array {
    return this.buf.subarray(from, this.pos);
  }

  /** The string from here to there; goes there. */
  text(end: number): string {
    const text = this.buffer.toString("utf8", this.pos, end);
    this.pos = end;
    return text;
  }

  /** Whether the bytes from here to there are UTF-8. */
  isUtf8(end: number): boolean {
    let at = this.pos;
    while (at < end && (this.buf[at] ?? 0) < 128) at++;
    return at === end || isUtf8(this.buf.subarray(at, end));
  }

  /** Passes over a field whose tag is read. */
  pass(tag: number): void {
    if (tag >>> 3 === 0) throw new RangeError("a field in it has the number 0");
    if ((tag & 7) === WireType.LengthDelimited) {
      const length = this.uint32();
      this.pos += length;
    } else this.skip(tag & 7, tag >>> 3);
  }
}

/** The tag of a field that is a message, a string or bytes. */
export const lengthDelimited = (fieldNo: number): number => (fieldNo << 3) | WireType.LengthDelimited;
