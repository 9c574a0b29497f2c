import { describe, expect, it } from "vitest";
import { XdsError } from "../../errors.js";
import { Expressions } from "./expressions.js";

const refuse = (why: string) => new XdsError("INVALID_REQUEST", why);
const expression = (pattern: string, all = new Expressions()) => all.test(pattern, refuse);
const test = (pattern: string, text: string) => expression(pattern)(text);

describe("Expressions", () => {
  it("matches whole texts, as RE2's FullMatch", () => {
    for (const [pattern, text, matches] of [
      ["a|ab", "ab", true],
      ["(?:a|ab)(?:c|bcd)", "abcd", true],
      ["b", "abc", false],
      ["a$", "a\n", false],
      [".", "\n", false],
      ["(?s).", "\n", true],
      ["(?i)EDGE-\\d+", "edge-17", true],
      ["(?P<zone>a)b", "ab", true],
      ["\\Qa.b\\E", "a.b", true],
      ["", "", true],
      ["", "a", false],
    ] as const)
      expect([pattern, text, test(pattern, text)]).toEqual([pattern, text, matches]);
  });

  it("does at once what makes JavaScript's expressions run forever", () => {
    expect(test("(a+)+", `${"a".repeat(60)}!`)).toBe(false);
    expect(test("(a|a)*b", "a".repeat(60))).toBe(false);
  });

  it("refuses what RE2 has not, and what is too large, before it is compiled", () => {
    for (const pattern of ["(", "(?=a)", "(a)\\1", "a{1001}"]) expect(() => expression(pattern)).toThrow(XdsError);
    for (const pattern of [
      "a{1000}b{1000}",
      "((a{30}){30}){30}",
      "(abcdefghij){200}",
      "(?:a{0,900})*",
      "a|".repeat(1_000),
    ])
      expect(() => expression(pattern)).toThrow("is too large");
    expect(test("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "123e4567-e89b-12d3-a456-426614174000")).toBe(true);
  });

  it("does not match texts that would take long, for their length and for its own", () => {
    expect(test("a*", "a".repeat(10_000))).toBe(true);
    expect(test("a*", "a".repeat(1_000_000))).toBe(false);
    expect(test("(a|b){0,99}[ab]*", "a".repeat(2_000))).toBe(false);
    expect(test("(a|b){0,99}[ab]*", "a".repeat(200))).toBe(true);
  });

  it("are as many as one likes, and the same whoever was used last", () => {
    const all = new Expressions();
    const tests = Array.from({ length: 50 }, (_, at) => expression(`a{${at}}`, all));
    for (let round = 0; round < 2; round++)
      expect(tests.map((one, at) => [one("a".repeat(at)), one("a".repeat(at + 1))])).toEqual(
        tests.map(() => [true, false]),
      );
  });
});
