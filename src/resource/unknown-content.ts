import { fromBinary, isMessage, type Message } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { schemaOf } from "./any-content.js";
import type { Resource } from "./resource.js";

/** Whether a resource has fields, or messages in it, that the API in use does not know: JSON leaves them out. */
export function hasUnknownContent({ type, body }: Resource): boolean {
  return isUnknown(type.typeUrl, body);
}

function isUnknown(typeUrl: string, bytes: Uint8Array): boolean {
  const schema = schemaOf(typeUrl);
  try {
    return schema ? hasUnknown(fromBinary(schema, bytes)) : bytes.length > 0;
  } catch {
    return false; // broken, which is another matter
  }
}

function hasUnknown(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  if (isMessage(value, AnySchema)) return isUnknown(value.typeUrl, value.value);
  return ((value as Message).$unknown?.length ?? 0) > 0 || Object.values(value).some(hasUnknown);
}
