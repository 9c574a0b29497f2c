import { fromBinary, isMessage, type Message, type Registry } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { schemaOf } from "../json/any-content.js";
import type { Resource } from "../resource/resource.js";

/** Whether a resource has fields or inner messages that its API does not know. Such content is lost in JSON. */
export function hasUnknownContent({ type, body }: Resource): boolean {
  return isUnknown(type.typeUrl, body, type.api.registry);
}

function isUnknown(typeUrl: string, bytes: Uint8Array, registry: Registry): boolean {
  const schema = schemaOf(typeUrl, registry);
  try {
    return schema ? hasUnknown(fromBinary(schema, bytes), registry) : bytes.length > 0;
  } catch {
    return false; // undecodable content is reported elsewhere
  }
}

function hasUnknown(value: unknown, registry: Registry): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  if (isMessage(value, AnySchema)) return isUnknown(value.typeUrl, value.value, registry);
  return (
    ((value as Message).$unknown?.length ?? 0) > 0 || Object.values(value).some((inner) => hasUnknown(inner, registry))
  );
}
