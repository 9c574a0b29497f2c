import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { nearest } from "../nearest.js";
import { otherApiHint } from "../schema/registry.js";
import { holdsSecrets, isSensitive, redactions } from "../schema/sensitive.js";
import { type Fault, formatPath, type PathStep } from "./fault.js";
import type { YamlEntry, YamlMap, YamlNode } from "./node.js";
import { olderField } from "./older-api.js";
import { describeNode, emptyScalar, type Read, readEnum, readMapKey, readScalar, someOf } from "./scalar-json.js";
import { typeNamed, WrongTypes } from "./type-names.js";
import { emptyMessage, hasOwnJson, stringTypes } from "./well-known-json.js";

/** Changes to be made to messages while they are read. */
export interface Rewrites {
  /** The rewrite of each message, by the message's full name. */
  readonly of: ReadonlyMap<string, Rewrite>;
  /** Full names of fields. Nothing inside these fields is rewritten. */
  readonly notIn?: ReadonlySet<string>;
}

/**
 * Returns the JSON to be served instead of a message's JSON.
 *
 * It may change the given object, because nothing else refers to it. If `isSecret` is true, no message may quote a
 * value.
 */
export type Rewrite = (json: JsonObject, tell: Tell, isSecret: boolean) => JsonObject;

/**
 * Reports a fault or a note about a field of the rewritten message, at the field's value. It may be called later, too.
 */
export type Tell = (what: "fault" | "note", field: string, message: string) => void;

export const noRewrites: Rewrites = { of: new Map() };

/** Limits for what the aliases of a file add to its own values and characters. No real file exceeds them. */
const maxAliasedValues = 1_000_000;
const maxAliasedCharacters = 16 * 2 ** 20;

/** Reading a text ends after this many faults. */
export const mostFaults = 1_000;

/** Thrown when a text expands to more values than can be served, or has more faults than are useful to print. */
export class TextLimitExceeded extends Error {
  override readonly name = "TextLimitExceeded";

  constructor(
    message: string,
    /** The offset in the text. */
    readonly at?: number,
  ) {
    super(message);
  }
}

/**
 * Turns values of a file into proto3 JSON of given messages.
 *
 * Every value that does not fit is left out and reported in `faults`. So the JSON is correct only if a call adds no
 * fault.
 */
export class MessageJson {
  readonly faults: Fault[] = [];
  /** Information for the user that is not a fault. */
  readonly notes: Fault[] = [];
  /** Collects fields that a message does not have, if set. If undefined, such fields are faults. */
  unknownFields: Fault[] | undefined;
  /** Whether "[redacted]" is accepted as a secret. Set it only for configuration that is not served. */
  takesRedacted = false;
  private readonly path: PathStep[] = [];
  private valuesLeft: number;
  /** True after a secret was read, or after a fault that may quote one. */
  mayHaveSecrets = false;
  private charactersLeft: number;
  /** Whether the current value is a secret, which no message may quote. */
  private isSecret = false;
  /** Whether the current value is in a message that has secrets. */
  private isNearSecret = false;
  private rewrites = noRewrites;
  readonly wrongTypes: WrongTypes;

  /** `size` is the size of the text without its aliases. With `hidesValues`, no fault quotes a value. */
  constructor(
    private readonly registry: Registry,
    size: { readonly values: number; readonly characters: number },
    private readonly hidesValues = false,
  ) {
    this.wrongTypes = new WrongTypes(registry);
    this.valuesLeft = size.values + maxAliasedValues;
    this.charactersLeft = size.characters + maxAliasedCharacters;
  }

  /**
   * Returns the JSON of a message. `steps` is the path of its value in the document; `leaveOut` is a key to skip.
   * @throws TextLimitExceeded for a text that is too large or has too many faults
   */
  read(
    desc: DescMessage,
    node: YamlNode,
    steps: readonly PathStep[],
    { leaveOut, rewrites = noRewrites }: { leaveOut?: string; rewrites?: Rewrites } = {},
  ): JsonValue {
    this.path.splice(0, this.path.length, ...steps);
    this.isSecret = false;
    this.isNearSecret = false;
    this.rewrites = rewrites;
    return this.message(desc, node, leaveOut);
  }

