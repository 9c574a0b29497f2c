import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { fits, type MessagePlan } from "./message-plan.js";
import { mustEndAt, type WireReader } from "./wire-reader.js";

/** A field with its value as it was written; of a message that occurred several times, with all that it was. */
interface Written {
  readonly tag: number;
  readonly value: readonly Uint8Array[];
  /** Of a message that may occur once: its type. */
  readonly message: DescMessage | undefined;
}

/**
 * The message of which the reader is at the start, up to `end`, with each field that may occur once written once, and one of a
 * oneof's fields: what decoders make of it. The last value counts, and of a message all of them together, one after the other.
 * The messages in it are as they were. Told of are the messages that another field of their oneof has taken the place of.
 */
export function mergedFields(
  reader: WireReader,
  end: number,
  { schema, fields }: MessagePlan,
  onDropped: (schema: DescMessage, bytes: Uint8Array) => void,
): Uint8Array {
  const written = new Map<unknown, Written>();
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    const plan = fields.get(tag >>> 3);
    const isBytes = (tag & 7) === WireType.LengthDelimited;
    const next = isBytes ? reader.valueEnd(end) : 0;
    const start = reader.pos;
    const once = plan && plan.list < 0 && fits(plan, tag & 7) ? fieldOf(schema, tag >>> 3) : undefined;
    if (once?.scalar === ScalarType.STRING && !reader.isUtf8(next)) throw new Error("a text in it is not UTF-8");
    if (once?.message) while (reader.pos < next) reader.pass(reader.fieldTag());
    else if (isBytes) reader.pos = next;
    else reader.pass(tag);
    if (isBytes) mustEndAt(reader, next);
    const place = once ? (once.oneof ?? once) : written.size;
    const earlier = written.get(place);
    const isMore = earlier?.tag === tag && once?.message;
    const value = [...(isMore ? earlier.value : []), reader.slice(start)];
    if (earlier?.message && !isMore) onDropped(earlier.message, Buffer.concat(earlier.value));
    written.set(place, { tag, value, message: once?.message });
  }
  mustEndAt(reader, end);
  const writer = new BinaryWriter();
  for (const { tag, value } of written.values()) {
    writer.uint32(tag);
    if ((tag & 7) === WireType.LengthDelimited) writer.bytes(Buffer.concat(value));
    else for (const one of value) writer.raw(one);
  }
  return writer.finish();
}

const fieldOf = (schema: DescMessage, fieldNo: number): DescField | undefined =>
  schema.fields.find((field) => field.number === fieldNo);
