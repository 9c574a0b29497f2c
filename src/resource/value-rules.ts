import { XdsError } from "../errors.js";
import { re2 } from "./re2.js";
import { headerPattern, stringFormats } from "./string-formats.js";

/** What can be read of a field that has rules; of a duration or a timestamp, its nanoseconds. */
export type Value = number | bigint | boolean | string | Uint8Array;

/** What is wrong with a value, such as `must be at least 1, is 0`; undefined: nothing. */
export type Check<T extends Value = Value> = (value: T) => string | undefined;

/** The rules of a field as the API has them, by name in lowerCamelCase: those that are set. */
export type GivenRules = Readonly<Record<string, unknown>>;

/** By a rule's name: what checks it. The limit has the type that the rule has in validate.proto. */
type RuleTable<T extends Value> = Readonly<Record<string, (limit: never, given: GivenRules) => Check<T> | undefined>>;

const must = (ok: boolean, what: string, value: Value): string | undefined =>
  ok ? undefined : `must ${what}, is ${shown(value)}`;

/** Rules for what can be compared. Of two limits the wrong way round, a value has to be outside, as in validate.proto. */
function ordered<T extends number | bigint>(show: (value: T) => string): RuleTable<T> {
  const check =
    (ok: (value: T) => boolean, what: string): Check<T> =>
    (value) =>
      ok(value) ? undefined : `must be ${what}, is ${show(value)}`;
  const list = (values: readonly T[]) => values.map(show).join(", ");
  const low = (given: GivenRules) => given.gt ?? given.gte;
  const above = (_: never, given: GivenRules) => {
    const [gt, gte, lt, lte] = [given.gt, given.gte, given.lt, given.lte] as (T | undefined)[];
    const bottom = gt ?? gte;
    const top = lt ?? lte;
    // Written so that NaN passes, as it does in Envoy.
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
const counted = (count: bigint | number, noun: string) => `${count} ${noun}${Number(count) === 1 ? "" : "s"}`;
const atLeast = (size: number, limit: bigint, noun: string) =>
  size >= limit ? undefined : `must have at least ${counted(limit, noun)}, ${size === 0 ? "is empty" : `has ${size}`}`;
const atMost = (size: number, limit: bigint, noun: string) =>
  size <= limit ? undefined : `must have at most ${counted(limit, noun)}, has ${size}`;
const exactly = (size: number, limit: bigint, noun: string) =>
  BigInt(size) === limit ? undefined : `must have ${counted(limit, noun)}, has ${size}`;

const strings: RuleTable<string> = {
  const: (limit: string) => (value) => must(value === limit, `be ${shown(limit)}`, value),
  len: (limit: bigint) => (value) => exactly(characters(value), limit, "character"),
  minLen: (limit: bigint) =>
    limit === 1n
      ? (value) => (value === "" ? "must have at least 1 character, is empty" : undefined)
      : (value) => atLeast(characters(value), limit, "character"),
  maxLen: (limit: bigint) => (value) => atMost(characters(value), limit, "character"),
  lenBytes: (limit: bigint) => (value) => exactly(Buffer.byteLength(value), limit, "byte"),
  minBytes: (limit: bigint) => (value) => atLeast(Buffer.byteLength(value), limit, "byte"),
  maxBytes: (limit: bigint) => (value) => atMost(Buffer.byteLength(value), limit, "byte"),
  pattern: (pattern: string) => matching(re2(pattern), `match ${pattern}`),
  prefix: (limit: string) => (value) => must(value.startsWith(limit), `begin with ${shown(limit)}`, value),
  suffix: (limit: string) => (value) => must(value.endsWith(limit), `end with ${shown(limit)}`, value),
  contains: (limit: string) => (value) => must(value.includes(limit), `contain ${shown(limit)}`, value),
  notContains: (limit: string) => (value) => must(!value.includes(limit), `not contain ${shown(limit)}`, value),
  in: (values: readonly string[]) => (value) => must(values.includes(value), `be one of ${listed(values)}`, value),
  notIn: (values: readonly string[]) => (value) => must(!values.includes(value), `be none of ${listed(values)}`, value),
  wellKnownRegex: (known: number, { strict }) => {
    const { pattern, what } = headerPattern(known, strict !== false);
    return known === 0 ? undefined : matching(pattern, `be fit for ${what}`);
  },
  ...Object.fromEntries(
    Object.entries(stringFormats).map(([name, { is, what }]) => [
      name,
      (on: boolean) => (on ? (value: string) => must(is(value), `be ${what}`, value) : undefined),
    ]),
  ),
};

const matching =
  (pattern: RegExp, what: string): Check<string> =>
  (value) =>
    pattern.test(value) ? undefined : `must ${what}, is ${shown(value)}`;

const bytes: RuleTable<Uint8Array> = {
  const: (limit: Uint8Array) => (value) => must(Buffer.compare(value, limit) === 0, `be ${shown(limit)}`, value),
  len: (limit: bigint) => (value) => exactly(value.length, limit, "byte"),
  minLen: (limit: bigint) => (value) => atLeast(value.length, limit, "byte"),
  maxLen: (limit: bigint) => (value) => atMost(value.length, limit, "byte"),
  pattern: (pattern: string) => {
    const compiled = re2(pattern);
    return (value) => must(compiled.test(Buffer.from(value).toString()), `match ${pattern}`, value);
  },
  prefix: (limit: Uint8Array) => (value) =>
    must(Buffer.compare(value.subarray(0, limit.length), limit) === 0, `begin with ${shown(limit)}`, value),
  suffix: (limit: Uint8Array) => (value) =>
    must(Buffer.compare(value.slice(-limit.length || value.length), limit) === 0, `end with ${shown(limit)}`, value),
  contains: (limit: Uint8Array) => (value) =>
    must(Buffer.from(value).includes(Buffer.from(limit)), `contain ${shown(limit)}`, value),
  in: (values: readonly Uint8Array[]) => (value) =>
    must(
      values.some((one) => Buffer.compare(one, value) === 0),
      `be one of ${listed(values)}`,
      value,
    ),
  notIn: (values: readonly Uint8Array[]) => (value) =>
    must(!values.some((one) => Buffer.compare(one, value) === 0), `be none of ${listed(values)}`, value),
  ip: () => (value) => must(value.length === 4 || value.length === 16, "be an IP address", value),
  ipv4: () => (value) => must(value.length === 4, "be an IPv4 address", value),
  ipv6: () => (value) => must(value.length === 16, "be an IPv6 address", value),
};

const booleans: RuleTable<boolean> = {
  const: (limit: boolean) => (value) => must(value === limit, `be ${limit}`, value),
};

const { const: sameNumber, in: inNumbers, notIn: notInNumbers } = ordered<number>(String);
/** `definedOnly` is given the numbers that the enum has. */
const enums = {
  const: sameNumber,
  in: inNumbers,
  notIn: notInNumbers,
  definedOnly: (known: ReadonlySet<number>) => (value: number) =>
    known.has(value) ? undefined : `must be a value that the enum defines, is ${value}`,
} as RuleTable<number>;

/** The type URL of what an Any holds. */
const anys: RuleTable<string> = { in: strings.in, notIn: strings.notIn } as RuleTable<string>;

const seconds = (nanoseconds: bigint): string => {
  const text = (nanoseconds < 0n ? -nanoseconds : nanoseconds).toString().padStart(10, "0");
  const fraction = text.slice(-9).replace(/0+$/, "");
  return `${nanoseconds < 0n ? "-" : ""}${text.slice(0, -9)}${fraction && `.${fraction}`}s`;
};
const durations = ordered<bigint>(seconds);
const timestamps: RuleTable<bigint> = {
  ...ordered<bigint>((value) => new Date(Number(value / 1_000_000n)).toISOString()),
  ltNow: () => (value) => (value < now() ? undefined : "must be in the past"),
  gtNow: () => (value) => (value > now() ? undefined : "must be in the future"),
  within: (limit: bigint) => (value) =>
    value - now() <= limit && now() - value <= limit ? undefined : `must be within ${seconds(limit)} of now`,
};
const now = () => BigInt(Date.now()) * 1_000_000n;

const numbers = ordered<number>(String);
const bigNumbers = ordered<bigint>(String);

/** By the kind of rules (the member of validate.FieldRules.type): its table. */
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

/** Rules that change how others are read, or that are about a field's presence, and so are no check of a value. */
const modifiers = new Set(["ignoreEmpty", "strict", "required"]);

/** Whether a rule is one that is checked here. */
export const isKnownRule = (kind: string, rule: string): boolean =>
  modifiers.has(rule) || tables[kind]?.[rule] !== undefined;

/**
 * One check of all the rules given for a value; undefined: there is nothing to check.
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
  const all: Check = others.length === 0 ? first : (value) => first(value) ?? firstOf(others, value);
  return given.ignoreEmpty === true ? (value) => (isEmpty(value) ? undefined : all(value)) : all;
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

/** A value as a message shows it. */
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
