import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  apiExtension
} from "./chunk-BIVW5D3R.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/validation/api-rules.js
import { getOption, hasOption, isFieldSet } from "@bufbuild/protobuf";
function rulesOf(field) {
  const message = option(field, "validate.rules");
  const schema = apiExtension(field.parent.file, "validate.rules")?.message;
  return message && schema && read(schema, message);
}
function read(schema, message) {
  const { type, message: own } = message;
  const { items, keys, values, ...rules } = type.case && type.value ? given(schema.field[type.case]?.message, type.value) : {};
  const nested = (inner) => inner ? read(schema, inner) : void 0;
  return {
    kind: type.case,
    rules,
    required: (own?.required ?? false) || rules.required === true,
    skip: own?.skip ?? false,
    items: nested(items),
    keys: nested(keys),
    values: nested(values)
  };
}
function given(schema, message) {
  const record = message;
  const found = {};
  for (const field of schema?.fields ?? []) {
    if (!isFieldSet(message, field))
      continue;
    const value = field.oneof ? record[field.oneof.localName].value : record[field.localName];
    const isTime = field.message && !field.message.typeName.startsWith("validate.");
    const one = isTime ? (time) => nanoseconds(time) : (same2) => same2;
    found[field.localName] = field.fieldKind === "list" ? value.map(one) : one(value);
  }
  return found;
}
var nanoseconds = ({ seconds: seconds2, nanos }) => seconds2 * 1000000000n + BigInt(nanos);
var isRequired = (oneof) => option(oneof, "validate.required") ?? false;
var isExempt = (schema) => option(schema, "validate.disabled") ?? false;
function deprecationOf(desc) {
  if (!desc.deprecated)
    return void 0;
  const suffix = desc.kind === "field" ? "" : "_enum";
  return {
    disallowed: option(desc, `envoy.annotations.disallowed_by_default${suffix}`) ?? false,
    since: option(desc, `envoy.annotations.deprecated_at_minor_version${suffix}`) ?? ""
  };
}
function option(desc, name) {
  const { file } = desc.kind === "message" ? desc : desc.parent;
  const [of, typed] = [desc, apiExtension(file, name)];
  return typed && hasOption(of, typed) ? getOption(of, typed) : void 0;
}

// dist/validation/re2.js
function re2(pattern) {
  const [, flags = "", rest = pattern] = /^\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? [];
  const source = rest.replace(/\\Q.*?(?:\\E|$)|\\x\{\w+\}|\\p\w|\\.|\[:\w+:\]|\(\?P</gsu, translated);
  try {
    return new RegExp(`^(?:${source})$`, `u${flags}`);
  } catch (cause) {
    const message = `a rule of the API cannot be checked: JavaScript has no counterpart of its pattern ${pattern}`;
    throw new XdsError("INVALID_OPTION", message, { cause });
  }
}
function translated(token) {
  if (token === "(?P<")
    return "(?<";
  if (token.startsWith("[:"))
    return classes[token.slice(2, -2)] ?? token;
  if (token.startsWith("\\Q"))
    return token.slice(2).replace(/\\E$/, "").replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  if (token.startsWith("\\x{"))
    return `\\u${token.slice(2)}`;
  if (/^\\p\w$/.test(token))
    return `\\p{${token.slice(2)}}`;
  if (token in escapes)
    return escapes[token] ?? token;
  return /^\\[^\w\s^$\\.*+?()[\]{}|/-]$/.test(token) ? token.slice(1) : token;
}
var escapes = { "\\A": "(?<![^])", "\\z": "(?![^])", "\\a": "\\x07" };
var classes = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  space: "\\t\\n\\v\\f\\r ",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f"
};

// dist/validation/string-formats.js
import { isIP, isIPv4, isIPv6 } from "node:net";
var isHostname = (text) => text.length <= 253 && /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?$/.test(text);
var isUri = (text) => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && isUriReference(text);
var isUriReference = (text) => /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/.test(text) && text.split("#").length <= 2;
var isEmail = (text) => {
  const at = text.lastIndexOf("@");
  return at > 0 && at <= 64 && text.length <= 254 && !/[\s<>]/.test(text) && isHostname(text.slice(at + 1));
};
var isUuid = (text) => /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(text);
var stringFormats = {
  email: { is: isEmail, what: "an e-mail address" },
  hostname: { is: isHostname, what: "a host name" },
  ip: { is: (text) => isIP(text) !== 0, what: "an IP address" },
  ipv4: { is: isIPv4, what: "an IPv4 address" },
  ipv6: { is: isIPv6, what: "an IPv6 address" },
  uri: { is: isUri, what: "an absolute URI" },
  uriRef: { is: isUriReference, what: "a URI reference" },
  address: { is: (text) => isHostname(text) || isIP(text) !== 0, what: "a host name or IP address" },
  uuid: { is: isUuid, what: "a UUID" }
};
function headerPattern(known, strict) {
  const what = known === 1 ? "an HTTP header's name" : "an HTTP header's value";
  if (!strict)
    return { pattern: /^[^\0\n\r]*$/, what: `${what} (no NUL, line feed or carriage return)` };
  if (known === 1)
    return { pattern: /^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$/, what };
  return { pattern: /^[^\0-\x08\x0a-\x1f\x7f]*$/, what: `${what} (no control characters)` };
}

