import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  canonicalName,
  encodeMessage,
  longestName
} from "./chunk-342YQNNX.js";
import {
  WrongTypes,
  describeType,
  isOlderName,
  isType,
  olderField,
  typeNamed
} from "./chunk-FZLOJTJW.js";
import {
  holdsSecrets,
  isSensitive,
  redactions
} from "./chunk-Y6GK5AYW.js";
import {
  findTypeNamed
} from "./chunk-PTJNKBKB.js";
import {
  describeNode,
  emptyScalar,
  formatPath,
  isHidden,
  nodeOf,
  readEnum,
  readMapKey,
  readScalar,
  scalar,
  someOf,
  valueAt
} from "./chunk-ZG5KWCWM.js";
import {
  XdsApi,
  secretType
} from "./chunk-QMJ32M3M.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  otherApiHint
} from "./chunk-BIVW5D3R.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/wire/duration.js
function durationOf(ms) {
  const seconds = Math.floor(ms / 1e3);
  const nanos = Math.round((ms - seconds * 1e3) * 1e6);
  return nanos < 1e9 ? { seconds: BigInt(seconds), nanos } : { seconds: BigInt(seconds) + 1n, nanos: nanos - 1e9 };
}

// dist/resource/typed-json.js
var wrapperName = "envoy.service.discovery.v3.Resource";
var wrapperType = `type.googleapis.com/${wrapperName}`;
function wrappedIn(node) {
  const type = valueAt(node, "@type");
  const resource = valueAt(node, "resource");
  return resource?.kind === "map" && (!type || isType(type, wrapperName)) ? resource : void 0;
}
function lacksType(node) {
  const resource = wrappedIn(node) ?? node;
  return resource.kind === "map" && !valueAt(resource, "@type");
}
function withType(node, typeUrl) {
  if (node.kind !== "map")
    return node;
  const resource = wrappedIn(node);
  if (!resource)
    return typed(node, typeUrl);
  const entries = node.entries.map((entry) => entry.value === resource ? { ...entry, value: typed(resource, typeUrl) } : entry);
  return typed({ ...node, entries }, wrapperType);
}
function typed(node, typeUrl) {
  if (typeUrl === void 0 || valueAt(node, "@type"))
    return node;
  return { ...node, entries: [{ key: "@type", at: node.at, value: scalar(node.at, typeUrl) }, ...node.entries] };
}
var exampleType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
function describeDocument(node) {
  if (node.kind !== "map")
    return describeNode(node);
  return node.entries.length === 0 ? "an empty object" : "another object";
}

// dist/resource/resource.js
import { hash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter as BinaryWriter2, WireType as WireType2 } from "@bufbuild/protobuf/wire";

