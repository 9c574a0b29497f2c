import { expect, test } from "vitest";
import { allAtOnce } from "../../in-turns.js";
import { Resource } from "../../resource/resource.js";
import { clusterType } from "../../resource/types.js";
import { combining } from "./configuration.js";
import { commonLayer } from "./layers.js";
import { unreadable } from "./resource-file.js";

function fileOf(file: string, names: readonly string[]) {
  const resources = names.map((name, index) => {
    const resource = Resource.fromBytes(clusterType, Buffer.of(), { name });
    return { resource, file, line: index + 1, column: 1 };
  });
  return { layer: commonLayer, file: { ...unreadable({ file, path: "", message: "" }), problems: [], resources } };
}
const onlyCommon = { layers: new Map([[commonLayer, undefined]]), groups: new Map() };

test("a file with more than a thousand names that are taken is not looked at further; the others are", () => {
  const same = new Array(5_000).fill("a");
  const reading = allAtOnce(combining([fileOf("a.yaml", same), fileOf("b.yaml", ["b", "a"])], onlyCommon, undefined));
  const problems = "problems" in reading ? reading.problems : [];
  expect(problems).toHaveLength(1_002);
  expect(problems[999]).toMatchObject({ line: 1_001, message: expect.stringMatching(/^clusters "a" is already at a/) });
  expect(problems.slice(1_000)).toEqual([
    {
      file: "a.yaml",
      path: "",
      message: "more than 1000 names are already taken; the rest of the file is not checked",
    },
    expect.objectContaining({ file: "b.yaml", line: 2 }),
  ]);
});
