import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  apiExtension
} from "./chunk-BIVW5D3R.js";

// dist/schema/sensitive.js
import { getOption, hasOption } from "@bufbuild/protobuf";
var known = /* @__PURE__ */ new WeakMap();
function isSensitive(field) {
  let is = known.get(field);
  if (is === void 0) {
    const option = apiExtension(field.parent.file, "udpa.annotations.sensitive");
    is = option !== void 0 && hasOption(field, option) && getOption(field, option);
    known.set(field, is);
  }
  return is;
}
var near = /* @__PURE__ */ new WeakMap();
function holdsSecrets(desc) {
  let does = near.get(desc);
  if (does === void 0) {
    does = desc.fields.some((field) => isSensitive(field) || field.message?.fields.some(isSensitive));
    near.set(desc, does);
  }
  return does;
}
var redactionMark = "[redacted]";
var redactions = /* @__PURE__ */ new Set([redactionMark, Buffer.from(redactionMark).toString("base64")]);

export {
  isSensitive,
  holdsSecrets,
  redactionMark,
  redactions
};
