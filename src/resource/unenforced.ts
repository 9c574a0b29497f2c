/**
 * Fields in whose Anys Envoy does not check the rules that the API has for what they hold (tried with Envoy 1.40;
 * `docs/validation.md`). Breaking one there is told as a warning.
 */
export const uncheckedContents: ReadonlySet<string> = new Set([
  "envoy.config.core.v3.Metadata.typed_filter_metadata",
  "envoy.config.cluster.v3.Cluster.typed_dns_resolver_config",
  "envoy.config.cluster.v3.LoadBalancingPolicy.Policy.typed_extension_config",
  // Read by gRPC clients, which have rules of their own; from a server an Envoy does not take such a listener.
  "envoy.config.listener.v3.ApiListener.api_listener",
  "envoy.config.route.v3.ClusterSpecifierPlugin.extension",
  "envoy.config.route.v3.RetryPolicy.RetryPriority.typed_config",
  "envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.typed_dns_resolver_config",
]);

/**
 * By field or oneof: the rules that the API of Envoy 1.40 has no more, or has less strict, while the API that this package
 * was generated from (and which alone this is about) still has them. A user of an older Envoy may need to know, so breaking
 * one is told as a warning.
 */
export const droppedRules: Readonly<Record<string, readonly string[]>> = {
  "envoy.config.core.v3.KeyValueAppend.entry": ["required"],
  "envoy.config.core.v3.QuicKeepAliveSettings.initial_interval": ["gte", "lte"],
  "envoy.config.core.v3.QuicKeepAliveSettings.max_interval": ["gte", "lte"],
  "envoy.config.core.v3.QuicProtocolOptions.idle_network_timeout": ["lte"],
  "envoy.config.core.v3.RuntimeDouble.runtime_key": ["minLen"],
  "envoy.config.core.v3.RuntimeFeatureFlag.runtime_key": ["minLen"],
  "envoy.config.core.v3.RuntimePercent.runtime_key": ["minLen"],
  "envoy.config.core.v3.RuntimeUInt32.runtime_key": ["minLen"],
  "envoy.config.trace.v3.ZipkinConfig.collector_cluster": ["minLen"],
  "envoy.config.trace.v3.ZipkinConfig.collector_endpoint": ["minLen"],
  "envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.dns_query_timeout": ["gt"],
  "envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry.value": ["minLen"],
  "envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.MinimumRTTCalculationParams.interval":
    ["required"],
  "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute.disabled": ["const"],
  "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor.grpc_service": ["required"],
  "envoy.extensions.filters.http.gcp_authn.v3.Audience.url": ["minLen"],
  "envoy.extensions.filters.http.gcp_authn.v3.TokenHeader.name": ["minLen"],
  "envoy.extensions.filters.http.ip_tagging.v3.IPTagging.ip_tags": ["minItems"],
  "envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader.claim_name": ["minLen"],
  "envoy.extensions.filters.http.lua.v3.LuaPerRoute.override": ["required"],
  "envoy.extensions.filters.http.oauth2.v3.OAuth2Credentials.token_secret": ["required"],
  "envoy.extensions.filters.http.on_demand.v3.OnDemandCds.source": ["required"],
  "envoy.extensions.filters.network.http_connection_manager.v3.Rds.config_source": ["required"],
  "envoy.extensions.geoip_providers.common.v3.CommonGeoipProviderConfig.geo_headers_to_add": ["required"],
  "envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2.ClientCredentials.client_secret": ["required"],
  "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig.resolvers": ["minItems"],
  "envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport.transport_socket": ["required"],
  "envoy.type.v3.TokenBucket.max_tokens": ["gt"],
  "xds.type.v3.CelExpression.expr_specifier": ["required"],
};

/** By field: values that a list of allowed ones (`in`) in the API that this package was generated from has had added since. */
export const addedValues: Readonly<Record<string, readonly string[]>> = {
  "envoy.config.accesslog.v3.ResponseFlagFilter.flags": ["UDO"],
};
