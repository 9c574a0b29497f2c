import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf, XdsError } from "../errors.js";
import { inOneStep } from "../in-turns.js";
import { type Logger, silentLogger } from "../logger.js";
import { checkOptions, type OptionNames } from "../options.js";
import { RationedLog } from "../rationed-log.js";
import { refuseWebPages } from "../server/access/web-pages.js";
import type { HttpConnection } from "../server/http/http-connection.js";
import { HttpServer, sendError } from "../server/http/http-server.js";
import type { XdsServer } from "../server/xds-server.js";
import type { Address } from "../server/xds-server-options.js";
import type { AdminHandler } from "./admin-handler.js";
import { ChangeWatch, nodesOf, type WatchedNodes } from "./change-watch.js";
import type { FleetStatus } from "./fleet-status.js";
import type { SnapshotGroups } from "./groups.js";
import type { CertificateCounters, SettingsInUse } from "./metric-rows.js";
import { Metrics } from "./metrics.js";
import { Pages } from "./pages.js";
import type { RevisionFacts } from "./revision-facts.js";
import { loadTracing, type StartSpan } from "./tracing.js";
import type { WorkerFacts } from "./worker-facts.js";
import { writePieces } from "./write-pieces.js";

/** Where the admin port listens, and what it reports besides the server's state. */
export interface AdminOptions {
  /** The address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** The port to listen on; 0 selects a free one. Default 18002. */
  readonly port?: number;
  /**
   * Host names that clients may use, as in `Host: xds.example`, besides the port's address and the loopback names.
   * Without this option, a port that listens on loopback accepts no further names, and any other port accepts all.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * The server's `SnapshotCache`, if it has one: for `/config_dump` without a node, and for the counts of resources.
   */
  readonly groups?: SnapshotGroups;
  /** The group that `/config_dump` shows by default. */
  readonly group?: string;
  /**
   * The server's certificates, for their metrics, if they are read again when they change. `TlsFiles` implements it.
   */
  readonly certificates?: CertificateCounters | undefined;
  /** @internal Settings that are read again when they change. */
  readonly settings?: SettingsInUse | undefined;
  readonly logger?: Logger;
  /** The most open connections. Default 100. */
  readonly connections?: number;
  /** @internal Returns the facts about revisions. */
  readonly revisions?: (() => RevisionFacts | undefined) | undefined;
  /** @internal The processes that serve in place of the server. */
  readonly workers?: WorkerFacts | undefined;
  /** @internal The servers that share the store of this one. */
  readonly fleet?: FleetStatus | undefined;
  /** @internal The nodes that a change is measured by. Default: those of the server. */
  readonly watched?: WatchedNodes | undefined;
  /** @internal Answers all requests below its path, instead of a page. */
  readonly control?: AdminHandler | undefined;
}

const optionNames: OptionNames<AdminOptions> = {
  host: true,
  port: true,
  allowedHosts: true,
  groups: true,
  group: true,
  certificates: true,
  settings: true,
  logger: true,
  connections: true,
  revisions: true,
  workers: true,
  fleet: true,
  watched: true,
  control: true,
};

/** Milliseconds for the headers of a request to arrive. */
const headersMs = 10_000;
/** Bytes of a request that are read and dropped after its answer. */
const droppedBytes = 64 << 20;

/**
 * The admin HTTP port. It shows whether a server is ready, its metrics, what it serves, and what its nodes have
 * applied. It changes nothing and shows no secrets. But it shows the configuration to anyone who can reach it, so by
 * default it listens on loopback.
 */
export class AdminServer {
  /** Gets the changes that are served, and provides their metrics and traces. */
  readonly changes: ChangeWatch;
  private readonly http: HttpServer;
  private readonly host: string;
  private readonly logger: RationedLog;
  private readonly pages: Pages;

  private constructor(
    private readonly server: XdsServer,
    private readonly options: AdminOptions,
    startSpan: StartSpan,
  ) {
    this.host = options.host ?? "127.0.0.1";
    this.logger = new RationedLog(options.logger ?? silentLogger);
    const { groups, group, certificates, settings, revisions, workers, fleet, connections = 100 } = options;
    const snapshot = () => (group === undefined ? undefined : groups?.get(group));
    this.changes = new ChangeWatch(options.watched ?? nodesOf(server), startSpan, snapshot, (seconds) =>
      metrics.converged(seconds),
    );
    const { changes } = this;
    const sources = { server, groups, group, certificates, settings, revisions, workers, fleet, changes };
    const metrics = new Metrics(sources);
    this.pages = new Pages(sources, metrics);
    this.http = new HttpServer(
      { connections, headersMs, droppedBytes },
      {
        accounts: server.accounts,
        queue: server.queue,
        handle: (request, response, connection) => void this.handle(request, response, connection),
        headersTooLate: () =>
          new XdsError("REQUEST_TOO_SLOW", `the headers of a request took more than ${headersMs} ms to arrive`),
        tooManyConnections: () =>
          new XdsError("LIMIT_EXCEEDED", `the admin port already has ${connections} connections`),
        refused: (error, peer) =>
          this.logger.debug({ peer, error: messageOf(error) }, "a connection is refused or ended"),
      },
    );
  }

  /**
   * Makes an admin port for a server, and listens.
   * @throws XdsError CANNOT_LISTEN, INVALID_OPTION
   */
  static async start(server: XdsServer, options: AdminOptions = {}): Promise<AdminServer> {
    checkOptions("AdminServer", options, optionNames);
    const admin = new AdminServer(server, options, await loadTracing());
    await admin.http.listen(admin.host, options.port ?? 18002, "the admin port");
    return admin;
  }

  /** The address that it listens on. */
  get address(): Address {
    return { host: this.host, port: this.http.address?.port ?? 0 };
  }

  /** Stops listening, and ends all connections. */
  async close(): Promise<void> {
    await this.http.close();
    this.logger.close();
  }

  /** As {@link AdminServer.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse, connection: HttpConnection): Promise<void> {
    try {
      const { host } = this;
      const { allowedHosts = [], control } = this.options;
      const address = this.http.address?.address;
      refuseWebPages(request.headers, { what: "the admin port", host, address, allowedHosts, plainNames: false });
      if (control && request.url?.startsWith(control.path))
        return await control.handle(request, response, connection.peer);
      request.resume(); // drop the body: no page reads one
      const { page, query } = this.pages.route(request);
      const steps = inOneStep(() => page.answer(query));
      const { status = 200, type, body } = await this.server.queue.finish(connection.account, steps);
      response.writeHead(status, {
        "content-type": type,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      if (request.method === "HEAD") response.end();
      else if (body instanceof Uint8Array) response.end(body);
      else await writePieces(response, body, connection.account, this.server.queue);
    } catch (error) {
      request.resume();
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
}
