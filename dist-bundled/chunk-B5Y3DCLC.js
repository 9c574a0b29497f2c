import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  anyName,
  fromTypedStruct,
  isTypedStruct,
  schemaOf
} from "./chunk-ENVTCLV6.js";
import {
  collectionOf,
  isGlob
} from "./chunk-7P7SAT7Z.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  filterChainType,
  listenerType,
  localityEndpointType,
  routeType,
  scopedRouteType,
  secretType,
  virtualHostType
} from "./chunk-ZTJUYVIA.js";
import {
  WireReader,
  lastField,
  lengthDelimited,
  valuesAt
} from "./chunk-4IMF5HEM.js";
import {
  ScalarType,
  WireType,
  anyUnpack,
  fileDesc,
  fromBinary,
  messageDesc,
  reflect
} from "./chunk-2XSFRHN3.js";

// node_modules/@bufbuild/protobuf/dist/esm/wkt/gen/google/protobuf/wrappers_pb.js
var file_google_protobuf_wrappers = /* @__PURE__ */ fileDesc("Ch5nb29nbGUvcHJvdG9idWYvd3JhcHBlcnMucHJvdG8SD2dvb2dsZS5wcm90b2J1ZiIcCgtEb3VibGVWYWx1ZRINCgV2YWx1ZRgBIAEoASIbCgpGbG9hdFZhbHVlEg0KBXZhbHVlGAEgASgCIhsKCkludDY0VmFsdWUSDQoFdmFsdWUYASABKAMiHAoLVUludDY0VmFsdWUSDQoFdmFsdWUYASABKAQiGwoKSW50MzJWYWx1ZRINCgV2YWx1ZRgBIAEoBSIcCgtVSW50MzJWYWx1ZRINCgV2YWx1ZRgBIAEoDSIaCglCb29sVmFsdWUSDQoFdmFsdWUYASABKAgiHAoLU3RyaW5nVmFsdWUSDQoFdmFsdWUYASABKAkiGwoKQnl0ZXNWYWx1ZRINCgV2YWx1ZRgBIAEoDEKDAQoTY29tLmdvb2dsZS5wcm90b2J1ZkINV3JhcHBlcnNQcm90b1ABWjFnb29nbGUuZ29sYW5nLm9yZy9wcm90b2J1Zi90eXBlcy9rbm93bi93cmFwcGVyc3Bi+AEBogIDR1BCqgIeR29vZ2xlLlByb3RvYnVmLldlbGxLbm93blR5cGVzYgZwcm90bzM");
var StringValueSchema = /* @__PURE__ */ messageDesc(file_google_protobuf_wrappers, 7);

// dist/json/field-path.js
var FieldPath = class _FieldPath {
  parent;
  last;
  index;
  constructor(parent, last, index) {
    this.parent = parent;
    this.last = last;
    this.index = index;
  }
  /**
   * The path of a field in the message at `parent`; undefined stands for the resource itself. `index` selects an
   * element of a list or a map.
   */
  static field(parent, name, index) {
    return new _FieldPath(parent, parent ? `.${name}` : name, index);
  }
  /** The path of the message in the Any at this path. */
  typed(messageName) {
    return new _FieldPath(this, `<${messageName}>`, void 0);
  }
  toString() {
    const element = this.index === void 0 ? "" : `[${JSON.stringify(this.index)}]`;
    return `${this.parent ?? ""}${this.last}${element}`;
  }
};

// dist/resource/references/actions.js
function actionNames(matcher, bytes, at) {
  const names = [];
  collect(reflect(matcher, fromBinary(matcher, bytes)), at, false, names);
  return names;
}
function collect(message, at, inAction, names) {
  if (message.desc.typeName === anyName) {
    const value = inAction ? anyUnpack(message.message, StringValueSchema) : void 0;
    if (value)
      names.push({ name: value.value, at: at.typed(StringValueSchema.name) });
    return;
  }
  for (const field of message.fields) {
    if (!field.message || !message.isSet(field))
      continue;
    const inner = (element, index) => collect(element, FieldPath.field(at, field.name, index), inAction || message.desc.typeName === onMatch && field.name === "action", names);
    if (field.fieldKind === "list")
      Array.from(message.get(field)).forEach((element, index) => void inner(element, index));
    else if (field.fieldKind === "map")
      for (const [key, element] of message.get(field))
        inner(element, String(key));
    else
      inner(message.get(field));
  }
}
var onMatch = "xds.type.matcher.v3.Matcher.OnMatch";

