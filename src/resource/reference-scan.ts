import { type DescMessage, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { fromTypedStruct, isTypedStruct, schemaOf } from "./any-content.js";
import { FieldPath } from "./field-path.js";
import { type Carrier, carriers, withoutReferences } from "./reference-table.js";
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
  readonly computed: Carrier["computed"];
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
  /** The row's function wants it. */
  readonly wanted: boolean;
  /** The message in it leads to references. */
  readonly into: DescMessage | undefined;
  /** It is a map by strings. */
  readonly map: boolean;
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
  const { computed } = carrier ?? {};
  const fields = new Map<number, FieldPlan>();
  for (const field of schema.fields) {
    const message = field.message;
    const plan: FieldPlan = {
      name: field.name,
      repeated: field.fieldKind === "list",
      target: carrier?.names?.[field.name],
      wanted: field.name === computed?.by || (computed?.and.includes(field.name) ?? false),
      into: message && leads(message) ? message : undefined,
      map: field.fieldKind === "map" && field.mapKey === ScalarType.STRING,
    };
    if (plan.target || plan.wanted || plan.into) fields.set(field.number, plan);
  }
  const hasLists = [...fields.values()].some((field) => field.repeated);
  return { schema, computed, fields, hasLists };
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
  const wanted: Uint8Array[] = [];
  let refers = false;
  const elements = plan.hasLists ? new Map<FieldPlan, number>() : undefined;
  while (reader.pos < end) {
    const start = reader.pos;
    const tag = reader.uint32();
    const field = plan.fields.get(tag >>> 3);
    if (field && (tag & 7) === WireType.LengthDelimited) {
      let index: number | undefined;
      if (field.repeated && elements) {
        index = elements.get(field) ?? 0;
        elements.set(field, index + 1);
      }
      scanField(reader, field, index, at, found);
    } else reader.pass(tag);
    if (!field?.wanted) continue;
    wanted.push(reader.slice(start));
    refers ||= field.name === plan.computed?.by;
  }
  if (refers) addComputed(plan, wanted, at, found);
}

/** The value of a field: its length, and that many bytes. */
function scanField(
  reader: WireReader,
  field: FieldPlan,
  index: number | undefined,
  at: FieldPath | undefined,
  found: Found,
): void {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (field.map) scanEntry(reader, end, field, at, found);
  else if (field.target) add(found, field.target, reader.text(end), at, field.name, index);
  else if (field.into) {
    const plan = planOf(field.into);
    if (plan) scan(reader, end, plan, FieldPath.field(at, field.name, index), found);
  }
  reader.pos = end;
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

/** What the row's function makes of the fields that it wants. */
function addComputed(plan: Plan, wanted: Uint8Array[], at: FieldPath | undefined, found: Found): void {
  const target = plan.computed?.refer(fromBinary(plan.schema, Buffer.concat(wanted)));
  if (target) add(found, target.typeUrl, target.name, at, target.field);
}

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
