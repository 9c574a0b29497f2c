import { type DescEnum, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { nearest } from "../nearest.js";
import { otherApiHint } from "../schema/registry.js";
import type { YamlNode } from "./node.js";

/** A value in proto3 JSON, or the reason why the value is wrong. */
export type Read = { readonly json: JsonValue } | { readonly wrong: string };

const longestQuote = 120;

/** Whether messages must not quote a value or anything derived from it. */
export const isHidden = (node: YamlNode): boolean => node.kind === "scalar" && node.isHidden === true;

/** Describes a value in a message. */
export function describeNode(node: YamlNode): string {
  if (node.kind === "map") return "an object";
  if (node.kind === "list") return "a list";
  const { value } = node;
  if (value === null) return "nothing (null)";
  if (node.isHidden) return hiddenValue;
  return typeof value === "string" ? quote(value) : node.text.slice(0, longestQuote);
}

/** Stands in a message for a value that may be a secret. */
export const hiddenValue = "something else (not shown: it may be secret)";

/** Quotes a text in a message. A PEM text is not shown, because it may be a private key in the wrong place. */
export function quote(text: string): string {
  if (text.includes("-----BEGIN ")) return "a PEM text (not shown)";
  return JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text);
}

/**
 * Reads the value of a scalar field; the value is never null.
 *
 * It accepts what Envoy accepts: https://protobuf.dev/programming-guides/json/ and the leniencies of protobuf's C++
 * reader. `test/leniency/` compares both.
 */
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
  const bool = typeof value === "string" ? boolWords[value.toLowerCase()] : value;
  if (typeof bool === "boolean") return { json: bool };
  return { wrong: `expected true or false, got ${describeNode(node)}` };
}

/** Strings that stand for a boolean. Case is ignored. */
const boolWords: Partial<Record<string, boolean>> = {
  ...{ true: true, t: true, yes: true, y: true, 1: true },
  ...{ false: false, f: false, no: false, n: false, 0: false },
};

/** Reads base64 in both alphabets, also mixed, with or without padding. */
function readBytes(node: YamlNode): Read {
  const text = node.kind === "scalar" && typeof node.value === "string" ? node.value : undefined;
  const digits = text !== undefined && text.length % 4 === 0 ? text.replace(/={1,2}$/, "") : text;
  if (digits === undefined || digits.length % 4 === 1 || !/^[\w+/-]*$/.test(digits))
    return { wrong: `expected bytes as a base64 string, got ${describeNode(node)}` };
  const json = digits.replaceAll("-", "+").replaceAll("_", "/");
  return { json: json.padEnd(Math.ceil(json.length / 4) * 4, "=") };
}

function readFloat(type: ScalarType, node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  const number = typeof value === "string" ? numberIn(value.trim()) : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number") return { wrong: `expected a number, got ${describeNode(node)}` };
  // JSON has no number for NaN and Infinity, so they are strings.
  if (!Number.isFinite(number)) return { json: String(number) };
  const json = type === ScalarType.FLOAT ? Math.fround(number) : number;
  if (Number.isFinite(json)) return { json };
  return { wrong: `expected a number that fits a float, at most 3.4028235e38, got ${describeNode(node)}` };
}

function numberIn(text: string): number | undefined {
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text)) return Number(text);
  const [, hexSign, hexadecimal] = /^([-+]?)(0x[0-9a-f]+)$/i.exec(text) ?? [];
  if (hexadecimal !== undefined) return hexSign === "-" ? -Number(hexadecimal) : Number(hexadecimal);
  if (/^[-+]?nan(?:\(\w*\))?$/i.test(text)) return Number.NaN;
  const [, sign] = /^([-+]?)inf(?:inity)?$/i.exec(text) ?? [];
  return sign === undefined ? undefined : Number(`${sign}Infinity`);
}

interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
  /** The largest absolute value of a number with a point or an exponent. */
  readonly mostOfFloat: number;
}

