import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  FileDescriptorProtoSchema,
  create,
  createFileRegistry,
  fromBinary,
  toJson
} from "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/resource/resource-json.js
function resourceJson(typeUrl, body, registry) {
  const schema = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema)
    throw new XdsError("INVALID_RESOURCE", `no schema is known for ${typeUrl}, so it cannot be shown`);
  try {
    return { "@type": typeUrl, ...messageJson(schema, fromBinary(schema, body), registry) };
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `cannot be shown as ${typeUrl}: ${messageOf(cause)}`, { cause });
  }
}
function messageJson(schema, message, registry) {
  return typeFirst(toJson(schema, message, { registry: allKnowing(registry), useProtoFieldName: true }));
}
function typeFirst(value) {
  if (typeof value !== "object" || value === null)
    return value;
  if (Array.isArray(value))
    return value.map(typeFirst);
  const { "@type": type, ...fields } = value;
  const rest = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, typeFirst(field)]));
  return type === void 0 ? rest : { "@type": type, ...rest };
}
function allKnowing(registry) {
  return Object.assign(Object.create(registry), {
    getMessage: (typeName) => registry.getMessage(typeName) ?? emptyMessage(typeName)
  });
}
function emptyMessage(typeName) {
  const at = typeName.lastIndexOf(".");
  const file = { name: "unknown.proto", syntax: "proto3", package: typeName.slice(0, Math.max(0, at)) };
  const proto = create(FileDescriptorProtoSchema, { ...file, messageType: [{ name: typeName.slice(at + 1) }] });
  return createFileRegistry(proto, () => void 0).getMessage(typeName);
}

export {
  resourceJson,
  messageJson
};
