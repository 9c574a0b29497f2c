import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ClusterStats } from "../../../gen/envoy/config/endpoint/v3/load_report_pb.js";
import type { LoadStatsRequest, LoadStatsResponseSchema } from "../../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import type { Node } from "../../cache/node-group.js";
import type { Caller } from "../../caller.js";
import { messageOf, XdsError } from "../../errors.js";
import type { Logger } from "../../logger.js";
import type { XdsApi } from "../../resource/xds-api.js";
import { apiMessage } from "../../schema/registry.js";
import { durationOf } from "../../wire/duration.js";
import { tooManyParts } from "../../wire/message-parts.js";
import type { LimitCounts } from "../admission/limits.js";
import { type Load, NodeLoads } from "./node-loads.js";

/** The most fields per message of a report, on average. An endpoint has about ten. */
const fieldsPerMessage = 10;

/** Which load nodes report, how often, and who gets the reports. */
export interface LoadReportingOptions {
  /**
   * Returns the clusters whose load a node reports, or "all" (the default) for all clusters that the node has. It is
   * called again at each report, so the result may change. A throw ends the stream.
   */
  readonly clusters?: (node: Node) => readonly string[] | "all";
  /** How often nodes report, in milliseconds. Default 10,000. */
  readonly intervalMs?: number;
  /** Whether nodes also report the load of each endpoint. Default false. */
  readonly perEndpoint?: boolean;
  /** Handles a report. The node's next report is read when a returned promise has settled. A throw is logged. */
  readonly onReport?: (node: Node, report: LoadReport) => void | Promise<void>;
}

/** The load of one node since its previous report. */
export interface LoadReport extends Caller {
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** The load by cluster, as `envoy.config.endpoint.v3.ClusterStats`. Counts are bigints. */
  readonly clusters: readonly ClusterStats[];
}

/** Counts of load reports since the server was made. All but `streams` only grow. */
export interface LoadCounters {
  /** Open streams of load reports, one per reporting node. */
  readonly streams: number;
  readonly reports: number;
  /** Clusters in the reports. */
  readonly clusters: number;
  /** Clusters that were ignored because they have no name. */
  readonly invalid: number;
  /** Requests in the reports: issued, and of those succeeded and failed; and dropped. */
  readonly issued: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly dropped: number;
}

/** One node's stream of reports. */
export interface LoadStream {
  /** Handles a message. Resolves with the answer, or undefined if there is none. */
  message(bytes: Uint8Array): Promise<Buffer | undefined>;
  closed(): void;
}

/** Requests load reports from nodes, passes them on, and counts them. */
export class LoadReporting {
  private readonly counts = {
    streams: 0,
    reports: 0,
    clusters: 0,
    invalid: 0,
    issued: 0,
    succeeded: 0,
    failed: 0,
    dropped: 0,
  };
  /** What each node has reported. */
  readonly nodes = new NodeLoads();
  private readonly intervalMs: number;

  /** @throws XdsError INVALID_OPTION */
  constructor(
    private readonly options: LoadReportingOptions,
    private readonly logger: Logger,
    /** Has the messages of the service. */
    private readonly api: XdsApi,
    /** Returns the node for a stream without one, or undefined if a stream without a node is an error. */
    private readonly anonymous: () => Node | undefined,
    /** Called when the stream's node is known. A rejection ends the stream. */
    private readonly permit: (caller: Caller, node: Node) => Promise<void> | undefined,
    private readonly limits: LimitCounts,
  ) {
    this.intervalMs = options.intervalMs ?? 10_000;
    if (!(this.intervalMs > 0 && Number.isFinite(this.intervalMs)))
      throw new XdsError(
        "INVALID_OPTION",
        `loadReporting: intervalMs must be a finite number greater than 0, is ${this.intervalMs}`,
      );
  }

  get counters(): LoadCounters {
    return { ...this.counts };
  }

