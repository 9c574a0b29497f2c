import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

const type = (name: string) => ({ "@type": `type.googleapis.com/${name}` });
const hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ads = { ads: {}, resource_api_version: "V3" };
const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
const router = { name: "router", typed_config: type("envoy.extensions.filters.http.router.v3.Router") };

/** A listener whose HTTP connection manager has these fields. */
const http = (fields: JsonObject): JsonObject => ({
  listeners: [
    {
      name: "http",
      address,
      filter_chains: [
        {
          filters: [
            {
              name: "http",
              typed_config: { ...type(hcm), stat_prefix: "http", http_filters: [router], ...fields },
            },
          ],
        },
      ],
    },
  ],
});

/** How a resource is given in a bootstrap file instead of by a discovery service, by its type. */
const places: Readonly<Record<string, (resource: JsonObject) => JsonObject>> = {
  "envoy.config.cluster.v3.Cluster": (cluster) => ({ clusters: [cluster] }),
  "envoy.config.endpoint.v3.ClusterLoadAssignment": (load_assignment) => ({
    clusters: [{ name: "endpoints", type: "STATIC", load_assignment }],
  }),
  "envoy.config.listener.v3.Listener": (listener) => ({ listeners: [listener] }),
  "envoy.config.route.v3.RouteConfiguration": (route_config) => http({ route_config }),
  "envoy.config.route.v3.VirtualHost": (host) => http({ route_config: { virtual_hosts: [host] } }),
  // Scopes in a file have their routes in them.
  "envoy.config.route.v3.ScopedRouteConfiguration": ({ route_configuration_name: name, ...scope }) =>
    http({
      scoped_routes: {
        name: "scopes",
        scope_key_builder: { fragments: [{ header_value_extractor: { name: "a", index: 0 } }] },
        rds_config_source: ads,
        scoped_route_configurations_list: {
          scoped_route_configurations: [{ ...scope, ...(name ? { route_configuration: { name } } : {}) }],
        },
      },
    }),
  "envoy.extensions.transport_sockets.tls.v3.Secret": (secret) => ({ secrets: [secret] }),
  "envoy.service.runtime.v3.Runtime": ({ name = "", layer = {} }) => ({ layers: [{ name, static_layer: layer }] }),
  "envoy.config.core.v3.TypedExtensionConfig": (filter) =>
    http({ route_config: {}, http_filters: isRouter(filter) ? [filter] : [filter, router] }),
};

const isRouter = ({ typed_config: config }: JsonObject) =>
  (config as JsonObject | undefined)?.["@type"] === router.typed_config["@type"];

/** A bootstrap configuration that has resources in it, and the cluster `static` for them to refer to. */
export function staticBootstrap(resources: readonly JsonObject[]): JsonObject {
  const parts = resources.map(({ "@type": typeUrl, ...resource }, index) => {
    const type = String(typeUrl).slice(String(typeUrl).indexOf("/") + 1);
    const place = places[type];
    if (!place) throw new Error(`no place for a ${type}`);
    return withUniqueNames(place(resource), index);
  });
  const all = (field: string) => parts.flatMap((part) => (part[field] ?? []) as JsonValue[]);
  const static_cluster = { name: "static", type: "STATIC", typed_extension_protocol_options: http2 };
  return {
    node: { id: "test", cluster: "test" },
    dynamic_resources: {
      ads_config: {
        api_type: "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "static" } }],
      },
    },
    static_resources: {
      clusters: [static_cluster, ...all("clusters")],
      listeners: all("listeners"),
      secrets: all("secrets"),
    },
    layered_runtime: { layers: all("layers") },
  };
}

/** The first resource keeps its names, so that they are as they were given when it is alone. */
function withUniqueNames(part: JsonObject, index: number): JsonObject {
  const renamed = (value: JsonValue) =>
    (value as JsonObject[]).map((one) => (index > 0 && one.name ? { ...one, name: `${one.name}-${index}` } : one));
  return Object.fromEntries(Object.entries(part).map(([field, list]) => [field, renamed(list)]));
}

const http2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    ...type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
    explicit_http_config: { http2_protocol_options: {} },
  },
};
