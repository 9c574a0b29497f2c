import { WireType } from "@bufbuild/protobuf/wire";
import { type Plan, planIn } from "./reference-plan.js";

/**
 * Whether a message whose plan is plain may refer to anything; true as well where its bytes are unusual, or no such
 * message. Keeps nothing of what it reads: an assignment may have thousands of endpoints, and hardly ever does one of
 * them name an internal listener.
 */
export function mayRefer(bytes: Uint8Array, start: number, end: number, plan: Plan): boolean {
  let pos = start;
  while (pos < end) {
    const tag = bytes[pos++] as number;
    if (tag > 127) return true; // a field's number above 15
    const wireType = tag & 7;
    if (wireType === WireType.Varint) {
      while ((bytes[pos++] as number) > 127);
      continue;
    }
    if (wireType !== WireType.LengthDelimited) return true;
    let length = bytes[pos++] as number;
    if (length > 127) length = (length & 127) | ((bytes[pos++] as number) << 7);
    if (length > 16_383) return true; // a length of more than two bytes
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
