import { type DescEnum, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { otherApiHint } from "../schema/registry.js";
import { nearest } from "./nearest.js";
import type { YamlNode } from "./yaml.js";

/** A value as proto3 JSON takes it, or why it cannot be. */
export type Read = { readonly json: JsonValue } | { readonly wrong: string };

const longestQuote = 120;

/** Whether a value must not be quoted, nor anything that is made of it. */
export const isHidden = (node: YamlNode): boolean => node.kind === "scalar" && node.isHidden === true;

/** What a value is, in words for a message. */
export function describeNode(node: YamlNode): string {
  if (node.kind === "map") return "an object";
  if (node.kind === "list") return "a list";
  const { value } = node;
  if (value === null) return "nothing (null)";
  if (node.isHidden) return notShown;
  return typeof value === "string" ? quote(value) : node.text.slice(0, longestQuote);
}

/** In place of a value that may be a secret. */
export const notShown = "something else (not shown: it may be secret)";

/** A text for a message; of PEM, which may be a private key in the wrong place, nothing. */
export function quote(text: string): string {
  if (text.includes("-----BEGIN ")) return "a PEM text (not shown)";
  return JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text);
}

/** Reads a value of a scalar field (https://protobuf.dev/programming-guides/json/). Never null. */
export function readScalar(type: ScalarType, node: YamlNode): Read {
  const bounds = integerBounds[type];
  if (bounds) return readInteger(node, bounds);
  switch (type) {
    case ScalarType.BOOL:
      return readBool(node);
    case ScalarType.BYTES:
      return readBytes(node);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return readFloat(type, node);
    default:
      return readString(node);
  }
}

function readString(node: YamlNode): Read {
  if (node.kind !== "scalar" || node.value === null) return { wrong: `expected a string, got ${describeNode(node)}` };
  if (typeof node.value === "string") return { json: node.value };
  const kind = typeof node.value === "boolean" ? "boolean" : "number";
  if (node.isHidden) return { wrong: `expected a string, got a ${kind}; put it in quotes` };
  return { wrong: `expected a string, got the ${kind} ${node.text}; put it in quotes: ${JSON.stringify(node.text)}` };
}

function readBool(node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  if (typeof value === "boolean") return { json: value };
  const meant = typeof value === "string" && !isHidden(node) ? boolWords[value.toLowerCase()] : undefined;
  const hint = meant === undefined ? "" : `; write ${meant}`;
  return { wrong: `expected true or false, got ${describeNode(node)}${hint}` };
}

const boolWords: Partial<Record<string, string>> = {
  true: "true, without quotes",
  false: "false, without quotes",
  yes: "true",
  on: "true",
  no: "false",
  off: "false",
};

function readBytes(node: YamlNode): Read {
  const wrong = `expected bytes as a base64 string, got ${describeNode(node)}`;
  if (node.kind !== "scalar" || typeof node.value !== "string") return { wrong };
  try {
    base64Decode(node.value);
    return { json: node.value };
  } catch {
    return { wrong };
  }
}

const largestFloat = 3.4028234663852886e38;

function readFloat(type: ScalarType, node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  if (typeof value === "string" && /^(?:NaN|-?Infinity)$/.test(value)) return { json: value };
  const number = typeof value === "string" ? numberIn(value) : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number") return { wrong: `expected a number, got ${describeNode(node)}` };
  // As a string, because JSON has no number for the likes of .inf and .nan.
  if (!Number.isFinite(number)) return { json: String(number) };
  if (type === ScalarType.FLOAT && Math.abs(number) > largestFloat)
    return { wrong: `expected a number that fits a float, at most ${largestFloat}, got ${describeNode(node)}` };
  return { json: number };
}

function numberIn(text: string): number | undefined {
  return /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
}

interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
}

const int32: Bounds = { least: -(2n ** 31n), most: 2n ** 31n - 1n };
const uint32: Bounds = { least: 0n, most: 2n ** 32n - 1n };
const int64: Bounds = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const uint64: Bounds = { least: 0n, most: 2n ** 64n - 1n };
const integerBounds: Partial<Record<ScalarType, Bounds>> = {
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};

/** The integer as a string, so that none loses digits; what is a string in the file may be one here too. */
function readInteger(node: YamlNode, { least, most }: Bounds): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  let integer: bigint | undefined;
  if (typeof value === "bigint") integer = value;
  else if (typeof value === "number" && Number.isInteger(value)) integer = BigInt(value);
  else if (typeof value === "string" && /^-?\d{1,30}$/.test(value)) integer = BigInt(value);
  else if (typeof value === "string" && Number.isSafeInteger(numberIn(value))) integer = BigInt(Number(value));
  if (integer === undefined) return { wrong: `expected a whole number, got ${describeNode(node)}` };
  if (integer < least || integer > most)
    return { wrong: `expected a whole number from ${least} to ${most}, got ${describeNode(node)}` };
  return { json: String(integer) };
}

/** A key of a map field, which JSON has as a string; hidden like a node. */
export function readMapKey(type: ScalarType, key: string, isHidden: boolean): Read {
  if (type === ScalarType.STRING) return { json: key };
  if (type === ScalarType.BOOL)
    return key === "true" || key === "false"
      ? { json: key }
      : { wrong: `expected the key true or false, got ${isHidden ? notShown : key}` };
  const value = /^-?\d{1,30}$/.test(key) ? BigInt(key) : key;
  const read = readScalar(type, { kind: "scalar", at: 0, value, text: key, isHidden });
  return "json" in read ? read : { wrong: `the key: ${read.wrong}` };
}

/** A value of an enum: its name, or the number of one of its names. */
export function readEnum(desc: DescEnum, node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  if (typeof value === "string" && desc.values.some(({ name }) => name === value)) return { json: value };
  if (typeof value === "number" && desc.values.some(({ number }) => number === value)) return { json: value };
  const names = desc.values.filter(({ deprecated }) => !deprecated).map(({ name }) => name);
  const meant = typeof value === "string" && !isHidden(node) ? nearest(value, names) : undefined;
  const other = typeof value === "string" ? otherApiHint() : "";
  const hint = meant === undefined ? other : `; did you mean ${meant}?`;
  return { wrong: `expected one of ${someOf(names)}, got ${describeNode(node)}${hint}` };
}

/** The first of a list of names, in one phrase. */
export function someOf(names: readonly string[], most = 8): string {
  return names.length > most ? `${names.slice(0, most).join(", ")}, … (${names.length} in all)` : names.join(", ");
}
