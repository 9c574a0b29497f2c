import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  describeNode,
  hiddenValue
} from "./chunk-TCS7TSVQ.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  otherApiHint
} from "./chunk-WL5SM7VB.js";

// dist/json/older-api.js
var olderApi = "which no Envoy since 1.18 reads";
var isOlderName = (name) => /^envoy\.(?:\w+\.)*v2(?:alpha\d*)?\./.test(name);
var transportSocket = (context) => `transport_socket: {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${context}, \u2026}}`;
var typedConfig = 'typed_config, an object with its "@type"';
var safeRegex = "safe_regex: {regex: \u2026}";
var inPlaceOf = {
  config: typedConfig,
  per_filter_config: 'typed_per_filter_config, whose values are objects with their "@type"',
  "FilterChain.tls_context": transportSocket("DownstreamTlsContext"),
  "Cluster.tls_context": transportSocket("UpstreamTlsContext"),
  "Cluster.hosts": "load_assignment: {cluster_name: \u2026, endpoints: [{lb_endpoints: [{endpoint: {address: \u2026}}]}]}",
  "Cluster.extension_protocol_options": 'typed_extension_protocol_options, whose values are objects with their "@type"',
  "CorsPolicy.allow_origin": "allow_origin_string_match",
  "CorsPolicy.allow_origin_regex": "allow_origin_string_match",
  "CorsPolicy.enabled": "filter_enabled",
  "RouteAction.request_mirror_policy": "request_mirror_policies, a list",
  "RequestMirrorPolicy.runtime_key": "runtime_fraction",
  "RouteMatch.regex": safeRegex,
  "StringMatcher.regex": safeRegex,
  "HeaderMatcher.regex_match": `string_match: {${safeRegex}}`,
  "QueryParameterMatcher.value": "string_match: {exact: \u2026}",
  "QueryParameterMatcher.regex": `string_match: {${safeRegex}}`,
  "VirtualCluster.pattern": 'headers: [{name: ":path", string_match: \u2026}]',
  "VirtualCluster.method": 'headers: [{name: ":method", string_match: \u2026}]',
  "HttpHealthCheck.service_name": "service_name_matcher",
  "HttpHealthCheck.use_http2": "codec_client_type: HTTP2",
  "HttpConnectionManager.idle_timeout": "common_http_protocol_options: {idle_timeout: \u2026}",
  "Tracing.operation_name": "traffic_direction of the listener",
  "Tracing.request_headers_for_tags": "custom_tags",
  "Bootstrap.runtime": "layered_runtime",
  "CertificateValidationContext.verify_subject_alt_name": "match_typed_subject_alt_names",
  "RedisProxy.cluster": "prefix_routes: {catch_all_route: {cluster: \u2026}}",
  "PrefixRoutes.catch_all_cluster": "catch_all_route: {cluster: \u2026}"
};
function olderField(desc, key) {
  const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (!desc.proto.reservedName.includes(name))
    return void 0;
  const successor = `typed_${name}`;
  const instead = inPlaceOf[`${desc.name}.${name}`] ?? (desc.fields.some((field) => field.name === successor) ? inPlaceOf[name] : void 0);
  return instead === void 0 ? `${desc.typeName} no longer has this field; only an older API had it; remove it` : `this is a field of the v2 API, ${olderApi}; in the v3 API it is ${instead}`;
}

// dist/json/type-names.js
var nameInUrl = (typeUrl) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
var lastPart = (name) => name.slice(name.lastIndexOf(".") + 1);
function typeNamed(node, registry) {
  const typeUrl = node.kind === "scalar" ? node.value : void 0;
  if (typeof typeUrl !== "string" || typeUrl.lastIndexOf("/") < 1)
    return void 0;
  return registry.getMessage(nameInUrl(typeUrl));
}
var isType = (node, typeName) => node.kind === "scalar" && String(node.value).endsWith(`/${typeName}`);
function describeType(node) {
  const isUrl = node.kind === "scalar" && /^(?:type\.googleapis\.com\/[\w.]+|(?:envoy|google|udpa|xds)(?:\.\w+)+)$/.test(node.text);
  return isUrl ? JSON.stringify(node.text) : describeNode(node);
}
var mostSuggestions = 100;
var WrongTypes = class {
  registry;
  /** The suggestion for each unknown name. */
  suggested = /* @__PURE__ */ new Map();
  constructor(registry) {
    this.registry = registry;
  }
  /** Explains why {@link typeNamed} finds no message. */
  explain(node) {
    const typeUrl = node.kind === "scalar" ? node.value : void 0;
    if (typeof typeUrl !== "string" || typeUrl === "")
      return `expected the type of a message, type.googleapis.com/<its full name>, got ${describeNode(node)}`;
    const name = nameInUrl(typeUrl);
    if (this.registry.getMessage(name))
      return `expected "type.googleapis.com/${name}", got ${describeType(node)}; add the part before the name`;
    const meant = this.suggestion(name);
    if (isOlderName(name))
      return `${describeType(node)} is of the v2 API, ${olderApi}; ${meant ? `the v3 API has type.googleapis.com/${meant}` : "write it with the v3 API's message"}`;
    const got = describeType(node);
    const didYouMean = meant ? `; did you mean type.googleapis.com/${meant}?` : "";
    if (got === hiddenValue)
      return `expected the type of a message, type.googleapis.com/<its full name>, got ${got}${didYouMean}`;
    const advice = meant ? `did you mean type.googleapis.com/${meant}?${otherApiHint(this.registry).replace("; if", " If")}` : `see the Envoy API for its full name${otherApiHint(this.registry)}`;
    return `no message of this Envoy API is named ${got}; ${advice}`;
  }
  suggestion(name) {
    if (!this.suggested.has(name) && this.suggested.size < mostSuggestions)
      this.suggested.set(name, likelyType(name, namesByLastPart(this.registry)));
    return this.suggested.get(name);
  }
};
var indexes = /* @__PURE__ */ new WeakMap();
function namesByLastPart(registry) {
  const known = indexes.get(registry);
  if (known)
    return known;
  const index = /* @__PURE__ */ new Map();
  for (const type of registry) {
    if (type.kind !== "message")
      continue;
    const last = lastPart(type.typeName);
    const names = index.get(last);
    if (names)
      names.push(type.typeName);
    else
      index.set(last, [type.typeName]);
  }
  indexes.set(registry, index);
  return index;
}
function likelyType(name, index) {
  const last = lastPart(name);
  const same = index.get(last);
  if (!same)
    return nearest(name, index.get(nearest(last, index.keys()) ?? "") ?? []);
  const only = same.length === 1 ? same[0] : void 0;
  return nearest(name, same) ?? only ?? same.find((other) => /^envoy\.config\.\w+\.v3\./.test(other));
}

export {
  isOlderName,
  olderField,
  typeNamed,
  isType,
  describeType,
  WrongTypes
};
