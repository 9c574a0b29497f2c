import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { printableLines } from "../printable.js";
import { RationedLog } from "../rationed-log.js";
import { HttpServer, sendError } from "../server/http-server.js";
import { refuseWebPages } from "../server/web-pages.js";
import type { Address, XdsServer } from "../server/xds-server.js";
import { ChangeWatch } from "./change-watch.js";
import { configDump, dumpParameters } from "./config-dump.js";
import type { SnapshotGroups } from "./groups.js";
import { type CertificateCounters, Metrics } from "./metrics.js";
import { type AdminState, clientReport, nodeReports, type StatusReport } from "./node-report.js";
import { loadTracing, type StartSpan } from "./tracing.js";
import { packageVersion } from "./version.js";

export interface AdminOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free one. Default 18002. */
  readonly port?: number;
  /**
   * Names under which it may be asked, as in `Host: xds.example`, besides its address and those of loopback. Without
   * them, every name will do beyond loopback.
   */
  readonly allowedHosts?: readonly string[];
  /** The server's `SnapshotCache`, if that is what it serves: for `/config_dump` without a node, and the counts of resources. */
  readonly groups?: SnapshotGroups;
  /** The group that `/config_dump` shows by default. */
  readonly group?: string;
  /** The server's certificates, if they are read again when they change: for the metrics of them. `TlsFiles` counts. */
  readonly certificates?: CertificateCounters | undefined;
  readonly logger?: Logger;
}

/** What a path answers. */
interface Page {
  readonly about: string;
  /** The parameters that it takes. */
  readonly parameters: readonly string[];
  readonly answer: (query: URLSearchParams) => Answer | Promise<Answer>;
}

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: Iterable<string>;
}

/** How long one answer may keep others waiting, in milliseconds. */
const slice = 5;
/** How many characters are gathered before they are written. */
const pieceSize = 1 << 16;
/** How long, in milliseconds, the headers of a request may take, and how many connections there may be. */
const headersMs = 10_000;
const mostConnections = 100;
/** How many bytes of a request are read and dropped after its answer. */
const droppedBytes = 64 << 20;

const text = "text/plain; charset=utf-8";
const json = "application/json";

/**
 * Tells over HTTP how a server is doing: whether it is ready, its metrics, what it serves, and what its nodes have applied. It changes
 * nothing, and shows no secrets; yet who may not read the configuration must not reach it, so by default it listens on loopback.
 */
export class AdminServer {
  /** Takes the changes that are served, for the metrics and traces of them. */
  readonly changes: ChangeWatch;
  private readonly metrics: Metrics;
  private readonly http: HttpServer;
  private readonly startedAt = new Date();
  /** As of `performance.now()`. */
  private readonly startedAtSteady = performance.now();
  private readonly host: string;
  private readonly logger: RationedLog;
  private readonly pages: ReadonlyMap<string, Page>;

  private constructor(
    private readonly server: XdsServer,
    private readonly options: AdminOptions,
    startSpan: StartSpan,
  ) {
    this.host = options.host ?? "127.0.0.1";
    this.logger = new RationedLog(options.logger ?? silentLogger);
    const { groups, group, certificates } = options;
    const snapshot = () => (group === undefined ? undefined : groups?.get(group));
    this.changes = new ChangeWatch(server, startSpan, snapshot, (seconds) => this.metrics.converged(seconds));
    this.metrics = new Metrics({ server, groups, certificates, changes: this.changes });
    this.pages = this.makePages();
    this.http = new HttpServer(
      { connections: mostConnections, headersMs, droppedBytes },
      {
        handle: (request, response) => void this.handle(request, response),
        late: () => new XdsError("REQUEST_TOO_SLOW", `the headers of a request took more than ${headersMs} ms to come`),
        full: () => new XdsError("LIMIT_EXCEEDED", `the admin port has ${mostConnections} connections already`),
        refused: (error, peer) =>
          this.logger.debug({ peer, error: messageOf(error) }, "a connection is refused or ended"),
      },
    );
  }

  /**
   * Listens.
   * @throws XdsError CANNOT_LISTEN
   */
  static async start(server: XdsServer, options: AdminOptions = {}): Promise<AdminServer> {
    const admin = new AdminServer(server, options, await loadTracing());
    await admin.http.listen(admin.host, options.port ?? 18002, "the admin port");
    return admin;
  }

  get address(): Address {
    return { host: this.host, port: this.http.address?.port ?? 0 };
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.http.close();
    this.logger.close();
  }

  private get state(): AdminState {
    const { state } = this.server;
    if (state === "draining" || state === "closed") return "DRAINING";
    return state === "listening" && (this.options.groups?.ready() ?? true) ? "LIVE" : "STARTING";
  }

  private makePages(): ReadonlyMap<string, Page> {
    const { server, options, metrics } = this;
    const page = (path: string, about: string, answer: Page["answer"], parameters: readonly string[] = []) =>
      [path, { about, parameters, answer }] as const;
    return new Map<string, Page>([
      page("/", "this page", () => ({ type: "text/html; charset=utf-8", body: [this.index()] })),
      page(
        "/ready",
        "200 LIVE when a configuration is served, with a second line when it is not the newest; else 503 STARTING or DRAINING",
        () => {
          const { state } = this;
          return { status: state === "LIVE" ? 200 : 503, type: text, body: [`${state}\n`, this.whyOld()] };
        },
      ),
      page("/healthz", "200 as long as the process answers", () => ({ type: text, body: ["ok\n"] })),
      page("/metrics", "metrics for Prometheus", async () => {
        return { type: metrics.contentType, body: [await metrics.text()] };
      }),
      page(
        "/config_dump",
        "what is served, or what a node has, as Envoy's admin prints it: " +
          "?group=G, ?node=ID, ?node=ID&state=served, ?name_regex=, ?resource=",
        async (query) => ({ type: json, body: await configDump(server, options.groups, options.group, query) }),
        dumpParameters,
      ),
      page(
        "/status",
        "the server and every node: states, versions, ACKs, NACKs: ?node=ID",
        (query) => ({ type: json, body: this.status(query.get("node") ?? undefined) }),
        ["node"],
      ),
      page("/clients", "the connected nodes, one a line", () => ({ type: json, body: this.clients() })),
    ]);
  }

