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

/**
 * Returns a message in proto3 JSON with its `@type`. Fields are spelt as in the API (`connect_timeout`), as on Envoy's
 * admin page. An `Any` of an unknown type appears only with its type.
 * @throws XdsError INVALID_RESOURCE for an unknown type, and for bytes that are not a message of the type
 */
export function resourceJson(typeUrl: string, body: Uint8Array, registry: SchemaRegistry): JsonObject {
  const schema = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema) throw new XdsError("INVALID_RESOURCE", `no schema is known for ${typeUrl}, so it cannot be shown`);
  try {
    return { "@type": typeUrl, ...messageJson(schema, fromBinary(schema, body), registry) };
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `cannot be shown as ${typeUrl}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Returns a message in proto3 JSON without an `@type`. Fields are spelt as in the API.
 * @throws Error for values that JSON cannot express
 */
export function messageJson(schema: DescMessage, message: Message, registry: SchemaRegistry): JsonObject {
  return typeFirst(toJson(schema, message, { registry: allKnowing(registry), useProtoFieldName: true })) as JsonObject;
}

/** Puts `@type` before the other fields of each object. */
function typeFirst(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(typeFirst);
  const { "@type": type, ...fields } = value;
  const rest = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, typeFirst(field)]));
  return type === undefined ? rest : { "@type": type, ...rest };
}

/** The API's types. Any other type name stands for a message without fields. */
function allKnowing(registry: SchemaRegistry): SchemaRegistry {
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
