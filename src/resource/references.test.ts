import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { envoyRegistry } from "../schema/registry.js";
import { carriers, withoutReferences } from "./reference-table.js";
import { covers, isCollection, referencesOf } from "./references.js";
import { Resource } from "./resource.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  resourceTypes,
  routeType,
  scopedRouteType,
  secretType,
  virtualHostType,
} from "./types.js";

const ads = { ads: {} };
const type = (name: string) => ({ "@type": `type.googleapis.com/${name}` });
const hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

function resource(typeUrl: string, json: JsonValue, name?: string): Resource {
  const registry = envoyRegistry();
  const schema = registry.getMessage(typeUrl.slice(typeUrl.indexOf("/") + 1));
  if (!schema) throw new Error(`no ${typeUrl}`);
  return Resource.of(fromJson(schema, json, { registry }), name ? { name } : {});
}

/** `<short type> <name> at <path>` for each reference. */
const of = (typeUrl: string, json: JsonValue, name?: string) =>
  referencesOf(resource(typeUrl, json, name)).map(
    ({ typeUrl, name, path }) => `${resourceTypes().find((row) => row.typeUrl === typeUrl)?.name} ${name} at ${path}`,
  );

const listener = (filter: JsonValue) => ({
  name: "l",
  filter_chains: [{ filters: [{ name: "f", typed_config: filter }] }],
});
const inFilter = "filter_chains[0].filters[0].typed_config";

