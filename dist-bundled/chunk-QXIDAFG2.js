import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/options.js
function checkOptions(what, options, names) {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new XdsError("INVALID_OPTION", `the options of ${what} must be an object`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name))
      continue;
    const known = Object.keys(names);
    const meant = known.find((option) => option === `${name}Ms`) ?? nearest(name, known);
    const remedy = meant === void 0 ? `its options: ${known.join(", ")}` : `did you mean ${meant}?`;
    throw new XdsError("INVALID_OPTION", `${what} has no option ${JSON.stringify(name)}; ${remedy}`);
  }
}

export {
  checkOptions
};
