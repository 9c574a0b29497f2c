// What the benchmark serves: the same resources, byte for byte, as bench/peer/server/resources.go makes.
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "ts-control-plane/envoy/config/cluster/v3/cluster_pb";
import { ApiVersion } from "ts-control-plane/envoy/config/core/v3/config_source_pb";
import { ClusterLoadAssignmentSchema } from "ts-control-plane/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "ts-control-plane/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "ts-control-plane/envoy/config/route/v3/route_pb";
import { RouterSchema } from "ts-control-plane/envoy/extensions/filters/http/router/v3/router_pb";
import { HttpConnectionManagerSchema } from "ts-control-plane/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";

/** @import { MessageInitShape } from "@bufbuild/protobuf" */
/** @import { ConfigSourceSchema } from "ts-control-plane/envoy/config/core/v3/config_source_pb" */

/** @param {number} i */
export const name = (i) => `service-${String(i).padStart(7, "0")}.example.svc.cluster.local`;
/** What a client looks for to know that a change has arrived. @param {number} k */
export const marker = (k) => `change-${String(k).padStart(8, "0")}`;

/** What a client that refuses looks for. */
export const refused = "refuse-me";

/** @type {MessageInitShape<typeof ConfigSourceSchema>} */
const ads = { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: { case: "ads", value: {} } };

/** @param {number} i @param {string} [mark] */
export function cluster(i, mark = "") {
  return create(ClusterSchema, {
    name: name(i),
    altStatName: mark,
    connectTimeout: { seconds: 1n },
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads },
  });
}

/** A cluster without endpoints. @param {string} name */
export const emptyCluster = (name) => create(ClusterSchema, { name, connectTimeout: { seconds: 1n } });

/** @param {number} i @param {string} [mark] */
export function endpoints(i, mark = "") {
  return create(ClusterLoadAssignmentSchema, {
    clusterName: name(i),
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: endpoint(mark) } }] }],
  });
}

/** @param {string} hostname */
const endpoint = (hostname) => ({
  address: socketAddress("10.0.0.1", 8080),
  hostname,
});

/** @param {string} address @param {number} port */
const socketAddress = (address, port) => ({
  address: {
    case: /** @type {const} */ ("socketAddress"),
    value: { address, portSpecifier: { case: /** @type {const} */ ("portValue"), value: port } },
  },
});

export function listener() {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "ingress",
    routeSpecifier: { case: "rds", value: { configSource: ads, routeConfigName: "routes" } },
    httpFilters: [
      { name: "router", configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) } },
    ],
  });
  const typedConfig = anyPack(HttpConnectionManagerSchema, manager);
  return create(ListenerSchema, {
    name: "ingress",
    address: socketAddress("0.0.0.0", 10000),
    filterChains: [{ filters: [{ name: "http", configType: { case: "typedConfig", value: typedConfig } }] }],
  });
}

/** @param {number} n */
export const routes = (n) => routesTo(Array.from({ length: n }, (_, i) => name(i)));

/** A virtual host for each of these clusters. @param {string[]} clusters */
export function routesTo(clusters) {
  return create(RouteConfigurationSchema, {
    name: "routes",
    virtualHosts: clusters.map((cluster) => ({
      name: cluster,
      domains: [cluster],
      routes: [
        {
          match: { pathSpecifier: { case: /** @type {const} */ ("prefix"), value: "/" } },
          action: {
            case: /** @type {const} */ ("route"),
            value: { clusterSpecifier: { case: /** @type {const} */ ("cluster"), value: cluster } },
          },
        },
      ],
    })),
  });
}

/** The bytes of cluster i. @param {number} i @param {string} [mark] */
export const clusterBytes = (i, mark) => toBinary(ClusterSchema, cluster(i, mark));

/** Cluster i as an item of a list in YAML. @param {number} i @param {string} mark */
export const clusterYaml = (i, mark) => `- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: ${name(i)}
  alt_stat_name: "${mark}"
  connect_timeout: 1s
  type: EDS
  eds_cluster_config:
    eds_config: { ads: {}, resource_api_version: V3 }
`;
