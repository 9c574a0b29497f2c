import { XdsError } from "../errors.js";
import { re2 } from "./re2.js";
import { headerPattern, stringFormats } from "./string-formats.js";

/** A value of a field with rules. A duration or a timestamp is in nanoseconds. */
export type Value = number | bigint | boolean | string | Uint8Array;

/** Returns what is wrong with a value, such as `must be at least 1, is 0`; undefined if nothing is. */
export interface Check<T extends Value = Value> {
  (value: T): string | undefined;
  /** The requirement, such as `be at least 1`. */
  readonly words: string;
}

/** The rules that the API sets for a field, by name in lowerCamelCase. */
export type GivenRules = Readonly<Record<string, unknown>>;

/** Makes the check of each rule, by the rule's name. The limit has the rule's type in validate.proto. */
type RuleTable<T extends Value> = Readonly<Record<string, (limit: never, given: GivenRules) => Check<T> | undefined>>;

/** Makes a check. `found` describes a wrong value; "" leaves it out. */
const must = <T extends Value>(
  words: string,
  isOk: (value: T) => boolean,
  found: (value: T) => string = (value) => `, is ${shown(value)}`,
): Check<T> => Object.assign((value: T) => (isOk(value) ? undefined : `must ${words}${found(value)}`), { words });

/**
 * Rules for ordered values. If the lower limit is above the upper one, a value must be outside of both, as in
 * validate.proto.
 */
function ordered<T extends number | bigint>(show: (value: T) => string): RuleTable<T> {
  const check = (isOk: (value: T) => boolean, what: string) =>
    must(`be ${what}`, isOk, (value) => `, is ${show(value)}`);
  const list = (values: readonly T[]) => values.map(show).join(", ");
  const low = (given: GivenRules) => given.gt ?? given.gte;
  const above = (_: never, given: GivenRules) => {
    const [gt, gte, lt, lte] = [given.gt, given.gte, given.lt, given.lte] as (T | undefined)[];
    const bottom = gt ?? gte;
    const top = lt ?? lte;
    // Both conditions are false for NaN, so NaN passes, as in Envoy.
    const tooLow = (value: T) => (gt === undefined ? gte !== undefined && value < gte : value <= gt);
    const tooHigh = (value: T) => (lt === undefined ? lte !== undefined && value > lte : value >= lt);
    const phrase = [
      gt !== undefined && `more than ${show(gt)}`,
      gte !== undefined && `at least ${show(gte)}`,
      lt !== undefined && `less than ${show(lt)}`,
      lte !== undefined && `at most ${show(lte)}`,
    ].filter((part) => part !== false);
    if (bottom !== undefined && top !== undefined && bottom > top)
      return check((value) => !tooLow(value) || !tooHigh(value), phrase.join(" or "));
    return check((value) => !tooLow(value) && !tooHigh(value), phrase.join(" and "));
  };
  const below = (limit: never, given: GivenRules) => (low(given) === undefined ? above(limit, given) : undefined);
  return {
    const: (limit: T) => check((value) => value === limit, show(limit)),
    gt: above,
    gte: above,
    lt: below,
    lte: below,
    in: (values: readonly T[]) => check((value) => values.includes(value), `one of ${list(values)}`),
    notIn: (values: readonly T[]) => check((value) => !values.includes(value), `none of ${list(values)}`),
  };
}

const characters = (text: string) => {
  let count = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) count--;
  return count;
};
/** Rules for the size of a value. */
const sized = <T extends Value>(noun: string, sizeOf: (value: T) => number) => {
  const check = (how: string, limit: bigint, isOk: (size: number) => boolean) =>
    must<T>(
      `have ${how}${limit} ${noun}${limit === 1n ? "" : "s"}`,
      (value) => isOk(sizeOf(value)),
      (value) => (sizeOf(value) === 0 ? ", is empty" : `, has ${sizeOf(value)}`),
    );
  return {
    exactly: (limit: bigint) => check("", limit, (size) => BigInt(size) === limit),
    atLeast: (limit: bigint) => check("at least ", limit, (size) => size >= limit),
    atMost: (limit: bigint) => check("at most ", limit, (size) => size <= limit),
  };
};
const inCharacters = sized("character", characters);
const inBytes = sized<string>("byte", Buffer.byteLength);

