import { isIP } from "node:net";
import { type Command, Option } from "commander";
import { addExamples, type Exit, parsePort, UsageError } from "./command.js";
import { complain, jsonOf, yamlOf } from "./output.js";
import { serverOption } from "./remote.js";

/** How a client is to find the server, and who it is. */
export interface BootstrapOptions {
  /** `host:port`. */
  readonly server: string;
  readonly nodeId: string;
  readonly nodeCluster: string;
  /** region, zone, sub-zone. */
  readonly locality?: readonly string[];
  readonly variant: "sotw" | "delta";
  readonly service: "ads" | "own" | "rest";
  /** TLS, with files as the client sees them. */
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  /** Of Envoy's own admin page, on loopback; undefined: none. */
  readonly adminPort?: number;
}

interface Options extends Omit<BootstrapOptions, "locality" | "adminPort"> {
  readonly locality?: string;
  readonly adminPort: number | "off";
  readonly grpc?: boolean;
  readonly output?: "yaml" | "json";
}

const noAdsOverRest =
  "an Envoy refuses resources that name `ads` as a source (also what `xds serve` makes of static secrets); they have to have an `api_config_source`";

const drainTimes =
  "An Envoy goes on using a replaced listener for its --drain-time-s (600 by default); the server keeps what that listener refers to for its " +
  "own --envoy-drain-time (10m by default; in code, drainTimeMs). Both must agree: change them together.";

/** `xds bootstrap`. */
export function addBootstrap(program: Command, exit: Exit): void {
  const command = program
    .command("bootstrap")
    .summary("print the bootstrap with which an Envoy or a gRPC client connects to an xDS server")
    .description(
      "Print a bootstrap with which an Envoy, or with --grpc a gRPC client (GRPC_XDS_BOOTSTRAP), gets its configuration from this server. " +
        "With TLS, the files are named as the client is to find them.\n\nResources may name `ads` as the source of others, as EDS clusters do. " +
        "With --service own, these others come on an aggregated stream besides, and no change is put in order across the streams: a changed " +
        "cluster may take 15 s to get its endpoints, and what is removed may be in use still. With --service rest there is no ADS: " +
        `${noAdsOverRest}.\n\n` +
        "The bootstrap for Envoy announces the client feature xds.config.supports-resource-ttl. Without it the server sends an Envoy no TTL, and " +
        `an Envoy does not announce it by itself.\n\n${drainTimes}`,
    )
    .addOption(serverOption())
    .option("--node-id <id>", "the node's id", "my-node")
    .option("--node-cluster <name>", "its cluster", "my-cluster")
    .option("--locality <region/zone/sub-zone>", "where it runs; the end may be left out")
    .addOption(
      new Option("--variant <variant>", "incremental, or state of the world")
        .choices(["delta", "sotw"])
        .default("delta"),
    )
    .addOption(
      new Option(
        "--service <service>",
        "one aggregated stream, each type's own service, or polling over REST (give --server its REST port)",
      )
        .choices(["ads", "own", "rest"])
        .default("ads"),
    )
    .option("--tls", "TLS; the options below mean it too")
    .option(
      "--tls-ca <file>",
      "authorities of the server's certificate, in PEM; without it, Envoy takes any certificate",
    )
    .option("--tls-cert <file>", "the client's own certificate, in PEM (mTLS)")
    .option("--tls-key <file>", "its private key, in PEM")
    .option(
      "--tls-server-name <name>",
      "a DNS name that the server's certificate must have; by default the server's host",
    )
    .addOption(
      new Option("--admin-port <port>", 'port of Envoy\'s admin page, on loopback, or "off"')
        .argParser((text) => (text === "off" ? text : parsePort(text)))
        .default(9901),
    )
    .option("--grpc", "a bootstrap for gRPC clients, as JSON")
    .addOption(
      new Option("-o, --output <format>", "how to print (default yaml; json with --grpc)").choices(["yaml", "json"]),
    );
  addExamples(command, [
    [
      "xds bootstrap > bootstrap.yaml && envoy -c bootstrap.yaml",
      "an Envoy that gets its configuration from 127.0.0.1:18000",
    ],
    ["xds bootstrap --server xds.example.com:443 --tls-ca ca.pem --node-id edge-1 --node-cluster edge", "over TLS"],
    ["xds bootstrap --grpc > grpc.json && GRPC_XDS_BOOTSTRAP=grpc.json ./my-grpc-client", "for a gRPC client"],
  ]);
  command.action((options: Options) => {
    if (options.grpc) checkGrpc(command);
    const { grpc = false, output = grpc ? "json" : "yaml", locality, adminPort, ...rest } = options;
    const of: BootstrapOptions = {
      ...rest,
      ...(locality !== undefined && { locality: locality.split("/") }),
      ...(adminPort !== "off" && { adminPort }),
    };
    const bootstrap = grpc ? grpcBootstrap(of) : envoyBootstrap(of);
    if (of.service === "rest") complain(`over REST there is no ADS: ${noAdsOverRest}`);
    if (output === "yaml" && !grpc) process.stdout.write(`# ${drainTimes}\n`);
    process.stdout.write(output === "yaml" ? yamlOf(bootstrap) : jsonOf(bootstrap));
    exit(0);
  });
}

/**
 * What a gRPC bootstrap has no place for is refused where it is asked for, not where it is the default.
 * @throws UsageError
 */
