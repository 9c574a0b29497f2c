import { isIP } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { UsageError } from "../terminal/command.js";

/** How a client finds the server, and which node the client is. */
export interface BootstrapOptions {
  /** Each is `host:port`. The client uses the first one that answers. */
  readonly servers: readonly string[];
  /** Further addresses of the same server, each `host:port`. An Envoy connects to any of them. */
  readonly replicas?: readonly string[];
  readonly nodeId: string;
  readonly nodeCluster: string;
  /** region, zone, sub-zone. */
  readonly locality?: readonly string[];
  readonly variant: "sotw" | "delta";
  readonly service: "ads" | "separate" | "rest";
  /** TLS. The paths of files are those on the client's machine. */
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  /** The Envoy reports its load to the server (LRS), which gates of a rollout compare. */
  readonly loadReports?: boolean;
  /** The port of Envoy's own admin page, on loopback. Without it there is no such page. */
  readonly adminPort?: number;
}

/**
 * The features that an Envoy must announce to receive TTLs in delta (P57). Envoy 1.36 and 1.40 announce only what is in
 * the bootstrap. In SotW the server requires a second feature, `xds.config.resource-in-sotw`. It is left out, because
 * Envoy crashes when a route or an endpoint expires in SotW (docs/configuration.md).
 */
const clientFeatures = ["xds.config.supports-resource-ttl"];

/**
 * The runtime key that allows an Envoy to use several servers for one configuration source. Envoy calls this
 * experimental. Checked with Envoy 1.40.
 */
const failoverGuard = "envoy.restart_features.xds_failover_support";

export const failoverLayer = "xds-failover";

/**
 * Envoy's bootstrap file. `taken` are names of other clusters.
 * @throws UsageError for invalid addresses or TLS options
 */
export function envoyBootstrap(options: BootstrapOptions, taken: ReadonlySet<string> = new Set()): EnvoyBootstrap {
  const { service, variant, adminPort, servers, replicas = [] } = options;
  const isRest = service === "rest";
  checkDifferent([...servers, ...replicas]);
  if (servers.length > 1 && replicas.length > 0)
    throw new UsageError("--replica is for one --server; give each further address with --replica");
  if (servers.length > 2)
    throw new UsageError(
      `an Envoy takes at most two servers; leave out ${servers
        .slice(2)
        .map((server) => `--server ${server}`)
        .join(" and ")}`,
    );
  if (servers.length > 1 && service !== "ads")
    throw new UsageError(`an Envoy takes two servers only for the aggregated stream; leave out --service ${service}`);
  const clusters = namesOf(servers.length, taken);
  for (const [flag, value] of Object.entries({ "--node-id": options.nodeId, "--node-cluster": options.nodeCluster }))
    if (value === "") throw new UsageError(`${flag} is empty; Envoy sends no request without it`);
  const source = {
    api_type: isRest ? "REST" : variant === "delta" ? "DELTA_GRPC" : "GRPC",
    transport_api_version: "V3",
    ...(isRest
      ? { cluster_names: clusters, refresh_delay: "5s", request_timeout: "5s" }
      : { grpc_services: clusters.map((cluster_name) => ({ envoy_grpc: { cluster_name } })) }),
  };
  const config =
    service === "ads"
      ? { resource_api_version: "V3", ads: {} }
      : { resource_api_version: "V3", api_config_source: source };
  return {
    node: { ...nodeOf(options), ...(!isRest && { client_features: clientFeatures }) },
    ...(adminPort !== undefined && { admin: { address: socketAddress("127.0.0.1", adminPort) } }),
    ...(options.loadReports && { cluster_manager: { load_stats_config: loadReporting(clusters, isRest) } }),
    dynamic_resources: {
      ...(!isRest && { ads_config: source }), // with separate streams, it is for resources that name it
      cds_config: config,
      lds_config: config,
    },
    static_resources: {
      clusters: clusters.map((name, index) =>
        serverCluster(options, name, [servers[index] as string, ...replicas], !isRest),
      ),
    },
    ...(servers.length > 1 && {
      layered_runtime: {
        layers: [
          { name: failoverLayer, static_layer: { [failoverGuard]: true } },
          { name: "admin", admin_layer: {} }, // Envoy's default, if there are no layers
        ],
      },
    }),
  };
}

/** Where an Envoy reports its load: to the first server. @throws UsageError over REST, which has no load reports */
function loadReporting([cluster_name]: readonly string[], isRest: boolean): JsonObject {
  if (isRest) throw new UsageError("load reports need gRPC; leave out --load-reports, or --service rest");
  const grpc_services = [{ envoy_grpc: { cluster_name: cluster_name ?? "" } }];
  return { api_type: "GRPC", transport_api_version: "V3", grpc_services };
}

/** A bootstrap for an Envoy. */
export interface EnvoyBootstrap {
  readonly node: JsonObject;
  readonly admin?: JsonObject;
  readonly cluster_manager?: JsonObject;
  readonly dynamic_resources: JsonObject;
  readonly static_resources: { readonly clusters: JsonObject[] };
  readonly layered_runtime?: { readonly layers: JsonObject[] };
}

