import type { IncomingMessage } from "node:http";
import { packageVersion } from "../../gen/built-in.js";
import { XdsError } from "../errors.js";
import type { OtherReplicas, ReplicaReport } from "../fleet/replica-report.js";
import type { Failure } from "./change-watch.js";
import { configDump, dumpParameters } from "./config-dump.js";
import type { MetricSources } from "./metric-rows.js";
import type { Metrics } from "./metrics.js";
import { type AdminState, clientReport, type NodeReport, type StatusReport } from "./node-report.js";
import { type RevisionFacts, waitingLines } from "./revision-facts.js";
import { ownStatus, type ServedStatus } from "./served-status.js";
import type { WorkersStatus } from "./worker-facts.js";

/** A page of the admin port. */
interface Page {
  /** A description for the page "/". */
  readonly about: string;
  /** The query parameters that it accepts. */
  readonly parameters: readonly string[];
  readonly answer: (query: URLSearchParams) => Answer | Promise<Answer>;
}

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: Iterable<string> | Uint8Array;
}

const text = "text/plain; charset=utf-8";
const json = "application/json";

/** What the pages show. */
export interface PageSources extends MetricSources {
  /** The group that `/config_dump` shows by default. */
  readonly group: string | undefined;
}

/** The pages of the admin port. */
export class Pages {
  private readonly startedAt = new Date();
  /** When the admin port was made, as of `performance.now()`. */
  private readonly startedAtSteady = performance.now();
  private readonly pages: ReadonlyMap<string, Page>;

  constructor(
    private readonly sources: PageSources,
    private readonly metrics: Metrics,
  ) {
    this.pages = this.makePages();
  }

  /**
   * Returns the page of a request, and the request's parameters.
   * @throws XdsError UNKNOWN_PATH, METHOD_NOT_ALLOWED, INVALID_REQUEST
   */
  route(request: IncomingMessage): { page: Page; query: URLSearchParams } {
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
        throw new XdsError(
          "INVALID_REQUEST",
          `${path} has no parameter ${JSON.stringify(name)}; it accepts ${page.parameters.join(", ") || "none"}`,
        );
    return { page, query };
  }

  private get state(): AdminState {
    const { server, groups, workers } = this.sources;
    const { state } = workers ?? server;
    if (state === "draining" || state === "closed") return "DRAINING";
    return state === "listening" && (groups?.ready() ?? true) ? "LIVE" : "STARTING";
  }

  private makePages(): ReadonlyMap<string, Page> {
    const { server, groups, group } = this.sources;
    const { metrics } = this;
    const page = (path: string, about: string, answer: Page["answer"], parameters: readonly string[] = []) =>
      [path, { about, parameters, answer }] as const;
    return new Map<string, Page>([
      page("/", "this page", () => ({ type: "text/html; charset=utf-8", body: [this.index()] })),
      page(
        "/ready",
        "200 LIVE when a configuration is served, else 503 STARTING or DRAINING; a further line if the newest configuration, certificates or settings are not in use",
        () => {
          const { state } = this;
          return { status: state === "LIVE" ? 200 : 503, type: text, body: [`${state}\n`, this.outdated()] };
        },
      ),
      page("/healthz", "200 as long as the process answers", () => ({ type: text, body: ["ok\n"] })),
      page("/metrics", "metrics for Prometheus", async () => {
        return { type: metrics.contentType, body: [await metrics.text()] };
      }),
      page(
        "/config_dump",
        "what is served or what a node has, in the form of Envoy's admin port: " +
          "?group=G, ?node=ID, ?node=ID&state=served, ?name_regex=, ?resource=",
        async (query) => {
          const { workers } = this.sources;
          if (workers && query.has("node")) return { type: json, body: [await workers.dump(query.toString())] };
          return { type: json, body: await configDump(server, groups, group, query) };
        },
        dumpParameters,
      ),
      page("/descriptors", "the Envoy API in use, as a serialized FileDescriptorSet for --descriptors", () => ({
        type: "application/octet-stream",
        body: server.api.descriptors,
      })),
      page(
        "/status",
        "the server and every node: states, versions, ACKs, NACKs: ?node=ID; with the nodes of all replicas, unless ?own=true",
        async (query) => ({ type: json, body: await this.status(query) }),
        ["node", "own"],
      ),
      page("/clients", "the connected and polling nodes of this server, one per line", async () => ({
        type: json,
        body: this.clients(await this.served()),
      })),
    ]);
  }

  /** Lines with the reasons, if the newest configuration, certificates or settings are not in use. */
  private outdated(): string {
    const { changes, certificates, settings } = this.sources;
    const line = (what: string, failure: Failure | undefined) =>
      failure ? `still serving ${what}, since ${isoTime(failure.since)}: ${failure.message}\n` : "";
    const facts = this.sources.revisions?.();
    const waiting = facts ? [...waitingLines(facts)].map((text) => `${text}\n`).join("") : "";
    return [
      line("the last good configuration", changes.failure),
      line("the old certificates", certificates?.failure),
      line("with the old settings", settings?.failure),
      waiting,
      ...[...(this.sources.workers?.lines() ?? [])].map((text) => `${text}\n`),
    ].join("");
  }

