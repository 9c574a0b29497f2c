import { type DescEnum, type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { isBuiltIn } from "../schema/registry.js";
import { holdsSecrets } from "../schema/sensitive.js";
import { anyName } from "./any-content.js";
import { type Deprecation, deprecationOf, type FieldRules, isExempt, isRequired, rulesOf } from "./api-rules.js";
import type { FindingCode } from "./findings.js";
import { droppedRules, uncheckedContents } from "./unenforced.js";
import { type Check, compileRules, type GivenRules, type Value } from "./value-rules.js";
import {
  isWrapper,
  type ReadValue,
  readDuration,
  readWrapper,
  scalarReaders,
  wireTypeOf,
  zeroOf,
} from "./wire-values.js";

/** How to check the messages of one type in their encoded form. Made once per type. */
export interface MessagePlan {
  readonly schema: DescMessage;
  /** Every field that the type has, by number. */
  readonly fields: ReadonlyMap<number, FieldPlan>;
  /** How many slots there are: what may occur once has one, all fields of a oneof the same. */
  readonly slots: number;
  /** How many fields are lists or maps. */
  readonly lists: number;
  /** What is wrong when nothing is in a slot. */
  readonly absences: readonly Absence[];
  /** Rules for the size of lists and maps. */
  readonly sizes: readonly Size[];
  /** What is wrong in it, all the way down, is told without the value. */
  readonly hidesValues: boolean;
}

export interface FieldPlan {
  readonly name: string;
  readonly wireType: WireType;
  /** Its slot; -1: a list or a map. */
  readonly slot: number;
  /** Its place among the lists and maps; -1: neither. */
  readonly list: number;
  /** No two elements may be equal. */
  readonly unique: boolean;
  readonly deprecation: Flaw | undefined;
  /** Envoy does not check the rules of what is in its Anys. */
  readonly unchecked: boolean;
  readonly content: Content;
}

/** What is in a field, as far as it is looked at; `any length`: nothing can be wrong with it. */
export type Content =
  | { readonly kind: "any length" }
  /** A string without rules: it has to be UTF-8. */
  | { readonly kind: "text" }
  | ValueContent
  | { readonly kind: "message"; readonly schema: DescMessage }
  /** A google.protobuf.Any; the check is of its type URL. */
  | { readonly kind: "any"; readonly check: Check | undefined }
  | MapContent;

export interface ValueContent {
  readonly kind: "value";
  readonly read: ReadValue;
  readonly check: Check | undefined;
  /** An enum's deprecated values. */
  readonly flawed: ReadonlyMap<number, Flaw> | undefined;
  /** What it is when it is not on the wire; undefined: absent. */
  readonly zero: Value | undefined;
  /** The rules that Envoy has dropped. */
  readonly dropped: Check | undefined;
}

export interface MapContent {
  readonly kind: "map";
  readonly key: FieldPlan & { readonly content: ValueContent };
  readonly value: FieldPlan;
}

/** That a rule is broken, or one that Envoy does not enforce. */
type RuleCode = "FIELD_RULE" | "UNENFORCED";

/** A kind of finding and what it says. */
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
  /** Then `min` does not count. */
  readonly mayBeEmpty: boolean;
  readonly code: RuleCode;
}

/** Whether a field may be written so; else it counts as one that its message does not have. Numbers in a list may be packed. */
export const fits = (field: FieldPlan, wireType: WireType): boolean =>
  wireType === field.wireType || (wireType === WireType.LengthDelimited && field.list >= 0);

const plans = new WeakMap<DescMessage, MessagePlan>();

