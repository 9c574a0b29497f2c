import type { JsonValue } from "@bufbuild/protobuf";
import type { Node, NodeGroup } from "../cache/node-group.js";
import { commonLayer } from "../source/reading/layers.js";

/**
 * The cache's group for nodes without a group. Its name is `/`. No directory can have this name, so no user's group has
 * it.
 */
export const commonGroup = commonLayer;

/** A node belongs to the group if all these fields match. */
export interface GroupRule {
  readonly group: string;
  /**
   * Field → pattern for its value, in which `*` is any text. Fields are `id`, `cluster`, `locality.region`,
   * `locality.zone`, `locality.sub_zone` and `metadata.<path>`.
   */
  readonly fields: ReadonlyMap<string, string>;
}

/** The fields of a node that can decide its group. */
export const groupFields = /^(id|cluster|locality\.(region|zone|sub_zone)|metadata\..+)$/;

/**
 * Makes a function that returns a node's group. It is the group of the first matching rule, or else the value of
 * `field`. The group is "" in two cases: the node does not have this field, or the result is {@link commonGroup}.
 * Without `field`, rules alone decide.
 */
export function nodeGroups(rules: readonly GroupRule[], field?: string): NodeGroup {
  const tests = rules.map(({ group, fields }) => ({
    group,
    fits: Array.from(fields, ([name, pattern]) => ({ name, matches: globTest(pattern) })),
  }));
  return (node) => {
    const rule = tests.find(({ fits }) => fits.every(({ name, matches }) => matches(fieldOf(node, name))));
    const group = rule?.group ?? (field === undefined ? "" : (fieldOf(node, field) ?? ""));
    return group === commonGroup ? "" : group;
  };
}

/** A field of a node that can decide its group. */
export interface GroupField {
  readonly field: string;
  /** The setting that uses the field, such as `--node-group is id`. */
  readonly use: string;
}

/** All fields of a node that can decide its group. */
export const fieldsOfGroups = (rules: readonly GroupRule[], field: string | undefined): GroupField[] => [
  ...(field === undefined ? [] : [{ field, use: `--node-group is ${field}` }]),
  ...rules.flatMap(({ fields }, index) =>
    Array.from(fields.keys(), (name) => ({
      field: name,
      use: `${field === undefined ? "groups" : "node_groups"}[${index}] uses ${name}`,
    })),
  ),
];

/**
 * Makes a test whether a text matches a pattern. `*` in the pattern is any text. Each part is searched once, from the
 * end of the previous part. So a client's text cannot make this slow.
 */
function globTest(pattern: string): (text: string | undefined) => boolean {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text?.startsWith(first)) return false;
    let end = first.length;
    for (const part of others) {
      const start = text.indexOf(part, end);
      if (start < 0) return false;
      end = start + part.length;
    }
    return text.length - last.length >= end && text.endsWith(last);
  };
}

function fieldOf(node: Node, field: string): string | undefined {
  const [first, ...path] = field.split(".");
  switch (first) {
    case "id":
      return node.id;
    case "cluster":
      return node.cluster;
    case "locality":
      return node.locality?.[path[0] === "sub_zone" ? "subZone" : (path[0] as "region" | "zone")];
    default:
      return textAt(node.metadata, path);
  }
}

/** A text, number or boolean in metadata, as text. A key can contain dots. */
function textAt(value: JsonValue | undefined, path: readonly string[]): string | undefined {
  if (path.length === 0)
    return value === undefined || value === null || typeof value === "object" ? undefined : String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  for (let end = path.length; end > 0; end--) {
    const key = path.slice(0, end).join(".");
    if (Object.hasOwn(value, key)) return textAt(value[key], path.slice(end));
  }
  return undefined;
}