/** Names for the clusters of the servers in the Envoy's bootstrap. */
function namesOf(count: number, taken: ReadonlySet<string>): string[] {
  const names: string[] = [];
  for (let number = 1; names.length < count; number++) {
    const name = number === 1 ? "xds" : `xds-${number}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
}

/** The cluster of a server with these addresses. gRPC needs HTTP/2. The pings notice a server that has gone. */
function serverCluster(
  options: BootstrapOptions,
  name: string,
  servers: readonly string[],
  isHttp2: boolean,
): JsonObject {
  const addresses = servers.map((server, index) => hostAndPort(server, index === 0 ? "--server" : "--replica"));
  const hosts = addresses.map(({ host }) => host);
  const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    name,
    type: hosts.every(isAddress) ? "STATIC" : "STRICT_DNS",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: addresses.map(({ host, port }) => ({ endpoint: { address: socketAddress(host, port) } })),
        },
      ],
    },
    ...(isHttp2 && {
      typed_extension_protocol_options: {
        [httpOptions]: {
          "@type": `type.googleapis.com/${httpOptions}`,
          explicit_http_config: {
            http2_protocol_options: { connection_keepalive: { interval: "30s", timeout: "5s" } },
          },
        },
      },
    }),
    ...transportSocket(options, hosts),
  };
}

function transportSocket(options: BootstrapOptions, hosts: readonly string[]): JsonObject {
  if (!usesTls(options)) return {};
  const { tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  const names = tlsServerName === undefined ? [...new Set(hosts)] : [tlsServerName];
  // Envoy sends one SNI to all addresses of a cluster.
  const sni = tlsServerName ?? (names.length === 1 ? names.find((name) => !isAddress(name)) : undefined);
  const certificates: JsonObject =
    tlsCert === undefined
      ? {}
      : { tls_certificates: [{ certificate_chain: { filename: tlsCert }, private_key: { filename: tlsKey ?? "" } }] };
  const validation: JsonObject =
    tlsCa === undefined
      ? {}
      : {
          validation_context: {
            trusted_ca: { filename: tlsCa },
            match_typed_subject_alt_names: names.map((name) => ({
              san_type: tlsServerName === undefined && isAddress(name) ? "IP_ADDRESS" : "DNS",
              matcher: { exact: name },
            })),
          },
        };
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        ...(sni !== undefined && { sni }),
        common_tls_context: { ...certificates, ...validation },
      },
    },
  };
}

/**
 * The bootstrap of a gRPC client (gRFC A27; `tls` credentials: A65; several servers: A71).
 * @throws UsageError for an invalid address or TLS options
 */
export function grpcBootstrap(options: BootstrapOptions): object {
  const { servers, replicas = [], service, tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  if (replicas.length > 0)
    throw new UsageError("a gRPC client goes through its servers in turn; give --server again in place of --replica");
  if (service !== "ads") throw new UsageError("gRPC clients use only the aggregated stream; leave out --service");
  if (tlsServerName !== undefined)
    throw new UsageError(
      "gRPC clients use the server's host as its name; leave out --tls-server-name, and give --server with that name",
    );
  checkDifferent(servers);
  for (const server of servers) hostAndPort(server);
  const files = { ca_certificate_file: tlsCa, certificate_file: tlsCert, private_key_file: tlsKey };
  return {
    xds_servers: servers.map((server_uri) => ({
      server_uri,
      channel_creds: [usesTls(options) ? { type: "tls", config: files } : { type: "insecure" }],
      server_features: ["xds_v3"],
    })),
    node: { locality: {}, ...nodeOf(options) }, // gRPC for Node.js requires a locality
  };
}

function usesTls({ tls, tlsCa, tlsCert, tlsKey, tlsServerName }: BootstrapOptions): boolean {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError("--tls-cert and --tls-key go together; give both");
  return tls === true || [tlsCa, tlsCert, tlsServerName].some((value) => value !== undefined);
}

function nodeOf({ nodeId, nodeCluster, locality }: BootstrapOptions): JsonObject {
  const [region, zone, subZone, ...rest] = locality ?? [];
  if (rest.length > 0) throw new UsageError(`--locality is region/zone/sub-zone; remove "/${rest.join("/")}"`);
  return {
    id: nodeId,
    cluster: nodeCluster,
    ...(region !== undefined && {
      locality: { region, ...(zone !== undefined && { zone }), ...(subZone !== undefined && { sub_zone: subZone }) },
    }),
  };
}

function checkDifferent(servers: readonly string[]): void {
  const again = servers.find((server, index) => servers.indexOf(server) < index);
  if (again !== undefined)
    throw new UsageError(`the server ${again} is given twice; give another one, or leave it out`);
}

function hostAndPort(server: string, flag = "--server"): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(server) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new UsageError(`${flag} ${JSON.stringify(server)} is not host:port`);
}

const isAddress = (host: string) => isIP(host) !== 0;
const socketAddress = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
