import type { JsonValue } from "@bufbuild/protobuf";
import type { NodeMatcher } from "../../gen/envoy/type/matcher/v3/node_pb.js";
import type { StringMatcher } from "../../gen/envoy/type/matcher/v3/string_pb.js";
import type { StructMatcher } from "../../gen/envoy/type/matcher/v3/struct_pb.js";
import type { ValueMatcher } from "../../gen/envoy/type/matcher/v3/value_pb.js";
import type { Node } from "../cache/node-group.js";
import { XdsError } from "../errors.js";
import { Expressions } from "./expressions.js";

/**
 * Whether a node is among those that `envoy.type.matcher.v3.NodeMatcher`s pick: one of them has to match, or there is none; of a
 * matcher the id and all metadata.
 * @throws XdsError INVALID_REQUEST, here or when called, for a matcher that cannot be, or whose expressions take too long
 */
export function nodeFilter(matchers: readonly NodeMatcher[]): (node: Node) => boolean {
  if (matchers.length === 0) return () => true;
  const expressions = new Expressions((why, cause) => refuse(`safe_regex ${why}`, cause));
  const all = matchers.map(({ nodeId, nodeMetadatas }) => {
    const id = nodeId ? textTest(nodeId, expressions) : () => true;
    const metadata = nodeMetadatas.map((matcher) => structTest(matcher, expressions));
    return (node: Node) => id(node.id) && metadata.every((test) => test(node.metadata));
  });
  return (node) => all.some((test) => test(node));
}

type Test<T> = (value: T) => boolean;

function textTest({ matchPattern: pattern, ignoreCase }: StringMatcher, expressions: Expressions): Test<string> {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  const wanted = (text: string) => {
    if (text === "") throw refuse(`an empty ${pattern.case} matches everything; leave it out`);
    return fold(text);
  };
  switch (pattern.case) {
    case "exact": {
      const exact = fold(pattern.value);
      return (text) => fold(text) === exact;
    }
    case "prefix": {
      const prefix = wanted(pattern.value);
      return (text) => fold(text).startsWith(prefix);
    }
    case "suffix": {
      const suffix = wanted(pattern.value);
      return (text) => fold(text).endsWith(suffix);
    }
    case "contains": {
      const part = wanted(pattern.value);
      return (text) => fold(text).includes(part);
    }
    case "safeRegex": {
      const test = expressions.test(pattern.value.regex);
      return (text) => test([text])[0] === true;
    }
    default:
      throw refuse(
        `a string matcher needs exact, prefix, suffix, contains or safe_regex, not ${pattern.case ?? "nothing"}`,
      );
  }
}

function structTest({ path, value }: StructMatcher, expressions: Expressions): Test<JsonValue | undefined> {
  if (path.length === 0 || !value) throw refuse("a struct matcher needs a path and a value");
  const test = valueTest(value, expressions);
  const keys = path.map(({ segment }) => segment.value ?? "");
  return (struct) => {
    let at = struct;
    for (const key of keys) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    return test(at);
  };
}

function valueTest({ matchPattern: pattern }: ValueMatcher, expressions: Expressions): Test<JsonValue | undefined> {
  switch (pattern.case) {
    case "nullMatch":
      return (value) => value === null;
    case "boolMatch":
      return (value) => value === pattern.value;
    case "presentMatch":
      return (value) => pattern.value && value !== undefined && (typeof value !== "object" || value === null);
    case "stringMatch": {
      const test = textTest(pattern.value, expressions);
      return (value) => typeof value === "string" && test(value);
    }
    case "doubleMatch": {
      const { matchPattern: number } = pattern.value;
      if (number.case === "exact") return (value) => value === number.value;
      if (number.case !== "range") throw refuse("a double matcher needs exact or range");
      const { start, end } = number.value;
      return (value) => typeof value === "number" && value >= start && value < end;
    }
    case "listMatch": {
      const one = pattern.value.matchPattern.value;
      if (!one) throw refuse("a list matcher needs one_of");
      const test = valueTest(one, expressions);
      return (value) => Array.isArray(value) && value.some(test);
    }
    case "orMatch": {
      const tests = pattern.value.valueMatchers.map((matcher) => valueTest(matcher, expressions));
      return (value) => tests.some((test) => test(value));
    }
    default:
      throw refuse("a value matcher needs a pattern");
  }
}

const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const refuse = (why: string, cause?: unknown) => new XdsError("INVALID_REQUEST", `node_matchers: ${why}`, { cause });
