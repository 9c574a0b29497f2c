import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { NodeSchema } from "../../../gen/envoy/config/core/v3/base_pb.js";
import { NodeMatcherSchema } from "../../../gen/envoy/type/matcher/v3/node_pb.js";
import type { StringMatcherSchema } from "../../../gen/envoy/type/matcher/v3/string_pb.js";
import type { ValueMatcherSchema } from "../../../gen/envoy/type/matcher/v3/value_pb.js";
import type { InSteps } from "../../in-turns.js";
import { nodeFilter } from "./node-matcher.js";

/** The result of a piece of work, and its number of pieces. */
function pieces<T>(work: InSteps<T>): [result: T, pieces: number] {
  for (let count = 1; ; count++) {
    const { done, value } = work.next();
    if (done) return [value, count];
  }
}
const done = <T>(work: InSteps<T>): T => pieces(work)[0];

const metadata = { zone: "b", tier: 3, spot: true, none: null, tags: ["x", "y"], deep: { er: { key: "v" } } };
const node = create(NodeSchema, { id: "Edge-1", metadata });
type Matcher = MessageInitShape<typeof NodeMatcherSchema>;
const filter = (...matchers: Matcher[]) => nodeFilter(matchers.map((matcher) => create(NodeMatcherSchema, matcher)));
const matches = (...matchers: Matcher[]) => done(done(filter(...matchers))(node));

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

  it("needs all of a matcher, but only one of several", () => {
    const exact = (value: string) => ({ matchPattern: { case: "exact" as const, value } });
    const zone = [
      {
        path: [{ segment: { case: "key" as const, value: "zone" } }],
        value: { matchPattern: { case: "stringMatch" as const, value: exact("a") } },
      },
    ];
    expect(matches({ nodeId: exact("Edge-1"), nodeMetadatas: zone })).toBe(false);
    expect(matches({ nodeMetadatas: zone }, { nodeId: exact("Edge-1") })).toBe(true);
    expect(matches({})).toBe(true);
  });

  it("refuses what cannot be, and says which matcher it is", () => {
    expect(() => id({})).toThrow("node_matchers[0]: a string matcher needs exact, prefix,");
    expect(() => id({ matchPattern: { case: "prefix", value: "" } })).toThrow("empty prefix");
    expect(() => regex("(")).toThrow("node_matchers[0]: safe_regex");
    expect(() => matches({}, { nodeMetadatas: [{ path: [] }] })).toThrow(
      "node_matchers[1]: a struct matcher needs a path",
    );
  });

  it("pauses in everything that a client can make long", () => {
    const many = 100;
    const exact = { nodeId: { matchPattern: { case: "exact" as const, value: "x" } } };
    const [ofMany, made] = pieces(filter(...Array.from({ length: many }, () => exact)));
    expect(made).toBeGreaterThan(many);
    expect(pieces(ofMany(node))[1]).toBeGreaterThan(many);

    const part = "a".repeat(500);
    const contains = { nodeId: { matchPattern: { case: "contains" as const, value: `${part}b${part}` } } };
    const long = create(NodeSchema, { id: "a".repeat(1_000_000) });
    const [found, looks] = pieces(done(filter(contains))(long));
    expect([found, looks]).toEqual([false, Math.ceil((1_000_000 - 1_000) / 16_384) + 2]);

    const path = [{ segment: { case: "key" as const, value: "list" } }];
    const string = { case: "safeRegex" as const, value: { regex: "(a+)+" } };
    const match = { matchPattern: { case: "stringMatch" as const, value: { matchPattern: string } } };
    const oneOf = { matchPattern: { case: "oneOf" as const, value: match } };
    const list = { nodeMetadatas: [{ path, value: { matchPattern: { case: "listMatch" as const, value: oneOf } } }] };
    const items = create(NodeSchema, { metadata: { list: Array.from({ length: many }, () => `${"a".repeat(60)}!`) } });
    expect(pieces(done(filter(list))(items))[1]).toBeGreaterThan(many);
    const some = { case: "orMatch" as const, value: { valueMatchers: Array.from({ length: many }, () => match) } };
    const either = { nodeMetadatas: [{ path, value: { matchPattern: some } }] };
    expect(pieces(done(filter(either))(items))[1]).toBeGreaterThan(many);
  });

  it("finds a part of a long text wherever it is", () => {
    for (const at of [0, 16_383, 16_384, 32_767, 50_000]) {
      const long = create(NodeSchema, { id: `${"a".repeat(at)}needle${"a".repeat(at % 7)}` });
      const needle = { nodeId: { matchPattern: { case: "contains" as const, value: "needle" } } };
      expect(done(done(filter(needle))(long)), String(at)).toBe(true);
    }
  });
});
