import type { EnvoyRule, Reporter } from "./envoy-rule.js";
import type { WireMessage } from "./wire-message.js";

const http = "envoy.extensions.filters.http.";
const network = "envoy.extensions.filters.network.";
const router = `${http}router.v3.Router`;
const codec = `${http}upstream_codec.v3.UpstreamCodec`;

/** Filters of one kind in Envoy 1.40, by the full names of their messages. */
interface FilterKinds {
  /** Filters that always end a chain. */
  readonly terminal: ReadonlySet<string>;
  /** Filters that never end a chain. All others may or may not. */
  readonly passing: ReadonlySet<string>;
  /** Advice: a filter that ends a chain. */
  readonly ending: string;
}

const typesIn = (prefix: string, names: string) => new Set(names.split(/\s+/).map((name) => prefix + name));

const httpFilters: FilterKinds = {
  terminal: new Set([router, `${http}mcp_router.v3.McpRouter`]),
  // Dynamic modules are in neither set, because they may or may not end a chain.
  passing: new Set([
    "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
    ...typesIn(
      http,
      `a2a.v3.A2a adaptive_concurrency.v3.AdaptiveConcurrency admission_control.v3.AdmissionControl
    ai_protocol_manager.v3.AiProtocolManager alternate_protocols_cache.v3.FilterConfig api_key_auth.v3.ApiKeyAuth
    aws_lambda.v3.Config aws_request_signing.v3.AwsRequestSigning bandwidth_limit.v3.BandwidthLimit
    bandwidth_share.v3.BandwidthShare basic_auth.v3.BasicAuth body_size_limit.v3.BodySizeLimit buffer.v3.Buffer
    cache.v3.CacheConfig cache_v2.v3.CacheV2Config cdn_loop.v3.CdnLoopConfig composite.v3.Composite
    compressor.v3.Compressor connect_grpc_bridge.v3.FilterConfig cors.v3.Cors
    credential_injector.v3.CredentialInjector csrf.v3.CsrfPolicy custom_response.v3.CustomResponse
    decompressor.v3.Decompressor dynamic_forward_proxy.v3.FilterConfig ext_authz.v3.ExtAuthz
    ext_proc.v3.ExternalProcessor fault.v3.HTTPFault file_server.v3.FileServerConfig
    file_system_buffer.v3.FileSystemBufferFilterConfig filter_chain.v3.FilterChainConfig
    gcp_authn.v3.GcpAuthnFilterConfig grpc_http1_bridge.v3.Config grpc_http1_reverse_bridge.v3.FilterConfig
    grpc_stats.v3.FilterConfig grpc_web.v3.GrpcWeb header_mutation.v3.HeaderMutation
    header_to_metadata.v3.Config health_check.v3.HealthCheck ip_tagging.v3.IPTagging
    json_to_metadata.v3.JsonToMetadata jwt_authn.v3.JwtAuthentication local_ratelimit.v3.LocalRateLimit
    lua.v3.Lua mcp.v3.Mcp mcp_json_rest_bridge.v3.McpJsonRestBridge oauth2.v3.OAuth2 on_demand.v3.OnDemand
    original_src.v3.OriginalSrc rate_limit_quota.v3.RateLimitQuotaFilterConfig ratelimit.v3.RateLimit rbac.v3.RBAC
    set_filter_state.v3.Config set_metadata.v3.Config stateful_session.v3.StatefulSession
    thrift_to_metadata.v3.ThriftToMetadata transform.v3.TransformConfig`,
    ),
  ]),
  ending: router,
};

const networkFilters: FilterKinds = {
  terminal: typesIn(
    network,
    `direct_response.v3.Config dubbo_proxy.v3.DubboProxy echo.v3.Echo generic_proxy.v3.GenericProxy
    http_connection_manager.v3.HttpConnectionManager redis_proxy.v3.RedisProxy
    reverse_tunnel.v3.DrainAwareHttpConnectionManager reverse_tunnel.v3.ReverseTunnel tcp_proxy.v3.TcpProxy
    thrift_proxy.v3.ThriftProxy`,
  ),
  passing: typesIn(
    network,
    `connection_limit.v3.ConnectionLimit ext_authz.v3.ExtAuthz ext_proc.v3.NetworkExternalProcessor
    local_ratelimit.v3.LocalRateLimit mongo_proxy.v3.MongoProxy ratelimit.v3.RateLimit rbac.v3.RBAC
    set_filter_state.v3.Config sni_cluster.v3.SniCluster sni_dynamic_forward_proxy.v3.FilterConfig
    tcp_bandwidth_limit.v3.TcpBandwidthLimit zookeeper_proxy.v3.ZooKeeperProxy`,
  ),
  ending: "one such as the TcpProxy or the HttpConnectionManager",
};

