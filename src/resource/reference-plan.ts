import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { anyName, isTypedStruct } from "./any-content.js";
import { type Actions, carriers, type Sourced, withoutReferences } from "./reference-table.js";

/** How to walk one message type. */
export interface Plan {
  readonly schema: DescMessage;
  readonly lookup: Lookup | undefined;
  /** The field of the configuration source of all that is in the message. */
  readonly source: number | undefined;
  readonly actions: ActionsPlan | undefined;
  /** The fields to look at, by number. */
  readonly fields: ReadonlyMap<number, FieldPlan>;
  /** Some of them are lists. */
  readonly hasLists: boolean;
  /**
   * Everything in the message that refers to something is a {@link FieldPlan.target}: there is no Any in it, and no
   * lookup.
   */
  readonly isPlain: boolean;
}

export interface FieldPlan {
  readonly name: string;
  readonly repeated: boolean;
  /** The type of the resources that it names. */
  readonly target: string | undefined;
  /** The lookup wants its value. */
  readonly wanted: boolean;
  /** The message in it leads to references. */
  readonly into: DescMessage | undefined;
  /** The plan of that message, once it is made: types hold each other in circles. */
  inner?: Plan | undefined;
  /** It is a map by strings. */
  readonly map: boolean;
}

/** A {@link Sourced} in field numbers. */
export interface Lookup extends Pick<Sourced, "typeUrl" | "optionalSource" | "otherwise" | "suffix"> {
  readonly source: Path;
  readonly names: readonly Path[];
  readonly only: { readonly field: number; readonly value: number } | undefined;
}

/** {@link Actions} in field numbers. */
export interface ActionsPlan extends Pick<Actions, "typeUrl"> {
  readonly source: Path;
  readonly matcher: DescField;
  readonly inline: Path;
}

/** A way through messages: the fields' numbers, and the same in words. */
export interface Path {
  readonly numbers: readonly number[];
  readonly words: string;
}

const plans = new Map<string, Plan | undefined>();

/** The plan of a message type; undefined: nothing in it can refer to anything. */
export function planOf(schema: DescMessage): Plan | undefined {
  if (!plans.has(schema.typeName)) plans.set(schema.typeName, leads(schema) ? compile(schema) : undefined);
  return plans.get(schema.typeName);
}

/** The plan of the message in a field; undefined: nothing in it can refer to anything. */
export function planIn(field: FieldPlan): Plan | undefined {
  if (field.into) field.inner ??= planOf(field.into);
  return field.inner;
}

function compile(schema: DescMessage): Plan {
  const carrier = carriers[schema.typeName];
  const lookup = carrier?.sourced && compileLookup(schema, carrier.sourced);
  const actions = carrier?.actions && compileActions(schema, carrier.actions);
  const source = carrier?.source ? pathTo(schema, carrier.source)?.numbers[0] : undefined;
  const wanted = lookup
    ? [lookup.source, ...lookup.names].map((path) => path.numbers[0]).concat(lookup.only?.field)
    : [];
  const fields = new Map<number, FieldPlan>();
  for (const field of schema.fields) {
    const message = field.message;
    const plan: FieldPlan = {
      name: field.name,
      repeated: field.fieldKind === "list",
      target: carrier?.names?.[field.name],
      wanted: wanted.includes(field.number),
      into: message && leadsFurther(schema, field) && leads(message) ? message : undefined,
      map: field.fieldKind === "map" && field.mapKey === ScalarType.STRING,
      inner: undefined,
    };
    if (plan.target || plan.wanted || plan.into) fields.set(field.number, plan);
  }
  const hasLists = [...fields.values()].some((field) => field.repeated);
  return { schema, lookup, source, actions, fields, hasLists, isPlain: isPlain(schema) };
}

const plain = new Map<DescMessage, boolean>();

function isPlain(schema: DescMessage): boolean {
  const known = plain.get(schema);
  if (known !== undefined) return known;
  plain.set(schema, false); // for types that hold each other in a circle
  const { names: _, ...others } = carriers[schema.typeName] ?? {};
  const isSimple = Object.keys(others).length === 0 && schema.typeName !== anyName && !isTypedStruct(schema.typeName);
  const answer =
    isSimple &&
    schema.fields.every(
      ({ fieldKind, message }) => !message || !leads(message) || (fieldKind !== "map" && isPlain(message)),
    );
  plain.set(schema, answer);
  return answer;
}

/** undefined where the API lacks the source, or every name. */
function compileLookup(schema: DescMessage, { source, name, only, ...rest }: Sourced): Lookup | undefined {
  const sourcePath = pathTo(schema, source);
  const names = name.map((words) => pathTo(schema, words)).filter((path) => path !== undefined);
  const [field] = (only && pathTo(schema, only.field)?.numbers) ?? [];
  if (!sourcePath || names.length === 0 || (only && !field)) return undefined;
  return { ...rest, source: sourcePath, names, only: field && only ? { field, value: only.value } : undefined };
}

function compileActions(schema: DescMessage, { typeUrl, source, matcher, inline }: Actions): ActionsPlan | undefined {
  const paths = { source: pathTo(schema, source), inline: pathTo(schema, inline) };
  const field = schema.fields.find((one) => one.name === matcher);
  if (!paths.source || !paths.inline || !field) return undefined;
  return { typeUrl, source: paths.source, matcher: field, inline: paths.inline };
}

/** undefined where the API has no such fields. */
function pathTo(schema: DescMessage, words: string): Path | undefined {
  let message: DescMessage | undefined = schema;
  const numbers: number[] = [];
  for (const name of words.split(".")) {
    const field: DescField | undefined = message?.fields.find((one) => one.name === name);
    if (!field) return undefined;
    numbers.push(field.number);
    message = field.message;
  }
  return { numbers, words };
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
      if (!inner || !leadsFurther(type, field)) continue;
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

const leadsFurther = (schema: DescMessage, field: DescField) =>
  !withoutReferences.has(`${schema.typeName}.${field.name}`);

const refersByItself = (typeName: string) =>
  typeName === anyName || isTypedStruct(typeName) || carriers[typeName] !== undefined;
