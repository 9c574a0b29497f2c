import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { XdsServer } from "../server/xds-server.js";
import {
  convergenceRow,
  type MetricRow,
  type MetricSources,
  metricRows,
  type Scrape,
  serverRows,
} from "./metric-rows.js";
import { type Rows, sumOfRows } from "./metric-sums.js";
import type { WorkerMetrics } from "./worker-facts.js";

/** The upper bounds of the convergence histogram, in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of the process, shared by all servers in it: their observers run until the process ends. */
let processRegistry: Registry | undefined;

function metricsOfProcess(): Registry {
  if (!processRegistry) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

/** Makes the metrics of a process that serves for an admin port in another process. They count from this call on. */
export function workerMetrics(server: XdsServer): () => Promise<WorkerMetrics> {
  const process = metricsOfProcess();
  return async () => ({ rows: serverRows(server), process: await process.getMetricsAsJSON() });
}

/** The metrics of one server, for Prometheus. They have a registry of their own. Numbers are read at a scrape. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly convergence: Histogram;
  private scrape: Scrape | undefined;
  /** The metrics of the workers, added. */
  private sums: Rows | undefined;

  constructor(private readonly sources: MetricSources) {
    for (const row of metricRows) this.add(row);
    const { name, help } = convergenceRow;
    this.convergence = new Histogram({ name, help, buckets, registers: [this.registry] });
    metricsOfProcess();
  }

  /** The content type of {@link text}. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Records a convergence time, in seconds. */
  readonly converged = (seconds: number): void => this.convergence.observe(seconds);

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const { server, workers } = this.sources;
    const all = await workers?.metrics();
    const report = server.report();
    this.scrape = { ...this.sources, api: server.api, report, counters: report.counters };
    this.sums = all && sumOfRows(all.map(({ rows }) => rows));
    const own = metricsOfProcess();
    const everyProcess = all
      ? AggregatorRegistry.aggregate([await own.getMetricsAsJSON(), ...all.map(({ process }) => process)])
      : own;
    return `${await this.registry.metrics()}\n${await everyProcess.metrics()}`;
  }

  private add({ name, kind, help, labels, read }: MetricRow): void {
    const series = () => this.sums?.get(name) ?? (this.scrape ? read(this.scrape) : []);
    const common = { name, help, labelNames: [...labels], registers: [this.registry] };
    const named = (values: readonly string[]) =>
      Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ""]));
    const clear = (metric: Gauge | Counter) => {
      metric.reset();
      if (labels.length === 0) metric.remove(); // a reset sets such a metric to 0, but it may have no value
    };
    if (kind === "gauge")
      new Gauge({
        ...common,
        collect() {
          clear(this);
          for (const [value, ...values] of series()) this.set(named(values), value);
        },
      });
    else
      new Counter({
        ...common,
        collect() {
          clear(this);
          for (const [value, ...values] of series()) this.inc(named(values), value);
        },
      });
  }
}
