import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  XdsApi
} from "./chunk-QMJ32M3M.js";

// dist/resource/default-api.js
function envoyRegistry() {
  return XdsApi.default.registry;
}
function useEnvoyApi(descriptors) {
  return XdsApi.default.useEnvoyApi(descriptors);
}
function resourceTypes() {
  return XdsApi.default.resourceTypes();
}
function findResourceType(typeUrl) {
  return XdsApi.default.findResourceType(typeUrl);
}
function resourceType(typeUrl) {
  return XdsApi.default.resourceType(typeUrl);
}
function registerResourceType(row) {
  return XdsApi.default.registerResourceType(row);
}

export {
  envoyRegistry,
  useEnvoyApi,
  resourceTypes,
  findResourceType,
  resourceType,
  registerResourceType
};
