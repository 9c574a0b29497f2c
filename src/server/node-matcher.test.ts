import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { NodeMatcherSchema } from "../../gen/envoy/type/matcher/v3/node_pb.js";
import type { StringMatcherSchema } from "../../gen/envoy/type/matcher/v3/string_pb.js";
import type { ValueMatcherSchema } from "../../gen/envoy/type/matcher/v3/value_pb.js";
import { nodeFilter } from "./node-matcher.js";

const metadata = { zone: "b", tier: 3, spot: true, none: null, tags: ["x", "y"], deep: { er: { key: "v" } } };
const node = create(NodeSchema, { id: "Edge-1", metadata });
const matches = (...matchers: MessageInitShape<typeof NodeMatcherSchema>[]) =>
  nodeFilter(matchers.map((matcher) => create(NodeMatcherSchema, matcher)))(node);

const id = (matcher: MessageInitShape<typeof StringMatcherSchema>) => matches({ nodeId: matcher });
const at = (path: string, matchPattern: MessageInitShape<typeof ValueMatcherSchema>["matchPattern"]) => {
  const keys = path.split(".").map((value) => ({ segment: { case: "key" as const, value } }));
  return matches({ nodeMetadatas: [{ path: keys, value: { matchPattern: matchPattern as never } }] });
};
const regex = (text: string) => id({ matchPattern: { case: "safeRegex", value: { regex: text } } });

describe("nodeFilter()", () => {
  it("matches ids in every way that a StringMatcher has, with and without case", () => {
    for (const [kind, value, other] of [
      ["exact", "Edge-1", "Edge"],
      ["prefix", "Edge", "dge"],
      ["suffix", "-1", "-"],
      ["contains", "ge-", "x"],
    ] as const) {
      const matchPattern = (text: string) => ({ case: kind, value: text });
      expect(id({ matchPattern: matchPattern(value) }), kind).toBe(true);
      expect(id({ matchPattern: matchPattern(other) }), kind).toBe(false);
      const upper = value.toUpperCase();
      expect(id({ matchPattern: matchPattern(upper), ignoreCase: true }), kind).toBe(true);
      if (upper !== value) expect(id({ matchPattern: matchPattern(upper) }), kind).toBe(false);
    }
    expect([regex("Edge-[0-9]+"), regex("Edge"), regex("(?i)EDGE-\\d")]).toEqual([true, false, true]);
  });

  it("matches metadata by path and value", () => {
    const text = (value: string) => ({
      case: "stringMatch" as const,
      value: { matchPattern: { case: "exact" as const, value } },
    });
    expect([at("zone", text("b")), at("zone", text("a")), at("no", text("b")), at("tier", text("3"))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect([at("deep.er.key", text("v")), at("deep.key", text("v"))]).toEqual([true, false]);
    const range = (start: number, end: number) => ({
      case: "doubleMatch" as const,
      value: { matchPattern: { case: "range" as const, value: { start, end } } },
    });
    expect([at("tier", range(3, 4)), at("tier", range(2, 3))]).toEqual([true, false]);
    expect(at("tier", { case: "doubleMatch", value: { matchPattern: { case: "exact", value: 3 } } })).toBe(true);
    expect([at("spot", { case: "boolMatch", value: true }), at("spot", { case: "boolMatch", value: false })]).toEqual([
      true,
      false,
    ]);
    expect([at("none", { case: "nullMatch", value: {} }), at("no", { case: "nullMatch", value: {} })]).toEqual([
      true,
      false,
    ]);
    const present = { case: "presentMatch" as const, value: true };
    expect([at("tier", present), at("no", present), at("deep", present)]).toEqual([true, false, false]);
    const oneOf = (value: string) => ({
      case: "listMatch" as const,
      value: { matchPattern: { case: "oneOf" as const, value: { matchPattern: text(value) } } },
    });
    expect([at("tags", oneOf("y")), at("tags", oneOf("z")), at("zone", oneOf("b"))]).toEqual([true, false, false]);
    const either = [text("a"), text("b")].map((matchPattern) => ({ matchPattern }));
    expect(at("zone", { case: "orMatch", value: { valueMatchers: either } })).toBe(true);
  });

  it("needs all of a matcher, but only one of several; without any it picks all", () => {
    const exact = (value: string) => ({ matchPattern: { case: "exact" as const, value } });
    const zone = [
      {
        path: [{ segment: { case: "key" as const, value: "zone" } }],
        value: { matchPattern: { case: "stringMatch" as const, value: exact("a") } },
      },
    ];
    expect(matches({ nodeId: exact("Edge-1"), nodeMetadatas: zone })).toBe(false);
    expect(matches({ nodeMetadatas: zone }, { nodeId: exact("Edge-1") })).toBe(true);
    expect(matches()).toBe(true);
    expect(matches({})).toBe(true);
  });

  it("refuses what cannot be, and expressions that take too long", () => {
    expect(() => id({})).toThrow("not nothing");
    expect(() => id({ matchPattern: { case: "prefix", value: "" } })).toThrow("empty prefix");
    expect(() => regex("(")).toThrow("safe_regex");
    expect(() => matches({ nodeMetadatas: [{ path: [] }] })).toThrow("path");
    const slow = create(NodeMatcherSchema, {
      nodeId: { matchPattern: { case: "safeRegex", value: { regex: "(a+)+" } } },
    });
    const from = performance.now();
    expect(() => nodeFilter([slow])(create(NodeSchema, { id: `${"a".repeat(60)}b` }))).toThrow("too long");
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});
