import { type DescMessage, fromBinary, type Registry } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { anyName, fromTypedStruct, isTypedStruct, schemaOf } from "../../json/any-content.js";
import { FieldPath } from "../../json/field-path.js";
import { lastField, lengthDelimited, valuesAt, WireReader } from "../../schema/wire-reader.js";
import type { Reference } from "../reference.js";
import { actionNames } from "./actions.js";
import { type ActionsPlan, type FieldPlan, type Lookup, type Plan, planIn, referencePlanOf } from "./plan.js";
import { mayRefer } from "./skim.js";

/**
 * Returns the references in an encoded message, each name once, in the order of the bytes. Bytes that cannot be decoded
 * have none.
 *
 * It walks the bytes by a plan for each message type. The plan has the fields that lead to a reference; all other bytes
 * are skipped.
 */
export function scanReferences(typeUrl: string, bytes: Uint8Array, registry: Registry): readonly Reference[] {
  const schema = schemaOf(typeUrl, registry);
  if (!schema) return none;
  const found: Found = { byName: new Map(), registry };
  scanContent(schema, bytes, undefined, found);
  return found.byName.size === 0 ? none : [...found.byName.values()];
}

const none: readonly Reference[] = [];

/** The references found so far, and the types of the messages in Anys. */
interface Found {
  readonly byName: Map<string, Reference>;
  readonly registry: Registry;
}

/** Scans a whole message: a resource, or the content of an Any. */
function scanContent(schema: DescMessage, bytes: Uint8Array, at: FieldPath | undefined, found: Found): void {
  const plan = referencePlanOf(schema);
  if (!plan) return;
  try {
    if (isTypedStruct(schema.typeName)) {
      const content = fromTypedStruct(fromBinary(schema, bytes), found.registry);
      if (content?.bytes) scanContent(content.schema, content.bytes, at?.typed(content.schema.name), found);
    } else scan(new WireReader(bytes), bytes.length, plan, at, found);
  } catch {
    // Bytes that are not such a message have no references. Validation reports what is wrong with them.
  }
}

/** Scans the message from the reader's position to `end`. */
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
      if (field.isList && elements) {
        index = elements.get(field) ?? 0;
        elements.set(field, index + 1);
      }
      const value = scanField(reader, field, index, at, found);
      if (value) values?.set(tag >>> 3, value);
    } else if (field?.isLookedUp && (tag & 7) === WireType.Varint) values?.set(tag >>> 3, reader.int32());
    else reader.pass(tag);
  }
  if (plan.lookup && values) lookUp(plan.lookup, values, at, found);
  if (plan.actions) scanActions(plan.actions, reader.slice(start), at, found);
}

/** Adds the names in a matcher's actions, except names of what the message has inline. */
function scanActions(plan: ActionsPlan, message: Uint8Array, at: FieldPath | undefined, found: Found): void {
  const source = valuesAt(message, plan.source.numbers).at(-1);
  const matcher = lastField(message, plan.matcher.number);
  if (!source || !matcher || !plan.matcher.message || isFile(source)) return;
  const inline = new Set(valuesAt(message, plan.inline.numbers).map((name) => Buffer.from(name).toString()));
  const path = FieldPath.field(at, plan.matcher.name);
  for (const action of actionNames(plan.matcher.message, matcher, path))
    if (!inline.has(action.name)) add(found, plan.typeUrl, action.name, action.at, "value");
}

/** Scans the value of a field. Returns the value if the lookup needs it. */
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
  if (field.isStringMap) scanEntry(reader, end, field, at, found);
  else if (field.target) add(found, field.target, reader.text(end), at, field.name, index);
  else if (field.message) {
    const plan = planIn(field);
    if (plan && (!plan.isPlain || mayRefer(reader.all, start, end, plan)))
      scan(reader, end, plan, FieldPath.field(at, field.name, index), found);
  }
  reader.pos = end;
  return field.isLookedUp ? reader.slice(start) : undefined;
}

/** Scans an Any: a type URL (field 1) and a content (field 2), of each the last one. */
function scanAny(reader: WireReader, end: number, at: FieldPath | undefined, found: Found): void {
  let schema: DescMessage | undefined;
  let bytes: Uint8Array | undefined;
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(1)) schema = schemaOf(reader.string(), found.registry);
    else if (tag === lengthDelimited(2)) bytes = reader.bytes();
    else reader.pass(tag);
  }
  if (schema && bytes) scanContent(schema, bytes, at?.typed(schema.name), found);
}

/** Scans an entry of a map whose keys (field 1) are strings. */
function scanEntry(reader: WireReader, end: number, field: FieldPlan, at: FieldPath | undefined, found: Found): void {
  let key = "";
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(1)) {
      key = reader.string();
      if (field.target) add(found, field.target, key, at, field.name, key);
    } else if (tag === lengthDelimited(2) && field.message) {
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

/** Returns the bytes at a path of field numbers. */
function valueAt(values: Values, [first = 0, ...rest]: readonly number[]): Uint8Array | undefined {
  let value = values.get(first);
  for (const fieldNo of rest) value = typeof value === "object" ? lastField(value, fieldNo) : undefined;
  return typeof value === "object" ? value : undefined;
}

/**
 * Whether an envoy.config.core.v3.ConfigSource is a file (`path`, `path_config_source`). The server does not serve such
 * resources.
 */
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
  if (name === "" || found.byName.has(key)) return;
  found.byName.set(key, { typeUrl, name, path: FieldPath.field(at, field, index).toString() });
}