// dist/resource/references/table.js
var thriftRouteType = "type.googleapis.com/envoy.extensions.filters.network.thrift_proxy.v3.RouteConfiguration";
var genericRouteType = "type.googleapis.com/envoy.extensions.filters.network.generic_proxy.v3.RouteConfiguration";
var dubboRouteType = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration";
var aggregateType = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig";
var tokenBucketType = "type.googleapis.com/envoy.type.v3.TokenBucket";
var clustersIn = (...fields) => ({
  names: Object.fromEntries(fields.map((field) => [field, clusterType]))
});
var routesOf = (typeUrl) => ({
  sourced: { typeUrl, source: "config_source", optionalSource: true, name: ["route_config_name"] }
});
var resourceOf = (typeUrl) => ({
  sourced: { typeUrl, source: "config_source", name: ["resource_name"] }
});
var filter = {
  sourced: { typeUrl: extensionConfigType, source: "config_discovery.config_source", name: ["name"] }
};
var referringMessages = {
  "envoy.config.cluster.v3.Cluster": {
    sourced: {
      typeUrl: endpointType,
      source: "eds_cluster_config.eds_config",
      optionalSource: true,
      name: ["eds_cluster_config.service_name", "name"],
      only: { field: "type", value: 3 }
      // EDS
    }
  },
  "envoy.config.endpoint.v3.LedsClusterLocalityConfig": {
    sourced: { typeUrl: localityEndpointType, source: "leds_config", name: ["leds_collection_name"] }
  },
  "envoy.extensions.filters.network.http_connection_manager.v3.Rds": routesOf(routeType),
  "envoy.extensions.filters.network.thrift_proxy.v3.Trds": routesOf(thriftRouteType),
  "envoy.extensions.filters.network.generic_proxy.v3.GenericRds": routesOf(genericRouteType),
  "envoy.extensions.filters.network.dubbo_proxy.v3.Drds": routesOf(dubboRouteType),
  "envoy.extensions.filters.network.http_connection_manager.v3.ScopedRds": {
    sourced: {
      typeUrl: scopedRouteType,
      source: "scoped_rds_config_source",
      name: ["srds_resources_locator"],
      otherwise: "*"
    }
  },
  "envoy.config.route.v3.ScopedRouteConfiguration": { names: { route_configuration_name: routeType } },
  "envoy.config.route.v3.RouteConfiguration": {
    sourced: { typeUrl: virtualHostType, source: "vhds.config_source", name: ["name"], suffix: "/*" }
  },
  "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": {
    sourced: { typeUrl: secretType, source: "sds_config", optionalSource: true, name: ["name"] }
  },
  "envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3.Config": {
    names: { prefetch_secret_names: secretType },
    source: "config_source"
  },
  "envoy.extensions.transport_sockets.tls.cert_mappers.static_name.v3.StaticName": { names: { name: secretType } },
  // FCDS. The name in fcds_config is not used: Envoy subscribes to the chains in the matcher's actions.
  "envoy.config.listener.v3.Listener": {
    actions: {
      typeUrl: filterChainType,
      source: "fcds_config.config_source",
      matcher: "filter_chain_matcher",
      inline: "filter_chains.name"
    }
  },
  // References to an internal listener. A listener's own address is not one (see below).
  "envoy.config.core.v3.EnvoyInternalAddress": { names: { server_listener_name: listenerType } },
  "envoy.extensions.clusters.aggregate.v3.AggregateClusterResource": resourceOf(aggregateType),
  "envoy.extensions.access_loggers.filters.process_ratelimit.v3.DynamicTokenBucket": resourceOf(tokenBucketType),
  "envoy.config.cluster.v3.Filter": filter,
  "envoy.config.listener.v3.Filter": filter,
  "envoy.config.listener.v3.ListenerFilter": filter,
  "envoy.extensions.filters.http.composite.v3.DynamicConfig": filter,
  "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.SessionFilter": filter,
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": filter,
  "envoy.config.route.v3.RouteAction": clustersIn("cluster"),
  "envoy.config.route.v3.RouteAction.RequestMirrorPolicy": clustersIn("cluster"),
  "envoy.config.route.v3.WeightedCluster.ClusterWeight": clustersIn("name"),
  "envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig": clustersIn("default_cluster"),
  "envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction": clustersIn("cluster"),
  "envoy.extensions.router.cluster_specifiers.priority_group.v3.ClusterWeight": clustersIn("cluster_name"),
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": clustersIn("cluster"),
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight": clustersIn("name"),
  "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig": clustersIn("cluster"),
  "envoy.extensions.filters.udp.udp_proxy.v3.Route": clustersIn("cluster"),
  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route": clustersIn("cluster"),
  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.RequestMirrorPolicy": clustersIn("cluster"),
  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.ReadCommandPolicy": clustersIn("cluster"),
  "envoy.extensions.filters.network.thrift_proxy.v3.RouteAction": clustersIn("cluster"),
  "envoy.extensions.filters.network.thrift_proxy.v3.RouteAction.RequestMirrorPolicy": clustersIn("cluster"),
  "envoy.extensions.filters.network.thrift_proxy.v3.WeightedCluster.ClusterWeight": clustersIn("name"),
  "envoy.extensions.filters.network.dubbo_proxy.v3.RouteAction": clustersIn("cluster"),
  "envoy.extensions.filters.network.generic_proxy.action.v3.RouteAction": clustersIn("cluster"),
  "envoy.extensions.clusters.aggregate.v3.ClusterConfig": clustersIn("clusters"),
  "envoy.extensions.clusters.composite.v3.ClusterConfig.ClusterEntry": clustersIn("name"),
  "envoy.extensions.clusters.mcp_multicluster.v3.ClusterConfig.McpCluster": clustersIn("cluster"),
  "envoy.extensions.filters.http.mcp_router.v3.McpRouter.McpCluster": clustersIn("cluster"),
  "envoy.extensions.filters.http.cache_v2.v3.CacheV2Config": clustersIn("override_upstream_cluster"),
  "envoy.extensions.filters.http.health_check.v3.HealthCheck": clustersIn("cluster_min_healthy_percentages"),
  "envoy.extensions.filters.http.gcp_authn.v3.GcpAuthnFilterConfig": clustersIn("cluster"),
  "envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig": clustersIn("cluster"),
  "envoy.data.dns.v3.DnsTable.DnsEndpoint": clustersIn("cluster_name"),
  "envoy.data.dns.v3.DnsTable.DnsServiceTarget": clustersIn("cluster_name"),
  "envoy.config.core.v3.HttpUri": clustersIn("cluster"),
  "envoy.config.core.v3.GrpcService.EnvoyGrpc": clustersIn("cluster_name"),
  "envoy.extensions.tracers.fluentd.v3.FluentdConfig": clustersIn("cluster"),
  "envoy.config.trace.v3.DatadogConfig": clustersIn("collector_cluster"),
  "envoy.config.trace.v3.LightstepConfig": clustersIn("collector_cluster"),
  "envoy.config.trace.v3.ZipkinConfig": clustersIn("collector_cluster")
};
var withoutReferences = /* @__PURE__ */ new Set([
  "envoy.config.core.v3.ConfigSource",
  "envoy.config.core.v3.ApiConfigSource",
  "envoy.config.core.v3.Metadata",
  "envoy.config.endpoint.v3.Endpoint.HealthCheckConfig",
  "envoy.config.listener.v3.AdditionalAddress",
  "envoy.config.listener.v3.Listener.address",
  "envoy.extensions.transport_sockets.tls.v3.Secret",
  "envoy.service.runtime.v3.Runtime"
]);
var referrerTypes = {
  [clusterType]: [listenerType, filterChainType, routeType, virtualHostType],
  [endpointType]: [clusterType],
  [localityEndpointType]: [endpointType],
  [filterChainType]: [listenerType],
  [scopedRouteType]: [listenerType, filterChainType],
  [routeType]: [listenerType, filterChainType, scopedRouteType],
  [virtualHostType]: [routeType],
  [secretType]: [clusterType, listenerType, filterChainType],
  [extensionConfigType]: [clusterType, listenerType, filterChainType]
};

