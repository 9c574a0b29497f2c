import { expect, it } from "vitest";
import { table } from "./output.js";

it("a table may have more rows than a call can have arguments", () => {
  const rows = Array.from({ length: 150_000 }, (_, i) => [`n${i}`, "x"]);
  expect(table(["NAME", "TYPE"], rows, "none").trimEnd().split("\n")).toHaveLength(150_001);
});
