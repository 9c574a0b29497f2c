/**
 * Fields with Anys in which Envoy does not check the API's rules. A broken rule there is reported as a warning.
 *
 * This was tried with Envoy 1.40 (`docs/validation.md`).
 */
export const uncheckedContents: ReadonlySet<string> = new Set([
  "envoy.config.core.v3.Metadata.typed_filter_metadata",
  "envoy.config.cluster.v3.Cluster.typed_dns_resolver_config",
  "envoy.config.cluster.v3.LoadBalancingPolicy.Policy.typed_extension_config",
  // For gRPC clients, which have their own rules. An Envoy does not accept such a listener from a server.
  "envoy.config.listener.v3.ApiListener.api_listener",
  "envoy.config.route.v3.ClusterSpecifierPlugin.extension",
  "envoy.config.route.v3.RetryPolicy.RetryPriority.typed_config",
  "envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.typed_dns_resolver_config",
]);
