import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { convergenceRow, type MetricRow, type MetricSources, metricRows, type Scrape } from "./metric-rows.js";

/** The upper bounds of the convergence histogram, in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of the process, shared by all servers in it: their observers run until the process ends. */
let processRegistry: Registry | undefined;

/** The metrics of one server, for Prometheus. They have a registry of their own. Numbers are read at a scrape. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly convergence: Histogram;
  private scrape: Scrape | undefined;

  constructor(private readonly sources: MetricSources) {
    for (const row of metricRows) this.add(row);
    const { name, help } = convergenceRow;
    this.convergence = new Histogram({ name, help, buckets, registers: [this.registry] });
    if (!processRegistry) {
      processRegistry = new Registry();
      collectDefaultMetrics({ register: processRegistry });
    }
  }

  /** The content type of {@link text}. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Records a convergence time, in seconds. */
  readonly converged = (seconds: number): void => this.convergence.observe(seconds);

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const { server } = this.sources;
    const report = server.report();
    this.scrape = { ...this.sources, api: server.api, report, counters: report.counters };
    return `${await this.registry.metrics()}\n${await processRegistry?.metrics()}`;
  }

  private add({ name, kind, help, labels, read }: MetricRow): void {
    const series = () => (this.scrape ? read(this.scrape) : []);
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
