import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  apiHelp,
  parseType,
  typeHelp
} from "./chunk-H5AN4Y5K.js";
import {
  InvalidArgumentError,
  parseBytes,
  parseCount,
  parseDuration,
  parsePercent,
  parsePort
} from "./chunk-J3J7LZXM.js";
import {
  SanPattern,
  loopbackOrSan
} from "./chunk-4V4LNO3N.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/settings/setting-values.js
import { isIP } from "node:net";
var takesList = true;
var text = (value) => {
  if (value !== "")
    return value;
  throw new InvalidArgumentError("expected a value, got an empty one");
};
var oneOf = (...choices) => Object.assign((value) => {
  const choice = choices.find((known) => known === value);
  if (choice !== void 0)
    return choice;
  throw new InvalidArgumentError(`expected one of ${choices.join(", ")}`);
}, { choices });
var onOff = (value) => oneOf("true", "false", "1", "0")(value).match(/true|1/) !== null;
var orOff = (parse) => (value) => {
  if (value === "off")
    return "off";
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError))
      throw error;
    throw new InvalidArgumentError(`${error.message}, or "off"`);
  }
};
function countFromZero(value) {
  if (/^\d{1,9}$/.test(value))
    return Number(value);
  throw new InvalidArgumentError("expected a whole number from 0");
}
var atLeast = (parse, least) => (value) => {
  const number = parse(value);
  if (number >= parse(least))
    return number;
  throw new InvalidArgumentError(`expected at least ${least}`);
};
var sanPattern = (rule) => (value) => {
  try {
    rule(value);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return value;
};
var hostNames = Object.assign((value) => {
  const names = value.split(",").map((name) => name.trim());
  const wrong = names.find((name) => isIP(name) === 0 && !/^[\w.-]+$/.test(name));
  if (wrong === void 0)
    return names;
  throw new InvalidArgumentError(`expected host names separated by commas, such as xds.example, without a scheme or a port, got ${JSON.stringify(wrong)}`);
}, { takesList });
var listOf = (parse) => Object.assign((value) => value.split(",").map((one) => parse(one.trim())), { takesList });
var share = (value) => {
  const [, number = "", percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? [];
  const found = number === "" ? Number.NaN : Number(number) / (percent ? 100 : 1);
  if (found >= 0 && found <= 1)
    return found;
  throw new InvalidArgumentError("expected a share such as 5% or 0.05");
};
var waves = Object.assign((value) => {
  const shares = listOf(share)(value);
  if (shares.at(-1) === 1 && shares.every((one, at) => one > (shares[at - 1] ?? 0)))
    return shares;
  throw new InvalidArgumentError("expected shares that grow up to 100%, such as 5%,25%,100%");
}, { takesList });
var httpUrl = (value) => {
  if (/^https?:\/\/./.test(value) && URL.canParse(value))
    return value;
  throw new InvalidArgumentError("expected a URL such as http://127.0.0.1:8080/path");
};
var nodeFields = ["id", "cluster", "locality.region", "locality.zone", "locality.sub_zone"];
var nodeField = Object.assign((value) => {
  if (nodeFields.includes(value) || /^metadata\..+$/.test(value))
    return value;
  throw new InvalidArgumentError(`expected one of ${nodeFields.join(", ")}, metadata.<path>`);
}, { choices: nodeFields });

// dist/cli/settings/store-address.js
var expected = "expected etcd://host:2379[,host:2379\u2026][/configuration], or etcds://\u2026 for TLS";
function storeAddress(text2) {
  const [, scheme, hosts = "", configuration] = /^(etcds?):\/\/([^/?#]*)(?:\/([^/?#]*)\/?)?$/.exec(text2) ?? [];
  if (hosts.includes("@"))
    throw new InvalidArgumentError("the user and the password are not part of the URL: give --store-user, and the password by --store-password-file or XDS_STORE_PASSWORD");
  if (scheme === void 0 || hosts === "")
    throw new InvalidArgumentError(expected);
  const endpoints = hosts.split(",").map((host) => /(^|[^:\]]):\d+$|\]:\d+$/.test(host) ? host : `${host}:2379`);
  const wrong = endpoints.find((endpoint) => !/^(\[[\da-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/.test(endpoint));
  if (wrong !== void 0)
    throw new InvalidArgumentError(`${expected}; ${JSON.stringify(wrong)} is not host:port`);
  if (configuration !== void 0 && configuration !== "" && !/^[\w-][\w.-]{0,99}$/.test(configuration))
    throw new InvalidArgumentError("the name of the configuration, which is the path of the URL, has at most 100 letters, digits, '.', '_' and '-'");
  return { text: text2, endpoints, configuration: configuration || "default", hasTls: scheme === "etcds" };
}

// dist/cli/settings/settings.js
function setting(key, argument, help, parse, value) {
  return { key, argument, help, parse, default: value };
}
var settings = {
  host: setting("host", "<address>", "address to listen on", text, "127.0.0.1"),
  port: setting("port", "<port>", "port for gRPC (ADS, and the service of each type); 0 takes a free port", parsePort, "18000"),
  restPort: setting("rest_port", "<port>", 'port for REST; 0 takes a free port, "off" opens none', orOff(parsePort), "18001"),
  adminHost: setting("admin.host", "<address>", "address of the admin port", text, "127.0.0.1"),
  adminPort: setting("admin.port", "<port>", 'port for readiness, metrics, config dumps and `xds status`, over HTTP; 0 takes a free port, "off" opens none', orOff(parsePort), "18002"),
  adminTokenFile: setting("admin.token_file", "<file>", "tokens for orders over the admin port, such as `xds undo`: one line name:token for each; by default only the socket in the state directory takes orders", text),
  adminInsecure: setting("admin.insecure", void 0, "let the admin port listen beyond loopback; it has no TLS, so anyone who reaches it can read the configuration, except secrets", onOff, "false"),
  insecure: setting("insecure", void 0, "listen for gRPC and REST beyond loopback without TLS; anyone who reaches them can read the configuration, including secrets", onOff, "false"),
  allowedHosts: setting("allowed_hosts", "<names>", "host names, separated by commas, that requests to REST and the admin port may use in addition to their address and localhost; by default any name is allowed beyond loopback", hostNames),
  nodeGroup: setting("node_group", "<field>", `the field of a node that names its group, if no rule in xds.yaml matches: ${nodeFields.join(", ")}, or metadata.<path>`, nodeField, "id"),
  unmatchedNodes: setting("unmatched_nodes", "<how>", "what nodes get whose group has no directory: default (the files for all nodes) or none", oneOf("default", "none"), "default"),
  allowUnprovenGroups: setting("allow_unproven_groups", void 0, "serve even if groups are computed from more than --tls-node-san proves; a client can then claim any group", onOff, "false"),
  validation: setting("validation", "<how>", "whether to refuse a configuration that Envoy would refuse: on, strict (also if a referenced resource does not exist), off", oneOf("on", "strict", "off"), "on"),
  resourceType: setting("type", "<type>", typeHelp, parseType),
  descriptors: setting("descriptors", "<file>", apiHelp.descriptors, text),
  envoy: setting("envoy", "<binary>", apiHelp.envoy, text),
  tlsCert: setting("tls.cert", "<file>", "certificate chain of the server, in PEM; read again when it changes", text),
  tlsKey: setting("tls.key", "<file>", "private key of --tls-cert, in PEM", text),
  tlsClientCa: setting("tls.client_ca", "<file>", "authorities of clients' certificates, in PEM; clients then need a certificate (mTLS)", text),
  tlsNodeSan: setting("tls.node_san", "<pattern>", "pattern that a name (SAN: URI or DNS) of a client's certificate must match, such as spiffe://*/{cluster}/{id}; {id} and {cluster} are the node's, * is any text, all without a slash; groups may be computed only from those two, if they are in the pattern", sanPattern((pattern) => new SanPattern(pattern))),
  tlsCsdsSan: setting("tls.csds_san", "<pattern>", "pattern for the certificates of clients on other machines that may ask for the status of all nodes (CSDS), such as spiffe://*/ns/ops/sa/*; a name (SAN: URI or DNS) must match, * is any text without a slash; by default only clients on this machine may ask", sanPattern(loopbackOrSan)),
  maxStreams: setting("limits.streams", "<count>", "open streams", parseCount, "100000"),
  maxStreamsPerPeer: setting("limits.streams_per_peer", "<count>", "open streams of one IP address", parseCount, "20000"),
  newStreamsPerSecond: setting("limits.new_streams_per_second", "<count>", "new streams, unary calls and REST requests per second; bursts may have ten times as many", parseCount, "5000"),
  requestsPerSecond: setting("limits.requests_per_second", "<count>", "requests per second on one stream; bursts may have ten times as many", parseCount, "1000"),
  maxRequestBytes: setting("limits.request_bytes", "<size>", "size of one request", parseBytes, "16MiB"),
  maxNodeBytes: setting("limits.node_bytes", "<size>", "size of the node in a request", parseBytes, "256KiB"),
  maxNames: setting("limits.names", "<count>", "names in one subscription", parseCount, "100000"),
  maxUnsentBytes: setting("limits.response_bytes", "<size>", "total size of responses that clients have not read yet; by default a quarter of the memory", parseBytes),
  maxHeapPercent: setting("limits.heap_percent", "<percent>", "heap use above which new streams are refused; with 100, none are", parsePercent, "75"),
  maxConnections: setting("limits.connections", "<count>", "open gRPC connections, and as many REST connections; fewer if the process may open fewer files", parseCount, "100000"),
  maxConnectionsPerPeer: setting("limits.connections_per_peer", "<count>", 'open gRPC connections of one IP address, which can have thousands of clients behind it; or "off"', orOff(parseCount), "off"),
  maxStreamsPerConnection: setting("limits.streams_per_connection", "<count>", "open streams and calls of one gRPC connection", parseCount, "1000"),
  maxHeaderBytes: setting("limits.header_bytes", "<size>", "size of the headers of a gRPC call", parseBytes, "16KiB"),
  maxContinuationFrames: setting("limits.continuation_frames", "<count>", "CONTINUATION frames for the headers of a gRPC call", parseCount, "16"),
  controlFrames: setting("limits.control_frames", "<count>", "frames per second without a request on one gRPC connection, such as PING; bursts may have ten times as many", parseCount, "200"),
  handshakeTime: setting("limits.handshake_time", "<time>", "time in which a connection must finish its TLS handshake, and on gRPC the start of HTTP/2", parseDuration, "10s"),
  messageTime: setting("limits.message_time", "<time>", "time in which a message must arrive, from the start of its gRPC call or from its first byte; on REST for the headers, and again for the body", parseDuration, "10s"),
  idleConnectionTime: setting("limits.idle_connection_time", "<time>", "time after which a gRPC connection without streams is closed", parseDuration, "5m"),
  maxReceivingBytes: setting("limits.receiving_bytes", "<size>", "total size of gRPC and REST requests that are incomplete or not handled yet; by default an eighth of the memory", parseBytes),
  fileMemory: setting("limits.file_memory", "<size>", "heap for reading files, at least 32MiB; a file that needs more is not served; by default a quarter of the memory, at most 1GiB", atLeast(parseBytes, "32MiB")),
  fileTime: setting("limits.file_time", "<time>", "CPU time for reading one file, at least 1s; a file that needs longer is not served, and is tried again later", atLeast(parseDuration, "1s"), "30s"),
  maxConnectionAge: setting("max_connection_age", "<time>", 'age, plus or minus a tenth, at which a connection is closed so that the client connects again; or "off"', orOff(parseDuration), "off"),
  drainTime: setting("drain_time", "<time>", "time in which SIGTERM ends all streams, one after the other", parseDuration, "5s"),
  envoyDrainTime: setting("envoy_drain_time", "<time>", "how long an Envoy still uses a listener that was replaced or removed; set it to the --drain-time-s of your Envoys", parseDuration, "10m"),
  retryRefused: setting("retry_refused", "<how>", "send NACKed content again, after 10 s, after 1 minute, and then at growing intervals up to 15 minutes: on or off", oneOf("on", "off"), "on"),
  maxResponseBytes: setting("max_response_bytes", "<size>", "size of the resources in one response; a larger response is split in delta, and logged in SotW", parseBytes, "4092KiB"),
  loadReports: setting("load_reports", "<interval>", 'how often nodes report their load, if they offer to (LRS); or "off"', orOff(parseDuration), "10s"),
  store: setting("store", "<url>", "an etcd that several servers share: etcd://host:2379[,\u2026][/name], or etcds://\u2026 for TLS; it has the revisions, and name is that of the configuration. Without a path, the server serves what others publish there (`xds publish`)", storeAddress),
  storeTlsCa: setting("store_tls.ca", "<file>", "authorities of etcd's certificate, in PEM; by default Node's", text),
  storeTlsCert: setting("store_tls.cert", "<file>", "our certificate for etcd, in PEM", text),
  storeTlsKey: setting("store_tls.key", "<file>", "private key of --store-tls-cert, in PEM", text),
  storeTlsServerName: setting("store_tls.server_name", "<name>", "the name in etcd's certificate, if it is not the host of the URL", text),
  storeUser: setting("store_user", "<name>", "our user of etcd; its password is in XDS_STORE_PASSWORD, or in a file", text),
  storePasswordFile: setting("store_password_file", "<file>", "file with the password of --store-user", text),
  stateDir: setting("state_dir", "<directory>", 'where revisions are kept, so that a restart can serve the last good one; with --store, a copy of what is served; "memory" keeps nothing after the end of the program; by default a directory for these paths or this store below $XDG_STATE_HOME or ~/.local/state', text),
  keepRevisions: setting("keep_revisions", "<count>", "how many revisions are kept", parseCount, "50"),
  liveTypes: setting("live_types", "<types>", "types of resources that reach all nodes at once and belong to no revision, separated by commas", listOf(parseType), "endpoints,secrets"),
  missingTarget: setting("checks.missing_target", "<how>", "what happens to a change with a broken reference: refuse_new (the change is refused, unless the reference was broken before), refuse, or warn", oneOf("refuse_new", "refuse", "warn"), "refuse_new"),
  knownClusters: setting("checks.known_clusters", "<names>", "clusters that the Envoys have in their own files, separated by commas; references to them are not broken", listOf(text)),
  checkEnvoy: setting("checks.envoy", "<binary>", "an Envoy that checks each change before it is served, with its --mode validate, except changes of live resources only", text),
  removalGuard: setting("guards.removal", "<share>", 'hold a change that removes more than this share of a type from a group (ten resources at least), or all of it, until `xds approve`; or "off"', orOff(share), "50%"),
  rolloutStrategy: setting("rollout.strategy", "<how>", "gradual: a change reaches one node first, then more and more, and goes back when something is wrong; all_at_once (the default, unless another rollout setting is given)", oneOf("all_at_once", "gradual")),
  rolloutWaves: setting("rollout.waves", "<shares>", "shares of the nodes that have a change after the first node has it (default 5%,25%,100%)", waves),
  rolloutBake: setting("rollout.bake", "<times>", "how long the first node, the second wave and further waves are watched (default 1m,5m,10m)", listOf(parseDuration)),
  rolloutAppliedWithin: setting("rollout.applied_within", "<time>", "how long a node may take to apply a change (default 60s)", parseDuration),
  rolloutFewNodes: setting("rollout.few_nodes", "<count>", "with fewer affected nodes than this, the second wave is all of them (default 5)", parseCount),
  rolloutNackRetries: setting("rollout.nack_retries", "<count>", "how often a node may refuse a resource and be offered it again (after 10 s, then a minute), before that stops a rollout; 1 for extensions with nack_on_cache_miss (default 0)", countFromZero),
  rolloutInconclusive: setting("rollout.inconclusive", "<how>", "what happens when a gate has too little evidence for too long: hold (the default), continue, or rollback", oneOf("hold", "continue", "rollback")),
  rolloutMaxWait: setting("rollout.max_wait", "<time>", "how long a rollout waits for evidence before that (default 30m)", parseDuration),
  rolloutGateUrl: setting("rollout.gate_url", "<url>", "a URL that is asked by POST whether a wave is good; it answers {verdict: pass|fail|inconclusive, text}", httpUrl),
  rolloutPromqlUrl: setting("rollout.promql_url", "<url>", "the Prometheus that answers --rollout-promql-query", httpUrl),
  rolloutPromqlQuery: setting("rollout.promql_query", "<query>", "a query whose result above 0 stops a rollout, written like an alert", text),
  rolloutWebhook: setting("rollout.webhook", "<url>", "gets a POST when a rollout is held, is rolled back, or is done", httpUrl),
  logLevel: setting("log.level", "<level>", "debug, info, warn or error", oneOf("debug", "info", "warn", "error"), "info"),
  logFormat: setting("log.format", "<format>", "json, pretty, or auto (pretty on a terminal)", oneOf("auto", "json", "pretty"), "auto")
};
var settingNames = Object.keys(settings);
var flagOf = ({ key }) => `--${key.replaceAll(/[._]/g, "-")}`;
var variableOf = ({ key }) => `XDS_${key.replaceAll(".", "_").toUpperCase()}`;
var rows = Object.values(settings);
var settingOf = (key) => rows.find((row) => row.key === key);
var settingKeys = rows.map(({ key }) => key);

export {
  settings,
  settingNames,
  flagOf,
  variableOf,
  settingOf,
  settingKeys
};
