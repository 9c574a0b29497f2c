import { type DescEnum, type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { anyName } from "../json/any-content.js";
import type { FindingCode } from "../resource/findings.js";
import { holdsSecrets } from "../schema/sensitive.js";
import { wireTypeOf } from "../schema/wire-type.js";
import { type Deprecation, deprecationOf, type FieldRules, isExempt, isRequired, rulesOf } from "./api-rules.js";
import type { EnvoyRule } from "./envoy-rule.js";
import { envoyRules } from "./envoy-rules.js";
import { uncheckedContents } from "./unenforced.js";
import { type Check, compileRules, type GivenRules, type Value } from "./value-rules.js";
import { isWrapper, type ReadValue, readDuration, readWrapper, scalarReaders, zeroOf } from "./wire-values.js";

/** How to check encoded messages of one type. Each type has one plan. */
export interface MessagePlan {
  readonly schema: DescMessage;
  /** All fields of the type, by number. */
  readonly fields: ReadonlyMap<number, FieldPlan>;
  /** The number of slots. Each singular field has a slot; all fields of a oneof share one. */
  readonly slots: number;
  /** The number of fields that are lists or maps. */
  readonly lists: number;
  /** The problem to report if a slot is empty. */
  readonly absences: readonly Absence[];
  /** Rules for the size of lists and maps. */
  readonly sizes: readonly Size[];
  /** Whether problems in the message, at any depth, are reported without values. */
  readonly hidesValues: boolean;
  /** The additional rule of Envoy's code for the message. */
  readonly envoyRule: EnvoyRule | undefined;
}

export interface FieldPlan {
  readonly name: string;
  readonly wireType: WireType;
  /** Its slot; -1 for a list or a map. */
  readonly slot: number;
  /** Its index among the lists and maps; -1 for other fields. */
  readonly list: number;
  /** Whether all elements must differ. */
  readonly unique: boolean;
  readonly deprecation: Flaw | undefined;
  /** Whether Envoy does not check the rules inside the Anys in the field. */
  readonly unchecked: boolean;
  readonly content: Content;
}

/** The content of a field, as far as it is checked. `any length`: every value is valid. */
export type Content =
  | { readonly kind: "any length" }
  /** A string without rules; it only has to be UTF-8. */
  | { readonly kind: "text" }
  | ValueContent
  | { readonly kind: "message"; readonly schema: DescMessage }
  /** A google.protobuf.Any; `check` applies to its type URL. */
  | { readonly kind: "any"; readonly check: Check | undefined }
  | MapContent;

export interface ValueContent {
  readonly kind: "value";
  readonly read: ReadValue;
  readonly check: Check | undefined;
  /** The deprecated values of an enum. */
  readonly deprecatedValues: ReadonlyMap<number, Flaw> | undefined;
  /** The value if the field is not set; undefined if the field is then absent. */
  readonly zero: Value | undefined;
}

export interface MapContent {
  readonly kind: "map";
  readonly key: FieldPlan & { readonly content: ValueContent };
  readonly value: FieldPlan;
}

/** The code and the text of a finding. */
export interface Flaw {
  readonly code: FindingCode;
  readonly message: string;
}

export interface Absence extends Flaw {
  readonly slot: number;
  readonly name: string;
}

export interface Size {
  readonly list: number;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Whether the list may be empty despite `min`. */
  readonly mayBeEmpty: boolean;
}

/** Whether a field may have this wire type. If not, the field counts as unknown. Numbers in a list may be packed. */
export const fits = (field: FieldPlan, wireType: WireType): boolean =>
  wireType === field.wireType || (wireType === WireType.LengthDelimited && field.list >= 0);

const plans = new WeakMap<DescMessage, MessagePlan>();

export function messagePlanOf(schema: DescMessage): MessagePlan {
  let plan = plans.get(schema);
  if (!plan) {
    plan = new Compiler(schema).compile();
    plans.set(schema, plan);
  }
  return plan;
}

class Compiler {
  private readonly fields = new Map<number, FieldPlan>();
  private readonly absences: Absence[] = [];
  private readonly sizes: Size[] = [];
  private readonly oneofSlots = new Map<DescOneof, number>();
  private slots = 0;
  private lists = 0;
  /** Whether the rules of the message are switched off. */
  private readonly exempt: boolean;

  constructor(private readonly schema: DescMessage) {
    this.exempt = isExempt(schema);
  }

  compile(): MessagePlan {
    for (const oneof of this.schema.oneofs) this.addOneof(oneof);
    for (const field of this.schema.fields) this.fields.set(field.number, this.fieldPlan(field));
    const { schema, fields, slots, lists, absences, sizes } = this;
    const envoyRule = envoyRules.get(schema.typeName);
    return { schema, fields, slots, lists, absences, sizes, hidesValues: holdsSecrets(schema), envoyRule };
  }

  private addOneof(oneof: DescOneof): void {
    const slot = this.slots++;
    this.oneofSlots.set(oneof, slot);
    if (this.exempt || !isRequired(oneof)) return;
    const names = oneof.fields.map((field) => field.name).join(", ");
    const message = `is required: one of ${names}`;
    this.absences.push({ slot, name: oneof.name, code: "MISSING_FIELD", message });
  }

  private fieldPlan(field: DescField): FieldPlan {
    const rules = this.exempt ? undefined : rulesOf(field);
    const deprecation = deprecationOf(field);
    const common = {
      name: field.name,
      deprecation: deprecation && deprecated("", deprecation),
      unique: false,
      unchecked: uncheckedContents.has(`${this.schema.typeName}.${field.name}`),
    };
    if (field.fieldKind === "list" || field.fieldKind === "map") {
      const list = this.lists++;
      this.addSize(field, list, rules?.rules ?? {});
      const content = field.fieldKind === "map" ? mapContent(field, rules) : contentOf(field, rules?.items);
      const wireType = field.fieldKind === "map" ? WireType.LengthDelimited : wireTypeIn(field);
      return { ...common, wireType, slot: -1, list, unique: rules?.rules.unique === true, content };
    }
    const slot = field.oneof ? (this.oneofSlots.get(field.oneof) ?? -1) : this.slots++;
    const content = contentOf(field, rules);
    // An unset field of a oneof and an unset optional field have no value to check.
    if (!field.oneof && !field.proto.proto3Optional) this.addAbsence(field, slot, rules, content);
    return { ...common, wireType: wireTypeIn(field), slot, list: -1, content };
  }

  private addAbsence(field: DescField, slot: number, rules: FieldRules | undefined, content: Content): void {
    const add = (flaw: Flaw) => this.absences.push({ slot, name: field.name, ...flaw });
    if (rules?.required) add({ code: "MISSING_FIELD", message: "is required" });
    if (content.kind !== "value" || content.zero === undefined) return;
    const message = content.check?.(content.zero);
    if (message) add({ code: "FIELD_RULE", message });
    const flaw = content.deprecatedValues?.get(Number(content.zero));
    if (flaw) add({ ...flaw, message: `${flaw.message}; it is the default, so set another value` });
  }

  private addSize(field: DescField, list: number, rules: GivenRules): void {
    const { minItems, maxItems, minPairs, maxPairs, ignoreEmpty } = rules;
    const min = Number(minItems ?? minPairs ?? 0);
    const max = Number(maxItems ?? maxPairs ?? Number.POSITIVE_INFINITY);
    if (min === 0 && max === Number.POSITIVE_INFINITY) return;
    this.sizes.push({ list, name: field.name, min, max, mayBeEmpty: ignoreEmpty === true });
  }
}

/** The content of a field; for a list, of each element; for a map, of each value. */
function contentOf(field: DescField, rules: FieldRules | undefined): Content {
  if (field.enum) return enumContent(field.enum, rules, field.fieldKind === "enum");
  if (field.message) return messageContent(field.message, rules);
  return scalarContent(field.scalar ?? ScalarType.STRING, rules);
}

function scalarContent(scalar: ScalarType, rules: FieldRules | undefined): Content {
  const check = checkOf(rules);
  if (check) return valueContent(scalarReaders[scalar], check, zeroOf(scalar));
  return { kind: scalar === ScalarType.STRING ? "text" : "any length" };
}

function messageContent(schema: DescMessage, rules: FieldRules | undefined): Content {
  const check = checkOf(rules);
  if (schema.typeName === anyName) return { kind: "any", check };
  if (schema.typeName === "google.protobuf.Duration") return valueContent(readDuration, inRange(check));
  if (check && rules?.kind === "timestamp") return valueContent(readDuration, check);
  if (check && isWrapper(schema)) return valueContent(readWrapper(schema), check);
  return rules?.skip ? { kind: "any length" } : { kind: "message", schema };
}

/** The range that Envoy's code requires of each duration, in nanoseconds, because it counts them in 64 bits. */
const anyDuration = compileRules("duration", { gte: 0n, lt: 9_223_372_036_000_000_000n });

/** Adds Envoy's range to the check by the API's rules. */
const inRange = (check: Check | undefined): Check | undefined =>
  check && anyDuration
    ? Object.assign((value: Value) => check(value) ?? anyDuration(value), { words: check.words })
    : anyDuration;

/** The content of an enum field. Envoy accepts deprecated values in lists and maps. */
function enumContent(desc: DescEnum, rules: FieldRules | undefined, isSingular: boolean): Content {
  const deprecatedValues = new Map<number, Flaw>();
  for (const value of desc.values) {
    const deprecation = isSingular ? deprecationOf(value) : undefined;
    if (deprecation) deprecatedValues.set(value.number, deprecated(`${value.name} `, deprecation));
  }
  const { definedOnly, ...others } = rules?.rules ?? {};
  const known = new Set(desc.values.map((value) => value.number));
  const check = compileRules("enum", definedOnly ? { ...others, definedOnly: known } : others);
  if (!check && deprecatedValues.size === 0) return { kind: "any length" };
  return valueContent(
    scalarReaders[ScalarType.INT32],
    check,
    0,
    deprecatedValues.size === 0 ? undefined : deprecatedValues,
  );
}

const valueContent = (
  read: ReadValue,
  check: Check | undefined,
  zero?: Value,
  deprecatedValues?: ReadonlyMap<number, Flaw>,
): ValueContent => ({ kind: "value", read, check, zero, deprecatedValues });

function mapContent(field: DescField & { fieldKind: "map" }, rules: FieldRules | undefined): Content {
  const part = <T extends Content>(name: string, wireType: WireType, content: T) => {
    return { name, wireType, slot: -1, list: -1, unique: false, deprecation: undefined, unchecked: false, content };
  };
  const { mapKey } = field;
  const key = valueContent(scalarReaders[mapKey], checkOf(rules?.keys), zeroOf(mapKey));
  return {
    kind: "map",
    key: part("key", wireTypeOf(mapKey), key),
    value: part("value", wireTypeIn(field), contentOf(field, rules?.values)),
  };
}

const checkOf = (rules: FieldRules | undefined): Check | undefined =>
  rules?.kind ? compileRules(rules.kind, rules.rules) : undefined;

function deprecated(what: string, { disallowed, since }: Deprecation): Flaw {
  const when = since ? ` since version ${since} of the API` : "";
  if (!disallowed) return { code: "DEPRECATED", message: `${what}is deprecated${when}` };
  return { code: "DISALLOWED", message: `${what}is deprecated${when}, and Envoy refuses it by default` };
}

function wireTypeIn(field: DescField): WireType {
  if (field.message) return WireType.LengthDelimited;
  return field.enum ? WireType.Varint : wireTypeOf(field.scalar ?? ScalarType.STRING);
}
