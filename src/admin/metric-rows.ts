import { packageVersion } from "../../gen/built-in.js";
import type { XdsApi } from "../resource/xds-api.js";
import type { ServerCounters } from "../server/counters.js";
import type { LoadCounters } from "../server/lrs/load-reporting.js";
import type { ServerReport } from "../server/server-report.js";
import type { XdsServer } from "../server/xds-server.js";
import type { ChangeResults, Failure } from "./change-watch.js";
import type { FleetStatus } from "./fleet-status.js";
import type { SnapshotGroups } from "./groups.js";
import type { Rows } from "./metric-sums.js";
import type { RevisionFacts } from "./revision-facts.js";
import type { WorkerFacts } from "./worker-facts.js";

/** The sources of the metrics. */
export interface MetricSources {
  readonly server: XdsServer;
  readonly changes: ChangeResults;
  /** The cache's groups. undefined if the cache has no groups with snapshots. */
  readonly groups: SnapshotGroups | undefined;
  /** The server's certificates. undefined if there are none, or if they never change. */
  readonly certificates: CertificateCounters | undefined;
  /** Settings that are read again when they change. undefined if there are none. */
  readonly settings: SettingsInUse | undefined;
  /** The facts about revisions. */
  readonly revisions?: (() => RevisionFacts | undefined) | undefined;
  /** The processes that serve in place of the server. */
  readonly workers?: WorkerFacts | undefined;
  /** The servers that share the store of this one. undefined if it shares none. */
  readonly fleet?: FleetStatus | undefined;
}

/** Counts about certificates that are read again when their files change. */
export interface CertificateCounters {
  /** How often changed certificates came into use. */
  readonly reloads: number;
  /** How often changed certificates could not be used. */
  readonly failures: number;
  /** When the certificate in use expires, in milliseconds since 1970. */
  readonly expiresAt?: number;
  /** Why the present files cannot be used. undefined if they are in use. */
  readonly failure?: Failure | undefined;
}

/** The program's settings, which are read again when their file changes. */
export interface SettingsInUse {
  /** Why the present settings cannot be used. undefined if they are in use. */
  readonly failure: Failure | undefined;
}

/** The sources, and the counters of the server at the time of a scrape. */
export interface Scrape extends Omit<MetricSources, "server"> {
  readonly api: XdsApi;
  readonly report: ServerReport;
  readonly counters: ServerCounters;
}

/** A metric. Its numbers are read when it is scraped. */
export interface MetricRow {
  /** What it is about is in the process that serves. With workers, their numbers are added. */
  readonly isOfServer?: boolean;
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  /** Reads its series: a number, and the values of the labels. */
  readonly read: (scrape: Scrape) => Iterable<readonly [number, ...string[]]>;
}

type Series = ReturnType<MetricRow["read"]>;

const noWorkers: Pick<WorkerFacts, "counts"> = { counts: { serving: 0, wanted: 0, died: 0 } };

const variantAndType = ["variant", "type"];
const traffic = (
  name: string,
  help: string,
  field: "requests" | "acks" | "nacks" | "responses" | "resources" | "bytes",
): MetricRow => ({
  ...{ name, kind: "counter", help, isOfServer: true },
  labels: variantAndType,
  read: ({ counters, api }) => counters.traffic.map((row) => [row[field], row.variant, typeName(row.typeUrl, api)]),
});
const changes = (
  name: string,
  kind: MetricRow["kind"],
  help: string,
  read: (changes: ChangeResults) => Series,
  labels: readonly string[] = [],
): MetricRow => ({ name, kind, help, labels, read: (scrape) => read(scrape.changes) });
const revisions = (
  name: string,
  kind: MetricRow["kind"],
  help: string,
  read: (facts: RevisionFacts) => Series,
  labels: readonly string[] = [],
): MetricRow => {
  const ofFacts: MetricRow["read"] = ({ revisions }) => {
    const facts = revisions?.();
    return facts ? read(facts) : [];
  };
  return { name, kind, help, labels, read: ofFacts };
};
const loads = (
  name: string,
  kind: MetricRow["kind"],
  help: string,
  read: (counters: LoadCounters) => Series,
  labels: readonly string[] = [],
): MetricRow => ({
  ...{ name, kind, help, labels, isOfServer: true },
  read: ({ report }) => (report.loads ? read(report.loads) : []),
});

