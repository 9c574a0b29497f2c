import { type DescField, fromBinary, type JsonObject, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Any } from "@bufbuild/protobuf/wkt";
import { fromTypedStruct, isTypedStruct, schemaOf } from "../resource/any-content.js";
import type { Resource } from "../resource/resource.js";
import { envoyRegistry } from "../schema/registry.js";
import { isSensitive, redactionMark } from "../schema/sensitive.js";

/** An `Any`, before it is a message. */
export interface AnyContent {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * A resource as others may see it: without what the API marks as sensitive (`udpa.annotations.sensitive`: private keys, passwords,
 * tokens), at any depth, nor any text with a private key in PEM, as a certificate chain may have it. What is of a type that is not known here cannot be checked, so only its type URL is left.
 */
export function redacted(resource: Resource): AnyContent {
  let shown = known.get(resource);
  if (!shown) {
    const { typeUrl } = resource.type;
    shown = { typeUrl, value: redactedBytes(typeUrl, resource.body, false) ?? resource.body };
    known.set(resource, shown);
  }
  return shown;
}
const known = new WeakMap<Resource, AnyContent>();

const nothing = new Uint8Array();

/** The bytes of an Any's message without its secrets; undefined: it has none. */
function redactedBytes(typeUrl: string, bytes: Uint8Array, hide: boolean): Uint8Array | undefined {
  const schema = schemaOf(typeUrl);
  if (!schema) return bytes.length > 0 ? nothing : undefined;
  const message = fromBinary(schema, bytes);
  return redact(reflect(schema, message), hide) ? toBinary(schema, message) : undefined;
}

/** Redacts a message in its place. Returns whether anything is different. */
function redact(message: ReflectMessage, hide: boolean): boolean {
  const { typeName } = message.desc;
  if (typeName === "google.protobuf.Any") return redactAny(message.message as Any, hide);
  if (isTypedStruct(typeName)) return redactTypedStruct(message.message, hide);
  let changed = false;
  for (const field of message.fields)
    if (message.isSet(field) && redactField(message, field, hide || isSensitive(field))) changed = true;
  // A field of a newer API, next to others that are sensitive, may be so too.
  if (message.message.$unknown?.length && (hide || message.fields.some(isSensitive))) {
    message.setUnknown([]);
    changed = true;
  }
  return changed;
}

function redactField(message: ReflectMessage, field: DescField, hide: boolean): boolean {
  switch (field.fieldKind) {
    case "message": {
      const inner = message.get(field);
      if (!redact(inner, hide)) return false;
      message.set(field, inner);
      return true;
    }
    case "list": {
      const list = message.get(field);
      return redactItems(
        [...list].entries(),
        hide,
        (at, item) => list.set(at, item),
        () => list.clear(),
      );
    }
    case "map": {
      const map = message.get(field);
      return redactItems(
        [...map],
        hide,
        (key, item) => map.set(key, item),
        () => map.clear(),
      );
    }
    default: {
      const value = message.get(field);
      if (!hide && !hasPrivateKey(value)) return false;
      const shown = shownInstead(value);
      if (shown === undefined) message.clear(field);
      else message.set(field, shown);
      return true;
    }
  }
}

/** What a list or map has; keys of maps are shown. */
function redactItems<K>(
  items: Iterable<readonly [K, unknown]>,
  hide: boolean,
  set: (key: K, item: unknown) => void,
  clear: () => void,
): boolean {
  let changed = false;
  for (const [key, item] of items) {
    if (isReflectMessage(item)) {
      if (!redact(item, hide)) continue;
      set(key, item);
    } else if (hide || hasPrivateKey(item)) {
      const shown = shownInstead(item);
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

/** What stands for a text or bytes; undefined: numbers and the like are left out. */
function shownInstead(value: unknown): string | Uint8Array | undefined {
  if (typeof value === "string") return redactionMark;
  return value instanceof Uint8Array ? Buffer.from(redactionMark) : undefined;
}

/** Whether a text or bytes hold a private key in PEM. */
function hasPrivateKey(value: unknown): boolean {
  const label = "PRIVATE KEY-----";
  return typeof value === "string"
    ? value.includes(label)
    : value instanceof Uint8Array && Buffer.from(value.buffer, value.byteOffset, value.length).includes(label);
}

function redactAny(any: Any, hide: boolean): boolean {
  const shown = redactedBytes(any.typeUrl, any.value, hide);
  if (shown === undefined) return false;
  any.value = shown;
  return true;
}

/** A message as JSON: read as what it stands for. */
function redactTypedStruct(message: Message, hide: boolean): boolean {
  const typed = message as Message & { value?: JsonObject };
  if (typed.value === undefined) return false;
  let shown: JsonObject | undefined;
  try {
    const content = fromTypedStruct(message);
    if (content && !content.problem) {
      const inner = fromBinary(content.schema, content.bytes);
      if (!redact(reflect(content.schema, inner), hide)) return false;
      shown = toJson(content.schema, inner, { registry: envoyRegistry() }) as JsonObject;
    }
  } catch {
    // What cannot be read is not shown.
  }
  if (shown) typed.value = shown;
  else delete typed.value;
  return true;
}