// dist/resource/references/plan.js
var plans = /* @__PURE__ */ new WeakMap();
function referencePlanOf(schema) {
  if (!plans.has(schema))
    plans.set(schema, leadsToReferences(schema) ? compile(schema) : void 0);
  return plans.get(schema);
}
function planIn(field) {
  if (field.message)
    field.inner ??= referencePlanOf(field.message);
  return field.inner;
}
function compile(schema) {
  const carrier = referringMessages[schema.typeName];
  const lookup = carrier?.sourced && compileLookup(schema, carrier.sourced);
  const actions = carrier?.actions && compileActions(schema, carrier.actions);
  const source = carrier?.source ? pathTo(schema, carrier.source)?.numbers[0] : void 0;
  const lookedUp = lookup ? [lookup.source, ...lookup.names].map((path) => path.numbers[0]).concat(lookup.only?.field) : [];
  const fields = /* @__PURE__ */ new Map();
  for (const field of schema.fields) {
    const message = field.message;
    const plan = {
      name: field.name,
      isList: field.fieldKind === "list",
      target: carrier?.names?.[field.name],
      isLookedUp: lookedUp.includes(field.number),
      message: message && leadsFurther(schema, field) && leadsToReferences(message) ? message : void 0,
      isStringMap: field.fieldKind === "map" && field.mapKey === ScalarType.STRING,
      inner: void 0
    };
    if (plan.target || plan.isLookedUp || plan.message)
      fields.set(field.number, plan);
  }
  const hasLists = [...fields.values()].some((field) => field.isList);
  return { schema, lookup, source, actions, fields, hasLists, isPlain: isPlain(schema) };
}
var plain = /* @__PURE__ */ new WeakMap();
function isPlain(schema) {
  const known = plain.get(schema);
  if (known !== void 0)
    return known;
  plain.set(schema, false);
  const { names: _, ...others } = referringMessages[schema.typeName] ?? {};
  const isSimple = Object.keys(others).length === 0 && schema.typeName !== anyName && !isTypedStruct(schema.typeName);
  const answer = isSimple && schema.fields.every(({ fieldKind, message }) => !message || !leadsToReferences(message) || fieldKind !== "map" && isPlain(message));
  plain.set(schema, answer);
  return answer;
}
function compileLookup(schema, { source, name, only, ...rest }) {
  const sourcePath = pathTo(schema, source);
  const names = name.map((words) => pathTo(schema, words)).filter((path) => path !== void 0);
  const [field] = (only && pathTo(schema, only.field)?.numbers) ?? [];
  if (!sourcePath || names.length === 0 || only && !field)
    return void 0;
  return { ...rest, source: sourcePath, names, only: field && only ? { field, value: only.value } : void 0 };
}
function compileActions(schema, { typeUrl, source, matcher, inline }) {
  const paths = { source: pathTo(schema, source), inline: pathTo(schema, inline) };
  const field = schema.fields.find((one) => one.name === matcher);
  if (!paths.source || !paths.inline || !field)
    return void 0;
  return { typeUrl, source: paths.source, matcher: field, inline: paths.inline };
}
function pathTo(schema, words) {
  let message = schema;
  const numbers = [];
  for (const name of words.split(".")) {
    const field = message?.fields.find((one) => one.name === name);
    if (!field)
      return void 0;
    numbers.push(field.number);
    message = field.message;
  }
  return { numbers, words };
}
var leading = /* @__PURE__ */ new WeakMap();
function leadsToReferences(schema) {
  const known = leading.get(schema);
  if (known !== void 0)
    return known;
  const holders = /* @__PURE__ */ new Map();
  const yes = [];
  const visit = (type) => {
    if (holders.has(type))
      return;
    holders.set(type, []);
    if (leading.get(type) ?? refersByItself(type.typeName))
      yes.push(type);
    if (leading.has(type) || withoutReferences.has(type.typeName))
      return;
    for (const field of type.fields) {
      const inner = field.message;
      if (!inner || !leadsFurther(type, field))
        continue;
      visit(inner);
      holders.get(inner)?.push(type);
    }
  };
  visit(schema);
  for (let type = yes.pop(); type; type = yes.pop()) {
    leading.set(type, true);
    for (const holder of holders.get(type) ?? [])
      if (!leading.get(holder))
        yes.push(holder);
  }
  for (const type of holders.keys())
    if (!leading.has(type))
      leading.set(type, false);
  return leading.get(schema) ?? false;
}
var leadsFurther = (schema, field) => !withoutReferences.has(`${schema.typeName}.${field.name}`);
var refersByItself = (typeName) => typeName === anyName || isTypedStruct(typeName) || referringMessages[typeName] !== void 0;

