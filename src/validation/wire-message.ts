import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { isTypedStruct, typeNameOf } from "../json/any-content.js";
import { FieldPath } from "../json/field-path.js";

/** The field number of the type URL in an Any or a TypedStruct. */
const typeUrlField = 1;
/** The field number of the content of an Any. */
const valueField = 2;

/**
 * An encoded message whose fields can be read one by one.
 *
 * Field names are those of the schema, in lowerCamelCase. An unknown field counts as absent. Bytes of another type give
 * wrong values, but no error.
 */
export class WireMessage {
  constructor(
    readonly schema: DescMessage,
    readonly bytes: Uint8Array,
    /** The message's path; undefined for the resource itself. */
    readonly at: FieldPath | undefined,
  ) {}

  has(name: string): boolean {
    const field = this.schema.field[name];
    return field !== undefined && values(this.bytes, field.number).length > 0;
  }

  /** The value of a string field; "" if it is not set. */
  text(name: string): string {
    return this.texts(name).at(-1) ?? "";
  }

  /** The elements of a list of strings. */
  texts(name: string): string[] {
    return this.parts(name).map((part) => utf8(part));
  }

  /** The value of a bytes field, or the undecoded value of a string field; undefined if it is not set. */
  content(name: string): Uint8Array | undefined {
    return this.parts(name).at(-1);
  }

  /** The value of a varint field: an integer, an enum, or a bool (0 or 1); 0 if it is not set. */
  number(name: string): number {
    const field = this.schema.field[name];
    const last = field && values(this.bytes, field.number).at(-1);
    return typeof last === "number" ? last : 0;
  }

  /** The value of a double field; undefined if it is not set. */
  double(name: string): number | undefined {
    const part = this.parts(name).at(-1);
    return part?.length === 8 ? Buffer.from(part).readDoubleLE() : undefined;
  }

  /** The message in a field; undefined if it is not set. */
  message(name: string): WireMessage | undefined {
    const field = this.schema.field[name];
    const parts = this.parts(name);
    const [first] = parts;
    if (!field?.message || !first) return undefined;
    // A repeated singular message is one message with the fields of all occurrences.
    const bytes = parts.length === 1 ? first : Buffer.concat(parts);
    return new WireMessage(field.message, bytes, FieldPath.field(this.at, field.name));
  }

  /** The elements of a list of messages. */
  messages(name: string): WireMessage[] {
    const { message, name: spelling } = this.schema.field[name] ?? ({} as Partial<DescField>);
    if (!message || spelling === undefined) return [];
    return this.parts(name).map((bytes, index) => {
      return new WireMessage(message, bytes, FieldPath.field(this.at, spelling, index));
    });
  }

  /**
   * The full name of the message in an Any, or of the message that a TypedStruct in it stands for; "" if there is none.
   */
  typeIn(name: string): string {
    const any = this.content(name);
    if (!any) return "";
    const typeName = typeNameIn(any);
    return isTypedStruct(typeName) ? typeNameIn(lastPart(any, valueField)) : typeName;
  }

  /** Returns the path of one of its fields, or of an element of one. */
  path(name: string, index?: number): FieldPath {
    return FieldPath.field(this.at, this.schema.field[name]?.name ?? name, index);
  }

  private parts(name: string): Uint8Array[] {
    const field = this.schema.field[name];
    if (!field) return [];
    return values(this.bytes, field.number).filter((value) => typeof value !== "number");
  }
}

const utf8 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
const lastPart = (bytes: Uint8Array, fieldNo: number): Uint8Array =>
  values(bytes, fieldNo).findLast((value) => typeof value !== "number") ?? nothing;
const typeNameIn = (message: Uint8Array): string => typeNameOf(utf8(lastPart(message, typeUrlField)));
const nothing = new Uint8Array();

/** The values of a field: numbers for varints, bytes for length-delimited and 64-bit values. */
function values(bytes: Uint8Array, fieldNo: number): (Uint8Array | number)[] {
  const found: (Uint8Array | number)[] = [];
  const end = bytes.length;
  let pos = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; pos < end; factor *= 128) {
      const byte = bytes[pos++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (pos < end) {
    const tag = varint();
    const isIt = Math.floor(tag / 8) === fieldNo;
    switch (tag % 8) {
      case WireType.Varint: {
        const value = varint();
        if (isIt) found.push(value);
        break;
      }
      case WireType.LengthDelimited: {
        const length = varint();
        if (isIt) found.push(bytes.subarray(pos, pos + length));
        pos += length;
        break;
      }
      case WireType.Bit64:
        if (isIt) found.push(bytes.subarray(pos, pos + 8));
        pos += 8;
        break;
      case WireType.Bit32:
        pos += 4;
        break;
      default:
        return found; // The API has no groups.
    }
  }
  return found;
}
