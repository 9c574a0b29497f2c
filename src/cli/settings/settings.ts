import { loopbackOrSan } from "../../server/access/csds-access.js";
import { SanPattern } from "../../server/access/san-pattern.js";
import { parseType, typeHelp } from "../schema/resource-type-name.js";
import { parseBytes, parseCount, parseDuration, parsePercent, parsePort } from "../terminal/command.js";
import { apiHelp } from "./api-options.js";
import {
  atLeast,
  countFromZero,
  countOrAuto,
  hostAndPort,
  hostNames,
  httpUrl,
  listOf,
  nodeField,
  nodeFields,
  oneOf,
  onOff,
  orOff,
  sanPattern,
  share,
  text,
  waves,
} from "./setting-values.js";
import { storeAddress } from "./store-address.js";

/** Reads a setting. `choices` are words that it accepts; it may accept others too. */
type Parse<T> = ((text: string) => T) & {
  readonly choices?: readonly string[];
  /** In `xds.yaml` it may be a list. */
  readonly takesList?: boolean;
};

/**
 * One setting of `xds serve`. Its key, such as `tls.client_ca`, is its place in `xds.yaml`. The flag `--tls-client-ca`
 * and the environment variable `XDS_TLS_CLIENT_CA` are made from the key. A flag overrides the environment, then come
 * the file and the default.
 */
export interface Setting<T> {
  readonly key: string;
  /** The value's name in the help, such as `<port>`. A setting that is on or off has none; its flag needs no value. */
  readonly argument: string | undefined;
  readonly help: string;
  /** @throws InvalidArgumentError with what was expected */
  readonly parse: Parse<T>;
  /** As a user would write it. A setting without a default can be unset. */
  readonly default: string | undefined;
}

function setting<T>(
  key: string,
  argument: string | undefined,
  help: string,
  parse: Parse<T>,
  value: string,
): Setting<T>;
function setting<T>(key: string, argument: string | undefined, help: string, parse: Parse<T>): Setting<T | undefined>;
function setting<T>(
  key: string,
  argument: string | undefined,
  help: string,
  parse: Parse<T>,
  value?: string,
): Setting<T | undefined> {
  return { key, argument, help, parse, default: value };
}

