import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  compileRegex
} from "./chunk-U7IGFR2H.js";

// dist/server/csds/expressions.js
var mostCost = 25e4;
var mostKept = 8;
var Expressions = class {
  kept = /* @__PURE__ */ new Map();
  /**
   * Returns a test whether all of a text matches the pattern, as in Envoy. `pattern` is in RE2's syntax. The time grows
   * linearly with the text. A text that would take too long does not match: a million characters for any expression,
   * or 8,000 characters for an expression of 30.
   * @throws what `invalid` makes for an expression that is invalid or too large
   */
  test(pattern, invalid) {
    const longest = mostCost / this.compiled(pattern, invalid).programSize();
    return (text) => text.length <= longest && this.compiled(pattern, invalid).testExact(text);
  }
  compiled(pattern, invalid) {
    const { kept } = this;
    const program = kept.get(pattern) ?? compile(pattern, invalid);
    kept.delete(pattern);
    kept.set(pattern, program);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== void 0)
      kept.delete(oldest);
    return program;
  }
};
function compile(pattern, invalid) {
  const compiled = compileRegex(pattern);
  if ("program" in compiled)
    return compiled.program;
  const quoted = JSON.stringify(pattern.length > 100 ? `${pattern.slice(0, 100)}\u2026` : pattern);
  throw invalid(`${quoted} ${compiled.why}`);
}

export {
  Expressions
};