  open(caller: Caller): LoadStream {
    this.counts.streams++;
    let node: Node | undefined;
    let lastClusters: string | undefined;
    return {
      message: async (bytes) => {
        const request = this.decode(bytes);
        const isFirst = node === undefined;
        node ??= request.node ?? this.anonymous();
        if (!node) throw new XdsError("INVALID_REQUEST", "the first message of a stream of load reports needs a node");
        if (isFirst) await this.permit(caller, node);
        // It is known as a node that reports before its first report.
        if (isFirst) this.note(node, { succeeded: 0, failed: 0 });
        // The first message introduces the node, and usually has no loads yet.
        if (!isFirst || request.clusterStats.length > 0) await this.take(node, caller, request.clusterStats);
        const clusters = this.options.clusters?.(node) ?? "all";
        const encodedClusters = JSON.stringify(clusters);
        if (encodedClusters === lastClusters) return undefined;
        lastClusters = encodedClusters;
        return this.response(clusters);
      },
      closed: () => {
        this.counts.streams--;
      },
    };
  }

  private async take(node: Node, caller: Caller, stats: readonly ClusterStats[]): Promise<void> {
    const clusters = stats.filter(({ clusterName }) => clusterName !== "");
    const invalid = stats.length - clusters.length;
    if (invalid > 0)
      this.logger.warn({ node: node.id, peer: caller.peer, invalid }, "load report: clusters without a name");
    this.counts.reports++;
    this.counts.invalid += invalid;
    this.counts.clusters += clusters.length;
    let [succeeded, failed] = [0, 0];
    for (const { upstreamLocalityStats, totalDroppedRequests } of clusters) {
      this.counts.dropped += Number(totalDroppedRequests);
      for (const locality of upstreamLocalityStats) {
        this.counts.issued += Number(locality.totalIssuedRequests);
        succeeded += Number(locality.totalSuccessfulRequests);
        failed += Number(locality.totalErrorRequests);
      }
    }
    this.counts.succeeded += succeeded;
    this.counts.failed += failed;
    this.note(node, { succeeded, failed });
    try {
      const { peer, certificateNames } = caller;
      await this.options.onReport?.(node, { peer, certificateNames, receivedAt: Date.now(), clusters });
    } catch (error) {
      const fields = { callback: "onReport", node: node.id, peer: caller.peer, error: messageOf(error) };
      this.logger.error(fields, "a callback failed");
    }
  }

  private note({ id }: Node, load: Load): void {
    if (id !== "") this.nodes.add(id, load);
  }

  /** @throws XdsError LIMIT_EXCEEDED for more messages or fields than one report may have; INVALID_REQUEST */
  private decode(bytes: Uint8Array): LoadStatsRequest {
    const type = apiMessage(this.api.registry, "envoy.service.load_stats.v3.LoadStatsRequest");
    const messages = this.limits.limits.names;
    const most = { messages, fields: fieldsPerMessage * messages };
    try {
      const excess = tooManyParts(type, bytes, most);
      if (excess) throw this.limits.exceeded("names", `a load report of more than ${most[excess]} ${excess}`);
      return fromBinary(type, bytes) as LoadStatsRequest;
    } catch (cause) {
      if (cause instanceof XdsError) throw cause;
      throw new XdsError("INVALID_REQUEST", `not a LoadStatsRequest: ${messageOf(cause)}`, { cause });
    }
  }

  /** The response that requests reports of these clusters. */
  private response(clusters: readonly string[] | "all"): Buffer {
    const { intervalMs } = this;
    const init: MessageInitShape<typeof LoadStatsResponseSchema> = {
      clusters: clusters === "all" ? [] : [...clusters],
      sendAllClusters: clusters === "all",
      loadReportingInterval: durationOf(intervalMs),
      reportEndpointGranularity: this.options.perEndpoint ?? false,
    };
    const type = apiMessage(this.api.registry, "envoy.service.load_stats.v3.LoadStatsResponse");
    return Buffer.from(toBinary(type, create(type, init)));
  }
}
