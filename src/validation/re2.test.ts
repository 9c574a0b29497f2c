import { expect, test } from "vitest";
import { re2 } from "./re2.js";

test.each([
  ["a", ["a"], ["ab", "ba", ""]],
  ["^a|b$", ["a", "b"], ["ab"]],
  ["(?i)ab", ["AB", "aB"], ["abc"]],
  ["(?s)a.b", ["a\nb"], ["ab"]],
  ["a.b", ["axb"], ["a\nb"]],
  ["\\Aa\\z", ["a"], ["a\n"]],
  ["[[:alpha:]_]+", ["a_B"], ["1"]],
  ["[^[:digit:]]", ["a"], ["1"]],
  ["\\Qa.b\\E+", ["a.b", "a.bb"], ["axb"]],
  ["[0-9a-zA-Z_\\-\\./~:]+", ["a-b./~:"], ["a b"]],
  ["\\~\\:\\@", ["~:@"], ["~:"]],
  ["(?P<name>a)b", ["ab"], ["b"]],
  ["\\x{1F600}\\pL", ["😀é"], ["😀1"]],
  ["\\d+\\s\\w", ["12 a"], ["a"]],
  ["^$|^.*\\.mmdb$", ["", "a.mmdb"], ["a.mmdbx"]],
])("%s matches the whole of %o and not %o", (pattern, right, wrong) => {
  for (const text of right) expect(re2(pattern).test(text), text).toBe(true);
  for (const text of wrong) expect(re2(pattern).test(text), text).toBe(false);
});

test("refuses what JavaScript has no counterpart of", () => {
  expect(() => re2("a\\Cb")).toThrow("JavaScript has no counterpart of its pattern a\\Cb");
});
