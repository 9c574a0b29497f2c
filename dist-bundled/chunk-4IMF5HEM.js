import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  BinaryReader,
  WireType
} from "./chunk-2XSFRHN3.js";

// dist/schema/wire-reader.js
import { isUtf8 } from "node:buffer";
var WireReader = class extends BinaryReader {
  /** Whether the bytes of the last text() were UTF-8. */
  wasUtf8 = true;
  buffer = Buffer.from(this.buf.buffer, this.buf.byteOffset, this.buf.length);
  /** All bytes of the reader, also those already read. */
  get all() {
    return this.buf;
  }
  /** The bytes from `from` to the current position. */
  slice(from) {
    return this.buf.subarray(from, this.pos);
  }
  /** The bytes from `from` to the current position as a latin1 string, one character per byte. */
  latin1(from) {
    return this.buffer.toString("latin1", from, this.pos);
  }
  /** Skips this tag if it is next. Returns whether it was. */
  skipTag(tag) {
    const start = this.pos;
    if (start < this.len && this.uint32() === tag)
      return true;
    this.pos = start;
    return false;
  }
  /**
   * Reads the next tag: a field number and a wire type.
   * @throws RangeError for a tag that is too long, and for field number 0
   */
  fieldTag() {
    const start = this.pos;
    const tag = this.uint32();
    const size = this.pos - start;
    if (size > 5 || size === 5 && (this.buf[this.pos - 1] ?? 0) > 15)
      throw new RangeError("a tag in it is too long");
    if (tag >>> 3 === 0)
      throw new RangeError("a field in it has the number 0");
    return tag;
  }
  /**
   * Reads the length of a value, and returns where the value ends. `end` is the end of the message around it.
   * @throws RangeError for a length that is too long, and for a value that goes beyond `end`
   */
  valueEnd(end = this.len) {
    const start = this.pos;
    const length = this.uint32();
    if (this.pos - start > 5)
      throw new RangeError("a length in it is too long");
    if (this.pos + length > end)
      throw new RangeError("it ends early");
    return this.pos + length;
  }
  /** Skips consecutive values of a repeated field, whose first tag has been read. */
  passRepeated(fieldNo) {
    do
      this.pos = this.valueEnd();
    while (this.skipTag(lengthDelimited(fieldNo)));
  }
  /** Reads the string that ends at `end`. */
  text(end) {
    const text = this.buffer.toString("utf8", this.pos, end);
    this.wasUtf8 = !text.includes("\uFFFD") || this.isUtf8(end);
    this.pos = end;
    return text;
  }
  /** Whether the bytes from the current position to `end` are UTF-8. */
  isUtf8(end) {
    let at = this.pos;
    while (at < end && (this.buf[at] ?? 0) < 128)
      at++;
    return at === end || isUtf8(this.buf.subarray(at, end));
  }
  /** Skips the value of a field whose tag has been read. */
  pass(tag) {
    const wireType = tag & 7;
    if (wireType === WireType.LengthDelimited)
      this.pos = this.valueEnd();
    else if (wireType === WireType.Varint)
      this.passVarint();
    else
      this.skip(wireType, tag >>> 3);
  }
  passVarint() {
    const last = this.pos + 10;
    while ((this.buf[this.pos++] ?? 0) > 127)
      if (this.pos === last)
        throw new RangeError("a number in it is too long");
    this.assertBounds();
  }
};
var lengthDelimited = (fieldNo) => fieldNo << 3 | WireType.LengthDelimited;
function mustEndAt(reader, end) {
  if (reader.pos !== end)
    throw new RangeError("a value in it is longer than its stated length");
}
function fieldValues(message, fieldNo) {
  const reader = new WireReader(message);
  const values = [];
  while (reader.pos < reader.len) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(fieldNo))
      values.push(reader.bytes());
    else
      reader.pass(tag);
  }
  return values;
}
var lastField = (message, fieldNo) => fieldValues(message, fieldNo).at(-1);
var valuesAt = (message, path) => path.reduce((messages, fieldNo) => messages.flatMap((one) => fieldValues(one, fieldNo)), [message]);

export {
  WireReader,
  lengthDelimited,
  mustEndAt,
  lastField,
  valuesAt
};
