import { type DescField, type DescMessage, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { fromTypedStruct, isTypedStruct, schemaOf } from "./any-content.js";
import { FieldPath } from "./field-path.js";
import { carriers, type Sourced, withoutReferences } from "./reference-table.js";
import type { Reference } from "./references.js";
import { lengthDelimited, WireReader } from "./wire-reader.js";

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

/** How to walk one message type. */
interface Plan {
  readonly schema: DescMessage;
  readonly lookup: Lookup | undefined;
  /** The fields to look at, by number. */
  readonly fields: ReadonlyMap<number, FieldPlan>;
  /** Some of them are lists. */
  readonly hasLists: boolean;
}

interface FieldPlan {
  readonly name: string;
  readonly repeated: boolean;
  /** The type of the resources that it names. */
  readonly target: string | undefined;
  /** The lookup wants its value. */
  readonly wanted: boolean;
  /** The message in it leads to references. */
  readonly into: DescMessage | undefined;
  /** It is a map by strings. */
  readonly map: boolean;
}

/** A {@link Sourced} in field numbers. */
interface Lookup extends Pick<Sourced, "typeUrl" | "optionalSource" | "otherwise" | "suffix" | "only"> {
  readonly source: Path;
  readonly names: readonly Path[];
  readonly onlyField: number;
}

/** A way through messages: the fields' numbers, and the same in words. */
interface Path {
  readonly numbers: readonly number[];
  readonly words: string;
}

const anyName = "google.protobuf.Any";
const plans = new Map<string, Plan | undefined>();

/** The plan of a message type; undefined: nothing in it can refer to anything. */
function planOf(schema: DescMessage): Plan | undefined {
  if (!plans.has(schema.typeName)) plans.set(schema.typeName, leads(schema) ? compile(schema) : undefined);
  return plans.get(schema.typeName);
}

function compile(schema: DescMessage): Plan {
  const carrier = carriers[schema.typeName];
  const lookup = carrier?.sourced && compileLookup(schema, carrier.sourced);
  const wanted = lookup ? [lookup.source, ...lookup.names].map((path) => path.numbers[0]).concat(lookup.onlyField) : [];
  const fields = new Map<number, FieldPlan>();
  for (const field of schema.fields) {
    const message = field.message;
    const plan: FieldPlan = {
      name: field.name,
      repeated: field.fieldKind === "list",
      target: carrier?.names?.[field.name],
      wanted: wanted.includes(field.number),
      into: message && leads(message) ? message : undefined,
      map: field.fieldKind === "map" && field.mapKey === ScalarType.STRING,
    };
    if (plan.target || plan.wanted || plan.into) fields.set(field.number, plan);
  }
  const hasLists = [...fields.values()].some((field) => field.repeated);
  return { schema, lookup, fields, hasLists };
}

function compileLookup(schema: DescMessage, { source, name, only, ...rest }: Sourced): Lookup {
  const [sourcePath, ...names] = [source, ...name].map((words) => ({ numbers: numbersOf(schema, words), words }));
  const [onlyField = 0] = only ? numbersOf(schema, only.field) : [];
  return { ...rest, only, source: sourcePath as Path, names, onlyField };
}

function numbersOf(schema: DescMessage, path: string): number[] {
  let message: DescMessage | undefined = schema;
  return path.split(".").map((name) => {
    const field: DescField | undefined = message?.fields.find((one) => one.name === name);
    if (!field) throw new Error(`${schema.typeName} has no field ${path}`);
    message = field.message;
    return field.number;
  });
}

const leading = new Map<string, boolean>();

/** Whether a message type is a carrier, or has one, or an Any, at any depth. */
function leads(schema: DescMessage): boolean {
  const known = leading.get(schema.typeName);
  if (known !== undefined) return known;
  // Types hold each other in circles, so all within reach are decided at once, going back from those that refer.
  const holders = new Map<DescMessage, DescMessage[]>();
  const yes: DescMessage[] = [];
  const visit = (type: DescMessage) => {
    if (holders.has(type)) return;
    holders.set(type, []);
    if (leading.get(type.typeName) ?? refersByItself(type.typeName)) yes.push(type);
    if (leading.has(type.typeName) || withoutReferences.has(type.typeName)) return;
    for (const field of type.fields) {
      const inner = field.message;
      if (!inner) continue;
      visit(inner);
      holders.get(inner)?.push(type);
    }
  };
  visit(schema);
  for (let type = yes.pop(); type; type = yes.pop()) {
    leading.set(type.typeName, true);
    for (const holder of holders.get(type) ?? []) if (!leading.get(holder.typeName)) yes.push(holder);
  }
  for (const type of holders.keys()) if (!leading.has(type.typeName)) leading.set(type.typeName, false);
  return leading.get(schema.typeName) ?? false;
}

const refersByItself = (typeName: string) =>
  typeName === anyName || isTypedStruct(typeName) || carriers[typeName] !== undefined;

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
  const values = plan.lookup ? new Map<number, Uint8Array | number>() : undefined;
  const elements = plan.hasLists ? new Map<FieldPlan, number>() : undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
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
  const [start, end] = [reader.pos, reader.pos + length];
  if (field.map) scanEntry(reader, end, field, at, found);
  else if (field.target) add(found, field.target, reader.text(end), at, field.name, index);
  else if (field.into) {
    const plan = planOf(field.into);
    if (plan) scan(reader, end, plan, FieldPath.field(at, field.name, index), found);
  }
  reader.pos = end;
  return field.wanted ? reader.slice(start) : undefined;
}