describe("referencesOf", () => {
  test("a cluster refers to its endpoints by service name or by its own, when they come from a server", () => {
    const eds = { name: "c", type: "EDS", eds_cluster_config: { eds_config: ads } };
    expect(of(clusterType, eds)).toEqual(["endpoints c at name"]);
    expect(of(clusterType, { ...eds, eds_cluster_config: { eds_config: ads, service_name: "s" } })).toEqual([
      "endpoints s at eds_cluster_config.service_name",
    ]);
    const xdstp = "xdstp://a/envoy.config.endpoint.v3.ClusterLoadAssignment/x";
    expect(of(clusterType, { ...eds, eds_cluster_config: { service_name: xdstp } })).toEqual([
      `endpoints ${xdstp} at eds_cluster_config.service_name`,
    ]);
    expect(of(clusterType, { ...eds, eds_cluster_config: {} })).toEqual([]);
    const file = { path_config_source: { path: "/x" } };
    expect(of(clusterType, { ...eds, eds_cluster_config: { eds_config: file } })).toEqual([]);
    expect(of(clusterType, { ...eds, type: "STATIC" })).toEqual([]);
  });

  test("a cluster refers to secrets, extension configs and other clusters, but not to its configuration source's", () => {
    const sds = (name: string) => ({ name, sds_config: ads });
    const tls = {
      ...type("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
      common_tls_context: {
        tls_certificate_sds_secret_configs: [sds("cert"), { name: "static" }],
        combined_validation_context: { validation_context_sds_secret_config: sds("ca") },
      },
    };
    const server = { api_type: "GRPC", grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }] };
    const cluster = {
      name: "c",
      type: "EDS",
      eds_cluster_config: { eds_config: { api_config_source: server } },
      transport_socket: { name: "tls", typed_config: tls },
      filters: [{ name: "u", config_discovery: { config_source: ads, type_urls: ["x/y"] } }],
    };
    const at = "transport_socket.typed_config<UpstreamTlsContext>.common_tls_context";
    expect(of(clusterType, cluster).sort()).toEqual([
      "endpoints c at name",
      "extension-configs u at filters[0].name",
      `secrets ca at ${at}.combined_validation_context.validation_context_sds_secret_config.name`,
      `secrets cert at ${at}.tls_certificate_sds_secret_configs[0].name`,
    ]);
    const aggregate = { ...type("envoy.extensions.clusters.aggregate.v3.ClusterConfig"), clusters: ["a", "b"] };
    expect(of(clusterType, { name: "c", cluster_type: { name: "aggregate", typed_config: aggregate } })).toEqual([
      "clusters a at cluster_type.typed_config<ClusterConfig>.clusters[0]",
      "clusters b at cluster_type.typed_config<ClusterConfig>.clusters[1]",
    ]);
  });

  test("endpoints refer to the members of a LEDS collection", () => {
    const leds = { leds_config: ads, leds_collection_name: "xdstp://a/envoy.config.endpoint.v3.LbEndpoint/x/*" };
    const endpoints = [{ lb_endpoints: [{ endpoint: {} }] }, { leds_cluster_locality_config: leds }];
    expect(of(endpointType, { cluster_name: "c", endpoints })).toEqual([
      `locality-endpoints ${leds.leds_collection_name} at endpoints[1].leds_cluster_locality_config.leds_collection_name`,
    ]);
  });

  test("a listener refers to its route configuration, scoped routes, discovered filters and what filters call", () => {
    const rds = { ...type(hcm), rds: { config_source: ads, route_config_name: "r" } };
    expect(of(listenerType, listener(rds))).toEqual([
      `routes r at ${inFilter}<HttpConnectionManager>.rds.route_config_name`,
    ]);
    const scoped = { scoped_rds_config_source: ads };
    const at = `${inFilter}<HttpConnectionManager>.scoped_routes.scoped_rds.srds_resources_locator`;
    expect(of(listenerType, listener({ ...type(hcm), scoped_routes: { scoped_rds: scoped } }))).toEqual([
      `scoped-routes * at ${at}`,
    ]);
    const authz = {
      ...type("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"),
      grpc_service: { envoy_grpc: { cluster_name: "authz" } },
    };
    const oauth = {
      ...type("envoy.extensions.filters.http.oauth2.v3.OAuth2"),
      config: { token_endpoint: { uri: "x", cluster: "oauth" } },
    };
    const http_filters = [
      { name: "a", typed_config: authz },
      { name: "b", config_discovery: { config_source: ads, default_config: oauth, type_urls: ["x/y"] } },
    ];
    expect(of(listenerType, listener({ ...type(hcm), http_filters })).sort()).toEqual([
      `clusters authz at ${inFilter}<HttpConnectionManager>.http_filters[0].typed_config<ExtAuthz>.grpc_service.envoy_grpc.cluster_name`,
      `clusters oauth at ${inFilter}<HttpConnectionManager>.http_filters[1].config_discovery.default_config<OAuth2>.config.token_endpoint.cluster`,
      `extension-configs b at ${inFilter}<HttpConnectionManager>.http_filters[1].name`,
    ]);
  });

  test("a listener refers to the clusters of its other filters", () => {
    const tcp = { ...type("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"), stat_prefix: "x" };
    expect(of(listenerType, listener({ ...tcp, cluster: "c" }))).toEqual([
      `clusters c at ${inFilter}<TcpProxy>.cluster`,
    ]);
    const weighted_clusters = {
      clusters: [
        { name: "a", weight: 1 },
        { name: "b", weight: 1 },
      ],
    };
    expect(of(listenerType, listener({ ...tcp, weighted_clusters }))).toEqual([
      `clusters a at ${inFilter}<TcpProxy>.weighted_clusters.clusters[0].name`,
      `clusters b at ${inFilter}<TcpProxy>.weighted_clusters.clusters[1].name`,
    ]);
    const redis = {
      ...type("envoy.extensions.filters.network.redis_proxy.v3.RedisProxy"),
      prefix_routes: { catch_all_route: { cluster: "r", request_mirror_policy: [{ cluster: "m" }] } },
    };
    expect(of(listenerType, listener(redis)).sort()).toEqual([
      `clusters m at ${inFilter}<RedisProxy>.prefix_routes.catch_all_route.request_mirror_policy[0].cluster`,
      `clusters r at ${inFilter}<RedisProxy>.prefix_routes.catch_all_route.cluster`,
    ]);
  });

  test("a route configuration refers to its clusters, each once, and to its virtual hosts", () => {
    const routes = [
      { match: { prefix: "/a" }, route: { cluster: "a", request_mirror_policies: [{ cluster: "mirror" }] } },
      { match: { prefix: "/b" }, route: { weighted_clusters: { clusters: [{ name: "b" }, { cluster_header: "h" }] } } },
      { match: { prefix: "/c" }, route: { cluster_header: "h" } },
      { match: { prefix: "/" }, route: { cluster: "a" } },
    ];
    const config = { name: "r", virtual_hosts: [{ name: "v", domains: ["*"], routes }], vhds: { config_source: ads } };
    expect(of(routeType, config)).toEqual([
      "clusters a at virtual_hosts[0].routes[0].route.cluster",
      "clusters mirror at virtual_hosts[0].routes[0].route.request_mirror_policies[0].cluster",
      "clusters b at virtual_hosts[0].routes[1].route.weighted_clusters.clusters[0].name",
      "virtual-hosts r/* at vhds.config_source",
    ]);
    expect(of(virtualHostType, { name: "v", domains: ["*"], routes }, "r/v")).toHaveLength(3);
    expect(of(scopedRouteType, { name: "s", route_configuration_name: "r" })).toEqual([
      "routes r at route_configuration_name",
    ]);
  });

  test("looks into maps, extension configs, matchers and JSON given in an Any", () => {
    const health = {
      ...type("envoy.extensions.filters.http.health_check.v3.HealthCheck"),
      cluster_min_healthy_percentages: { "a b": { value: 1 } },
    };
    expect(of(extensionConfigType, { name: "e", typed_config: health })).toEqual([
      'clusters a b at typed_config<HealthCheck>.cluster_min_healthy_percentages["a b"]',
    ]);
    const typed_per_filter_config = {
      "envoy.filters.http.ext_authz": {
        ...type("xds.type.v3.TypedStruct"),
        type_url: "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        value: { stat_prefix: "x", cluster: "c" },
      },
    };
    expect(of(routeType, { name: "r", typed_per_filter_config })).toEqual([
      'clusters c at typed_per_filter_config["envoy.filters.http.ext_authz"]<TypedStruct><TcpProxy>.cluster',
    ]);
  });

  test("what is of no known type, or cannot be decoded, refers to nothing", () => {
    const any = (typeUrl: string, value: Uint8Array) =>
      create(ClusterSchema, {
        name: "c",
        clusterDiscoveryType: { case: "clusterType", value: { name: "x", typedConfig: { typeUrl, value } } },
      });
    expect(referencesOf(Resource.of(any("type.googleapis.com/x.Y", Uint8Array.of(1, 2, 3))))).toEqual([]);
    const aggregate = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig";
    expect(referencesOf(Resource.of(any(aggregate, Uint8Array.of(10, 200))))).toEqual([]);
    expect(
      referencesOf(Resource.fromBytes(routeType, Uint8Array.of(18, 255, 255, 255, 255, 15), { name: "r" })),
    ).toEqual([]);
    expect(of(secretType, { name: "s" })).toEqual([]);
  });

  test("finds them once", () => {
    const r = resource(clusterType, { name: "c", type: "EDS", eds_cluster_config: { eds_config: ads } });
    expect(referencesOf(r)).toBe(referencesOf(r));
  });
});

