import type { RationedLog } from "../rationed-log.js";
import { sanMatchesNode } from "../server/authorize.js";
import { loopbackOrSan } from "../server/csds-access.js";
import { isLoopback } from "../server/loopback.js";
import { SanPattern } from "../server/san-pattern.js";
import type { XdsServerOptions } from "../server/xds-server.js";
import type { TlsFilePaths } from "../source/tls-files.js";
import { UsageError } from "./command.js";
import type { Log } from "./log.js";
import { fieldsOfGroups, type GroupField, type GroupRule } from "./node-groups.js";
import type { Settings } from "./settings.js";
import { streamLog } from "./stream-log.js";

/** What the settings are to the server. */
export function serverOptions(settings: Settings, log: Log, rationedLog: RationedLog): XdsServerOptions {
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
      connections: settings.maxConnections,
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
 * Where the certificates are; undefined: without TLS.
 * @throws UsageError for options of TLS that lack another
 */
export function tlsFilePaths(settings: Settings): TlsFilePaths | undefined {
  const { tlsCert, tlsKey, tlsClientCa, tlsNodeSan, tlsCsdsSan } = settings;
  for (const [flag, pattern] of [
    ["--tls-node-san", tlsNodeSan],
    ["--tls-csds-san", tlsCsdsSan],
  ])
    if (pattern !== undefined && tlsClientCa === undefined)
      throw new UsageError(
        `${flag} is about clients' certificates; give the authorities they come from, --tls-client-ca`,
      );
  if (tlsCert !== undefined && tlsKey !== undefined)
    return { certFile: tlsCert, keyFile: tlsKey, ...(tlsClientCa !== undefined && { clientCaFile: tlsClientCa }) };
  if (tlsCert !== undefined || tlsKey !== undefined || tlsClientCa !== undefined)
    throw new UsageError("TLS needs a certificate and its key; give --tls-cert and --tls-key");
  return undefined;
}

/**
 * Where certificates say which node a client is, its group must come from what they prove.
 * @throws UsageError where it also comes from something that any client may claim
 */
export function checkGroups(settings: Settings, rules: readonly GroupRule[]): void {
  const { tlsNodeSan, nodeGroup, allowUnprovenGroups } = settings;
  if (tlsNodeSan === undefined || allowUnprovenGroups) return;
  const { proves } = new SanPattern(tlsNodeSan);
  const isProven = ({ field }: GroupField) => [...proves].some((proven) => proven === field);
  const unproven = fieldsOfGroups(rules, nodeGroup).filter((used) => !isProven(used));
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

/** How many uses one error names. */
const mostTold = 10;

/** @throws UsageError for addresses beyond loopback where the configuration can be read by anyone */
export function checkReach({ host, adminHost, adminPort, insecure }: Settings, withTls: boolean): void {
  const open = "can be reached from elsewhere, and anyone there may read the configuration";
  if (insecure) return;
  if (!withTls && !isLoopback(host))
    throw new UsageError(`--host ${host} ${open}; give --tls-cert and --tls-key, or allow it with --insecure`);
  if (adminPort !== "off" && !isLoopback(adminHost))
    throw new UsageError(`--admin-host ${adminHost} ${open}, for it has no TLS; --insecure allows it`);
}

/** @throws UsageError for two that are to listen in the same place */
export function checkPorts({ host, port, restPort, adminHost, adminPort }: Settings): void {
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
