import { RE2JS } from "re2js";
import { messageOf } from "../errors.js";

/**
 * The largest program that an expression may become, in instructions. A character, a class and an operator count one
 * each.
 */
const mostInstructions = 1_024;

/**
 * A compiled expression, or a predicate that says why there is none. `isTooLarge`: it was not checked because it is too
 * large.
 */
export type Compiled = { readonly program: RE2JS } | { readonly why: string; readonly isTooLarge: boolean };

/** Compiles an expression in RE2's syntax, which Envoy and gRPC use. */
export function compileRegex(pattern: string): Compiled {
  // Checked before compiling, because compiling a large expression takes long.
  if (instructionsOf(pattern) > mostInstructions) {
    const why = `is too large: with repetitions counted, it has more than ${mostInstructions} characters`;
    return { why, isTooLarge: true };
  }
  try {
    return { program: RE2JS.compile(pattern) };
  } catch (error) {
    const why = messageOf(error).replace(/^error parsing regexp: /, "");
    return { why: `is not a valid RE2 regular expression: ${why}`, isTooLarge: false };
  }
}

/** Matches a literal text, an escape, a class, a repetition count, or another character. */
const tokens = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]])*\]|\{(\d+)(?:,(\d*))?\}|./gs;

/** Estimates how many instructions a pattern becomes. */
function instructionsOf(pattern: string): number {
  let size = 0;
  /** The size of the last element, which a count repeats. */
  let last = 0;
  const open: number[] = [];
  for (const [token, least, most] of pattern.matchAll(tokens)) {
    if (token === "(") open.push(size);
    if (least === undefined) last = token.startsWith("\\Q") ? token.length : 1;
    // An optional element needs one more instruction.
    else last *= Math.max(Number(least), 2 * Number(most ?? 0), 1) - 1;
    size += last;
    if (token === ")") last = size - (open.pop() ?? 0);
  }
  return size;
}