// dist/resource/references/skim.js
function mayRefer(bytes, start, end, plan) {
  let pos = start;
  while (pos < end) {
    const tag = bytes[pos++];
    if (tag > 127)
      return true;
    const wireType = tag & 7;
    if (wireType === WireType.Varint) {
      while (bytes[pos++] > 127)
        ;
      continue;
    }
    if (wireType !== WireType.LengthDelimited)
      return true;
    let length = bytes[pos++];
    if (length > 127)
      length = length & 127 | bytes[pos++] << 7;
    if (length > 16383)
      return true;
    const field = plan.fields.get(tag >>> 3);
    if (field !== void 0) {
      if (field.target !== void 0)
        return true;
      const inner = planIn(field);
      if (inner && mayRefer(bytes, pos, pos + length, inner))
        return true;
    }
    pos += length;
  }
  return pos !== end;
}

// dist/resource/references/scan.js
function scanReferences(typeUrl, bytes, registry) {
  const schema = schemaOf(typeUrl, registry);
  if (!schema)
    return none;
  const found = { byName: /* @__PURE__ */ new Map(), registry };
  scanContent(schema, bytes, void 0, found);
  return found.byName.size === 0 ? none : [...found.byName.values()];
}
var none = [];
function scanContent(schema, bytes, at, found) {
  const plan = referencePlanOf(schema);
  if (!plan)
    return;
  try {
    if (isTypedStruct(schema.typeName)) {
      const content = fromTypedStruct(fromBinary(schema, bytes), found.registry);
      if (content?.bytes)
        scanContent(content.schema, content.bytes, at?.typed(content.schema.name), found);
    } else
      scan(new WireReader(bytes), bytes.length, plan, at, found);
  } catch {
  }
}
function scan(reader, end, plan, at, found) {
  if (plan.schema.typeName === anyName) {
    scanAny(reader, end, at, found);
    return;
  }
  const start = reader.pos;
  if (plan.source !== void 0) {
    reader.pos = end;
    const source = lastField(reader.slice(start), plan.source);
    if (source && isFile(source))
      return;
    reader.pos = start;
  }
  const values = plan.lookup ? /* @__PURE__ */ new Map() : void 0;
  const elements = plan.hasLists ? /* @__PURE__ */ new Map() : void 0;
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    const field = plan.fields.get(tag >>> 3);
    if (field && (tag & 7) === WireType.LengthDelimited) {
      let index;
      if (field.isList && elements) {
        index = elements.get(field) ?? 0;
        elements.set(field, index + 1);
      }
      const value = scanField(reader, field, index, at, found);
      if (value)
        values?.set(tag >>> 3, value);
    } else if (field?.isLookedUp && (tag & 7) === WireType.Varint)
      values?.set(tag >>> 3, reader.int32());
    else
      reader.pass(tag);
  }
  if (plan.lookup && values)
    lookUp(plan.lookup, values, at, found);
  if (plan.actions)
    scanActions(plan.actions, reader.slice(start), at, found);
}
function scanActions(plan, message, at, found) {
  const source = valuesAt(message, plan.source.numbers).at(-1);
  const matcher = lastField(message, plan.matcher.number);
  if (!source || !matcher || !plan.matcher.message || isFile(source))
    return;
  const inline = new Set(valuesAt(message, plan.inline.numbers).map((name) => Buffer.from(name).toString()));
  const path = FieldPath.field(at, plan.matcher.name);
  for (const action of actionNames(plan.matcher.message, matcher, path))
    if (!inline.has(action.name))
      add(found, plan.typeUrl, action.name, action.at, "value");
}
function scanField(reader, field, index, at, found) {
  const length = reader.uint32();
  const start = reader.pos;
  const end = start + length;
  if (field.isStringMap)
    scanEntry(reader, end, field, at, found);
  else if (field.target)
    add(found, field.target, reader.text(end), at, field.name, index);
  else if (field.message) {
    const plan = planIn(field);
    if (plan && (!plan.isPlain || mayRefer(reader.all, start, end, plan)))
      scan(reader, end, plan, FieldPath.field(at, field.name, index), found);
  }
  reader.pos = end;
  return field.isLookedUp ? reader.slice(start) : void 0;
}
function scanAny(reader, end, at, found) {
  let schema;
  let bytes;
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(1))
      schema = schemaOf(reader.string(), found.registry);
    else if (tag === lengthDelimited(2))
      bytes = reader.bytes();
    else
      reader.pass(tag);
  }
  if (schema && bytes)
    scanContent(schema, bytes, at?.typed(schema.name), found);
}
function scanEntry(reader, end, field, at, found) {
  let key = "";
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(1)) {
      key = reader.string();
      if (field.target)
        add(found, field.target, key, at, field.name, key);
    } else if (tag === lengthDelimited(2) && field.message) {
      const next = reader.uint32() + reader.pos;
      const inner = planIn(field);
      if (inner)
        scan(reader, next, inner, FieldPath.field(at, field.name, key), found);
      reader.pos = next;
    } else
      reader.pass(tag);
  }
}
function lookUp(lookup, values, at, found) {
  const { typeUrl, optionalSource, otherwise = "", suffix = "", only } = lookup;
  if (only && values.get(only.field) !== only.value)
    return;
  let name = otherwise;
  let [field] = lookup.names;
  for (const path of lookup.names) {
    const bytes = valueAt(values, path.numbers);
    if (!bytes?.length)
      continue;
    name = Buffer.from(bytes).toString();
    field = path;
    break;
  }
  const source = valueAt(values, lookup.source.numbers);
  const isXdstp = name.startsWith("xdstp:");
  if (source ? isFile(source) : !(optionalSource && isXdstp))
    return;
  if (name !== "" && field && !(suffix && isXdstp))
    add(found, typeUrl, name + suffix, at, (suffix ? lookup.source : field).words);
}
function valueAt(values, [first = 0, ...rest]) {
  let value = values.get(first);
  for (const fieldNo of rest)
    value = typeof value === "object" ? lastField(value, fieldNo) : void 0;
  return typeof value === "object" ? value : void 0;
}
var isFile = (source) => lastField(source, 1) !== void 0 || lastField(source, 8) !== void 0;
function add(found, typeUrl, name, at, field, index) {
  const key = `${typeUrl} ${name}`;
  if (name === "" || found.byName.has(key))
    return;
  found.byName.set(key, { typeUrl, name, path: FieldPath.field(at, field, index).toString() });
}

