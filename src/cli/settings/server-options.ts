import type { RationedLog } from "../../rationed-log.js";
import { secretType } from "../../resource/types.js";
import { sanMatchesNode } from "../../server/access/authorize.js";
import { loopbackOrSan } from "../../server/access/csds-access.js";
import { isLoopback } from "../../server/access/loopback.js";
import { SanPattern } from "../../server/access/san-pattern.js";
import type { XdsServerOptions } from "../../server/xds-server-options.js";
import { fieldsOfGroups, type GroupField } from "../../serving/node-groups.js";
import type { NodeRules } from "../../serving/stored-configuration.js";
import type { Configuration } from "../../source/reading/source.js";
import type { TlsFilePaths } from "../../source/secrets/tls-files.js";
import { UsageError } from "../terminal/command.js";
import type { Log } from "../terminal/log.js";
import { streamLog } from "../terminal/stream-log.js";
import { type Call, groupField } from "./call.js";
import type { SettingName, Settings } from "./settings.js";

/** The server's options for these settings. `room` is the number of connections that fit on each of its ports. */
export function serverOptions(
  settings: Settings,
  log: Log,
  rationedLog: RationedLog,
  room = Number.POSITIVE_INFINITY,
): XdsServerOptions {
  const { loadReports, maxConnectionAge, tlsNodeSan, tlsCsdsSan } = settings;
  return {
    logger: log,
    callbacks: streamLog(rationedLog),
    limits: {
      streams: settings.maxStreams,
      streamsPerPeer: settings.maxStreamsPerPeer,
      newStreamsPerSecond: settings.newStreamsPerSecond,
      requestsPerSecond: settings.requestsPerSecond,
      requestBytes: settings.maxRequestBytes,
      nodeBytes: settings.maxNodeBytes,
      names: settings.maxNames,
      ...(settings.maxUnsentBytes !== undefined && { responseBytes: settings.maxUnsentBytes }),
      heapPercent: settings.maxHeapPercent,
      connections: Math.min(settings.maxConnections, room),
      ...(settings.maxConnectionsPerPeer !== "off" && { connectionsPerPeer: settings.maxConnectionsPerPeer }),
      streamsPerConnection: settings.maxStreamsPerConnection,
      headerBytes: settings.maxHeaderBytes,
      continuationFrames: settings.maxContinuationFrames,
      controlFrames: settings.controlFrames,
      handshakeMs: settings.handshakeTime,
      messageMs: settings.messageTime,
      idleConnectionMs: settings.idleConnectionTime,
      ...(settings.maxReceivingBytes !== undefined && { receivingBytes: settings.maxReceivingBytes }),
    },
    drainTimeMs: settings.envoyDrainTime,
    retryRefused: settings.retryRefused === "on",
    maxResponseBytes: settings.maxResponseBytes,
    csds: loopbackOrSan(tlsCsdsSan),
    ...(tlsNodeSan !== undefined && { authorize: sanMatchesNode(tlsNodeSan) }),
    ...(maxConnectionAge !== "off" && { maxConnectionAgeMs: maxConnectionAge }),
    ...(loadReports !== "off" && { loadReporting: { intervalMs: loadReports } }),
  };
}

/**
 * The paths of the certificates, or undefined without TLS.
 * @throws UsageError for a TLS option that needs another one
 */
export function tlsFilePaths(settings: Settings): TlsFilePaths | undefined {
  const { tlsCert, tlsKey, tlsClientCa, tlsNodeSan, tlsCsdsSan } = settings;
  for (const [flag, pattern] of [
    ["--tls-node-san", tlsNodeSan],
    ["--tls-csds-san", tlsCsdsSan],
  ])
    if (pattern !== undefined && tlsClientCa === undefined)
      throw new UsageError(`${flag} needs clients' certificates; give their authorities with --tls-client-ca`);
  if (tlsCert !== undefined && tlsKey !== undefined)
    return { certFile: tlsCert, keyFile: tlsKey, ...(tlsClientCa !== undefined && { clientCaFile: tlsClientCa }) };
  if (tlsCert !== undefined || tlsKey !== undefined || tlsClientCa !== undefined)
    throw new UsageError("TLS needs a certificate and its key; give --tls-cert and --tls-key");
  return undefined;
}

/**
 * Checks whether the program may start with these settings. A replica has its groups from the store, so they are
 * checked later.
 * @throws UsageError
 */
