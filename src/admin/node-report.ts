import type { ReplicaReport } from "../fleet/replica-report.js";
import type { LedgerEntry } from "../protocol/ledger.js";
import type { XdsApi } from "../resource/xds-api.js";
import { userAgentVersion } from "../schema/node.js";
import type { ServerCounters } from "../server/counters.js";
import type { ConnectedNode } from "../server/status/connected-node.js";
import type { PollingNode } from "../server/status/polling-nodes.js";
import type { StreamStatus, SyncState, TypeStatus } from "../server/status/status.js";
import type { Waiting } from "../server/status/waits.js";
import type { XdsServer } from "../server/xds-server.js";
import type { RevisionFacts } from "./revision-facts.js";

/** The JSON of `/status`. */
export interface StatusReport {
  readonly version: string;
  readonly state: AdminState;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly reloads: {
    readonly succeeded: number;
    readonly failed: number;
    readonly lastSucceeded?: boolean | undefined;
    /** Why the newest configuration is not served. Absent if it is. */
    readonly failure?: FailureReport;
  };
  /** Present only while the files of the certificates cannot be used. */
  readonly certificates?: { readonly failure: FailureReport };
  /** Present only while the settings file cannot be used. */
  readonly settings?: { readonly failure: FailureReport };
  /** Present where the configuration is kept in revisions. */
  readonly revisions?: RevisionsReport;
  /** Present where several processes serve. The nodes and counters are those of all of them. */
  readonly workers?: readonly WorkerReport[];
  /**
   * The replicas that share a store, this one first. Absent where no store is shared. A replica that has not answered
   * has only its name and `silent`.
   */
  readonly replicas?: readonly (ReplicaReport | SilentReplica)[];
  /** How many nodes are in each state, at all replicas that have answered. */
  readonly nodeStates: Readonly<Record<SyncState, number>>;
  /** Those of this server only. */
  readonly counters: ServerCounters;
  readonly nodes: readonly NodeReport[];
}

/** A worker in `/status`. */
export interface WorkerReport {
  /** Its number, from 1. */
  readonly worker: number;
  /** The id of its process. undefined while there is none. */
  readonly pid?: number;
  readonly state: "serving" | "starting";
  /** How many nodes are connected to it. undefined if it does not serve, or has not answered in time. */
  readonly nodes?: number;
  /** Why it does not serve now, or has not answered. Its nodes are missing then. */
  readonly missing?: string;
}

/** A replica that has not answered in time. Its nodes are missing. */
export interface SilentReplica {
  readonly replica: string;
  /** Why there is no answer. */
  readonly silent: string;
}

/** The report on revisions. Times are in ISO 8601. */
export type RevisionsReport = Omit<RevisionFacts, "held" | "store"> & {
  readonly held?: Omit<NonNullable<RevisionFacts["held"]>, "at"> & { readonly at: string };
  readonly store?: { readonly away?: { readonly since: string; readonly error: string } };
};

/** Why the newest configuration, certificate or settings file is not in use. */
export interface FailureReport {
  /** The time of the first failure, in ISO 8601. */
  readonly since: string;
  readonly message: string;
}

/** The state that `/ready` shows. After DRAINING no other state follows. */
export type AdminState = "STARTING" | "LIVE" | "DRAINING";

/** A node in `/status`, which is connected or polls over REST. Times are in ISO 8601. */
export interface NodeReport {
  readonly id: string;
  readonly cluster: string;
  /** The addresses of its streams, or of its last REST request. */
  readonly addresses: readonly string[];
  /** The client's `user_agent_name`, such as `envoy` or `gRPC Go`. "" if it sends none. */
  readonly agent: string;
  readonly version: string;
  /** `sotw`, `delta` or both; or only `rest`. */
  readonly variants: readonly string[];
  /** When its oldest stream was opened. Over REST: the time of its first request. */
  readonly connectedAt: string;
  readonly state: SyncState;
  readonly types: readonly TypeReport[];
  /** The replica that it is connected to. Absent where no store is shared. */
  readonly replica?: string;
}

/** One type of one node, as `/status` has it. Times are ISO 8601. */
export interface TypeReport {
  /** The short name, such as `clusters`. */
  readonly type: string;
  readonly typeUrl: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  /** How many resource names it subscribes to. */
  readonly names: number;
  /** The last response that was sent. */
  readonly sent?: EntryReport;
  /** The last response that the node ACKed. */
  readonly acked?: EntryReport;
  /** The last response that the node NACKed, if it was not replaced yet. */
  readonly nacked?: EntryReport & {
    readonly code: number;
    /** The node's own words. */
    readonly message: string;
    /**
     * The names of the refused resources, at most 100: those that were refused alone, if this could be found out, else
     * all of the response.
     */
    readonly names: readonly string[];
  };
  /** When the next refused resource is sent again. */
  readonly retryAt?: string;
  /** The first hundred resources whose change or removal waits, and why. */
  readonly waits?: readonly WaitReport[];
}

/** A resource whose change or removal waits. Times are ISO 8601. */
export interface WaitReport {
  readonly name: string;
  /** A word for programs, such as `draining`. */
  readonly why: string;
  /** The same in a sentence. */
  readonly reason: string;
  /** When the server checks again at the latest. If absent, it checks after the node's next answer. */
  readonly until?: string;
}

/** A response, or its answer. Times are ISO 8601. */
export interface EntryReport {
  readonly version: string;
  readonly nonce: string;
  readonly at: string;
}

/** A node's line in `/clients`. */
export type ClientReport = Pick<
  NodeReport,
  "id" | "cluster" | "addresses" | "agent" | "version" | "variants" | "state"
>;

/**
 * The reports of all connected nodes and then of all polling ones, made one by one. With `id`, only nodes with this id.
 */
export function* nodeReports(server: XdsServer, id?: string): Iterable<NodeReport> {
  const isSelected = (candidate: { readonly id: string }) => id === undefined || candidate.id === id;
  const report = server.report();
  const { api } = server;
  const streams = new Map(report.streams.map((stream) => [stream.id, stream]));
  for (const node of server.nodes(isSelected))
    yield connectedReport(
      node,
      node.streams.flatMap((stream) => streams.get(stream) ?? []),
      api,
    );
  for (const node of report.pollingNodes) if (isSelected(node)) yield pollingReport(node, api);
}

export function clientReport({ id, cluster, addresses, agent, version, variants, state }: NodeReport): ClientReport {
  return { id, cluster, addresses, agent, version, variants, state };
}

function connectedReport(
  { node, connectedAt, state, types }: ConnectedNode,
  streams: readonly Pick<StreamStatus, "peer" | "variant">[],
  api: XdsApi,
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
    types: types.map((type) => typeReport(type, api)),
  };
}

const pollingReport = (
  { id, cluster, peer, agent, version, firstPollAt, state, types }: PollingNode,
  api: XdsApi,
): NodeReport => ({
  id,
  cluster,
  addresses: [peer],
  agent,
  version,
  variants: ["rest"],
  connectedAt: time(firstPollAt),
  state,
  types: types.map((type) => typeReport(type, api)),
});

function typeReport(
  { typeUrl, state, wildcard, names, sent, acked, nacked, retryAt, waits }: TypeStatus,
  api: XdsApi,
): TypeReport {
  return {
    type: api.typeName(typeUrl),
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
