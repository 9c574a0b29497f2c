import { expect, test } from "vitest";
import { isInTable, likelyReferences, nonReferences } from "../../../test/schema/reference-fields.js";
import { envoyRegistry } from "../default-api.js";

test("every field of the built-in API that looks like a reference is in the table, or on the list of those that are none", () => {
  const found = [...likelyReferences(envoyRegistry())];
  expect(found.length).toBeGreaterThan(60);
  expect(found.filter((field) => !isInTable(field) && nonReferences[field] === undefined)).toEqual([]);
});

test("no field is in the table and on the list", () => {
  expect(Object.keys(nonReferences).filter(isInTable)).toEqual([]);
});
