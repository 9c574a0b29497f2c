import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findingTable } from "../../src/resource/findings.js";
import { validateResource } from "../../src/resource/validate.js";
import { envoyAccepts, messageOf, readCorpus } from "./corpus.js";

const corpus = readCorpus();
const page = readFileSync(new URL("../../docs/validation.md", import.meta.url), "utf8");

describe("validateResource", () => {
  test.each(corpus)("has the errors that the corpus tells: $case", (one) => {
    const errors = validateResource(messageOf(one)).filter(({ severity }) => severity === "error");
    expect(errors.map(({ code, path }) => `${code} ${path}`)).toEqual(one.errors ?? []);
  });
});

describe("the corpus", () => {
  test("has at least 60 cases, and each but once", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(60);
    expect(new Set(corpus.map((one) => one.case)).size).toBe(corpus.length);
  });

  test("says why where Envoy's verdict is not ours", () => {
    for (const one of corpus) expect(Boolean(one.why), one.case).toBe(one.envoy !== undefined);
  });
});

describe("docs/validation.md", () => {
  test("has a row for each case in which Envoy's verdict is not ours, and no other", () => {
    const rows = corpus
      .filter((one) => envoyAccepts(one) !== ((one.errors ?? []).length === 0))
      .map((one) => `| ${one.case} | ${one.errors?.length ? "refuses" : "accepts"} | ${one.envoy} | ${one.why} |`);
    expect(page.split("\n").filter((line) => / \| (accepts|refuses) \| /.test(line))).toEqual(rows);
  });

  test("has a row for each code, with its severities, and no other", () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| (\w+) \| (.+) \|$/gm)];
    expect(Object.fromEntries(rows.map(([, code, usual, strict]) => [code, [usual, strict]]))).toEqual(findingTable);
    for (const [, code, , , text] of rows) expect(text?.length, code).toBeGreaterThan(40);
  });
});
