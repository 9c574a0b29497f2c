import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ClusterStats } from "../../gen/envoy/config/endpoint/v3/load_report_pb.js";
import type { LoadStatsRequest, LoadStatsResponseSchema } from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import type { Node } from "../cache/node-group.js";
import { messageOf, XdsError } from "../errors.js";
import type { Logger } from "../logger.js";
import type { Caller } from "../protocol/caller.js";
import { durationOf } from "../resource/duration.js";
import { apiMessage } from "../schema/registry.js";

export interface LoadReportingOptions {
  /**
   * The clusters whose load a node is asked for; "all" (the default): all that it has. Asked again at each report, so that what it
   * gives may change. A throw ends the stream.
   */
  readonly clusters?: (node: Node) => readonly string[] | "all";
  /** How often nodes report, in milliseconds. Default 10,000. */
  readonly intervalMs?: number;
  /** Asks for the load of each endpoint, too. Default false. */
  readonly perEndpoint?: boolean;
  /** Takes a report. The node's next one is not read before a promise is settled; a throw is logged. */
  readonly onReport?: (node: Node, report: LoadReport) => void | Promise<void>;
}

/** What one node tells of the load since its last report. */
export interface LoadReport extends Caller {
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** By cluster, as `envoy.config.endpoint.v3.ClusterStats`; counts are bigints. */
  readonly clusters: readonly ClusterStats[];
}

/** How much was reported. All but `streams` only grow. */
export interface LoadCounters {
  /** Nodes that report now. */
  readonly streams: number;
  readonly reports: number;
  /** Clusters in the reports. */
  readonly clusters: number;
  /** Clusters that were left out because they have no name. */
  readonly invalid: number;
  /** Requests in the reports, by what became of them. */
  readonly issued: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly dropped: number;
}

/** One node's stream of reports. */
export interface LoadStream {
  /** Takes a message; what it gives is the answer. */
  message(bytes: Uint8Array): Promise<Buffer | undefined>;
  closed(): void;
}

/** Asks nodes for reports of their load, hands them on, and counts. */
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
  private readonly intervalMs: number;

  /** @throws XdsError INVALID_OPTION */
  constructor(
    private readonly options: LoadReportingOptions,
    private readonly logger: Logger,
    /** The node of one who does not say; undefined: that is an error. */
    private readonly anonymous: () => Node | undefined,
    /** Called when the node is known; a rejection ends the stream. */
    private readonly permit: (caller: Caller, node: Node) => Promise<void> | undefined,
  ) {
    this.intervalMs = options.intervalMs ?? 10_000;
    if (!(this.intervalMs > 0 && Number.isFinite(this.intervalMs)))
      throw new XdsError("INVALID_OPTION", `loadReporting: intervalMs is more than 0, not ${this.intervalMs}`);
  }

  get counters(): LoadCounters {
    return { ...this.counts };
  }

  open(caller: Caller): LoadStream {
    this.counts.streams++;
    let node: Node | undefined;
    let asked: string | undefined;
    return {
      message: async (bytes) => {
        const request = decode(bytes);
        const isFirst = node === undefined;
        node ??= request.node ?? this.anonymous();
        if (!node) throw new XdsError("INVALID_REQUEST", "the first message of a stream of load reports needs a node");
        if (isFirst) await this.permit(caller, node);
        // The first message introduces the node, and mostly has no loads yet.
        if (!isFirst || request.clusterStats.length > 0) await this.take(node, caller, request.clusterStats);
        const clusters = this.options.clusters?.(node) ?? "all";
        const wanted = JSON.stringify(clusters);
        if (wanted === asked) return undefined;
        asked = wanted;
        return this.ask(clusters);
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
    for (const { upstreamLocalityStats, totalDroppedRequests } of clusters) {
      this.counts.dropped += Number(totalDroppedRequests);
      for (const locality of upstreamLocalityStats) {
        this.counts.issued += Number(locality.totalIssuedRequests);
        this.counts.succeeded += Number(locality.totalSuccessfulRequests);
        this.counts.failed += Number(locality.totalErrorRequests);
      }
    }
    try {
      const { peer, certificateNames } = caller;
      await this.options.onReport?.(node, { peer, certificateNames, receivedAt: Date.now(), clusters });
    } catch (error) {
      const fields = { callback: "onReport", node: node.id, peer: caller.peer, error: messageOf(error) };
      this.logger.error(fields, "a callback failed");
    }
  }

  private ask(clusters: readonly string[] | "all"): Buffer {
    const { intervalMs } = this;
    const init: MessageInitShape<typeof LoadStatsResponseSchema> = {
      clusters: clusters === "all" ? [] : [...clusters],
      sendAllClusters: clusters === "all",
      loadReportingInterval: durationOf(intervalMs),
      reportEndpointGranularity: this.options.perEndpoint ?? false,
    };
    const type = apiMessage("envoy.service.load_stats.v3.LoadStatsResponse");
    return Buffer.from(toBinary(type, create(type, init)));
  }
}

function decode(bytes: Uint8Array): LoadStatsRequest {
  try {
    return fromBinary(apiMessage("envoy.service.load_stats.v3.LoadStatsRequest"), bytes) as LoadStatsRequest;
  } catch (cause) {
    throw new XdsError("INVALID_REQUEST", `not a LoadStatsRequest: ${messageOf(cause)}`, { cause });
  }
}
