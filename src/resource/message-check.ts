import { type DescMessage, fromBinary, type Message, type Registry } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import { anyName, fromTypedStruct, isTypedStruct, schemaOf, typeNameOf } from "./any-content.js";
import { FieldPath } from "./field-path.js";
import type { FindingCode } from "./findings.js";
import { mergedFields } from "./merged-fields.js";
import {
  type FieldPlan,
  type Flaw,
  fits,
  type MapContent,
  type MessagePlan,
  planOf,
  type Size,
  type ValueContent,
} from "./message-plan.js";
import type { Check, Value } from "./value-rules.js";
import { lengthDelimited, mustEndAt, WireReader } from "./wire-reader.js";

/** What is wrong in a message, and where. */
export interface Problem extends Flaw {
  readonly path: string;
}

/**
 * What is wrong in an encoded message and in what its Anys hold, by the API's own rules: in the order of the bytes, with
 * what is absent after what is there. The bytes are read in place; no message is made of them.
 */
export function checkMessage(schema: DescMessage, bytes: Uint8Array, registry: Registry): Problem[] {
  const problems = (merging: boolean) => {
    const check = new MessageCheck(registry, merging);
    check.content(schema, bytes, undefined);
    return check.problems;
  };
  try {
    return problems(false);
  } catch (error) {
    if (!(error instanceof Repetition)) throw error;
    return problems(true);
  }
}

type At = FieldPath | undefined;

/** Messages may be nested so deep, as in Envoy's own decoder. */
const maxDepth = 100;

/** An Any this deep in others, all levels counted, is not looked into, lest the stack overflow. */
const deepestAny = 200;

/** A field that may occur once does so twice, which decoders make one of. Nobody encodes so, but anybody may. */
class Repetition extends Error {}

/** A message while it is read. */
interface State {
  readonly plan: MessagePlan;
  readonly at: At;
  /** A bit for each slot that something was in. */
  readonly seen: number[];
  /** How many elements there were of each list and map. */
  readonly sizes: number[];
  /** The elements of lists that must have no equal ones. */
  elements?: Map<FieldPlan, Set<Value>>;
}

const none: number[] = [];

class MessageCheck {
  readonly problems: Problem[] = [];
  /** How many messages the reader is in. */
  private depth = 0;
  /** How many of them the content that it is in was found in. */
  private outside = 0;
  /** What is read is in a message that has secrets. */
  private hidesValues = false;
  /** Envoy does not check the rules of what is in the Anys from here on, or here already. */
  private unchecked: "no" | "in Anys" | "here" = "no";

  constructor(
    /** Has the types of what is in Anys. */
    private readonly registry: Registry,
    /** Fields that occur twice are made one of first; else they are thrown as a {@link Repetition}. */
    private readonly merging: boolean,
  ) {}

  /** A message that stands by itself: a resource, or what an Any holds. */
  content(schema: DescMessage, bytes: Uint8Array, at: At): void {
    const found = this.problems.length;
    const { depth, outside, unchecked, hidesValues } = this;
    if (depth > deepestAny) {
      this.report("UNKNOWN_TYPE", "is nested so deep in others that its content was not looked at", at);
      return;
    }
    this.outside = depth;
    if (unchecked === "in Anys") this.unchecked = "here";
    try {
      const reader = new WireReader(bytes);
      if (schema.typeName === anyName) this.any(reader, bytes.length, undefined, at);
      else this.message(reader, bytes.length, planOf(schema), at);
      const isSound = this.problems.length === found;
      if (isTypedStruct(schema.typeName) && isSound) this.typedStruct(fromBinary(schema, bytes), at);
    } catch (error) {
      if (error instanceof Repetition || error instanceof XdsError) throw error;
      this.problems.length = found;
      this.report("UNDECODABLE", `is no ${schema.typeName}: ${messageOf(error)}`, at);
    }
    this.depth = depth;
    this.outside = outside;
    this.unchecked = unchecked;
    this.hidesValues = hidesValues;
  }

  private typedStruct(message: Message, at: At): void {
    const content = fromTypedStruct(message, this.registry);
    if (!content) {
      this.unknownType((message as Message & { typeUrl: string }).typeUrl, at);
      return;
    }
    if (content.problem) this.report("UNKNOWN_FIELD", content.problem, at);
    this.content(content.schema, content.bytes, at?.typed(content.schema.name));
  }

  /** The message of which the reader is at the start, up to `end`. */
  private message(reader: WireReader, end: number, plan: MessagePlan, at: At): void {
    const { hidesValues } = this;
    if (plan.hidesValues) this.hidesValues = true;
    if (++this.depth - this.outside > maxDepth) throw new Error(`it has more than ${maxDepth} levels of messages`);
    if (!this.merging) this.fields(reader, end, plan, at);
    else {
      const bytes = mergedFields(reader, end, plan, (schema, dropped) => this.dropped(schema, dropped, at));
      this.fields(new WireReader(bytes), bytes.length, plan, at);
    }
    this.depth--;
    this.hidesValues = hidesValues;
  }

