/** The value of a scalar. An integer that a double cannot hold is a bigint. */
export type PlainValue = string | number | bigint | boolean | null;

/** Why a scalar has no value. */
export class BadScalar {
  /** With `quotesText`, the message can be followed by the text of the scalar. */
  constructor(
    readonly message: string,
    readonly quotesText = false,
  ) {}
}

/**
 * The value of a scalar. `isPlain` means that it has no quotes and is no block. `tag` is the tag in the file, or "".
 * Standard tags have the form `!!int`.
 */
export type ScalarRules = (text: string, isPlain: boolean, tag: string) => PlainValue | BadScalar;

export const unknownTag = 'unknown tag; remove it, or quote a value that begins with "!"';

const nulls = new Set(["", "~", "null", "Null", "NULL"]);

const boolWords = new Map<string, boolean>(
  ["y", "yes", "true", "on"]
    .flatMap(inThreeCases(true))
    .concat(["n", "no", "false", "off"].flatMap(inThreeCases(false))),
);

function inThreeCases(value: boolean): (word: string) => [string, boolean][] {
  return (word) => {
    const cases = [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)];
    return cases.map((spelled) => [spelled, value]);
  };
}

const cInteger = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const [leastInt32, mostInt32] = [-(2n ** 31n), 2n ** 31n - 1n];
const [leastInt64, mostInt64] = [-(2n ** 63n), 2n ** 63n - 1n];
/** The longest text of an integer of 64 bits, without leading zeros. */
const longestInteger = 30;

/**
 * Envoy's rules for YAML: those of yaml-cpp, and some of its own. Integers are as in C: `010` is 8. An integer that
 * does not fit 32 bits becomes a text of its digits. Any other number becomes a text too: `1.5` is "1.5". The only tag
 * that counts is `!`, which makes a text.
 */
export function envoyScalar(text: string, isPlain: boolean, tag: string): PlainValue {
  if (tag === "!" || (!isPlain && tag === "")) return text;
  if (tag === "" && nulls.has(text)) return null;
  const first = text.charCodeAt(0);
  if (!isDigitOrSign(first)) return boolWords.get(text) ?? text;
  if (text.length > longestInteger || !cInteger.test(text)) return text;
  const isNegative = first === minus;
  const digits = isNegative || first === plus ? text.slice(1) : text;
  const isOctal = digits.length > 1 && digits.charAt(0) === "0" && !/^0[xX]/.test(digits);
  const absolute = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const integer = isNegative ? -absolute : absolute;
  if (integer >= leastInt32 && integer <= mostInt32) return Number(integer);
  return integer >= leastInt64 && integer <= mostInt64 ? String(integer) : text;
}

const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
const jsonWords = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** The rules of JSON: a value without quotes is a number, true, false or null. */
export function jsonScalar(text: string, isPlain: boolean, tag: string): PlainValue | BadScalar {
  if (tag !== "") return new BadScalar("JSON has no tags; remove it");
  if (!isPlain) return text;
  const word = jsonWords.get(text);
  if (word !== undefined) return word;
  if (text.length > longestNumber || !jsonNumber.test(text) || !Number.isFinite(Number(text)))
    return new BadScalar("in JSON, only numbers, true, false and null can be without quotes; put it in quotes", true);
  return /^-?[0-9]+$/.test(text) ? wholeNumber(text) : Number(text);
}

const words = new Map<string, PlainValue>([
  ...Array.from(nulls, (text): [string, null] => [text, null]),
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
  [".nan", Number.NaN],
  [".NaN", Number.NaN],
  [".NAN", Number.NaN],
]);
const decimal = /^[-+]?[0-9]+$/;
const octalOrHexadecimal = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const infinity = /^([-+]?)\.(?:inf|Inf|INF)$/;
/** The longest number. Reading a longer one would take too much time. */
const longestNumber = 400;

/** The rules of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#1032-tag-resolution). */
export function coreScalar(text: string, isPlain: boolean, tag: string): PlainValue | BadScalar {
  switch (tag) {
    case "":
    case "!ignore":
      return isPlain ? plainValue(text) : text;
    case "!":
    case "!!str":
    case "!!binary":
      return text;
    case "!!int":
    case "!!float":
    case "!!bool":
    case "!!null": {
      const plain = plainValue(text);
      if (kindsOfTag[tag].includes(plain === null ? "null" : typeof plain)) return plain;
      return new BadScalar(`expected a value of the tag ${tag}`, true);
    }
    default:
      return new BadScalar(unknownTag);
  }
}

const kindsOfTag = {
  "!!int": ["number", "bigint"],
  "!!float": ["number", "bigint"],
  "!!bool": ["boolean"],
  "!!null": ["null"],
};

const [plus, minus, dot] = [43, 45, 46];
const isDigitOrSign = (code: number) => (code >= 48 && code <= 57) || code === plus || code === minus;

function plainValue(text: string): PlainValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  const first = text.charCodeAt(0);
  if (!(isDigitOrSign(first) || first === dot) || text.length > longestNumber) return text;
  if (decimal.test(text)) return wholeNumber(text.startsWith("+") ? text.slice(1) : text);
  if (octalOrHexadecimal.test(text)) return wholeNumber(text);
  if (float.test(text)) return Number(text);
  const sign = infinity.exec(text)?.[1];
  if (sign !== undefined) return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return text;
}

function wholeNumber(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