const strings: RuleTable<string> = {
  const: (limit: string) => must(`be ${shown(limit)}`, (value) => value === limit),
  len: inCharacters.exactly,
  // The most frequent rule. It needs no counting.
  minLen: (limit: bigint) =>
    limit === 1n ? must(inCharacters.atLeast(1n).words, Boolean, () => ", is empty") : inCharacters.atLeast(limit),
  maxLen: inCharacters.atMost,
  lenBytes: inBytes.exactly,
  minBytes: inBytes.atLeast,
  maxBytes: inBytes.atMost,
  pattern: (pattern: string) => matching(re2(pattern), `match ${pattern}`),
  prefix: (limit: string) => must(`begin with ${shown(limit)}`, (value) => value.startsWith(limit)),
  suffix: (limit: string) => must(`end with ${shown(limit)}`, (value) => value.endsWith(limit)),
  contains: (limit: string) => must(`contain ${shown(limit)}`, (value) => value.includes(limit)),
  notContains: (limit: string) => must(`not contain ${shown(limit)}`, (value) => !value.includes(limit)),
  in: (values: readonly string[]) => must(`be one of ${listed(values)}`, (value) => values.includes(value)),
  notIn: (values: readonly string[]) => must(`be none of ${listed(values)}`, (value) => !values.includes(value)),
  wellKnownRegex: (known: number, { strict }) => {
    const { pattern, what } = headerPattern(known, strict !== false);
    return known === 0 ? undefined : matching(pattern, `be valid as ${what}`);
  },
  ...Object.fromEntries(
    Object.entries(stringFormats).map(([name, { is, what }]) => [
      name,
      (on: boolean) => (on ? must(`be ${what}`, is) : undefined),
    ]),
  ),
};

const matching = (pattern: RegExp, words: string) => must<string>(words, (value) => pattern.test(value));

const lengthOf = sized<Uint8Array>("byte", (value) => value.length);
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const hasLength = (what: string, ...lengths: readonly number[]) =>
  must<Uint8Array>(`be ${what}`, (value) => lengths.includes(value.length));
const bytes: RuleTable<Uint8Array> = {
  const: (limit: Uint8Array) => must(`be ${shown(limit)}`, (value: Uint8Array) => same(value, limit)),
  len: lengthOf.exactly,
  minLen: lengthOf.atLeast,
  maxLen: lengthOf.atMost,
  pattern: (pattern: string) => {
    const compiled = re2(pattern);
    return must(`match ${pattern}`, (value) => compiled.test(Buffer.from(value).toString()));
  },
  prefix: (limit: Uint8Array) =>
    must(`begin with ${shown(limit)}`, (value) => same(value.subarray(0, limit.length), limit)),
  suffix: (limit: Uint8Array) =>
    must(`end with ${shown(limit)}`, (value) => same(value.slice(-limit.length || value.length), limit)),
  contains: (limit: Uint8Array) =>
    must(`contain ${shown(limit)}`, (value) => Buffer.from(value).includes(Buffer.from(limit))),
  in: (values: readonly Uint8Array[]) =>
    must(`be one of ${listed(values)}`, (value) => values.some((one) => same(one, value))),
  notIn: (values: readonly Uint8Array[]) =>
    must(`be none of ${listed(values)}`, (value) => !values.some((one) => same(one, value))),
  ip: () => hasLength("an IP address", 4, 16),
  ipv4: () => hasLength("an IPv4 address", 4),
  ipv6: () => hasLength("an IPv6 address", 16),
};

const booleans: RuleTable<boolean> = {
  const: (limit: boolean) => must(`be ${limit}`, (value) => value === limit),
};

