import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { otherApiHint } from "../schema/registry.js";
import { holdsSecrets, isSensitive, redactions } from "../schema/sensitive.js";
import { nearest } from "./nearest.js";
import { type Fault, formatPath, type PathStep } from "./problem.js";
import { describeNode, type Read, readEnum, readMapKey, readScalar, someOf } from "./scalar-json.js";
import { typeNamed, wrongType } from "./type-names.js";
import { stringTypes } from "./well-known-json.js";
import type { YamlEntry, YamlMap, YamlNode } from "./yaml.js";

/** By the full names of messages. */
export type Rewrites = ReadonlyMap<string, Rewrite>;

/**
 * Makes of a message's JSON what is to be served in its place. It may change the object that it is given, which nobody else has.
 * `isSecret`: what is in it must not be told.
 */
export type Rewrite = (json: JsonObject, tell: Tell, isSecret: boolean) => JsonObject;

/** Tells a fault or a note about a field of the message that is being rewritten, at its value. */
export type Tell = (what: "fault" | "note", field: string, message: string) => void;

export const noRewrites: Rewrites = new Map();

/** More values, and more characters in them, than any file spells out besides its own; only aliases make so many. */
const maxAliasedValues = 1_000_000;
const maxAliasedCharacters = 16 * 2 ** 20;

/** With as many faults in what it holds the reading of a text ends. */
export const mostFaults = 1_000;

/** Thrown when a text stands for more than can be served, or has more wrong than anybody reads. */
export class TooMuch extends Error {
  override readonly name = "TooMuch";

  constructor(
    message: string,
    /** Where in the text. */
    readonly at?: number,
  ) {
    super(message);
  }
}

/**
 * Turns values of a file into proto3 JSON for the messages they are to be. What does not fit is left out and told in
 * `faults`, all of it; so the JSON is good only if nothing was added there.
 */
export class MessageJson {
  readonly faults: Fault[] = [];
  /** What is no fault, but good to know. */
  readonly notes: Fault[] = [];
  /** Whether "[redacted]" may stand for a secret, for nobody is served it. */
  takesRedacted = false;
  private readonly path: PathStep[] = [];
  private valuesLeft: number;
  /** A secret was read, or a mistake may show one. */
  mayHaveSecrets = false;
  private charactersLeft: number;
  /** Whether what is read is a secret, which must not be told. */
  private isSecret = false;
  /** Whether what is read is in a message that has secrets. */
  private isNearSecret = false;
  private rewrites = noRewrites;

  /** `size`: of the text itself. `hidesValues`: no fault quotes one. */
  constructor(
    private readonly registry: Registry,
    size: { readonly values: number; readonly characters: number },
    private readonly hidesValues = false,
  ) {
    this.valuesLeft = size.values + maxAliasedValues;
    this.charactersLeft = size.characters + maxAliasedCharacters;
  }

