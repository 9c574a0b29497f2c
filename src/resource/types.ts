import { XdsError } from "../errors.js";

/** What the server has to know of a resource type. Nothing else in the code switches on a type. */
export interface ResourceType {
  /** As requests spell it: `type.googleapis.com/<message>`. */
  readonly typeUrl: string;
  /** The short plural by which status, logs and commands name the type, such as `clusters`. */
  readonly name: string;
  /** Position in a change: lower goes first (P53). Types of one position go in the order of the table. */
  readonly order: number;
  /** A SotW response holds all that is subscribed, and absence deletes (P29, P30); else only what changed (P31). */
  readonly fullStateInSotw: boolean;
  /** An empty first list of names subscribes everything (P33, P46); else nothing. */
  readonly emptyIsWildcard: boolean;
  /** The message's field (in lowerCamelCase) that holds the name; without it every resource is given one by hand. */
  readonly nameField?: string;
  /** Delta answers for a name that does not exist with a resource without a body, not with a removal (P60). */
  readonly unknownWithoutBody?: boolean;
  /** Sent again, though unchanged, when a resource that refers to it has changed: Envoy waits for it anew (P55). */
  readonly sentAgain?: boolean;
  /**
   * A client goes on using an old resource of the type after it has taken the new one or the removal, until connections
   * have drained (P54). So what the old one referred to stays on the client meanwhile.
   */
  readonly drains?: boolean;
  /**
   * Code that nobody here can read may pick resources of the type, so they are removed after the rest of a change
   * (P54).
   */
  readonly removedLast?: boolean;
  /** The message's field with an address that only one resource on a client can have at a time. */
  readonly addressField?: number;
  /** Envoy 1.36 and 1.40 crash when a resource of the type expires that came in SotW with a TTL. */
  readonly expiryCrashesSotw?: boolean;
  /** The type's own gRPC service. */
  readonly service?: DiscoveryServiceMethods;
  /** The last part of its REST path, `/v3/discovery:<restPath>` (P66). */
  readonly restPath?: string;
  /**
   * The answer for a name that does not exist, where another one would stall the client's start (P40, P56): a resource
   * that has nothing but its name, in the string field with this number. `afterTypeUrl`: only where that type has a
   * resource of the same name. `inDelta`: in delta too, for a client that never had the resource; by default delta
   * answers with a removal.
   */
  readonly placeholder?: { readonly field: number; readonly afterTypeUrl?: string; readonly inDelta?: boolean };
  /**
   * Delta does not answer for a name that never existed: the client would take any answer for the resource's end (P40).
   */
  readonly missingIsSilent?: boolean;
}

/** The names of a discovery service's methods; a method left out is not offered. */
export interface DiscoveryServiceMethods {
  /** Full name, such as `envoy.service.cluster.v3.ClusterDiscoveryService`. */
  readonly name: string;
  readonly stream?: string;
  readonly delta?: string;
  readonly fetch?: string;
}

const prefix = "type.googleapis.com/";
export const clusterType = `${prefix}envoy.config.cluster.v3.Cluster`;
export const endpointType = `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`;
export const localityEndpointType = `${prefix}envoy.config.endpoint.v3.LbEndpoint`;
export const listenerType = `${prefix}envoy.config.listener.v3.Listener`;
export const filterChainType = `${prefix}envoy.config.listener.v3.FilterChain`;
export const scopedRouteType = `${prefix}envoy.config.route.v3.ScopedRouteConfiguration`;
export const routeType = `${prefix}envoy.config.route.v3.RouteConfiguration`;
export const virtualHostType = `${prefix}envoy.config.route.v3.VirtualHost`;
export const secretType = `${prefix}envoy.extensions.transport_sockets.tls.v3.Secret`;
export const runtimeType = `${prefix}envoy.service.runtime.v3.Runtime`;
export const extensionConfigType = `${prefix}envoy.config.core.v3.TypedExtensionConfig`;
export const rateLimitConfigType = `${prefix}ratelimit.config.ratelimit.v3.RateLimitConfig`;

/** Own service with the customary method names: `Stream<Noun>`, `Delta<Noun>`, `Fetch<Noun>`. */
const methods = (name: string, noun: string): DiscoveryServiceMethods => ({
  name,
  stream: `Stream${noun}`,
  delta: `Delta${noun}`,
  fetch: `Fetch${noun}`,
});
const named = { fullStateInSotw: false, emptyIsWildcard: true, nameField: "name" };
const fullState = { ...named, fullStateInSotw: true };

