import type { DescMessage } from "@bufbuild/protobuf";

/** A relative clause for messages that mention the v2 API. */
export const olderApi = "which no Envoy since 1.18 reads";

/**
 * Whether a message's full name belongs to the v2 API, such as `envoy.api.v2.Cluster` or
 * `envoy.config.filter.http.lua.v2.Lua`.
 */
export const isOlderName = (name: string): boolean => /^envoy\.(?:\w+\.)*v2(?:alpha\d*)?\./.test(name);

const transportSocket = (context: string) =>
  `transport_socket: {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${context}, …}}`;

const typedConfig = 'typed_config, an object with its "@type"';
const safeRegex = "safe_regex: {regex: …}";

/**
 * What the v3 API has instead of a field of the v2 API.
 *
 * A key without a message's name stands for the field in every message that has the same field with `typed_` before it.
 * The v3 API lists the removed fields as reserved names (https://www.envoyproxy.io/docs/envoy/v1.17.4/api-v2/api).
 */
const inPlaceOf: Readonly<Record<string, string>> = {
  config: typedConfig,
  per_filter_config: 'typed_per_filter_config, whose values are objects with their "@type"',
  "FilterChain.tls_context": transportSocket("DownstreamTlsContext"),
  "Cluster.tls_context": transportSocket("UpstreamTlsContext"),
  "Cluster.hosts": "load_assignment: {cluster_name: …, endpoints: [{lb_endpoints: [{endpoint: {address: …}}]}]}",
  "Cluster.extension_protocol_options": 'typed_extension_protocol_options, whose values are objects with their "@type"',
  "CorsPolicy.allow_origin": "allow_origin_string_match",
  "CorsPolicy.allow_origin_regex": "allow_origin_string_match",
  "CorsPolicy.enabled": "filter_enabled",
  "RouteAction.request_mirror_policy": "request_mirror_policies, a list",
  "RequestMirrorPolicy.runtime_key": "runtime_fraction",
  "RouteMatch.regex": safeRegex,
  "StringMatcher.regex": safeRegex,
  "HeaderMatcher.regex_match": `string_match: {${safeRegex}}`,
  "QueryParameterMatcher.value": "string_match: {exact: …}",
  "QueryParameterMatcher.regex": `string_match: {${safeRegex}}`,
  "VirtualCluster.pattern": 'headers: [{name: ":path", string_match: …}]',
  "VirtualCluster.method": 'headers: [{name: ":method", string_match: …}]',
  "HttpHealthCheck.service_name": "service_name_matcher",
  "HttpHealthCheck.use_http2": "codec_client_type: HTTP2",
  "HttpConnectionManager.idle_timeout": "common_http_protocol_options: {idle_timeout: …}",
  "Tracing.operation_name": "traffic_direction of the listener",
  "Tracing.request_headers_for_tags": "custom_tags",
  "Bootstrap.runtime": "layered_runtime",
  "CertificateValidationContext.verify_subject_alt_name": "match_typed_subject_alt_names",
  "RedisProxy.cluster": "prefix_routes: {catch_all_route: {cluster: …}}",
  "PrefixRoutes.catch_all_cluster": "catch_all_route: {cluster: …}",
};

/** Returns a message about a field that the message had in an older API; undefined if it never had such a field. */
export function olderField(desc: DescMessage, key: string): string | undefined {
  const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (!desc.proto.reservedName.includes(name)) return undefined;
  const successor = `typed_${name}`;
  const instead =
    inPlaceOf[`${desc.name}.${name}`] ??
    (desc.fields.some((field) => field.name === successor) ? inPlaceOf[name] : undefined);
  return instead === undefined
    ? `${desc.typeName} no longer has this field; only an older API had it; remove it`
    : `this is a field of the v2 API, ${olderApi}; in the v3 API it is ${instead}`;
}
