import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  HttpServer,
  refuseWebPages,
  sendError
} from "./chunk-XWORHYJT.js";
import {
  RationedLog
} from "./chunk-DU6SCORG.js";
import {
  messageJson
} from "./chunk-4C7NFQI4.js";
import {
  userAgentVersion
} from "./chunk-VTU7YHMV.js";
import "./chunk-UYRQJDKN.js";
import {
  SetHash
} from "./chunk-ESPHAOJ2.js";
import {
  inOneStep,
  sliceMs
} from "./chunk-IDIDKZNG.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  clientStatus
} from "./chunk-K3AIRHNU.js";
import {
  dumpForms,
  dumpList,
  genericForm,
  timestamp
} from "./chunk-2R5XDSOQ.js";
import "./chunk-VNWGVQRE.js";
import "./chunk-KAJN54RB.js";
import "./chunk-BXRIZRRP.js";
import {
  redacted
} from "./chunk-ZAJWG27E.js";
import "./chunk-IXIW5MLW.js";
import "./chunk-AKMKR4LC.js";
import "./chunk-342YQNNX.js";
import "./chunk-FZLOJTJW.js";
import "./chunk-Y6GK5AYW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZG5KWCWM.js";
import "./chunk-QMJ32M3M.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import {
  printableLines
} from "./chunk-JESIV7YD.js";
import "./chunk-BIVW5D3R.js";
import {
  packageVersion
} from "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/admin/change-watch.js
var appliedTimeoutMs = 6e4;
var mostWaiting = 100;
var ChangeWatch = class {
  server;
  startSpan;
  snapshot;
  onConverged;
  reloads = 0;
  failedReloads = 0;
  lastSucceeded;
  lastSuccessAt = 0;
  failure;
  refused = 0;
  timedOut = 0;
  waiting = [];
  isWaiting = false;
  constructor(server, startSpan, snapshot, onConverged) {
    this.server = server;
    this.startSpan = startSpan;
    this.snapshot = snapshot;
    this.onConverged = onConverged;
  }
  /**
   * Serves a configuration that was just read. `publish` serves it and returns the differences from the previous one.
   * Returns these differences. `at`: when it was read, as of `performance.now()`.
   * @throws what `publish` throws, after counting it as a failed reload
   */
  apply(publish, at = performance.now()) {
    const change = { at, span: this.startSpan("xds.change") };
    const publishing = change.span.child("xds.publish");
    try {
      const counts = publish();
      publishing.end();
      this.reloads++;
      this.lastSucceeded = true;
      this.lastSuccessAt = Date.now();
      this.failure = void 0;
      const { added, changed, removed } = counts;
      change.span.set({ "xds.added": added, "xds.changed": changed, "xds.removed": removed });
      if (change.span.isRecording)
        change.span.set(versionsOf(this.snapshot()));
      if (added + changed + removed === 0 || this.waiting.length === mostWaiting)
        change.span.end();
      else {
        this.waiting.push(change);
        if (!this.isWaiting)
          void this.follow();
      }
      return counts;
    } catch (error) {
      publishing.end(error);
      change.span.end(error);
      this.failed(messageOf(error));
      throw error;
    }
  }
  /** Counts a configuration that waits for somebody's approval. */
  notServed() {
    this.failedReloads++;
    this.lastSucceeded = false;
    this.failure = void 0;
  }
  /** Counts a configuration that cannot be served. `message` is the reason, in one line. */
  failed(message) {
    this.failedReloads++;
    this.lastSucceeded = false;
    this.failure = { since: this.failure?.since ?? Date.now(), message };
  }
  /** Waits until all pending changes are applied, and repeats this for changes that came meanwhile. */
  async follow() {
    this.isWaiting = true;
    while (this.waiting.length > 0) {
      const changes2 = this.waiting.splice(0).map(({ at, span }) => ({ at, span, applying: span.child("xds.apply") }));
      const isServing = this.server.report().counters.streams.some(({ open }) => open > 0);
      const error = isServing ? await this.applied() : void 0;
      for (const { at, span, applying } of changes2) {
        if (isServing && error === void 0)
          this.onConverged((performance.now() - at) / 1e3);
        if (error?.code === "NOT_APPLIED")
          this.refused++;
        if (error?.code === "TIMED_OUT")
          this.timedOut++;
        applying.end(error);
        span.end(error);
      }
    }
    this.isWaiting = false;
  }
  async applied() {
    try {
      await this.server.applied(() => true, { timeoutMs: appliedTimeoutMs });
      return void 0;
    } catch (error) {
      return error instanceof XdsError ? error : new XdsError("INTERNAL", String(error), { cause: error });
    }
  }
};
function versionsOf(snapshot) {
  const versions = (snapshot?.types() ?? []).map(({ typeUrl, name }) => {
    const hash = new SetHash();
    for (const resource of snapshot?.resources(typeUrl).values() ?? [])
      hash.add(resource);
    return [`xds.version.${name}`, snapshot?.ownVersion(typeUrl) ?? hash.toString()];
  });
  return Object.fromEntries(versions);
}

