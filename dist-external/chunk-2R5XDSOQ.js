import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  durationOf
} from "./chunk-AKMKR4LC.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  scopedRouteType,
  secretType
} from "./chunk-QMJ32M3M.js";

// dist/server/csds/config-dumps.js
var form = (message, list, entry, perXdsConfig) => ({ message: `envoy.admin.v3.${message}`, list, entry, ...perXdsConfig && { perXdsConfig } });
var dumpForms = {
  [clusterType]: form("ClustersConfigDump", "dynamicActiveClusters", ({ version, config, common }) => ({ versionInfo: version, cluster: config, ...common }), "clusterConfig"),
  [endpointType]: form("EndpointsConfigDump", "dynamicEndpointConfigs", ({ version, config, common }) => ({ versionInfo: version, endpointConfig: config, ...common }), "endpointConfig"),
  [listenerType]: form("ListenersConfigDump", "dynamicListeners", ({ name, version, config, lastUpdated, common }) => ({
    name,
    activeState: { versionInfo: version, listener: config, lastUpdated },
    errorState: common.errorState,
    clientStatus: common.clientStatus
  }), "listenerConfig"),
  [scopedRouteType]: form("ScopedRoutesConfigDump", "dynamicScopedRouteConfigs", ({ name, version, config, common }) => ({
    name,
    versionInfo: version,
    scopedRouteConfigs: config ? [config] : [],
    ...common
  }), "scopedRouteConfig"),
  [routeType]: form("RoutesConfigDump", "dynamicRouteConfigs", ({ version, config, common }) => ({ versionInfo: version, routeConfig: config, ...common }), "routeConfig"),
  [secretType]: form("SecretsConfigDump", "dynamicActiveSecrets", ({ name, version, config, common }) => ({ name, versionInfo: version, secret: config, ...common })),
  [extensionConfigType]: form("EcdsConfigDump", "ecdsFilters", ({ version, config, common }) => ({ versionInfo: version, ecdsFilter: config, ...common }))
};
var genericForm = {
  message: "envoy.service.status.v3.ClientConfig",
  list: "genericXdsConfigs",
  entry: ({ name, version, config, common }, typeUrl) => ({
    typeUrl,
    name,
    versionInfo: version,
    xdsConfig: config,
    ...common
  })
};
function timestamp(ms) {
  return ms === 0 ? void 0 : durationOf(ms);
}
function dumpList({ message, list }, registry) {
  const schema = registry.getMessage(message);
  const field = schema?.field[list];
  if (!schema || !field)
    throw new Error(`the descriptors lack ${message}.${list}`);
  return { schema, field, entry: messageOfField(schema, list) };
}
function messageOfField(schema, name) {
  const { message } = schema.field[name] ?? {};
  if (!message)
    throw new Error(`the descriptors lack ${schema.typeName}.${name}`);
  return message;
}

export {
  dumpForms,
  genericForm,
  timestamp,
  dumpList,
  messageOfField
};
