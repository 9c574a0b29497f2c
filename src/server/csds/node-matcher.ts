import type { JsonValue } from "@bufbuild/protobuf";
import type { NodeMatcher } from "../../../gen/envoy/type/matcher/v3/node_pb.js";
import type { StringMatcher } from "../../../gen/envoy/type/matcher/v3/string_pb.js";
import type { StructMatcher } from "../../../gen/envoy/type/matcher/v3/struct_pb.js";
import type { ValueMatcher } from "../../../gen/envoy/type/matcher/v3/value_pb.js";
import type { Node } from "../../cache/node-group.js";
import { XdsError } from "../../errors.js";
import type { InSteps } from "../../in-turns.js";
import { Expressions } from "./expressions.js";

/** Whether a node is among those that a request selects. */
export type NodeFilter = (node: Node) => InSteps<boolean>;

/**
 * Makes a filter from a list of `envoy.type.matcher.v3.NodeMatcher`. A node must match one of them: its id and all the
 * metadata that the matcher names.
 * @throws XdsError INVALID_REQUEST for an invalid matcher
 */
export function* nodeFilter(matchers: readonly NodeMatcher[]): InSteps<NodeFilter> {
  const tests: Test<Node>[] = [];
  const expressions = new Expressions();
  for (const [at, matcher] of matchers.entries())
    tests.push(yield* nodeTest(matcher, { invalid: invalidMatcher(at), expressions }));
  return (node) => some(tests, (test) => test(node));
}

function* nodeTest({ nodeId, nodeMetadatas }: NodeMatcher, context: MatcherContext): InSteps<Test<Node>> {
  const id = nodeId && (yield* textTest(nodeId, context));
  const metadata: Test<JsonValue | undefined>[] = [];
  for (const matcher of nodeMetadatas) metadata.push(yield* structTest(matcher, context));
  return function* (node) {
    if (id && !(yield* id(node.id))) return false;
    for (const test of metadata) {
      yield;
      if (!(yield* test(node.metadata))) return false;
    }
    return true;
  };
}

type Test<T> = (value: T) => InSteps<boolean>;
type MakeError = (why: string, cause?: unknown) => XdsError;
/** What is needed to compile a matcher into tests. */
interface MatcherContext {
  readonly invalid: MakeError;
  readonly expressions: Expressions;
}

/** Whether one of the items passes. */
function* some<T>(items: readonly T[], test: Test<T>): InSteps<boolean> {
  for (const item of items) {
    yield;
    if (yield* test(item)) return true;
  }
  return false;
}

/** A test without pauses. */
const immediate = <T>(test: (value: T) => boolean): Test<T> =>
  // biome-ignore lint/correctness/useYield: there is nothing in it to pause at
  function* (value) {
    return test(value);
  };

function* textTest(
  { matchPattern: pattern, ignoreCase }: StringMatcher,
  context: MatcherContext,
): InSteps<Test<string>> {
  const { invalid, expressions } = context;
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  const wanted = (text: string) => {
    if (text === "") throw invalid(`an empty ${pattern.case} matches everything; leave it out`);
    return fold(text);
  };
  yield;
  switch (pattern.case) {
    case "exact": {
      const exact = fold(pattern.value);
      return immediate((text) => fold(text) === exact);
    }
    case "prefix": {
      const prefix = wanted(pattern.value);
      return immediate((text) => fold(text).startsWith(prefix));
    }
    case "suffix": {
      const suffix = wanted(pattern.value);
      return immediate((text) => fold(text).endsWith(suffix));
    }
    case "contains": {
      const part = wanted(pattern.value);
      return (text) => contains(fold(text), part);
    }
    case "safeRegex": {
      return immediate(expressions.test(pattern.value.regex, (why) => invalid(`safe_regex ${why}`)));
    }
    default:
      throw invalid(
        `a string matcher needs exact, prefix, suffix, contains or safe_regex, not ${pattern.case ?? "nothing"}`,
      );
  }
}

/** Characters of a text searched without a pause. The worst time is this number times the length of the part. */
const stride = 16_384;

function* contains(text: string, part: string): InSteps<boolean> {
  for (let at = 0; at + part.length <= text.length; at += stride) {
    if (text.slice(at, at + stride + part.length - 1).includes(part)) return true;
    yield;
  }
  return false;
}

function* structTest({ path, value }: StructMatcher, context: MatcherContext): InSteps<Test<JsonValue | undefined>> {
  if (path.length === 0 || !value) throw context.invalid("a struct matcher needs a path and a value");
  const test = yield* valueTest(value, context);
  const keys = path.map(({ segment }) => segment.value ?? "");
  return (struct) => {
    let at = struct;
    for (const key of keys) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    return test(at);
  };
}

function* valueTest(
  { matchPattern: pattern }: ValueMatcher,
  context: MatcherContext,
): InSteps<Test<JsonValue | undefined>> {
  const { invalid } = context;
  switch (pattern.case) {
    case "nullMatch":
      return immediate((value) => value === null);
    case "boolMatch":
      return immediate((value) => value === pattern.value);
    case "presentMatch":
      return immediate(
        (value) => pattern.value && value !== undefined && (typeof value !== "object" || value === null),
      );
    case "stringMatch": {
      const test = yield* textTest(pattern.value, context);
      return function* (value) {
        return typeof value === "string" && (yield* test(value));
      };
    }
    case "doubleMatch": {
      const { matchPattern: number } = pattern.value;
      if (number.case === "exact") return immediate((value) => value === number.value);
      if (number.case !== "range") throw invalid("a double matcher needs exact or range");
      const { start, end } = number.value;
      return immediate((value) => typeof value === "number" && value >= start && value < end);
    }
    case "listMatch": {
      const one = pattern.value.matchPattern.value;
      if (!one) throw invalid("a list matcher needs one_of");
      const test = yield* valueTest(one, context);
      return function* (value) {
        return Array.isArray(value) && (yield* some(value, test));
      };
    }
    case "orMatch": {
      const tests: Test<JsonValue | undefined>[] = [];
      for (const matcher of pattern.value.valueMatchers) tests.push(yield* valueTest(matcher, context));
      return (value) => some(tests, (test) => test(value));
    }
    default:
      throw invalid("a value matcher needs a pattern");
  }
}

const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalidMatcher =
  (at: number): MakeError =>
  (why, cause) =>
    new XdsError("INVALID_REQUEST", `node_matchers[${at}]: ${why}`, { cause });