// The order is P53's: what is referred to goes before what refers to it.
const builtIn: readonly ResourceType[] = [
  {
    ...fullState,
    typeUrl: clusterType,
    name: "clusters",
    order: 0,
    removedLast: true,
    service: methods("envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters"),
    restPath: "clusters",
  },
  {
    ...named,
    typeUrl: endpointType,
    name: "endpoints",
    order: 1,
    expiryCrashesSotw: true,
    nameField: "clusterName",
    sentAgain: true,
    removedLast: true,
    service: methods("envoy.service.endpoint.v3.EndpointDiscoveryService", "Endpoints"),
    restPath: "endpoints",
    placeholder: { field: 1, afterTypeUrl: clusterType },
  },
  {
    ...fullState,
    typeUrl: listenerType,
    name: "listeners",
    order: 2,
    drains: true,
    addressField: 2,
    service: methods("envoy.service.listener.v3.ListenerDiscoveryService", "Listeners"),
    restPath: "listeners",
  },
  {
    // Part of a listener that has fcds_config (Envoy 1.40, delta on ADS only), which subscribes each by its name.
    ...named,
    typeUrl: filterChainType,
    name: "filter-chains",
    order: 3,
    emptyIsWildcard: false,
    drains: true,
    expiryCrashesSotw: true,
  },
  {
    // Envoy drops every scope that a SotW response lacks, as it does with clusters and listeners.
    ...fullState,
    typeUrl: scopedRouteType,
    name: "scoped-routes",
    order: 4,
    expiryCrashesSotw: true,
    service: methods("envoy.service.route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes"),
    restPath: "scoped-routes",
  },
  {
    ...named,
    typeUrl: routeType,
    name: "routes",
    order: 5,
    expiryCrashesSotw: true,
    sentAgain: true,
    placeholder: { field: 1, inDelta: true },
    service: methods("envoy.service.route.v3.RouteDiscoveryService", "Routes"),
    restPath: "routes",
  },
  {
    // Named `<route configuration>/<host>` (P60), which no field of the message holds.
    typeUrl: virtualHostType,
    name: "virtual-hosts",
    order: 6,
    sentAgain: true, // with an update of its route configuration (P61)
    unknownWithoutBody: true,
    fullStateInSotw: false,
    emptyIsWildcard: false,
    service: { name: "envoy.service.route.v3.VirtualHostDiscoveryService", delta: "DeltaVirtualHosts" },
  },
  {
    // A member of a LEDS glob collection; the message has no name.
    typeUrl: localityEndpointType,
    name: "locality-endpoints",
    order: 7,
    fullStateInSotw: false,
    emptyIsWildcard: true,
    service: { name: "envoy.service.endpoint.v3.LocalityEndpointDiscoveryService", delta: "DeltaLocalityEndpoints" },
  },
  {
    ...named,
    typeUrl: secretType,
    name: "secrets",
    order: 7,
    expiryCrashesSotw: true,
    service: methods("envoy.service.secret.v3.SecretDiscoveryService", "Secrets"),
    restPath: "secrets",
  },
  {
    ...named,
    typeUrl: extensionConfigType,
    name: "extension-configs",
    order: 7,
    missingIsSilent: true,
    service: methods("envoy.service.extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs"),
    restPath: "extension_configs",
  },
  {
    ...named,
    typeUrl: runtimeType,
    name: "runtimes",
    order: 7,
    service: methods("envoy.service.runtime.v3.RuntimeDiscoveryService", "Runtime"),
    restPath: "runtime",
    placeholder: { field: 1 },
  },
  {
    // The rate limit service's; not in Envoy's API, so its bytes are served but not parsed from YAML.
    ...named,
    typeUrl: rateLimitConfigType,
    name: "ratelimit-configs",
    order: 7,
    service: {
      name: "ratelimit.service.ratelimit.v3.RateLimitConfigDiscoveryService",
      stream: "StreamRlsConfigs",
      fetch: "FetchRlsConfigs",
    },
  },
];

/** @internal The rows that were registered besides this package's own. */
export const registeredTypes = (): ResourceType[] => [...byUrl.values()].filter((row) => !builtIn.includes(row));

const byUrl = new Map<string, ResourceType>();

/** The rows of the table, in the order in which a change goes out. */
export function resourceTypes(): ResourceType[] {
  return [...byUrl.values()].sort((a, b) => a.order - b.order);
}

/** The row of a type URL, if there is one. */
export function findResourceType(typeUrl: string): ResourceType | undefined {
  return byUrl.get(typeUrl);
}

/**
 * The row of a type URL.
 * @throws XdsError UNKNOWN_TYPE
 */
export function resourceType(typeUrl: string): ResourceType {
  const type = byUrl.get(typeUrl);
  if (type) return type;
  throw new XdsError(
    "UNKNOWN_TYPE",
    `no resource type has the type URL ${JSON.stringify(typeUrl)}; registerResourceType() adds one`,
  );
}

/**
 * Adds a type, Envoy's or not, to the table: caches take it from then on, and servers made from then on offer its
 * service and its REST path.
 * @throws XdsError INVALID_OPTION when the type URL, its service or its path is taken or unusable
 */
export function registerResourceType(row: ResourceType): ResourceType {
  const refuse = (why: string) =>
    new XdsError("INVALID_OPTION", `cannot register ${JSON.stringify(row.typeUrl)}: ${why}`);
  if (!/^[^/\s]+\/[^/\s]+$/.test(row.typeUrl)) throw refuse("a type URL is <authority>/<message's full name>");
  if (!row.name) throw refuse("it has no short name");
  if (!Number.isFinite(row.order)) throw refuse("its order is not a number");
  for (const other of byUrl.values()) {
    if (other.typeUrl === row.typeUrl) throw refuse("that type URL is in the table already");
    if (other.name === row.name) throw refuse(`${other.typeUrl} has the short name ${row.name}`);
    if (row.service && other.service?.name === row.service.name)
      throw refuse(`${other.typeUrl} has the service ${row.service.name}`);
    if (row.restPath && other.restPath === row.restPath)
      throw refuse(`${other.typeUrl} has the REST path ${row.restPath}`);
  }
  byUrl.set(row.typeUrl, row);
  return row;
}

for (const row of builtIn) registerResourceType(row);
