import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { anyName, isTypedStruct } from "../../json/any-content.js";
import { type ActionReferences, referringMessages, type SourcedReference, withoutReferences } from "./table.js";

/** How to walk the messages of one type to find references. */
export interface Plan {
  readonly schema: DescMessage;
  readonly lookup: Lookup | undefined;
  /** The field with the configuration source that applies to the whole message. */
  readonly source: number | undefined;
  readonly actions: ActionsPlan | undefined;
  /** The fields that lead to a reference or are needed for one, by number. */
  readonly fields: ReadonlyMap<number, FieldPlan>;
  /** Whether some of the fields are lists. */
  readonly hasLists: boolean;
  /** Whether every reference in the message is a {@link FieldPlan.target}: it has no Any and no lookup. */
  readonly isPlain: boolean;
}

export interface FieldPlan {
  readonly name: string;
  readonly isList: boolean;
  /** The type of the resources whose names are in the field. */
  readonly target: string | undefined;
  /** Whether the lookup needs the field's value. */
  readonly isLookedUp: boolean;
  /** The message in the field, if it can lead to references. */
  readonly message: DescMessage | undefined;
  /** The plan of that message. It is set later, because message types can contain each other in circles. */
  inner?: Plan | undefined;
  /** Whether the field is a map with string keys. */
  readonly isStringMap: boolean;
}

/** A {@link SourcedReference} with field numbers instead of names. */
export interface Lookup extends Pick<SourcedReference, "typeUrl" | "optionalSource" | "otherwise" | "suffix"> {
  readonly source: Path;
  readonly names: readonly Path[];
  readonly only: { readonly field: number; readonly value: number } | undefined;
}

/** {@link ActionReferences} with field numbers instead of names. */
export interface ActionsPlan extends Pick<ActionReferences, "typeUrl"> {
  readonly source: Path;
  readonly matcher: DescField;
  readonly inline: Path;
}

/** A path through messages: the fields' numbers and names. */
export interface Path {
  readonly numbers: readonly number[];
  readonly words: string;
}

const plans = new WeakMap<DescMessage, Plan | undefined>();

/** Returns the plan of a message type; undefined if nothing in it can refer to anything. */
export function referencePlanOf(schema: DescMessage): Plan | undefined {
  if (!plans.has(schema)) plans.set(schema, leadsToReferences(schema) ? compile(schema) : undefined);
  return plans.get(schema);
}

/** Returns the plan of the message in a field; undefined if nothing in it can refer to anything. */
export function planIn(field: FieldPlan): Plan | undefined {
  if (field.message) field.inner ??= referencePlanOf(field.message);
  return field.inner;
}

function compile(schema: DescMessage): Plan {
  const carrier = referringMessages[schema.typeName];
  const lookup = carrier?.sourced && compileLookup(schema, carrier.sourced);
  const actions = carrier?.actions && compileActions(schema, carrier.actions);
  const source = carrier?.source ? pathTo(schema, carrier.source)?.numbers[0] : undefined;
  const lookedUp = lookup
    ? [lookup.source, ...lookup.names].map((path) => path.numbers[0]).concat(lookup.only?.field)
    : [];
  const fields = new Map<number, FieldPlan>();
  for (const field of schema.fields) {
    const message = field.message;
    const plan: FieldPlan = {
      name: field.name,
      isList: field.fieldKind === "list",
      target: carrier?.names?.[field.name],
      isLookedUp: lookedUp.includes(field.number),
      message: message && leadsFurther(schema, field) && leadsToReferences(message) ? message : undefined,
      isStringMap: field.fieldKind === "map" && field.mapKey === ScalarType.STRING,
      inner: undefined,
    };
    if (plan.target || plan.isLookedUp || plan.message) fields.set(field.number, plan);
  }
  const hasLists = [...fields.values()].some((field) => field.isList);
  return { schema, lookup, source, actions, fields, hasLists, isPlain: isPlain(schema) };
}

const plain = new WeakMap<DescMessage, boolean>();

function isPlain(schema: DescMessage): boolean {
  const known = plain.get(schema);
  if (known !== undefined) return known;
  plain.set(schema, false); // ends the recursion for types that contain each other in a circle
  const { names: _, ...others } = referringMessages[schema.typeName] ?? {};
  const isSimple = Object.keys(others).length === 0 && schema.typeName !== anyName && !isTypedStruct(schema.typeName);
  const answer =
    isSimple &&
    schema.fields.every(
      ({ fieldKind, message }) => !message || !leadsToReferences(message) || (fieldKind !== "map" && isPlain(message)),
    );
  plain.set(schema, answer);
  return answer;
}

/** Compiles a lookup; undefined if the API in use lacks the source field or all name fields. */
function compileLookup(schema: DescMessage, { source, name, only, ...rest }: SourcedReference): Lookup | undefined {
  const sourcePath = pathTo(schema, source);
  const names = name.map((words) => pathTo(schema, words)).filter((path) => path !== undefined);
  const [field] = (only && pathTo(schema, only.field)?.numbers) ?? [];
  if (!sourcePath || names.length === 0 || (only && !field)) return undefined;
  return { ...rest, source: sourcePath, names, only: field && only ? { field, value: only.value } : undefined };
}

function compileActions(
  schema: DescMessage,
  { typeUrl, source, matcher, inline }: ActionReferences,
): ActionsPlan | undefined {
  const paths = { source: pathTo(schema, source), inline: pathTo(schema, inline) };
  const field = schema.fields.find((one) => one.name === matcher);
  if (!paths.source || !paths.inline || !field) return undefined;
  return { typeUrl, source: paths.source, matcher: field, inline: paths.inline };
}

/** Finds the field numbers of a path of names; undefined if the API has no such fields. */
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

const leading = new WeakMap<DescMessage, boolean>();

/** Whether a message of the type can contain a message of {@link referringMessages} or an Any, at any depth. */
function leadsToReferences(schema: DescMessage): boolean {
  const known = leading.get(schema);
  if (known !== undefined) return known;
  // Message types contain each other in circles. So all reachable types are decided at once, backwards from those that
  // refer.
  const holders = new Map<DescMessage, DescMessage[]>();
  const yes: DescMessage[] = [];
  const visit = (type: DescMessage) => {
    if (holders.has(type)) return;
    holders.set(type, []);
    if (leading.get(type) ?? refersByItself(type.typeName)) yes.push(type);
    if (leading.has(type) || withoutReferences.has(type.typeName)) return;
    for (const field of type.fields) {
      const inner = field.message;
      if (!inner || !leadsFurther(type, field)) continue;
      visit(inner);
      holders.get(inner)?.push(type);
    }
  };
  visit(schema);
  for (let type = yes.pop(); type; type = yes.pop()) {
    leading.set(type, true);
    for (const holder of holders.get(type) ?? []) if (!leading.get(holder)) yes.push(holder);
  }
  for (const type of holders.keys()) if (!leading.has(type)) leading.set(type, false);
  return leading.get(schema) ?? false;
}

const leadsFurther = (schema: DescMessage, field: DescField) =>
  !withoutReferences.has(`${schema.typeName}.${field.name}`);

const refersByItself = (typeName: string) =>
  typeName === anyName || isTypedStruct(typeName) || referringMessages[typeName] !== undefined;
