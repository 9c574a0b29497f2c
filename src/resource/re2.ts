import { XdsError } from "../errors.js";

/**
 * A JavaScript expression for one of RE2's, as the API's rules have them. The whole text has to match, as in Envoy.
 * @throws XdsError INVALID_OPTION for what JavaScript has no counterpart of
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

/** What RE2 and JavaScript write differently. */
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
  // JavaScript's u flag knows an escape of syntax characters only, RE2 one of any punctuation.
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
