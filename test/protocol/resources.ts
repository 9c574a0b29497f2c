import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { FilterChainSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import { ScopedRouteConfigurationSchema } from "../../gen/envoy/config/route/v3/scoped_route_pb.js";
import { ClusterConfigSchema as AggregateConfigSchema } from "../../gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { RuntimeSchema } from "../../gen/envoy/service/runtime/v3/rtds_pb.js";
import { Resource } from "../../src/resource/resource.js";

/** What every resource made here is called in the tests, `<name>@<content>`, by its encoded message. */
const labels = new Map<string, string>();
const key = (typeUrl: string, body: Uint8Array) => `${typeUrl} ${Buffer.from(body).toString("base64")}`;

/**
 * A resource as the tests write it, `<name>@<content>`, told from its bytes; an empty content stands for a message that
 * has nothing but its name. `undefined`: none that was made here.
 */
export const labelOf = (any: Pick<Any, "typeUrl" | "value">): string | undefined =>
  labels.get(key(any.typeUrl, any.value));

export type Maker = (name: string, content?: number | "") => Resource;

/** Gives a resource that was made elsewhere what it is called in the tests. */
export function labelled(resource: Resource, content: number): Resource {
  labels.set(key(resource.type.typeUrl, resource.body), `${resource.name}@${content}`);
  return resource;
}

/** The same object for the same name and content. */
function maker<S extends DescMessage>(
  schema: S,
  fields: (name: string, content: number | "") => MessageInitShape<S>,
): Maker {
  const made = new Map<string, Resource>();
  return (name, content = 1) => {
    const label = `${name}@${content}`;
    const known = made.get(label);
    if (known) return known;
    const message = create(schema, fields(name, content)) as MessageShape<S>;
    const resource = Resource.of(message);
    made.set(label, resource);
    labels.set(key(`type.googleapis.com/${schema.typeName}`, toBinary(schema, message)), label);
    return resource;
  };
}

/** undefined leaves a field out. */
const or = <T>(content: number | "", value: T): T | undefined => (content === "" ? undefined : value);

export const cluster = maker(ClusterSchema, (name, content) => ({
  name,
  perConnectionBufferLimitBytes: or(content, Number(content)),
}));
export const endpoints = maker(ClusterLoadAssignmentSchema, (clusterName, content) => ({
  clusterName,
  policy: or(content, { overprovisioningFactor: Number(content) }),
}));
export const listener = maker(ListenerSchema, (name, content) => ({
  name,
  perConnectionBufferLimitBytes: or(content, Number(content)),
}));
export const route = maker(RouteConfigurationSchema, (name, content) => ({
  name,
  virtualHosts: or(content, [{ name: `host ${content}`, domains: ["*"] }]) ?? [],
}));
export const scopedRoute = maker(ScopedRouteConfigurationSchema, (name, content) => ({
  name,
  routeConfigurationName: `routes ${content}`,
}));
export const secret = maker(SecretSchema, (name, content) => ({
  name,
  type: {
    case: "genericSecret" as const,
    value: { secret: { specifier: { case: "inlineString" as const, value: `${content}` } } },
  },
}));
export const runtime = maker(RuntimeSchema, (name, content) => ({
  name,
  layer: or(content, { content: Number(content) }),
}));
export const extensionConfig = maker(TypedExtensionConfigSchema, (name, content) => ({
  name,
  typedConfig: anyPack(StringValueSchema, create(StringValueSchema, { value: `${content}` })),
}));
/** An extension whose configuration is of a known type, and none of it. */
export const unreadable = (name: string) =>
  Resource.of(
    create(TypedExtensionConfigSchema, {
      name,
      typedConfig: { typeUrl: "type.googleapis.com/google.protobuf.StringValue", value: Buffer.of(0xff) },
    }),
  );

const ads = { configSourceSpecifier: { case: "ads" as const, value: {} } };
/** A cluster that needs the endpoints of its name. */
export const edsCluster = maker(ClusterSchema, (name, content) => ({
  name,
  perConnectionBufferLimitBytes: or(content, Number(content)),
  clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.EDS },
  edsClusterConfig: { edsConfig: ads },
}));
const toC = (virtualHost: string) =>
  maker(RouteConfigurationSchema, (name, content) => {
    const value = { clusterSpecifier: { case: "cluster" as const, value: `c${content}` } };
    const routes = [{ action: { case: "route" as const, value } }];
    return { name, virtualHosts: [{ name: virtualHost, domains: ["*"], routes }] };
  });
/** A route configuration that sends everything to the cluster `c<content>`. */
export const routeToC = toC("all");
/** Another one that does. */
export const otherRouteToC = toC("other");
const rdsFilterChain = (routeConfigName: string) => {
  const rds = { configSource: ads, routeConfigName };
  const manager = create(HttpConnectionManagerSchema, { routeSpecifier: { case: "rds", value: rds } });
  const typedConfig = { case: "typedConfig" as const, value: anyPack(HttpConnectionManagerSchema, manager) };
  return { filters: [{ name: "http", configType: typedConfig }] };
};
/** A listener that takes its routes from the route configuration `r<content>`. */
export const listenerToR = maker(ListenerSchema, (name, content) => ({
  name,
  filterChains: [rdsFilterChain(`r${content}`)],
}));
/** A filter chain by FCDS that takes its routes from the route configuration `r<content>`. */
export const filterChainToR = maker(FilterChainSchema, (name, content) => ({ name, ...rdsFilterChain(`r${content}`) }));
/** A listener that takes its routes from the route configuration of its name. */
export const rdsListener = maker(ListenerSchema, (name, content) => ({
  name,
  perConnectionBufferLimitBytes: or(content, Number(content)),
  filterChains: [rdsFilterChain(name)],
}));

