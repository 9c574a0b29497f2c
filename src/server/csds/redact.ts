import {
  type DescField,
  fromBinary,
  type JsonObject,
  type Message,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Any } from "@bufbuild/protobuf/wkt";
import { fromTypedStruct, isTypedStruct, schemaOf } from "../../json/any-content.js";
import type { Resource } from "../../resource/resource.js";
import { isSensitive, redactionMark } from "../../schema/sensitive.js";

/** The fields of an `Any`. */
export interface AnyContent {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * A resource without its secrets. Fields that the API marks as sensitive (`udpa.annotations.sensitive`: private keys,
 * passwords, tokens) are redacted at any depth. So is any text that contains a private key in PEM, such as a
 * certificate chain. Content of an unknown type cannot be checked, so only its type URL is left. `registry` must be the
 * one that prints the content: what it does not know is not shown.
 */
export function redacted(resource: Resource, registry: Registry): AnyContent {
  const known = contents.get(resource);
  if (known?.registry === registry) return known.content;
  const { typeUrl } = resource.type;
  const content = { typeUrl, value: redactedBytes(typeUrl, resource.body, false, registry) ?? resource.body };
  contents.set(resource, { registry, content });
  return content;
}
const contents = new WeakMap<Resource, { readonly registry: Registry; readonly content: AnyContent }>();

const nothing = new Uint8Array();

/** The bytes of an Any's message without its secrets. undefined if it has none. */
function redactedBytes(typeUrl: string, bytes: Uint8Array, hide: boolean, registry: Registry): Uint8Array | undefined {
  const schema = schemaOf(typeUrl, registry);
  if (!schema) return bytes.length > 0 ? nothing : undefined;
  const message = fromBinary(schema, bytes);
  return redact(reflect(schema, message), hide, registry) ? toBinary(schema, message) : undefined;
}

/** Redacts a message in place. Returns whether anything has changed. `hide` redacts all of it. */
function redact(message: ReflectMessage, hide: boolean, registry: Registry): boolean {
  const { typeName } = message.desc;
  if (typeName === "google.protobuf.Any") return redactAny(message.message as Any, hide, registry);
  if (isTypedStruct(typeName)) return redactTypedStruct(message.message, hide, registry);
  let changed = false;
  for (const field of message.fields)
    if (message.isSet(field) && redactField(message, field, hide || isSensitive(field), registry)) changed = true;
  // An unknown field of a newer API, in a message with sensitive fields, may be sensitive too.
  if (message.message.$unknown?.length && (hide || message.fields.some(isSensitive))) {
    message.setUnknown([]);
    changed = true;
  }
  return changed;
}

function redactField(message: ReflectMessage, field: DescField, hide: boolean, registry: Registry): boolean {
  switch (field.fieldKind) {
    case "message": {
      const inner = message.get(field);
      if (!redact(inner, hide, registry)) return false;
      message.set(field, inner);
      return true;
    }
    case "list": {
      const list = message.get(field);
      return redactItems(
        [...list].entries(),
        hide,
        registry,
        (at, item) => list.set(at, item),
        () => list.clear(),
      );
    }
    case "map": {
      const map = message.get(field);
      return redactItems(
        [...map],
        hide,
        registry,
        (key, item) => map.set(key, item),
        () => map.clear(),
      );
    }
    default: {
      const value = message.get(field);
      if (!hide && !hasPrivateKey(value)) return false;
      const shown = replacementOf(value);
      if (shown === undefined) message.clear(field);
      else message.set(field, shown);
      return true;
    }
  }
}

/** Redacts the items of a list or the values of a map. Keys of maps are shown. */
function redactItems<K>(
  items: Iterable<readonly [K, unknown]>,
  hide: boolean,
  registry: Registry,
  set: (key: K, item: unknown) => void,
  clear: () => void,
): boolean {
  let changed = false;
  for (const [key, item] of items) {
    if (isReflectMessage(item)) {
      if (!redact(item, hide, registry)) continue;
      set(key, item);
    } else if (hide || hasPrivateKey(item)) {
      const shown = replacementOf(item);
      if (shown === undefined) {
        clear();
        return true;
      }
      set(key, shown);
    } else continue;
    changed = true;
  }
  return changed;
}

/** The replacement for a text or bytes. undefined for numbers and other values, which are left out. */
function replacementOf(value: unknown): string | Uint8Array | undefined {
  if (typeof value === "string") return redactionMark;
  return value instanceof Uint8Array ? Buffer.from(redactionMark) : undefined;
}

/** Whether a text or bytes contain a private key in PEM. */
function hasPrivateKey(value: unknown): boolean {
  const label = "PRIVATE KEY-----";
  return typeof value === "string"
    ? value.includes(label)
    : value instanceof Uint8Array && Buffer.from(value.buffer, value.byteOffset, value.length).includes(label);
}

function redactAny(any: Any, hide: boolean, registry: Registry): boolean {
  const shown = redactedBytes(any.typeUrl, any.value, hide, registry);
  if (shown === undefined) return false;
  any.value = shown;
  return true;
}

/** Redacts a TypedStruct, which holds a message as JSON, by the type of that message. */
function redactTypedStruct(message: Message, hide: boolean, registry: Registry): boolean {
  const typed = message as Message & { value?: JsonObject };
  if (typed.value === undefined) return false;
  let shown: JsonObject | undefined;
  try {
    const content = fromTypedStruct(message, registry);
    if (content?.bytes && content.unknownFields.length === 0) {
      const inner = fromBinary(content.schema, content.bytes);
      if (!redact(reflect(content.schema, inner), hide, registry)) return false;
      shown = toJson(content.schema, inner, { registry }) as JsonObject;
    }
  } catch {
    // Content that cannot be read is removed below.
  }
  if (shown) typed.value = shown;
  else delete typed.value;
  return true;
}
