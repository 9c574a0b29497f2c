import type { JsonValue } from "@bufbuild/protobuf";
import type { NodeMatcher } from "../../gen/envoy/type/matcher/v3/node_pb.js";
import type { StringMatcher } from "../../gen/envoy/type/matcher/v3/string_pb.js";
import type { StructMatcher } from "../../gen/envoy/type/matcher/v3/struct_pb.js";
import type { ValueMatcher } from "../../gen/envoy/type/matcher/v3/value_pb.js";
import type { Node } from "../cache/node-group.js";
import { XdsError } from "../errors.js";
import { Expressions } from "./expressions.js";
import type { Work } from "./shared-work.js";

/** Tells whether a node is among those that a request picks. */
export type NodeFilter = (node: Node) => Work<boolean>;

/**
 * Makes the filter of some `envoy.type.matcher.v3.NodeMatcher`s. A node has to match one of them, by its id and all the
 * metadata that the matcher names.
 * @throws XdsError INVALID_REQUEST for a matcher that cannot be
 */
export function* nodeFilter(matchers: readonly NodeMatcher[]): Work<NodeFilter> {
  const tests: Test<Node>[] = [];
  const expressions = new Expressions();
  for (const [at, matcher] of matchers.entries())
    tests.push(yield* nodeTest(matcher, { refuse: refusalOf(at), expressions }));
  return (node) => some(tests, (test) => test(node));
}

function* nodeTest({ nodeId, nodeMetadatas }: NodeMatcher, making: Making): Work<Test<Node>> {
  const id = nodeId && (yield* textTest(nodeId, making));
  const metadata: Test<JsonValue | undefined>[] = [];
  for (const matcher of nodeMetadatas) metadata.push(yield* structTest(matcher, making));
  return function* (node) {
    if (id && !(yield* id(node.id))) return false;
    for (const test of metadata) {
      yield;
      if (!(yield* test(node.metadata))) return false;
    }
    return true;
  };
}

type Test<T> = (value: T) => Work<boolean>;
type Refuse = (why: string, cause?: unknown) => XdsError;
/** What the tests of a matcher are made with. */
interface Making {
  readonly refuse: Refuse;
  readonly expressions: Expressions;
}

/** Whether one of the items passes. */
function* some<T>(items: readonly T[], test: Test<T>): Work<boolean> {
  for (const item of items) {
    yield;
    if (yield* test(item)) return true;
  }
  return false;
}

/** A test that is done at once. */
const atOnce = <T>(test: (value: T) => boolean): Test<T> =>
  // biome-ignore lint/correctness/useYield: there is nothing in it to pause at
  function* (value) {
    return test(value);
  };

function* textTest({ matchPattern: pattern, ignoreCase }: StringMatcher, making: Making): Work<Test<string>> {
  const { refuse, expressions } = making;
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  const wanted = (text: string) => {
    if (text === "") throw refuse(`an empty ${pattern.case} matches everything; leave it out`);
    return fold(text);
  };
  yield;
  switch (pattern.case) {
    case "exact": {
      const exact = fold(pattern.value);
      return atOnce((text) => fold(text) === exact);
    }
    case "prefix": {
      const prefix = wanted(pattern.value);
      return atOnce((text) => fold(text).startsWith(prefix));
    }
    case "suffix": {
      const suffix = wanted(pattern.value);
      return atOnce((text) => fold(text).endsWith(suffix));
    }
    case "contains": {
      const part = wanted(pattern.value);
      return (text) => contains(fold(text), part);
    }
    case "safeRegex": {
      return atOnce(expressions.test(pattern.value.regex, (why, cause) => refuse(`safe_regex ${why}`, cause)));
    }
    default:
      throw refuse(
        `a string matcher needs exact, prefix, suffix, contains or safe_regex, not ${pattern.case ?? "nothing"}`,
      );
  }
}

/** How many characters of a text are looked through at once: the time is that times the part's length at the worst. */
const stride = 16_384;

function* contains(text: string, part: string): Work<boolean> {
  for (let at = 0; at + part.length <= text.length; at += stride) {
    if (text.slice(at, at + stride + part.length - 1).includes(part)) return true;
    yield;
  }
  return false;
}

function* structTest({ path, value }: StructMatcher, making: Making): Work<Test<JsonValue | undefined>> {
  if (path.length === 0 || !value) throw making.refuse("a struct matcher needs a path and a value");
  const test = yield* valueTest(value, making);
  const keys = path.map(({ segment }) => segment.value ?? "");
  return (struct) => {
    let at = struct;
    for (const key of keys) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    return test(at);
  };
}

function* valueTest({ matchPattern: pattern }: ValueMatcher, making: Making): Work<Test<JsonValue | undefined>> {
  const { refuse } = making;
  switch (pattern.case) {
    case "nullMatch":
      return atOnce((value) => value === null);
    case "boolMatch":
      return atOnce((value) => value === pattern.value);
    case "presentMatch":
      return atOnce((value) => pattern.value && value !== undefined && (typeof value !== "object" || value === null));
    case "stringMatch": {
      const test = yield* textTest(pattern.value, making);
      return function* (value) {
        return typeof value === "string" && (yield* test(value));
      };
    }
    case "doubleMatch": {
      const { matchPattern: number } = pattern.value;
      if (number.case === "exact") return atOnce((value) => value === number.value);
      if (number.case !== "range") throw refuse("a double matcher needs exact or range");
      const { start, end } = number.value;
      return atOnce((value) => typeof value === "number" && value >= start && value < end);
    }
    case "listMatch": {
      const one = pattern.value.matchPattern.value;
      if (!one) throw refuse("a list matcher needs one_of");
      const test = yield* valueTest(one, making);
      return function* (value) {
        return Array.isArray(value) && (yield* some(value, test));
      };
    }
    case "orMatch": {
      const tests: Test<JsonValue | undefined>[] = [];
      for (const matcher of pattern.value.valueMatchers) tests.push(yield* valueTest(matcher, making));
      return (value) => some(tests, (test) => test(value));
    }
    default:
      throw refuse("a value matcher needs a pattern");
  }
}

const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const refusalOf =
  (at: number): Refuse =>
  (why, cause) =>
    new XdsError("INVALID_REQUEST", `node_matchers[${at}]: ${why}`, { cause });
