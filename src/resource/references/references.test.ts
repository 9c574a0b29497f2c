import { create, type DescField, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { envoyRegistry, resourceTypes } from "../default-api.js";
import { Resource } from "../resource.js";
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
import { covers, isCollection, referencesOf } from "./references.js";
import { referringMessages, withoutReferences } from "./table.js";

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

  const internal = (name: string, id = "") => ({
    envoy_internal_address: { server_listener_name: name, ...(id && { endpoint_id: id }) },
  });
  const plain = (port: number) => ({ socket_address: { address: "10.0.0.1", port_value: port } });

  test("endpoints refer to the internal listeners that they name, in a cluster too", () => {
    const lb_endpoints = [
      { endpoint: { address: plain(1) }, health_status: "HEALTHY", metadata: { filter_metadata: { x: {} } } },
      { endpoint: { address: internal("in", "id-1") } },
      { endpoint: { address: internal("in", "id-2") } },
      { endpoint: { address: plain(2), additional_addresses: [{ address: plain(3) }, { address: internal("more") }] } },
      { endpoint: { address: plain(4), hostname: "h".repeat(20_000) } },
      { endpoint: { address: internal("last"), hostname: "h".repeat(200) } },
    ];
    const load = { cluster_name: "c", endpoints: [{ lb_endpoints: [{ endpoint_name: "n" }] }, { lb_endpoints }] };
    const at = "endpoints[1].lb_endpoints";
    const found = (prefix = "") => [
      `listeners in at ${prefix}${at}[1].endpoint.address.envoy_internal_address.server_listener_name`,
      `listeners more at ${prefix}${at}[3].endpoint.additional_addresses[1].address.envoy_internal_address.server_listener_name`,
      `listeners last at ${prefix}${at}[5].endpoint.address.envoy_internal_address.server_listener_name`,
    ];
    expect(of(endpointType, load)).toEqual(found());
    expect(of(clusterType, { name: "c", type: "STATIC", load_assignment: load })).toEqual(found("load_assignment."));
    expect(of(localityEndpointType, { endpoint: { address: internal("in") } }, "e")).toEqual([
      "listeners in at endpoint.address.envoy_internal_address.server_listener_name",
    ]);
    const named_endpoints = { e: { address: internal("in") } };
    expect(of(endpointType, { cluster_name: "c", named_endpoints })).toEqual([
      'listeners in at named_endpoints["e"].address.envoy_internal_address.server_listener_name',
    ]);
  });

  test("thousand endpoints on the network refer to nothing, and what is after them is found", () => {
    const lb_endpoints = Array.from({ length: 1_000 }, (_, port) => ({ endpoint: { address: plain(port) } }));
    const load = { cluster_name: "c", endpoints: [{ lb_endpoints }] };
    expect(of(endpointType, load)).toEqual([]);
    lb_endpoints.push({ endpoint: { address: internal("in") } } as never);
    expect(of(endpointType, load)).toHaveLength(1);
  });

  test("a listener does not refer to what its own address names", () => {
    const additional_addresses = [{ address: internal("b") }];
    expect(
      of(listenerType, { name: "l", address: internal("a"), additional_addresses, internal_listener: {} }),
    ).toEqual([]);
  });

  test("a filter chain refers to what a listener with that chain does", () => {
    const rds = { ...type(hcm), stat_prefix: "x", rds: { config_source: ads, route_config_name: "r" } };
    const tls = {
      ...type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
      common_tls_context: { tls_certificate_sds_secret_configs: [{ name: "cert", sds_config: ads }] },
    };
    const filters = [
      { name: "e", config_discovery: { config_source: ads, type_urls: ["x/y"] } },
      { name: "http", typed_config: rds },
    ];
    const chain = { name: "f", filters, transport_socket: { name: "tls", typed_config: tls } };
    expect(of(filterChainType, chain).sort()).toEqual([
      "extension-configs e at filters[0].name",
      "routes r at filters[1].typed_config<HttpConnectionManager>.rds.route_config_name",
      "secrets cert at transport_socket.typed_config<DownstreamTlsContext>.common_tls_context.tls_certificate_sds_secret_configs[0].name",
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

test("rows are of messages and fields that the API has", () => {
  const lacking = Object.entries(referringMessages).flatMap(([typeName, { names = {}, source, sourced, actions }]) => {
    const paths = [...Object.keys(names), source, sourced?.source, ...(sourced?.name ?? []), sourced?.only?.field];
    paths.push(actions?.source, actions?.matcher, actions?.inline);
    return paths
      .filter((path) => path !== undefined && fieldAt(typeName, path) === undefined)
      .map((path) => `${typeName.slice(typeName.lastIndexOf(".") + 1)}.${path}`);
  });
  expect(lacking).toEqual([]);
});

test("the source of what is looked up is a ConfigSource, whose files have these numbers", () => {
  for (const [typeName, { source, sourced, actions }] of Object.entries(referringMessages))
    for (const path of [source, sourced?.source, actions?.source]) {
      const field = path && fieldAt(typeName, path);
      if (field) expect(field.message?.typeName, typeName).toBe("envoy.config.core.v3.ConfigSource");
    }
  const source = envoyRegistry().getMessage("envoy.config.core.v3.ConfigSource");
  expect(["path", "path_config_source"].map((name) => source?.fields.find((one) => one.name === name)?.number)).toEqual(
    [1, 8],
  );
});

test("what is without references is in the API", () => {
  for (const name of withoutReferences) {
    const dot = name.lastIndexOf(".");
    const found = envoyRegistry().getMessage(name) ?? fieldAt(name.slice(0, dot), name.slice(dot + 1));
    expect(found, name).toBeDefined();
  }
});

/** The field at the end of a path through messages of the built-in API. */
function fieldAt(typeName: string, path: string): DescField | undefined {
  let field: DescField | undefined;
  let schema = envoyRegistry().getMessage(typeName);
  for (const name of path.split(".")) {
    field = schema?.fields.find((one) => one.name === name);
    schema = field?.message;
  }
  return field;
}

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
