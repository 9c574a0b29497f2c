import { describe, expect, test } from "vitest";
import { envoyRegistry } from "../resource/default-api.js";
import { type FieldRules, rulesOf } from "./api-rules.js";
import { messagePlanOf } from "./message-plan.js";
import { compileRules, type GivenRules, isKnownRule, type Value } from "./value-rules.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const second = 1_000_000_000n;
const now = BigInt(Date.now()) * 1_000_000n;

/** Kind of rules, the rules, values that are right, values that are wrong, what is said of the first wrong one. */
const cases: [string, GivenRules, Value[], Value[], string][] = [
  ["uint32", { const: 3 }, [3], [4], "must be 3, is 4"],
  ["uint32", { gte: 1, lte: 5 }, [1, 5], [0, 6], "must be at least 1 and at most 5, is 0"],
  ["int32", { gt: -1, lt: 3 }, [0, 2], [-1, 3], "must be more than -1 and less than 3, is -1"],
  ["int32", { gt: 5, lt: 3 }, [6, 2], [3, 4, 5], "must be more than 5 or less than 3, is 3"],
  ["sint32", { lt: 3 }, [2], [3], "must be less than 3, is 3"],
  ["double", { gte: 0, lte: 1 }, [0, 1, Number.NaN], [-0.1, 1.1], "must be at least 0 and at most 1, is -0.1"],
  ["float", { gt: 0 }, [0.5], [0], "must be more than 0, is 0"],
  ["fixed32", { in: [1, 2] }, [1], [3], "must be one of 1, 2, is 3"],
  ["uint64", { lte: 5n }, [5n], [6n], "must be at most 5, is 6"],
  ["int64", { notIn: [5n] }, [6n], [5n], "must be none of 5, is 5"],
  ["uint32", { gte: 5, ignoreEmpty: true }, [0, 5], [1], "must be at least 5, is 1"],
  ["bool", { const: true }, [true], [false], "must be true, is false"],
  ["string", { const: "a" }, ["a"], ["b"], 'must be "a", is "b"'],
  ["string", { len: 2n }, ["ab", "😀😀"], ["a", "abc"], "must have 2 characters, has 1"],
  ["string", { minLen: 1n }, ["a"], [""], "must have at least 1 character, is empty"],
  ["string", { minLen: 3n }, ["abc", "a😀c"], ["😀😀"], "must have at least 3 characters, has 2"],
  ["string", { maxLen: 2n }, ["😀😀"], ["abc"], "must have at most 2 characters, has 3"],
  ["string", { lenBytes: 4n }, ["😀"], ["é"], "must have 4 bytes, has 2"],
  ["string", { minBytes: 2n }, ["é"], ["e"], "must have at least 2 bytes, has 1"],
  ["string", { maxBytes: 1n }, ["e"], ["é"], "must have at most 1 byte, has 2"],
  ["string", { pattern: "a|b+" }, ["a", "bb"], ["ab", "xa"], 'must match a|b+, is "ab"'],
  ["string", { prefix: "ab" }, ["abc"], ["bab"], 'must begin with "ab", is "bab"'],
  ["string", { suffix: "ab" }, ["cab"], ["abc"], 'must end with "ab", is "abc"'],
  ["string", { contains: "b" }, ["abc"], ["ac"], 'must contain "b", is "ac"'],
  ["string", { notContains: "b" }, ["ac"], ["abc"], 'must not contain "b", is "abc"'],
  ["string", { in: ["a", "b"] }, ["a"], ["c"], 'must be one of "a", "b", is "c"'],
  ["string", { notIn: ["a"] }, ["b"], ["a"], 'must be none of "a", is "a"'],
  ["string", { minLen: 2n, ignoreEmpty: true }, ["", "ab"], ["a"], "must have at least 2 characters, has 1"],
  ["string", { minLen: 1n, maxBytes: 2n }, ["ab"], ["", "abc"], "must have at least 1 character, is empty"],
  [
    "string",
    { wellKnownRegex: 1 },
    [":path", "x-a"],
    ["", "a b", "a\n"],
    `must be valid as an HTTP header's name, is ""`,
  ],
  ["string", { wellKnownRegex: 2 }, ["", "a\tb", "é"], ["a\x01"], "must be valid as an HTTP header's value"],
  ["string", { wellKnownRegex: 1, strict: false }, ["", "a b"], ["a\0", "a\n", "a\r"], "must be valid as"],
  ["string", { hostname: true }, ["a.b", "a-1."], ["-a", "a..b", "a_b", "x".repeat(64)], "must be a host name"],
  ["string", { ip: true }, ["1.2.3.4", "::1"], ["1.2.3", "a"], 'must be an IP address, is "1.2.3"'],
  ["string", { ipv4: true }, ["1.2.3.4"], ["::1"], "must be an IPv4 address"],
  ["string", { ipv6: true }, ["::1"], ["1.2.3.4"], "must be an IPv6 address"],
  ["string", { uri: true }, ["http://a/b?c#d", "mailto:a@b"], ["/a", "a b:c", "http://%zz"], "must be an absolute URI"],
  ["string", { uriRef: true }, ["/a?b", "", "http://a"], ["a b", "#a#b"], "must be a URI reference"],
  ["string", { address: true }, ["a.b", "::1"], ["a b"], "must be a host name or IP address"],
  ["string", { email: true }, ["a@b.c"], ["a", "@b", "a b@c"], "must be an e-mail address"],
  ["string", { uuid: true }, ["00000000-0000-0000-0000-00000000000a"], ["0"], "must be a UUID"],
  ["string", { uuid: false }, ["0"], [], ""],
  ["bytes", { const: bytes(1) }, [bytes(1)], [bytes(2)], "must be 0x01, is 0x02"],
  ["bytes", { len: 1n }, [bytes(1)], [bytes()], "must have 1 byte, is empty"],
  ["bytes", { minLen: 1n, maxLen: 2n }, [bytes(1)], [bytes(), bytes(1, 2, 3)], "must have at least 1 byte, is empty"],
  ["bytes", { pattern: "a+" }, [bytes(97)], [bytes(98)], "must match a+, is 0x62"],
  ["bytes", { prefix: bytes(1) }, [bytes(1, 2)], [bytes(2, 1)], "must begin with 0x01"],
  ["bytes", { suffix: bytes(1) }, [bytes(2, 1)], [bytes(1, 2)], "must end with 0x01"],
  ["bytes", { contains: bytes(2) }, [bytes(1, 2, 3)], [bytes(1, 3)], "must contain 0x02"],
  ["bytes", { in: [bytes(1)] }, [bytes(1)], [bytes(2)], "must be one of 0x01"],
  ["bytes", { notIn: [bytes(1)] }, [bytes(2)], [bytes(1)], "must be none of 0x01"],
  ["bytes", { ip: true }, [bytes(1, 2, 3, 4)], [bytes(1)], "must be an IP address"],
  ["bytes", { ipv4: true }, [bytes(1, 2, 3, 4)], [new Uint8Array(16)], "must be an IPv4 address"],
  ["bytes", { ipv6: true }, [new Uint8Array(16)], [bytes(1, 2, 3, 4)], "must be an IPv6 address"],
  ["enum", { definedOnly: new Set([0, 1]) }, [0, 1], [2], "must be a value that the enum defines, is 2"],
  ["enum", { const: 1 }, [1], [0], "must be 1, is 0"],
  ["enum", { in: [1] }, [1], [0], "must be one of 1, is 0"],
  ["enum", { notIn: [0] }, [1], [0], "must be none of 0, is 0"],
  ["any", { in: ["a/b"] }, ["a/b"], ["a/c"], 'must be one of "a/b", is "a/c"'],
  ["any", { notIn: ["a/b"] }, ["a/c"], ["a/b"], 'must be none of "a/b"'],
  ["duration", { gt: 0n }, [1n], [0n, -second], "must be more than 0s, is 0s"],
  [
    "duration",
    { gte: second / 4n, lt: 2n * second },
    [second],
    [1n],
    "must be at least 0.25s and less than 2s, is 0.000000001s",
  ],
  [
    "duration",
    { const: second, in: [second], notIn: [0n], lte: second },
    [second],
    [-1n],
    "must be 1s, is -0.000000001s",
  ],
  ["timestamp", { lt: 5n * second }, [0n], [5n * second], "must be less than 1970-01-01T00:00:05.000Z"],
  ["timestamp", { ltNow: true }, [0n], [now * 2n], "must be in the past"],
  ["timestamp", { gtNow: true }, [now * 2n], [0n], "must be in the future"],
  ["timestamp", { within: 60n * second }, [now], [0n], "must be within 60s of now"],
];