  private index(): string {
    const rows = Array.from(this.pages, ([path, { about }]) => {
      return `<tr><td><a href="${path}">${path}</a></td><td>${about.replaceAll("&", "&amp;")}</td></tr>`;
    });
    return (
      `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>xds admin</title></head><body>\n` +
      `<h1>xds ${packageVersion}: ${this.state}</h1>\n<table>\n${rows.join("\n")}\n</table>\n</body></html>\n`
    );
  }

  /** What this server serves, or its workers in its place. */
  private async served(node?: string): Promise<ServedStatus | WorkersStatus> {
    const { server, workers } = this.sources;
    return workers ? workers.status(node) : ownStatus(server, node);
  }

  private async status(query: URLSearchParams): Promise<Iterable<string>> {
    const fleet = ownOnly(query) ? undefined : this.sources.fleet;
    const node = query.get("node") ?? undefined;
    return this.statusOf(await this.served(node), fleet?.report(), await fleet?.othersStatus(node));
  }

  /** The status of this server, and of the others if they are given. */
  private *statusOf(
    served: ServedStatus | WorkersStatus,
    own: ReplicaReport | undefined,
    others: OtherReplicas | undefined,
  ): Iterable<string> {
    const { changes, certificates, settings } = this.sources;
    const { startedAt, startedAtSteady } = this;
    const { replicas = [], nodes = [], silent = [] } = others ?? {};
    const nodeStates: Record<string, number> = { ...served.nodeStates };
    for (const { nodeStates: theirs } of replicas)
      for (const [state, count] of Object.entries(theirs)) nodeStates[state] = (nodeStates[state] ?? 0) + count;
    const head: Omit<StatusReport, "nodes"> = {
      version: packageVersion,
      state: this.state,
      startedAt: startedAt.toISOString(),
      uptimeSeconds: Math.floor((performance.now() - startedAtSteady) / 1_000),
      reloads: {
        succeeded: changes.reloads,
        failed: changes.failedReloads,
        lastSucceeded: changes.lastSucceeded,
        ...(changes.failure && { failure: failureReport(changes.failure) }),
      },
      ...(certificates?.failure && { certificates: { failure: failureReport(certificates.failure) } }),
      ...(settings?.failure && { settings: { failure: failureReport(settings.failure) } }),
      ...revisionsReport(this.sources.revisions?.()),
      ...("workers" in served && { workers: served.workers }),
      ...(own && {
        replicas: [own, ...replicas, ...silent.map(({ name, why }) => ({ replica: name, silent: why }))],
      }),
      nodeStates: nodeStates as StatusReport["nodeStates"],
      counters: served.counters,
    };
    yield JSON.stringify(head, undefined, 1).replace(/\n\}$/, ',\n "nodes": [');
    const of = own ? `,"replica":${JSON.stringify(own.replica)}}` : "}";
    const reports = map(served.nodes, (node) => node.slice(0, -1) + of);
    yield* jsonLines(joined(reports, nodes));
    yield "\n ]\n}\n";
  }

  private *clients({ nodes }: ServedStatus): Iterable<string> {
    yield "[";
    yield* jsonLines(map(nodes, (node) => JSON.stringify(clientReport(JSON.parse(node) as NodeReport))));
    yield "\n]\n";
  }
}

function revisionsReport(facts: RevisionFacts | undefined): Pick<StatusReport, "revisions"> {
  if (!facts) return {};
  const { held, store, ...others } = facts;
  const away = store?.away;
  return {
    revisions: {
      ...others,
      ...(store && { store: { ...(away && { away: { ...away, since: isoTime(away.since) } }) } }),
      ...(held && { held: { content: held.content, reasons: held.reasons, at: isoTime(held.at) } }),
    },
  };
}

const failureReport = ({ since, message }: Failure) => ({ since: isoTime(since), message });
const isoTime = (ms: number) => new Date(ms).toISOString();

function* map<A, B>(items: Iterable<A>, change: (item: A) => B): Iterable<B> {
  for (const item of items) yield change(item);
}

function* joined<A>(...lists: readonly Iterable<A>[]): Iterable<A> {
  for (const list of lists) yield* list;
}

/** The items of a JSON list, each encoded already, one per line. */
function* jsonLines(items: Iterable<string>): Iterable<string> {
  let separator = "\n";
  for (const item of items) {
    yield `${separator}  ${item}`;
    separator = ",\n";
  }
}

/** @throws XdsError INVALID_REQUEST */
function ownOnly(query: URLSearchParams): boolean {
  const own = query.get("own") ?? "false";
  if (own === "true" || own === "false") return own === "true";
  throw new XdsError("INVALID_REQUEST", `own must be true or false, is ${JSON.stringify(own)}`);
}
