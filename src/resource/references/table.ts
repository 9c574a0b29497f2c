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
  virtualHostType,
} from "../types.js";

/** How messages of one type refer to resources. Fields are spelt as in the API. */
export interface ReferringMessage {
  /**
   * Fields that contain names of resources, and the type of these resources. A field is a string, a list of strings, or
   * a map with the names as keys.
   */
  readonly names?: Readonly<Record<string, string>>;
  /**
   * The field with the envoy.config.core.v3.ConfigSource of all names in the message, at any depth. If that source is a
   * file, the message has no references.
   */
  readonly source?: string;
  /** A resource that comes from a configuration source. */
  readonly sourced?: SourcedReference;
  /** Resources whose names are in the actions of a matcher. */
  readonly actions?: ActionReferences;
}

/**
 * References in the actions of an xds.type.matcher.v3.Matcher. Each action is a google.protobuf.StringValue with a
 * name.
 */
export interface ActionReferences {
  readonly typeUrl: string;
  /** The field with the envoy.config.core.v3.ConfigSource. There are references only if it is a server, not a file. */
  readonly source: string;
  /** The field with the matcher. */
  readonly matcher: string;
  /** The field with the names of the message's inline parts. An action with one of these names is not a reference. */
  readonly inline: string;
}

/**
 * A reference to a resource whose configuration source is given beside it. Fields inside messages are given as paths.
 */
export interface SourcedReference {
  readonly typeUrl: string;
  /** The field with the envoy.config.core.v3.ConfigSource. There is a reference only if it is a server, not a file. */
  readonly source: string;
  /** Whether the source may be missing if the name is an xdstp name, which contains the place of the resource. */
  readonly optionalSource?: boolean;
  /** The fields with the name. The first one that is set counts. */
  readonly name: readonly [string, ...string[]];
  /** The name if none of these fields is set. */
  readonly otherwise?: string;
  /** Text to append to the name. Nothing is appended to an xdstp name, because the API does not define such names. */
  readonly suffix?: string;
  /** There is a reference only if an enum field has this value. */
  readonly only?: { readonly field: string; readonly value: number };
}

const thriftRouteType = "type.googleapis.com/envoy.extensions.filters.network.thrift_proxy.v3.RouteConfiguration";
const genericRouteType = "type.googleapis.com/envoy.extensions.filters.network.generic_proxy.v3.RouteConfiguration";
const dubboRouteType = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration";
const aggregateType = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig";
const tokenBucketType = "type.googleapis.com/envoy.type.v3.TokenBucket";

/** A row whose names are all names of clusters. */
const clustersIn = (...fields: string[]): ReferringMessage => ({
  names: Object.fromEntries(fields.map((field) => [field, clusterType])),
});

/** A row for a route configuration of any protocol, by its name. */
const routesOf = (typeUrl: string): ReferringMessage => ({
  sourced: { typeUrl, source: "config_source", optionalSource: true, name: ["route_config_name"] },
});

/** A row for a resource whose name, `resource_name`, is beside its source. */
const resourceOf = (typeUrl: string): ReferringMessage => ({
  sourced: { typeUrl, source: "config_source", name: ["resource_name"] },
});

/** A row for a filter whose configuration is found by the filter's name (ECDS). */
const filter: ReferringMessage = {
  sourced: { typeUrl: extensionConfigType, source: "config_discovery.config_source", name: ["name"] },
};

/**
 * The messages that refer to resources by name, wherever they occur in a resource, also in an Any.
 *
 * To support another message, add a row. The rows cover all versions of the API; a row without effect is one whose
 * message or field the API in use lacks.
 */
export const referringMessages: Readonly<Record<string, ReferringMessage>> = {
  "envoy.config.cluster.v3.Cluster": {
    sourced: {
      typeUrl: endpointType,
      source: "eds_cluster_config.eds_config",
      optionalSource: true,
      name: ["eds_cluster_config.service_name", "name"],
      only: { field: "type", value: 3 }, // EDS
    },
  },
  "envoy.config.endpoint.v3.LedsClusterLocalityConfig": {
    sourced: { typeUrl: localityEndpointType, source: "leds_config", name: ["leds_collection_name"] },
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
      otherwise: "*",
    },
  },
  "envoy.config.route.v3.ScopedRouteConfiguration": { names: { route_configuration_name: routeType } },
  "envoy.config.route.v3.RouteConfiguration": {
    sourced: { typeUrl: virtualHostType, source: "vhds.config_source", name: ["name"], suffix: "/*" },
  },
  "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": {
    sourced: { typeUrl: secretType, source: "sds_config", optionalSource: true, name: ["name"] },
  },
  "envoy.extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3.Config": {
    names: { prefetch_secret_names: secretType },
    source: "config_source",
  },
  "envoy.extensions.transport_sockets.tls.cert_mappers.static_name.v3.StaticName": { names: { name: secretType } },
  // FCDS. The name in fcds_config is not used: Envoy subscribes to the chains in the matcher's actions.
  "envoy.config.listener.v3.Listener": {
    actions: {
      typeUrl: filterChainType,
      source: "fcds_config.config_source",
      matcher: "filter_chain_matcher",
      inline: "filter_chains.name",
    },
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
  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.RequestMirrorPolicy":
    clustersIn("cluster"),
  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.ReadCommandPolicy":
    clustersIn("cluster"),
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
  "envoy.config.trace.v3.ZipkinConfig": clustersIn("collector_cluster"),
};

/**
 * Messages, and fields as `<message>.<field>`, that never refer to resources of a discovery service.
 *
 * The clusters of a configuration source must be in the bootstrap file. Envoy does not follow metadata. An internal
 * listener's own address is its name.
 */
export const withoutReferences: ReadonlySet<string> = new Set([
  "envoy.config.core.v3.ConfigSource",
  "envoy.config.core.v3.ApiConfigSource",
  "envoy.config.core.v3.Metadata",
  "envoy.config.endpoint.v3.Endpoint.HealthCheckConfig",
  "envoy.config.listener.v3.AdditionalAddress",
  "envoy.config.listener.v3.Listener.address",
  "envoy.extensions.transport_sockets.tls.v3.Secret",
  "envoy.service.runtime.v3.Runtime",
]);

/** The types that may refer to a type, for each type whose resources are useful only through references. */
export const referrerTypes: Readonly<Record<string, readonly string[]>> = {
  [clusterType]: [listenerType, filterChainType, routeType, virtualHostType],
  [endpointType]: [clusterType],
  [localityEndpointType]: [endpointType],
  [filterChainType]: [listenerType],
  [scopedRouteType]: [listenerType, filterChainType],
  [routeType]: [listenerType, filterChainType, scopedRouteType],
  [virtualHostType]: [routeType],
  [secretType]: [clusterType, listenerType, filterChainType],
  [extensionConfigType]: [clusterType, listenerType, filterChainType],
};
