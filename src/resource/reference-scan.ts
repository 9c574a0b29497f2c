import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { anyName, fromTypedStruct, isTypedStruct, schemaOf } from "./any-content.js";
import { FieldPath } from "./field-path.js";
import { actionNames } from "./reference-actions.js";
import { type ActionsPlan, type FieldPlan, type Lookup, type Plan, planIn, planOf } from "./reference-plan.js";
import { mayRefer } from "./reference-skim.js";
import type { Reference } from "./references.js";
import { lastField, lengthDelimited, valuesAt, WireReader } from "./wire-reader.js";

/**
 * The references in a message, each name once, in the order of the bytes. What cannot be decoded has none.
 *
 * Walks the encoded bytes by a plan made once per message type, which knows the fields that lead to a reference; all
 * other bytes are skipped.
 */
export function scanReferences(typeUrl: string, bytes: Uint8Array): readonly Reference[] {
  const schema = schemaOf(typeUrl);
  if (!schema) return none;
  const found = new Map<string, Reference>();
  scanContent(schema, bytes, undefined, found);
  return found.size === 0 ? none : [...found.values()];
}

const none: readonly Reference[] = [];
type Found = Map<string, Reference>;

/** A message that stands by itself: a resource, or what an Any holds. */
function scanContent(schema: DescMessage, bytes: Uint8Array, at: FieldPath | undefined, found: Found): void {
  const plan = planOf(schema);
  if (!plan) return;
  try {
    if (isTypedStruct(schema.typeName)) {
      const content = fromTypedStruct(fromBinary(schema, bytes));
      if (content) scanContent(content.schema, content.bytes, at?.typed(content.schema.name), found);
    } else scan(new WireReader(bytes), bytes.length, plan, at, found);
  } catch {
    // Bytes that are no such message refer to nothing. What is wrong with them, validation says.
  }
}

/** The message of which the reader is at the start, up to `end`. */
function scan(reader: WireReader, end: number, plan: Plan, at: FieldPath | undefined, found: Found): void {
  if (plan.schema.typeName === anyName) {
    scanAny(reader, end, at, found);
    return;
  }
  const start = reader.pos;
  if (plan.source !== undefined) {
    reader.pos = end;
    const source = lastField(reader.slice(start), plan.source);
    if (source && isFile(source)) return;
    reader.pos = start;
  }
  const values = plan.lookup ? new Map<number, Uint8Array | number>() : undefined;
  const elements = plan.hasLists ? new Map<FieldPlan, number>() : undefined;
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    const field = plan.fields.get(tag >>> 3);
    if (field && (tag & 7) === WireType.LengthDelimited) {
      let index: number | undefined;
      if (field.repeated && elements) {
        index = elements.get(field) ?? 0;
        elements.set(field, index + 1);
      }
      const value = scanField(reader, field, index, at, found);
      if (value) values?.set(tag >>> 3, value);
    } else if (field?.wanted && (tag & 7) === WireType.Varint) values?.set(tag >>> 3, reader.int32());
    else reader.pass(tag);
  }
  if (plan.lookup && values) lookUp(plan.lookup, values, at, found);
  if (plan.actions) scanActions(plan.actions, reader.slice(start), at, found);
}

/** What the actions of a matcher name, but for what the message has inline. */
function scanActions(plan: ActionsPlan, message: Uint8Array, at: FieldPath | undefined, found: Found): void {
  const source = valuesAt(message, plan.source.numbers).at(-1);
  const matcher = lastField(message, plan.matcher.number);
  if (!source || !matcher || !plan.matcher.message || isFile(source)) return;
  const inline = new Set(valuesAt(message, plan.inline.numbers).map((name) => Buffer.from(name).toString()));
  const path = FieldPath.field(at, plan.matcher.name);
  for (const action of actionNames(plan.matcher.message, matcher, path))
    if (!inline.has(action.name)) add(found, plan.typeUrl, action.name, action.at, "value");
}

/** The value of a field: its length, and that many bytes, which are given back where they are wanted. */
function scanField(
  reader: WireReader,
  field: FieldPlan,
  index: number | undefined,
  at: FieldPath | undefined,
  found: Found,
): Uint8Array | undefined {
  const length = reader.uint32();
  const start = reader.pos;
  const end = start + length;
  if (field.map) scanEntry(reader, end, field, at, found);
  else if (field.target) add(found, field.target, reader.text(end), at, field.name, index);
  else if (field.into) {
    const plan = planIn(field);
    if (plan && (!plan.isPlain || mayRefer(reader.all, start, end, plan)))
      scan(reader, end, plan, FieldPath.field(at, field.name, index), found);
  }
  reader.pos = end;
  return field.wanted ? reader.slice(start) : undefined;
}

/** An Any: a type URL (field 1) and a content (field 2), the last of each. */
function scanAny(reader: WireReader, end: number, at: FieldPath | undefined, found: Found): void {
  let schema: DescMessage | undefined;
  let bytes: Uint8Array | undefined;
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(1)) schema = schemaOf(reader.string());
    else if (tag === lengthDelimited(2)) bytes = reader.bytes();
    else reader.pass(tag);
  }
  if (schema && bytes) scanContent(schema, bytes, at?.typed(schema.name), found);
}

/** An entry of a map whose keys (field 1) are strings. */
function scanEntry(reader: WireReader, end: number, field: FieldPlan, at: FieldPath | undefined, found: Found): void {
  let key = "";
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(1)) {
      key = reader.string();
      if (field.target) add(found, field.target, key, at, field.name, key);
    } else if (tag === lengthDelimited(2) && field.into) {
      const next = reader.uint32() + reader.pos;
      const inner = planIn(field);
      if (inner) scan(reader, next, inner, FieldPath.field(at, field.name, key), found);
      reader.pos = next;
    } else reader.pass(tag);
  }
}

/** The values of a message's fields, by number. */
type Values = ReadonlyMap<number, Uint8Array | number>;

function lookUp(lookup: Lookup, values: Values, at: FieldPath | undefined, found: Found): void {
  const { typeUrl, optionalSource, otherwise = "", suffix = "", only } = lookup;
  if (only && values.get(only.field) !== only.value) return;
  let name = otherwise;
  let [field] = lookup.names;
  for (const path of lookup.names) {
    const bytes = valueAt(values, path.numbers);
    if (!bytes?.length) continue;
    name = Buffer.from(bytes).toString();
    field = path;
    break;
  }
  const source = valueAt(values, lookup.source.numbers);
  const isXdstp = name.startsWith("xdstp:");
  if (source ? isFile(source) : !(optionalSource && isXdstp)) return;
  if (name !== "" && field && !(suffix && isXdstp))
    add(found, typeUrl, name + suffix, at, (suffix ? lookup.source : field).words);
}

/** The bytes at a path through messages. */
function valueAt(values: Values, [first = 0, ...rest]: readonly number[]): Uint8Array | undefined {
  let value = values.get(first);
  for (const fieldNo of rest) value = typeof value === "object" ? lastField(value, fieldNo) : undefined;
  return typeof value === "object" ? value : undefined;
}

/** Whether an envoy.config.core.v3.ConfigSource is a file (`path`, `path_config_source`): what is in files is not ours to have. */
const isFile = (source: Uint8Array) => lastField(source, 1) !== undefined || lastField(source, 8) !== undefined;

function add(
  found: Found,
  typeUrl: string,
  name: string,
  at: FieldPath | undefined,
  field: string,
  index?: number | string,
): void {
  const key = `${typeUrl} ${name}`;
  if (name === "" || found.has(key)) return;
  found.set(key, { typeUrl, name, path: FieldPath.field(at, field, index).toString() });
}