const { const: sameNumber, in: inNumbers, notIn: notInNumbers } = ordered<number>(String);
/** Rules for enums. `definedOnly` receives the numbers that the enum has. */
const enums = {
  const: sameNumber,
  in: inNumbers,
  notIn: notInNumbers,
  definedOnly: (known: ReadonlySet<number>) =>
    must("be a value that the enum defines", (value: number) => known.has(value)),
} as RuleTable<number>;

/** Rules for the type URL of an Any. */
const anys: RuleTable<string> = { in: strings.in, notIn: strings.notIn } as RuleTable<string>;

const seconds = (nanoseconds: bigint): string => {
  const text = (nanoseconds < 0n ? -nanoseconds : nanoseconds).toString().padStart(10, "0");
  const fraction = text.slice(-9).replace(/0+$/, "");
  return `${nanoseconds < 0n ? "-" : ""}${text.slice(0, -9)}${fraction && `.${fraction}`}s`;
};
const durations = ordered<bigint>(seconds);
const timestamps: RuleTable<bigint> = {
  ...ordered<bigint>((value) => new Date(Number(value / 1_000_000n)).toISOString()),
  ltNow: () => must("be in the past", (value) => value < now(), withoutValue),
  gtNow: () => must("be in the future", (value) => value > now(), withoutValue),
  within: (limit: bigint) =>
    must(
      `be within ${seconds(limit)} of now`,
      (value) => value - now() <= limit && now() - value <= limit,
      withoutValue,
    ),
};
const withoutValue = () => "";
const now = () => BigInt(Date.now()) * 1_000_000n;

const numbers = ordered<number>(String);
const bigNumbers = ordered<bigint>(String);

/** The table for each kind of rules (the member of validate.FieldRules.type). */
const tables: Readonly<Record<string, RuleTable<never>>> = {
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
  timestamp: timestamps,
};

/** Rules that change other rules, or concern a field's presence. They do not check a value. */
const modifiers = new Set(["ignoreEmpty", "strict", "required"]);

/** Whether this file can check a rule. */
export const isKnownRule = (kind: string, rule: string): boolean =>
  modifiers.has(rule) || tables[kind]?.[rule] !== undefined;

/**
 * Makes one check of all rules for a value; undefined if there is nothing to check.
 * @throws XdsError INVALID_OPTION for a rule that cannot be checked
 */
export function compileRules(kind: string, given: GivenRules): Check | undefined {
  const checks: Check[] = [];
  for (const [rule, limit] of Object.entries(given)) {
    if (!isKnownRule(kind, rule))
      throw new XdsError("INVALID_OPTION", `a rule of the API cannot be checked: ${kind}.${rule} is not known`);
    const check = tables[kind]?.[rule]?.(limit as never, given);
    if (check) checks.push(check as Check);
  }
  const [first, ...others] = checks;
  if (!first) return undefined;
  const words = [...new Set(checks.map((check) => check.words))].join(" and ");
  const all = others.length === 0 ? first : (value: Value) => first(value) ?? firstOf(others, value);
  if (given.ignoreEmpty !== true) return Object.assign(all, { words });
  return Object.assign((value: Value) => (isEmpty(value) ? undefined : all(value)), { words: `${words}, or be empty` });
}

function firstOf(checks: readonly Check[], value: Value): string | undefined {
  for (const check of checks) {
    const problem = check(value);
    if (problem) return problem;
  }
  return undefined;
}

const isEmpty = (value: Value) => (value instanceof Uint8Array ? value.length === 0 : !value);

const longest = 60;

/** Formats a value for a message. */
function shown(value: Value): string {
  const text =
    value instanceof Uint8Array
      ? `0x${Buffer.from(value).toString("hex")}`
      : typeof value === "string"
        ? JSON.stringify(value)
        : String(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

const listed = (values: readonly Value[]) => values.map(shown).join(", ");