  private message(desc: DescMessage, node: YamlNode, leaveOut?: string): JsonValue {
    const wasNear = this.isNearSecret;
    if (holdsSecrets(desc)) this.isNearSecret = true;
    const json = this.contentOf(desc, node, leaveOut);
    this.isNearSecret = wasNear;
    return json;
  }

  private contentOf(desc: DescMessage, node: YamlNode, leaveOut?: string): JsonValue {
    const { typeName } = desc;
    if (typeName === "google.protobuf.Any") return this.any(node);
    if (typeName === "google.protobuf.Value") return this.anyJson(node);
    const isObject = node.kind === "map";
    const stringType = stringTypes[typeName];
    if (stringType)
      return isObject
        ? this.ofFields(desc, node, leaveOut, stringType.ofFields)
        : this.take(node, stringType.read(node));
    if (isWrapperDesc(desc)) {
      const [value] = desc.fields;
      if (!isObject) return this.field(value, node);
      return this.ofFields(desc, node, leaveOut, (fields) => fields.value ?? emptyScalar(value.scalar));
    }
    if (typeName === "google.protobuf.ListValue") {
      if (isObject) return this.ofFields(desc, node, leaveOut, ({ values = [] }) => values);
      return node.kind === "list"
        ? this.anyJson(node)
        : this.fault(node.at, `expected a list, got ${describeNode(node)}`);
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
  private ofFields(
    desc: DescMessage,
    node: YamlMap,
    leaveOut: string | undefined,
    jsonOf: (fields: JsonObject) => JsonValue,
  ): JsonValue {
    const before = this.faults.length;
    const fields = this.fields(desc, node, leaveOut);
    if (this.faults.length > before) return null;
    try {
      return jsonOf(fields);
    } catch {
      return this.fault(node.at, `these fields are not a valid ${desc.typeName}; write it as a string`);
    }
  }

  private fields(desc: DescMessage, node: YamlMap, leaveOut: string | undefined): JsonObject {
    this.count(node);
    const json: JsonObject = {};
    const setBy = new Map<string, YamlEntry>();
    for (const entry of node.entries) {
      if (entry.key === leaveOut) continue;
      const field = fieldNamed(desc, entry.key);
      this.path.push(field ? entry.key : this.shownKey(entry.key, desc));
      if (!field) this.unknown(entry.at, unknownField(desc, entry.key));
      else if (this.isFirst(field, entry, setBy) && (!isNull(entry.value) || takesNull(field)))
        json[field.jsonName] = this.field(field, entry.value);
      this.path.pop();
    }
    const rewrite = this.rewrites.of.get(desc.typeName);
    return rewrite ? rewrite(json, this.reportOf(desc, node), this.isSecret) : json;
  }

  private reportOf(desc: DescMessage, node: YamlMap): Tell {
    const path = [...this.path];
    return (what, name, message) => {
      const entry = node.entries.find(({ key }) => fieldNamed(desc, key)?.name === name);
      const faultsOrNotes = what === "fault" ? this.faults : this.notes;
      faultsOrNotes.push({ at: (entry?.value ?? node).at, path: formatPath([...path, entry?.key ?? name]), message });
    };
  }

  /** Whether this entry is the first that sets its field and its oneof. Reports a fault if it is not. */
  private isFirst(field: DescField, entry: YamlEntry, setBy: Map<string, YamlEntry>): boolean {
    const sameField = setBy.get(field.name);
    if (sameField) {
      this.fault(entry.at, `${sameField.key} and ${entry.key} are the same field; remove one of them`);
      return false;
    }
    setBy.set(field.name, entry);
    if (!field.oneof || isNull(entry.value)) return true;
    const oneof = `oneof ${field.oneof.name}`;
    const sameOneof = setBy.get(oneof);
    if (sameOneof) {
      const both = `${sameOneof.key} and ${entry.key} cannot both be set`;
      this.fault(
        entry.at,
        `${both}: ${field.oneof.name} is one of ${someOf(field.oneof.fields.map(({ name }) => name))}; remove one of them`,
      );
      return false;
    }
    setBy.set(oneof, entry);
    return true;
  }

  private field(field: DescField | undefined, node: YamlNode): JsonValue {
    const { isSecret, rewrites } = this;
    if (field && isSensitive(field)) this.isSecret = this.mayHaveSecrets = true;
    if (field?.message && rewrites.notIn?.has(`${field.parent.typeName}.${field.name}`)) this.rewrites = noRewrites;
    const json = this.value(field, node);
    this.isSecret = isSecret;
    this.rewrites = rewrites;
    return json;
  }

  private value(field: DescField | undefined, node: YamlNode): JsonValue {
    if (!field || (isNull(node) && !takesNull(field))) return null;
    if (field.fieldKind === "list") return this.list(field, node);
    if (field.fieldKind === "map") return this.map(field, node);
    return this.item(field, node);
  }

  /** Reads a list. A single value stands for a list of one, and nested lists are flattened. */
  private list(field: DescField & { fieldKind: "list" }, node: YamlNode): JsonValue[] {
    if (node.kind !== "list") return [this.item(field, node)];
    this.count(node);
    return node.items.flatMap((item, index) => {
      this.path.push(index);
      const json = item.kind === "list" && !takesLists(field) ? this.list(field, item) : [this.element(field, item)];
      this.path.pop();
      return json;
    });
  }

  private map(field: DescField & { fieldKind: "map" }, node: YamlNode): JsonValue {
    if (node.kind !== "map") return this.fault(node.at, `expected an object, got ${describeNode(node)}`);
    this.count(node);
    const json: JsonObject = {};
    for (const { key, at, value } of node.entries) {
      this.path.push(this.shownKey(key));
      const read = readMapKey(field.mapKey, key, this.hidesValues);
      if ("wrong" in read) this.fault(at, read.wrong);
      else json[String(read.json)] = this.element(field, value);
      this.path.pop();
    }
    return json;
  }

  /** Reads an item of a list, or a value of a map. There null stands for the default value. */
  private element(field: DescField, node: YamlNode): JsonValue {
    return isNull(node) && !takesNull(field) ? emptyElement(field) : this.item(field, node);
  }

  private item(field: DescField, node: YamlNode): JsonValue {
    if (field.message) return this.message(field.message, node);
    if (field.enum) return takesNull(field) && isNull(node) ? null : this.take(node, readEnum(field.enum, node));
    if (!field.scalar) return null;
    if (this.isSecret && !this.takesRedacted && node.kind === "scalar" && redactions.has(node.text))
      return this.fault(node.at, redactedSecret);
    return this.take(node, readScalar(field.scalar, node));
  }

  private any(node: YamlNode): JsonValue {
    const before = this.faults.length;
    const json = this.contentOfAny(node);
    // The type of this content is unknown, so it may have secrets.
    if (json === null && this.faults.length > before) this.mayHaveSecrets = true;
    return json;
  }

  private contentOfAny(node: YamlNode): JsonValue {
    if (node.kind !== "map") return this.fault(node.at, `expected an object with "@type", got ${describeNode(node)}`);
    if (node.entries.length === 0) return {};
    const type = node.entries.find(({ key }) => key === "@type");
    if (!type)
      return this.fault(
        node.at,
        'expected an object with "@type", got one without; add "@type": type.googleapis.com/<its message>',
      );
    const desc = typeNamed(type.value, this.registry);
    if (!desc) {
      this.path.push("@type");
      this.fault(type.value.at, this.wrongTypes.explain(type.value));
      this.path.pop();
      return null;
    }
    const typeUrl = `type.googleapis.com/${desc.typeName}`;
    const value = node.entries.find(({ key }) => key === "value");
    if (!hasOwnJson(desc)) return { ...asObject(this.message(desc, node, "@type")), "@type": typeUrl };
    for (const { key, at } of node.entries) {
      if (key === "@type" || key === "value") continue;
      this.path.push(this.shownKey(key));
      this.fault(at, `a ${desc.typeName} in an Any has only "@type" and value; remove this`);
      this.path.pop();
    }
    if (!value || (isNull(value.value) && desc.typeName !== "google.protobuf.Value"))
      return { "@type": typeUrl, value: emptyMessage(desc) };
    this.path.push("value");
    const json = this.message(desc, value.value);
    this.path.pop();
    return { "@type": typeUrl, value: json };
  }

  /** Reads a google.protobuf.Value, Struct or ListValue, which may be any JSON. */
  private anyJson(node: YamlNode): JsonValue {
    if (node.kind === "scalar") {
      this.count(node);
      return typeof node.value === "bigint" ? Number(node.value) : node.value;
    }
    this.count(node);
    const inside = (step: PathStep, value: YamlNode) => {
      this.path.push(step);
      const json = this.anyJson(value);
      this.path.pop();
      return json;
    };
    if (node.kind === "list") return node.items.map((item, index) => inside(index, item));
    const object: JsonObject = {};
    for (const { key, value } of node.entries) object[key] = inside(this.hidesValues ? "…" : key, value);
    return object;
  }

  private take(node: YamlNode, read: Read): JsonValue {
    this.count(node);
    return "json" in read ? read.json : this.fault(node.at, read.wrong);
  }

  private count(node: YamlNode): void {
    if (node.kind === "scalar") this.charactersLeft -= node.text.length;
    else this.valuesLeft -= node.kind === "map" ? node.entries.length : node.items.length;
    if (this.valuesLeft >= 0 && this.charactersLeft >= 0) return;
    const what = this.valuesLeft < 0 ? `${maxAliasedValues} values` : `${maxAliasedCharacters} characters of text`;
    throw new TextLimitExceeded(`the aliases of this file stand for more than ${what}; write it with fewer aliases`);
  }

  /**
   * Ends the reading of a text with too many faults. `at` is the offset after which the text is not checked.
   * @throws TextLimitExceeded for {@link mostFaults} faults and more
   */
  checkFaults(at: number): void {
    if (this.faults.length < mostFaults) return;
    throw new TextLimitExceeded(`more than ${mostFaults} problems; the rest of the file is not checked`, at);
  }

  private unknown(at: number, message: string): void {
    if (this.unknownFields && this.unknownFields.length < mostFaults)
      this.unknownFields.push({ at, path: formatPath(this.path), message });
    else this.fault(at, message);
  }

  /** Adds a fault at the current path. Returns null, the JSON of a field without a value. */
  private fault(at: number, message: string): null {
    if (this.isNearSecret) this.mayHaveSecrets = true;
    this.faults.push({ at, path: formatPath(this.path), message });
    this.checkFaults(at);
    return null;
  }

  /**
   * The form in which a path shows a key that is not a field. It is hidden near secrets, because a secret may have been
   * written as a key.
   */
  private shownKey(key: string, desc?: DescMessage): string {
    const isMistyped = () => desc !== undefined && nearest(key, usualNames(desc)) !== undefined;
    return this.hidesValues && this.isNearSecret && !isMistyped() ? "…" : key;
  }
}

const redactedSecret =
  'this is "[redacted]", not a secret. Write the secret here, or print the file again with --show-secrets';

const isNull = (node: YamlNode) => node.kind === "scalar" && node.value === null;

const takesNull = (field: DescField) =>
  field.message?.typeName === "google.protobuf.Value" || field.enum?.typeName === "google.protobuf.NullValue";

/** Whether a list inside a list is itself an element of the field. */
const takesLists = ({ message }: DescField) =>
  message?.typeName === "google.protobuf.Value" || message?.typeName === "google.protobuf.ListValue";

function emptyElement({ message, enum: desc, scalar }: DescField): JsonValue {
  if (message) return emptyMessage(message);
  return scalar ? emptyScalar(scalar) : (desc?.values[0]?.name ?? 0);
}

const asObject = (json: JsonValue): JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};

const fieldsByName = new WeakMap<DescMessage, Map<string, DescField>>();

/** Finds a field by its name in the proto file, or by the same name in lowerCamelCase. */
function fieldNamed(desc: DescMessage, name: string): DescField | undefined {
  let fields = fieldsByName.get(desc);
  if (!fields) {
    fields = new Map(desc.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]));
    fieldsByName.set(desc, fields);
  }
  return fields.get(name);
}

const usualNames = (desc: DescMessage) => desc.fields.filter(({ deprecated }) => !deprecated).map(({ name }) => name);

function unknownField(desc: DescMessage, name: string): string {
  const older = olderField(desc, name);
  if (older !== undefined) return older;
  const names = usualNames(desc);
  const meant = nearest(name, names);
  if (meant) return `${desc.typeName} has no such field; did you mean ${meant}?`;
  const others = names.length > 0 ? someOf(names) : "none";
  return `${desc.typeName} has no such field; it has ${others}${otherApiHint(desc)}`;
}
