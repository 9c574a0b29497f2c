import { load } from "js-yaml";
import { expect, it } from "vitest";
import { jsonOf, table, yamlOf } from "./output.js";

it("a table may have more rows than a call can have arguments", () => {
  const rows = Array.from({ length: 150_000 }, (_, i) => [`n${i}`, "x"]);
  expect(table(["NAME", "TYPE"], rows, "none").trimEnd().split("\n")).toHaveLength(150_001);
});

it("has no sign that moves the cursor or turns a line, in any format, and JSON and YAML keep their values", () => {
  const evil = "n\x1b]0;owned\x07\r\nFAKE\u202e\u0085\x9b31m\u2028\\";
  const data = { [evil]: [evil, "a\tb\n", "plain"], lua: "if x then\n\treturn\nend\n" };
  for (const text of [jsonOf(data), yamlOf(data), jsonOf(data, 0), table([evil], [[evil]], ""), table([], [], evil)]) {
    expect(text).not.toMatch(/[^\P{C}\n\t]/u);
    expect(text).not.toMatch(/^FAKE/m);
    expect(text).toContain("\\u202e");
  }
  expect(JSON.parse(jsonOf(data))).toEqual(data);
  expect(load(yamlOf(data))).toEqual(data);
  expect(yamlOf({ lua: "if x then\n  return\nend\n" })).toBe("lua: |\n  if x then\n    return\n  end\n");
});