// dist/admin/metrics.js
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

// dist/admin/metric-rows.js
var variantAndType = ["variant", "type"];
var traffic = (name, help, field) => ({
  name,
  kind: "counter",
  help,
  labels: variantAndType,
  read: ({ counters, api }) => counters.traffic.map((row) => [row[field], row.variant, typeName(row.typeUrl, api)])
});
var changes = (name, kind, help, read, labels = []) => ({ name, kind, help, labels, read: (scrape) => read(scrape.changes) });
var revisions = (name, kind, help, read, labels = []) => {
  const ofFacts = ({ revisions: revisions2 }) => {
    const facts = revisions2?.();
    return facts ? read(facts) : [];
  };
  return { name, kind, help, labels, read: ofFacts };
};
var loads = (name, kind, help, read, labels = []) => ({
  name,
  kind,
  help,
  labels,
  read: ({ report }) => report.loads ? read(report.loads) : []
});
var metricRows = [
  {
    name: "xds_build_info",
    kind: "gauge",
    help: "Always 1. The label has the server's version.",
    labels: ["version"],
    read: () => [[1, packageVersion]]
  },
  {
    name: "xds_connections",
    kind: "gauge",
    help: "Open gRPC connections, including those in their TLS handshake.",
    labels: [],
    read: ({ report }) => [[report.connections]]
  },
  {
    name: "xds_streams",
    kind: "gauge",
    help: "Open streams.",
    labels: variantAndType,
    read: ({ counters, api }) => counters.streams.map(({ open, variant, typeUrl }) => [open, variant, typeName(typeUrl, api)])
  },
  {
    name: "xds_streams_opened_total",
    kind: "counter",
    help: "Streams that clients opened, including refused ones.",
    labels: variantAndType,
    read: ({ counters, api }) => counters.streams.map(({ opened, variant, typeUrl }) => [opened, variant, typeName(typeUrl, api)])
  },
  {
    name: "xds_nodes",
    kind: "gauge",
    help: "Connected nodes, by the worst state of their types: ERROR, STALE, NOT_SENT, DRAINING, SYNCED.",
    labels: ["state"],
    read: ({ report }) => Object.entries(report.nodeStates).map(([state, count]) => [count, state])
  },
  traffic("xds_requests_total", "Requests on streams, including ACKs and NACKs.", "requests"),
  traffic("xds_responses_total", "Responses on streams: pushes and answers to requests.", "responses"),
  traffic("xds_response_bytes_total", "Bytes of these responses, before framing.", "bytes"),
  traffic("xds_resources_sent_total", "Resources in these responses.", "resources"),
  traffic("xds_acks_total", "Responses that clients ACKed.", "acks"),
  traffic("xds_nacks_total", "Responses that clients NACKed.", "nacks"),
  {
    name: "xds_fetches_total",
    kind: "counter",
    help: "Unary calls and REST requests, by result: answered, not_modified, refused.",
    labels: ["transport", "type", "result"],
    read: ({ counters, api }) => counters.fetches.map(({ count, transport, typeUrl, result }) => [
      count,
      transport,
      typeName(typeUrl, api),
      result
    ])
  },
  {
    name: "xds_unsent_response_bytes",
    kind: "gauge",
    help: "Bytes of responses that are written and that clients have not read yet.",
    labels: [],
    read: ({ report }) => [[report.unsentBytes]]
  },
  {
    name: "xds_receiving_request_bytes",
    kind: "gauge",
    help: "Bytes of gRPC and REST requests that have arrived in part or wait to be handled.",
    labels: [],
    read: ({ report }) => [[report.receivingBytes]]
  },
  {
    name: "xds_refusals_total",
    kind: "counter",
    help: "Connections, streams and requests that were refused or ended, by the limit that they exceeded, or by authorize.",
    labels: ["reason"],
    read: ({ report }) => Object.entries(report.refusals).map(([reason, count]) => [count, snakeCase(reason)])
  },
  {
    name: "xds_resources",
    kind: "gauge",
    help: "Resources in the snapshots. A resource of several groups counts in each.",
    labels: ["type"],
    read: ({ groups, api }) => {
      const counts = /* @__PURE__ */ new Map();
      for (const group of groups?.keys() ?? []) {
        const snapshot = groups?.get(group);
        for (const typeUrl of snapshot?.typeUrls() ?? [])
          counts.set(typeUrl, (counts.get(typeUrl) ?? 0) + (snapshot?.resources(typeUrl).size ?? 0));
      }
      return Array.from(counts, ([typeUrl, count]) => [count, typeName(typeUrl, api)]);
    }
  },
  {
    name: "xds_groups",
    kind: "gauge",
    help: "Node groups that have a snapshot, including the group of all other nodes.",
    labels: [],
    read: ({ groups }) => groups ? [[groups.keys().length]] : []
  },
  changes("xds_config_reloads_total", "counter", "Configurations that were read, by whether they could be served: success or failure.", ({ reloads, failedReloads }) => [
    [reloads, "success"],
    [failedReloads, "failure"]
  ], ["result"]),
  changes("xds_config_last_reload_successful", "gauge", "Whether the configuration that was read last is served: 1 or 0.", ({ lastSucceeded }) => lastSucceeded === void 0 ? [] : [[lastSucceeded ? 1 : 0]]),
  changes("xds_config_last_reload_success_timestamp_seconds", "gauge", "When the served configuration was read, in seconds since 1970.", ({ lastSuccessAt }) => lastSuccessAt === 0 ? [] : [[lastSuccessAt / 1e3]]),
  revisions("xds_revision_stable", "gauge", "The revision that nodes outside of a rollout have.", ({ stable }) => [
    [stable]
  ]),
  revisions("xds_store_away_seconds", "gauge", "How long the shared store has not answered; 0 while it answers. There is no series without such a store.", ({ store }) => store ? [[store.away ? (Date.now() - store.away.since) / 1e3 : 0]] : []),
  revisions("xds_revision_held", "gauge", "Whether a change waits for somebody's approval: 1 or 0.", ({ held }) => [
    [held ? 1 : 0]
  ]),
  revisions("xds_revision_frozen", "gauge", "Whether changes are frozen: 1 or 0.", ({ frozen }) => [[frozen ? 1 : 0]]),
  revisions("xds_revision_barred", "gauge", "Contents that were rolled back or undone, and are not served again.", ({ barred }) => [[barred]]),
  revisions("xds_rollout_revision", "gauge", "The revision that is rolled out; there is no series without a rollout.", ({ rollout }) => rollout ? [[rollout.revision]] : []),
  revisions("xds_rollout_wave", "gauge", "The wave of the rollout, from 0; there is no series without a rollout.", ({ rollout }) => rollout ? [[rollout.wave]] : []),
  revisions("xds_rollout_share", "gauge", "The share of the nodes that have the revision that is rolled out, besides the first node.", ({ rollout }) => rollout ? [[rollout.share]] : []),
  revisions("xds_rollout_waiting", "gauge", "Whether the rollout is held, waits for a first node, or is paused: 1 or 0; there is no series without a rollout.", ({ rollout }) => rollout ? [[rollout.waitsFor !== void 0 || rollout.paused !== void 0 ? 1 : 0]] : []),
  revisions("xds_rollouts_total", "counter", "Rollouts that have ended since the start, also by a command: done or rolled_back.", ({ ended }) => [
    [ended.done, "done"],
    [ended.rolledBack, "rolled_back"]
  ], ["result"]),
  {
    name: "xds_tls_reloads_total",
    kind: "counter",
    help: "Changes of the TLS files, by whether they could be used: success or failure.",
    labels: ["result"],
    read: ({ certificates }) => certificates ? [
      [certificates.reloads, "success"],
      [certificates.failures, "failure"]
    ] : []
  },
  {
    name: "xds_tls_certificate_expiry_timestamp_seconds",
    kind: "gauge",
    help: "When the server's certificate expires, in seconds since 1970.",
    labels: [],
    read: ({ certificates: { expiresAt } = {} }) => expiresAt === void 0 ? [] : [[expiresAt / 1e3]]
  },
  changes("xds_changes_not_applied_total", "counter", "Changes without a convergence time: refused by a node, or timed_out after 60 s.", ({ refused, timedOut }) => [
    [refused, "refused"],
    [timedOut, "timed_out"]
  ], ["reason"]),
  loads("xds_load_report_streams", "gauge", "Nodes that report their load now.", ({ streams }) => [[streams]]),
  loads("xds_load_reports_total", "counter", "Load reports that nodes have sent.", ({ reports }) => [[reports]]),
  loads("xds_load_report_clusters_total", "counter", "Clusters in these reports: valid, or invalid because they have no name.", ({ clusters, invalid }) => [
    [clusters, "valid"],
    [invalid, "invalid"]
  ], ["result"]),
  loads("xds_load_report_requests_total", "counter", "Requests in these reports: issued, the succeeded and failed ones of them, and dropped.", ({ issued, succeeded, failed, dropped }) => [
    [issued, "issued"],
    [succeeded, "succeeded"],
    [failed, "failed"],
    [dropped, "dropped"]
  ], ["result"])
];
var convergenceRow = {
  name: "xds_convergence_seconds",
  kind: "histogram",
  help: "Time from the reading of a configuration to the last ACK of a connected node.",
  labels: []
};
var typeName = (typeUrl, api) => typeUrl === "" ? "ads" : api.findResourceType(typeUrl)?.name ?? "unknown";
var snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// dist/admin/metrics.js
var buckets = [5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
var processRegistry;
var Metrics = class {
  sources;
  registry = new Registry();
  convergence;
  scrape;
  constructor(sources) {
    this.sources = sources;
    for (const row of metricRows)
      this.add(row);
    const { name, help } = convergenceRow;
    this.convergence = new Histogram({ name, help, buckets, registers: [this.registry] });
    if (!processRegistry) {
      processRegistry = new Registry();
      collectDefaultMetrics({ register: processRegistry });
    }
  }
  /** The content type of {@link text}. */
  get contentType() {
    return this.registry.contentType;
  }
  /** Records a convergence time, in seconds. */
  converged = (seconds) => this.convergence.observe(seconds);
  /** All metrics in Prometheus' text format. */
  async text() {
    const { server } = this.sources;
    const report = server.report();
    this.scrape = { ...this.sources, api: server.api, report, counters: report.counters };
    return `${await this.registry.metrics()}
${await processRegistry?.metrics()}`;
  }
  add({ name, kind, help, labels, read }) {
    const series = () => this.scrape ? read(this.scrape) : [];
    const common = { name, help, labelNames: [...labels], registers: [this.registry] };
    const named = (values) => Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ""]));
    const clear = (metric) => {
      metric.reset();
      if (labels.length === 0)
        metric.remove();
    };
    if (kind === "gauge")
      new Gauge({
        ...common,
        collect() {
          clear(this);
          for (const [value, ...values] of series())
            this.set(named(values), value);
        }
      });
    else
      new Counter({
        ...common,
        collect() {
          clear(this);
          for (const [value, ...values] of series())
            this.inc(named(values), value);
        }
      });
  }
};

