import { fromJson } from "@bufbuild/protobuf";
import { FieldMaskSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describeNode, isHidden, type Read } from "./scalar-json.js";
import type { YamlNode } from "./yaml.js";

/** The types of google.protobuf whose JSON is a string. */
export const stringTypes: Partial<Record<string, (node: YamlNode) => Read>> = {
  "google.protobuf.Duration": readDuration,
  "google.protobuf.Timestamp": (node) =>
    readString(node, 'a time such as "2024-01-31T12:00:00Z"', (text) => fromJson(TimestampSchema, text)),
  "google.protobuf.FieldMask": (node) =>
    readString(node, 'fields in lowerCamelCase such as "a,b.cD"', (text) => fromJson(FieldMaskSchema, text)),
};

const longestDuration = 315_576_000_000;

function readDuration(node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  const seconds = typeof value === "string" ? /^(-?\d{1,12})(?:\.\d{1,9})?s$/.exec(value)?.[1] : undefined;
  if (seconds !== undefined && Math.abs(Number(seconds)) <= longestDuration) return { json: String(value) };
  const meant = isHidden(node) ? undefined : meantDuration(value);
  const hint = meant === undefined ? "" : `; write "${meant}"`;
  return { wrong: `expected a duration such as "1.5s", got ${describeNode(node)}${hint}` };
}

const secondsPerUnit: Partial<Record<string, number>> = { "": 1, ms: 1e-3, sec: 1, m: 60, min: 60, h: 3600, d: 86_400 };

function meantDuration(value: unknown): string | undefined {
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,3})?) ?([a-z]*)$/.exec(String(value)) ?? [];
  const scale = unit === undefined ? undefined : secondsPerUnit[unit];
  return scale === undefined ? undefined : `${Number((Number(number) * scale).toFixed(9))}s`;
}

function readString(node: YamlNode, expected: string, parse: (text: string) => unknown): Read {
  if (node.kind === "scalar" && typeof node.value === "string") {
    try {
      parse(node.value);
      return { json: node.value };
    } catch {
      // Told below.
    }
  }
  return { wrong: `expected ${expected}, got ${describeNode(node)}` };
}