const upstreamFilters: FilterKinds = { terminal: new Set([codec]), passing: httpFilters.passing, ending: codec };

/**
 * Returns the full name of a filter's message; "" if it has none.
 *
 * For a filter by ECDS, this is the message of its default. What a server sends later is not known here.
 */
const typeOf = (filter: WireMessage): string =>
  filter.typeIn("typedConfig") || (filter.message("configDiscovery")?.typeIn("defaultConfig") ?? "");

/** Checks the order of a chain's filters. `codecOnly`: the last filter must be the codec, given directly. */
function checkChain(
  filters: readonly WireMessage[],
  kinds: FilterKinds,
  { report }: Reporter,
  codecOnly = false,
): void {
  const last = filters.at(-1);
  const early = filters.filter((filter) => filter !== last && kinds.terminal.has(typeOf(filter)));
  for (const filter of early)
    report(
      "FILTER_ORDER",
      "ends the chain, so it must be the last of the filters; move it behind the others",
      filter.at,
    );
  if (!last || early.length > 0) return;
  const type = typeOf(last);
  if (kinds.passing.has(type) || (codecOnly && last.typeIn("typedConfig") !== codec))
    report("FILTER_ORDER", `must not be the last of the filters; put ${kinds.ending} behind it`, last.at);
  else if (kinds.terminal.has(type) && last.number("disabled") === 1)
    report("FILTER_ORDER", "must not be true for the last of the filters", last.path("disabled"));
}

/** Makes a rule for the order of a list of filters. An empty list is allowed. */
const order =
  (list: string, kinds: FilterKinds, codecOnly = false): EnvoyRule =>
  (message, reporter) =>
    checkChain(message.messages(list), kinds, reporter, codecOnly);

const missing = "has no typed_config; Envoy does not find an extension by its name alone";

const untyped = "has no @type; Envoy does not find an extension by its name alone";

/** Whether a message has a `typed_config` without a type. */
const isUntyped = (message: WireMessage) =>
  message.has("typedConfig") && ["", "google.protobuf.Any"].includes(message.typeIn("typedConfig"));

/** Makes a rule for an extension that needs its configuration in one of these fields. */
const configured =
  (...fields: readonly string[]): EnvoyRule =>
  (message, { report }) => {
    if (!fields.some((field) => message.has(field))) report("MISSING_CONFIG", missing, message.at);
    else if (isUntyped(message)) report("MISSING_CONFIG", untyped, message.path("typedConfig"));
  };

/** Envoy ignores an optional filter without a configuration. */
const httpFilter: EnvoyRule = (message, reporter) => {
  if (message.number("isOptional") === 0) configured("typedConfig", "configDiscovery")(message, reporter);
  else if (!message.has("typedConfig") && !message.has("configDiscovery"))
    reporter.report("UNENFORCED", `${missing}; it ignores this one because it is optional`, message.at);
};

const hcm = `${network}http_connection_manager.v3`;

/** The rules for filters and extensions, by the full name of the message. */
export const filterRules: readonly (readonly [string, EnvoyRule])[] = [
  [`${hcm}.HttpConnectionManager`, order("httpFilters", httpFilters)],
  [`${hcm}.HttpConnectionManager.UpgradeConfig`, order("filters", httpFilters)],
  [router, order("upstreamHttpFilters", upstreamFilters)],
  ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions", order("httpFilters", upstreamFilters, true)],
  ["envoy.config.listener.v3.FilterChain", order("filters", networkFilters)],
  [`${hcm}.HttpFilter`, httpFilter],
  ...[
    "envoy.config.listener.v3.Filter",
    "envoy.config.listener.v3.ListenerFilter",
    "envoy.config.cluster.v3.Filter",
    "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.SessionFilter",
  ].map((name) => [name, configured("typedConfig", "configDiscovery")] as const),
  ...[
    "envoy.config.accesslog.v3.AccessLog",
    "envoy.config.accesslog.v3.ExtensionFilter",
    "envoy.config.core.v3.HealthCheck.CustomHealthCheck",
    "envoy.config.core.v3.TransportSocket",
    "envoy.config.metrics.v3.StatsSink",
    "envoy.config.overload.v3.ResourceMonitor",
    "envoy.config.route.v3.RetryPolicy.RetryHostPredicate",
    "envoy.config.route.v3.RetryPolicy.RetryPriority",
    "envoy.config.trace.v3.Tracing.Http",
    `${network}thrift_proxy.v3.ThriftFilter`,
  ].map((name) => [name, configured("typedConfig")] as const),
];
