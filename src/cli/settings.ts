import { isIP } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../errors.js";
import { loopbackOrSan } from "../server/csds-access.js";
import { SanPattern } from "../server/san-pattern.js";
import { apiHelp } from "./api-options.js";
import {
  completedWith,
  parseBytes,
  parseCount,
  parseDuration,
  parsePercent,
  parsePort,
  UsageError,
} from "./command.js";

/** Reads a setting; `choices`: where there are just these, or these too. */
type Parse<T> = ((text: string) => T) & { readonly choices?: readonly string[] };

/**
 * One setting of `xds serve`. Its key `tls.client_ca` is where `xds.yaml` has it, and makes the flag `--tls-client-ca` and the
 * environment variable `XDS_TLS_CLIENT_CA`. Flag before environment before file before default.
 */
export interface Setting<T> {
  readonly key: string;
  /** The value's name in the help, such as `<port>`; undefined: it is on or off, and the flag needs no value. */
  readonly argument: string | undefined;
  readonly help: string;
  /** @throws InvalidArgumentError telling what was expected */
  readonly parse: Parse<T>;
  /** As a user would write it; undefined: not set. */
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

const text = (value: string) => {
  if (value !== "") return value;
  throw new InvalidArgumentError("Expected a value, got an empty one.");
};
const oneOf = <T extends string>(...choices: readonly T[]) =>
  Object.assign(
    (value: string): T => {
      const choice = choices.find((known) => known === value);
      if (choice !== undefined) return choice;
      throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
    },
    { choices },
  );
const onOff = (value: string) => oneOf("true", "false", "1", "0")(value).match(/true|1/) !== null;
const orOff =
  <T>(parse: (text: string) => T) =>
  (value: string): T | "off" => {
    if (value === "off") return "off";
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`${error.message.replace(/\.$/, "")}; or "off".`);
    }
  };