// dist/wire/entries.js
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
function anyField(typeUrl, content) {
  const type = typeUrlField(typeUrl);
  const size = type.length + headSize(content.length) + content.length;
  const bytes = Buffer.allocUnsafe(headSize(size) + size);
  let at = writeHead(bytes, 0, 2, size);
  bytes.set(type, at);
  at = writeHead(bytes, at + type.length, 2, content.length);
  bytes.write(content, at, "latin1");
  return bytes;
}
function deltaEntry(head, any) {
  return message(2, headFields(head), any);
}
function emptyDeltaEntry(head) {
  return message(2, headFields(head));
}
function wrappedEntry(head, any) {
  const wrapper = message(2, headFields(head), any);
  return message(2, typeUrlField("type.googleapis.com/envoy.service.discovery.v3.Resource"), wrapper);
}
function errorEntry(field, name, error) {
  const status = new BinaryWriter().tag(1, WireType.Varint).int32(error.code).finish();
  return message(field, message(1, message(1, text(name))), message(2, status, message(2, text(error.message))));
}
function headFields({ name, version, aliases, ttlMs }) {
  const fields = [message(3, text(name)), message(1, text(version))];
  for (const alias of aliases)
    fields.push(message(4, text(alias)));
  if (ttlMs !== void 0)
    fields.push(message(6, duration(ttlMs)));
  return Buffer.concat(fields);
}
function duration(ms) {
  const { seconds, nanos } = durationOf(ms);
  return new BinaryWriter().tag(1, WireType.Varint).int64(seconds).tag(2, WireType.Varint).int32(nanos).finish();
}
var text = (value) => Buffer.from(value);
var typeUrlFields = /* @__PURE__ */ new Map();
function typeUrlField(typeUrl) {
  const field = typeUrlFields.get(typeUrl) ?? message(1, text(typeUrl));
  typeUrlFields.set(typeUrl, field);
  return field;
}
function headSize(size) {
  let bytes = 2;
  for (let rest = size; rest > 127; rest = Math.floor(rest / 128))
    bytes++;
  return bytes;
}
function writeHead(bytes, at, field, size) {
  let next = at;
  bytes[next++] = field << 3 | WireType.LengthDelimited;
  let rest = size;
  for (; rest > 127; rest = Math.floor(rest / 128))
    bytes[next++] = rest % 128 | 128;
  bytes[next++] = rest;
  return next;
}
function message(field, ...parts) {
  let size = 0;
  for (const { length } of parts)
    size += length;
  const bytes = Buffer.allocUnsafe(headSize(size) + size);
  let at = writeHead(bytes, 0, field, size);
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// dist/resource/resource-options.js
var resourceOptionNames = {
  name: true,
  version: true,
  ttlMs: true,
  aliases: true,
  api: true
};

// dist/resource/resource-reader.js
import { fromJson, toBinary } from "@bufbuild/protobuf";

// dist/json/message-json.js
import { isWrapperDesc as isWrapperDesc2 } from "@bufbuild/protobuf/wkt";

// dist/json/well-known-json.js
import { create, toJson } from "@bufbuild/protobuf";
import { DurationSchema, FieldMaskSchema, isWrapperDesc, TimestampSchema } from "@bufbuild/protobuf/wkt";
var stringTypes = {
  "google.protobuf.Duration": {
    read: readDuration,
    ofFields: (fields) => toJson(DurationSchema, create(DurationSchema, timeOf(fields))),
    empty: "0s"
  },
  "google.protobuf.Timestamp": {
    read: (node) => readString(node, 'a time such as "2024-01-31T12:00:00Z"', timestampIn),
    ofFields: (fields) => toJson(TimestampSchema, create(TimestampSchema, timeOf(fields))),
    empty: "1970-01-01T00:00:00Z"
  },
  "google.protobuf.FieldMask": {
    read: (node) => readString(node, 'fields such as "a,b.cD"', (text2) => maskOf(text2 === "" ? [] : text2.split(",").map(snakeCase))),
    ofFields: ({ paths = [] }) => maskOf(paths),
    empty: ""
  }
};
var timeOf = ({ seconds, nanos }) => ({
  seconds: BigInt(String(seconds ?? 0)),
  nanos: Number(nanos ?? 0)
});
var maskOf = (paths) => toJson(FieldMaskSchema, create(FieldMaskSchema, { paths }));
var snakeCase = (path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
function timestampIn(text2) {
  const parts = text2.length < 20 ? null : /^(\d{4})-(\d\d?)-(\d\d?)T(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text2);
  if (!parts)
    throw new Error("no time");
  const [year = 0, month = 0, day = 0, hours, minutes = 0, seconds] = parts.slice(1, 7).map(Number);
  const [, , , , , , , fraction = "", sign, zoneHours, zoneMinutes] = parts;
  if (year === 0 || month === 0 || day === 0)
    throw new Error("no such day");
  const east = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * (sign === "-" ? -1 : 1);
  const date = /* @__PURE__ */ new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hours ?? 0, minutes - east, seconds);
  const time = { seconds: BigInt(date.getTime() / 1e3), nanos: Number(fraction.padEnd(9, "0")) };
  return toJson(TimestampSchema, create(TimestampSchema, time));
}
var longestDuration = 315576e6;
function readDuration(node) {
  const value = node.kind === "scalar" ? node.value : void 0;
  const seconds = typeof value === "string" ? /^(-?\d{1,30})(?:\.\d{1,9})?s$/.exec(value)?.[1] : void 0;
  if (seconds !== void 0 && Math.abs(Number(seconds)) <= longestDuration)
    return { json: String(value) };
  const meant = isHidden(node) ? void 0 : meantDuration(value);
  const hint = meant === void 0 ? "" : `; write "${meant}"`;
  return { wrong: `expected a duration such as "1.5s", got ${describeNode(node)}${hint}` };
}
var secondsPerUnit = { "": 1, ms: 1e-3, sec: 1, m: 60, min: 60, h: 3600, d: 86400 };
function meantDuration(value) {
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,3})?) ?([a-z]*)$/.exec(String(value)) ?? [];
  const scale = unit === void 0 ? void 0 : secondsPerUnit[unit];
  return scale === void 0 ? void 0 : `${Number((Number(number) * scale).toFixed(9))}s`;
}
function readString(node, expected, parse) {
  if (node.kind === "scalar" && typeof node.value === "string") {
    try {
      return { json: parse(node.value) };
    } catch {
    }
  }
  return { wrong: `expected ${expected}, got ${describeNode(node)}` };
}
function emptyMessage(desc) {
  if (isWrapperDesc(desc))
    return emptyScalar(desc.fields[0].scalar);
  return desc.typeName === "google.protobuf.ListValue" ? [] : stringTypes[desc.typeName]?.empty ?? {};
}
function hasOwnJson(desc) {
  const { typeName } = desc;
  return isWrapperDesc(desc) || stringTypes[typeName] !== void 0 || ownJson.has(typeName);
}
var ownJson = new Set(["Any", "Struct", "Value", "ListValue"].map((name) => `google.protobuf.${name}`));

