import { type DescMessage, fromBinary, type Message, type Registry } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import { anyName, fromTypedStruct, isTypedStruct, schemaOf, typeNameOf } from "../json/any-content.js";
import { FieldPath } from "../json/field-path.js";
import type { FindingCode } from "../resource/findings.js";
import { lengthDelimited, mustEndAt, WireReader } from "../schema/wire-reader.js";
import type { Reporter } from "./envoy-rule.js";
import { mergedFields } from "./merged-fields.js";
import {
  type FieldPlan,
  type Flaw,
  fits,
  type MapContent,
  type MessagePlan,
  messagePlanOf,
  type Size,
  type ValueContent,
} from "./message-plan.js";
import type { Check, Value } from "./value-rules.js";
import { WireMessage } from "./wire-message.js";

/** A problem in a message, with its place. */
export interface Problem extends Flaw {
  readonly path: string;
  /** The problem counts from this time on, in milliseconds since 1970. `undefined` if it always counts. */
  readonly since?: number;
}

/**
 * Checks an encoded message, and the content of its Anys, by the API's own rules and those of Envoy's code.
 *
 * Problems come in the order of the bytes; missing fields come after the present ones. The bytes are checked in place,
 * without decoding a message.
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

/** How deep messages may be nested, the same as in Envoy's own decoder. */
const maxDepth = 100;

/**
 * The content of an Any nested deeper than this is not checked, so that the stack does not overflow. All levels count.
 */
const deepestAny = 200;

/**
 * Thrown when a singular field occurs twice. Decoders merge the occurrences. Encoders do not write such bytes, but an
 * attacker may.
 */
class Repetition extends Error {}

/** The state of a message that is being checked. */
interface State {
  readonly plan: MessagePlan;
  readonly at: At;
  /** A bit for each slot whose field was present. */
  readonly seen: number[];
  /** The number of elements of each list and map. */
  readonly sizes: number[];
  /** The elements of lists whose elements must differ. */
  elements?: Map<FieldPlan, Set<Value>>;
}

const none: number[] = [];

class MessageCheck implements Reporter {
  readonly problems: Problem[] = [];
  /** How many messages are open, that is, nested around the current position. */
  private depth = 0;
  /** The value of `depth` outside of the current content. */
  private outside = 0;
  /** Whether the current message has secrets. */
  hidesValues = false;
  /** Where Envoy does not check rules: nowhere, in the Anys from here on, or already here. */
  private unchecked: "no" | "in Anys" | "here" = "no";

  constructor(
    /** Has the types of the messages in Anys. */
    private readonly registry: Registry,
    /** Whether repeated singular fields are merged before the check. If false, they throw a {@link Repetition}. */
    private readonly merging: boolean,
  ) {}

  /** Checks a whole message: a resource, or the content of an Any. */
  content(schema: DescMessage, bytes: Uint8Array, at: At): void {
    const found = this.problems.length;
    const { depth, outside, unchecked, hidesValues } = this;
    if (depth > deepestAny) {
      this.reportAt("UNKNOWN_TYPE", "is nested too deeply, so its content was not checked", at);
      return;
    }
    this.outside = depth;
    if (unchecked === "in Anys") this.unchecked = "here";
    try {
      const reader = new WireReader(bytes);
      if (schema.typeName === anyName) this.any(reader, bytes.length, undefined, at);
      else this.message(reader, bytes.length, messagePlanOf(schema), at);
      const isSound = this.problems.length === found;
      if (isTypedStruct(schema.typeName) && isSound) this.typedStruct(fromBinary(schema, bytes), at);
    } catch (error) {
      if (error instanceof Repetition || error instanceof XdsError) throw error;
      this.problems.length = found;
      this.reportAt("UNDECODABLE", `is not a valid ${schema.typeName}: ${messageOf(error)}`, at);
    }
    this.depth = depth;
    this.outside = outside;
    this.unchecked = unchecked;
    this.hidesValues = hidesValues;
  }

  private typedStruct(message: Message, at: At): void {
    const content = fromTypedStruct(message, this.registry, this.hidesValues);
    if (!content) {
      this.unknownType((message as Message & { typeUrl: string }).typeUrl, at);
      return;
    }
    const inside = at?.typed(content.schema.name) ?? FieldPath.field(undefined, `<${content.schema.name}>`);
    for (const { path, message } of content.faults) this.problems.push(within(inside, "UNDECODABLE", path, message));
    for (const { path, message } of content.unknownFields)
      this.problems.push(within(inside, "UNKNOWN_FIELD", path, message));
    if (content.bytes) this.content(content.schema, content.bytes, inside);
  }

  /** Checks the message from the reader's position to `end`. */
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

  /** Checks a replaced message, which must only be decodable. */
  private dropped(schema: DescMessage, bytes: Uint8Array, at: At): void {
    const found = this.problems.length;
    this.message(new WireReader(bytes), bytes.length, messagePlanOf(schema), at);
    for (const problem of this.problems.splice(found)) if (problem.code === "UNDECODABLE") this.problems.push(problem);
  }

