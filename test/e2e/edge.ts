import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { AddressSchema } from "../../gen/envoy/config/core/v3/address_pb.js";
import { HealthCheckSchema } from "../../gen/envoy/config/core/v3/health_check_pb.js";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import type { FilterChainSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.js";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import type { RouteActionSchema } from "../../gen/envoy/config/route/v3/route_components_pb.js";
import { type RouteConfiguration, RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import { ClusterConfigSchema } from "../../gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import {
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { Snapshot } from "../../src/index.js";
import { configSource, type Mode } from "./modes.js";

/** The configuration of an Envoy with one listener, one route and a cluster for each backend. */
export interface EdgeOptions {
  readonly mode: Mode;
  /** The listener's. */
  readonly port: number;
  /** Ports by name; each is a cluster of that name. */
  readonly backends: Readonly<Record<string, number>>;
  /** The backend that everything is routed to. */
  readonly routeTo: string;
  /** Prefix of the listener's statistics: something to change on it. */
  readonly statPrefix?: string;
  /** A listener that Envoy refuses: two filter chains of which each matches everything. */
  readonly bad?: boolean;
}

/** The name of the listener and of its route configuration. */
export const edgeName = "edge";

export function edge({ mode, port, backends, routeTo, statPrefix = edgeName, bad = false }: EdgeOptions): Snapshot {
  const chain = httpFilterChain({ mode, statPrefix, routeName: edgeName });
  return Snapshot.of([
    ...Object.keys(backends).map((name) => edsCluster(name, mode)),
    ...Object.entries(backends).map(([name, backend]) => endpoints(name, backend)),
    listener(edgeName, port, bad ? [chain, chain] : [chain]),
    routeAll(edgeName, routeTo),
  ]);
}

export function edsCluster(name: string, mode: Mode): Cluster {
  return create(ClusterSchema, {
    name,
    connectTimeout: durationFromMs(1_000),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: configSource(mode) },
  });
}

/** A cluster whose only member is another cluster. */
export const aggregateCluster = (name: string, child: string): Cluster =>
  create(ClusterSchema, {
    name,
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    clusterDiscoveryType: {
      case: "clusterType",
      value: {
        name: "envoy.clusters.aggregate",
        typedConfig: pack(ClusterConfigSchema, { clusters: [child] }),
      },
    },
  });

/** The cluster with a health check by HTTP: it is warm when its endpoint has answered, or after 10 minutes. */
export function healthChecked(cluster: Cluster, path: string): Cluster {
  const healthCheck = create(HealthCheckSchema, {
    timeout: durationFromMs(600_000),
    interval: durationFromMs(600_000),
    unhealthyThreshold: 1,
    healthyThreshold: 1,
    healthChecker: { case: "httpHealthCheck", value: { path } },
  });
  return { ...cluster, healthChecks: [healthCheck] };
}

/** Endpoints of 127.0.0.1. */
export function endpoints(clusterName: string, ...ports: number[]): ClusterLoadAssignment {
  const lbEndpoints = ports.map((port) => ({
    hostIdentifier: { case: "endpoint" as const, value: { address: loopback(port) } },
  }));
  const locality = { region: "here" };
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [{ locality, loadBalancingWeight: 1, lbEndpoints }],
  });
}

export function listener(
  name: string,
  port: number,
  filterChains: MessageInitShape<typeof FilterChainSchema>[],
): Listener {
  return create(ListenerSchema, { name, address: loopback(port), filterChains });
}

/** HTTP, with its routes by RDS. */
export function httpFilterChain(http: { mode: Mode; statPrefix: string; routeName: string }) {
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix: http.statPrefix,
    routeSpecifier: { case: "rds", value: { configSource: configSource(http.mode), routeConfigName: http.routeName } },
    httpFilters: [{ name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, {}) } }],
  });
  return { filters: [{ name: "http", configType: { case: "typedConfig" as const, value: manager } }] };
}

/** HTTP, with a route of its own that sends every request to one cluster. */
export function inlineHttpFilterChain(http: { statPrefix: string; cluster: string; filters?: HttpFilter[] }) {
  const { statPrefix, cluster, filters = [] } = http;
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: "routeConfig", value: routeAll("inline", cluster) },
    httpFilters: [...filters, { name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, {}) } }],
  });
  return { filters: [{ name: "http", configType: { case: "typedConfig" as const, value: manager } }] };
}

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>;

/** A route configuration that sends every request to one cluster. */
export const routeAll = (name: string, cluster: string): RouteConfiguration =>
  routeEverything(name, { case: "cluster", value: cluster });

/** A route configuration that sends every request to the cluster that this extension picks. */
export function routeBySpecifier(name: string, typedConfig: Any): RouteConfiguration {
  const extension = { name: "specifier", typedConfig };
  return routeEverything(name, { case: "inlineClusterSpecifierPlugin", value: { extension } });
}

function routeEverything(
  name: string,
  clusterSpecifier: NonNullable<MessageInitShape<typeof RouteActionSchema>["clusterSpecifier"]>,
): RouteConfiguration {
  const routeName = clusterSpecifier.case === "cluster" ? String(clusterSpecifier.value) : ""; // for access logs
  const everything = { pathSpecifier: { case: "prefix" as const, value: "/" } };
  const action = { case: "route" as const, value: { clusterSpecifier } };
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [{ name: "all", domains: ["*"], routes: [{ name: routeName, match: everything, action }] }],
  });
}

/** A message made and put into an `Any`. */
export function pack<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Any {
  return anyPack(schema, create(schema, init));
}

function loopback(port: number): MessageInitShape<typeof AddressSchema> {
  const portSpecifier = { case: "portValue" as const, value: port };
  return { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } };
}
