import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/store/store.js
import { createHash } from "node:crypto";
var hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex");
function checkKeys(keys) {
  for (const key of keys)
    if (!/^[a-z]+\/[\w-][\w.-]*$/.test(key))
      throw new XdsError("INVALID_OPTION", `${JSON.stringify(key)} is not a key of a record; a key is <kind>/<id>`);
}
var lostLease = () => new XdsError("WRONG_STATE", "the lease for which the head should be moved is lost; the head is as it was");

export {
  hashOf,
  checkKeys,
  lostLease
};
