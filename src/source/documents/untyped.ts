import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { someOf } from "../../json/scalar-json.js";
import { resourceTypes } from "../../resource/default-api.js";
import { describeDocument, exampleType, wrappedIn } from "../../resource/typed-json.js";
import type { FoundNode } from "./document-path.js";

/** The most resources that are looked at to find their type. */
const mostLookedAt = 1_000;

const knownFields = new WeakMap<DescMessage, ReadonlySet<string>>();

/** The names of a message's fields, in both spellings. */
function fieldsOf(desc: DescMessage): ReadonlySet<string> {
  const known = knownFields.get(desc) ?? new Set(desc.fields.flatMap(({ name, jsonName }) => [name, jsonName]));
  knownFields.set(desc, known);
  return known;
}

export const expectedDocument = 'an object with a list "resources:", or one resource with its "@type"';

/**
 * The type of resources without `@type`: the only type that has all their fields. Fields that no type has are ignored
 * unless they are the majority. `wrong` says why there is no such type, and what to do.
 */
export function inferType(
  found: readonly FoundNode[],
  registry: Registry,
): { readonly typeUrl: string; readonly wrong?: never } | { readonly typeUrl?: never; readonly wrong: string } {
  const keys = new Set<string>();
  for (const { node } of found.slice(0, mostLookedAt)) {
    const resource = wrappedIn(node) ?? node;
    if (resource.kind === "map") for (const { key } of resource.entries) keys.add(key);
  }
  const types = resourceTypes().flatMap(({ name, typeUrl }) => {
    const desc = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
    return desc ? [{ name, typeUrl, fields: fieldsOf(desc) }] : [];
  });
  const known = [...keys].filter((key) => types.some(({ fields }) => fields.has(key)));
  const isStranger = known.length === 0 || known.length * 2 < keys.size;
  const fitting = types.filter(({ fields }) => known.every((key) => fields.has(key)));
  const [only, ...others] = fitting;
  if (!isStranger && only && others.length === 0) return { typeUrl: only.typeUrl };
  const [first] = found;
  const isDocument = found.length === 1 && first?.steps.length === 0;
  if (isStranger && isDocument)
    return { wrong: `expected ${expectedDocument}, got ${describeDocument(first.node)}${hintOf(keys)}` };
  if (keys.size === 0)
    return { wrong: `expected an object with its "@type", such as ${exampleType}, got an empty object` };
  const what = found.length > 1 ? `these ${found.length} resources have` : "this resource has";
  const have = `${someOf(known)} ${known.length === 1 ? "is a field" : "are fields"} of `;
  const names = fitting.map(({ name }) => name);
  const reason = isStranger
    ? "no resource type has such fields"
    : have + (names.length > 0 ? someOf(names, 4) : "different types");
  const each = found.length > 1 ? " to each" : "";
  return {
    wrong: `${what} no "@type", and ${reason}; add an "@type"${each}, such as ${exampleType}, or set the type with --type, in code with resourceType`,
  };
}

/** Advice for lists that belong into an Envoy's `static_resources` but are at the top of a document. */
function hintOf(keys: ReadonlySet<string>): string {
  const lists = ["clusters", "listeners", "secrets"].filter((list) => keys.has(list));
  if (lists.length === 0) return "";
  return `; put ${lists.map((list) => `${list}:`).join(" and ")} under static_resources:, or put all resources into a list resources:`;
}
