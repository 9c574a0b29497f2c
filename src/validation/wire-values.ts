import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import type { WireReader } from "../schema/wire-reader.js";
import { wireTypeOf } from "../schema/wire-type.js";
import { nanoseconds } from "./api-rules.js";
import type { Value } from "./value-rules.js";

/** Reads the value at the reader's position. A length-delimited value ends at `end`. */
export type ReadValue = (reader: WireReader, end: number) => Value;

/** The reader for each scalar type. */
export const scalarReaders: Readonly<Record<ScalarType, ReadValue>> = {
  [ScalarType.DOUBLE]: (reader) => reader.double(),
  [ScalarType.FLOAT]: (reader) => reader.float(),
  [ScalarType.INT64]: (reader) => BigInt(reader.int64()),
  [ScalarType.UINT64]: (reader) => BigInt(reader.uint64()),
  [ScalarType.INT32]: (reader) => reader.int32(),
  [ScalarType.FIXED64]: (reader) => BigInt(reader.fixed64()),
  [ScalarType.FIXED32]: (reader) => reader.fixed32(),
  [ScalarType.BOOL]: (reader) => reader.bool(),
  [ScalarType.STRING]: (reader, end) => reader.text(end),
  [ScalarType.BYTES]: (reader, end) => {
    const start = reader.pos;
    reader.pos = end;
    return reader.slice(start);
  },
  [ScalarType.UINT32]: (reader) => reader.uint32(),
  [ScalarType.SFIXED32]: (reader) => reader.sfixed32(),
  [ScalarType.SFIXED64]: (reader) => BigInt(reader.sfixed64()),
  [ScalarType.SINT32]: (reader) => reader.sint32(),
  [ScalarType.SINT64]: (reader) => BigInt(reader.sint64()),
};

/** Returns the value of an unset field. */
export function zeroOf(scalar: ScalarType): Value {
  switch (scalar) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BYTES:
      return new Uint8Array();
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 0n;
    default:
      return 0;
  }
}

/** Whether a message is a wrapper (google/protobuf/wrappers.proto): a value that may be absent. */
export const isWrapper = (schema: DescMessage): boolean => schema.file.name === "google/protobuf/wrappers";

/** Makes a reader for the value in a wrapper. */
export function readWrapper(schema: DescMessage): ReadValue {
  const [field] = schema.fields;
  if (!field?.scalar) throw new Error(`${schema.typeName} is not a wrapper`);
  const read = scalarReaders[field.scalar];
  const wireType = wireTypeOf(field.scalar);
  const zero = zeroOf(field.scalar);
  return (reader, end) => {
    let value = zero;
    while (reader.pos < end) {
      const tag = reader.fieldTag();
      if (tag !== ((1 << 3) | wireType)) reader.pass(tag);
      else value = read(reader, wireType === WireType.LengthDelimited ? reader.valueEnd(end) : end);
    }
    return value;
  };
}

/** Reads a google.protobuf.Duration or Timestamp, as nanoseconds. */
export const readDuration: ReadValue = (reader, end) => {
  const time = { seconds: 0n, nanos: 0 };
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === ((1 << 3) | WireType.Varint)) time.seconds = BigInt(reader.int64());
    else if (tag === ((2 << 3) | WireType.Varint)) time.nanos = reader.int32();
    else reader.pass(tag);
  }
  return nanoseconds(time);
};
