import type { Message } from "@bufbuild/protobuf";
import type { Cluster } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { Filter as ClusterFilter } from "../../gen/envoy/config/cluster/v3/filter_pb.js";
import type { ConfigSource, ExtensionConfigSource } from "../../gen/envoy/config/core/v3/config_source_pb.js";
import type { LedsClusterLocalityConfig } from "../../gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import type { Filter, ListenerFilter } from "../../gen/envoy/config/listener/v3/listener_components_pb.js";
import type { RouteConfiguration } from "../../gen/envoy/config/route/v3/route_pb.js";
import type { DynamicConfig } from "../../gen/envoy/extensions/filters/http/composite/v3/composite_pb.js";
import type { Drds } from "../../gen/envoy/extensions/filters/network/dubbo_proxy/v3/dubbo_proxy_pb.js";
import type {
  HttpFilter,
  Rds,
  ScopedRds,
} from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { Trds } from "../../gen/envoy/extensions/filters/network/thrift_proxy/v3/thrift_proxy_pb.js";
import type { SdsSecretConfig } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
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

/** What one message refers to: the type, the name, and the field (in the API's spelling) that says so. */
export interface Target {
  readonly typeUrl: string;
  readonly name: string;
  readonly field: string;
}

/** How the messages of one type refer to resources. Fields are spelt as in the API. */
export interface Carrier {
  /** Strings, lists of strings and maps by string that are names of resources: the field, and their type. */
  readonly names?: Readonly<Record<string, string>>;
  /** Where one field does not say it all. */
  readonly computed?: {
    /** The field by which there is a reference at all. */
    readonly by: string;
    /** The other fields that are looked at. */
    readonly and: readonly string[];
    /** Given a message that has nothing but these fields. */
    readonly refer: (message: Message) => Target | undefined;
  };
}

const thriftRouteType = "type.googleapis.com/envoy.extensions.filters.network.thrift_proxy.v3.RouteConfiguration";
const dubboRouteType = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration";

/** Cluster.DiscoveryType.EDS */
const eds = 3;

/** Whether a configuration source is a server: what is in files is not ours to have. */
function isServed(source: ConfigSource | undefined): boolean {
  const specifier = source?.configSourceSpecifier.case;
  return source !== undefined && specifier !== "path" && specifier !== "pathConfigSource";
}

/** The same for what has a name: an xdstp name says where it comes from without a source. */
const isNamedServed = (name: string, source: ConfigSource | undefined): boolean =>
  source ? isServed(source) : name.startsWith("xdstp:");

/** A row whose names are all clusters'. */
const clustersIn = (...fields: string[]): Carrier => ({
  names: Object.fromEntries(fields.map((field) => [field, clusterType])),
});

/** A row for one type of message, by a function of some of its fields. */
function computed<M extends Message>(
  by: string,
  and: readonly string[],
  refer: (message: M) => Target | undefined,
): Carrier {
  return { computed: { by, and, refer: refer as (message: Message) => Target | undefined } };
}

/** A filter whose configuration is looked up by the filter's name (ECDS). */
const discovered = (name: string, config: ExtensionConfigSource | undefined): Target | undefined =>
  isServed(config?.configSource) ? { typeUrl: extensionConfigType, name, field: "name" } : undefined;

/** A filter whose configuration is either in it or discovered. */
const filter = computed<Filter | ListenerFilter | HttpFilter>("config_discovery", ["name"], ({ name, configType }) =>
  configType.case === "configDiscovery" ? discovered(name, configType.value) : undefined,
);

/** A route configuration by its name, of whichever protocol. */
const routesOf = (typeUrl: string): Carrier =>
  computed<Rds | Trds | Drds>("route_config_name", ["config_source"], ({ configSource, routeConfigName: name }) =>
    isNamedServed(name, configSource) ? { typeUrl, name, field: "route_config_name" } : undefined,
  );

/**
 * The messages that refer to resources by name, wherever they are in a resource, in an Any too. A message that is new
 * to this is one more row.
 */
export const carriers: Readonly<Record<string, Carrier>> = {
  "envoy.config.cluster.v3.Cluster": computed<Cluster>(
    "eds_cluster_config",
    ["name", "type"],
    ({ name, clusterDiscoveryType: type, edsClusterConfig: config }) => {
      if (type.case !== "type" || type.value !== eds || !config) return undefined;
      if (!isNamedServed(config.serviceName || name, config.edsConfig)) return undefined;
      return config.serviceName
        ? { typeUrl: endpointType, name: config.serviceName, field: "eds_cluster_config.service_name" }
        : { typeUrl: endpointType, name, field: "name" };
    },
  ),
  "envoy.config.endpoint.v3.LedsClusterLocalityConfig": computed<LedsClusterLocalityConfig>(
    "leds_config",
    ["leds_collection_name"],
    ({ ledsConfig, ledsCollectionName: name }) =>
      isServed(ledsConfig) ? { typeUrl: localityEndpointType, name, field: "leds_collection_name" } : undefined,
  ),
  "envoy.extensions.filters.network.http_connection_manager.v3.Rds": routesOf(routeType),
  "envoy.extensions.filters.network.thrift_proxy.v3.Trds": routesOf(thriftRouteType),
  "envoy.extensions.filters.network.dubbo_proxy.v3.Drds": routesOf(dubboRouteType),
  "envoy.extensions.filters.network.http_connection_manager.v3.ScopedRds": computed<ScopedRds>(
    "scoped_rds_config_source",
    ["srds_resources_locator"],
    ({ scopedRdsConfigSource: source, srdsResourcesLocator: locator }) =>
      isServed(source)
        ? { typeUrl: scopedRouteType, name: locator || "*", field: "srds_resources_locator" }
        : undefined,
  ),
  "envoy.config.route.v3.ScopedRouteConfiguration": { names: { route_configuration_name: routeType } },
  "envoy.config.route.v3.RouteConfiguration": computed<RouteConfiguration>("vhds", ["name"], ({ name, vhds }) =>
    isServed(vhds?.configSource) ? { typeUrl: virtualHostType, name: `${name}/*`, field: "vhds" } : undefined,
  ),
  "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": computed<SdsSecretConfig>(
    "name",
    ["sds_config"],
    ({ name, sdsConfig }) =>
      isNamedServed(name, sdsConfig) ? { typeUrl: secretType, name, field: "name" } : undefined,
  ),

  "envoy.config.listener.v3.Filter": filter,
  "envoy.config.listener.v3.ListenerFilter": filter,
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter": filter,
  "envoy.config.cluster.v3.Filter": computed<ClusterFilter>("config_discovery", ["name"], ({ name, configDiscovery }) =>
    discovered(name, configDiscovery),
  ),
  "envoy.extensions.filters.http.composite.v3.DynamicConfig": computed<DynamicConfig>(
    "config_discovery",
    ["name"],
    ({ name, configDiscovery }) => discovered(name, configDiscovery),
  ),

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
