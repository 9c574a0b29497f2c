import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { mustEndAt, WireReader } from "../schema/wire-reader.js";
import { wireTypeOf } from "../schema/wire-type.js";

/** Limits for the parts of an encoded message. */
export interface MostParts {
  /** The messages in it, at any depth. An entry of a map counts as a message. Decoding one takes a microsecond. */
  readonly messages: number;
  /** The fields of all messages. Unknown fields count, and each number of a packed list counts. */
  readonly fields: number;
}

/** How a field is encoded. */
interface Part {
  readonly wireType: WireType;
  /** The message, or the map, that a value is. */
  readonly of?: DescMessage | DescField;
  /** For a list that may be packed. */
  readonly isPackable: boolean;
}

/** The fields of a message or a map entry, by number. */
type Parts = ReadonlyMap<number, Part>;

/**
 * Counts the parts of an encoded message, and returns which limit of `most` it exceeds; undefined if none.
 *
 * Counting costs a fraction of what decoding costs. It refuses bytes that the decoder would read otherwise than they
 * are counted: protobuf-es takes a known field of any wire type for one of the right type, and reads on beyond the end
 * of a message.
 * @throws Error for bytes that are not protobuf, and for messages that are nested too deeply
 */
export function tooManyParts(schema: DescMessage, bytes: Uint8Array, most: MostParts): keyof MostParts | undefined {
  const reader = new WireReader(bytes);
  let { messages, fields } = most;
  const isFine = (of: DescMessage | DescField, end: number, depth: number): boolean => {
    if (depth > deepest) throw new Error(`its messages are nested more than ${deepest} levels deep`);
    const parts = partsOf(of);
    while (reader.pos < end) {
      if (fields < 0 || messages < 0) return false;
      const [number, wireType] = reader.tag();
      fields--;
      const part = parts.get(number);
      if (!part) {
        if (of.kind === "field") throw new Error(`an entry of a map in it has a field ${number}`);
        reader.skip(wireType, number);
      } else if (part.isPackable && wireType === WireType.LengthDelimited) {
        const valueEnd = reader.valueEnd(end);
        fields -= valueEnd - reader.pos;
        passPacked(reader, part.wireType, valueEnd);
      } else if (wireType !== part.wireType) throw new Error(`field ${number} in it has the wire type ${wireType}`);
      else if (!part.of) reader.skip(wireType, number);
      else {
        messages--;
        if (!isFine(part.of, reader.valueEnd(end), depth + 1)) return false;
      }
    }
    mustEndAt(reader, end);
    return fields >= 0 && messages >= 0;
  };
  if (isFine(schema, reader.len, 0)) return undefined;
  return messages < 0 ? "messages" : "fields";
}

/** Moves behind a packed list, in which the last number must be whole. */
function passPacked(reader: WireReader, wireType: WireType, end: number): void {
  const length = end - reader.pos;
  const isWhole =
    wireType === WireType.Bit64
      ? length % 8 === 0
      : wireType === WireType.Bit32
        ? length % 4 === 0
        : length === 0 || (reader.all[end - 1] as number) < 128;
  if (!isWhole) throw new RangeError("a packed list in it ends in the middle of a number");
  reader.pos = end;
}

/** How deep messages may be nested. The decoder has the same limit. */
const deepest = 100;

const known = new WeakMap<DescMessage | DescField, Parts>();

function partsOf(of: DescMessage | DescField): Parts {
  let parts = known.get(of);
  if (!parts) {
    parts = new Map(of.kind === "field" ? partsOfEntry(of) : of.fields.map((field) => [field.number, partOf(field)]));
    known.set(of, parts);
  }
  return parts;
}

function partsOfEntry(field: DescField): [number, Part][] {
  if (field.fieldKind !== "map") return [];
  const key = { wireType: wireTypeOf(field.mapKey), isPackable: false };
  return [
    [1, key],
    [2, valuePart(field)],
  ];
}

function partOf(field: DescField): Part {
  if (field.fieldKind === "map") return { wireType: WireType.LengthDelimited, of: field, isPackable: false };
  const part = valuePart(field);
  return { ...part, isPackable: field.fieldKind === "list" && part.wireType !== WireType.LengthDelimited };
}

function valuePart({ message, scalar }: Pick<DescField, "message" | "scalar">): Part {
  if (message) return { wireType: WireType.LengthDelimited, of: message, isPackable: false };
  return { wireType: scalar === undefined ? WireType.Varint : wireTypeOf(scalar), isPackable: false };
}