test("every row of the table is of a message and of fields that the API has", () => {
  for (const [typeName, { names = {}, sourced }] of Object.entries(carriers)) {
    const paths = [...Object.keys(names)];
    if (sourced) paths.push(sourced.source, ...sourced.name, ...(sourced.only ? [sourced.only.field] : []));
    for (const path of paths) {
      let schema = envoyRegistry().getMessage(typeName);
      for (const name of path.split(".")) {
        const field = schema?.fields.find((one) => one.name === name);
        expect(field, `${typeName} ${path}`).toBeDefined();
        schema = field?.message;
      }
      if (path === sourced?.source) expect(schema?.typeName).toBe("envoy.config.core.v3.ConfigSource");
    }
  }
  const source = envoyRegistry().getMessage("envoy.config.core.v3.ConfigSource");
  expect(["path", "path_config_source"].map((name) => source?.fields.find((one) => one.name === name)?.number)).toEqual(
    [1, 8],
  );
  for (const typeName of withoutReferences) expect(envoyRegistry().getMessage(typeName), typeName).toBeDefined();
});

test("a collection covers its direct members", () => {
  expect(covers("*", "a")).toBe(true);
  expect(covers("a", "a")).toBe(true);
  expect(covers("a", "b")).toBe(false);
  expect(covers("r/*", "r/host")).toBe(true);
  expect(covers("r/*", "r/")).toBe(false);
  expect(covers("r/*", "r2/host")).toBe(false);
  expect(covers("r/*", "r")).toBe(false);
  expect(covers("xdstp://a/T/x/*?p=1&q=2", "xdstp://a/T/x/m?p=1&q=2")).toBe(true);
  expect(covers("xdstp://a/T/x/*?p=1", "xdstp://a/T/x/m")).toBe(false);
  expect(covers("xdstp://a/T/x/*", "xdstp://a/T/x/y/m")).toBe(false);
  expect([isCollection("*"), isCollection("r/*"), isCollection("r"), isCollection("*.com")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
