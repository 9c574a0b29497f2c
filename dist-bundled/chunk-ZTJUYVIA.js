import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import {
  builtInApi,
  postedApi,
  readApi,
  takenApi
} from "./chunk-WL5SM7VB.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/resource/types.js
var prefix = "type.googleapis.com/";
var clusterType = `${prefix}envoy.config.cluster.v3.Cluster`;
var endpointType = `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`;
var localityEndpointType = `${prefix}envoy.config.endpoint.v3.LbEndpoint`;
var listenerType = `${prefix}envoy.config.listener.v3.Listener`;
var filterChainType = `${prefix}envoy.config.listener.v3.FilterChain`;
var scopedRouteType = `${prefix}envoy.config.route.v3.ScopedRouteConfiguration`;
var routeType = `${prefix}envoy.config.route.v3.RouteConfiguration`;
var virtualHostType = `${prefix}envoy.config.route.v3.VirtualHost`;
var secretType = `${prefix}envoy.extensions.transport_sockets.tls.v3.Secret`;
var runtimeType = `${prefix}envoy.service.runtime.v3.Runtime`;
var extensionConfigType = `${prefix}envoy.config.core.v3.TypedExtensionConfig`;
var rateLimitConfigType = `${prefix}ratelimit.config.ratelimit.v3.RateLimitConfig`;
var methods = (name, noun) => ({
  name,
  stream: `Stream${noun}`,
  delta: `Delta${noun}`,
  fetch: `Fetch${noun}`
});
var withNameField = { fullStateInSotw: false, emptyIsWildcard: true, nameField: "name" };
var fullState = { ...withNameField, fullStateInSotw: true, remembered: true };
var builtInTypes = [
  {
    ...fullState,
    typeUrl: clusterType,
    name: "clusters",
    order: 0,
    removedLast: true,
    service: methods("envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters"),
    restPath: "clusters"
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
    placeholder: { field: 1, afterTypeUrl: clusterType }
  },
  {
    ...fullState,
    typeUrl: listenerType,
    name: "listeners",
    order: 2,
    drains: true,
    addressField: 2,
    service: methods("envoy.service.listener.v3.ListenerDiscoveryService", "Listeners"),
    restPath: "listeners"
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
    expiryCrashesSotw: true
  },
  {
    // Envoy drops every scope that is missing in a SotW response, as for clusters and listeners.
    ...fullState,
    typeUrl: scopedRouteType,
    name: "scoped-routes",
    order: 4,
    expiryCrashesSotw: true,
    service: methods("envoy.service.route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes"),
    restPath: "scoped-routes"
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
    restPath: "routes"
  },
  {
    // The name is `<route configuration>/<host>` (P60), which no field of the message contains.
    typeUrl: virtualHostType,
    name: "virtual-hosts",
    order: 6,
    remembered: true,
    sentAgain: true,
    // with an update of its route configuration (P61)
    unknownWithoutBody: true,
    fullStateInSotw: false,
    emptyIsWildcard: false,
    service: { name: "envoy.service.route.v3.VirtualHostDiscoveryService", delta: "DeltaVirtualHosts" }
  },
  {
    // A member of a LEDS glob collection. The message has no name.
    typeUrl: localityEndpointType,
    name: "locality-endpoints",
    order: 7,
    fullStateInSotw: false,
    emptyIsWildcard: true,
    service: { name: "envoy.service.endpoint.v3.LocalityEndpointDiscoveryService", delta: "DeltaLocalityEndpoints" }
  },
  {
    ...withNameField,
    typeUrl: secretType,
    name: "secrets",
    order: 7,
    expiryCrashesSotw: true,
    service: methods("envoy.service.secret.v3.SecretDiscoveryService", "Secrets"),
    restPath: "secrets"
  },
  {
    ...withNameField,
    typeUrl: extensionConfigType,
    name: "extension-configs",
    order: 7,
    remembered: true,
    missingIsSilent: true,
    service: methods("envoy.service.extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs"),
    restPath: "extension_configs"
  },
  {
    ...withNameField,
    typeUrl: runtimeType,
    name: "runtimes",
    order: 7,
    service: methods("envoy.service.runtime.v3.RuntimeDiscoveryService", "Runtime"),
    restPath: "runtime",
    placeholder: { field: 1 }
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
      fetch: "FetchRlsConfigs"
    }
  }
];

