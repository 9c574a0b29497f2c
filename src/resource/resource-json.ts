import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { envoyRegistry } from "../schema/registry.js";

/**
 * A message in proto3 JSON with its `@type`, fields spelt as the API spells them (`connect_timeout`), as Envoy's admin page prints
 * them. Of an `Any` in it whose type is not known, only the type is told.
 * @throws XdsError INVALID_RESOURCE for a type that is not known, and for bytes that are none of it
 */
export function resourceJson(typeUrl: string, body: Uint8Array): JsonObject {
  const schema = envoyRegistry().getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema) throw new XdsError("INVALID_RESOURCE", `no schema is known for ${typeUrl}, so it cannot be shown`);
  try {
    return { "@type": typeUrl, ...messageJson(schema, fromBinary(schema, body)) };
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `not a ${typeUrl} that can be shown: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The same of a message, without the `@type`.
 * @throws Error for values that JSON cannot have
 */
export function messageJson(schema: DescMessage, message: Message): JsonObject {
  return typeFirst(toJson(schema, message, { registry: allKnowing(), useProtoFieldName: true })) as JsonObject;
}

/** The type of an Any's message before its fields. */
function typeFirst(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(typeFirst);
  const { "@type": type, ...fields } = value;
  const rest = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, typeFirst(field)]));
  return type === undefined ? rest : { "@type": type, ...rest };
}

/** The API's types, and any other as one without fields. */
function allKnowing(): SchemaRegistry {
  const registry = envoyRegistry();
  return Object.assign(Object.create(registry) as SchemaRegistry, {
    getMessage: (typeName: string) => registry.getMessage(typeName) ?? emptyMessage(typeName),
  });
}

function emptyMessage(typeName: string): DescMessage | undefined {
  const at = typeName.lastIndexOf(".");
  const file = { name: "unknown.proto", syntax: "proto3", package: typeName.slice(0, Math.max(0, at)) };
  const proto = create(FileDescriptorProtoSchema, { ...file, messageType: [{ name: typeName.slice(at + 1) }] });
  return createFileRegistry(proto, () => undefined).getMessage(typeName);
}