// dist/validation/value-rules.js
var must = (words, isOk, found = (value) => `, is ${shown(value)}`) => Object.assign((value) => isOk(value) ? void 0 : `must ${words}${found(value)}`, { words });
function ordered(show) {
  const check = (isOk, what) => must(`be ${what}`, isOk, (value) => `, is ${show(value)}`);
  const list = (values) => values.map(show).join(", ");
  const low = (given2) => given2.gt ?? given2.gte;
  const above = (_, given2) => {
    const [gt, gte, lt, lte] = [given2.gt, given2.gte, given2.lt, given2.lte];
    const bottom = gt ?? gte;
    const top = lt ?? lte;
    const tooLow = (value) => gt === void 0 ? gte !== void 0 && value < gte : value <= gt;
    const tooHigh = (value) => lt === void 0 ? lte !== void 0 && value > lte : value >= lt;
    const phrase = [
      gt !== void 0 && `more than ${show(gt)}`,
      gte !== void 0 && `at least ${show(gte)}`,
      lt !== void 0 && `less than ${show(lt)}`,
      lte !== void 0 && `at most ${show(lte)}`
    ].filter((part) => part !== false);
    if (bottom !== void 0 && top !== void 0 && bottom > top)
      return check((value) => !tooLow(value) || !tooHigh(value), phrase.join(" or "));
    return check((value) => !tooLow(value) && !tooHigh(value), phrase.join(" and "));
  };
  const below = (limit, given2) => low(given2) === void 0 ? above(limit, given2) : void 0;
  return {
    const: (limit) => check((value) => value === limit, show(limit)),
    gt: above,
    gte: above,
    lt: below,
    lte: below,
    in: (values) => check((value) => values.includes(value), `one of ${list(values)}`),
    notIn: (values) => check((value) => !values.includes(value), `none of ${list(values)}`)
  };
}
var characters = (text) => {
  let count = text.length;
  for (let at = 0; at < text.length; at++)
    if ((text.charCodeAt(at) & 64512) === 56320)
      count--;
  return count;
};
var sized = (noun, sizeOf) => {
  const check = (how, limit, isOk) => must(`have ${how}${limit} ${noun}${limit === 1n ? "" : "s"}`, (value) => isOk(sizeOf(value)), (value) => sizeOf(value) === 0 ? ", is empty" : `, has ${sizeOf(value)}`);
  return {
    exactly: (limit) => check("", limit, (size) => BigInt(size) === limit),
    atLeast: (limit) => check("at least ", limit, (size) => size >= limit),
    atMost: (limit) => check("at most ", limit, (size) => size <= limit)
  };
};
var inCharacters = sized("character", characters);
var inBytes = sized("byte", Buffer.byteLength);
var strings = {
  const: (limit) => must(`be ${shown(limit)}`, (value) => value === limit),
  len: inCharacters.exactly,
  // The most frequent rule. It needs no counting.
  minLen: (limit) => limit === 1n ? must(inCharacters.atLeast(1n).words, Boolean, () => ", is empty") : inCharacters.atLeast(limit),
  maxLen: inCharacters.atMost,
  lenBytes: inBytes.exactly,
  minBytes: inBytes.atLeast,
  maxBytes: inBytes.atMost,
  pattern: (pattern) => matching(re2(pattern), `match ${pattern}`),
  prefix: (limit) => must(`begin with ${shown(limit)}`, (value) => value.startsWith(limit)),
  suffix: (limit) => must(`end with ${shown(limit)}`, (value) => value.endsWith(limit)),
  contains: (limit) => must(`contain ${shown(limit)}`, (value) => value.includes(limit)),
  notContains: (limit) => must(`not contain ${shown(limit)}`, (value) => !value.includes(limit)),
  in: (values) => must(`be one of ${listed(values)}`, (value) => values.includes(value)),
  notIn: (values) => must(`be none of ${listed(values)}`, (value) => !values.includes(value)),
  wellKnownRegex: (known, { strict }) => {
    const { pattern, what } = headerPattern(known, strict !== false);
    return known === 0 ? void 0 : matching(pattern, `be valid as ${what}`);
  },
  ...Object.fromEntries(Object.entries(stringFormats).map(([name, { is, what }]) => [
    name,
    (on) => on ? must(`be ${what}`, is) : void 0
  ]))
};
var matching = (pattern, words) => must(words, (value) => pattern.test(value));
var lengthOf = sized("byte", (value) => value.length);
var same = (a, b) => Buffer.compare(a, b) === 0;
var hasLength = (what, ...lengths) => must(`be ${what}`, (value) => lengths.includes(value.length));
var bytes = {
  const: (limit) => must(`be ${shown(limit)}`, (value) => same(value, limit)),
  len: lengthOf.exactly,
  minLen: lengthOf.atLeast,
  maxLen: lengthOf.atMost,
  pattern: (pattern) => {
    const compiled = re2(pattern);
    return must(`match ${pattern}`, (value) => compiled.test(Buffer.from(value).toString()));
  },
  prefix: (limit) => must(`begin with ${shown(limit)}`, (value) => same(value.subarray(0, limit.length), limit)),
  suffix: (limit) => must(`end with ${shown(limit)}`, (value) => same(value.slice(-limit.length || value.length), limit)),
  contains: (limit) => must(`contain ${shown(limit)}`, (value) => Buffer.from(value).includes(Buffer.from(limit))),
  in: (values) => must(`be one of ${listed(values)}`, (value) => values.some((one) => same(one, value))),
  notIn: (values) => must(`be none of ${listed(values)}`, (value) => !values.some((one) => same(one, value))),
  ip: () => hasLength("an IP address", 4, 16),
  ipv4: () => hasLength("an IPv4 address", 4),
  ipv6: () => hasLength("an IPv6 address", 16)
};
var booleans = {
  const: (limit) => must(`be ${limit}`, (value) => value === limit)
};
var { const: sameNumber, in: inNumbers, notIn: notInNumbers } = ordered(String);
var enums = {
  const: sameNumber,
  in: inNumbers,
  notIn: notInNumbers,
  definedOnly: (known) => must("be a value that the enum defines", (value) => known.has(value))
};
var anys = { in: strings.in, notIn: strings.notIn };
var seconds = (nanoseconds2) => {
  const text = (nanoseconds2 < 0n ? -nanoseconds2 : nanoseconds2).toString().padStart(10, "0");
  const fraction = text.slice(-9).replace(/0+$/, "");
  return `${nanoseconds2 < 0n ? "-" : ""}${text.slice(0, -9)}${fraction && `.${fraction}`}s`;
};
var durations = ordered(seconds);
var timestamps = {
  ...ordered((value) => new Date(Number(value / 1000000n)).toISOString()),
  ltNow: () => must("be in the past", (value) => value < now(), withoutValue),
  gtNow: () => must("be in the future", (value) => value > now(), withoutValue),
  within: (limit) => must(`be within ${seconds(limit)} of now`, (value) => value - now() <= limit && now() - value <= limit, withoutValue)
};
var withoutValue = () => "";
var now = () => BigInt(Date.now()) * 1000000n;
var numbers = ordered(String);
var bigNumbers = ordered(String);
var tables = {
  float: numbers,
  double: numbers,
  int32: numbers,
  uint32: numbers,
  sint32: numbers,
  fixed32: numbers,
  sfixed32: numbers,
  int64: bigNumbers,
  uint64: bigNumbers,
  sint64: bigNumbers,
  fixed64: bigNumbers,
  sfixed64: bigNumbers,
  bool: booleans,
  string: strings,
  bytes,
  enum: enums,
  any: anys,
  duration: durations,
  timestamp: timestamps
};
var modifiers = /* @__PURE__ */ new Set(["ignoreEmpty", "strict", "required"]);
var isKnownRule = (kind, rule) => modifiers.has(rule) || tables[kind]?.[rule] !== void 0;
function compileRules(kind, given2) {
  const checks = [];
  for (const [rule, limit] of Object.entries(given2)) {
    if (!isKnownRule(kind, rule))
      throw new XdsError("INVALID_OPTION", `a rule of the API cannot be checked: ${kind}.${rule} is not known`);
    const check = tables[kind]?.[rule]?.(limit, given2);
    if (check)
      checks.push(check);
  }
  const [first, ...others] = checks;
  if (!first)
    return void 0;
  const words = [...new Set(checks.map((check) => check.words))].join(" and ");
  const all = others.length === 0 ? first : (value) => first(value) ?? firstOf(others, value);
  if (given2.ignoreEmpty !== true)
    return Object.assign(all, { words });
  return Object.assign((value) => isEmpty(value) ? void 0 : all(value), { words: `${words}, or be empty` });
}
function firstOf(checks, value) {
  for (const check of checks) {
    const problem = check(value);
    if (problem)
      return problem;
  }
  return void 0;
}
var isEmpty = (value) => value instanceof Uint8Array ? value.length === 0 : !value;
var longest = 60;
function shown(value) {
  const text = value instanceof Uint8Array ? `0x${Buffer.from(value).toString("hex")}` : typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > longest ? `${text.slice(0, longest)}\u2026` : text;
}
var listed = (values) => values.map(shown).join(", ");

export {
  rulesOf,
  nanoseconds,
  isRequired,
  isExempt,
  deprecationOf,
  compileRules
};