// dist/resource/references/references.js
function referencesOf(resource) {
  resource.references ??= resource.error ? none2 : scanReferences(resource.type.typeUrl, resource.body, resource.registry);
  return resource.references;
}
var none2 = [];
var isCollection = (name) => name.startsWith("xdstp:") ? isGlob(name) : name === "*" || name.endsWith("/*");
function covers(reference, name) {
  if (reference === name || reference === "*")
    return true;
  if (name.startsWith("xdstp:"))
    return collectionOf(name) === reference;
  return name.length >= reference.length && `${name.slice(0, name.lastIndexOf("/") + 1)}*` === reference;
}

// dist/validation/pem.js
import { createPrivateKey, X509Certificate } from "node:crypto";
var labels = {
  CERTIFICATE: /^((X509|TRUSTED) )?CERTIFICATE$/,
  "PRIVATE KEY": /^([A-Z]+ )?PRIVATE KEY$/,
  "X509 CRL": /^X509 CRL$/
};
function whyNotPem(bytes, label) {
  const blocks = blocksOf(bytes, label);
  if (typeof blocks === "string")
    return blocks;
  if (label !== "CERTIFICATE")
    return void 0;
  const bad = blocks.findIndex((block) => attempt(() => new X509Certificate(block)) === void 0);
  if (bad < 0)
    return void 0;
  return blocks.length === 1 ? "is not a readable certificate" : `has a certificate that cannot be read: number ${bad + 1}`;
}
function whyNotLoaded(chain) {
  const [first = ""] = blocksOf(chain, "CERTIFICATE");
  const key = attempt(() => new X509Certificate(first).publicKey);
  const { asymmetricKeyType: type = "unknown", asymmetricKeyDetails: { modulusLength = 0, namedCurve = "" } = {} } = key ?? {};
  const isLoaded = type === "rsa" ? modulusLength >= 2048 : type === "ec" ? curves.has(namedCurve) : type === "ed25519";
  if (isLoaded)
    return void 0;
  const what = type === "rsa" ? `RSA with ${modulusLength} bits` : [type, namedCurve].filter(Boolean).join(" ");
  return `has a key of a kind that Envoy does not load (${what}); take RSA with 2048 bits or more, P-256, P-384, P-521 or Ed25519`;
}
var curves = /* @__PURE__ */ new Set(["prime256v1", "secp384r1", "secp521r1"]);
function expiriesOf(bytes) {
  const blocks = blocksOf(bytes, "CERTIFICATE");
  if (typeof blocks === "string")
    return [];
  const expiries = blocks.map((block) => attempt(() => Date.parse(new X509Certificate(block).validTo)));
  return expiries.filter((expiry) => expiry !== void 0 && !Number.isNaN(expiry));
}
function blocksOf(bytes, label) {
  const blocks = [];
  const text = Buffer.from(bytes).toString("latin1");
  const beginning = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/gm;
  for (let begin = beginning.exec(text); begin; begin = beginning.exec(text)) {
    const endLine = `-----END ${begin[1]}-----`;
    const end = text.indexOf(endLine, beginning.lastIndex);
    if (end < 0)
      return `is cut off: it has no line "${endLine}" at its end`;
    beginning.lastIndex = end + endLine.length;
    if (labels[label].test(begin[1] ?? ""))
      blocks.push(withoutEmptyLines(text.slice(begin.index, beginning.lastIndex)));
  }
  return blocks.length > 0 ? blocks : `has no line "-----BEGIN ${label}-----"; it must be PEM`;
}
function withoutEmptyLines(block) {
  const lines = block.split("\n");
  const first = lines.findIndex((line) => line.trim() === "");
  return lines.filter((line, index) => index <= first || line.trim() !== "").join("\n");
}
function whyNotKey(key, certificate, password) {
  const blocks = blocksOf(key, "PRIVATE KEY");
  if (typeof blocks === "string")
    return blocks;
  const [first = ""] = blocks;
  const isEncrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(first);
  if (isEncrypted && password === "elsewhere")
    return void 0;
  if (isEncrypted && password === void 0)
    return "is encrypted, and there is no password for it";
  const passphrase = password === void 0 || password === "elsewhere" ? "" : Buffer.from(password);
  let privateKey;
  try {
    privateKey = createPrivateKey({ key: first, passphrase });
  } catch (error) {
    if (!isEncrypted)
      return "is not a readable private key";
    if (error.code === "ERR_OSSL_EVP_UNSUPPORTED")
      return void 0;
    return "cannot be decrypted with the password; a line break at its end is part of it";
  }
  return certificate && !isPair(certificate, privateKey) ? "does not match the certificate; use a matching pair" : void 0;
}
var isPair = (certificate, key) => attempt(() => new X509Certificate(certificate).checkPrivateKey(key)) ?? true;
function attempt(act) {
  try {
    return act();
  } catch {
    return void 0;
  }
}

export {
  FieldPath,
  referrerTypes,
  referencesOf,
  isCollection,
  covers,
  whyNotPem,
  whyNotLoaded,
  expiriesOf,
  whyNotKey
};