// dist/admin/config-dump.js
import { create } from "@bufbuild/protobuf";
var dumpParameters = ["node", "state", "group", "name_regex", "resource", "include_eds"];
async function configDump(server, groups, defaultGroup, query) {
  const node = query.get("node");
  const state = query.get("state") ?? "acked";
  if (state !== "acked" && state !== "served")
    throw new XdsError("INVALID_REQUEST", `state must be acked or served, is ${JSON.stringify(state)}`);
  if (node === null && query.has("state"))
    throw new XdsError("INVALID_REQUEST", "state needs node=<id>");
  if (node !== null && query.has("group"))
    throw new XdsError("INVALID_REQUEST", "give node or group, not both");
  const types = node === null ? ofGroup(groups, query.get("group") ?? defaultGroup) : server.nodes(({ id }) => id === node)[0]?.resources(state);
  if (!types)
    throw new XdsError("UNKNOWN_NODE", `no connected node has the id ${JSON.stringify(node)}; /clients lists them`);
  const list = query.get("resource");
  const kinds = [...Object.values(dumpForms), genericForm].map(({ list: name }) => snakeCase2(name));
  if (list !== null && !kinds.includes(list))
    throw new XdsError("INVALID_REQUEST", `resource must be one of ${kinds.join(", ")}, is ${JSON.stringify(list)}`);
  return dumpPieces(server.api, types, await nameTest(query.get("name_regex")), list ?? void 0);
}
function ofGroup(groups, group) {
  if (!groups)
    throw new XdsError("INVALID_REQUEST", "this server's cache has no groups; node=<id> shows what a node has");
  const all = groups.keys();
  const some = all.slice(0, mostGroups).map((key) => JSON.stringify(key));
  const known = `groups: ${some.join(", ") || "none yet"}${all.length > mostGroups ? ", \u2026" : ""}`;
  if (group === void 0)
    throw new XdsError("INVALID_REQUEST", `give group=<group> or node=<id>; ${known}`);
  const snapshot = groups.get(group);
  if (!snapshot)
    throw new XdsError("NO_CONFIGURATION", `no group ${JSON.stringify(group)} has a configuration of its own; ${known}`);
  const types = snapshot.types().sort((a, b) => a.order - b.order);
  return types.map(({ typeUrl }) => ({
    typeUrl,
    version: snapshot.ownVersion(typeUrl) ?? "",
    updatedAt: 0,
    resources: new Map([...snapshot.resources(typeUrl).values()].map((resource) => [resource.name, resource])),
    nack: void 0,
    refused: /* @__PURE__ */ new Set()
  }));
}
var mostGroups = 20;
async function nameTest(pattern) {
  if (pattern === null)
    return void 0;
  const { Expressions } = await import("./expressions-TCV6W5HH.js");
  const refuse = (why) => new XdsError("INVALID_REQUEST", `name_regex: ${why}`);
  return new Expressions().test(pattern, refuse);
}
var atType = (name) => `type.googleapis.com/${name}`;
var snakeCase2 = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
function* dumpPieces(api, found, matchesName, list) {
  yield '{\n "configs": [';
  let separator = "";
  const isWhole = list === void 0 && matchesName === void 0;
  const types = isWhole ? withEmptyTypes(found, api) : found;
  for (const type of types) {
    const form = dumpForms[type.typeUrl] ?? genericForm;
    const { schema, field, entry: entrySchema } = dumpList(form, api.registry);
    if (list !== void 0 && list !== field.name)
      continue;
    const resources = [];
    for (const resource of type.resources) {
      if (!matchesName || matchesName(resource[0]))
        resources.push(resource);
      if (matchesName)
        yield "";
    }
    if (resources.length === 0 && !(isWhole && form !== genericForm))
      continue;
    if (list === void 0) {
      const hasVersion = schema.field.versionInfo !== void 0;
      const version = hasVersion && type.version !== "" ? `
   "version_info": ${JSON.stringify(type.version)},` : "";
      yield `${separator}
  {
   "@type": ${JSON.stringify(atType(form.message))},${version}
   ${JSON.stringify(field.name)}: [`;
      separator = "";
    }
    for (const [name, resource] of resources) {
      const json2 = entryJson(api.registry, entrySchema, form, type, name, resource);
      const shown = list === void 0 ? json2 : { "@type": atType(entrySchema.typeName), ...json2 };
      yield `${separator}
${indented(shown, list === void 0 ? "    " : "  ")}`;
      separator = ",";
    }
    if (list === void 0)
      yield "\n   ]\n  }";
    separator = ",";
  }
  yield "\n ]\n}\n";
}
function withEmptyTypes(types, api) {
  const empty = Object.keys(dumpForms).filter((typeUrl) => !types.some((type) => type.typeUrl === typeUrl)).map((typeUrl) => ({
    typeUrl,
    version: "",
    updatedAt: 0,
    resources: /* @__PURE__ */ new Map(),
    nack: void 0,
    refused: /* @__PURE__ */ new Set()
  }));
  const orderOf = ({ typeUrl }) => api.findResourceType(typeUrl)?.order ?? Number.POSITIVE_INFINITY;
  return [...types, ...empty].sort((a, b) => orderOf(a) - orderOf(b));
}
var indented = (json2, by) => by + JSON.stringify(json2, void 0, 1).replaceAll("\n", `
${by}`);
function entryJson(registry, schema, form, { typeUrl, updatedAt, nack, refused }, ...[name, resource]) {
  const isRefused = nack !== void 0 && refused.has(name);
  const error = resource?.error?.message;
  const lastUpdated = timestamp(updatedAt);
  const row = {
    name,
    version: resource?.version ?? "",
    config: void 0,
    lastUpdated: resource && lastUpdated,
    common: {
      lastUpdated: resource && lastUpdated,
      clientStatus: isRefused ? clientStatus.NACKED : updatedAt > 0 ? clientStatus.ACKED : 0,
      errorState: isRefused ? { lastUpdateAttempt: timestamp(nack.at), details: nack.message, versionInfo: nack.version } : error === void 0 ? void 0 : { details: error }
    }
  };
  const json2 = (dumpRow) => messageJson(schema, create(schema, form.entry(dumpRow, typeUrl)), registry);
  try {
    return json2({ ...row, config: resource && !resource.error ? redacted(resource, registry) : void 0 });
  } catch (cause) {
    const details = `its content cannot be written as JSON: ${messageOf(cause)}`;
    return json2({ ...row, common: { ...row.common, errorState: { details } } });
  }
}

