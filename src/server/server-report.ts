import type { Permissions } from "./access/permissions.js";
import type { LimitCounts, LimitName } from "./admission/limits.js";
import type { ReceivingBytes } from "./admission/receiving-bytes.js";
import type { UnsentResponses } from "./admission/unsent.js";
import type { Counters, ServerCounters } from "./counters.js";
import type { GrpcPort } from "./grpc-port.js";
import type { LoadCounters, LoadReporting } from "./lrs/load-reporting.js";
import type { PollingNode, PollingNodes } from "./status/polling-nodes.js";
import { nodeStates, type StreamOfNode, type StreamStatus, type SyncState, streamStatus } from "./status/status.js";

/**
 * What a server does now, and what it has done since it was made. A property is computed each time it is read, so two
 * reads can differ.
 */
export interface ServerReport {
  /** The number of open gRPC connections. Those in their TLS handshake count too. */
  readonly connections: number;
  /** Bytes of responses that are written and not sent yet. */
  readonly unsentBytes: number;
  /** Bytes of gRPC and REST requests that have arrived in part, or wait to be handled. */
  readonly receivingBytes: number;
  /** How often each limit was hit, and how often `authorize` has refused. */
  readonly refusals: Readonly<Record<LimitName | "authorize", number>>;
  /** What was requested, sent and answered, by type. */
  readonly counters: ServerCounters;
  /** Counts of load reports. undefined without the option `loadReporting`. */
  readonly loads: LoadCounters | undefined;
  /** How many connected nodes are in each state. */
  readonly nodeStates: Readonly<Record<SyncState, number>>;
  /** Every open stream: what was sent, ACKed and refused, by type. */
  readonly streams: readonly StreamStatus[];
  /**
   * The nodes that have polled over REST within the last ten minutes. They do not count as connected. So `nodes()`,
   * `nodeStates` and `applied()` do not include them.
   */
  readonly pollingNodes: readonly PollingNode[];
}

/** @internal The parts of a server that a report reads. */
export interface ReportSources {
  readonly grpc: GrpcPort | undefined;
  readonly unsent: UnsentResponses;
  readonly receiving: ReceivingBytes;
  readonly limits: LimitCounts;
  readonly permissions: Permissions;
  readonly streams: ReadonlySet<StreamOfNode>;
  readonly polling: PollingNodes;
  readonly counts: Counters;
  readonly loads: LoadReporting | undefined;
}

/** @internal */
export function serverReport(sources: ReportSources): ServerReport {
  const { grpc, unsent, receiving, limits, permissions, streams, polling, counts, loads } = sources;
  return {
    get connections() {
      return grpc?.connections ?? 0;
    },
    get unsentBytes() {
      return unsent.bytes;
    },
    get receivingBytes() {
      return receiving.bytes;
    },
    get refusals() {
      return { ...limits.hits, authorize: permissions.refusals };
    },
    get counters() {
      return counts.report(streams);
    },
    get loads() {
      return loads?.counters;
    },
    get nodeStates() {
      return nodeStates(streams);
    },
    get streams() {
      return [...streams].map((stream) => streamStatus(stream, stream.subscriptions.values()));
    },
    get pollingNodes() {
      return polling.all();
    },
  };
}
