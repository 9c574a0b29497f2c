import { type Event, parseEvents, YAMLException } from "js-yaml";
import type { Fault } from "./problem.js";

/** How often to read what stands before an error. */
const mostAttempts = 3;

/**
 * A text as the YAML parser's events; after an error of syntax only those of the documents before it, where that has
 * few errors itself.
 */
export function yamlEvents(
  text: string,
  maxDepth: number,
  attempts = mostAttempts,
): { events: Event[]; fault?: Fault } {
  try {
    return { events: parseEvents(text, { maxDepth }) };
  } catch (error) {
    if (!(error instanceof YAMLException) || !error.mark) throw error;
    const at = Math.min(error.mark.position, text.length);
    const reason = withoutQuotes(error.reason);
    const why = reservedAt(text, at) ?? `${reason}${adviceFor(reason)}`;
    const fault = { at, path: "", message: `not valid YAML or JSON: ${why}` };
    const separator = separatorBefore(text, at);
    if (separator === -1 || attempts === 1) return { events: [], fault };
    const before = yamlEvents(text.slice(0, separator + 1), maxDepth, attempts - 1);
    return { events: before.events, fault: before.fault ?? fault };
  }
}

/** The parser's complaints quote the text at their end; it may be a secret. */
const withoutQuotes = (reason: string) =>
  reason
    .replace(/^(tag name cannot contain such characters): .*$/s, "$1")
    .replace(/ (tag handle) ".*"$/s, " $1")
    .replace(/ for ".*" (tag handle)$/s, " for a $1");

/** Where the last line that separates documents begins, before a place; -1: there is none. */
function separatorBefore(text: string, at: number): number {
  let found = at;
  do found = found > 0 ? text.lastIndexOf("\n---", found - 1) : -1;
  while (found !== -1 && !/^\s?$/.test(text.slice(found + 4, found + 5)));
  return found;
}

/**
 * Of `@type:` without quotes and the like, where the parser complains of what it makes of it. Only `@type` is quoted.
 */
function reservedAt(text: string, at: number): string | undefined {
  const [word, sign] = /^([@`%])[\w.-]*/.exec(text.slice(at, at + 100)) ?? [];
  if (word === undefined) return undefined;
  return `without quotes nothing can begin with ${sign}; ${word === "@type" ? 'write "@type"' : "put it in quotes"}`;
}

/** What to do about the parser's commonest complaints, some of which do not say what is amiss. */
const advice: readonly (readonly [complaint: string, advice: string])[] = [
  ["bad indentation", '; align the line with its neighbours, and quote a value that holds ": " or begins with a sign'],
  ["deficient indentation", "; indent the line, or close the quote or the bracket that is open above"],
  ["end of the stream or a document separator", "; a document is one object, so align the line with the first one"],
  ["a multiline key", '; write "key: value", or indent the line'],
  ["tab characters", "; use spaces"],
  ["within a flow collection", "; close the bracket or the brace that is open above"],
  ["quoted scalar", "; close the quote that is open above"],
  ["missed comma", "; put a comma between the two, or close the bracket before the second"],
  ["but found ','", "; remove the comma"],
  ["expected ':'", '; write "key: value"'],
  ["key-value separator", '; put a space behind the ":"'],
  ["a line break is expected", "; put the text on the lines below"],
  ["escape sequence", '; write a backslash as "\\\\", or use single quotes'],
  ["hexadecimal character", '; write a backslash as "\\\\", or use single quotes'],
  ["alias node", '; quote a value that begins with "*"'],
  ["anchor node", '; quote a value that begins with "&"'],
  ["tag", '; quote a value that begins with "!"'],
  ["directive", '; quote a value that begins with "%"'],
  ["null byte", "; save the file as UTF-8 text"],
  ["non-printable characters", "; remove them"],
  ["maxDepth", "; write it flatter"],
];

function adviceFor(reason: string): string {
  return advice.find(([complaint]) => reason.includes(complaint))?.[1] ?? "";
}
