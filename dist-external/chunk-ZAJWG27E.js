import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  fromTypedStruct,
  isTypedStruct,
  schemaOf
} from "./chunk-IXIW5MLW.js";
import {
  isSensitive,
  redactionMark
} from "./chunk-Y6GK5AYW.js";

// dist/server/csds/redact.js
import { fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { isReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
function redacted(resource, registry) {
  const known = contents.get(resource);
  if (known?.registry === registry)
    return known.content;
  const { typeUrl } = resource.type;
  const content = { typeUrl, value: redactedBytes(typeUrl, resource.body, false, registry) ?? resource.body };
  contents.set(resource, { registry, content });
  return content;
}
var contents = /* @__PURE__ */ new WeakMap();
var nothing = new Uint8Array();
function redactedBytes(typeUrl, bytes, hide, registry) {
  const schema = schemaOf(typeUrl, registry);
  if (!schema)
    return bytes.length > 0 ? nothing : void 0;
  const message = fromBinary(schema, bytes);
  return redact(reflect(schema, message), hide, registry) ? toBinary(schema, message) : void 0;
}
function redact(message, hide, registry) {
  const { typeName } = message.desc;
  if (typeName === "google.protobuf.Any")
    return redactAny(message.message, hide, registry);
  if (isTypedStruct(typeName))
    return redactTypedStruct(message.message, hide, registry);
  let changed = false;
  for (const field of message.fields)
    if (message.isSet(field) && redactField(message, field, hide || isSensitive(field), registry))
      changed = true;
  if (message.message.$unknown?.length && (hide || message.fields.some(isSensitive))) {
    message.setUnknown([]);
    changed = true;
  }
  return changed;
}
function redactField(message, field, hide, registry) {
  switch (field.fieldKind) {
    case "message": {
      const inner = message.get(field);
      if (!redact(inner, hide, registry))
        return false;
      message.set(field, inner);
      return true;
    }
    case "list": {
      const list = message.get(field);
      return redactItems([...list].entries(), hide, registry, (at, item) => list.set(at, item), () => list.clear());
    }
    case "map": {
      const map = message.get(field);
      return redactItems([...map], hide, registry, (key, item) => map.set(key, item), () => map.clear());
    }
    default: {
      const value = message.get(field);
      if (!hide && !hasPrivateKey(value))
        return false;
      const shown = replacementOf(value);
      if (shown === void 0)
        message.clear(field);
      else
        message.set(field, shown);
      return true;
    }
  }
}
function redactItems(items, hide, registry, set, clear) {
  let changed = false;
  for (const [key, item] of items) {
    if (isReflectMessage(item)) {
      if (!redact(item, hide, registry))
        continue;
      set(key, item);
    } else if (hide || hasPrivateKey(item)) {
      const shown = replacementOf(item);
      if (shown === void 0) {
        clear();
        return true;
      }
      set(key, shown);
    } else
      continue;
    changed = true;
  }
  return changed;
}
function replacementOf(value) {
  if (typeof value === "string")
    return redactionMark;
  return value instanceof Uint8Array ? Buffer.from(redactionMark) : void 0;
}
function hasPrivateKey(value) {
  const label = "PRIVATE KEY-----";
  return typeof value === "string" ? value.includes(label) : value instanceof Uint8Array && Buffer.from(value.buffer, value.byteOffset, value.length).includes(label);
}
function redactAny(any, hide, registry) {
  const shown = redactedBytes(any.typeUrl, any.value, hide, registry);
  if (shown === void 0)
    return false;
  any.value = shown;
  return true;
}
function redactTypedStruct(message, hide, registry) {
  const typed = message;
  if (typed.value === void 0)
    return false;
  let shown;
  try {
    const content = fromTypedStruct(message, registry);
    if (content?.bytes && content.unknownFields.length === 0) {
      const inner = fromBinary(content.schema, content.bytes);
      if (!redact(reflect(content.schema, inner), hide, registry))
        return false;
      shown = toJson(content.schema, inner, { registry });
    }
  } catch {
  }
  if (shown)
    typed.value = shown;
  else
    delete typed.value;
  return true;
}

export {
  redacted
};