  /** A message that counts no more, but has to be decodable. */
  private dropped(schema: DescMessage, bytes: Uint8Array, at: At): void {
    const found = this.problems.length;
    this.message(new WireReader(bytes), bytes.length, planOf(schema), at);
    for (const problem of this.problems.splice(found)) if (problem.code === "UNDECODABLE") this.problems.push(problem);
  }

  private fields(reader: WireReader, end: number, plan: MessagePlan, at: At): void {
    const seen = plan.slots > 32 ? new Array<number>((plan.slots + 31) >>> 5).fill(0) : [0];
    const sizes = plan.lists > 0 ? new Array<number>(plan.lists).fill(0) : none;
    const state: State = { plan, at, seen, sizes };
    while (reader.pos < end) this.field(reader, end, state);
    mustEndAt(reader, end);
    for (const { slot, name, code, message } of plan.absences)
      if (!isSet(seen, slot)) this.report(code, message, at, name);
    for (const size of plan.sizes) this.size(size, sizes[size.list] ?? 0, at);
  }

  private field(reader: WireReader, end: number, state: State): void {
    const tag = reader.fieldTag();
    const wireType = tag & 7;
    const field = state.plan.fields.get(tag >>> 3);
    if (!field || !fits(field, wireType)) {
      this.passUnknown(reader, tag, state.plan.schema.typeName, state.at);
      return;
    }
    if (field.slot >= 0) set(state.seen, field.slot);
    const { deprecation } = field;
    if (deprecation) this.report(deprecation.code, deprecation.message, state.at, field.name, indexIn(state, field));
    if (wireType !== WireType.LengthDelimited) this.element(reader, end, state, field);
    else {
      const next = reader.valueEnd(end);
      if (field.wireType === WireType.LengthDelimited) this.element(reader, next, state, field);
      else while (reader.pos < next) this.element(reader, next, state, field); // packed
      mustEndAt(reader, next);
    }
  }

  /** The value of a field, or one of them. */
  private element(reader: WireReader, end: number, state: State, field: FieldPlan): void {
    const index = indexIn(state, field);
    if (field.list >= 0) state.sizes[field.list] = (state.sizes[field.list] ?? 0) + 1;
    const { unchecked } = this;
    if (field.unchecked && unchecked === "no") this.unchecked = "in Anys";
    const value = this.value(reader, end, field, field.name, state.at, index);
    this.unchecked = unchecked;
    if (!field.unique || value === undefined) return;
    state.elements ??= new Map();
    const others = state.elements.get(field) ?? new Set();
    state.elements.set(field, others);
    if (others.has(value))
      this.report("FIELD_RULE", "must differ from the other elements", state.at, field.name, index);
    others.add(value);
  }

  /** The value that the reader is at, and goes to the end of; it is given back where it was read. */
  private value(
    reader: WireReader,
    end: number,
    { content, wireType }: FieldPlan,
    name: string,
    at: At,
    index: number | string | undefined,
  ): Value | undefined {
    switch (content.kind) {
      case "any length":
        if (wireType === WireType.LengthDelimited) reader.pos = end;
        else reader.pass(wireType);
        return undefined;
      case "text":
        if (!reader.isUtf8(end)) this.report("UNDECODABLE", notUtf8, at, name, index);
        reader.pos = end;
        return undefined;
      case "value": {
        const value = this.read(reader, end, content, name, at, index);
        this.checkValue(value, content, name, at, index);
        return value;
      }
      case "message":
        this.message(reader, end, planOf(content.schema), FieldPath.field(at, name, index));
        return undefined;
      case "any":
        this.any(reader, end, content.check, FieldPath.field(at, name, index));
        return undefined;
      case "map":
        this.entry(reader, end, content, name, at);
        return undefined;
    }
  }

  private checkValue(
    value: Value,
    { check, flawed, dropped }: ValueContent,
    name: string,
    at: At,
    index: number | string | undefined,
  ): void {
    const problem = this.broken(check, value);
    if (problem) this.report("FIELD_RULE", problem, at, name, index);
    const lax = this.broken(dropped, value);
    if (lax) this.report("UNENFORCED", lax, at, name, index);
    const flaw = flawed?.get(value as number);
    if (flaw) this.report(flaw.code, flaw.message, at, name, index);
  }

  private broken(check: Check | undefined, value: Value): string | undefined {
    const problem = check?.(value);
    return problem && this.hidesValues ? `must ${check?.words}` : problem;
  }

