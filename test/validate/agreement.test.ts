import { readFileSync } from "node:fs";
import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findingTable } from "../../src/resource/findings.js";
import { checkMessage } from "../../src/resource/message-check.js";
import { validateResource } from "../../src/resource/validate.js";
import { envoyRegistry } from "../../src/schema/registry.js";
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

describe("bytes that were changed at random", () => {
  const encoded = corpus.map((one) => {
    const message = messageOf(one);
    const schema = envoyRegistry().getMessage(message.$typeName) as DescMessage;
    return { schema, bytes: toBinary(schema, message) };
  });
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() });

  test("are checked too, whatever they are", async () => {
    await fc.assert(
      fc.property(fc.constantFrom(...encoded), fc.array(change, { minLength: 1, maxLength: 4 }), (one, changes) => {
        const bytes = one.bytes.slice();
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        const changed = changes[0]?.cut ? bytes.subarray(0, changes[0].at % bytes.length) : bytes;
        expect(checkMessage(one.schema, changed, envoyRegistry())).toBeInstanceOf(Array);
      }),
      { numRuns: 5_000 },
    );
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
