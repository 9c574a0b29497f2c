import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

const type = (name: string) => ({ "@type": `type.googleapis.com/${name}` });
const hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ads = { ads: {}, resource_api_version: "V3" };
const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
const router = { name: "router", typed_config: type("envoy.extensions.filters.http.router.v3.Router") };

/** A name that no resource of the user should have. */
const own = (name: string | number) => `xds-validate/${name}`;
const serverName = own("management-server");
const ownServer = {
  api_type: "GRPC",
  transport_api_version: "V3",
  grpc_services: [{ envoy_grpc: { cluster_name: serverName } }],
};

/** Elements for the lists of a bootstrap. */
export type BootstrapLists = Partial<Record<"secrets" | "clusters" | "layers" | "listeners", JsonObject[]>>;

/** A resource in a bootstrap file, or why it cannot be in one. */
export type Placed = BootstrapLists | { readonly leftOut: string };

/**
 * Puts a resource of one type into a bootstrap file. `name` is for a listener or a cluster that is made around it.
 */
type Placing = (resource: JsonObject, name: string) => Placed;

/** A listener whose HTTP connection manager has these fields. */
const http = (name: string, fields: JsonObject): BootstrapLists => {
  const typed_config = { ...type(hcm), stat_prefix: "http", http_filters: [router], ...fields };
  return { listeners: [{ name, address, filter_chains: [{ filters: [{ name: "http", typed_config }] }] }] };
};

/** Routes without a check of clusters, as a server sends them, because their clusters may come later. */
const withoutClusterCheck = (routes: JsonObject): JsonObject => ({ validate_clusters: false, ...routes });

/**
 * Replaces ADS as the source of secrets by a separate stream to the same server. Envoy crashes in its `--mode validate`
 * on a cluster that gets secrets over ADS (seen with 1.36 and 1.40).
 */
function withoutSdsByAds(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => withoutSdsByAds(inner) as JsonValue);
  const { ads, ...others } = (value.sds_config ?? {}) as JsonObject;
  const source = ads === undefined ? value : { ...value, sds_config: { ...others, api_config_source: ownServer } };
  return Object.fromEntries(Object.entries(source).map(([key, inner]) => [key, withoutSdsByAds(inner) as JsonValue]));
}

/** By type, in the order in which Envoy reads them: referenced types come first. */
const places: Readonly<Record<string, Placing>> = {
  "envoy.extensions.transport_sockets.tls.v3.Secret": (secret) => ({ secrets: [secret] }),
  "envoy.config.cluster.v3.Cluster": (cluster) => ({ clusters: [withoutSdsByAds(cluster) as JsonObject] }),
  "envoy.config.endpoint.v3.ClusterLoadAssignment": (load_assignment, name) =>
    JSON.stringify(load_assignment).includes('"leds_cluster_locality_config"')
      ? { leftOut: "a bootstrap file cannot have endpoints by LEDS" }
      : { clusters: [{ name, type: "STATIC", load_assignment }] },
  "envoy.service.runtime.v3.Runtime": ({ name = "", layer = {} }) => ({ layers: [{ name, static_layer: layer }] }),
  "envoy.config.route.v3.RouteConfiguration": (routes, name) =>
    http(name, { route_config: withoutClusterCheck(routes) }),
  "envoy.config.route.v3.VirtualHost": (host, name) =>
    http(name, { route_config: withoutClusterCheck({ virtual_hosts: [host] }) }),
  // Scopes in a file have their routes in them.
  "envoy.config.route.v3.ScopedRouteConfiguration": ({ route_configuration_name: routes, ...scope }, name) =>
    http(name, {
      scoped_routes: {
        name: "scopes",
        scope_key_builder: { fragments: [{ header_value_extractor: { name: "a", index: 0 } }] },
        rds_config_source: ads,
        scoped_route_configurations_list: {
          scoped_route_configurations: [{ ...scope, ...(routes ? { route_configuration: { name: routes } } : {}) }],
        },
      },
    }),
  "envoy.config.core.v3.TypedExtensionConfig": extension,
  "envoy.config.listener.v3.Listener": (one) =>
    one.api_listener
      ? { leftOut: "an API listener is for gRPC clients; Envoy accepts none from a server" }
      : { listeners: [one] },
};