  private read(
    reader: WireReader,
    end: number,
    content: ValueContent,
    name: string,
    at: At,
    index?: number | string,
  ): Value {
    const value = content.read(reader, end);
    if (!reader.wasUtf8) this.report("UNDECODABLE", notUtf8, at, name, index);
    reader.wasUtf8 = true;
    return value;
  }

  /** An entry of a map: a message with a key (field 1) and a value (field 2), either of them absent when it is zero. */
  private entry(reader: WireReader, end: number, content: MapContent, name: string, at: At): void {
    const { key: keyPlan, value: valuePlan } = content;
    let key: Value | undefined;
    let hasValue = false;
    const index = () => (typeof key === "string" || key === undefined ? (key ?? "") : Number(key));
    while (reader.pos < end) {
      const tag = reader.fieldTag();
      const plan = [keyPlan, valuePlan][(tag >>> 3) - 1];
      if (plan?.wireType !== (tag & 7)) {
        this.passUnknown(reader, tag, `an entry of ${name}`, at);
        continue;
      }
      const isBytes = plan.wireType === WireType.LengthDelimited;
      const next = isBytes ? reader.valueEnd(end) : end;
      if (plan === keyPlan) {
        key = this.read(reader, next, keyPlan.content, name, at);
        this.checkValue(key, keyPlan.content, name, at, index());
      } else {
        hasValue = true;
        this.value(reader, next, valuePlan, name, at, index());
      }
      if (isBytes) mustEndAt(reader, next);
    }
    mustEndAt(reader, end);
    if (key === undefined) this.checkZero(keyPlan, name, at, index());
    if (hasValue) return;
    if (valuePlan.wireType === WireType.LengthDelimited) this.value(reader, end, valuePlan, name, at, index());
    else this.checkZero(valuePlan, name, at, index());
  }

  private checkZero({ content }: FieldPlan, name: string, at: At, index: number | string): void {
    if (content.kind === "value" && content.zero !== undefined) this.checkValue(content.zero, content, name, at, index);
  }

  /** A google.protobuf.Any; the check is of its type URL. */
  private any(reader: WireReader, end: number, check: Check | undefined, at: At): void {
    let typeUrl = "";
    let bytes: Uint8Array = nothing;
    while (reader.pos < end) {
      const tag = reader.fieldTag();
      if (tag === lengthDelimited(1)) typeUrl = reader.string(true);
      else if (tag === lengthDelimited(2)) bytes = reader.bytes();
      else this.passUnknown(reader, tag, anyName, at);
    }
    mustEndAt(reader, end);
    const problem = check?.(typeUrl);
    if (problem) this.report("FIELD_RULE", problem, at, "type_url");
    if (typeUrl === "" && bytes.length === 0) return;
    const schema = schemaOf(typeUrl, this.registry);
    if (schema) this.content(schema, bytes, at?.typed(schema.name));
    else this.unknownType(typeUrl, at);
  }

  private unknownType(typeUrl: string, at: At): void {
    const type =
      typeUrl === "" ? "of no type" : `a ${typeNameOf(typeUrl)}, which this version of the API does not have`;
    this.report("UNKNOWN_TYPE", `is ${type}, so that its content was not looked at`, at);
  }

  private passUnknown(reader: WireReader, tag: number, message: string, at: At): void {
    reader.pass(tag);
    this.report("UNKNOWN_FIELD", `has a field ${tag >>> 3} that ${message} does not have`, at);
  }

  private size({ name, min, max, code, mayBeEmpty }: Size, size: number, at: At): void {
    if (size < min && !(mayBeEmpty && size === 0))
      this.report(code, `must have at least ${min} of them, has ${size}`, at, name);
    if (size > max) this.report(code, `must have at most ${max} of them, has ${size}`, at, name);
  }

  private report(code: FindingCode, message: string, at: At, name?: string, index?: number | string): void {
    const path = name === undefined ? at : FieldPath.field(at, name, index);
    const told = this.unchecked === "here" && enforced.has(code) ? "UNENFORCED" : code;
    this.problems.push({ code: told, message, path: path?.toString() ?? "" });
  }
}

/** What Envoy refuses only where it checks the rules. */
const enforced: ReadonlySet<FindingCode> = new Set(["FIELD_RULE", "MISSING_FIELD", "DISALLOWED"]);
const nothing = new Uint8Array();
const notUtf8 = "must be UTF-8";

const indexIn = (state: State, { list, content }: FieldPlan): number | undefined =>
  list < 0 || content.kind === "map" ? undefined : state.sizes[list];

function set(seen: number[], slot: number): void {
  if (isSet(seen, slot)) throw new Repetition();
  seen[slot >>> 5] = (seen[slot >>> 5] ?? 0) | (1 << (slot & 31));
}

const isSet = (seen: readonly number[], slot: number) => ((seen[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;
