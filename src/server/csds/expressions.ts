import type { RE2JS } from "re2js";
import type { XdsError } from "../../errors.js";
import { compileRegex } from "../../validation/regex.js";

/** The highest cost of one match: characters of the text times instructions. A match takes at most about 35 ms. */
const mostCost = 250_000;

/**
 * How many compiled expressions of a request are kept. A compiled expression grows with the texts that it has matched,
 * to megabytes. Others are compiled again when they are used.
 */
const mostKept = 8;

type MakeError = (why: string) => XdsError;

/** The regular expressions of one request. */
export class Expressions {
  private readonly kept = new Map<string, RE2JS>();

  /**
   * Returns a test whether all of a text matches the pattern, as in Envoy. `pattern` is in RE2's syntax. The time grows
   * linearly with the text. A text that would take too long does not match: a million characters for any expression,
   * or 8,000 characters for an expression of 30.
   * @throws what `invalid` makes for an expression that is invalid or too large
   */
  test(pattern: string, invalid: MakeError): (text: string) => boolean {
    const longest = mostCost / this.compiled(pattern, invalid).programSize();
    return (text) => text.length <= longest && this.compiled(pattern, invalid).testExact(text);
  }

  private compiled(pattern: string, invalid: MakeError): RE2JS {
    const { kept } = this;
    const program = kept.get(pattern) ?? compile(pattern, invalid);
    kept.delete(pattern);
    kept.set(pattern, program);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    return program;
  }
}

function compile(pattern: string, invalid: MakeError): RE2JS {
  const compiled = compileRegex(pattern);
  if ("program" in compiled) return compiled.program;
  const quoted = JSON.stringify(pattern.length > 100 ? `${pattern.slice(0, 100)}…` : pattern);
  throw invalid(`${quoted} ${compiled.why}`);
}