/**
 * All metrics but the histogram and those of the process. `docs/metrics.md` has the same rows. No label has a value
 * that clients choose.
 */
export const metricRows: readonly MetricRow[] = [
  {
    name: "xds_build_info",
    kind: "gauge",
    help: "Always 1. The label has the server's version.",
    labels: ["version"],
    read: () => [[1, packageVersion]],
  },
  {
    name: "xds_connections",
    isOfServer: true,
    kind: "gauge",
    help: "Open gRPC connections, including those in their TLS handshake.",
    labels: [],
    read: ({ report }) => [[report.connections]],
  },
  {
    name: "xds_streams",
    isOfServer: true,
    kind: "gauge",
    help: "Open streams.",
    labels: variantAndType,
    read: ({ counters, api }) =>
      counters.streams.map(({ open, variant, typeUrl }) => [open, variant, typeName(typeUrl, api)]),
  },
  {
    name: "xds_streams_opened_total",
    isOfServer: true,
    kind: "counter",
    help: "Streams that clients opened, including refused ones.",
    labels: variantAndType,
    read: ({ counters, api }) =>
      counters.streams.map(({ opened, variant, typeUrl }) => [opened, variant, typeName(typeUrl, api)]),
  },
  {
    name: "xds_nodes",
    isOfServer: true,
    kind: "gauge",
    help: "Connected nodes, by the worst state of their types: ERROR, STALE, NOT_SENT, DRAINING, SYNCED.",
    labels: ["state"],
    read: ({ report }) => Object.entries(report.nodeStates).map(([state, count]) => [count, state]),
  },
  traffic("xds_requests_total", "Requests on streams, including ACKs and NACKs.", "requests"),
  traffic("xds_responses_total", "Responses on streams: pushes and answers to requests.", "responses"),
  traffic("xds_response_bytes_total", "Bytes of these responses, before framing.", "bytes"),
  traffic("xds_resources_sent_total", "Resources in these responses.", "resources"),
  traffic("xds_acks_total", "Responses that clients ACKed.", "acks"),
  traffic("xds_nacks_total", "Responses that clients NACKed.", "nacks"),
  {
    name: "xds_fetches_total",
    isOfServer: true,
    kind: "counter",
    help: "Unary calls and REST requests, by result: answered, not_modified, refused.",
    labels: ["transport", "type", "result"],
    read: ({ counters, api }) =>
      counters.fetches.map(({ count, transport, typeUrl, result }) => [
        count,
        transport,
        typeName(typeUrl, api),
        result,
      ]),
  },
  {
    name: "xds_unsent_response_bytes",
    isOfServer: true,
    kind: "gauge",
    help: "Bytes of responses that are written and that clients have not read yet.",
    labels: [],
    read: ({ report }) => [[report.unsentBytes]],
  },
  {
    name: "xds_receiving_request_bytes",
    isOfServer: true,
    kind: "gauge",
    help: "Bytes of gRPC and REST requests that have arrived in part or wait to be handled.",
    labels: [],
    read: ({ report }) => [[report.receivingBytes]],
  },
  {
    name: "xds_refusals_total",
    isOfServer: true,
    kind: "counter",
    help: "Connections, streams and requests that were refused or ended, by the limit that they exceeded, or by authorize.",
    labels: ["reason"],
    read: ({ report }) => Object.entries(report.refusals).map(([reason, count]) => [count, snakeCase(reason)]),
  },
  {
    name: "xds_resources",
    kind: "gauge",
    help: "Resources in the snapshots. A resource of several groups counts in each.",
    labels: ["type"],
    read: ({ groups, api }) => {
      const counts = new Map<string, number>();
      for (const group of groups?.keys() ?? []) {
        const snapshot = groups?.get(group);
        for (const typeUrl of snapshot?.typeUrls() ?? [])
          counts.set(typeUrl, (counts.get(typeUrl) ?? 0) + (snapshot?.resources(typeUrl).size ?? 0));
      }
      return Array.from(counts, ([typeUrl, count]) => [count, typeName(typeUrl, api)] as const);
    },
  },
  {
    name: "xds_workers",
    kind: "gauge",
    help: "Workers that serve, and those that should but do not: serving, starting. There is no series without workers.",
    labels: ["state"],
    read: ({
      workers: {
        counts: { serving, wanted },
      } = noWorkers,
    }) =>
      wanted === 0
        ? []
        : [
            [serving, "serving"],
            [wanted - serving, "starting"],
          ],
  },
  {
    name: "xds_worker_deaths_total",
    kind: "counter",
    help: "Workers that have died and were replaced. There is no series without workers.",
    labels: [],
    read: ({
      workers: {
        counts: { died, wanted },
      } = noWorkers,
    }) => (wanted === 0 ? [] : [[died]]),
  },
  {
    name: "xds_groups",
    kind: "gauge",
    help: "Node groups that have a snapshot, including the group of all other nodes.",
    labels: [],
    read: ({ groups }) => (groups ? [[groups.keys().length]] : []),
  },
  changes(
    "xds_config_reloads_total",
    "counter",
    "Configurations that were read, by whether they could be served: success or failure.",
    ({ reloads, failedReloads }) => [
      [reloads, "success"],
      [failedReloads, "failure"],
    ],
    ["result"],
  ),
  changes(
    "xds_config_last_reload_successful",
    "gauge",
    "Whether the configuration that was read last is served: 1 or 0.",
    ({ lastSucceeded }) => (lastSucceeded === undefined ? [] : [[lastSucceeded ? 1 : 0]]),
  ),
  changes(
    "xds_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the served configuration was read, in seconds since 1970.",
    ({ lastSuccessAt }) => (lastSuccessAt === 0 ? [] : [[lastSuccessAt / 1_000]]),
  ),
  revisions("xds_revision_stable", "gauge", "The revision that nodes outside of a rollout have.", ({ stable }) => [
    [stable],
  ]),
  revisions(
    "xds_store_away_seconds",
    "gauge",
    "How long the shared store has not answered; 0 while it answers. There is no series without such a store.",
    ({ store }) => (store ? [[store.away ? (Date.now() - store.away.since) / 1_000 : 0]] : []),
  ),
  {
    name: "xds_replicas",
    kind: "gauge",
    help: "The replicas that share the store, this one included. There is no series without such a store.",
    labels: [],
    read: ({ fleet }) => (fleet ? [[fleet.counts.replicas]] : []),
  },
  {
    name: "xds_replicas_silent",
    kind: "gauge",
    help: "The other replicas that did not answer when this one asked them last.",
    labels: [],
    read: ({ fleet }) => (fleet ? [[fleet.counts.silent]] : []),
  },
  {
    name: "xds_replica_moved_nodes_total",
    kind: "counter",
    help: "Nodes that this replica has sent to others, because it had many more streams.",
    labels: [],
    read: ({ fleet }) => (fleet ? [[fleet.counts.moved]] : []),
  },
  revisions(
    "xds_revision_held",
    "gauge",
    "Whether a change waits for an approval, or for the end of a freeze: 1 or 0.",
    ({ held }) => [[held ? 1 : 0]],
  ),
  revisions("xds_revision_frozen", "gauge", "Whether changes are frozen: 1 or 0.", ({ frozen }) => [[frozen ? 1 : 0]]),
  revisions(
    "xds_revision_barred",
    "gauge",
    "Contents that were rolled back or undone, and are not served again.",
    ({ barred }) => [[barred]],
  ),
  revisions(
    "xds_rollout_revision",
    "gauge",
    "The revision that is rolled out; there is no series without a rollout.",
    ({ rollout }) => (rollout ? [[rollout.revision]] : []),
  ),
  revisions(
    "xds_rollout_wave",
    "gauge",
    "The wave of the rollout, from 0; there is no series without a rollout.",
    ({ rollout }) => (rollout ? [[rollout.wave]] : []),
  ),
  revisions(
    "xds_rollout_share",
    "gauge",
    "The share of the nodes that have the revision that is rolled out, besides the first node.",
    ({ rollout }) => (rollout ? [[rollout.share]] : []),
  ),
  revisions(
    "xds_rollout_waiting",
    "gauge",
    "Whether the rollout is held, waits for a first node, or is paused: 1 or 0; there is no series without a rollout.",
    ({ rollout }) => (rollout ? [[rollout.waitsFor !== undefined || rollout.paused !== undefined ? 1 : 0]] : []),
  ),
  revisions(
    "xds_rollouts_total",
    "counter",
    "Rollouts that have ended since the start, also by a command: done or rolled_back.",
    ({ ended }) => [
      [ended.done, "done"],
      [ended.rolledBack, "rolled_back"],
    ],
    ["result"],
  ),
  {
    name: "xds_tls_reloads_total",
    kind: "counter",
    help: "Changes of the TLS files, by whether they could be used: success or failure.",
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
  {
    name: "xds_settings_outdated",
    kind: "gauge",
    help: "1 while the settings file, such as xds.yaml, cannot be used, and the settings before stay in use; else 0.",
    labels: [],
    read: ({ settings }) => (settings ? [[settings.failure ? 1 : 0]] : []),
  },
  changes(
    "xds_changes_not_applied_total",
    "counter",
    "Changes without a convergence time: refused by a node, or timed_out after 60 s.",
    ({ refused, timedOut }) => [
      [refused, "refused"],
      [timedOut, "timed_out"],
    ],
    ["reason"],
  ),
  loads("xds_load_report_streams", "gauge", "Nodes that report their load now.", ({ streams }) => [[streams]]),
  loads("xds_load_reports_total", "counter", "Load reports that nodes have sent.", ({ reports }) => [[reports]]),
  loads(
    "xds_load_report_clusters_total",
    "counter",
    "Clusters in these reports: valid, or invalid because they have no name.",
    ({ clusters, invalid }) => [
      [clusters, "valid"],
      [invalid, "invalid"],
    ],
    ["result"],
  ),
  loads(
    "xds_load_report_requests_total",
    "counter",
    "Requests in these reports: issued, the succeeded and failed ones of them, and dropped.",
    ({ issued, succeeded, failed, dropped }) => [
      [issued, "issued"],
      [succeeded, "succeeded"],
      [failed, "failed"],
      [dropped, "dropped"],
    ],
    ["result"],
  ),
];

/** The histogram of convergence times. */
export const convergenceRow = {
  name: "xds_convergence_seconds",
  kind: "histogram",
  help: "Time from the reading of a configuration to the last ACK of a connected node.",
  labels: [],
} as const;

/** The metrics that the process of a server has of it. */
export const serverRows = (server: XdsServer): Rows => {
  const report = server.report();
  const scrape: Scrape = {
    ...{ api: server.api, report, counters: report.counters, changes: noChanges },
    ...{ groups: undefined, certificates: undefined, settings: undefined },
  };
  return new Map(metricRows.flatMap(({ name, isOfServer, read }) => (isOfServer ? [[name, [...read(scrape)]]] : [])));
};

/** Only the counters of these metrics. */
export const countersOf = (rows: Rows): Rows => new Map([...rows].filter(([name]) => counters.has(name)));

const counters = new Set(metricRows.flatMap(({ name, kind }) => (kind === "counter" ? [name] : [])));

const noChanges: ChangeResults = {
  ...{ reloads: 0, failedReloads: 0, lastSucceeded: undefined, lastSuccessAt: 0 },
  ...{ failure: undefined, refused: 0, timedOut: 0 },
};

const typeName = (typeUrl: string, api: XdsApi) =>
  typeUrl === "" ? "ads" : (api.findResourceType(typeUrl)?.name ?? "unknown");

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
