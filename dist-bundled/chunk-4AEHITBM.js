import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Resource
} from "./chunk-ZCNRJYSX.js";

// dist/server/status/waits.js
var waitsShown = 100;
var none = [];
function waitsOf({ type, waiting, spellings }) {
  if (waiting.size === 0)
    return none;
  const all = [];
  for (const [name, { why, on, until }] of waiting) {
    if (all.length === waitsShown)
      break;
    const at = until === void 0 ? void 0 : Math.round(performance.timeOrigin + until);
    all.push({ name: spellings.get(name) ?? name, why, reason: reasons[why](on && nameOf(on, type.api)), until: at });
  }
  return all;
}
var reasons = {
  reference: (on = "something") => `it is removed when ${on}, which the client still has, no longer refers to it`,
  reported: () => "it is removed when the client has reported what it still uses from an earlier stream",
  draining: () => "it is removed when the old listeners that may use it have drained",
  left: () => "it is removed when the client no longer names it",
  unseen: () => "it is removed when the client has answered the rest of the change",
  unanswered: (on = "something") => `it is changed when the client has answered for ${on}`,
  refused: (on = "something") => `it is changed when the client has taken ${on}, which it has refused`
};
function nameOf(on, api) {
  const typeUrl = on instanceof Resource ? on.type.typeUrl : on.typeUrl;
  return `${api.typeName(typeUrl)} ${JSON.stringify(on.name)}`;
}

export {
  waitsShown,
  waitsOf
};
