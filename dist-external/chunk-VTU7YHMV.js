import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  apiMessage
} from "./chunk-BIVW5D3R.js";

// dist/schema/node.js
import { create } from "@bufbuild/protobuf";
function anonymousNode(registry) {
  return create(apiMessage(registry, "envoy.config.core.v3.Node"));
}
function userAgentVersion({ userAgentVersionType: { case: kind, value } }) {
  if (kind === "userAgentVersion")
    return value;
  const version = value?.version;
  return version ? `${version.majorNumber}.${version.minorNumber}.${version.patch}` : "";
}

export {
  anonymousNode,
  userAgentVersion
};
