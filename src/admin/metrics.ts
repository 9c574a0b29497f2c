import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { findResourceType } from "../resource/types.js";
import type { ServerCounters } from "../server/counters.js";
import type { XdsServer } from "../server/xds-server.js";
import type { ChangeResults } from "./change-watch.js";
import type { SnapshotGroups } from "./groups.js";
import { packageVersion } from "./version.js";

/** Where the numbers come from. */
export interface MetricSources {
  readonly server: XdsServer;
  readonly changes: ChangeResults;
  /** undefined: the cache has no groups with snapshots. */
  readonly groups: SnapshotGroups | undefined;
  /** undefined: there are none, or they never change. */
  readonly certificates: CertificateCounters | undefined;
}

/** Certificates that are read again when they change. */
export interface CertificateCounters {
  /** How often changed ones were taken, and how often they could not be. */
  readonly reloads: number;
  readonly failures: number;
  /** When the one that is in use expires, in milliseconds since 1970. */
  readonly expiresAt?: number;
}

interface Scrape extends MetricSources {
  readonly counters: ServerCounters;
}

/** A metric whose numbers are read when it is scraped. */
interface MetricRow {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  /** Its series: a number, and the values of its labels. */
  readonly read: (scrape: Scrape) => Iterable<readonly [number, ...string[]]>;
}

type Series = ReturnType<MetricRow["read"]>;

const variantAndType = ["variant", "type"];
const traffic = (
  name: string,
  help: string,
  field: "requests" | "acks" | "nacks" | "responses" | "resources" | "bytes",
): MetricRow => ({
  name,
  kind: "counter",
  help,
  labels: variantAndType,
  read: ({ counters }) => counters.traffic.map((row) => [row[field], row.variant, typeName(row.typeUrl)]),
});
const changes = (
  name: string,
  kind: MetricRow["kind"],
  help: string,
  read: (changes: ChangeResults) => Series,
  labels: readonly string[] = [],
): MetricRow => ({ name, kind, help, labels, read: (scrape) => read(scrape.changes) });
const loads = (
  name: string,
  kind: MetricRow["kind"],
  help: string,
  read: (counters: NonNullable<ReturnType<XdsServer["loadCounters"]>>) => Series,
  labels: readonly string[] = [],
): MetricRow => ({
  name,
  kind,
  help,
  labels,
  read: ({ server }) => {
    const counters = server.loadCounters();
    return counters ? read(counters) : [];
  },
});

