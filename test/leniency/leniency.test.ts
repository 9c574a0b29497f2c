import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { exceptionOf, exceptions } from "./exceptions.js";
import { readInTypedStruct, readRow, recordedJson } from "./read-row.js";
import { type Recorded, rows } from "./rows.js";

const recorded = JSON.parse(readFileSync(new URL("recorded.json", import.meta.url), "utf8")) as Recorded;

describe("the reader of files takes what Envoy 1.40 takes, for the same", () => {
  test.each(rows.map((row) => [row.id, row] as const))("%s", (id, row) => {
    const envoy = recorded[id];
    const exception = exceptionOf(id);
    const ours = readRow(row);
    expect(envoy, "not recorded: npm run record").toBeDefined();
    if (exception) {
      if (exception.ours === "accepted") expect(envoy, "no exception any more").toBeNull();
      else expect(envoy, "no exception any more").not.toBeNull();
      if (exception.ours === "refused") expect(ours).toBeTypeOf("string");
      else expect(ours).not.toBeTypeOf("string");
      if (exception.ours === "another value") expect(ours).not.toEqual(recordedJson(row, envoy ?? null));
    } else if (envoy === null) expect(ours).toBeTypeOf("string");
    else expect(ours).toEqual(recordedJson(row, envoy ?? null));
  });
});

test("what is in a TypedStruct is read as a file is, which Envoy does by the same code", () => {
  const read = rows.map((row) => ({ id: row.id, inFile: readRow(row), inStruct: readInTypedStruct(row) }));
  const both = read.filter(({ inStruct }) => inStruct !== undefined);
  const differ = both.filter(({ inFile, inStruct }) =>
    typeof inFile === "string" ? typeof inStruct !== "string" : !isDeepStrictEqual(inFile, inStruct),
  );
  expect(differ).toEqual([]);
  expect(both.length).toBeGreaterThan(500);
});

describe("the table", () => {
  test("has each row once, and a verdict for nothing else", () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(Object.keys(recorded).sort()).toEqual(rows.map(({ id }) => id).sort());
  });

  test("has a row for each part of an exception", () => {
    for (const { rows: parts } of exceptions)
      for (const part of parts)
        expect(
          rows.some(({ id }) => id.includes(part)),
          part,
        ).toBe(true);
  });
});
