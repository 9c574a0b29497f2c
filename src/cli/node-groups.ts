import type { JsonValue } from "@bufbuild/protobuf";
import type { Node, NodeGroup } from "../cache/node-group.js";

/** Nodes of which all these fields fit belong to the group. */
export interface GroupRule {
  readonly group: string;
  /** Field (see {@link groupFields}) → its value, in which `*` stands for any text. */
  readonly fields: ReadonlyMap<string, string>;
}

/** What of a node can tell its group. */
export const groupFields = /^(id|cluster|locality\.(region|zone|sub_zone)|metadata\..+)$/;

/** Which group a node belongs to: that of the first rule that fits, else what `field` says; "" for a node without it. */
export function nodeGroups(rules: readonly GroupRule[], field: string): NodeGroup {
  const tests = rules.map(({ group, fields }) => ({
    group,
    fits: Array.from(fields, ([name, pattern]) => ({ name, matches: globTest(pattern) })),
  }));
  return (node) => {
    const rule = tests.find(({ fits }) => fits.every(({ name, matches }) => matches(fieldOf(node, name))));
    return rule?.group ?? fieldOf(node, field) ?? "";
  };
}

/** A field of a node that its group is computed from. */
export interface GroupField {
  readonly field: string;
  /** Where that is set, such as `--node-group is id`. */
  readonly use: string;
}

/** All that the group of a node is computed from. */
export const fieldsOfGroups = (rules: readonly GroupRule[], field: string): GroupField[] => [
  { field, use: `--node-group is ${field}` },
  ...rules.flatMap(({ fields }, index) =>
    Array.from(fields.keys(), (name) => ({ field: name, use: `node_groups[${index}] uses ${name}` })),
  ),
];

function globTest(pattern: string): (text: string | undefined) => boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join("[^]*?")}$`);
  return (text) => text !== undefined && expression.test(text);
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

/** A text, number or boolean in metadata. A key may itself have dots. */
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