/** Every metric but the histogram and those of the process; `docs/metrics.md` has the same rows. No label has a value that clients choose. */
export const metricRows: readonly MetricRow[] = [
  {
    name: "xds_build_info",
    kind: "gauge",
    help: "Always 1; the version of the server.",
    labels: ["version"],
    read: () => [[1, packageVersion()]],
  },
  {
    name: "xds_connections",
    kind: "gauge",
    help: "Open gRPC connections, those in their TLS handshake among them.",
    labels: [],
    read: ({ server }) => [[server.connections]],
  },
  {
    name: "xds_streams",
    kind: "gauge",
    help: "Open streams.",
    labels: variantAndType,
    read: ({ counters }) => counters.streams.map(({ open, variant, typeUrl }) => [open, variant, typeName(typeUrl)]),
  },
  {
    name: "xds_streams_opened_total",
    kind: "counter",
    help: "Streams that were opened, or tried to be.",
    labels: variantAndType,
    read: ({ counters }) =>
      counters.streams.map(({ opened, variant, typeUrl }) => [opened, variant, typeName(typeUrl)]),
  },
  {
    name: "xds_nodes",
    kind: "gauge",
    help: "Connected nodes, by the worst state of their types: ERROR, STALE, NOT_SENT, DRAINING, SYNCED.",
    labels: ["state"],
    read: ({ server }) => Object.entries(server.nodeStates()).map(([state, count]) => [count, state]),
  },
  traffic("xds_requests_total", "Requests on streams, ACKs and NACKs included.", "requests"),
  traffic("xds_responses_total", "Responses on streams: pushes, and answers to requests.", "responses"),
  traffic("xds_response_bytes_total", "Bytes of those responses, before framing.", "bytes"),
  traffic("xds_resources_sent_total", "Resources in those responses.", "resources"),
  traffic("xds_acks_total", "Responses that were taken.", "acks"),
  traffic("xds_nacks_total", "Responses that were refused.", "nacks"),
  {
    name: "xds_fetches_total",
    kind: "counter",
    help: "Unary calls and REST requests, by what became of them: answered, not_modified, refused.",
    labels: ["transport", "type", "result"],
    read: ({ counters }) =>
      counters.fetches.map(({ count, transport, typeUrl, result }) => [count, transport, typeName(typeUrl), result]),
  },
  {
    name: "xds_unsent_response_bytes",
    kind: "gauge",
    help: "Bytes of responses that are written and that clients have not taken yet.",
    labels: [],
    read: ({ server }) => [[server.unsentBytes]],
  },
  {
    name: "xds_receiving_request_bytes",
    kind: "gauge",
    help: "Bytes of requests, of gRPC and REST, that have come in part, or wait to be handled.",
    labels: [],
    read: ({ server }) => [[server.receivingBytes]],
  },
  {
    name: "xds_refusals_total",
    kind: "counter",
    help: "Connections, streams and requests that were refused or ended: by the limit that they would go beyond, or by authorize.",
    labels: ["reason"],
    read: ({ server }) => Object.entries(server.refusals()).map(([reason, count]) => [count, snakeCase(reason)]),
  },
  {
    name: "xds_resources",
    kind: "gauge",
    help: "Resources in the snapshots; one that several groups are served counts in each.",
    labels: ["type"],
    read: ({ groups }) => {
      const counts = new Map<string, number>();
      for (const group of groups?.keys() ?? []) {
        const snapshot = groups?.get(group);
        for (const typeUrl of snapshot?.typeUrls() ?? [])
          counts.set(typeUrl, (counts.get(typeUrl) ?? 0) + (snapshot?.resources(typeUrl).size ?? 0));
      }
      return Array.from(counts, ([typeUrl, count]) => [count, typeName(typeUrl)] as const);
    },
  },
  {
    name: "xds_groups",
    kind: "gauge",
    help: "Node groups that have a snapshot, that of all other nodes included.",
    labels: [],
    read: ({ groups }) => (groups ? [[groups.keys().length]] : []),
  },
  changes(
    "xds_config_reloads_total",
    "counter",
    "Configurations that were read, by whether they could be served: success, failure.",
    ({ reloads, failedReloads }) => [
      [reloads, "success"],
      [failedReloads, "failure"],
    ],
    ["result"],
  ),
  changes(
    "xds_config_last_reload_successful",
    "gauge",
    "Whether what was read last is served: 1 or 0.",
    ({ lastSucceeded }) => (lastSucceeded === undefined ? [] : [[lastSucceeded ? 1 : 0]]),
  ),
  changes(
    "xds_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When what is served was read, in seconds since 1970.",
    ({ lastSuccessAt }) => (lastSuccessAt === 0 ? [] : [[lastSuccessAt / 1_000]]),
  ),
  {
    name: "xds_tls_reloads_total",
    kind: "counter",
    help: "Changes of the TLS files, by whether they could be used: success, failure.",
    labels: ["result"],
    read: ({ certificates }) =>
      certificates
        ? [
            [certificates.reloads, "success"],
            [certificates.failures, "failure"],
          ]
        : [],
  },
  {
    name: "xds_tls_certificate_expiry_timestamp_seconds",
    kind: "gauge",
    help: "When the server's certificate expires, in seconds since 1970.",
    labels: [],
    read: ({ certificates: { expiresAt } = {} }) => (expiresAt === undefined ? [] : [[expiresAt / 1_000]]),
  },
  changes(
    "xds_changes_not_applied_total",
    "counter",
    "Changes that have no convergence time: refused by a node, or timed_out after 60 s.",
    ({ refused, timedOut }) => [
      [refused, "refused"],
      [timedOut, "timed_out"],
    ],
    ["reason"],
  ),
  loads("xds_load_report_streams", "gauge", "Nodes that report their load now.", ({ streams }) => [[streams]]),
  loads("xds_load_reports_total", "counter", "Load reports that came.", ({ reports }) => [[reports]]),
  loads(
    "xds_load_report_clusters_total",
    "counter",
    "Clusters in those reports: valid, or invalid because they have no name.",
    ({ clusters, invalid }) => [
      [clusters, "valid"],
      [invalid, "invalid"],
    ],
    ["result"],
  ),
  loads(
    "xds_load_report_requests_total",
    "counter",
    "Requests in those reports: issued, and of those succeeded and failed; dropped.",
    ({ issued, succeeded, failed, dropped }) => [
      [issued, "issued"],
      [succeeded, "succeeded"],
      [failed, "failed"],
      [dropped, "dropped"],
    ],
    ["result"],
  ),
];

export const convergenceRow = {
  name: "xds_convergence_seconds",
  kind: "histogram",
  help: "Time from a configuration's reading to the last ACK of a connected node.",
  labels: [],
} as const;

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const typeName = (typeUrl: string) => (typeUrl === "" ? "ads" : (findResourceType(typeUrl)?.name ?? "unknown"));

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Those of the process, once for all servers in it, for their observers run until it ends. */
let ofProcess: Registry | undefined;

/** What Prometheus scrapes. Has its own registry; numbers are read when they are asked for. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly convergence: Histogram;
  private scrape: Scrape | undefined;

  constructor(private readonly sources: MetricSources) {
    for (const row of metricRows) this.add(row);
    const { name, help } = convergenceRow;
    this.convergence = new Histogram({ name, help, buckets, registers: [this.registry] });
    if (!ofProcess) {
      ofProcess = new Registry();
      collectDefaultMetrics({ register: ofProcess });
    }
  }

  /** Of the text format. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Takes a convergence time. */
  readonly converged = (seconds: number): void => this.convergence.observe(seconds);

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    this.scrape = { ...this.sources, counters: this.sources.server.counters() };
    return `${await this.registry.metrics()}\n${await ofProcess?.metrics()}`;
  }

  private add({ name, kind, help, labels, read }: MetricRow): void {
    const series = () => (this.scrape ? read(this.scrape) : []);
    const common = { name, help, labelNames: [...labels], registers: [this.registry] };
    const named = (values: readonly string[]) =>
      Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ""]));
    const clear = (metric: Gauge | Counter) => {
      metric.reset();
      if (labels.length === 0) metric.remove(); // to which a reset gives a 0, though there may be nothing to tell
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