export function checkSettings(call: CallWithGroups, isReplica = false): void {
  checkReach(call.settings);
  checkPorts(call.settings);
  const { advertise, store, workers } = call.settings;
  if (workers > 1 && store)
    throw new UsageError("--workers cannot be used with --store yet; start several servers instead");
  if (advertise !== undefined && !store)
    throw new UsageError("--advertise is for servers that share a store; name it with --store");
  if (!isReplica) checkGroups(call);
}

type CallWithGroups = Pick<Call<SettingName>, "settings" | "groupRules" | "layered">;

/**
 * If certificates prove which node a client is, groups must be computed only from what they prove.
 * @throws UsageError if groups are also computed from something that any client may claim
 */
export const checkGroups = (call: CallWithGroups): void =>
  checkRules(call.settings, { rules: call.groupRules, field: groupField(call) });

/** As {@link checkGroups}, for rules from a store. */
export function checkRules(
  { tlsNodeSan, allowUnprovenGroups }: Pick<Settings, "tlsNodeSan" | "allowUnprovenGroups">,
  { rules, field }: NodeRules,
): void {
  if (tlsNodeSan === undefined || allowUnprovenGroups) return;
  const { proves } = new SanPattern(tlsNodeSan);
  const isProven = ({ field }: GroupField) => [...proves].some((proven) => proven === field);
  const unproven = fieldsOfGroups(rules, field).filter((used) => !isProven(used));
  if (unproven.length === 0) return;
  const told = unproven.slice(0, mostTold).map(({ use }) => use);
  if (unproven.length > mostTold) told.push(`${unproven.length - mostTold} more`);
  const lacking = ["id", "cluster"].filter((name) => unproven.some(({ field }) => field === name));
  const extended = lacking.map((name) => `{${name}}`).join(" and ");
  const proven = [...proves].join(" and ");
  throw new UsageError(
    `--tls-node-san ${tlsNodeSan} proves only a node's ${proven}, but groups are computed from more, which any client ` +
      `may claim: ${told.join(", ")}; compute groups from ${proven} alone${extended && `, add ${extended} to --tls-node-san`}, ` +
      "or accept it with --allow-unproven-groups (xds.yaml: allow_unproven_groups: true)",
  );
}

/** The most uses of fields that one error names. */
const mostTold = 10;

/** @throws UsageError for an address beyond loopback where anyone could read the configuration */
function checkReach(settings: Settings): void {
  const { host, adminHost, adminPort, adminInsecure, insecure } = settings;
  const open = "can be reached from other machines, and anyone there can read the configuration";
  if (!insecure && !tlsFilePaths(settings) && !isLoopback(host))
    throw new UsageError(`--host ${host} ${open}; give --tls-cert and --tls-key, or allow it with --insecure`);
  if (!adminInsecure && adminPort !== "off" && !isLoopback(adminHost))
    throw new UsageError(`--admin-host ${adminHost} ${open}, because it has no TLS; --admin-insecure allows it`);
}

/**
 * A warning if clients on other machines can read secrets, or what any group is served, without a certificate that
 * proves which node they are; undefined if they cannot. A configuration that is not known can have secrets.
 */
export function exposure(settings: Settings, configuration: Configuration | undefined): string | undefined {
  const { host, tlsClientCa, tlsNodeSan } = settings;
  const hasSecrets =
    !configuration ||
    [...configuration.layers.values()].some(({ resources }) =>
      resources.some(({ type }) => type.typeUrl === secretType),
    );
  const hasGroups = configuration !== undefined && configuration.groups.size > 0;
  if (isLoopback(host) || tlsNodeSan !== undefined || !(hasSecrets || hasGroups)) return undefined;
  const what = hasSecrets ? "all that is served, private keys included" : "what any group is served";
  return tlsClientCa === undefined
    ? `every client that can connect to ${host} can read ${what}; with --tls-client-ca and --tls-node-san, a client reads only what is for the node in its certificate`
    : `every client with a certificate can read ${what}, because a client may claim to be any node; --tls-node-san binds nodes to certificates`;
}

/** @throws UsageError for two ports that are the same */
function checkPorts({ host, port, restPort, adminHost, adminPort }: Settings): void {
  const taken = new Map<string, string>();
  for (const [flag, on, number] of [
    ["--port", host, port],
    ["--rest-port", host, restPort],
    ["--admin-port", adminHost, adminPort],
  ] as const) {
    if (number === 0 || number === "off") continue;
    const other = taken.get(`${on} ${number}`);
    if (other) throw new UsageError(`${other} and ${flag} are both ${number} on ${on}; give each its own`);
    taken.set(`${on} ${number}`, flag);
  }
}