/** Every setting of `xds serve`, except the rules of node groups, which only `xds.yaml` can have. */
export const settings = {
  host: setting("host", "<address>", "address to listen on", text, "127.0.0.1"),
  port: setting(
    "port",
    "<port>",
    "port for gRPC (ADS, and the service of each type); 0 takes a free port",
    parsePort,
    "18000",
  ),
  restPort: setting(
    "rest_port",
    "<port>",
    'port for REST; 0 takes a free port, "off" opens none',
    orOff(parsePort),
    "18001",
  ),
  adminHost: setting("admin.host", "<address>", "address of the admin port", text, "127.0.0.1"),
  adminPort: setting(
    "admin.port",
    "<port>",
    'port for readiness, metrics, config dumps and `xds status`, over HTTP; 0 takes a free port, "off" opens none',
    orOff(parsePort),
    "18002",
  ),
  adminTokenFile: setting(
    "admin.token_file",
    "<file>",
    "tokens for orders over the admin port, such as `xds undo`: one line name:token for each; by default only the socket in the state directory takes orders",
    text,
  ),
  adminInsecure: setting(
    "admin.insecure",
    undefined,
    "let the admin port listen beyond loopback; it has no TLS, so anyone who reaches it can read the configuration, except secrets",
    onOff,
    "false",
  ),
  insecure: setting(
    "insecure",
    undefined,
    "listen for gRPC and REST beyond loopback without TLS; anyone who reaches them can read the configuration, including secrets",
    onOff,
    "false",
  ),
  allowedHosts: setting(
    "allowed_hosts",
    "<names>",
    "host names, separated by commas, that requests to REST and the admin port may use in addition to their address and localhost; " +
      "by default any name is allowed beyond loopback",
    hostNames,
  ),
  nodeGroup: setting(
    "node_group",
    "<field>",
    `the field of a node that names its group, if no rule in xds.yaml matches: ${nodeFields.join(", ")}, or metadata.<path>`,
    nodeField,
    "id",
  ),
  unmatchedNodes: setting(
    "unmatched_nodes",
    "<how>",
    "what nodes get whose group has no directory: default (the files for all nodes) or none",
    oneOf("default", "none"),
    "default",
  ),
  allowUnprovenGroups: setting(
    "allow_unproven_groups",
    undefined,
    "serve even if groups are computed from more than --tls-node-san proves; a client can then claim any group",
    onOff,
    "false",
  ),
  validation: setting(
    "validation",
    "<how>",
    "whether to refuse a configuration that Envoy would refuse: on, strict (also if a referenced resource does not exist), off",
    oneOf("on", "strict", "off"),
    "on",
  ),
  resourceType: setting("type", "<type>", typeHelp, parseType),
  descriptors: setting("descriptors", "<file>", apiHelp.descriptors, text),
  envoy: setting("envoy", "<binary>", apiHelp.envoy, text),
  tlsCert: setting("tls.cert", "<file>", "certificate chain of the server, in PEM; read again when it changes", text),
  tlsKey: setting("tls.key", "<file>", "private key of --tls-cert, in PEM", text),
  tlsClientCa: setting(
    "tls.client_ca",
    "<file>",
    "authorities of clients' certificates, in PEM; clients then need a certificate (mTLS)",
    text,
  ),
  tlsNodeSan: setting(
    "tls.node_san",
    "<pattern>",
    "pattern that a name (SAN: URI or DNS) of a client's certificate must match, such as spiffe://*/{cluster}/{id}; {id} and " +
      "{cluster} are the node's, * is any text, all without a slash; groups may be computed only from those two, if they are in the pattern",
    sanPattern((pattern) => new SanPattern(pattern)),
  ),
  tlsCsdsSan: setting(
    "tls.csds_san",
    "<pattern>",
    "pattern for the certificates of clients on other machines that may ask for the status of all nodes (CSDS), such as " +
      "spiffe://*/ns/ops/sa/*; a name (SAN: URI or DNS) must match, * is any text without a slash; by default only clients on this machine may ask",
    sanPattern(loopbackOrSan),
  ),
  maxStreams: setting("limits.streams", "<count>", "open streams", parseCount, "100000"),
  maxStreamsPerPeer: setting(
    "limits.streams_per_peer",
    "<count>",
    "open streams of one IP address",
    parseCount,
    "20000",
  ),
  newStreamsPerSecond: setting(
    "limits.new_streams_per_second",
    "<count>",
    "new streams, unary calls and REST requests per second; bursts may have ten times as many",
    parseCount,
    "5000",
  ),
  requestsPerSecond: setting(
    "limits.requests_per_second",
    "<count>",
    "requests per second on one stream; bursts may have ten times as many",
    parseCount,
    "1000",
  ),
  maxRequestBytes: setting("limits.request_bytes", "<size>", "size of one request", parseBytes, "16MiB"),
  maxNodeBytes: setting("limits.node_bytes", "<size>", "size of the node in a request", parseBytes, "256KiB"),
  maxNames: setting("limits.names", "<count>", "names in one subscription", parseCount, "100000"),
  maxUnsentBytes: setting(
    "limits.response_bytes",
    "<size>",
    "total size of responses that clients have not read yet; by default a quarter of the memory",
    parseBytes,
  ),
  maxHeapPercent: setting(
    "limits.heap_percent",
    "<percent>",
    "heap use above which new streams are refused; with 100, none are",
    parsePercent,
    "75",
  ),
  maxConnections: setting(
    "limits.connections",
    "<count>",
    "open gRPC connections, and as many REST connections; fewer if the process may open fewer files",
    parseCount,
    "100000",
  ),
  maxConnectionsPerPeer: setting(
    "limits.connections_per_peer",
    "<count>",
    'open gRPC connections of one IP address, which can have thousands of clients behind it; or "off"',
    orOff(parseCount),
    "off",
  ),
  maxStreamsPerConnection: setting(
    "limits.streams_per_connection",
    "<count>",
    "open streams and calls of one gRPC connection",
    parseCount,
    "1000",
  ),
  maxHeaderBytes: setting("limits.header_bytes", "<size>", "size of the headers of a gRPC call", parseBytes, "16KiB"),
  maxContinuationFrames: setting(
    "limits.continuation_frames",
    "<count>",
    "CONTINUATION frames for the headers of a gRPC call",
    parseCount,
    "16",
  ),
  controlFrames: setting(
    "limits.control_frames",
    "<count>",
    "frames per second without a request on one gRPC connection, such as PING; bursts may have ten times as many",
    parseCount,
    "200",
  ),
  handshakeTime: setting(
    "limits.handshake_time",
    "<time>",
    "time in which a connection must finish its TLS handshake, and on gRPC the start of HTTP/2",
    parseDuration,
    "10s",
  ),
  messageTime: setting(
    "limits.message_time",
    "<time>",
    "time in which a message must arrive, from the start of its gRPC call or from its first byte; on REST for the headers, and again for the body",
    parseDuration,
    "10s",
  ),
  idleConnectionTime: setting(
    "limits.idle_connection_time",
    "<time>",
    "time after which a gRPC connection without streams is closed",
    parseDuration,
    "5m",
  ),
  maxReceivingBytes: setting(
    "limits.receiving_bytes",
    "<size>",
    "total size of gRPC and REST requests that are incomplete or not handled yet; by default an eighth of the memory",
    parseBytes,
  ),
  fileMemory: setting(
    "limits.file_memory",
    "<size>",
    "heap for reading files, at least 32MiB; a file that needs more is not served; by default a quarter of the memory, at most 1GiB",
    atLeast(parseBytes, "32MiB"),
  ),
  fileTime: setting(
    "limits.file_time",
    "<time>",
    "CPU time for reading one file, at least 1s; a file that needs longer is not served, and is tried again later",
    atLeast(parseDuration, "1s"),
    "30s",
  ),
  maxConnectionAge: setting(
    "max_connection_age",
    "<time>",
    'age, plus or minus a tenth, at which a connection is closed so that the client connects again; or "off"',
    orOff(parseDuration),
    "off",
  ),
  drainTime: setting(
    "drain_time",
    "<time>",
    "time in which SIGTERM ends all streams, one after the other",
    parseDuration,
    "5s",
  ),
  envoyDrainTime: setting(
    "envoy_drain_time",
    "<time>",
    "how long an Envoy still uses a listener that was replaced or removed; set it to the --drain-time-s of your Envoys",
    parseDuration,
    "10m",
  ),
  retryRefused: setting(
    "retry_refused",
    "<how>",
    "send NACKed content again, after 10 s, after 1 minute, and then at growing intervals up to 15 minutes: on or off",
    oneOf("on", "off"),
    "on",
  ),
  maxResponseBytes: setting(
    "max_response_bytes",
    "<size>",
    "size of the resources in one response; a larger response is split in delta, and logged in SotW",
    parseBytes,
    "4092KiB",
  ),
  loadReports: setting(
    "load_reports",
    "<interval>",
    'how often nodes report their load, if they offer to (LRS); or "off"',
    orOff(parseDuration),
    "10s",
  ),
  store: setting(
    "store",
    "<url>",
    "an etcd that several servers share: etcd://host:2379[,…][/name], or etcds://… for TLS; it has the revisions, and name is that of the configuration. " +
      "Without a path, the server serves what others publish there (`xds publish`)",
    storeAddress,
  ),
  storeTlsCa: setting("store_tls.ca", "<file>", "authorities of etcd's certificate, in PEM; by default Node's", text),
  storeTlsCert: setting("store_tls.cert", "<file>", "our certificate for etcd, in PEM", text),
  storeTlsKey: setting("store_tls.key", "<file>", "private key of --store-tls-cert, in PEM", text),
  storeTlsServerName: setting(
    "store_tls.server_name",
    "<name>",
    "the name in etcd's certificate, if it is not the host of the URL",
    text,
  ),
  storeUser: setting(
    "store_user",
    "<name>",
    "our user of etcd; its password is in XDS_STORE_PASSWORD, or in a file",
    text,
  ),
  storePasswordFile: setting("store_password_file", "<file>", "file with the password of --store-user", text),
  workers: setting(
    "workers",
    "<count>",
    "processes that serve on the same ports, to use several cores; auto: one for each core; limits on what all clients may use are divided among them",
    countOrAuto,
    "1",
  ),
  advertise: setting(
    "advertise",
    "<host:port>",
    "with --store: where other replicas reach the gRPC port of this one; by default the address that it listens on, or the host's name if that is every address",
    hostAndPort,
  ),
  balance: setting(
    "balance",
    "<how>",
    "with --store: whether a replica with many more streams than the others sends nodes to them: on, off",
    oneOf("on", "off"),
    "on",
  ),
  stateDir: setting(
    "state_dir",
    "<directory>",
    "where revisions are kept, so that a restart can serve the last good one; with --store, a copy of what is served; " +
      '"memory" keeps nothing after the end of the program; by default a directory for these paths or this store below $XDG_STATE_HOME or ~/.local/state',
    text,
  ),
  keepRevisions: setting("keep_revisions", "<count>", "how many revisions are kept", parseCount, "50"),
  liveTypes: setting(
    "live_types",
    "<types>",
    "types of resources that reach all nodes at once and belong to no revision, separated by commas",
    listOf(parseType),
    "endpoints,secrets",
  ),
  missingTarget: setting(
    "checks.missing_target",
    "<how>",
    "what happens to a change with a broken reference: refuse_new (the change is refused, unless the reference was broken before), refuse, or warn",
    oneOf("refuse_new", "refuse", "warn"),
    "refuse_new",
  ),
  knownClusters: setting(
    "checks.known_clusters",
    "<names>",
    "clusters that the Envoys have in their own files, separated by commas; references to them are not broken",
    listOf(text),
  ),
  checkEnvoy: setting(
    "checks.envoy",
    "<binary>",
    "an Envoy that checks each change before it is served, with its --mode validate, except changes of live resources only",
    text,
  ),
  removalGuard: setting(
    "guards.removal",
    "<share>",
    'hold a change that removes more than this share of a type from a group (ten resources at least), or all of it, until `xds approve`; or "off"',
    orOff(share),
    "50%",
  ),
  rolloutStrategy: setting(
    "rollout.strategy",
    "<how>",
    "gradual: a change reaches one node first, then more and more, and goes back when something is wrong; all_at_once (the default, unless another rollout setting is given)",
    oneOf("all_at_once", "gradual"),
  ),
  rolloutWaves: setting(
    "rollout.waves",
    "<shares>",
    "shares of the nodes that have a change after the first node has it (default 5%,25%,100%)",
    waves,
  ),
  rolloutBake: setting(
    "rollout.bake",
    "<times>",
    "how long the first node, the second wave and further waves are watched (default 1m,5m,10m)",
    listOf(parseDuration),
  ),
  rolloutAppliedWithin: setting(
    "rollout.applied_within",
    "<time>",
    "how long a node may take to apply a change (default 60s)",
    parseDuration,
  ),
  rolloutFewNodes: setting(
    "rollout.few_nodes",
    "<count>",
    "with fewer affected nodes than this, the second wave is all of them (default 5)",
    parseCount,
  ),
  rolloutNackRetries: setting(
    "rollout.nack_retries",
    "<count>",
    "how often a node may refuse a resource and be offered it again (after 10 s, then a minute), before that stops a rollout; 1 for extensions with nack_on_cache_miss (default 0)",
    countFromZero,
  ),
  rolloutInconclusive: setting(
    "rollout.inconclusive",
    "<how>",
    "what happens when a gate has too little evidence for too long: hold (the default), continue, or rollback",
    oneOf("hold", "continue", "rollback"),
  ),
  rolloutMaxWait: setting(
    "rollout.max_wait",
    "<time>",
    "how long a rollout waits for evidence before that (default 30m)",
    parseDuration,
  ),
  rolloutGateUrl: setting(
    "rollout.gate_url",
    "<url>",
    "a URL that is asked by POST whether a wave is good; it answers {verdict: pass|fail|inconclusive, text}",
    httpUrl,
  ),
  rolloutPromqlUrl: setting(
    "rollout.promql_url",
    "<url>",
    "the Prometheus that answers --rollout-promql-query",
    httpUrl,
  ),
  rolloutPromqlQuery: setting(
    "rollout.promql_query",
    "<query>",
    "a query whose result above 0 stops a rollout, written like an alert",
    text,
  ),
  rolloutWebhook: setting(
    "rollout.webhook",
    "<url>",
    "gets a POST when a rollout is held, is rolled back, or is done",
    httpUrl,
  ),
  logLevel: setting(
    "log.level",
    "<level>",
    "debug, info, warn or error",
    oneOf("debug", "info", "warn", "error"),
    "info",
  ),
  logFormat: setting(
    "log.format",
    "<format>",
    "json, pretty, or auto (pretty on a terminal)",
    oneOf("auto", "json", "pretty"),
    "auto",
  ),
} as const;

export type SettingName = keyof typeof settings;
/** The values of all settings. Times are in milliseconds, sizes in bytes. */
export type Settings = {
  readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer T> ? T : never;
};

export const settingNames = Object.keys(settings) as SettingName[];

export const flagOf = ({ key }: Setting<unknown>) => `--${key.replaceAll(/[._]/g, "-")}`;
export const variableOf = ({ key }: Setting<unknown>) => `XDS_${key.replaceAll(".", "_").toUpperCase()}`;

const rows: readonly Setting<unknown>[] = Object.values(settings);

/** The setting that a key of `xds.yaml` names. */
export const settingOf = (key: string): Setting<unknown> | undefined => rows.find((row) => row.key === key);
export const settingKeys: readonly string[] = rows.map(({ key }) => key);
