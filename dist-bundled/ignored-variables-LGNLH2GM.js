import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  passwordVariable
} from "./chunk-UWRNQDM4.js";
import {
  settings,
  variableOf
} from "./chunk-LDT72UKC.js";
import "./chunk-H5AN4Y5K.js";
import "./chunk-J3J7LZXM.js";
import "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-5S6OCP5I.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/settings/ignored-variables.js
var prefix = "XDS_";
var others = [
  "XDS_CONFIG",
  "XDS_PATHS",
  "XDS_SERVER",
  "XDS_ADMIN",
  "XDS_STATE_DIR",
  "XDS_TOKEN_FILE",
  passwordVariable
];
function ignoredVariables(environment) {
  const known = /* @__PURE__ */ new Set([...Object.values(settings).map(variableOf), ...others]);
  const names = Array.from(known, (name) => name.slice(prefix.length));
  return Object.entries(environment).flatMap(([name, value = ""]) => {
    if (!name.startsWith(prefix) || known.has(name) || isOfService(name, value))
      return [];
    const meant = nearest(name.slice(prefix.length), names);
    return `${name} in the environment is ignored: no option has this name${meant ? `; did you mean ${prefix}${meant}?` : ""}`;
  });
}
var isOfService = (name, value) => /_SERVICE_(HOST|PORT(_.+)?)$|_PORT_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?$/.test(name) || /^(tcp|udp|sctp):\/\//.test(value);
export {
  ignoredVariables
};
