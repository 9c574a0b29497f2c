import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { findResourceType } from "../../src/resource/default-api.js";
import { referringMessages, withoutReferences } from "../../src/resource/references/table.js";
import type { SchemaRegistry } from "../../src/schema/lazy-registry.js";

/** Packages and messages that no resource holds. */
const elsewhere: Readonly<Record<string, string>> = {
  "envoy.HotRestartMessage": "between two Envoys",
  "envoy.admin.": "what the admin interface prints",
  "envoy.config.bootstrap.": "the bootstrap file",
  "envoy.config.metrics.v3.StatsdSink": "a sink of the bootstrap file",
  "envoy.config.core.v3.Node": "who a client is",
  "envoy.data.accesslog.": "what Envoy logs",
  "envoy.data.cluster.": "what Envoy logs",
  "envoy.data.core.v3.HealthCheckEvent": "what Envoy logs",
  "envoy.config.endpoint.v3.ClusterStats": "what Envoy reports (LRS)",
  "envoy.service.": "messages of services",
};

/** Fields that look like references and are none, with the reason. */
export const nonReferences: Readonly<Record<string, string>> = {
  "envoy.config.cluster.v3.Cluster.alt_stat_name": "a name in statistics",
  "envoy.config.cluster.v3.Cluster.lrs_report_endpoint_metrics": "names of metrics",
  "envoy.config.cluster.v3.Cluster.typed_extension_protocol_options": "keyed by names of extensions",
  "envoy.config.core.v3.ExtensionConfigSource.type_urls": "types of messages; the name is in the message around it",
  "envoy.config.endpoint.v3.ClusterLoadAssignment.cluster_name": "its own name",
  "envoy.config.listener.v3.Listener.FcdsConfig.name": "not used: Envoy subscribes the names of the matcher's actions",
  "envoy.config.route.v3.RouteAction.RequestMirrorPolicy.cluster_header": "a header with the name",
  "envoy.config.route.v3.RouteAction.cluster_header": "a header with the name",
  "envoy.config.route.v3.RouteAction.cluster_specifier_plugin": "a plugin of the same route configuration",
  "envoy.config.route.v3.VirtualCluster.name": "a name in statistics",
  "envoy.config.route.v3.WeightedCluster.ClusterWeight.cluster_header": "a header with the name",
  "envoy.config.cluster.v3.Cluster.CustomClusterType.name": "the name of an extension",
  "envoy.extensions.clusters.dynamic_modules.v3.ClusterConfig.cluster_name": "an implementation in the module",
  "envoy.extensions.common.aws.v3.InlineCredentialProvider.secret_access_key": "a secret itself",
  "envoy.extensions.filters.http.aws_lambda.v3.Credentials.secret_access_key": "a secret itself",
  "envoy.extensions.filters.http.composite.v3.Composite.named_filter_chains": "HTTP filter chains of the same message",
  "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction.filter_chain_name": "a chain of HTTP filters, inline",
  "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute.per_route_config_name":
    "a configuration in the module",
  "envoy.extensions.filters.http.fault.v3.HTTPFault.upstream_cluster": "compared with a route's cluster",
  "envoy.extensions.filters.http.oauth2.v3.OAuth2Credentials.client_id": "the client's id at the OAuth server",
  "envoy.extensions.filters.http.oauth2.v3.OAuth2Credentials.cookie_domain": "a domain",
  "envoy.extensions.filters.http.on_demand.v3.OnDemandCds.resources_locator":
    "clusters on demand, by a request's header",
  "envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.name": "a name in statistics",
  "envoy.extensions.filters.network.reverse_tunnel.v3.ReverseTunnel.required_cluster_name": "the peer's node.cluster",
  "envoy.extensions.filters.network.reverse_tunnel.v3.Validation.cluster_id_format": "the peer's node.cluster",
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.OnDemand.resources_locator":
    "clusters on demand, named elsewhere",
  "envoy.extensions.filters.network.thrift_proxy.v3.RouteAction.cluster_header": "a header with the name",
  "envoy.extensions.formatter.generic_secret.v3.GenericSecret.secret_configs": "keys of the message's own",
  "envoy.extensions.http.injected_credentials.generic.v3.Generic.header": "a header",
  "envoy.extensions.http.injected_credentials.generic.v3.Generic.header_value_prefix": "a prefix of a header",
  "envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2.ClientCredentials.client_id":
    "the client's id at the OAuth server",
  "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.alpn_protocols": "protocols",
  "envoy.extensions.transport_sockets.tls.v3.GenericSecret.secrets": "secrets themselves",
};

/** Messages with a source of resources: whatever strings stand beside one may be a name. */
const sources = /^envoy\.(config\.core\.v3\.(ConfigSource|ExtensionConfigSource)|extensions\..*\.SdsSecretConfig)$/;
const likelyField =
  /cluster|listener|secret|route_config|virtual_host|filter_chain|scoped_route|resources?_(name|locator)/;
const likelyMessage = /Cluster|Listener|Secret|RouteConfig|FilterChain|StaticName|Rds$/;

/** All fields of an API that look as if they named resources, as `<message>.<field>`. */
export function likelyReferences(registry: SchemaRegistry): Set<string> {
  const found = new Set<string>();
  for (const type of registry) {
    if (type.kind !== "message" || !/^(envoy|xds|udpa)\./.test(type.typeName)) continue;
    if (Object.keys(elsewhere).some((prefix) => type.typeName.startsWith(prefix))) continue;
    const hasSource = type.fields.some(({ message }) => message && sources.test(message.typeName));
    for (const field of type.fields)
      if (isText(field) && (hasSource || likelyField.test(field.name) || isNameOf(type, field)))
        found.add(`${type.typeName}.${field.name}`);
  }
  return found;
}

/** `name` in a message that is called after a type of resources, and is no resource itself. */
const isNameOf = (type: DescMessage, field: DescField) =>
  /^(name|names|resource)$/.test(field.name) && likelyMessage.test(type.name) && !isResource(type);

const isResource = ({ typeName }: DescMessage) =>
  typeName.endsWith("RouteConfiguration") || findResourceType(`type.googleapis.com/${typeName}`) !== undefined;

const isText = (field: DescField) =>
  field.scalar === ScalarType.STRING ||
  (field.fieldKind === "map" && field.mapKey === ScalarType.STRING) ||
  field.message?.typeName === "google.protobuf.StringValue";

/** Whether the table has the field, or says that nothing in it, or in its message, refers to anything. */
export function isInTable(field: string): boolean {
  const [typeName, name] = [field.slice(0, field.lastIndexOf(".")), field.slice(field.lastIndexOf(".") + 1)];
  if (withoutReferences.has(typeName) || withoutReferences.has(field)) return true;
  const { names = {}, sourced } = referringMessages[typeName] ?? {};
  return names[name] !== undefined || (sourced?.name.includes(name) ?? false) || nested.has(field);
}

/** Fields that the table has by a path from a message around them. */
const nested: ReadonlySet<string> = new Set(["envoy.config.cluster.v3.Cluster.EdsClusterConfig.service_name"]);
