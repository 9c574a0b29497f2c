import * as fc from "fast-check";
import { getScalarValue, parseEvents } from "js-yaml";
import { describe, expect, test } from "vitest";
import { LineIndex } from "../files/problem.js";
import { envoyYaml } from "./format.js";
import { joinLines } from "./join-lines.js";
import { parseYaml, type YamlNode } from "./yaml.js";

const plain = (node: YamlNode): unknown => {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
};

/** What is read, or where the first fault is and what it is. */
function read(text: string): unknown {
  const { documents, faults } = parseYaml(text, envoyYaml);
  const [fault] = faults;
  if (!fault) return documents.map(plain);
  const { line, column } = new LineIndex(text).place(fault.at);
  return `${line}:${column} ${fault.message}`;
}

describe("a text is read as Envoy reads it", () => {
  test.each<[what: string, text: string, value: unknown]>([
    ["a bracket under its key", "a:\n  b: [\n    1,\n    2\n  ]\n  c: 3", { a: { b: [1, 2], c: 3 } }],
    ["a brace under its key", "a:\n  b: {\n    c: 1\n  }", { a: { b: { c: 1 } } }],
    ["items left of their key", "a:\n  b: [\n{c: 1},\n{c: 2}]", { a: { b: [{ c: 1 }, { c: 2 }] } }],
    ["a comma that begins a line", "a:\n  b: { c: 1\n  , d: 2\n  }", { a: { b: { c: 1, d: 2 } } }],
    ["comments between braces", "a:\n  b: { # {\n  c: 1 # '\n  , # [\n  d: 2 }", { a: { b: { c: 1, d: 2 } } }],
    ["a comment directly behind a quote", 'a: {b: "c"#d\n}', { a: { b: "c" } }],
    ["tabs between braces", "a: {\tb:\t1,\tc: [\t2\t]\t}", { a: { b: 1, c: [2] } }],
    ["a tab that begins a line between braces", "a: {\n\tb: 1\n\t}", { a: { b: 1 } }],
    ["a text without quotes between braces", "a: { b: c\nd\n\ne, f: it's }", { a: { b: "c d\ne", f: "it's" } }],
    ["a text in double quotes", 'a:\n  b: "c\n  d\\\n  e\\n\n\n  f\t"', { a: { b: "c de\n\nf\t" } }],
    ["a text in single quotes", "a:\n  b: 'c\n  ''d\n\n  e'", { a: { b: "c 'd\ne" } }],
    ["both line ends", 'a:\r\n  b: [\r\n  "c\r\n  d"\r\n  ]\r\n', { a: { b: ["c d"] } }],
    ["an escaped apostrophe", String.raw`a: "b\'c\\'d"`, { a: "b'c\\'d" }],
    ["a comment directly behind the sign of a block", "a: |# b\n  c\n", { a: "c\n" }],
    [
      "brackets and quotes in other texts",
      'a: b[c # {\nd: |\n  [ "\ne: it\'s\n  "f\ng: [\nh\n]',
      { a: "b[c", d: '[ "\n', e: "it's \"f", g: ["h"] },
    ],
  ])("%s", (_, text, value) => {
    expect(read(text)).toEqual([value]);
  });

  test.each([
    ["what is never closed is told where it is first seen", "a:\n  b: [\n  1\nc: 2\n", /^3:3 .*deficient indentation/],
    ["a mistake behind keeps its place", 'a: [\n1\n]\nb: "c\nd"\ne: f: g\n', /^6:5 .*bad indentation/],
    ["a comment ends a text between braces", "a: { b: c # d\ne }", /^2:1 /],
    ["a key has one line", 'a:\n  b: [\n  ]\n  "c\n  d": 1', /^5:5 .*a multiline key/],
    ["a document's end is none of a text in quotes", 'a: "b\n---\nc"', /^2:1 /],
  ])("%s", (_, text, fault) => {
    expect(read(text)).toMatch(fault);
  });
});

const gap = fc.constantFrom("", " ", "\n  ", "\r\n   ", " # c '[\n    ", "\n\n   ");
const pieces = (...all: string[]) => fc.array(fc.constantFrom(...all), { maxLength: 4 }).map((some) => some.join(""));
const quoted = fc
  .tuple(fc.constantFrom('"', "'"), pieces("a", "\n   ", " # b", "[", "}", ": ", "\n\n  ", "  "))
  .map(([quote, text]) => quote + text + quote);
const word = fc.constantFrom("a", "it's", 'b "c', "d#e", "f:g", "-1", "...");
const { flow } = fc.letrec<{ flow: string }>((tie) => {
  const item = fc.oneof({ depthSize: "small" }, word, fc.constant("b\n   'c"), quoted, tie("flow"));
  const pair = fc.tuple(fc.constantFrom("k: ", '"l":', "? m\n   : "), item).map((both) => both.join(""));
  const between = (item: fc.Arbitrary<string>) =>
    fc.array(fc.tuple(gap, item, gap), { maxLength: 3 }).map((all) => all.map((one) => one.join("")).join());
  return {
    flow: fc.oneof(
      between(item).map((items) => `[${items}]`),
      between(pair).map((pairs) => `{${pairs}}`),
    ),
  };
});
const lines = pieces("    [\n", "    'b\n", "    # c\n", "\n", "     d: e\n");
const value = fc.oneof(
  flow,
  quoted,
  fc.tuple(word, pieces("\n   'b", '\n   "[', "\n\n   {", " # '")).map((both) => both.join("")),
  lines.map((text) => `|-\n${text}`),
);
const start = fc.constantFrom("k: ", "- k:\n   ", '"l": &a ', "- ", "? ", "--- ", "# '[\nm: !t ");
const document = fc
  .array(fc.tuple(start, value), { minLength: 1, maxLength: 3 })
  .map((all) => all.map(([start, value]) => `${start}${value}\n`).join(""));

test("what the parser takes is the same in one line", () => {
  const eventsOf = (parsed: string, text: string) =>
    parseEvents(parsed, {}).map((event) => {
      if (!("valueStart" in event)) return event;
      const slow = { ...event, fast: false };
      return { ...slow, value: getScalarValue(text, slow) };
    });
  let joined = 0;
  void fc.assert(
    fc.property(document, (text) => {
      try {
        parseEvents(text, {});
      } catch {
        return;
      }
      const line = joinLines(text);
      if (line !== text) joined++;
      expect(eventsOf(line, text)).toEqual(eventsOf(text, text));
    }),
    { numRuns: 3_000 },
  );
  expect(joined).toBeGreaterThan(300);
});
