import { WireType } from "@bufbuild/protobuf/wire";
import { type Plan, planIn } from "./plan.js";

/**
 * Whether a message with a plain plan may contain a reference. True also for bytes that are unusual or not such a
 * message.
 *
 * It allocates nothing: an assignment may have thousands of endpoints, and hardly any of them refers to an internal
 * listener.
 */
export function mayRefer(bytes: Uint8Array, start: number, end: number, plan: Plan): boolean {
  let pos = start;
  while (pos < end) {
    const tag = bytes[pos++] as number;
    if (tag > 127) return true; // a field number above 15
    const wireType = tag & 7;
    if (wireType === WireType.Varint) {
      while ((bytes[pos++] as number) > 127);
      continue;
    }
    if (wireType !== WireType.LengthDelimited) return true;
    let length = bytes[pos++] as number;
    if (length > 127) length = (length & 127) | ((bytes[pos++] as number) << 7);
    if (length > 16_383) return true; // a length with more than two bytes
    const field = plan.fields.get(tag >>> 3);
    if (field !== undefined) {
      if (field.target !== undefined) return true;
      const inner = planIn(field);
      if (inner && mayRefer(bytes, pos, pos + length, inner)) return true;
    }
    pos += length;
  }
  return pos !== end;
}