function checkGrpc(command: Command): void {
  const { variant, adminPort } = command.opts<Options>();
  const isGiven = (option: string) => command.getOptionValueSource(option) !== "default";
  if (isGiven("adminPort") && adminPort !== "off")
    throw new UsageError("gRPC clients have no admin page; leave out --admin-port");
  if (isGiven("variant") && variant !== "sotw")
    throw new UsageError(`gRPC clients use the state of the world only; leave out --variant ${variant}`);
}

/** The name of the cluster by which Envoy knows the server. */
const xdsCluster = "xds";

/**
 * What an Envoy must announce to be sent TTLs in delta (P57). Envoy 1.36 and 1.40 announce no feature by themselves;
 * they pass on what stands here. In SotW the server asks for a second feature, `xds.config.resource-in-sotw`. That one
 * is left out: Envoy crashes when a route or an endpoint expires in SotW (docs/configuration.md).
 */
const clientFeatures = ["xds.config.supports-resource-ttl"];

/**
 * Envoy's bootstrap file.
 * @throws UsageError for an address or TLS files that cannot be
 */
export function envoyBootstrap(options: BootstrapOptions): object {
  const { service, variant, adminPort } = options;
  const isRest = service === "rest";
  for (const [flag, value] of Object.entries({ "--node-id": options.nodeId, "--node-cluster": options.nodeCluster }))
    if (value === "") throw new UsageError(`${flag} is empty; Envoy asks for nothing without it`);
  const source = {
    api_type: isRest ? "REST" : variant === "delta" ? "DELTA_GRPC" : "GRPC",
    transport_api_version: "V3",
    ...(isRest
      ? { cluster_names: [xdsCluster], refresh_delay: "5s", request_timeout: "5s" }
      : { grpc_services: [{ envoy_grpc: { cluster_name: xdsCluster } }] }),
  };
  const config =
    service === "ads"
      ? { resource_api_version: "V3", ads: {} }
      : { resource_api_version: "V3", api_config_source: source };
  return {
    node: { ...nodeOf(options), ...(!isRest && { client_features: clientFeatures }) },
    ...(adminPort !== undefined && { admin: { address: socketAddress("127.0.0.1", adminPort) } }),
    dynamic_resources: {
      ...(!isRest && { ads_config: source }), // with own, for resources that name it
      cds_config: config,
      lds_config: config,
    },
    static_resources: { clusters: [serverCluster(options, !isRest)] },
  };
}

/** How Envoy reaches the server: gRPC needs HTTP/2, and pings, so that a server that has gone is noticed. */
function serverCluster(options: BootstrapOptions, isHttp2: boolean): object {
  const { host, port } = hostAndPort(options.server);
  const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    name: xdsCluster,
    type: isAddress(host) ? "STATIC" : "STRICT_DNS",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: xdsCluster,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(host, port) } }] }],
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
    ...transportSocket(options, host),
  };
}

function transportSocket(options: BootstrapOptions, host: string): object {
  if (!usesTls(options)) return {};
  const { tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  const name = tlsServerName ?? (isAddress(host) ? undefined : host);
  const certificates =
    tlsCert === undefined
      ? {}
      : { tls_certificates: [{ certificate_chain: { filename: tlsCert }, private_key: { filename: tlsKey } }] };
  const validation =
    tlsCa === undefined
      ? {}
      : {
          validation_context: {
            trusted_ca: { filename: tlsCa },
            match_typed_subject_alt_names: [
              name === undefined
                ? { san_type: "IP_ADDRESS", matcher: { exact: host } }
                : { san_type: "DNS", matcher: { exact: name } },
            ],
          },
        };
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        ...(name !== undefined && { sni: name }),
        common_tls_context: { ...certificates, ...validation },
      },
    },
  };
}

/**
 * The bootstrap of a gRPC client (gRFC A27; `tls` credentials: A65).
 * @throws UsageError for an address or TLS files that cannot be
 */
export function grpcBootstrap(options: BootstrapOptions): object {
  const { server, service, tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  if (service !== "ads") throw new UsageError("gRPC clients use the aggregated stream only; leave out --service");
  if (tlsServerName !== undefined)
    throw new UsageError("gRPC clients take the server's host for its name; --server has to be by that name");
  hostAndPort(server);
  const files = { ca_certificate_file: tlsCa, certificate_file: tlsCert, private_key_file: tlsKey };
  return {
    xds_servers: [
      {
        server_uri: server,
        channel_creds: [usesTls(options) ? { type: "tls", config: files } : { type: "insecure" }],
        server_features: ["xds_v3"],
      },
    ],
    node: { locality: {}, ...nodeOf(options) }, // gRPC for Node.js takes no node without a locality
  };
}

function usesTls({ tls, tlsCa, tlsCert, tlsKey, tlsServerName }: BootstrapOptions): boolean {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError("--tls-cert and --tls-key go together; give both");
  return tls === true || [tlsCa, tlsCert, tlsServerName].some((value) => value !== undefined);
}

function nodeOf({ nodeId, nodeCluster, locality }: BootstrapOptions): object {
  const [region, zone, subZone, ...rest] = locality ?? [];
  if (rest.length > 0)
    throw new UsageError(`--locality is region/zone/sub-zone, and has no room for "${rest.join("/")}"`);
  return {
    id: nodeId,
    cluster: nodeCluster,
    ...(region !== undefined && {
      locality: { region, ...(zone !== undefined && { zone }), ...(subZone !== undefined && { sub_zone: subZone }) },
    }),
  };
}

function hostAndPort(server: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(server) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new UsageError(`--server ${JSON.stringify(server)} is no host:port`);
}

const isAddress = (host: string) => isIP(host) !== 0;
const socketAddress = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
