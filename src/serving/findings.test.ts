import { expect, test } from "vitest";
import { type ConfigurationFinding, lineOf } from "./findings.js";

const entry: ConfigurationFinding = {
  file: "a.yaml",
  severity: "error",
  code: "FIELD_RULE",
  path: "",
  message: "is bad",
};

test("a line of the log has at most 256 characters of a name, and 2,000 in all", () => {
  const named = { ...entry, line: 7, column: 1, type: "clusters", resource: "n".repeat(4_096) };
  expect(lineOf(named)).toBe(`a.yaml:7:1: clusters/${"n".repeat(256)}… (4096 characters): is bad`);
  const long = { ...named, resource: "a", message: `refers to ${"x".repeat(1_000_000)}` };
  expect(lineOf(long)).toMatch(/^a\.yaml:7:1: clusters\/a: refers to x+… \(1000022 characters\)$/);
  expect(lineOf(long).length).toBeLessThan(2_100);
});