// dist/resource/xds-api.js
var XdsApi = class _XdsApi {
  /** The API of all that is not given another one. {@link useEnvoyApi} and {@link registerResourceType} change it. */
  static default = new _XdsApi();
  envoy;
  types = /* @__PURE__ */ new Map();
  /** @throws XdsError INVALID_OPTION for descriptors that are not a complete Envoy API */
  constructor(options = {}) {
    checkOptions("XdsApi", options, { descriptors: true });
    if (options.descriptors)
      this.envoy = readApi(options.descriptors);
    for (const row of builtInTypes)
      this.registerResourceType(row);
  }
  /**
   * The types of the Envoy API. The built-in API is unpacked at the first use.
   *
   * Messages of the server's own services (CSDS, which no Envoy contains, LRS, config dumps) come from the built-in API
   * if the descriptors lack them.
   */
  get registry() {
    return this.inUse.registry;
  }
  /** Returns the rows of the table, in the order in which a change is sent. */
  resourceTypes() {
    return [...this.types.values()].sort((a, b) => a.order - b.order);
  }
  /** Returns the row of a type URL; undefined if there is none. */
  findResourceType(typeUrl) {
    return this.types.get(typeUrl);
  }
  /**
   * Returns the row of a type URL.
   * @throws XdsError UNKNOWN_TYPE
   */
  resourceType(typeUrl) {
    const type = this.types.get(typeUrl);
    if (type)
      return type;
    throw new XdsError("UNKNOWN_TYPE", `no resource type has the type URL ${JSON.stringify(typeUrl)}; registerResourceType() adds one`);
  }
  /** Returns the short name of a type, such as `clusters`; the type URL if the table does not have it. */
  typeName(typeUrl) {
    return this.types.get(typeUrl)?.name ?? typeUrl;
  }
  /**
   * Adds a row for a type to the table; the type need not be Envoy's. Returns the new row.
   *
   * Caches accept the type from then on. Servers that are made later offer its service and its REST path.
   * @throws XdsError INVALID_OPTION if the type URL, the service or the path is taken or unusable
   */
  registerResourceType(row) {
    const refuse = (why) => new XdsError("INVALID_OPTION", `cannot register ${JSON.stringify(row.typeUrl)}: ${why}`);
    if (!/^[^/\s]+\/[^/\s]+$/.test(row.typeUrl))
      throw refuse("a type URL is <authority>/<message's full name>");
    if (!row.name)
      throw refuse("it has no short name");
    if (!Number.isFinite(row.order))
      throw refuse("its order is not a number");
    for (const other of this.types.values()) {
      if (other.typeUrl === row.typeUrl)
        throw refuse("that type URL is in the table already");
      if (other.name === row.name)
        throw refuse(`${other.typeUrl} has the short name ${row.name}`);
      if (row.service && other.service?.name === row.service.name)
        throw refuse(`${other.typeUrl} has the service ${row.service.name}`);
      if (row.restPath && other.restPath === row.restPath)
        throw refuse(`${other.typeUrl} has the REST path ${row.restPath}`);
    }
    const type = Object.defineProperty({ ...row }, "api", { value: this });
    this.types.set(type.typeUrl, type);
    return type;
  }
  /** @internal Takes this Envoy API, which is possible until one is in use. */
  useEnvoyApi(descriptors) {
    if (this.envoy)
      throw new XdsError("WRONG_STATE", "an Envoy API is in use already; call useEnvoyApi() once, before any resource is made and any server started");
    this.envoy = readApi(descriptors);
    return this.envoy.registry;
  }
  /** @internal The serialized FileDescriptorSet of the Envoy API. */
  get descriptors() {
    return this.inUse.descriptors;
  }
  /** @internal Returns the Envoy API in a form in which another thread can take it. */
  posted() {
    return postedApi(this.inUse);
  }
  /** @internal Takes another thread's Envoy API. Call it before any other use. */
  take(posted) {
    this.envoy = takenApi(posted);
  }
  /** @internal Returns the registered rows that are not this package's own. */
  registeredTypes() {
    const own = new Set(builtInTypes.map(({ typeUrl }) => typeUrl));
    return [...this.types.values()].filter(({ typeUrl }) => !own.has(typeUrl));
  }
  get inUse() {
    this.envoy ??= builtInApi();
    return this.envoy;
  }
};

export {
  clusterType,
  endpointType,
  localityEndpointType,
  listenerType,
  filterChainType,
  scopedRouteType,
  routeType,
  virtualHostType,
  secretType,
  extensionConfigType,
  XdsApi
};
