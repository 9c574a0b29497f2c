import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  otherApiHint
} from "./chunk-BIVW5D3R.js";

// dist/json/node.js
function nodeOf(json, isHidden2 = false) {
  if (Array.isArray(json))
    return { kind: "list", at: 0, items: json.map((item) => nodeOf(item, isHidden2)) };
  if (typeof json !== "object" || json === null)
    return { kind: "scalar", at: 0, value: json, text: String(json), isHidden: isHidden2 };
  const entries = Object.entries(json).flatMap(([key, value]) => value === void 0 ? [] : [{ key, at: 0, value: nodeOf(value, isHidden2) }]);
  return { kind: "map", at: 0, entries };
}
var scalar = (at, text) => ({ kind: "scalar", at, value: text, text });
function valueAt(node, ...keys) {
  return node?.kind === "map" ? node.entries.find(({ key }) => keys.includes(key))?.value : void 0;
}

// dist/json/fault.js
function formatPath(steps) {
  let path = "";
  for (const step of steps) {
    if (typeof step === "number")
      path += `[${step}]`;
    else if (!/^@?\w+$/.test(step))
      path += `[${JSON.stringify(step)}]`;
    else
      path += path === "" ? step : `.${step}`;
  }
  return path;
}

// dist/json/scalar-json.js
import { ScalarType } from "@bufbuild/protobuf";
var longestQuote = 120;
var isHidden = (node) => node.kind === "scalar" && node.isHidden === true;
function describeNode(node) {
  if (node.kind === "map")
    return "an object";
  if (node.kind === "list")
    return "a list";
  const { value } = node;
  if (value === null)
    return "nothing (null)";
  if (node.isHidden)
    return hiddenValue;
  return typeof value === "string" ? quote(value) : node.text.slice(0, longestQuote);
}
var hiddenValue = "something else (not shown: it may be secret)";
function quote(text) {
  if (text.includes("-----BEGIN "))
    return "a PEM text (not shown)";
  return JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}\u2026` : text);
}
function readScalar(type, node) {
  const bounds = integerBounds[type];
  if (bounds)
    return readInteger(node, bounds);
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
function readString(node) {
  if (node.kind !== "scalar" || node.value === null)
    return { wrong: `expected a string, got ${describeNode(node)}` };
  if (typeof node.value === "string")
    return { json: node.value };
  const kind = typeof node.value === "boolean" ? "boolean" : "number";
  if (node.isHidden)
    return { wrong: `expected a string, got a ${kind}; put it in quotes` };
  return { wrong: `expected a string, got the ${kind} ${node.text}; put it in quotes: ${JSON.stringify(node.text)}` };
}
function readBool(node) {
  const value = node.kind === "scalar" ? node.value : void 0;
  const bool = typeof value === "string" ? boolWords[value.toLowerCase()] : value;
  if (typeof bool === "boolean")
    return { json: bool };
  return { wrong: `expected true or false, got ${describeNode(node)}` };
}
var boolWords = {
  ...{ true: true, t: true, yes: true, y: true, 1: true },
  ...{ false: false, f: false, no: false, n: false, 0: false }
};
function readBytes(node) {
  const text = node.kind === "scalar" && typeof node.value === "string" ? node.value : void 0;
  const digits = text !== void 0 && text.length % 4 === 0 ? text.replace(/={1,2}$/, "") : text;
  if (digits === void 0 || digits.length % 4 === 1 || !/^[\w+/-]*$/.test(digits))
    return { wrong: `expected bytes as a base64 string, got ${describeNode(node)}` };
  const json = digits.replaceAll("-", "+").replaceAll("_", "/");
  return { json: json.padEnd(Math.ceil(json.length / 4) * 4, "=") };
}
function readFloat(type, node) {
  const value = node.kind === "scalar" ? node.value : void 0;
  const number = typeof value === "string" ? numberIn(value.trim()) : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number")
    return { wrong: `expected a number, got ${describeNode(node)}` };
  if (!Number.isFinite(number))
    return { json: String(number) };
  const json = type === ScalarType.FLOAT ? Math.fround(number) : number;
  if (Number.isFinite(json))
    return { json };
  return { wrong: `expected a number that fits a float, at most 3.4028235e38, got ${describeNode(node)}` };
}
function numberIn(text) {
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text))
    return Number(text);
  const [, hexSign, hexadecimal] = /^([-+]?)(0x[0-9a-f]+)$/i.exec(text) ?? [];
  if (hexadecimal !== void 0)
    return hexSign === "-" ? -Number(hexadecimal) : Number(hexadecimal);
  if (/^[-+]?nan(?:\(\w*\))?$/i.test(text))
    return Number.NaN;
  const [, sign] = /^([-+]?)inf(?:inity)?$/i.exec(text) ?? [];
  return sign === void 0 ? void 0 : Number(`${sign}Infinity`);
}
var signedFloat = 2 ** 53;
var unsignedFloat = 2 ** 54;
var int32 = { least: -(2n ** 31n), most: 2n ** 31n - 1n, mostOfFloat: signedFloat };
var uint32 = { least: 0n, most: 2n ** 32n - 1n, mostOfFloat: unsignedFloat };
var int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n, mostOfFloat: signedFloat };
var uint64 = { least: 0n, most: 2n ** 64n - 1n, mostOfFloat: unsignedFloat };
var integerBounds = {
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64
};
function readInteger(node, { least, most, mostOfFloat }) {
  const value = node.kind === "scalar" ? node.value : void 0;
  let integer;
  if (typeof value === "bigint")
    integer = value;
  else if (typeof value === "string" && /^[-+]?\d{1,30}$/.test(value))
    integer = BigInt(value.replace("+", ""));
  else {
    const number = typeof value === "string" ? numberIn(value) : value;
    if (typeof number === "number" && Number.isInteger(number))
      integer = Math.abs(number) <= mostOfFloat ? BigInt(number) : most + 1n;
  }
  if (integer === void 0)
    return { wrong: `expected a whole number, got ${describeNode(node)}` };
  if (integer < least || integer > most)
    return { wrong: `expected a whole number from ${least} to ${most}, got ${describeNode(node)}` };
  return { json: String(integer) };
}
function readMapKey(type, key, isHidden2) {
  if (type === ScalarType.STRING)
    return { json: key };
  if (type === ScalarType.BOOL)
    return key === "true" || key === "false" ? { json: key } : { wrong: `expected the key true or false, got ${isHidden2 ? hiddenValue : key}` };
  const value = key.trim();
  const read = /^[-+]?\d+$/.test(value) ? readScalar(type, { kind: "scalar", at: 0, value, text: key, isHidden: isHidden2 }) : { wrong: `expected a whole number, got ${isHidden2 ? hiddenValue : quote(key)}` };
  return "json" in read ? read : { wrong: `the key: ${read.wrong}` };
}
function readEnum(desc, node) {
  const value = node.kind === "scalar" ? node.value : void 0;
  const json = typeof value === "string" ? namesOf(desc).get(value.toUpperCase()) : void 0;
  if (json !== void 0)
    return { json };
  const number = typeof value === "string" ? /^\s*[-+]?\d{1,30}\s*$/.test(value) ? Number(value) : void 0 : value;
  if (typeof number === "number" && (number | 0) === number)
    return { json: desc.values.find((one) => one.number === number)?.name ?? number };
  const names = desc.values.filter(({ deprecated }) => !deprecated).map(({ name }) => name);
  const meant = typeof value === "string" && !isHidden(node) ? nearest(value.toUpperCase(), names) : void 0;
  const other = typeof value === "string" && number === void 0 ? otherApiHint(desc) : "";
  const hint = meant === void 0 ? other : `; did you mean ${meant}?`;
  return { wrong: `expected one of ${someOf(names)}, got ${describeNode(node)}${hint}` };
}
var namesByUpperCase = /* @__PURE__ */ new WeakMap();
function namesOf(desc) {
  let names = namesByUpperCase.get(desc);
  if (!names) {
    names = new Map(desc.values.toReversed().map(({ name }) => [name.toUpperCase(), name]));
    namesByUpperCase.set(desc, names);
  }
  return names;
}
function emptyScalar(type) {
  if (type === ScalarType.BOOL)
    return false;
  return type === ScalarType.STRING || type === ScalarType.BYTES ? "" : 0;
}
function someOf(names, most = 8) {
  return names.length > most ? `${names.slice(0, most).join(", ")}, \u2026 (${names.length} in all)` : names.join(", ");
}

export {
  formatPath,
  isHidden,
  describeNode,
  hiddenValue,
  quote,
  readScalar,
  readMapKey,
  readEnum,
  emptyScalar,
  someOf,
  nodeOf,
  scalar,
  valueAt
};
