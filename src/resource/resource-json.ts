import { fromBinary, type JsonObject, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import { envoyRegistry } from "../schema/registry.js";

/**
 * A message in proto3 JSON with its `@type`, fields spelt as the API spells them (`connect_timeout`), as Envoy's admin page prints
 * them. Of an `Any` in it whose type is not known, only the type is told.
 * @throws XdsError INVALID_RESOURCE for a type that is not known, and for bytes that are none of it
 */
export function resourceJson(typeUrl: string, body: Uint8Array): JsonObject {
  const registry = envoyRegistry();
  const schema = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema) throw new XdsError("INVALID_RESOURCE", `no schema is known for ${typeUrl}, so it cannot be shown`);
  try {
    const json = toJson(schema, fromBinary(schema, body), { registry: allKnowing(registry), useProtoFieldName: true });
    return typeFirst({ "@type": typeUrl, ...(json as JsonObject) }) as JsonObject;
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `not a ${typeUrl} that can be shown: ${messageOf(cause)}`, { cause });
  }
}

/** The type of an Any's message before its fields. */
function typeFirst(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(typeFirst);
  const { "@type": type, ...fields } = value;
  const rest = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, typeFirst(field)]));
  return type === undefined ? rest : { "@type": type, ...rest };
}

/** Takes what it does not know for a message without fields. */
function allKnowing(registry: Registry): Registry {
  const empty = registry.getMessage("google.protobuf.Empty");
  return Object.assign(Object.create(registry) as Registry, {
    getMessage: (typeName: string) => registry.getMessage(typeName) ?? empty,
  });
}
