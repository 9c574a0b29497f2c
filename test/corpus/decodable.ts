import { isUtf8 } from "node:buffer";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** What a field holds, wherever it is: also in a list and in a map's entry. */
type Held = Pick<DescField, "message" | "scalar">;

/**
 * Whether bytes can be decoded as a message by the rules of the wire format, where a field with another wire type than
 * its own is an unknown one; what is in Anys is only bytes. Written without regard to how validation reads.
 */
export function isDecodable(schema: DescMessage, bytes: Uint8Array): boolean {
  try {
    decode(schema, bytes);
    return true;
  } catch {
    return false;
  }
}

function decode(schema: DescMessage, bytes: Uint8Array): void {
  for (const [no, wireType, value] of fieldsIn(bytes)) {
    const field = schema.fields.find((one) => one.number === no);
    if (!field) continue;
    if (field.fieldKind === "map") {
      if (wireType !== WireType.LengthDelimited) continue;
      for (const [part, type, inner] of fieldsIn(value)) {
        const held = part === 1 ? { message: undefined, scalar: field.mapKey } : part === 2 ? field : undefined;
        if (held && type === wireTypeOf(held)) decodeValue(held, inner);
      }
    } else if (wireType === wireTypeOf(field)) decodeValue(field, value);
    else if (wireType === WireType.LengthDelimited && field.fieldKind === "list") decodePacked(field, value);
  }
}

function decodeValue({ message, scalar }: Held, value: Uint8Array): void {
  if (message) decode(message, value);
  else if (scalar === ScalarType.STRING && !isUtf8(value)) throw new Error("not UTF-8");
}

function decodePacked(field: Held, bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) take(reader, wireTypeOf(field));
}

/** The fields of a message: number, wire type, and the value without its length. */
function fieldsIn(bytes: Uint8Array): [number, WireType, Uint8Array][] {
  const reader = new BinaryReader(bytes);
  const fields: [number, WireType, Uint8Array][] = [];
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    fields.push([no, wireType, take(reader, wireType, no)]);
  }
  return fields;
}

function take(reader: BinaryReader, wireType: WireType, no?: number): Uint8Array {
  if (wireType === WireType.LengthDelimited) return reader.bytes();
  const bytes = reader.skip(wireType, no);
  if (wireType === WireType.Varint && bytes.length > 10) throw new Error("a varint of more than 10 bytes");
  return bytes;
}

function wireTypeOf({ message, scalar }: Held): WireType {
  if (message) return WireType.LengthDelimited;
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}