  /** A line that says why the newest configuration is not served; "": it is. */
  private whyOld(): string {
    const { failure } = this.changes;
    if (!failure) return "";
    return `still serving the last good configuration, since ${isoTime(failure.since)}: ${failure.message}\n`;
  }

  private index(): string {
    const rows = Array.from(this.pages, ([path, { about }]) => {
      return `<tr><td><a href="${path}">${path}</a></td><td>${about.replaceAll("&", "&amp;")}</td></tr>`;
    });
    return (
      `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>xds admin</title></head><body>\n` +
      `<h1>xds ${packageVersion()}: ${this.state}</h1>\n<table>\n${rows.join("\n")}\n</table>\n</body></html>\n`
    );
  }

  private *status(node: string | undefined): Iterable<string> {
    const { server, startedAt, startedAtSteady, changes } = this;
    const head: Omit<StatusReport, "nodes"> = {
      version: packageVersion(),
      state: this.state,
      startedAt: startedAt.toISOString(),
      uptimeSeconds: Math.floor((performance.now() - startedAtSteady) / 1_000),
      reloads: {
        succeeded: changes.reloads,
        failed: changes.failedReloads,
        lastSucceeded: changes.lastSucceeded,
        ...(changes.failure && { failure: { ...changes.failure, since: isoTime(changes.failure.since) } }),
      },
      nodeStates: server.nodeStates(),
      counters: server.counters(),
    };
    yield JSON.stringify(head, undefined, 1).replace(/\n\}$/, ',\n "nodes": [');
    yield* lines(nodeReports(server, node));
    yield "\n ]\n}\n";
  }

  private *clients(): Iterable<string> {
    yield "[";
    yield* lines(mapped(nodeReports(this.server), clientReport));
    yield "\n]\n";
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      request.resume(); // a body, which no page has
      const { host } = this;
      const { allowedHosts = [] } = this.options;
      const address = this.http.address?.address;
      refuseWebPages(request.headers, { what: "the admin port", host, address, allowedHosts, plainNames: false });
      const { page, query } = this.route(request);
      const { status = 200, type, body } = await page.answer(query);
      response.writeHead(status, {
        "content-type": type,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      if (request.method === "HEAD") response.end();
      else await writePieces(response, body);
    } catch (error) {
      this.fail(error, request, response);
    }
  }

  private fail(error: unknown, { url, socket }: IncomingMessage, response: ServerResponse): void {
    const known = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error), { cause: error });
    if (known.code === "INTERNAL")
      this.logger.error(
        { peer: `${socket.remoteAddress}:${socket.remotePort}`, url, error: known.message },
        "the admin port failed to answer",
      );
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (known.code === "METHOD_NOT_ALLOWED") response.setHeader("allow", "GET, HEAD");
    sendError(response, known);
  }

  private route(request: IncomingMessage): { page: Page; query: URLSearchParams } {
    const [path = "", search = ""] = (request.url ?? "").split(/\?(.*)/s);
    const page = this.pages.get(path);
    if (!page) {
      const known = [...this.pages.keys()].join(", ");
      throw new XdsError("UNKNOWN_PATH", `nothing is served at ${path}; paths are ${known}`);
    }
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new XdsError("METHOD_NOT_ALLOWED", `${request.method} ${path}: only GET and HEAD are served`);
    const query = new URLSearchParams(search);
    for (const name of query.keys())
      if (!page.parameters.includes(name))
        throw new XdsError(
          "INVALID_REQUEST",
          `${path} has no parameter ${JSON.stringify(name)}; it takes ${page.parameters.join(", ") || "none"}`,
        );
    return { page, query };
  }
}

const isoTime = (ms: number) => new Date(ms).toISOString();

function* mapped<A, B>(items: Iterable<A>, change: (item: A) => B): Iterable<B> {
  for (const item of items) yield change(item);
}

/** The items of a JSON list, one a line. */
function* lines(items: Iterable<unknown>): Iterable<string> {
  let separator = "\n";
  for (const item of items) {
    yield `${separator}  ${JSON.stringify(item)}`;
    separator = ",\n";
  }
}

/** Writes what is made piece by piece; others get their turn in between, and a client that reads slowly is waited for. */
async function writePieces(response: ServerResponse, pieces: Iterable<string>): Promise<void> {
  let from = performance.now();
  let gathered = "";
  for (const piece of pieces) {
    gathered += printableLines(piece);
    if (gathered.length < pieceSize && performance.now() - from < slice) continue;
    const isFull = !response.write(gathered);
    gathered = "";
    if (isFull) await drained(response);
    await nextTurn(); // what drains at once has let nobody else in
    if (response.destroyed) return;
    from = performance.now();
  }
  response.end(gathered);
}

/** Resolves when a response takes more, or has ended. */
function drained(response: ServerResponse): Promise<void> {
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