  private fields(reader: WireReader, end: number, plan: MessagePlan, at: At): void {
    const seen = plan.slots > 32 ? new Array<number>((plan.slots + 31) >>> 5).fill(0) : [0];
    const sizes = plan.lists > 0 ? new Array<number>(plan.lists).fill(0) : none;
    const state: State = { plan, at, seen, sizes };
    const start = reader.pos;
    while (reader.pos < end) this.field(reader, end, state);
    mustEndAt(reader, end);
    plan.envoyRule?.(new WireMessage(plan.schema, reader.slice(start), at), this);
    for (const { slot, name, code, message } of plan.absences)
      if (!isSet(seen, slot)) this.reportAt(code, message, at, name);
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
    if (deprecation) this.reportAt(deprecation.code, deprecation.message, state.at, field.name, indexIn(state, field));
    if (wireType !== WireType.LengthDelimited) this.element(reader, end, state, field);
    else {
      const next = reader.valueEnd(end);
      if (field.wireType === WireType.LengthDelimited) this.element(reader, next, state, field);
      else while (reader.pos < next) this.element(reader, next, state, field); // packed
      mustEndAt(reader, next);
    }
  }

  /** Checks the value of a field, or one element of a list. */
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
      this.reportAt("FIELD_RULE", "must differ from the other elements", state.at, field.name, index);
    others.add(value);
  }

  /** Checks the value at the reader's position, and moves to its end. Returns the value if it was decoded. */
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
        if (!reader.isUtf8(end)) this.reportAt("UNDECODABLE", notUtf8, at, name, index);
        reader.pos = end;
        return undefined;
      case "value": {
        const value = this.read(reader, end, content, name, at, index);
        this.checkValue(value, content, name, at, index);
        return value;
      }
      case "message":
        this.message(reader, end, messagePlanOf(content.schema), FieldPath.field(at, name, index));
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
    { check, deprecatedValues }: ValueContent,
    name: string,
    at: At,
    index: number | string | undefined,
  ): void {
    const problem = this.broken(check, value);
    if (problem) this.reportAt("FIELD_RULE", problem, at, name, index);
    const flaw = deprecatedValues?.get(value as number);
    if (flaw) this.reportAt(flaw.code, flaw.message, at, name, index);
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
    if (!reader.wasUtf8) this.reportAt("UNDECODABLE", notUtf8, at, name, index);
    reader.wasUtf8 = true;
    return value;
  }

  /**
   * Checks an entry of a map: a message with a key (field 1) and a value (field 2). A zero key or value may be missing.
   */
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

  /** Checks a google.protobuf.Any. `check` applies to its type URL. */
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
    if (problem) this.reportAt("FIELD_RULE", problem, at, "type_url");
    if (typeUrl === "" && bytes.length === 0) return;
    const schema = schemaOf(typeUrl, this.registry);
    if (schema) this.content(schema, bytes, at?.typed(schema.name));
    else this.unknownType(typeUrl, at);
  }

  private unknownType(typeUrl: string, at: At): void {
    const problem =
      typeUrl === "" ? "has no type" : `is a ${typeNameOf(typeUrl)}, which this version of the API does not have`;
    this.reportAt("UNKNOWN_TYPE", `${problem}, so its content was not checked`, at);
  }

  private passUnknown(reader: WireReader, tag: number, message: string, at: At): void {
    reader.pass(tag);
    this.reportAt("UNKNOWN_FIELD", `has a field ${tag >>> 3} that ${message} does not have`, at);
  }

  private size({ name, min, max, mayBeEmpty }: Size, size: number, at: At): void {
    if (size < min && !(mayBeEmpty && size === 0))
      this.reportAt("FIELD_RULE", `must have at least ${min} of them, has ${size}`, at, name);
    if (size > max) this.reportAt("FIELD_RULE", `must have at most ${max} of them, has ${size}`, at, name);
  }

  private reportAt(code: FindingCode, message: string, at: At, name?: string, index?: number | string): void {
    this.report(code, message, name === undefined ? at : FieldPath.field(at, name, index));
  }

  readonly report = (code: FindingCode, message: string, at: At, since?: number): void => {
    const reportedCode = this.unchecked === "here" && enforced.has(code) ? "UNENFORCED" : code;
    this.problems.push({
      code: reportedCode,
      message,
      path: at?.toString() ?? "",
      ...(since !== undefined && { since }),
    });
  };
}

/** Findings about rules that Envoy does not check everywhere. */
const enforced: ReadonlySet<FindingCode> = new Set([
  "FIELD_RULE",
  "MISSING_FIELD",
  "DISALLOWED",
  "MISSING_CONFIG",
  "FILTER_ORDER",
  "DUPLICATE_DOMAIN",
  "BAD_REGEX",
  "ENVOY_RULE",
  "NO_IP_ADDRESS",
  "BAD_CERTIFICATE",
]);
const nothing = new Uint8Array();
const notUtf8 = "must be UTF-8";

/** Makes a problem at a path inside the message at `at`. */
function within(at: FieldPath, code: FindingCode, path: string, message: string): Problem {
  return { code, message, path: `${at}${/^\w/.test(path) ? "." : ""}${path}` };
}

const indexIn = (state: State, { list, content }: FieldPlan): number | undefined =>
  list < 0 || content.kind === "map" ? undefined : state.sizes[list];

function set(seen: number[], slot: number): void {
  if (isSet(seen, slot)) throw new Repetition();
  seen[slot >>> 5] = (seen[slot >>> 5] ?? 0) | (1 << (slot & 31));
}

const isSet = (seen: readonly number[], slot: number) => ((seen[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;
