import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { anyName, isTypedStruct } from "./any-content.js";
import { carriers, type Sourced, withoutReferences } from "./reference-table.js";

/** How to walk one message type. */
export interface Plan {
  readonly schema: DescMessage;
  readonly lookup: Lookup | undefined;
  /** The fields to look at, by number. */
  readonly fields: ReadonlyMap<number, FieldPlan>;
  /** Some of them are lists. */
  readonly hasLists: boolean;
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
  /** It is a map by strings. */
  readonly map: boolean;
}

/** A {@link Sourced} in field numbers. */
export interface Lookup extends Pick<Sourced, "typeUrl" | "optionalSource" | "otherwise" | "suffix"> {
  readonly source: Path;
  readonly names: readonly Path[];
  readonly only: { readonly field: number; readonly value: number } | undefined;
}

/** A way through messages: the fields' numbers, and the same in words. */
interface Path {
  readonly numbers: readonly number[];
  readonly words: string;
}

const plans = new Map<string, Plan | undefined>();

/** The plan of a message type; undefined: nothing in it can refer to anything. */
export function planOf(schema: DescMessage): Plan | undefined {
  if (!plans.has(schema.typeName)) plans.set(schema.typeName, leads(schema) ? compile(schema) : undefined);
  return plans.get(schema.typeName);
}

function compile(schema: DescMessage): Plan {
  const carrier = carriers[schema.typeName];
  const lookup = carrier?.sourced && compileLookup(schema, carrier.sourced);
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
  const [field] = only ? numbersOf(schema, only.field) : [];
  return {
    ...rest,
    source: sourcePath as Path,
    names,
    only: field && only ? { field, value: only.value } : undefined,
  };
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
