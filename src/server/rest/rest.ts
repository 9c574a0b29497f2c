import type { IncomingMessage, ServerResponse } from "node:http";
import type { SecureContextOptions } from "node:tls";
import { messageOf, XdsError } from "../../errors.js";
import { inOneStep } from "../../in-turns.js";
import type { Accounts } from "../../protocol/account.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import type { Exchange } from "../../protocol/fetch.js";
import type { FlushQueue } from "../../protocol/flush-queue.js";
import type { ResourceType, XdsApi } from "../../resource/xds-api.js";
import { encodeJsonResponse } from "../../wire/json.js";
import { decodeJsonRequest } from "../../wire/json-requests.js";
import { certificateNamesOf } from "../access/certificate-names.js";
import { type TlsOptions, tlsServerOptions } from "../access/tls.js";
import { refuseWebPages } from "../access/web-pages.js";
import type { Admission } from "../admission/admission.js";
import type { LimitCounts } from "../admission/limits.js";
import type { ReceivingBytes } from "../admission/receiving-bytes.js";
import type { RefusalLog } from "../admission/refusal-log.js";
import type { UnsentResponses } from "../admission/unsent.js";
import { answerClientStatus, type ClientStatusHost, clientStatusPath } from "../csds/csds.js";
import { type HttpConnection, timerMs } from "../http/http-connection.js";
import { HttpServer, sendError } from "../http/http-server.js";
import { readBody } from "../http/request-body.js";

/** The part of its server that the REST transport needs. */
export interface RestHost {
  /** Answers one request. undefined means that the client already has the served version. */
  poll<T>(type: ResourceType, exchange: Exchange<T>): Promise<T | undefined>;
  /** Has the types that are offered. */
  readonly api: XdsApi;
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
  readonly receiving: ReceivingBytes;
  readonly accounts: Accounts;
  readonly queue: FlushQueue;
  /** The client status service (CSDS). undefined if the server does not offer it. */
  readonly clientStatus: ClientStatusHost | undefined;
}

/** Answers a path with JSON, or undefined for "not modified". `signal` aborts when the client has disconnected. */
type Route = (body: Buffer, caller: AccountedCaller, signal: AbortSignal) => Promise<string | Buffer | undefined>;

/** Options of the REST transport. */
export interface RestOptions {
  readonly tls: TlsOptions | undefined;
  /** Address to listen on. */
  readonly host: string;
  /** Host names that clients may use, besides the port's address and the loopback names. */
  readonly allowedHosts: readonly string[];
}

/** Bytes that are read and dropped after an early answer, in addition to the size that a request may have. */
const droppedBytes = 64 << 20;

/**
 * The REST transport: JSON over HTTP/1.1. It serves a path for each resource type that has one (P66–P69), and one for
 * the client status service.
 */
export class RestTransport {
  private readonly server: HttpServer;
  private readonly routes = new Map<string, Route>();
  /** The caller of each connection that has made a request. */
  private readonly callers = new WeakMap<HttpConnection, AccountedCaller>();

  constructor(
    private readonly host: RestHost,
    private readonly options: RestOptions,
  ) {
    for (const type of host.api.resourceTypes()) {
      if (!type.restPath) continue;
      this.routes.set(`/v3/discovery:${type.restPath}`, (body, caller, signal) =>
        host.poll(type, {
          caller,
          signal,
          read: () => decodeJsonRequest(body, host.api.registry, host.limits),
          write: encodeJsonResponse,
        }),
      );
    }
    const { clientStatus } = host;
    if (clientStatus)
      this.routes.set(
        clientStatusPath,
        async (body, caller, signal) => (await answerClientStatus(clientStatus, "json", { body, caller, signal })).body,
      );
    this.server = this.createServer();
  }

