import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { ServerState } from "../server/xds-server.js";
import type { Rows } from "./metric-sums.js";
import type { WorkerReport } from "./node-report.js";
import type { ServedStatus } from "./served-status.js";

/** The metrics of a process that serves. */
export interface WorkerMetrics {
  /** The metrics of its server. */
  readonly rows: Rows;
  /** The metrics of the process, as prom-client writes them. */
  readonly process: readonly MetricObjectWithValues<MetricValue<string>>[];
}

/** What all workers serve. */
export interface WorkersStatus extends ServedStatus {
  readonly workers: readonly WorkerReport[];
}

/** What an admin port reports about the processes that serve for its server, which does not listen itself. */
export interface WorkerFacts {
  /** `listening` from the time when all workers serve, as long as one of them does. */
  readonly state: ServerState;
  /** How many workers serve now, how many should, and how many have died since the start. */
  readonly counts: { readonly serving: number; readonly wanted: number; readonly died: number };
  /** A line for each worker that does not serve now, with the reason. */
  lines(): Iterable<string>;
  /**
   * The metrics of all workers, with the counters of those that have died. A worker that does not answer in time has
   * its last ones.
   */
  metrics(): Promise<readonly WorkerMetrics[]>;
  /** The status of all workers, or of one node there. It takes a few seconds at most, whether all answer or not. */
  status(node?: string): Promise<WorkersStatus>;
  /**
   * A page of the worker that has a node, such as `/config_dump`. `query` is the text behind the `?`.
   * @throws XdsError UNKNOWN_NODE; the error of the page
   */
  dump(query: string): Promise<string>;
}
