/**
 * A row of a table of resource types. Differences between types are in these rows. One is elsewhere: which types a
 * client that comes back must ask for before something is removed from it (P49) or newly referred to (P53).
 */
export interface ResourceTypeRow {
  /** As requests spell it: `type.googleapis.com/<message>`. */
  readonly typeUrl: string;
  /** The short plural for status, logs and commands, such as `clusters`. */
  readonly name: string;
  /**
   * The type's position when a change is sent: lower goes first (P53). Types with the same position keep the table's
   * order.
   */
  readonly order: number;
  /**
   * Whether a SotW response has all subscribed resources, so that absence deletes (P29, P30). If false, it has only the
   * changed ones (P31).
   */
  readonly fullStateInSotw: boolean;
  /** Whether an empty first list of names subscribes to everything (P33, P46). If false, it subscribes to nothing. */
  readonly emptyIsWildcard: boolean;
  /** The message's field with the name, in lowerCamelCase. Without it, the user gives each resource a name. */
  readonly nameField?: string;
  /** Whether delta answers for a nonexistent name with a resource without a body instead of a removal (P60). */
  readonly unknownWithoutBody?: boolean;
  /**
   * Whether a resource is sent again, unchanged, when a resource that refers to it has changed. Envoy waits for it then
   * (P55).
   */
  readonly sentAgain?: boolean;
  /**
   * Whether a client goes on using an old resource after it has received the new one or the removal, until connections
   * have drained (P54). Resources that the old one refers to stay on the client during that time.
   */
  readonly drains?: boolean;
  /**
   * Whether resources of the type are removed after the rest of a change (P54). Code that this server cannot read may
   * still select them.
   */
  readonly removedLast?: boolean;
  /**
   * Whether caches remember earlier versions, for clients that come back with one (P36, P49). That is needed where a
   * resource can refer to others, or where a SotW response can remove one.
   */
  readonly remembered?: boolean;
  /** The number of the message's field with an address that only one resource per client can have at a time. */
  readonly addressField?: number;
  /** Whether Envoy 1.36 and 1.40 crash when a resource of the type expires that came in SotW with a TTL. */
  readonly expiryCrashesSotw?: boolean;
  /** The type's own gRPC service. */
  readonly service?: DiscoveryServiceMethods;
  /** The last part of its REST path, `/v3/discovery:<restPath>` (P66). */
  readonly restPath?: string;
  /**
   * A minimal resource to send for a nonexistent name, if another answer would stall the client's start (P40, P56).
   *
   * It has only its name, in the string field with the number `field`. `afterTypeUrl`: only if that type has a resource
   * with the same name. `inDelta`: in delta too, for a client that never had the resource; by default delta answers
   * with a removal.
   */
  readonly placeholder?: { readonly field: number; readonly afterTypeUrl?: string; readonly inDelta?: boolean };
  /**
   * Whether delta sends no answer for a name that never existed, because the client would take any answer as the
   * resource's removal (P40).
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
/** The type URL of clusters (CDS). */
export const clusterType = `${prefix}envoy.config.cluster.v3.Cluster`;
/** The type URL of endpoints (EDS). */
export const endpointType = `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`;
/** The type URL of single endpoints of a locality (LEDS). */
export const localityEndpointType = `${prefix}envoy.config.endpoint.v3.LbEndpoint`;
/** The type URL of listeners (LDS). */
export const listenerType = `${prefix}envoy.config.listener.v3.Listener`;
/** The type URL of filter chains. */
export const filterChainType = `${prefix}envoy.config.listener.v3.FilterChain`;
/** The type URL of scoped routes (SRDS). */
export const scopedRouteType = `${prefix}envoy.config.route.v3.ScopedRouteConfiguration`;
/** The type URL of route configurations (RDS). */
export const routeType = `${prefix}envoy.config.route.v3.RouteConfiguration`;
/** The type URL of virtual hosts (VHDS). */
export const virtualHostType = `${prefix}envoy.config.route.v3.VirtualHost`;
/** The type URL of secrets (SDS). */
export const secretType = `${prefix}envoy.extensions.transport_sockets.tls.v3.Secret`;
/** The type URL of runtime layers (RTDS). */
export const runtimeType = `${prefix}envoy.service.runtime.v3.Runtime`;
/** The type URL of extension configurations (ECDS). */
export const extensionConfigType = `${prefix}envoy.config.core.v3.TypedExtensionConfig`;
/** The type URL of configurations of the rate limit service. */
export const rateLimitConfigType = `${prefix}ratelimit.config.ratelimit.v3.RateLimitConfig`;

/** A type's own service with the usual method names: `Stream<Noun>`, `Delta<Noun>`, `Fetch<Noun>`. */
const methods = (name: string, noun: string): DiscoveryServiceMethods => ({
  name,
  stream: `Stream${noun}`,
  delta: `Delta${noun}`,
  fetch: `Fetch${noun}`,
});
const withNameField = { fullStateInSotw: false, emptyIsWildcard: true, nameField: "name" };
const fullState = { ...withNameField, fullStateInSotw: true, remembered: true };

/** @internal The rows of every table. In the order of P53: a resource goes before the resources that refer to it. */
export const builtInTypes: readonly ResourceTypeRow[] = [
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
    ...withNameField,
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
    // A part of a listener with fcds_config (Envoy 1.40, delta on ADS only). The listener subscribes to each chain by
    // its name.
    ...withNameField,
    typeUrl: filterChainType,
    name: "filter-chains",
    order: 3,
    remembered: true,
    emptyIsWildcard: false,
    drains: true,
    expiryCrashesSotw: true,
  },
  {
    // Envoy drops every scope that is missing in a SotW response, as for clusters and listeners.
    ...fullState,
    typeUrl: scopedRouteType,
    name: "scoped-routes",
    order: 4,
    expiryCrashesSotw: true,
    service: methods("envoy.service.route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes"),
    restPath: "scoped-routes",
  },
  {
    ...withNameField,
    typeUrl: routeType,
    name: "routes",
    order: 5,
    remembered: true,
    expiryCrashesSotw: true,
    sentAgain: true,
    placeholder: { field: 1, inDelta: true },
    service: methods("envoy.service.route.v3.RouteDiscoveryService", "Routes"),
    restPath: "routes",
  },
  {
    // The name is `<route configuration>/<host>` (P60), which no field of the message contains.
    typeUrl: virtualHostType,
    name: "virtual-hosts",
    order: 6,
    remembered: true,
    sentAgain: true, // with an update of its route configuration (P61)
    unknownWithoutBody: true,
    fullStateInSotw: false,
    emptyIsWildcard: false,
    service: { name: "envoy.service.route.v3.VirtualHostDiscoveryService", delta: "DeltaVirtualHosts" },
  },
  {
    // A member of a LEDS glob collection. The message has no name.
    typeUrl: localityEndpointType,
    name: "locality-endpoints",
    order: 7,
    fullStateInSotw: false,
    emptyIsWildcard: true,
    service: { name: "envoy.service.endpoint.v3.LocalityEndpointDiscoveryService", delta: "DeltaLocalityEndpoints" },
  },
  {
    ...withNameField,
    typeUrl: secretType,
    name: "secrets",
    order: 7,
    expiryCrashesSotw: true,
    service: methods("envoy.service.secret.v3.SecretDiscoveryService", "Secrets"),
    restPath: "secrets",
  },
  {
    ...withNameField,
    typeUrl: extensionConfigType,
    name: "extension-configs",
    order: 7,
    remembered: true,
    missingIsSilent: true,
    service: methods("envoy.service.extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs"),
    restPath: "extension_configs",
  },
  {
    ...withNameField,
    typeUrl: runtimeType,
    name: "runtimes",
    order: 7,
    service: methods("envoy.service.runtime.v3.RuntimeDiscoveryService", "Runtime"),
    restPath: "runtime",
    placeholder: { field: 1 },
  },
  {
    // For the rate limit service. The type is not in Envoy's API, so its bytes are served, but it cannot be read from
    // YAML.
    ...withNameField,
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
