import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  passwordVariable
} from "./chunk-W75H6G5K.js";
import {
  settings,
  variableOf
} from "./chunk-5APHYVAK.js";
import "./chunk-7GRO2XK4.js";
import "./chunk-M4PHON7U.js";
import "./chunk-VMMSHLDO.js";
import "./chunk-4V4LNO3N.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-M2ZGPBJF.js";
import "./chunk-C24J2H5X.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-QMJ32M3M.js";
import "./chunk-QXIDAFG2.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";

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