// dist/json/message-json.js
var noRewrites = { of: /* @__PURE__ */ new Map() };
var maxAliasedValues = 1e6;
var maxAliasedCharacters = 16 * 2 ** 20;
var mostFaults = 1e3;
var TextLimitExceeded = class extends Error {
  at;
  name = "TextLimitExceeded";
  constructor(message2, at) {
    super(message2);
    this.at = at;
  }
};
var MessageJson = class {
  registry;
  hidesValues;
  faults = [];
  /** Information for the user that is not a fault. */
  notes = [];
  /** Collects fields that a message does not have, if set. If undefined, such fields are faults. */
  unknownFields;
  /** Whether "[redacted]" is accepted as a secret. Set it only for configuration that is not served. */
  takesRedacted = false;
  path = [];
  valuesLeft;
  /** True after a secret was read, or after a fault that may quote one. */
  mayHaveSecrets = false;
  charactersLeft;
  /** Whether the current value is a secret, which no message may quote. */
  isSecret = false;
  /** Whether the current value is in a message that has secrets. */
  isNearSecret = false;
  rewrites = noRewrites;
  wrongTypes;
  /** `size` is the size of the text without its aliases. With `hidesValues`, no fault quotes a value. */
  constructor(registry, size, hidesValues = false) {
    this.registry = registry;
    this.hidesValues = hidesValues;
    this.wrongTypes = new WrongTypes(registry);
    this.valuesLeft = size.values + maxAliasedValues;
    this.charactersLeft = size.characters + maxAliasedCharacters;
  }
  /**
   * Returns the JSON of a message. `steps` is the path of its value in the document; `leaveOut` is a key to skip.
   * @throws TextLimitExceeded for a text that is too large or has too many faults
   */
  read(desc, node, steps, { leaveOut, rewrites = noRewrites } = {}) {
    this.path.splice(0, this.path.length, ...steps);
    this.isSecret = false;
    this.isNearSecret = false;
    this.rewrites = rewrites;
    return this.message(desc, node, leaveOut);
  }
  message(desc, node, leaveOut) {
    const wasNear = this.isNearSecret;
    if (holdsSecrets(desc))
      this.isNearSecret = true;
    const json = this.contentOf(desc, node, leaveOut);
    this.isNearSecret = wasNear;
    return json;
  }
  contentOf(desc, node, leaveOut) {
    const { typeName } = desc;
    if (typeName === "google.protobuf.Any")
      return this.any(node);
    if (typeName === "google.protobuf.Value")
      return this.anyJson(node);
    const isObject = node.kind === "map";
    const stringType = stringTypes[typeName];
    if (stringType)
      return isObject ? this.ofFields(desc, node, leaveOut, stringType.ofFields) : this.take(node, stringType.read(node));
    if (isWrapperDesc2(desc)) {
      const [value] = desc.fields;
      if (!isObject)
        return this.field(value, node);
      return this.ofFields(desc, node, leaveOut, (fields) => fields.value ?? emptyScalar(value.scalar));
    }
    if (typeName === "google.protobuf.ListValue") {
      if (isObject)
        return this.ofFields(desc, node, leaveOut, ({ values = [] }) => values);
      return node.kind === "list" ? this.anyJson(node) : this.fault(node.at, `expected a list, got ${describeNode(node)}`);
    }
    if (!isObject) {
      const names = usualNames(desc);
      const fields = names.length > 0 && names.length <= 8 ? `; its fields: ${names.join(", ")}` : "";
      return this.fault(node.at, `expected an object (${typeName}${fields}), got ${describeNode(node)}`);
    }
    return typeName === "google.protobuf.Struct" ? this.anyJson(node) : this.fields(desc, node, leaveOut);
  }
  /**
   * The JSON of a google.protobuf message whose JSON is not an object. Envoy also accepts an object with the message's
   * fields.
   */
  ofFields(desc, node, leaveOut, jsonOf) {
    const before = this.faults.length;
    const fields = this.fields(desc, node, leaveOut);
    if (this.faults.length > before)
      return null;
    try {
      return jsonOf(fields);
    } catch {
      return this.fault(node.at, `these fields are not a valid ${desc.typeName}; write it as a string`);
    }
  }
  fields(desc, node, leaveOut) {
    this.count(node);
    const json = {};
    const setBy = /* @__PURE__ */ new Map();
    for (const entry of node.entries) {
      if (entry.key === leaveOut)
        continue;
      const field = fieldNamed(desc, entry.key);
      this.path.push(field ? entry.key : this.shownKey(entry.key, desc));
      if (!field)
        this.unknown(entry.at, unknownField(desc, entry.key));
      else if (this.isFirst(field, entry, setBy) && (!isNull(entry.value) || takesNull(field)))
        json[field.jsonName] = this.field(field, entry.value);
      this.path.pop();
    }
    const rewrite = this.rewrites.of.get(desc.typeName);
    return rewrite ? rewrite(json, this.reportOf(desc, node), this.isSecret) : json;
  }
  reportOf(desc, node) {
    const path = [...this.path];
    return (what, name, message2) => {
      const entry = node.entries.find(({ key }) => fieldNamed(desc, key)?.name === name);
      const faultsOrNotes = what === "fault" ? this.faults : this.notes;
      faultsOrNotes.push({ at: (entry?.value ?? node).at, path: formatPath([...path, entry?.key ?? name]), message: message2 });
    };
  }
  /** Whether this entry is the first that sets its field and its oneof. Reports a fault if it is not. */
  isFirst(field, entry, setBy) {
    const sameField = setBy.get(field.name);
    if (sameField) {
      this.fault(entry.at, `${sameField.key} and ${entry.key} are the same field; remove one of them`);
      return false;
    }
    setBy.set(field.name, entry);
    if (!field.oneof || isNull(entry.value))
      return true;
    const oneof = `oneof ${field.oneof.name}`;
    const sameOneof = setBy.get(oneof);
    if (sameOneof) {
      const both = `${sameOneof.key} and ${entry.key} cannot both be set`;
      this.fault(entry.at, `${both}: ${field.oneof.name} is one of ${someOf(field.oneof.fields.map(({ name }) => name))}; remove one of them`);
      return false;
    }
    setBy.set(oneof, entry);
    return true;
  }
  field(field, node) {
    const { isSecret, rewrites } = this;
    if (field && isSensitive(field))
      this.isSecret = this.mayHaveSecrets = true;
    if (field?.message && rewrites.notIn?.has(`${field.parent.typeName}.${field.name}`))
      this.rewrites = noRewrites;
    const json = this.value(field, node);
    this.isSecret = isSecret;
    this.rewrites = rewrites;
    return json;
  }
  value(field, node) {
    if (!field || isNull(node) && !takesNull(field))
      return null;
    if (field.fieldKind === "list")
      return this.list(field, node);
    if (field.fieldKind === "map")
      return this.map(field, node);
    return this.item(field, node);
  }
  /** Reads a list. A single value stands for a list of one, and nested lists are flattened. */
  list(field, node) {
    if (node.kind !== "list")
      return [this.item(field, node)];
    this.count(node);
    return node.items.flatMap((item, index) => {
      this.path.push(index);
      const json = item.kind === "list" && !takesLists(field) ? this.list(field, item) : [this.element(field, item)];
      this.path.pop();
      return json;
    });
  }
  map(field, node) {
    if (node.kind !== "map")
      return this.fault(node.at, `expected an object, got ${describeNode(node)}`);
    this.count(node);
    const json = {};
    for (const { key, at, value } of node.entries) {
      this.path.push(this.shownKey(key));
      const read = readMapKey(field.mapKey, key, this.hidesValues);
      if ("wrong" in read)
        this.fault(at, read.wrong);
      else
        json[String(read.json)] = this.element(field, value);
      this.path.pop();
    }
    return json;
  }
  /** Reads an item of a list, or a value of a map. There null stands for the default value. */
  element(field, node) {
    return isNull(node) && !takesNull(field) ? emptyElement(field) : this.item(field, node);
  }
  item(field, node) {
    if (field.message)
      return this.message(field.message, node);
    if (field.enum)
      return takesNull(field) && isNull(node) ? null : this.take(node, readEnum(field.enum, node));
    if (!field.scalar)
      return null;
    if (this.isSecret && !this.takesRedacted && node.kind === "scalar" && redactions.has(node.text))
      return this.fault(node.at, redactedSecret);
    return this.take(node, readScalar(field.scalar, node));
  }
  any(node) {
    const before = this.faults.length;
    const json = this.contentOfAny(node);
    if (json === null && this.faults.length > before)
      this.mayHaveSecrets = true;
    return json;
  }
  contentOfAny(node) {
    if (node.kind !== "map")
      return this.fault(node.at, `expected an object with "@type", got ${describeNode(node)}`);
    if (node.entries.length === 0)
      return {};
    const type = node.entries.find(({ key }) => key === "@type");
    if (!type)
      return this.fault(node.at, 'expected an object with "@type", got one without; add "@type": type.googleapis.com/<its message>');
    const desc = typeNamed(type.value, this.registry);
    if (!desc) {
      this.path.push("@type");
      this.fault(type.value.at, this.wrongTypes.explain(type.value));
      this.path.pop();
      return null;
    }
    const typeUrl = `type.googleapis.com/${desc.typeName}`;
    const value = node.entries.find(({ key }) => key === "value");
    if (!hasOwnJson(desc))
      return { ...asObject(this.message(desc, node, "@type")), "@type": typeUrl };
    for (const { key, at } of node.entries) {
      if (key === "@type" || key === "value")
        continue;
      this.path.push(this.shownKey(key));
      this.fault(at, `a ${desc.typeName} in an Any has only "@type" and value; remove this`);
      this.path.pop();
    }
    if (!value || isNull(value.value) && desc.typeName !== "google.protobuf.Value")
      return { "@type": typeUrl, value: emptyMessage(desc) };
    this.path.push("value");
    const json = this.message(desc, value.value);
    this.path.pop();
    return { "@type": typeUrl, value: json };
  }
  /** Reads a google.protobuf.Value, Struct or ListValue, which may be any JSON. */
  anyJson(node) {
    if (node.kind === "scalar") {
      this.count(node);
      return typeof node.value === "bigint" ? Number(node.value) : node.value;
    }
    this.count(node);
    const inside = (step, value) => {
      this.path.push(step);
      const json = this.anyJson(value);
      this.path.pop();
      return json;
    };
    if (node.kind === "list")
      return node.items.map((item, index) => inside(index, item));
    const object = {};
    for (const { key, value } of node.entries)
      object[key] = inside(this.hidesValues ? "\u2026" : key, value);
    return object;
  }
  take(node, read) {
    this.count(node);
    return "json" in read ? read.json : this.fault(node.at, read.wrong);
  }
  count(node) {
    if (node.kind === "scalar")
      this.charactersLeft -= node.text.length;
    else
      this.valuesLeft -= node.kind === "map" ? node.entries.length : node.items.length;
    if (this.valuesLeft >= 0 && this.charactersLeft >= 0)
      return;
    const what = this.valuesLeft < 0 ? `${maxAliasedValues} values` : `${maxAliasedCharacters} characters of text`;
    throw new TextLimitExceeded(`the aliases of this file stand for more than ${what}; write it with fewer aliases`);
  }
  /**
   * Ends the reading of a text with too many faults. `at` is the offset after which the text is not checked.
   * @throws TextLimitExceeded for {@link mostFaults} faults and more
   */
  checkFaults(at) {
    if (this.faults.length < mostFaults)
      return;
    throw new TextLimitExceeded(`more than ${mostFaults} problems; the rest of the file is not checked`, at);
  }
  unknown(at, message2) {
    if (this.unknownFields && this.unknownFields.length < mostFaults)
      this.unknownFields.push({ at, path: formatPath(this.path), message: message2 });
    else
      this.fault(at, message2);
  }
  /** Adds a fault at the current path. Returns null, the JSON of a field without a value. */
  fault(at, message2) {
    if (this.isNearSecret)
      this.mayHaveSecrets = true;
    this.faults.push({ at, path: formatPath(this.path), message: message2 });
    this.checkFaults(at);
    return null;
  }
  /**
   * The form in which a path shows a key that is not a field. It is hidden near secrets, because a secret may have been
   * written as a key.
   */
  shownKey(key, desc) {
    const isMistyped = () => desc !== void 0 && nearest(key, usualNames(desc)) !== void 0;
    return this.hidesValues && this.isNearSecret && !isMistyped() ? "\u2026" : key;
  }
};
var redactedSecret = 'this is "[redacted]", not a secret. Write the secret here, or print the file again with --show-secrets';
var isNull = (node) => node.kind === "scalar" && node.value === null;
var takesNull = (field) => field.message?.typeName === "google.protobuf.Value" || field.enum?.typeName === "google.protobuf.NullValue";
var takesLists = ({ message: message2 }) => message2?.typeName === "google.protobuf.Value" || message2?.typeName === "google.protobuf.ListValue";
function emptyElement({ message: message2, enum: desc, scalar: scalar2 }) {
  if (message2)
    return emptyMessage(message2);
  return scalar2 ? emptyScalar(scalar2) : desc?.values[0]?.name ?? 0;
}
var asObject = (json) => typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};
var fieldsByName = /* @__PURE__ */ new WeakMap();
function fieldNamed(desc, name) {
  let fields = fieldsByName.get(desc);
  if (!fields) {
    fields = new Map(desc.fields.flatMap((field) => [[field.name, field], [field.jsonName, field]]));
    fieldsByName.set(desc, fields);
  }
  return fields.get(name);
}
var usualNames = (desc) => desc.fields.filter(({ deprecated }) => !deprecated).map(({ name }) => name);
function unknownField(desc, name) {
  const older = olderField(desc, name);
  if (older !== void 0)
    return older;
  const names = usualNames(desc);
  const meant = nearest(name, names);
  if (meant)
    return `${desc.typeName} has no such field; did you mean ${meant}?`;
  const others = names.length > 0 ? someOf(names) : "none";
  return `${desc.typeName} has no such field; it has ${others}${otherApiHint(desc)}`;
}