/** Places an extension config. The package of its message shows its kind. */
function extension(config: JsonObject, name: string): Placed {
  const { "@type": typeUrl = "", type_url: inner } = (config.typed_config ?? {}) as JsonObject;
  const message = String(inner ?? typeUrl);
  if (message.includes("/envoy.extensions.filters.listener."))
    return { listeners: [{ name, address, listener_filters: [config], filter_chains: [{}] }] };
  if (!/\/envoy\.extensions\.(?:filters\.http|common\.matching)\./.test(message))
    return { leftOut: "only extension configs of HTTP and listener filters can be tried alone" };
  const isRouter = message === router.typed_config["@type"];
  return http(name, { route_config: {}, http_filters: isRouter ? [config] : [config, router] });
}

const typeOf = ({ "@type": typeUrl }: JsonObject) => String(typeUrl).slice(String(typeUrl).indexOf("/") + 1);

/**
 * Places a resource (JSON with its `@type`, fields as the API spells them) in a bootstrap file. `id` must be different
 * for each resource in the file.
 */
export function placeStatically(resource: JsonObject, id: number): Placed {
  const { "@type": _, ...fields } = resource;
  return (
    places[typeOf(resource)]?.(fields, own(id)) ?? { leftOut: "a bootstrap file cannot have resources of its type" }
  );
}

/**
 * Sorts resources into the order in which Envoy reads them from a bootstrap file. Clusters that need no other cluster
 * come before the others.
 */
export function inStaticOrder<Each>(all: readonly Each[], resourceOf: (one: Each) => JsonObject): Each[] {
  const types = Object.keys(places);
  const rank = (resource: JsonObject) => types.indexOf(typeOf(resource)) + (resource.type === "EDS" ? 0.5 : 0);
  return [...all].sort((a, b) => rank(resourceOf(a)) - rank(resourceOf(b)));
}

/**
 * A bootstrap with resources that {@link placeStatically} placed. `standIns` are names of additional clusters: those
 * that the resources expect in their real bootstrap.
 */
export function staticBootstrap(placed: readonly BootstrapLists[], standIns: Iterable<string> = []): JsonObject {
  const all = (list: keyof BootstrapLists) => placed.flatMap((parts) => parts[list] ?? []);
  const hasInternal = all("listeners").some((one) => one.internal_listener);
  return {
    node: { id: "xds-validate", cluster: "xds-validate" },
    dynamic_resources: {
      ads_config: ownServer,
    },
    static_resources: {
      clusters: [...new Set([serverName, ...standIns])].map(standIn).concat(all("clusters")),
      listeners: all("listeners"),
      secrets: all("secrets"),
    },
    layered_runtime: { layers: all("layers") },
    ...(hasInternal && { bootstrap_extensions: [internalListeners] }),
  };
}

const internalListeners = {
  name: "envoy.bootstrap.internal_listener",
  typed_config: type("envoy.extensions.bootstrap.internal_listener.v3.InternalListener"),
};

const http2Options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const standIn = (name: string): JsonObject => ({
  name,
  type: "STATIC",
  typed_extension_protocol_options: {
    [http2Options]: { ...type(http2Options), explicit_http_config: { http2_protocol_options: {} } },
  },
});

/** The clusters that a resource uses for configuration sources or other gRPC services. */
export function serviceClustersOf(value: JsonValue | undefined): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(serviceClustersOf);
  return Object.entries(value).flatMap(([field, inner]) => {
    if (field === "envoy_grpc") return [String((inner as JsonObject).cluster_name)];
    if (field === "api_config_source") {
      const { cluster_names = [], grpc_services = [] } = inner as JsonObject;
      return [...(cluster_names as string[]), ...serviceClustersOf(grpc_services)];
    }
    return serviceClustersOf(inner);
  });
}
