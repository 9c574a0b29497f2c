import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Expressions
} from "./chunk-SDBEMMKZ.js";
import "./chunk-LOQZ6ZLP.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/server/csds/node-matcher.js
function* nodeFilter(matchers) {
  const tests = [];
  const expressions = new Expressions();
  for (const [at, matcher] of matchers.entries())
    tests.push(yield* nodeTest(matcher, { invalid: invalidMatcher(at), expressions }));
  return (node) => some(tests, (test) => test(node));
}
function* nodeTest({ nodeId, nodeMetadatas }, context) {
  const id = nodeId && (yield* textTest(nodeId, context));
  const metadata = [];
  for (const matcher of nodeMetadatas)
    metadata.push(yield* structTest(matcher, context));
  return function* (node) {
    if (id && !(yield* id(node.id)))
      return false;
    for (const test of metadata) {
      yield;
      if (!(yield* test(node.metadata)))
        return false;
    }
    return true;
  };
}
function* some(items, test) {
  for (const item of items) {
    yield;
    if (yield* test(item))
      return true;
  }
  return false;
}
var immediate = (test) => (
  // biome-ignore lint/correctness/useYield: there is nothing in it to pause at
  function* (value) {
    return test(value);
  }
);
function* textTest({ matchPattern: pattern, ignoreCase }, context) {
  const { invalid, expressions } = context;
  const fold = (text) => ignoreCase ? text.toLowerCase() : text;
  const wanted = (text) => {
    if (text === "")
      throw invalid(`an empty ${pattern.case} matches everything; leave it out`);
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
      throw invalid(`a string matcher needs exact, prefix, suffix, contains or safe_regex, not ${pattern.case ?? "nothing"}`);
  }
}
var stride = 16384;
function* contains(text, part) {
  for (let at = 0; at + part.length <= text.length; at += stride) {
    if (text.slice(at, at + stride + part.length - 1).includes(part))
      return true;
    yield;
  }
  return false;
}
function* structTest({ path, value }, context) {
  if (path.length === 0 || !value)
    throw context.invalid("a struct matcher needs a path and a value");
  const test = yield* valueTest(value, context);
  const keys = path.map(({ segment }) => segment.value ?? "");
  return (struct) => {
    let at = struct;
    for (const key of keys)
      at = isObject(at) && Object.hasOwn(at, key) ? at[key] : void 0;
    return test(at);
  };
}
function* valueTest({ matchPattern: pattern }, context) {
  const { invalid } = context;
  switch (pattern.case) {
    case "nullMatch":
      return immediate((value) => value === null);
    case "boolMatch":
      return immediate((value) => value === pattern.value);
    case "presentMatch":
      return immediate((value) => pattern.value && value !== void 0 && (typeof value !== "object" || value === null));
    case "stringMatch": {
      const test = yield* textTest(pattern.value, context);
      return function* (value) {
        return typeof value === "string" && (yield* test(value));
      };
    }
    case "doubleMatch": {
      const { matchPattern: number } = pattern.value;
      if (number.case === "exact")
        return immediate((value) => value === number.value);
      if (number.case !== "range")
        throw invalid("a double matcher needs exact or range");
      const { start, end } = number.value;
      return immediate((value) => typeof value === "number" && value >= start && value < end);
    }
    case "listMatch": {
      const one = pattern.value.matchPattern.value;
      if (!one)
        throw invalid("a list matcher needs one_of");
      const test = yield* valueTest(one, context);
      return function* (value) {
        return Array.isArray(value) && (yield* some(value, test));
      };
    }
    case "orMatch": {
      const tests = [];
      for (const matcher of pattern.value.valueMatchers)
        tests.push(yield* valueTest(matcher, context));
      return (value) => some(tests, (test) => test(value));
    }
    default:
      throw invalid("a value matcher needs a pattern");
  }
}
var isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
var invalidMatcher = (at) => (why, cause) => new XdsError("INVALID_REQUEST", `node_matchers[${at}]: ${why}`, { cause });
export {
  nodeFilter
};