// dist/resource/resource-reader.js
var ResourceReader = class {
  make;
  api;
  json;
  rewritesOf;
  hidesValues;
  name;
  constructor(make, api, json, { rewritesOf = () => noRewrites, hidesValues = false, name } = {}) {
    this.make = make;
    this.api = api;
    this.json = json;
    this.rewritesOf = rewritesOf;
    this.hidesValues = hidesValues;
    this.name = name;
  }
  /** `steps` is where the object stands in its document, `typeUrl` its type where it has no `@type`. */
  read(node, steps, typeUrl) {
    const type = typeUrl === void 0 ? valueAt(node, "@type") : scalar(node.at, typeUrl);
    if (!type) {
      this.json.mayHaveSecrets = true;
      const expected = `expected an object with its "@type", such as ${exampleType}`;
      return this.fault(node.at, steps, `${expected}, got ${describeDocument(node)}`);
    }
    if (node.kind === "map" && isType(type, wrapperName))
      return this.wrapped(node, steps);
    const found = this.resourceType(type, steps);
    const message2 = found && this.message(found.desc, node, steps, found.type, typeUrl === void 0);
    if (!message2)
      return void 0;
    const { nameField } = found.type;
    const ownName = nameField === void 0 ? "" : message2[nameField];
    const name = this.name ?? ownName;
    if (name === "" || typeof name !== "string")
      return this.fault(node.at, steps, missingName(found.type, found.desc));
    return this.encode(node, steps, found.type, () => toBinary(found.desc, message2), { name });
  }
  /** An envoy.service.discovery.v3.Resource: a name around a resource. */
  wrapped(node, steps) {
    const desc = this.api.registry.getMessage(wrapperName);
    for (const { key, at } of node.entries) {
      const field = desc?.fields.find(({ name: name2, jsonName }) => name2 === key || jsonName === key);
      if (field && !servedOfWrapper.includes(field.name))
        this.fault(at, [...steps, key], `not served; of a Resource only ${servedOfWrapper.join(", ")} are; remove this`);
    }
    const inner = valueAt(node, "resource");
    const innerType = valueAt(inner, "@type");
    if (!innerType) {
      this.json.mayHaveSecrets = true;
      const got = inner ? describeDocument(inner) : "none";
      return this.fault((inner ?? node).at, [...steps, "resource"], `expected a resource with its "@type", got ${got}`);
    }
    const found = this.resourceType(innerType, [...steps, "resource"]);
    const message2 = found && desc && this.message(desc, node, steps, found.type, true);
    if (!message2)
      return void 0;
    const { version, resource, ttl, aliases, name: givenName } = message2;
    const name = this.name ?? givenName;
    const options = {
      ...name !== "" && { name },
      ...version !== "" && { version },
      ...ttl && { ttlMs: Number(ttl.seconds) * 1e3 + ttl.nanos / 1e6 },
      aliases
    };
    return this.encode(node, steps, found.type, () => resource?.value ?? new Uint8Array(0), options);
  }
  /** The type of a resource, and the schema that it is read with. */
  resourceType(node, steps) {
    const typeUrl = node.kind === "scalar" ? String(node.value) : "";
    const type = this.api.findResourceType(typeUrl);
    const desc = typeNamed(node, this.api.registry);
    const isKnown = type !== void 0 && desc !== void 0;
    if (!isKnown || type.typeUrl === secretType)
      this.json.mayHaveSecrets = true;
    if (isKnown)
      return { type, desc };
    return this.fault(node.at, [...steps, "@type"], this.unusableType(node, typeUrl, type, desc));
  }
  unusableType(node, typeUrl, type, desc) {
    if (type)
      return `the schema of ${typeUrl} is not known here, so it cannot be read from a file`;
    const urls = this.api.resourceTypes().map((known) => known.typeUrl);
    if (!desc) {
      const short = /^\w+$/.test(typeUrl) ? findTypeNamed(typeUrl, this.api) : void 0;
      if (short)
        return `expected the type of a resource as a type URL, got "${typeUrl}"; write ${short.typeUrl}`;
      if (isOlderName(typeUrl.slice(typeUrl.lastIndexOf("/") + 1)))
        return this.json.wrongTypes.explain(node);
      const last = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
      const meant = nearest(typeUrl, urls) ?? urls.find((url) => last !== "" && url.endsWith(`.${last}`));
      if (meant)
        return `expected the type of a resource, got ${describeType(node)}; did you mean ${meant}?`;
      return this.json.wrongTypes.explain(node);
    }
    const names = urls.map((url) => url.slice(url.lastIndexOf("/") + 1)).join(", ");
    return `expected the type of a resource, type.googleapis.com/ and one of ${names}; got ${describeType(node)}`;
  }
  /** The message that an object stands for, if nothing is wrong with it. */
  message(desc, node, steps, { typeUrl }, hasType) {
    const before = this.json.faults.length;
    const options = { rewrites: this.rewritesOf(typeUrl), ...hasType && { leaveOut: "@type" } };
    const json = this.json.read(desc, node, steps, options);
    if (this.json.faults.length > before)
      return void 0;
    try {
      return fromJson(desc, json, { registry: this.api.registry });
    } catch (error) {
      return this.fault(node.at, steps, this.hidesValues ? `it is not a valid ${desc.typeName}` : messageOf(error));
    }
  }
  encode(node, steps, type, body, options) {
    const tooLong = whyTooLong(options);
    if (tooLong !== void 0)
      return this.fault(node.at, steps, tooLong);
    try {
      return this.make(type.typeUrl, body(), options);
    } catch (error) {
      return this.fault(node.at, steps, messageOf(error));
    }
  }
  fault(at, steps, message2) {
    this.json.faults.push({ at, path: formatPath(steps), message: message2 });
    return void 0;
  }
};
var mostShown = 10;
function readResourceJson(json, api, typeUrl, name) {
  const content = contentOf(json, api, typeUrl, name);
  if ("body" in content)
    return content;
  const shown = content.slice(0, mostShown).map(({ path, message: message2 }) => path ? `${path}: ${message2}` : message2);
  if (content.length > shown.length)
    shown.push(`and ${content.length - shown.length} more`);
  throw new XdsError("INVALID_RESOURCE", shown.join("\n"));
}
function contentOf(json, api, typeUrl, name, hidesValues = false) {
  const reading = new MessageJson(api.registry, { values: Infinity, characters: Infinity }, hidesValues);
  const make = (type, body, options) => ({ typeUrl: type, body, options });
  const node = withType(nodeOf(json, hidesValues), typeUrl);
  const content = new ResourceReader(make, api, reading, { hidesValues, name }).read(node, []);
  if (content && typeUrl !== void 0 && content.typeUrl !== typeUrl)
    reading.faults.push({ at: 0, path: "@type", message: `expected ${typeUrl}, got ${content.typeUrl}` });
  if (content && reading.faults.length === 0)
    return content;
  return reading.mayHaveSecrets && !hidesValues ? contentOf(json, api, typeUrl, name, true) : reading.faults;
}
var mostAliases = 1e3;
function whyTooLong({ name = "", version = "", aliases = [] }) {
  const why = (what, length) => `the resource has ${what} of ${length} characters, where ${longestName} are the most; shorten it`;
  if (name.length > longestName)
    return why("a name", name.length);
  if (version.length > longestName)
    return why("a version", version.length);
  if (aliases.length > mostAliases)
    return `the resource has ${aliases.length} aliases, where ${mostAliases} are the most; remove some`;
  const alias = aliases.find(({ length }) => length > longestName);
  return alias === void 0 ? void 0 : why("an alias", alias.length);
}
var servedOfWrapper = ["name", "version", "resource", "ttl", "aliases"];
function missingName(type, desc) {
  const field = type.nameField === void 0 ? void 0 : desc.field[type.nameField]?.name;
  if (field !== void 0)
    return `expected a name, by which clients ask for the resource, got none; set the field ${field}`;
  return `${desc.typeName} has no name of its own; give it one with an object around it: {"@type": type.googleapis.com/${wrapperName}, name: \u2026, resource: \u2026}`;
}

