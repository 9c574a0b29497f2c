import type { LedgerEntry } from "../protocol/ledger.js";
import { findResourceType } from "../resource/types.js";
import { userAgentVersion } from "../schema/node.js";
import type { ServerCounters } from "../server/counters.js";
import type { PollingNode } from "../server/polling-nodes.js";
import type { ConnectedNode, StreamStatus, SyncState, TypeStatus } from "../server/status.js";
import type { Waiting } from "../server/waits.js";
import type { XdsServer } from "../server/xds-server.js";

/** What `/status` has. */
export interface StatusReport {
  readonly version: string;
  readonly state: AdminState;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly reloads: {
    readonly succeeded: number;
    readonly failed: number;
    readonly lastSucceeded?: boolean | undefined;
    /** Why the newest configuration is not served, and since when. */
    readonly failure?: { readonly since: string; readonly message: string };
  };
  readonly nodeStates: Readonly<Record<SyncState, number>>;
  readonly counters: ServerCounters;
  readonly nodes: readonly NodeReport[];
}

/** As `/ready` tells it: DRAINING stays until the process ends. */
export type AdminState = "STARTING" | "LIVE" | "DRAINING";

/** A node that is connected, or polls over REST, as `/status` has it. Times are ISO 8601. */
export interface NodeReport {
  readonly id: string;
  readonly cluster: string;
  /** Of its streams. */
  readonly addresses: readonly string[];
  /** What it says it is: `envoy`, `gRPC Go`; "": nothing. */
  readonly agent: string;
  readonly version: string;
  /** `sotw`, `delta`, or both; or `rest`. */
  readonly variants: readonly string[];
  /** Over REST, its first request. */
  readonly connectedAt: string;
  readonly state: SyncState;
  readonly types: readonly TypeReport[];
}

export interface TypeReport {
  /** The short name, such as `clusters`. */
  readonly type: string;
  readonly typeUrl: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  /** How many resources it names. */
  readonly names: number;
  /** The last response that was sent, taken, and refused without being replaced yet. */
  readonly sent?: EntryReport;
  readonly acked?: EntryReport;
  readonly nacked?: EntryReport & {
    readonly code: number;
    /** The node's own words. */
    readonly message: string;
    /** The names that are refused: alone where that could be found out, else all of the response; the first hundred. */
    readonly names: readonly string[];
  };
  /** When the first of what was refused alone is offered again. */
  readonly retryAt?: string;
  /** The first hundred resources whose change or removal waits, and why. */
  readonly waits?: readonly WaitReport[];
}

export interface WaitReport {
  readonly name: string;
  /** A word for programs, such as `draining`. */
  readonly why: string;
  /** The same in a sentence. */
  readonly reason: string;
  /** When it is looked at again at the latest; without this, at an answer of the node. */
  readonly until?: string;
}

export interface EntryReport {
  readonly version: string;
  readonly nonce: string;
  readonly at: string;
}

/** The line that `/clients` has for a node. */
export type ClientReport = Pick<
  NodeReport,
  "id" | "cluster" | "addresses" | "agent" | "version" | "variants" | "state"
>;

/** Every node that is connected, then every one that polls, or those of an id, made one by one. */
export function* nodeReports(server: XdsServer, id?: string): Iterable<NodeReport> {
  const isAsked = (candidate: { readonly id: string }) => id === undefined || candidate.id === id;
  const streams = new Map(server.status().map((stream) => [stream.id, stream]));
  for (const node of server.nodes(isAsked))
    yield connectedReport(
      node,
      node.streams.flatMap((stream) => streams.get(stream) ?? []),
    );
  for (const node of server.pollingNodes()) if (isAsked(node)) yield pollingReport(node);
}

export function clientReport({ id, cluster, addresses, agent, version, variants, state }: NodeReport): ClientReport {
  return { id, cluster, addresses, agent, version, variants, state };
}

function connectedReport(
  { node, connectedAt, state, types }: ConnectedNode,
  streams: readonly Pick<StreamStatus, "peer" | "variant">[],
): NodeReport {
  return {
    id: node.id,
    cluster: node.cluster,
    addresses: [...new Set(streams.map(({ peer }) => peer))],
    agent: node.userAgentName,
    version: userAgentVersion(node),
    variants: [...new Set(streams.map(({ variant }) => variant))],
    connectedAt: time(connectedAt),
    state,
    types: types.map(typeReport),
  };
}

const pollingReport = ({ id, cluster, peer, agent, version, firstPollAt, state, types }: PollingNode): NodeReport => ({
  id,
  cluster,
  addresses: [peer],
  agent,
  version,
  variants: ["rest"],
  connectedAt: time(firstPollAt),
  state,
  types: types.map(typeReport),
});

function typeReport({ typeUrl, state, wildcard, names, sent, acked, nacked, retryAt, waits }: TypeStatus): TypeReport {
  return {
    type: findResourceType(typeUrl)?.name ?? typeUrl,
    typeUrl,
    state,
    wildcard,
    names,
    ...(sent && { sent: entryReport(sent) }),
    ...(acked && { acked: entryReport(acked) }),
    ...(nacked && {
      nacked: {
        ...entryReport(nacked),
        code: nacked.error.code,
        message: nacked.error.message,
        names: nacked.names,
      },
    }),
    ...(retryAt !== undefined && { retryAt: time(retryAt) }),
    ...(waits.length > 0 && { waits: waits.map(waitReport) }),
  };
}

const waitReport = ({ name, why, reason, until }: Waiting): WaitReport => ({
  name,
  why,
  reason,
  ...(until !== undefined && { until: time(until) }),
});
const entryReport = ({ version, nonce, at }: LedgerEntry): EntryReport => ({ version, nonce, at: time(at) });
const time = (ms: number) => new Date(ms).toISOString();