  private createServer(): HttpServer {
    const { refused, receiving, limits, accounts, queue } = this.host;
    const { messageMs, handshakeMs, connections, requestBytes } = limits.limits;
    const { tls } = this.options;
    const options = {
      tls: tls && { ...tlsServerOptions(tls), handshakeTimeout: timerMs(handshakeMs) },
      connections,
      headersMs: messageMs,
      droppedBytes: droppedBytes + requestBytes,
    };
    return new HttpServer(options, {
      accounts,
      queue,
      receiving,
      handle: (request, response, connection) => void this.handle(request, response, connection),
      headersTooLate: () => limits.exceeded("messageMs", "the headers of a request took too long to arrive"),
      tooManyConnections: () => limits.exceeded("connections", "too many connections"),
      refused: (error, peer) => refused.tell("connection", error, { peer }),
      handshakeFailed: (error, socket) => refused.logHandshake(error, socket),
    });
  }

  /**
   * Listens, and returns the port.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(port: number): Promise<number> {
    return this.server.listen(this.options.host, port, "REST");
  }

  /** Sets the certificates for new connections. */
  setTls(context: SecureContextOptions): void {
    this.server.setTls(context);
  }

  /** Refuses new connections, and resolves when all present requests are answered. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  close(): void {
    void this.server.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse, connection: HttpConnection): Promise<void> {
    const { peer } = connection;
    const caller = this.callerOf(connection);
    const disconnected = new AbortController();
    response.once("close", () => disconnected.abort());
    try {
      const { host, allowedHosts } = this.options;
      const address = this.server.address?.address;
      refuseWebPages(request.headers, { what: "REST", host, address, allowedHosts, plainNames: true });
      this.host.admission.enterOnce();
      const route = this.route(request);
      const body = await readBody(request, response, this.host.limits, connection.receiving);
      const answer = await route(body, caller, disconnected.signal);
      if (connection.destroyed) return;
      // An answer counts as unsent from now on. The kernel may take a millisecond for it, so it is written in the
      // caller's turn.
      if (answer !== undefined) {
        const unsent = this.host.unsent.of(() => connection.destroy(), caller.account);
        unsent.written(Buffer.byteLength(answer));
        response.once("close", () => unsent.sent());
      }
      const write = inOneStep(() => writeAnswer(response, answer));
      await this.host.queue.finish(caller.account, write, disconnected.signal);
    } catch (error) {
      // The client has disconnected, or has an answer already.
      if (disconnected.signal.aborted || connection.destroyed || response.headersSent) return;
      this.host.refused.tell("request", error, { peer });
      const known = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error), { cause: error });
      if (known.code === "METHOD_NOT_ALLOWED") response.setHeader("allow", "POST");
      sendError(response, known);
    }
  }

  /**
   * The caller of a connection. A connection has one request at a time, so a client that sends another one has read the
   * answer to the one before.
   */
  private callerOf(connection: HttpConnection): AccountedCaller {
    const known = this.callers.get(connection);
    if (known) {
      known.account.hasAnswered = true;
      return known;
    }
    const { peer, socket, account } = connection;
    const caller = { peer, certificateNames: certificateNamesOf(socket), account };
    this.callers.set(connection, caller);
    return caller;
  }

  private route(request: IncomingMessage): Route {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const route = this.routes.get(path);
    if (!route)
      throw new XdsError("UNKNOWN_PATH", `unknown path ${path}; the paths are ${[...this.routes.keys()].join(", ")}`);
    if (request.method !== "POST")
      throw new XdsError("METHOD_NOT_ALLOWED", `${request.method} ${path}: only POST is supported`);
    // Without a preflight request, a web page can send other content types to another origin, or none, but not this
    // one.
    const type = request.headers["content-type"];
    if (!/^application\/json *(;|$)/i.test(type ?? ""))
      throw new XdsError(
        "UNSUPPORTED_MEDIA_TYPE",
        `the content type must be application/json, is ${type === undefined ? "missing" : JSON.stringify(type.slice(0, 100))}`,
      );
    return route;
  }
}

/** Writes an answer. `undefined` means that the client has this version. */
function writeAnswer(response: ServerResponse, answer: string | Buffer | undefined): void {
  if (answer === undefined) response.writeHead(304).end();
  else
    response
      .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) })
      .end(answer);
}
