import { RE2JS } from "re2js";
import { messageOf, type XdsError } from "../errors.js";

/** The largest program that an expression may become, in instructions: one for a character, a class, an operator. */
const mostInstructions = 1_024;
/** How much one match may cost: characters of the text times instructions. It takes some 35 ms at the worst. */
const mostCost = 250_000;

/**
 * How many expressions of a request keep what they have learnt of texts, which may be megabytes; others are compiled
 * again.
 */
const mostKept = 8;

type Refuse = (why: string, cause?: unknown) => XdsError;

/** The regular expressions of one request. */
export class Expressions {
  private readonly kept = new Map<string, RE2JS>();

  /**
   * Tells whether all of a text matches, as in Envoy; `pattern` is in RE2's syntax. The time grows with the text, and
   * not faster. A text that would take too long does not match: one of a million characters, or of 8,000 for an
   * expression of 30.
   * @throws what `refuse` makes for an expression that cannot be, or is too large
   */
  test(pattern: string, refuse: Refuse): (text: string) => boolean {
    const longest = mostCost / this.compiled(pattern, refuse).programSize();
    return (text) => text.length <= longest && this.compiled(pattern, refuse).testExact(text);
  }

  private compiled(pattern: string, refuse: Refuse): RE2JS {
    const { kept } = this;
    const program = kept.get(pattern) ?? compile(pattern, refuse);
    kept.delete(pattern);
    kept.set(pattern, program);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    return program;
  }
}

function compile(pattern: string, refuse: Refuse): RE2JS {
  const shown = JSON.stringify(pattern.length > 100 ? `${pattern.slice(0, 100)}…` : pattern);
  // Seen before it is compiled, which takes long for a large one.
  if (instructionsOf(pattern) > mostInstructions)
    throw refuse(`${shown} is too large: what it repeats counted, it has more than ${mostInstructions} characters`);
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    throw refuse(`${shown}: ${messageOf(cause)}`, cause);
  }
}

/** A literal text, an escape, a class, a count, or another character. */
const tokens = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]])*\]|\{(\d+)(?:,(\d*))?\}|./gs;

/** How many instructions a pattern becomes, about. */
function instructionsOf(pattern: string): number {
  let size = 0;
  /** How large the last thing was, which a count repeats. */
  let last = 0;
  const open: number[] = [];
  for (const [token, least, most] of pattern.matchAll(tokens)) {
    if (token === "(") open.push(size);
    if (least === undefined) last = token.startsWith("\\Q") ? token.length : 1;
    // What may be there or not takes an instruction more.
    else last *= Math.max(Number(least), 2 * Number(most ?? 0), 1) - 1;
    size += last;
    if (token === ")") last = size - (open.pop() ?? 0);
  }
  return size;
}