// dist/admin/node-report.js
function* nodeReports(server, id) {
  const isSelected = (candidate) => id === void 0 || candidate.id === id;
  const report = server.report();
  const { api } = server;
  const streams = new Map(report.streams.map((stream) => [stream.id, stream]));
  for (const node of server.nodes(isSelected))
    yield connectedReport(node, node.streams.flatMap((stream) => streams.get(stream) ?? []), api);
  for (const node of report.pollingNodes)
    if (isSelected(node))
      yield pollingReport(node, api);
}
function clientReport({ id, cluster, addresses, agent, version, variants, state }) {
  return { id, cluster, addresses, agent, version, variants, state };
}
function connectedReport({ node, connectedAt, state, types }, streams, api) {
  return {
    id: node.id,
    cluster: node.cluster,
    addresses: [...new Set(streams.map(({ peer }) => peer))],
    agent: node.userAgentName,
    version: userAgentVersion(node),
    variants: [...new Set(streams.map(({ variant }) => variant))],
    connectedAt: time(connectedAt),
    state,
    types: types.map((type) => typeReport(type, api))
  };
}
var pollingReport = ({ id, cluster, peer, agent, version, firstPollAt, state, types }, api) => ({
  id,
  cluster,
  addresses: [peer],
  agent,
  version,
  variants: ["rest"],
  connectedAt: time(firstPollAt),
  state,
  types: types.map((type) => typeReport(type, api))
});
function typeReport({ typeUrl, state, wildcard, names, sent, acked, nacked, retryAt, waits }, api) {
  return {
    type: api.typeName(typeUrl),
    typeUrl,
    state,
    wildcard,
    names,
    ...sent && { sent: entryReport(sent) },
    ...acked && { acked: entryReport(acked) },
    ...nacked && {
      nacked: {
        ...entryReport(nacked),
        code: nacked.error.code,
        message: nacked.error.message,
        names: nacked.names
      }
    },
    ...retryAt !== void 0 && { retryAt: time(retryAt) },
    ...waits.length > 0 && { waits: waits.map(waitReport) }
  };
}
var waitReport = ({ name, why, reason, until }) => ({
  name,
  why,
  reason,
  ...until !== void 0 && { until: time(until) }
});
var entryReport = ({ version, nonce, at }) => ({ version, nonce, at: time(at) });
var time = (ms) => new Date(ms).toISOString();