/** A pattern that a rule is made of. */
const sanPattern = (rule: (pattern: string) => unknown) => (value: string) => {
  try {
    rule(value);
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
  return value;
};

const hostNames = (value: string): readonly string[] => {
  const names = value.split(",").map((name) => name.trim());
  const wrong = names.find((name) => isIP(name) === 0 && !/^[\w.-]+$/.test(name));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(
    `Expected host names with commas between, such as xds.example, without a scheme or a port; ${JSON.stringify(wrong)} is none.`,
  );
};

const nodeFields = ["id", "cluster", "locality.region", "locality.zone", "locality.sub_zone"];
const nodeField = Object.assign(
  (value: string) => {
    if (nodeFields.includes(value) || /^metadata\..+$/.test(value)) return value;
    throw new InvalidArgumentError(`Allowed choices are ${nodeFields.join(", ")}, metadata.<path>.`);
  },
  { choices: nodeFields },
);

/** Every setting of `xds serve`, but the rules of node groups, which `xds.yaml` alone can have. */
export const settings = {
  host: setting("host", "<address>", "address to listen on", text, "127.0.0.1"),
  port: setting(
    "port",
    "<port>",
    "port for gRPC (ADS, and each type's own service); 0 takes a free one",
    parsePort,
    "18000",
  ),
  restPort: setting("rest_port", "<port>", 'port for REST; 0 takes a free one, "off" none', orOff(parsePort), "18001"),
  adminHost: setting("admin.host", "<address>", "address of the admin port", text, "127.0.0.1"),
  adminPort: setting(
    "admin.port",
    "<port>",
    'port for readiness, metrics, config dumps and `xds status`, over HTTP; 0 takes a free one, "off" none',
    orOff(parsePort),
    "18002",
  ),
  insecure: setting("insecure", undefined, "listen beyond loopback without TLS", onOff, "false"),
  allowedHosts: setting(
    "allowed_hosts",
    "<names>",
    "host names, with commas between, under which REST and the admin port may be asked, besides their address and localhost; " +
      "beyond loopback all names will do unless this is set",
    hostNames,
  ),
  nodeGroup: setting(
    "node_group",
    "<field>",
    `what of a node names its group, where no rule of xds.yaml says: ${nodeFields.join(", ")}, or metadata.<path>`,
    nodeField,
    "id",
  ),
  unmatchedNodes: setting(
    "unmatched_nodes",
    "<how>",
    "what nodes of no group with a directory of its own get: default (what is for all nodes) or none",
    oneOf("default", "none"),
    "default",
  ),
  allowUnprovenGroups: setting(
    "allow_unproven_groups",
    undefined,
    "serve also where groups are computed from what --tls-node-san does not prove, so that a client may claim any group",
    onOff,
    "false",
  ),
  validation: setting(
    "validation",
    "<how>",
    "refuse a configuration that Envoy would refuse: on, strict (also where references lead nowhere), off",
    oneOf("on", "strict", "off"),
    "on",
  ),
  descriptors: setting("descriptors", "<file>", apiHelp.descriptors, text),
  envoy: setting("envoy", "<binary>", apiHelp.envoy, text),
  tlsCert: setting("tls.cert", "<file>", "certificate chain of the server in PEM; read again when it changes", text),
  tlsKey: setting("tls.key", "<file>", "its private key in PEM", text),
  tlsClientCa: setting(
    "tls.client_ca",
    "<file>",
    "authorities in PEM that clients' certificates must come from (mTLS)",
    text,
  ),
  tlsNodeSan: setting(
    "tls.node_san",
    "<pattern>",
    "what a name (SAN: URI or DNS) of a client's certificate must be: {id} and {cluster} are its node's, * any text, all " +
      "without a slash, as in spiffe://*/{cluster}/{id}; groups may be computed only from {id} and {cluster} where it has them",
    sanPattern((pattern) => new SanPattern(pattern)),
  ),
  tlsCsdsSan: setting(
    "tls.csds_san",
    "<pattern>",
    "what a name (SAN: URI or DNS) of a certificate must be for its client to ask for the status of all nodes (CSDS) from another " +
      "machine: * is any text without a slash, as in spiffe://*/ns/ops/sa/*; by default only clients on this machine may",
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
    "new streams, unary calls and REST requests a second, with bursts of ten times as many",
    parseCount,
    "5000",
  ),
  requestsPerSecond: setting(
    "limits.requests_per_second",
    "<count>",
    "requests a second on one stream, with bursts of ten times as many",
    parseCount,
    "1000",
  ),
  maxRequestBytes: setting("limits.request_bytes", "<size>", "size of one request", parseBytes, "16MiB"),
  maxNodeBytes: setting("limits.node_bytes", "<size>", "size of what a node says of itself", parseBytes, "1MiB"),
  maxNames: setting("limits.names", "<count>", "names in one subscription", parseCount, "100000"),
  maxUnsentBytes: setting(
    "limits.response_bytes",
    "<size>",
    "responses written that clients have not taken yet, in all; by default a quarter of the memory there is",
    parseBytes,
  ),
  maxHeapPercent: setting(
    "limits.heap_percent",
    "<percent>",
    "how full Node's heap is when no new streams are taken; 100: they always are",
    parsePercent,
    "75",
  ),
  maxConnections: setting(
    "limits.connections",
    "<count>",
    "open gRPC connections, and as many of REST",
    parseCount,
    "100000",
  ),
  maxConnectionsPerPeer: setting(
    "limits.connections_per_peer",
    "<count>",
    'open gRPC connections of one IP address, which may stand for thousands of clients; or "off"',
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
    "frames a second of one gRPC connection that ask for nothing, with bursts of ten times as many",
    parseCount,
    "200",
  ),
  handshakeTime: setting(
    "limits.handshake_time",
    "<time>",
    "how long a connection may take for its TLS handshake, on gRPC for the beginning of HTTP/2 too",
    parseDuration,
    "10s",
  ),
  messageTime: setting(
    "limits.message_time",
    "<time>",
    "how long a message may take to come, from the start of its gRPC call or its own first byte; on REST the headers, and then the body",
    parseDuration,
    "10s",
  ),
  idleConnectionTime: setting(
    "limits.idle_connection_time",
    "<time>",
    "how long a gRPC connection may stay without streams",
    parseDuration,
    "5m",
  ),
  maxReceivingBytes: setting(
    "limits.receiving_bytes",
    "<size>",
    "requests of gRPC and REST that have come in part or wait to be handled, in all; by default an eighth of the memory there is",
    parseBytes,
  ),
  fileMemory: setting(
    "limits.file_memory",
    "<size>",
    "heap for reading files; a file that takes more is not served; by default a quarter of the memory there is, at most 1GiB",
    parseBytes,
  ),
  fileTime: setting(
    "limits.file_time",
    "<time>",
    "how long reading one file may take; a file that takes longer is not served",
    parseDuration,
    "30s",
  ),
  maxConnectionAge: setting(
    "max_connection_age",
    "<time>",
    'how old a connection may get, give or take a tenth, before its client is sent to connect anew; or "off"',
    orOff(parseDuration),
    "off",
  ),
  drainTime: setting(
    "drain_time",
    "<time>",
    "how long SIGTERM takes at most to end all streams, one after the other",
    parseDuration,
    "5s",
  ),
  envoyDrainTime: setting(
    "envoy_drain_time",
    "<time>",
    "how long an Envoy may go on using a listener that was replaced or removed; set it to the --drain-time-s of your Envoys",
    parseDuration,
    "10m",
  ),
  retryRefused: setting(
    "retry_refused",
    "<how>",
    "offer content again that a node has refused, after 10 s, 1 minute, then ever more seldom up to every 15 minutes: on or off",
    oneOf("on", "off"),
    "on",
  ),
  maxResponseBytes: setting(
    "max_response_bytes",
    "<size>",
    "size of the resources in one response; a larger one is divided in delta, and logged in SotW",
    parseBytes,
    "4092KiB",
  ),
  loadReports: setting(
    "load_reports",
    "<interval>",
    'how often nodes that offer to report their load (LRS) do so; or "off"',
    orOff(parseDuration),
    "10s",
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

type SettingName = keyof typeof settings;
/** What the settings come to. Times in milliseconds, sizes in bytes. */
export type Settings = {
  readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer T> ? T : never;
};

const rows = Object.entries(settings) as [SettingName, Setting<unknown>][];

export const flagOf = ({ key }: Setting<unknown>) => `--${key.replaceAll(/[._]/g, "-")}`;
export const variableOf = ({ key }: Setting<unknown>) => `XDS_${key.replaceAll(".", "_").toUpperCase()}`;

/** Adds a flag for each setting. */
export function addSettings(command: Command): void {
  for (const [, row] of rows) {
    const parts = [row.default === undefined ? "" : `default ${row.default}`, `env ${variableOf(row)}`];
    const help = `${row.help} (${parts.filter(Boolean).join(", ")})`;
    const flags = row.argument === undefined ? flagOf(row) : `${flagOf(row)} ${row.argument}`;
    // A value is parsed once, here, so that commander's own words tell what is wrong with a flag.
    const option = completedWith(new Option(flags, help), row.parse.choices ?? []);
    command.addOption(row.argument === undefined ? option : option.argParser(row.parse));
  }
}

/**
 * What the settings come to: a flag before the environment before the file before the default. `file` has parsed values by key.
 * @throws UsageError for a variable of the environment that cannot be used
 */
export function resolveSettings(
  command: Command,
  environment: NodeJS.ProcessEnv,
  file: ReadonlyMap<string, unknown>,
): Settings {
  const given = command.opts<Record<string, unknown>>();
  const values = rows.map(([name, row]) => {
    const attribute = new Option(flagOf(row)).attributeName();
    if (given[attribute] !== undefined) return [name, given[attribute]];
    const variable = environment[variableOf(row)];
    if (variable !== undefined && variable !== "") return [name, fromEnvironment(row, variable)];
    if (file.has(row.key)) return [name, file.get(row.key)];
    return [name, row.default === undefined ? undefined : row.parse(row.default)];
  });
  return Object.fromEntries(values) as Settings;
}

function fromEnvironment(row: Setting<unknown>, value: string): unknown {
  try {
    return row.parse(value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    // Kubernetes sets <NAME>_PORT for each Service.
    const hint = value.startsWith("tcp://")
      ? ' It is of a Kubernetes Service "xds"; set enableServiceLinks: false.'
      : "";
    throw new UsageError(`${variableOf(row)}=${JSON.stringify(value)} in the environment: ${error.message}${hint}`);
  }
}

/** The setting that a key of `xds.yaml` names. */
export const settingOf = (key: string): Setting<unknown> | undefined => rows.find(([, row]) => row.key === key)?.[1];
export const settingKeys: readonly string[] = rows.map(([, { key }]) => key);
