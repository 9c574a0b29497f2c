import { isUtf8 } from "node:buffer";
import { type DescMessage, fromBinary, type Message, type Registry, toBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { messageOf } from "../errors.js";
import { anyName, fromTypedStruct, isTypedStruct, schemaOf, typeNameOf } from "./any-content.js";
import { FieldPath } from "./field-path.js";
import type { FindingCode } from "./findings.js";
import {
  type FieldPlan,
  type Flaw,
  type MapContent,
  type MessagePlan,
  planOf,
  type ValueContent,
} from "./message-plan.js";
import type { Check, Value } from "./value-rules.js";
import { lengthDelimited, WireReader } from "./wire-reader.js";

/** What is wrong in a message, and where. */
export interface Problem extends Flaw {
  readonly path: string;
}

/**
 * What is wrong in an encoded message and in what its Anys hold, by the API's own rules: in the order of the bytes, with
 * what is absent after what is there. The bytes are read in place; no message is made of them.
 */
export function checkMessage(schema: DescMessage, bytes: Uint8Array, registry: Registry): Problem[] {
  const check = new MessageCheck(registry);
  check.content(schema, bytes, undefined);
  return check.problems;
}

type At = FieldPath | undefined;

/** Messages may be nested so deep, as in Envoy's own decoder. */
const maxDepth = 100;

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
  private depth = 0;
  /** Envoy does not check the rules of what is in the Anys from here on, or here already. */
  private unchecked: "no" | "in Anys" | "here" = "no";

  /** Has the types of what is in Anys. */
  constructor(private readonly registry: Registry) {}

  /** A message that stands by itself: a resource, or what an Any holds. */
  content(schema: DescMessage, bytes: Uint8Array, at: At): void {
    const found = this.problems.length;
    const { depth, unchecked } = this;
    if (unchecked === "in Anys") this.unchecked = "here";
    try {
      this.decoded(schema, bytes, at);
    } catch (error) {
      this.problems.length = found;
      this.report("UNDECODABLE", `is no ${schema.typeName}: ${messageOf(error)}`, at);
    }
    this.depth = depth;
    this.unchecked = unchecked;
  }

  private decoded(schema: DescMessage, bytes: Uint8Array, at: At): void {
    const found = this.problems.length;
    const { unchecked } = this;
    this.depth = 0;
    try {
      if (isTypedStruct(schema.typeName)) this.typedStruct(fromBinary(schema, bytes), at);
      else this.message(new WireReader(bytes), bytes.length, planOf(schema), at);
    } catch (error) {
      if (!(error instanceof Repetition)) throw error;
      this.problems.length = found;
      this.unchecked = unchecked;
      this.decoded(schema, toBinary(schema, fromBinary(schema, bytes)), at);
    }
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
    if (++this.depth > maxDepth) throw new Error(`it has more than ${maxDepth} levels of messages`);
    const seen = plan.slots > 32 ? new Array<number>((plan.slots + 31) >>> 5).fill(0) : [0];
    const sizes = plan.lists > 0 ? new Array<number>(plan.lists).fill(0) : none;
    const state: State = { plan, at, seen, sizes };
    while (reader.pos < end) this.field(reader, end, state);
    mustEndAt(reader, end);
    for (const { slot, name, code, message } of plan.absences)
      if (!isSet(seen, slot)) this.report(code, message, at, name);
    for (const { list, name, min, max, code } of plan.sizes) this.size(sizes[list] ?? 0, min, max, code, at, name);
    this.depth--;
  }

  private field(reader: WireReader, end: number, state: State): void {
    const tag = reader.uint32();
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
      const length = reader.uint32();
      const next = reader.pos + length;
      if (next > end) throw new RangeError("it ends early");
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
        else reader.skip(wireType);
        return undefined;
      case "text":
        if (!reader.isUtf8(end)) this.report("UNDECODABLE", notUtf8, at, name, index);
        reader.pos = end;
        return undefined;
      case "value": {
        const start = reader.pos;
        const value = content.read(reader, end);
        this.checkText(value, reader.slice(start), at, name, index);
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
    const problem = check?.(value);
    if (problem) this.report("FIELD_RULE", problem, at, name, index);
    const lax = dropped?.(value);
    if (lax) this.report("UNENFORCED", lax, at, name, index);
    const flaw = flawed?.get(value as number);
    if (flaw) this.report(flaw.code, flaw.message, at, name, index);
  }

  /** Whether the bytes that a text was read from are UTF-8. */
  private checkText(value: Value, bytes: Uint8Array, at: At, name: string, index?: number | string): void {
    if (typeof value === "string" && value.includes("\ufffd") && !isUtf8(bytes))
      this.report("UNDECODABLE", notUtf8, at, name, index);
  }

  /** An entry of a map: a message with a key (field 1) and a value (field 2), either of them absent when it is zero. */
  private entry(reader: WireReader, end: number, content: MapContent, name: string, at: At): void {
    const { key: keyPlan, value: valuePlan } = content;
    let key = keyPlan.content.zero ?? "";
    let [valueStart, valueEnd] = [-1, end];
    while (reader.pos < end) {
      const tag = reader.uint32();
      const plan = [keyPlan, valuePlan][(tag >>> 3) - 1];
      if (plan?.wireType !== (tag & 7)) {
        this.passUnknown(reader, tag, `an entry of ${name}`, at);
        continue;
      }
      const length = plan.wireType === WireType.LengthDelimited ? reader.uint32() : 0;
      if (reader.pos + length > end) throw new RangeError("it ends early");
      if (plan === keyPlan) {
        const start = reader.pos;
        key = keyPlan.content.read(reader, start + length);
        this.checkText(key, reader.slice(start), at, name);
      } else {
        [valueStart, valueEnd] = [reader.pos, reader.pos + length];
        reader.pos = valueEnd;
        if (plan.wireType !== WireType.LengthDelimited) reader.skip(plan.wireType);
      }
    }
    mustEndAt(reader, end);
    const index = typeof key === "string" ? key : Number(key);
    this.checkValue(key, keyPlan.content, name, at, index);
    if (valueStart < 0 && valuePlan.content.kind === "value") {
      const { zero } = valuePlan.content;
      if (zero !== undefined) this.checkValue(zero, valuePlan.content, name, at, index);
      return;
    }
    reader.pos = valueStart < 0 ? end : valueStart;
    this.value(reader, valueStart < 0 ? end : valueEnd, valuePlan, name, at, index);
    reader.pos = end;
  }

  /** A google.protobuf.Any; the check is of its type URL. */
  private any(reader: WireReader, end: number, check: Check | undefined, at: FieldPath): void {
    let typeUrl = "";
    let bytes: Uint8Array = nothing;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === lengthDelimited(1)) typeUrl = reader.string(true);
      else if (tag === lengthDelimited(2)) bytes = reader.bytes();
      else this.passUnknown(reader, tag, anyName, at);
    }
    mustEndAt(reader, end);
    const problem = check?.(typeUrl);
    if (problem) this.report("FIELD_RULE", problem, at, "type_url");
    if (typeUrl === "" && bytes.length === 0) return;
    const schema = schemaOf(typeUrl, this.registry);
    if (schema) this.content(schema, bytes, at.typed(schema.name));
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

  private size(size: number, min: number, max: number, code: FindingCode, at: At, name: string): void {
    if (size < min) this.report(code, `must have at least ${min} of them, has ${size}`, at, name);
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

const fits = (field: FieldPlan, wireType: WireType) =>
  wireType === field.wireType || (wireType === WireType.LengthDelimited && field.list >= 0); // packed

const indexIn = (state: State, { list, content }: FieldPlan): number | undefined =>
  list < 0 || content.kind === "map" ? undefined : state.sizes[list];

function set(seen: number[], slot: number): void {
  if (isSet(seen, slot)) throw new Repetition();
  seen[slot >>> 5] = (seen[slot >>> 5] ?? 0) | (1 << (slot & 31));
}

const isSet = (seen: readonly number[], slot: number) => ((seen[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;

function mustEndAt(reader: WireReader, end: number): void {
  if (reader.pos !== end) throw new RangeError("a value in it is longer than it says");
}