/** An Any: its type URL (field 1) is written before its content (field 2). */
function scanAny(reader: WireReader, end: number, at: FieldPath | undefined, found: Found): void {
  let schema: DescMessage | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === lengthDelimited(1)) schema = schemaOf(reader.string());
    else if (tag === lengthDelimited(2) && schema && planOf(schema))
      scanContent(schema, reader.bytes(), at?.typed(schema.name), found);
    else reader.pass(tag);
  }
}

/** An entry of a map whose keys (field 1) are strings. */
function scanEntry(reader: WireReader, end: number, field: FieldPlan, at: FieldPath | undefined, found: Found): void {
  let key = "";
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === lengthDelimited(1)) {
      key = reader.string();
      if (field.target) add(found, field.target, key, at, field.name, key);
    } else if (tag === lengthDelimited(2) && field.into) {
      const next = reader.uint32() + reader.pos;
      const inner = planOf(field.into);
      if (inner) scan(reader, next, inner, FieldPath.field(at, field.name, key), found);
      reader.pos = next;
    } else reader.pass(tag);
  }
}

/** The values of a message's fields, by number. */
type Values = ReadonlyMap<number, Uint8Array | number>;

function lookUp(lookup: Lookup, values: Values, at: FieldPath | undefined, found: Found): void {
  const { typeUrl, optionalSource, otherwise = "", suffix = "", only } = lookup;
  if (only && values.get(lookup.onlyField) !== only.value) return;
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
  if (name !== "" && field && !(suffix && isXdstp)) add(found, typeUrl, name + suffix, at, field.words);
}

/** The bytes at a path through messages. */
function valueAt(values: Values, [first = 0, ...rest]: readonly number[]): Uint8Array | undefined {
  let value = values.get(first);
  for (const fieldNo of rest) value = typeof value === "object" ? fieldOf(value, fieldNo) : undefined;
  return typeof value === "object" ? value : undefined;
}

/** The last value of a field that is a message, a string or bytes. */
function fieldOf(message: Uint8Array, fieldNo: number): Uint8Array | undefined {
  const reader = new WireReader(message);
  let value: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === lengthDelimited(fieldNo)) value = reader.bytes();
    else reader.pass(tag);
  }
  return value;
}

/** Whether an envoy.config.core.v3.ConfigSource is a file (`path`, `path_config_source`): what is in files is not ours to have. */
const isFile = (source: Uint8Array) => fieldOf(source, 1) !== undefined || fieldOf(source, 8) !== undefined;

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
