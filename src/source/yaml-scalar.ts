/** The value of a scalar; a whole number that a double cannot hold is a bigint. */
export type PlainValue = string | number | bigint | boolean | null;

const words = new Map<string, PlainValue>([
  ["", null],
  ["~", null],
  ["null", null],
  ["Null", null],
  ["NULL", null],
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
/** No number is longer, and a longer one would take long to read. */
const longestNumber = 400;

/** What a scalar without quotes stands for: YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#1032-tag-resolution). */
export function plainValue(text: string): PlainValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  const first = text.charCodeAt(0);
  const numeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
  if (!numeric || text.length > longestNumber) return text;
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
