import type { PathStep } from "../files/problem.js";
import type { YamlEntry, YamlMap, YamlNode } from "../yaml/yaml.js";

/** A step to each element of a list. As in Envoy, one value counts as a list with this value. */
export const each = Symbol("each element");
/** A step to each value of an object, whatever its key is. */
export const eachValue = Symbol("each value");

/** Steps into a document: to a field in the API's spelling, to many values, or a condition on the value. */
export type DocumentPath = readonly (string | typeof each | typeof eachValue | ((node: YamlNode) => boolean))[];

/** A value in a document. */
export interface FoundNode {
  readonly node: YamlNode;
  /** The object or list around the value. Absent for the document itself. */
  readonly parent?: YamlNode;
  readonly steps: readonly PathStep[];
}

/** The nodes that a path leads to. */
export function nodesAt(node: YamlNode, path: DocumentPath): FoundNode[] {
  let found: FoundNode[] = [{ node, steps: [] }];
  for (const step of path) found = found.flatMap((from) => next(from, step));
  return found;
}

function next(from: FoundNode, step: DocumentPath[number]): FoundNode[] {
  const { node, steps } = from;
  if (step === each) return elements(from);
  if (typeof step === "function") return step(node) ? [from] : [];
  const entries = step === eachValue ? (node.kind === "map" ? node.entries : []) : entriesOf(node, step);
  return entries.map(({ key, value }) => ({ node: value, parent: node, steps: [...steps, key] }));
}

/** The elements of a list, as Envoy reads it. One value counts as a list with this value. Inner lists are flattened. */
function elements(list: FoundNode): FoundNode[] {
  const { node, steps } = list;
  if (isNothing(node)) return [];
  if (node.kind !== "list") return [list];
  const all: FoundNode[] = [];
  for (const [index, item] of node.items.entries()) {
    const found = { node: item, parent: node, steps: [...steps, index] };
    if (item.kind !== "list") all.push(found);
    else for (const inner of elements(found)) all.push(inner);
  }
  return all;
}

/** A copy of an object without the list to whose elements a path leads. */
export function withoutList(map: YamlMap, [step, ...rest]: DocumentPath): YamlMap {
  const [entry] = typeof step === "string" ? entriesOf(map, step) : [];
  if (!entry) return map;
  const others = map.entries.filter((other) => other !== entry);
  if (rest[0] === each) return { ...map, entries: others };
  if (entry.value.kind !== "map") return map;
  return { ...map, entries: [...others, { ...entry, value: withoutList(entry.value, rest) }] };
}

/** The entry of a field in an object, if it is there. */
function entriesOf(node: YamlNode, field: string): YamlEntry[] {
  const found = node.kind === "map" ? node.entries.find(({ key }) => spellings(field).includes(key)) : undefined;
  return found ? [found] : [];
}

/** A field's name in the proto file, and in lowerCamelCase. */
export const spellings = (field: string): [string, string] => [
  field,
  field.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
];

/** Whether a value or a document is empty. */
export const isNothing = (node: YamlNode): boolean => node.kind === "scalar" && node.value === null;