const signedFloat = 2 ** 53;
const unsignedFloat = 2 ** 54;
const int32: Bounds = { least: -(2n ** 31n), most: 2n ** 31n - 1n, mostOfFloat: signedFloat };
const uint32: Bounds = { least: 0n, most: 2n ** 32n - 1n, mostOfFloat: unsignedFloat };
const int64: Bounds = { least: -(2n ** 63n), most: 2n ** 63n - 1n, mostOfFloat: signedFloat };
const uint64: Bounds = { least: 0n, most: 2n ** 64n - 1n, mostOfFloat: unsignedFloat };
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

/**
 * Reads an integer, and returns it as a string so that no digit is lost. The value in the file may be a string, too.
 */
function readInteger(node: YamlNode, { least, most, mostOfFloat }: Bounds): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  let integer: bigint | undefined;
  if (typeof value === "bigint") integer = value;
  else if (typeof value === "string" && /^[-+]?\d{1,30}$/.test(value)) integer = BigInt(value.replace("+", ""));
  else {
    const number = typeof value === "string" ? numberIn(value) : value;
    if (typeof number === "number" && Number.isInteger(number))
      integer = Math.abs(number) <= mostOfFloat ? BigInt(number) : most + 1n;
  }
  if (integer === undefined) return { wrong: `expected a whole number, got ${describeNode(node)}` };
  if (integer < least || integer > most)
    return { wrong: `expected a whole number from ${least} to ${most}, got ${describeNode(node)}` };
  return { json: String(integer) };
}

/** Reads a key of a map field. With `isHidden`, no message quotes the key. */
export function readMapKey(type: ScalarType, key: string, isHidden: boolean): Read {
  if (type === ScalarType.STRING) return { json: key };
  if (type === ScalarType.BOOL)
    return key === "true" || key === "false"
      ? { json: key }
      : { wrong: `expected the key true or false, got ${isHidden ? hiddenValue : key}` };
  const value = key.trim();
  const read = /^[-+]?\d+$/.test(value)
    ? readScalar(type, { kind: "scalar", at: 0, value, text: key, isHidden })
    : { wrong: `expected a whole number, got ${isHidden ? hiddenValue : quote(key)}` };
  return "json" in read ? read : { wrong: `the key: ${read.wrong}` };
}

/** Reads a value of an enum: its name in any case, or a number. The number may be one without a name. */
export function readEnum(desc: DescEnum, node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  const json = typeof value === "string" ? namesOf(desc).get(value.toUpperCase()) : undefined;
  if (json !== undefined) return { json };
  const number = typeof value === "string" ? (/^\s*[-+]?\d{1,30}\s*$/.test(value) ? Number(value) : undefined) : value;
  if (typeof number === "number" && (number | 0) === number)
    return { json: desc.values.find((one) => one.number === number)?.name ?? number };
  const names = desc.values.filter(({ deprecated }) => !deprecated).map(({ name }) => name);
  const meant = typeof value === "string" && !isHidden(node) ? nearest(value.toUpperCase(), names) : undefined;
  const other = typeof value === "string" && number === undefined ? otherApiHint(desc) : "";
  const hint = meant === undefined ? other : `; did you mean ${meant}?`;
  return { wrong: `expected one of ${someOf(names)}, got ${describeNode(node)}${hint}` };
}

const namesByUpperCase = new WeakMap<DescEnum, Map<string, string>>();

/** An enum's names by their upper-case form. */
function namesOf(desc: DescEnum): Map<string, string> {
  let names = namesByUpperCase.get(desc);
  if (!names) {
    names = new Map(desc.values.toReversed().map(({ name }) => [name.toUpperCase(), name]));
    namesByUpperCase.set(desc, names);
  }
  return names;
}

/** The default value of a scalar type. It replaces null in a list or a map. */
export function emptyScalar(type: ScalarType): JsonValue {
  if (type === ScalarType.BOOL) return false;
  return type === ScalarType.STRING || type === ScalarType.BYTES ? "" : 0;
}

/** Joins the first `most` names. If there are more, the result ends with their total number. */
export function someOf(names: readonly string[], most = 8): string {
  return names.length > most ? `${names.slice(0, most).join(", ")}, … (${names.length} in all)` : names.join(", ");
}