/** Routes to a cluster, inline; with a filter whose configuration comes by ECDS, if one is given. */
const inlineChain = (target: string, filter?: string) => {
  const value = { clusterSpecifier: { case: "cluster" as const, value: target } };
  const routeConfig = {
    virtualHosts: [{ name: "all", domains: ["*"], routes: [{ action: { case: "route" as const, value } }] }],
  };
  const httpFilters = filter
    ? [{ name: filter, configType: { case: "configDiscovery" as const, value: { configSource: ads } } }]
    : [];
  const manager = create(HttpConnectionManagerSchema, {
    routeSpecifier: { case: "routeConfig", value: routeConfig },
    httpFilters,
  });
  const typedConfig = { case: "typedConfig" as const, value: anyPack(HttpConnectionManagerSchema, manager) };
  return { filters: [{ name: "http", configType: typedConfig }] };
};
/** A listener with routes to all these clusters inline. */
export const listenerToAll = (name: string, clusters: readonly string[]): Resource => {
  const virtualHosts = clusters.map((cluster) => {
    const value = { clusterSpecifier: { case: "cluster" as const, value: cluster } };
    return { name: cluster, domains: [cluster], routes: [{ action: { case: "route" as const, value } }] };
  });
  const manager = create(HttpConnectionManagerSchema, {
    routeSpecifier: { case: "routeConfig", value: { virtualHosts } },
  });
  const typedConfig = { case: "typedConfig" as const, value: anyPack(HttpConnectionManagerSchema, manager) };
  return Resource.of(
    create(ListenerSchema, { name, filterChains: [{ filters: [{ name: "http", configType: typedConfig }] }] }),
  );
};
/** A listener that sends everything to the cluster `c<content>`, with the routes inline. */
export const listenerToC = maker(ListenerSchema, (name, content) => ({
  name,
  filterChains: [inlineChain(`c${content}`)],
}));
/** The same, with an HTTP filter whose configuration is the extension config `ext`. */
export const listenerWithExtension = maker(ListenerSchema, (name, content) => ({
  name,
  filterChains: [inlineChain(`c${content}`, "ext")],
}));
/** A filter chain by FCDS, with a filter whose configuration is the extension config `ext`. */
export const filterChainToExtension = maker(FilterChainSchema, (name, content) => ({
  name,
  ...inlineChain(`c${content}`, "ext"),
}));
/** A listener on the port `content`. */
export const listenerAt = maker(ListenerSchema, (name, content) => ({
  name,
  address: {
    address: {
      case: "socketAddress" as const,
      value: { address: "127.0.0.1", portSpecifier: { case: "portValue" as const, value: Number(content) } },
    },
  },
}));
/** An aggregate of the cluster `c<content>`. */
export const aggregateOfC = maker(ClusterSchema, (name, content) => ({
  name,
  clusterDiscoveryType: {
    case: "clusterType" as const,
    value: {
      name: "envoy.clusters.aggregate",
      typedConfig: anyPack(AggregateConfigSchema, create(AggregateConfigSchema, { clusters: [`c${content}`] })),
    },
  },
}));
/** Endpoints that lead to the internal listener `l<content>`. */
export const endpointsToL = maker(ClusterLoadAssignmentSchema, (clusterName, content) => ({
  clusterName,
  endpoints: [
    {
      lbEndpoints: [
        {
          hostIdentifier: {
            case: "endpoint" as const,
            value: {
              address: {
                address: {
                  case: "envoyInternalAddress" as const,
                  value: { addressNameSpecifier: { case: "serverListenerName" as const, value: `l${content}` } },
                },
              },
            },
          },
        },
      ],
    },
  ],
}));
const certificateFrom = (secret: string) => ({ tlsCertificateSdsSecretConfigs: [{ name: secret, sdsConfig: ads }] });
/** A cluster that takes its certificate from the secret `s<content>`. */
export const clusterWithS = maker(ClusterSchema, (name, content) => {
  const context = create(UpstreamTlsContextSchema, { commonTlsContext: certificateFrom(`s${content}`) });
  const typedConfig = { case: "typedConfig" as const, value: anyPack(UpstreamTlsContextSchema, context) };
  return { name, transportSocket: { name: "tls", configType: typedConfig } };
});
/**
 * A listener that sends everything to the cluster `c<content>`, and takes its certificate from the secret `s<content>`.
 */
export const listenerWithS = maker(ListenerSchema, (name, content) => {
  const context = create(DownstreamTlsContextSchema, { commonTlsContext: certificateFrom(`s${content}`) });
  const typedConfig = { case: "typedConfig" as const, value: anyPack(DownstreamTlsContextSchema, context) };
  const transportSocket = { name: "tls", configType: typedConfig };
  return { name, filterChains: [{ ...inlineChain(`c${content}`), transportSocket }] };
});
/** A route configuration whose virtual hosts come on demand. */
export const vhdsRoute = maker(RouteConfigurationSchema, (name, content) => ({
  name,
  mostSpecificHeaderMutationsWins: content === 2,
  vhds: { configSource: ads },
}));
