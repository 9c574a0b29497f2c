import { XdsError } from "../errors.js";

/**
 * Translates an RE2 expression in a rule of the API to JavaScript. It has to match the whole text, as in Envoy.
 * @throws XdsError INVALID_OPTION for an expression without a JavaScript counterpart
 */
export function re2(pattern: string): RegExp {
  const [, flags = "", rest = pattern] = /^\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? [];
  const source = rest.replace(/\\Q.*?(?:\\E|$)|\\x\{\w+\}|\\p\w|\\.|\[:\w+:\]|\(\?P</gsu, translated);
  try {
    return new RegExp(`^(?:${source})$`, `u${flags}`);
  } catch (cause) {
    const message = `a rule of the API cannot be checked: JavaScript has no counterpart of its pattern ${pattern}`;
    throw new XdsError("INVALID_OPTION", message, { cause });
  }
}

/** Translates a token that RE2 and JavaScript write differently. */
function translated(token: string): string {
  if (token === "(?P<") return "(?<";
  if (token.startsWith("[:")) return classes[token.slice(2, -2)] ?? token;
  if (token.startsWith("\\Q"))
    return token
      .slice(2)
      .replace(/\\E$/, "")
      .replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  if (token.startsWith("\\x{")) return `\\u${token.slice(2)}`;
  if (/^\\p\w$/.test(token)) return `\\p{${token.slice(2)}}`;
  if (token in escapes) return escapes[token] ?? token;
  // With the u flag, JavaScript allows escapes only of syntax characters. RE2 allows escapes of any punctuation.
  return /^\\[^\w\s^$\\.*+?()[\]{}|/-]$/.test(token) ? token.slice(1) : token;
}

const escapes: Readonly<Record<string, string>> = { "\\A": "(?<![^])", "\\z": "(?![^])", "\\a": "\\x07" };
const classes: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  space: "\\t\\n\\v\\f\\r ",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};