// dist/resource/resource.js
var noAliases = [];
var shortestTtlMs = 1e-6;
var longestTtlMs = 315576e9;
var Resource = class _Resource {
  type;
  name;
  version;
  content;
  aliases;
  ttlMs;
  error;
  isPlaceholder;
  /** @internal The result of referencesOf(), which sets it. */
  references = void 0;
  /** @internal The resource's part of its set's version. `SetHash` sets it. */
  digest = void 0;
  /**
   * The name in canonical spelling, by which caches and subscriptions know the resource. All equal xdstp names share it
   * (P64).
   */
  key;
  /** The aliases, each in canonical spelling as in {@link Resource.key}. */
  aliasKeys;
  constructor(type, name, version, content, aliases, ttlMs, error, isPlaceholder = false) {
    this.type = type;
    this.name = name;
    this.version = version;
    this.content = content;
    this.aliases = aliases;
    this.ttlMs = ttlMs;
    this.error = error;
    this.isPlaceholder = isPlaceholder;
    this.key = canonicalName(name);
    const aliasKeys = aliases.map(canonicalName);
    this.aliasKeys = aliasKeys.every((key, index) => key === aliases[index]) ? aliases : aliasKeys;
  }
  /**
   * Makes a resource from a message, which it encodes.
   *
   * The message may be made with the schemas of `ts-control-plane/envoy/…` or those that `xds schema types` generates.
   * It may also be an `Any` that contains one.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE, and INVALID_OPTION for wrong options
   */
  static of(message2, options = {}) {
    if (typeof message2?.$typeName !== "string")
      throw new XdsError("INVALID_RESOURCE", "not a message; make one with create() or fromJson() of @bufbuild/protobuf and a schema of ts-control-plane/envoy/\u2026");
    if (message2.$typeName === "google.protobuf.Any") {
      const any = message2;
      return _Resource.fromBytes(any.typeUrl, any.value, options);
    }
    const { api = XdsApi.default } = options;
    const type = api.resourceType(`type.googleapis.com/${message2.$typeName}`);
    const schema = api.registry.getMessage(message2.$typeName);
    if (!schema)
      throw new XdsError("INVALID_RESOURCE", `no schema is known for ${message2.$typeName}; encode it yourself and use Resource.fromBytes()`);
    const name = options.name ?? nameIn(type, message2);
    let body;
    try {
      body = encodeMessage(schema, message2);
    } catch (cause) {
      throw new XdsError("INVALID_RESOURCE", `${type.name} resource ${JSON.stringify(name)} cannot be encoded: ${messageOf(cause)}`, { cause });
    }
    return _Resource.encode(type, name, body, options);
  }
  /**
   * Makes a resource from an encoded message. Its name is read from the message unless one is given, which needs the
   * type's schema.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE, and INVALID_OPTION for wrong options
   */
  static fromBytes(typeUrl, body, options = {}) {
    const { api = XdsApi.default } = options;
    const type = api.resourceType(typeUrl);
    const name = options.name ?? nameIn(type, decode(type, body));
    return _Resource.encode(type, name, body, options);
  }
  /**
   * Reads a resource in JSON, by the rules by which Envoy and `xds serve` read files: both spellings of a field
   * (`connectTimeout`, `connect_timeout`) are right. The object has its `@type`, or `typeUrl` gives it. An
   * `envoy.service.discovery.v3.Resource` around a resource gives it a name, a version, a TTL and aliases. The options
   * override these.
   * @throws XdsError INVALID_RESOURCE with a line for each field that is wrong; INVALID_OPTION for the options
   */
  static fromJson(json, { typeUrl, ...options } = {}) {
    const content = readResourceJson(json, options.api ?? XdsApi.default, typeUrl, options.name);
    return _Resource.fromBytes(content.typeUrl, content.body, { ...content.options, ...options });
  }
  /**
   * Makes a resource that stands for an unavailable one. Clients receive the error for its name once (P65); all other
   * resources are not affected.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME
   */
  static failed(typeUrl, name, error, api = XdsApi.default) {
    const text2 = Buffer.from(`${error.code} ${error.message}`);
    const resource = _Resource.encode(api.resourceType(typeUrl), name, text2, {}, error);
    resource.references = [];
    return resource;
  }
  /** @internal Makes a message that has only its name, for a type whose row allows it. */
  static placeholder(type, name) {
    const writer = new BinaryWriter2().tag(type.placeholder?.field ?? 1, WireType2.LengthDelimited).string(name);
    return _Resource.encode(type, name, writer.finish(), {}, void 0, true);
  }
  static encode(type, name, body, options, error, isPlaceholder = false) {
    checkOptions("Resource", options, resourceOptionNames);
    const { version: ownVersion, ttlMs, aliases = noAliases } = options;
    const invalid = (why) => new XdsError("INVALID_OPTION", `${type.name} resource ${JSON.stringify(name)}: ${why}`);
    if (name === "")
      throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
    if (ownVersion === "")
      throw invalid("its version is empty");
    if (ttlMs !== void 0 && !(ttlMs >= shortestTtlMs && ttlMs <= longestTtlMs))
      throw invalid(`ttlMs must be from ${shortestTtlMs} to ${longestTtlMs}, is ${ttlMs}`);
    checkAliases(name, aliases, invalid);
    const version = ownVersion ?? contentVersion([name, ...aliases, ttlMs ?? "", error ? "error" : ""].join("\0"), body);
    return new _Resource(type, Buffer.from(name).toString(), version, asBuffer(body).toString("latin1"), aliases, ttlMs, error, isPlaceholder);
  }
  /** @internal The Envoy API by which it is written as JSON. */
  get registry() {
    return this.type.api.registry;
  }
  /** @internal The size of the encoded message, in bytes. */
  get size() {
    return this.content.length;
  }
  /** @internal The largest size of the resource in a response, in bytes. */
  get entryBytes() {
    const { content, type, name, version, aliases } = this;
    let names = Buffer.byteLength(name) + Buffer.byteLength(version);
    for (const alias of aliases)
      names += Buffer.byteLength(alias) + 4;
    return content.length + type.typeUrl.length + names + 40;
  }
  /** @internal Returns field 2 of a DiscoveryResponse, or field 7 for an error, with tag and length. */
  sotwEntry(withTtl) {
    const { type, name, version, aliases, ttlMs, error, content } = this;
    if (error)
      return errorEntry(7, name, error);
    const any = anyField(type.typeUrl, content);
    return withTtl && ttlMs !== void 0 ? wrappedEntry({ name, version, aliases, ttlMs }, any) : any;
  }
  /** @internal Returns field 2 of a DeltaDiscoveryResponse, or field 9 for an error, under the requested name (P64). */
  deltaEntry(withTtl, name = this.name) {
    const { type, version, aliases, error, content } = this;
    if (error)
      return errorEntry(9, name, error);
    const ttlMs = withTtl ? this.ttlMs : void 0;
    return deltaEntry({ name, version, aliases, ttlMs }, anyField(type.typeUrl, content));
  }
  /** The encoded message, copied at each call. */
  get body() {
    return Buffer.from(this.content, "latin1");
  }
  /** @internal Whether both have the same encoded message. */
  hasBodyOf(other) {
    return this.content === other.content;
  }
  /**
   * @internal Whether clients receive the same for both resources: names, aliases, TTL, and message or error. Versions
   * are not compared.
   */
  hasContentOf(other) {
    if (this === other)
      return true;
    const { key, aliasKeys, ttlMs, error } = this;
    if (key !== other.key || ttlMs !== other.ttlMs || aliasKeys.length !== other.aliasKeys.length)
      return false;
    if (error === void 0 !== (other.error === void 0) || !this.hasBodyOf(other))
      return false;
    if (aliasKeys.length === 0)
      return true;
    const others = new Set(other.aliasKeys);
    return aliasKeys.every((alias) => others.has(alias));
  }
  /**
   * Decodes the message, at each call again.
   * @throws XdsError INVALID_RESOURCE if the type has no known schema, and for a resource that stands for an error
   */
  message() {
    if (this.error)
      throw new XdsError("INVALID_RESOURCE", `${JSON.stringify(this.name)} stands for an error: ${this.error.message}`);
    return decode(this.type, this.body);
  }
};
function contentVersion(name, body) {
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\0`), body]), "buffer").toString("hex", 0, 8);
}
function checkAliases(name, aliases, invalid) {
  const names = /* @__PURE__ */ new Set([canonicalName(name)]);
  for (const alias of aliases) {
    if (alias === "")
      throw invalid("an alias is empty");
    const key = canonicalName(alias);
    if (names.has(key))
      throw invalid(`the alias ${JSON.stringify(alias)} is its name or another of its aliases`);
    names.add(key);
  }
}
var asBuffer = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);
function decode({ typeUrl, api }, body) {
  const schema = api.registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema)
    throw new XdsError("INVALID_RESOURCE", `no schema is known for ${typeUrl}, so its name cannot be read; pass one: { name }`);
  try {
    return fromBinary(schema, body);
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `these bytes are not a ${schema.typeName}: ${messageOf(cause)}`, { cause });
  }
}
function nameIn(type, message2) {
  const name = type.nameField && message2[type.nameField];
  if (typeof name === "string" && name !== "")
    return name;
  throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
}
var howToName = (type) => type.nameField ? `set its field ${type.nameField}` : "its message has no name field, so pass one: { name }";

export {
  noRewrites,
  mostFaults,
  TextLimitExceeded,
  MessageJson,
  durationOf,
  emptyDeltaEntry,
  wrappedIn,
  lacksType,
  withType,
  exampleType,
  describeDocument,
  ResourceReader,
  Resource
};