export function planOf(schema: DescMessage): MessagePlan {
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
  /** Rules do not count in it. */
  private readonly exempt: boolean;

  constructor(private readonly schema: DescMessage) {
    this.exempt = isExempt(schema);
  }

  compile(): MessagePlan {
    for (const oneof of this.schema.oneofs) this.addOneof(oneof);
    for (const field of this.schema.fields) this.fields.set(field.number, this.fieldPlan(field));
    const { schema, fields, slots, lists, absences, sizes } = this;
    return { schema, fields, slots, lists, absences, sizes, hidesValues: holdsSecrets(schema) };
  }

  private addOneof(oneof: DescOneof): void {
    const slot = this.slots++;
    this.oneofSlots.set(oneof, slot);
    if (this.exempt || !isRequired(oneof)) return;
    const names = oneof.fields.map((field) => field.name).join(", ");
    const message = `is required: one of ${names}`;
    this.absences.push({ slot, name: oneof.name, code: this.code(oneof.name, "required", "MISSING_FIELD"), message });
  }

  private fieldPlan(field: DescField): FieldPlan {
    const rules = this.exempt ? undefined : rulesOf(field);
    const deprecation = deprecationOf(field);
    const named = {
      name: field.name,
      deprecation: deprecation && deprecated("", deprecation),
      unique: false,
      unchecked: uncheckedContents.has(`${this.schema.typeName}.${field.name}`),
    };
    if (field.fieldKind === "list" || field.fieldKind === "map") {
      const list = this.lists++;
      this.addSize(field, list, rules?.rules ?? {});
      const content = field.fieldKind === "map" ? mapContent(field, rules) : this.content(field, rules?.items);
      const wireType = field.fieldKind === "map" ? WireType.LengthDelimited : wireTypeIn(field);
      return { ...named, wireType, slot: -1, list, unique: rules?.rules.unique === true, content };
    }
    const slot = field.oneof ? (this.oneofSlots.get(field.oneof) ?? -1) : this.slots++;
    const content = this.content(field, rules);
    // A field of a oneof that is not chosen, and an optional one that is not set, have no value to check.
    if (!field.oneof && !field.proto.proto3Optional) this.addAbsence(field, slot, rules, content);
    return { ...named, wireType: wireTypeIn(field), slot, list: -1, content };
  }

  private addAbsence(field: DescField, slot: number, rules: FieldRules | undefined, content: Content): void {
    const add = (flaw: Flaw) => this.absences.push({ slot, name: field.name, ...flaw });
    if (rules?.required) add({ code: this.code(field.name, "required", "MISSING_FIELD"), message: "is required" });
    if (content.kind !== "value" || content.zero === undefined) return;
    const message = content.check?.(content.zero);
    if (message) add({ code: "FIELD_RULE", message });
    const dropped = content.dropped?.(content.zero);
    if (dropped) add({ code: "UNENFORCED", message: dropped });
    const flaw = content.flawed?.get(Number(content.zero));
    if (flaw) add({ ...flaw, message: `${flaw.message}; it is the default, so it has to be set` });
  }

  private addSize(field: DescField, list: number, rules: GivenRules): void {
    const { minItems, maxItems, minPairs, maxPairs, ignoreEmpty } = rules;
    const min = Number(minItems ?? minPairs ?? 0);
    const max = Number(maxItems ?? maxPairs ?? Number.POSITIVE_INFINITY);
    if (min === 0 && max === Number.POSITIVE_INFINITY) return;
    const code = this.code(field.name, "minItems", "FIELD_RULE");
    this.sizes.push({ list, name: field.name, min, max, mayBeEmpty: ignoreEmpty === true, code });
  }

  private content(field: DescField, rules: FieldRules | undefined): Content {
    const content = contentOf(field, rules);
    const dropped = this.dropped(field.name);
    if (content.kind !== "value" || dropped.length === 0 || !rules?.kind) return content;
    const part = (isDropped: boolean) => {
      const entries = Object.entries(rules.rules).filter(([rule]) => dropped.includes(rule) === isDropped);
      return compileRules(rules.kind ?? "", Object.fromEntries(entries));
    };
    return { ...content, check: part(false), dropped: part(true) };
  }

  private dropped(name: string): readonly string[] {
    return (isBuiltIn(this.schema) && droppedRules[`${this.schema.typeName}.${name}`]) || [];
  }

  /** What breaking a rule of a field or oneof is. */
  private code<T extends FindingCode>(name: string, rule: string, code: T): T | "UNENFORCED" {
    return this.dropped(name).includes(rule) ? "UNENFORCED" : code;
  }
}

/** What a field holds; of a list, what each element does; of a map, its values. */
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
  if (check && (rules?.kind === "duration" || rules?.kind === "timestamp")) return valueContent(readDuration, check);
  if (check && isWrapper(schema)) return valueContent(readWrapper(schema), check);
  return rules?.skip ? { kind: "any length" } : { kind: "message", schema };
}

/** Of lists and maps, Envoy lets deprecated values pass. */
function enumContent(desc: DescEnum, rules: FieldRules | undefined, isSingular: boolean): Content {
  const flawed = new Map<number, Flaw>();
  for (const value of desc.values) {
    const deprecation = isSingular ? deprecationOf(value) : undefined;
    if (deprecation) flawed.set(value.number, deprecated(`${value.name} `, deprecation));
  }
  const { definedOnly, ...others } = rules?.rules ?? {};
  const known = new Set(desc.values.map((value) => value.number));
  const check = compileRules("enum", definedOnly ? { ...others, definedOnly: known } : others);
  if (!check && flawed.size === 0) return { kind: "any length" };
  return valueContent(scalarReaders[ScalarType.INT32], check, 0, flawed.size === 0 ? undefined : flawed);
}

const valueContent = (
  read: ReadValue,
  check: Check | undefined,
  zero?: Value,
  flawed?: ReadonlyMap<number, Flaw>,
): ValueContent => ({ kind: "value", read, check, zero, flawed, dropped: undefined });

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
