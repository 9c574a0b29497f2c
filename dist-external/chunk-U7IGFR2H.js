import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/validation/regex.js
import { RE2JS } from "re2js";
var mostInstructions = 1024;
function compileRegex(pattern) {
  if (instructionsOf(pattern) > mostInstructions) {
    const why = `is too large: with repetitions counted, it has more than ${mostInstructions} characters`;
    return { why, isTooLarge: true };
  }
  try {
    return { program: RE2JS.compile(pattern) };
  } catch (error) {
    const why = messageOf(error).replace(/^error parsing regexp: /, "");
    return { why: `is not a valid RE2 regular expression: ${why}`, isTooLarge: false };
  }
}
var tokens = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]])*\]|\{(\d+)(?:,(\d*))?\}|./gs;
function instructionsOf(pattern) {
  let size = 0;
  let last = 0;
  const open = [];
  for (const [token, least, most] of pattern.matchAll(tokens)) {
    if (token === "(")
      open.push(size);
    if (least === void 0)
      last = token.startsWith("\\Q") ? token.length : 1;
    else
      last *= Math.max(Number(least), 2 * Number(most ?? 0), 1) - 1;
    size += last;
    if (token === ")")
      last = size - (open.pop() ?? 0);
  }
  return size;
}

export {
  compileRegex
};