test.each(cases)("%s %o", (kind, given, right, wrong, message) => {
  const check = compileRules(kind, given) ?? (() => undefined);
  for (const value of right) expect(check(value), String(value)).toBeUndefined();
  for (const value of wrong) expect(check(value), String(value)).toMatch(/^must /);
  if (wrong[0] !== undefined) expect(check(wrong[0])).toContain(message);
});

test("a value that is long is cut short in the message", () => {
  expect(compileRules("string", { const: "a" })?.("b".repeat(1000))?.length).toBeLessThan(100);
});

test("without rules there is no check", () => {
  expect(compileRules("string", {})).toBeUndefined();
  expect(compileRules("string", { ignoreEmpty: true, wellKnownRegex: 0 })).toBeUndefined();
});

describe("the rules of the API", () => {
  const fields = [...envoyRegistry()].flatMap((type) => (type.kind === "message" ? type.fields : []));
  const used = new Map<string, FieldRules>();
  const collect = (rules: FieldRules | undefined, at: string) => {
    if (!rules) return;
    for (const rule of Object.keys(rules.rules)) used.set(`${rules.kind}.${rule}`, rules);
    for (const part of ["items", "keys", "values"] as const) collect(rules[part], `${at}.${part}`);
  };
  for (const field of fields) collect(rulesOf(field), field.toString());

  test("are all of kinds that are checked", () => {
    const ofSizes = ["repeated.minItems", "repeated.maxItems", "repeated.unique", "map.minPairs"];
    const names = [...used.keys()].filter((name) => !ofSizes.includes(name));
    const [known, unknown] = [
      names.filter((name) => isKnownRule(...(name.split(".") as [string, string]))),
      names.filter((name) => !isKnownRule(...(name.split(".") as [string, string]))),
    ];
    expect(unknown).toEqual([]);
    expect(known.length).toBeGreaterThan(30);
  });

  test("all compile, their regular expressions too", () => {
    for (const type of envoyRegistry())
      if (type.kind === "message") expect(() => messagePlanOf(type), type.typeName).not.toThrow();
  });

  test("may be any that validate.proto has", () => {
    const kinds =
      envoyRegistry()
        .getMessage("validate.FieldRules")
        ?.fields.filter(({ oneof }) => oneof) ?? [];
    expect(kinds).toHaveLength(21);
    // The rules of lists and maps are read by message-plan.ts; in bytes no value of a map is null, so `no_sparse`
    // holds.
    for (const kind of kinds.filter(({ name }) => name !== "repeated" && name !== "map"))
      for (const rule of kind.message?.fields ?? [])
        expect(isKnownRule(kind.localName, rule.localName), `${kind.name}.${rule.name}`).toBe(true);
    expect(() => compileRules("string", { cel: "true" })).toThrow("string.cel is not known");
  });

  test("are read with their values: those that are set, and no defaults", () => {
    const field = (type: string, name: string) =>
      rulesOf(
        envoyRegistry()
          .getMessage(type)
          ?.fields.find((one) => one.name === name) as never,
      );
    expect(field("envoy.config.cluster.v3.Cluster", "name")).toMatchObject({ kind: "string", rules: { minLen: 1n } });
    expect(field("envoy.config.cluster.v3.Cluster", "connect_timeout")?.rules).toEqual({ gt: 0n });
    expect(field("envoy.config.core.v3.HealthCheck", "timeout")).toMatchObject({ required: true });
    expect(field("envoy.config.core.v3.HeaderValue", "key")?.rules).toEqual({
      minLen: 1n,
      maxBytes: 16384n,
      wellKnownRegex: 1,
      strict: false,
    });
    expect(field("envoy.config.cluster.v3.Cluster", "alt_stat_name")).toBeUndefined();
  });
});
