import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { mustEndAt, type WireReader } from "../schema/wire-reader.js";
import { fits, type MessagePlan } from "./message-plan.js";

/** An encoded field. For a message that occurs several times, `value` has all occurrences. */
interface Written {
  readonly tag: number;
  readonly value: readonly Uint8Array[];
  /** The type of a message field that may occur only once. */
  readonly message: DescMessage | undefined;
}

/**
 * Encodes the message from the reader's position to `end` again, with each singular field and each oneof written once.
 * This is the message that decoders make.
 *
 * The last value of a field counts. All occurrences of a message field are joined. Messages inside are not changed.
 * `onDropped` is called for each message that another field of its oneof has replaced.
 * @throws Error for a string that is not UTF-8; RangeError for invalid lengths and tags
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
    if (once?.scalar === ScalarType.STRING && !reader.isUtf8(next)) throw new Error("a string in it is not UTF-8");
    if (once?.message) while (reader.pos < next) reader.pass(reader.fieldTag());
    else if (isBytes) reader.pos = next;
    else reader.pass(tag);
    if (isBytes) mustEndAt(reader, next);
    const key = once ? (once.oneof ?? once) : written.size;
    const earlier = written.get(key);
    const isMore = earlier?.tag === tag && once?.message;
    const value = [...(isMore ? earlier.value : []), reader.slice(start)];
    if (earlier?.message && !isMore) onDropped(earlier.message, Buffer.concat(earlier.value));
    written.set(key, { tag, value, message: once?.message });
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
