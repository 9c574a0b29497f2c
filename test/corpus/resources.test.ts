import { readFileSync } from "node:fs";
import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownCodes } from "../../src/cli/report/report.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { findingTable } from "../../src/resource/findings.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { checkMessage } from "../../src/validation/message-check.js";
import { validate, validateResource } from "../../src/validation/validate.js";
import { isDecodable } from "./decodable.js";
import { envoyAccepts, messageFrom, messageOf, messagesIn, readCorpus } from "./resources.js";
import { readTogether } from "./together.js";

const corpus = readCorpus();
const page = readFileSync(new URL("../../docs/validation.md", import.meta.url), "utf8");

describe("validateResource", () => {
  test.each(corpus)("has the errors that the corpus tells: $case", (one) => {
    const errors = validateResource(messageOf(one)).filter(({ severity }) => severity === "error");
    expect(errors.map(({ code, path }) => `${code} ${path}`)).toEqual(one.errors ?? []);
  });
});

describe("validate", () => {
  test.each(readTogether())("tells which of some listeners is refused: $case", ({ listeners, refused }) => {
    const found = validate(Snapshot.of(listeners.map(messageFrom))).filter(({ severity }) => severity === "error");
    const expected = refused === undefined ? [] : [["ADDRESS_IN_USE", refused]];
    expect(found.map(({ code, resource }) => [code, resource])).toEqual(expected);
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
  const registry = envoyRegistry();
  const encoded = corpus.flatMap(messagesIn).map((message) => {
    const schema = registry.getMessage(message.$typeName) as DescMessage;
    return { schema, bytes: toBinary(schema, message) };
  });
  const change = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom("set", "flip", "cut", "twice", "insert"),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  });
  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
  const changed = (before: Uint8Array, { at: anywhere, kind, bytes }: Change) => {
    if (before.length === 0) return bytes;
    const at = anywhere % before.length;
    const [first = 0] = bytes;
    if (kind === "cut") return before.slice(0, at);
    if (kind === "twice") return Buffer.concat([before, before]);
    if (kind === "insert") return Buffer.concat([before.subarray(0, at), bytes, before.subarray(at)]);
    const after = before.slice();
    after[at] = kind === "set" ? first : (after[at] ?? 0) ^ (1 << (first & 7));
    return after;
  };

  test("are told to be undecodable just where they are", async () => {
    let decodable = 0;
    await fc.assert(
      fc.property(fc.constantFrom(...encoded), fc.array(change, { minLength: 1, maxLength: 3 }), (one, changes) => {
        const bytes = changes.reduce<Uint8Array>(changed, one.bytes);
        // What is in angle brackets is in an Any, and checked by itself as one of the encoded.
        const undecodable = checkMessage(one.schema, bytes, registry).filter(
          ({ code, path }) => code === "UNDECODABLE" && !path.includes("<"),
        );
        const isRight = isDecodable(one.schema, bytes);
        if (isRight) decodable++;
        expect(undecodable.length === 0, JSON.stringify(undecodable)).toBe(isRight);
      }),
      { numRuns: 5_000 },
    );
    expect(decodable).toBeGreaterThan(500);
    expect(decodable).toBeLessThan(4_500);
  });
});

describe("docs/validation.md", () => {
  test("has a row for each case in which Envoy's verdict is not ours, and no other", () => {
    const rows = corpus
      .filter((one) => envoyAccepts(one) !== ((one.errors ?? []).length === 0))
      .map((one) => `| ${one.case} | ${one.errors?.length ? "refuses" : "accepts"} | ${one.envoy} | ${one.why} |`);
    expect(page.split("\n").filter((line) => / \| (accepts|refuses) \| /.test(line))).toEqual(rows);
  });

  test("has a row for each code that only the program has, with its severity, and no other", () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| [^|]{40,} \|$/gm)];
    expect(Object.fromEntries(rows.map(([, code, severity]) => [code, severity]))).toEqual(ownCodes);
  });

  test("has a row for each code, with its severities, and no other", () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| (\w+) \| (.+) \|$/gm)];
    expect(Object.fromEntries(rows.map(([, code, usual, strict]) => [code, [usual, strict]]))).toEqual(findingTable);
    for (const [, code, , , text] of rows) expect(text?.length, code).toBeGreaterThan(40);
  });
});