  /**
   * The JSON of a message; `steps` is where its value stands in the document.
   * @throws TooMuch
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
    const asString = stringTypes[typeName];
    if (asString) return this.take(node, asString(node));
    if (isWrapperDesc(desc)) return this.field(desc.fields[0], node);
    if (typeName === "google.protobuf.Value") return this.anyJson(node);
    if (typeName === "google.protobuf.ListValue")
      return node.kind === "list"
        ? this.anyJson(node)
        : this.fault(node.at, `expected a list, got ${describeNode(node)}`);
    if (node.kind !== "map") {
      const names = usualNames(desc);
      const fields = names.length > 0 && names.length <= 8 ? `; its fields: ${names.join(", ")}` : "";
      return this.fault(node.at, `expected an object (${typeName}${fields}), got ${describeNode(node)}`);
    }
    return typeName === "google.protobuf.Struct" ? this.anyJson(node) : this.fields(desc, node, leaveOut);
  }

  private fields(desc: DescMessage, node: YamlMap, leaveOut: string | undefined): JsonObject {
    this.count(node);
    const json: JsonObject = {};
    const setBy = new Map<string, YamlEntry>();
    for (const entry of node.entries) {
      if (entry.key === leaveOut) continue;
      const field = fieldNamed(desc, entry.key);
      this.path.push(field ? entry.key : this.shownKey(entry.key, desc));
      if (!field) this.fault(entry.at, unknownField(desc, entry.key));
      else if (this.isFirst(field, entry, setBy)) json[field.jsonName] = this.field(field, entry.value);
      this.path.pop();
    }
    const rewrite = this.rewrites.get(desc.typeName);
    return rewrite ? rewrite(json, (...told) => this.tell(desc, node, ...told), this.isSecret) : json;
  }

  private tell(desc: DescMessage, node: YamlMap, ...[what, name, message]: Parameters<Tell>): void {
    const entry = node.entries.find(({ key }) => fieldNamed(desc, key)?.name === name);
    const told = what === "fault" ? this.faults : this.notes;
    told.push({ at: (entry?.value ?? node).at, path: formatPath([...this.path, entry?.key ?? name]), message });
  }

  /** Whether neither the field nor another one of its oneof has been set before. */
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
    const wasSecret = this.isSecret;
    if (field && isSensitive(field)) this.isSecret = this.mayHaveSecrets = true;
    const json = this.value(field, node);
    this.isSecret = wasSecret;
    return json;
  }

  private value(field: DescField | undefined, node: YamlNode): JsonValue {
    if (!field || (isNull(node) && !takesNull(field))) return null;
    if (field.fieldKind === "list") return this.list(field, node);
    if (field.fieldKind === "map") return this.map(field, node);
    return this.item(field, node);
  }

  private list(field: DescField & { fieldKind: "list" }, node: YamlNode): JsonValue {
    if (node.kind !== "list") {
      const hint = node.kind === "map" ? '; put "- " before its first line' : "; write [ ] around it";
      return this.fault(node.at, `expected a list, got ${describeNode(node)}${hint}`);
    }
    this.count(node);
    return node.items.map((item, index) => {
      this.path.push(index);
      const json = this.notNull(field, item);
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
      json[key] = this.notNull(field, value);
      this.path.pop();
    }
    return json;
  }

  /** An item of a list, or a value of a map: null stands for nothing there. */
  private notNull(field: DescField, node: YamlNode): JsonValue {
    if (!isNull(node) || takesNull(field)) return this.item(field, node);
    return this.fault(node.at, "expected a value, got nothing (null); remove the entry, or write its value");
  }

  private item(field: DescField, node: YamlNode): JsonValue {
    if (field.message) return this.message(field.message, node);
    if (field.enum) return takesNull(field) && isNull(node) ? null : this.take(node, readEnum(field.enum, node));
    if (!field.scalar) return null;
    if (this.isSecret && !this.takesRedacted && node.kind === "scalar" && redactions.has(node.text))
      return this.fault(node.at, notTold);
    return this.take(node, readScalar(field.scalar, node));
  }

  private any(node: YamlNode): JsonValue {
    const before = this.faults.length;
    const json = this.contentOfAny(node);
    // What it would be is not known.
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
      this.fault(type.value.at, wrongType(type.value, this.registry));
      this.path.pop();
      return null;
    }
    const typeUrl = `type.googleapis.com/${desc.typeName}`;
    const value = node.entries.find(({ key }) => key === "value");
    if (!hasOwnJson(desc) || !value) return { ...asObject(this.message(desc, node, "@type")), "@type": typeUrl };
    for (const { key, at } of node.entries) {
      if (key === "@type" || key === "value") continue;
      this.path.push(this.shownKey(key));
      this.fault(at, `a ${desc.typeName} in an Any has "@type" and value, and nothing else; remove this`);
      this.path.pop();
    }
    this.path.push("value");
    const json = this.message(desc, value.value);
    this.path.pop();
    return { "@type": typeUrl, value: json };
  }

  /** A google.protobuf.Value, Struct or ListValue: JSON of any kind. */
  private anyJson(node: YamlNode): JsonValue {
    if (node.kind === "scalar") {
      this.count(node);
      const json = typeof node.value === "bigint" ? Number(node.value) : node.value;
      if (typeof json !== "number" || Number.isFinite(json)) return json;
      return this.fault(node.at, `expected a finite number, got ${describeNode(node)}`);
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
    throw new TooMuch(`the aliases of this file stand for more than ${what}; write it with fewer aliases`);
  }

  /** @throws TooMuch where the text has so many faults that the rest, from this offset on, need not be looked at */
  checkFaults(at: number): void {
    if (this.faults.length < mostFaults) return;
    throw new TooMuch(`more than ${mostFaults} problems; the rest of the file is not looked at`, at);
  }

  /** Returns what a field without a value has in JSON. */
  private fault(at: number, message: string): null {
    if (this.isNearSecret) this.mayHaveSecrets = true;
    this.faults.push({ at, path: formatPath(this.path), message });
    this.checkFaults(at);
    return null;
  }

  /** A key that is no field's name, as a path has it: where secrets are, somebody may have written one as a key. */
  private shownKey(key: string, desc?: DescMessage): string {
    const isMistyped = () => desc !== undefined && nearest(key, usualNames(desc)) !== undefined;
    return this.hidesValues && this.isNearSecret && !isMistyped() ? "…" : key;
  }
}

const notTold =
  'no secret, but "[redacted]", which stands where one was not told; write it, or have it printed by --show-secrets';

const isNull = (node: YamlNode) => node.kind === "scalar" && node.value === null;

const takesNull = (field: DescField) =>
  field.message?.typeName === "google.protobuf.Value" || field.enum?.typeName === "google.protobuf.NullValue";

const asObject = (json: JsonValue): JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};

/** Whether the JSON of a message is something else than an object of its fields. */
function hasOwnJson(desc: DescMessage): boolean {
  const { typeName } = desc;
  return isWrapperDesc(desc) || stringTypes[typeName] !== undefined || ownJson.has(typeName);
}

const ownJson = new Set(["Any", "Struct", "Value", "ListValue"].map((name) => `google.protobuf.${name}`));

const fieldsByName = new WeakMap<DescMessage, Map<string, DescField>>();

/** By its name in the proto file, or the same in lowerCamelCase. */
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
  const names = usualNames(desc);
  const meant = nearest(name, names);
  if (meant) return `${desc.typeName} has no such field; did you mean ${meant}?`;
  const others = names.length > 0 ? someOf(names) : "none";
  return `${desc.typeName} has no such field; it has ${others}${otherApiHint()}`;
}