// dist/admin/revision-facts.js
function* waitingLines({ held, frozen, store, stable }) {
  const isServing = stable > 0;
  if (store?.away) {
    const what = isServing ? `revision ${stable} stays served` : "nothing is served until it answers";
    yield `the store is away since ${new Date(store.away.since).toISOString()}, and ${what}: ${store.away.error}`;
  } else if (store && !isServing)
    yield "nothing is published in the store yet; `xds publish` publishes files";
  if (held) {
    const remedy = frozen ? "it waits for the end of the freeze" : `\`xds approve ${held.content.slice(0, 12)}\` serves it`;
    yield `a change is held since ${new Date(held.at).toISOString()}: ${held.reasons.join("; ")}; ${remedy}`;
  }
  if (frozen)
    yield `changes are frozen by ${frozen.by}: ${frozen.why}; \`xds unfreeze\` ends that`;
}

// dist/admin/pages.js
var text = "text/plain; charset=utf-8";
var json = "application/json";
var Pages = class {
  sources;
  metrics;
  startedAt = /* @__PURE__ */ new Date();
  /** When the admin port was made, as of `performance.now()`. */
  startedAtSteady = performance.now();
  pages;
  constructor(sources, metrics) {
    this.sources = sources;
    this.metrics = metrics;
    this.pages = this.makePages();
  }
  /**
   * Returns the page of a request, and the request's parameters.
   * @throws XdsError UNKNOWN_PATH, METHOD_NOT_ALLOWED, INVALID_REQUEST
   */
  route(request) {
    const [path = "", search = ""] = (request.url ?? "").split(/\?(.*)/s);
    const page = this.pages.get(path);
    if (!page) {
      const known = [...this.pages.keys()].join(", ");
      throw new XdsError("UNKNOWN_PATH", `unknown path ${path}; the paths are ${known}`);
    }
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new XdsError("METHOD_NOT_ALLOWED", `${request.method} ${path}: only GET and HEAD are supported`);
    const query = new URLSearchParams(search);
    for (const name of query.keys())
      if (!page.parameters.includes(name))
        throw new XdsError("INVALID_REQUEST", `${path} has no parameter ${JSON.stringify(name)}; it accepts ${page.parameters.join(", ") || "none"}`);
    return { page, query };
  }
  get state() {
    const { server, groups } = this.sources;
    const { state } = server;
    if (state === "draining" || state === "closed")
      return "DRAINING";
    return state === "listening" && (groups?.ready() ?? true) ? "LIVE" : "STARTING";
  }
  makePages() {
    const { server, groups, group } = this.sources;
    const { metrics } = this;
    const page = (path, about, answer, parameters = []) => [path, { about, parameters, answer }];
    return new Map([
      page("/", "this page", () => ({ type: "text/html; charset=utf-8", body: [this.index()] })),
      page("/ready", "200 LIVE when a configuration is served, else 503 STARTING or DRAINING; a further line if the newest configuration or certificates are not in use", () => {
        const { state } = this;
        return { status: state === "LIVE" ? 200 : 503, type: text, body: [`${state}
`, this.outdated()] };
      }),
      page("/healthz", "200 as long as the process answers", () => ({ type: text, body: ["ok\n"] })),
      page("/metrics", "metrics for Prometheus", async () => {
        return { type: metrics.contentType, body: [await metrics.text()] };
      }),
      page("/config_dump", "what is served or what a node has, in the form of Envoy's admin port: ?group=G, ?node=ID, ?node=ID&state=served, ?name_regex=, ?resource=", async (query) => ({ type: json, body: await configDump(server, groups, group, query) }), dumpParameters),
      page("/descriptors", "the Envoy API in use, as a serialized FileDescriptorSet for --descriptors", () => ({
        type: "application/octet-stream",
        body: server.api.descriptors
      })),
      page("/status", "the server and every node: states, versions, ACKs, NACKs: ?node=ID", (query) => ({ type: json, body: this.status(query.get("node") ?? void 0) }), ["node"]),
      page("/clients", "the connected and polling nodes, one per line", () => ({ type: json, body: this.clients() }))
    ]);
  }
  /** A line, with the reason, for the configuration and for the certificates, if the newest ones are not in use. */
  outdated() {
    const { changes: changes2, certificates } = this.sources;
    const line = (what, failure) => failure ? `still serving the ${what}, since ${isoTime(failure.since)}: ${failure.message}
` : "";
    const facts = this.sources.revisions?.();
    const waiting = facts ? [...waitingLines(facts)].map((text2) => `${text2}
`).join("") : "";
    return line("last good configuration", changes2.failure) + line("old certificates", certificates?.failure) + waiting;
  }
  index() {
    const rows = Array.from(this.pages, ([path, { about }]) => {
      return `<tr><td><a href="${path}">${path}</a></td><td>${about.replaceAll("&", "&amp;")}</td></tr>`;
    });
    return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>xds admin</title></head><body>
<h1>xds ${packageVersion}: ${this.state}</h1>
<table>
${rows.join("\n")}
</table>
</body></html>
`;
  }
  *status(node) {
    const { server, changes: changes2, certificates } = this.sources;
    const { startedAt, startedAtSteady } = this;
    const head = {
      version: packageVersion,
      state: this.state,
      startedAt: startedAt.toISOString(),
      uptimeSeconds: Math.floor((performance.now() - startedAtSteady) / 1e3),
      reloads: {
        succeeded: changes2.reloads,
        failed: changes2.failedReloads,
        lastSucceeded: changes2.lastSucceeded,
        ...changes2.failure && { failure: failureReport(changes2.failure) }
      },
      ...certificates?.failure && { certificates: { failure: failureReport(certificates.failure) } },
      ...revisionsReport(this.sources.revisions?.()),
      nodeStates: server.report().nodeStates,
      counters: server.report().counters
    };
    yield JSON.stringify(head, void 0, 1).replace(/\n\}$/, ',\n "nodes": [');
    yield* jsonLines(nodeReports(server, node));
    yield "\n ]\n}\n";
  }
  *clients() {
    yield "[";
    yield* jsonLines(map(nodeReports(this.sources.server), clientReport));
    yield "\n]\n";
  }
};
function revisionsReport(facts) {
  if (!facts)
    return {};
  const { held, store, ...others } = facts;
  const away = store?.away;
  return {
    revisions: {
      ...others,
      ...store && { store: { ...away && { away: { ...away, since: isoTime(away.since) } } } },
      ...held && { held: { content: held.content, reasons: held.reasons, at: isoTime(held.at) } }
    }
  };
}
var failureReport = ({ since, message }) => ({ since: isoTime(since), message });
var isoTime = (ms) => new Date(ms).toISOString();
function* map(items, change) {
  for (const item of items)
    yield change(item);
}
function* jsonLines(items) {
  let separator = "\n";
  for (const item of items) {
    yield `${separator}  ${JSON.stringify(item)}`;
    separator = ",\n";
  }
}

// dist/admin/tracing.js
var untraced = { isRecording: false, set: () => {
}, child: () => untraced, end: () => {
} };
async function loadTracing() {
  const api = await import("@opentelemetry/api").catch(() => void 0);
  if (!api)
    return () => untraced;
  const { context, SpanStatusCode, trace } = api;
  const tracer = trace.getTracer("ts-control-plane", packageVersion);
  const start = (name, parent = context.active()) => {
    const span = tracer.startSpan(name, {}, parent);
    return {
      isRecording: span.isRecording(),
      set: (attributes) => span.setAttributes(attributes),
      child: (childName) => start(childName, trace.setSpan(parent, span)),
      end: (error) => {
        if (error !== void 0)
          span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
        span.end();
      }
    };
  };
  return (name) => start(name);
}

// dist/admin/write-pieces.js
var writeSize = 1 << 16;
async function writePieces(response, pieces, account, queue) {
  const iterator = pieces[Symbol.iterator]();
  for (; ; ) {
    const { gathered, isLast } = await queue.finish(account, inOneStep(() => gather(iterator)));
    if (response.destroyed)
      return;
    if (isLast) {
      response.end(gathered);
      return;
    }
    if (!response.write(gathered))
      await drained(response);
  }
}
function gather(pieces) {
  const from = performance.now();
  let gathered = "";
  while (gathered.length < writeSize && performance.now() - from < sliceMs) {
    const { done, value } = pieces.next();
    if (done)
      return { gathered, isLast: true };
    gathered += printableLines(value);
  }
  return { gathered, isLast: false };
}
function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

// dist/admin/admin-server.js
var optionNames = {
  host: true,
  port: true,
  allowedHosts: true,
  groups: true,
  group: true,
  certificates: true,
  logger: true,
  connections: true,
  revisions: true,
  control: true
};
var headersMs = 1e4;
var droppedBytes = 64 << 20;
var AdminServer = class _AdminServer {
  server;
  options;
  /** Gets the changes that are served, and provides their metrics and traces. */
  changes;
  http;
  host;
  logger;
  pages;
  constructor(server, options, startSpan) {
    this.server = server;
    this.options = options;
    this.host = options.host ?? "127.0.0.1";
    this.logger = new RationedLog(options.logger ?? silentLogger);
    const { groups, group, certificates, revisions: revisions2, connections = 100 } = options;
    const snapshot = () => group === void 0 ? void 0 : groups?.get(group);
    this.changes = new ChangeWatch(server, startSpan, snapshot, (seconds) => metrics.converged(seconds));
    const sources = { server, groups, group, certificates, revisions: revisions2, changes: this.changes };
    const metrics = new Metrics(sources);
    this.pages = new Pages(sources, metrics);
    this.http = new HttpServer({ connections, headersMs, droppedBytes }, {
      accounts: server.accounts,
      queue: server.queue,
      handle: (request, response, connection) => void this.handle(request, response, connection),
      headersTooLate: () => new XdsError("REQUEST_TOO_SLOW", `the headers of a request took more than ${headersMs} ms to arrive`),
      tooManyConnections: () => new XdsError("LIMIT_EXCEEDED", `the admin port already has ${connections} connections`),
      refused: (error, peer) => this.logger.debug({ peer, error: messageOf(error) }, "a connection is refused or ended")
    });
  }
  /**
   * Makes an admin port for a server, and listens.
   * @throws XdsError CANNOT_LISTEN, INVALID_OPTION
   */
  static async start(server, options = {}) {
    checkOptions("AdminServer", options, optionNames);
    const admin = new _AdminServer(server, options, await loadTracing());
    await admin.http.listen(admin.host, options.port ?? 18002, "the admin port");
    return admin;
  }
  /** The address that it listens on. */
  get address() {
    return { host: this.host, port: this.http.address?.port ?? 0 };
  }
  /** Stops listening, and ends all connections. */
  async close() {
    await this.http.close();
    this.logger.close();
  }
  /** As {@link AdminServer.close}, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
  async handle(request, response, connection) {
    try {
      const { host } = this;
      const { allowedHosts = [], control } = this.options;
      const address = this.http.address?.address;
      refuseWebPages(request.headers, { what: "the admin port", host, address, allowedHosts, plainNames: false });
      if (control && request.url?.startsWith(control.path))
        return await control.handle(request, response, connection.peer);
      request.resume();
      const { page, query } = this.pages.route(request);
      const steps = inOneStep(() => page.answer(query));
      const { status = 200, type, body } = await this.server.queue.finish(connection.account, steps);
      response.writeHead(status, {
        "content-type": type,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff"
      });
      if (request.method === "HEAD")
        response.end();
      else if (body instanceof Uint8Array)
        response.end(body);
      else
        await writePieces(response, body, connection.account, this.server.queue);
    } catch (error) {
      request.resume();
      this.fail(error, request, response);
    }
  }
  fail(error, { url, socket }, response) {
    const known = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error), { cause: error });
    if (known.code === "INTERNAL")
      this.logger.error({ peer: `${socket.remoteAddress}:${socket.remotePort}`, url, error: known.message }, "the admin port failed to answer");
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (known.code === "METHOD_NOT_ALLOWED")
      response.setHeader("allow", "GET, HEAD");
    sendError(response, known);
  }
};
export {
  AdminServer
};
