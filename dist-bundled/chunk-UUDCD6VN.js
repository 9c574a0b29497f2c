import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  apiMessage
} from "./chunk-WL5SM7VB.js";
import {
  create
} from "./chunk-2XSFRHN3.js";

// dist/schema/node.js
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
