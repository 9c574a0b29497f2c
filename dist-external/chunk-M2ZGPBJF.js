import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/source/yaml/scalar.js
var BadScalar = class {
  message;
  quotesText;
  /** With `quotesText`, the message can be followed by the text of the scalar. */
  constructor(message, quotesText = false) {
    this.message = message;
    this.quotesText = quotesText;
  }
};
var unknownTag = 'unknown tag; remove it, or quote a value that begins with "!"';
var nulls = /* @__PURE__ */ new Set(["", "~", "null", "Null", "NULL"]);
var boolWords = new Map(["y", "yes", "true", "on"].flatMap(inThreeCases(true)).concat(["n", "no", "false", "off"].flatMap(inThreeCases(false))));
function inThreeCases(value) {
  return (word) => {
    const cases = [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)];
    return cases.map((spelled) => [spelled, value]);
  };
}
var cInteger = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
var [leastInt32, mostInt32] = [-(2n ** 31n), 2n ** 31n - 1n];
var [leastInt64, mostInt64] = [-(2n ** 63n), 2n ** 63n - 1n];
var longestInteger = 30;
function envoyScalar(text, isPlain, tag) {
  if (tag === "!" || !isPlain && tag === "")
    return text;
  if (tag === "" && nulls.has(text))
    return null;
  const first = text.charCodeAt(0);
  if (!isDigitOrSign(first))
    return boolWords.get(text) ?? text;
  if (text.length > longestInteger || !cInteger.test(text))
    return text;
  const isNegative = first === minus;
  const digits = isNegative || first === plus ? text.slice(1) : text;
  const isOctal = digits.length > 1 && digits.charAt(0) === "0" && !/^0[xX]/.test(digits);
  const absolute = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const integer = isNegative ? -absolute : absolute;
  if (integer >= leastInt32 && integer <= mostInt32)
    return Number(integer);
  return integer >= leastInt64 && integer <= mostInt64 ? String(integer) : text;
}
var jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
var jsonWords = /* @__PURE__ */ new Map([
  ["true", true],
  ["false", false],
  ["null", null]
]);
function jsonScalar(text, isPlain, tag) {
  if (tag !== "")
    return new BadScalar("JSON has no tags; remove it");
  if (!isPlain)
    return text;
  const word = jsonWords.get(text);
  if (word !== void 0)
    return word;
  if (text.length > longestNumber || !jsonNumber.test(text) || !Number.isFinite(Number(text)))
    return new BadScalar("in JSON, only numbers, true, false and null can be without quotes; put it in quotes", true);
  return /^-?[0-9]+$/.test(text) ? wholeNumber(text) : Number(text);
}
var words = new Map([
  ...Array.from(nulls, (text) => [text, null]),
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
  [".nan", Number.NaN],
  [".NaN", Number.NaN],
  [".NAN", Number.NaN]
]);
var decimal = /^[-+]?[0-9]+$/;
var octalOrHexadecimal = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
var float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
var infinity = /^([-+]?)\.(?:inf|Inf|INF)$/;
var longestNumber = 400;
function coreScalar(text, isPlain, tag) {
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
      if (kindsOfTag[tag].includes(plain === null ? "null" : typeof plain))
        return plain;
      return new BadScalar(`expected a value of the tag ${tag}`, true);
    }
    default:
      return new BadScalar(unknownTag);
  }
}
var kindsOfTag = {
  "!!int": ["number", "bigint"],
  "!!float": ["number", "bigint"],
  "!!bool": ["boolean"],
  "!!null": ["null"]
};
var [plus, minus, dot] = [43, 45, 46];
var isDigitOrSign = (code) => code >= 48 && code <= 57 || code === plus || code === minus;
function plainValue(text) {
  const word = words.get(text);
  if (word !== void 0)
    return word;
  const first = text.charCodeAt(0);
  if (!(isDigitOrSign(first) || first === dot) || text.length > longestNumber)
    return text;
  if (decimal.test(text))
    return wholeNumber(text.startsWith("+") ? text.slice(1) : text);
  if (octalOrHexadecimal.test(text))
    return wholeNumber(text);
  if (float.test(text))
    return Number(text);
  const sign = infinity.exec(text)?.[1];
  if (sign !== void 0)
    return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return text;
}
function wholeNumber(text) {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

export {
  BadScalar,
  unknownTag,
  envoyScalar,
  jsonScalar,
  coreScalar
};
