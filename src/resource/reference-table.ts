import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  localityEndpointType,
  routeType,
  scopedRouteType,
  secretType,
  virtualHostType,
} from "./types.js";

/** How the messages of one type refer to resources. Fields are spelt as in the API. */
export interface Carrier {
  /** Strings, lists of strings and maps by string that are names of resources: the field, and their type. */
  readonly names?: Readonly<Record<string, string>>;
  /** A resource that is to be had from a configuration source. */
  readonly sourced?: Sourced;
}

/** A reference to a resource whose configuration source is told beside it. Fields inside messages are given as paths. */
export interface Sourced {
  readonly typeUrl: string;
  /** The field with the envoy.config.core.v3.ConfigSource. There is a reference when that is a server, not a file. */
  readonly source: string;
  /** An xdstp name says where the resource comes from, so that the source may be left out. */
  readonly optionalSource?: boolean;
  /** The fields with the name: the first that is set counts. */
  readonly name: readonly [string, ...string[]];
  /** The name when none of them is set. */
  readonly otherwise?: string;
  /** Goes behind the name; not behind an xdstp name, where such names are not laid down. */
  readonly suffix?: string;
  /** Only where an enum's field has this value. */
  readonly only?: { readonly field: string; readonly value: number };
}

const thriftRouteType = "type.googleapis.com/envoy.extensions.filters.network.thrift_proxy.v3.RouteConfiguration";
const dubboRouteType = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration";

/** A row whose names are all clusters'. */
const clustersIn = (...fields: string[]): Carrier => ({
  names: Object.fromEntries(fields.map((field) => [field, clusterType])),
});

/** A route configuration by its name, of whichever protocol. */
const routesOf = (typeUrl: string): Carrier => ({
  sourced: { typeUrl, source: "config_source", optionalSource: true, name: ["route_config_name"] },
});

/** A filter whose configuration is looked up by the filter's name (ECDS). */
const filter: Carrier = {
  sourced: { typeUrl: extensionConfigType, source: "config_discovery.config_source", name: ["name"] },
};

/**
 * The messages that refer to resources by name, wherever they are in a resource, in an Any too. A message that is new
 * to this is one more row.
 */
export const carriers: Readonly<Record<string, Carrier>> = {
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

  "envoy.config.cluster.v3.Filter": filter,
  "envoy.config.listener.v3.Filter": filter,
  "envoy.config.listener.v3.ListenerFilter": filter,
  "envoy.extensions.filters.http.composite.v3.DynamicConfig": filter,
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": filter,

  "envoy.config.route.v3.RouteAction": clustersIn("cluster"),
  "envoy.config.route.v3.RouteAction.RequestMirrorPolicy": clustersIn("cluster"),
  "envoy.config.route.v3.WeightedCluster.ClusterWeight": clustersIn("name"),
  "envoy.extensions.router.cluster_specifiers.lua.v3.LuaConfig": clustersIn("default_cluster"),
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
  "envoy.extensions.clusters.aggregate.v3.ClusterConfig": clustersIn("clusters"),
  "envoy.extensions.filters.http.health_check.v3.HealthCheck": clustersIn("cluster_min_healthy_percentages"),
  "envoy.extensions.filters.http.gcp_authn.v3.GcpAuthnFilterConfig": clustersIn("cluster"),
  "envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig": clustersIn("cluster"),
  "envoy.data.dns.v3.DnsTable.DnsEndpoint": clustersIn("cluster_name"),
  "envoy.data.dns.v3.DnsTable.DnsServiceTarget": clustersIn("cluster_name"),
  "envoy.config.core.v3.HttpUri": clustersIn("cluster"),
  "envoy.config.core.v3.GrpcService.EnvoyGrpc": clustersIn("cluster_name"),
  "envoy.config.trace.v3.DatadogConfig": clustersIn("collector_cluster"),
  "envoy.config.trace.v3.LightstepConfig": clustersIn("collector_cluster"),
  "envoy.config.trace.v3.ZipkinConfig": clustersIn("collector_cluster"),
};

/**
 * Messages in which nothing refers to what a discovery service serves. The clusters of a configuration source have to be in the
 * bootstrap file; what metadata hold is not Envoy's to follow.
 */
export const withoutReferences: ReadonlySet<string> = new Set([
  "envoy.config.core.v3.ConfigSource",
  "envoy.config.core.v3.ApiConfigSource",
  "envoy.config.core.v3.Metadata",
  "envoy.config.endpoint.v3.LbEndpoint",
  "envoy.extensions.transport_sockets.tls.v3.Secret",
  "envoy.service.runtime.v3.Runtime",
]);

/** By a type that is of use only to what refers to it: the types that may. */
export const referrers: Readonly<Record<string, readonly string[]>> = {
  [clusterType]: [listenerType, routeType, virtualHostType],
  [endpointType]: [clusterType],
  [localityEndpointType]: [endpointType],
  [scopedRouteType]: [listenerType],
  [routeType]: [listenerType, scopedRouteType],
  [virtualHostType]: [routeType],
  [secretType]: [clusterType, listenerType],
  [extensionConfigType]: [clusterType, listenerType],
};
