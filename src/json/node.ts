import type { JsonValue } from "@bufbuild/protobuf";

/** A value of a YAML or JSON text with its position: `at` is an offset in the text. */
export type YamlNode = YamlMap | YamlList | YamlScalar;

export interface YamlMap {
  readonly kind: "map";
  readonly at: number;
  /** The entries in the order of the file. Merge keys are resolved, and no key occurs twice. */
  readonly entries: YamlEntry[];
}

export interface YamlEntry {
  readonly key: string;
  readonly at: number;
  readonly value: YamlNode;
}

export interface YamlList {
  readonly kind: "list";
  readonly at: number;
  readonly items: YamlNode[];
}

export interface YamlScalar {
  readonly kind: "scalar";
  readonly at: number;
  readonly value: string | number | bigint | boolean | null;
  /** The text in the file, without quotes. */
  readonly text: string;
  /** True if no message may quote the value. */
  readonly isHidden?: boolean;
}

/**
 * Turns JSON into nodes, all at offset 0. A field that is undefined is left out. With `isHidden`, no message may quote
 * a value.
 */
export function nodeOf(json: JsonValue, isHidden = false): YamlNode {
  if (Array.isArray(json)) return { kind: "list", at: 0, items: json.map((item) => nodeOf(item, isHidden)) };
  if (typeof json !== "object" || json === null)
    return { kind: "scalar", at: 0, value: json, text: String(json), isHidden };
  const entries = Object.entries(json).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, at: 0, value: nodeOf(value, isHidden) }],
  );
  return { kind: "map", at: 0, entries };
}

/** A text as a value of a file that does not hold it. */
export const scalar = (at: number, text: string): YamlScalar => ({ kind: "scalar", at, value: text, text });

/** The value of a key, or of the first of several that are the same field. */
export function valueAt(node: YamlNode | undefined, ...keys: string[]): YamlNode | undefined {
  return node?.kind === "map" ? node.entries.find(({ key }) => keys.includes(key))?.value : undefined;
}
