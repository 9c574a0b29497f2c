// What the Envoy is told: a listener, its routes, the cluster that they lead to, and that cluster's endpoints.
import { create } from "@bufbuild/protobuf";
import { type Any, anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Snapshot } from "ts-control-plane";
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from "ts-control-plane/envoy/config/cluster/v3/cluster_pb";
import { type Address, AddressSchema } from "ts-control-plane/envoy/config/core/v3/address_pb";
import {
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from "ts-control-plane/envoy/config/core/v3/config_source_pb";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "ts-control-plane/envoy/config/endpoint/v3/endpoint_pb";
import { type Listener, ListenerSchema } from "ts-control-plane/envoy/config/listener/v3/listener_pb";
import { type RouteConfiguration, RouteConfigurationSchema } from "ts-control-plane/envoy/config/route/v3/route_pb";
import { RouterSchema } from "ts-control-plane/envoy/extensions/filters/http/router/v3/router_pb";
import { HttpConnectionManagerSchema } from "ts-control-plane/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";

const clusterName = "example_proxy_cluster";
const routeName = "local_route";
const listenerName = "listener_0";

/** The ports, all of 127.0.0.1. */
export interface Ports {
  /** Where the Envoy listens. */
  readonly listener: number;
  /** Where the requests go. */
  readonly upstream: number;
}

/** All that the Envoy needs to pass requests on. */
export function makeSnapshot(ports: Ports): Snapshot {
  return Snapshot.of([makeCluster(), makeEndpoints(ports.upstream), makeListener(ports.listener), makeRoute()]);
}

/** A cluster whose endpoints come from this server too. */
function makeCluster(): Cluster {
  return create(ClusterSchema, {
    name: clusterName,
    connectTimeout: durationFromMs(5_000),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: aggregated() },
  });
}

function makeEndpoints(port: number): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: loopback(port) } } }] }],
  });
}

/** HTTP, with its routes from this server too. */
function makeListener(port: number): Listener {
  const router: Any = anyPack(RouterSchema, create(RouterSchema));
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "http",
    routeSpecifier: { case: "rds", value: { configSource: aggregated(), routeConfigName: routeName } },
    httpFilters: [{ name: "envoy.filters.http.router", configType: { case: "typedConfig", value: router } }],
  });
  const filter = {
    name: "envoy.filters.network.http_connection_manager",
    configType: { case: "typedConfig" as const, value: anyPack(HttpConnectionManagerSchema, manager) },
  };
  return create(ListenerSchema, {
    name: listenerName,
    address: loopback(port),
    filterChains: [{ filters: [filter] }],
  });
}

/** Every request goes to the one cluster. */
function makeRoute(): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: routeName,
    virtualHosts: [
      {
        name: "local_service",
        domains: ["*"],
        routes: [
          {
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: clusterName } } },
          },
        ],
      },
    ],
  });
}

/** "Where you get everything": the aggregated stream of the Envoy's bootstrap. */
function aggregated(): ConfigSource {
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: { case: "ads", value: {} },
  });
}

function loopback(port: number): Address {
  return create(AddressSchema, {
    address: {
      case: "socketAddress",
      value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } },
    },
  });
}
