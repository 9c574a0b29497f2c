import { EVENT_ID, type Event, parseEvents, YAMLException } from "js-yaml";
import type { Fault } from "../files/problem.js";
import { joinLines } from "./join-lines.js";

/** How often to try to read the text before an error. */
const mostAttempts = 3;

/**
 * The YAML parser's events for a text. After a syntax error, they are those of the documents before the error, if these
 * have few errors themselves. Several JSON values, as in NDJSON, are documents like others.
 */
export function yamlEvents(text: string, maxDepth: number): Events {
  const starts = jsonStarts(text);
  if (starts.length === 1) return documentEvents(text, maxDepth);
  const all: Event[] = [];
  for (const [index, start] of starts.entries()) {
    const { events, fault } = documentEvents(text.slice(start, starts[index + 1]), maxDepth);
    for (const event of events) all.push(shifted(event, start));
    if (fault) return { events: all, fault: { ...fault, at: fault.at + start } };
  }
  return { events: all };
}

interface Events {
  readonly events: Event[];
  readonly fault?: Fault;
}

/**
 * The positions where JSON values of a text begin. In other text, it is only the start. Inside one value, no line ends
 * with such a character before a line that begins with such a character.
 */
export function jsonStarts(text: string): number[] {
  if (!/^\s*[{[]/.test(text)) return [0];
  const borders = text.matchAll(/[}\]][ \t\r]*\n(?=[{[])/g);
  return [0, ...Array.from(borders, ({ index, 0: border }) => index + border.length)];
}

/** An event with its positions moved by an offset. -1 stands for no position. */
function shifted(event: Event, by: number): Event {
  const moved = Object.entries(event).map(([key, value]) => {
    const isPlace = typeof value === "number" && value >= 0 && /^(?:start|\w+(?:Start|End))$/.test(key);
    return [key, isPlace ? value + by : value];
  });
  return Object.fromEntries(moved) as unknown as Event;
}

/** If the parser refuses a layout that Envoy's parser accepts, the text is read again without that layout. */
function documentEvents(text: string, maxDepth: number): Events {
  const read = eventsBefore(text, maxDepth, mostAttempts);
  const joined = read.fault ? joinLines(text) : text;
  if (joined === text) return read;
  const { events, fault } = eventsBefore(joined, maxDepth, mostAttempts);
  // A "fast" scalar has no line break.
  const all = events.map((event) => (event.type === EVENT_ID.SCALAR ? { ...event, fast: false } : event));
  return fault ? { events: all, fault } : { events: all };
}

function eventsBefore(text: string, maxDepth: number, attempts: number): Events {
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
    const before = eventsBefore(text.slice(0, separator + 1), maxDepth, attempts - 1);
    return { events: before.events, fault: before.fault ?? fault };
  }
}

/** Removes the text that the parser's messages quote at their end, because it may be a secret. */
const withoutQuotes = (reason: string) =>
  reason
    .replace(/^(tag name cannot contain such characters): .*$/s, "$1")
    .replace(/ (tag handle) ".*"$/s, " $1")
    .replace(/ for ".*" (tag handle)$/s, " for a $1");

/** The start of the last separator of documents before a position, or -1. */
function separatorBefore(text: string, at: number): number {
  let found = at;
  do found = found > 0 ? text.lastIndexOf("\n---", found - 1) : -1;
  while (found !== -1 && !/^\s?$/.test(text.slice(found + 4, found + 5)));
  return found;
}

/**
 * The advice for a value that begins with a reserved character, such as `@type` without quotes. The parser's own
 * message would not help. The advice quotes only the text `@type`.
 */
function reservedAt(text: string, at: number): string | undefined {
  const [word, sign] = /^([@`%])[\w.-]*/.exec(text.slice(at, at + 100)) ?? [];
  if (word === undefined) return undefined;
  return `a text without quotes cannot begin with ${sign}; ${word === "@type" ? 'write "@type"' : "put it in quotes"}`;
}

/** Advice for the parser's most frequent messages. Some of them do not say what is wrong. */
const advice: readonly (readonly [complaint: string, advice: string])[] = [
  [
    "bad indentation",
    '; align the line with its neighbours, and quote a value that contains ": " or begins with a special character',
  ],
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
  ["maxDepth", "; use fewer levels"],
];

function adviceFor(reason: string): string {
  return advice.find(([complaint]) => reason.includes(complaint))?.[1] ?? "";
}
