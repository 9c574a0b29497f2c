import type { IncomingMessage, ServerResponse } from "node:http";
import type { SecureContextOptions } from "node:tls";
import { messageOf, XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { DiscoveryRequest, Response } from "../protocol/messages.js";
import { type ResourceType, resourceTypes } from "../resource/types.js";
import { decodeJsonRequest, encodeJsonResponse } from "../wire/json.js";
import type { Admission } from "./admission.js";
import { certificateNamesOf } from "./certificate-names.js";
import { answerClientStatus, type ClientStatusHost, clientStatusPath } from "./csds.js";
import { type HttpConnection, timerMs } from "./http-connection.js";
import { HttpServer, sendError } from "./http-server.js";
import type { LimitCounts } from "./limits.js";
import type { ReceivingBytes } from "./receiving-bytes.js";
import type { RefusalLog } from "./refusal-log.js";
import { readBody } from "./request-body.js";
import { type TlsOptions, tlsServerOptions } from "./tls.js";
import type { UnsentResponses } from "./unsent.js";
import { refuseWebPages } from "./web-pages.js";

/** What this transport asks of the server that it belongs to. */
export interface RestHost {
  /** Answers one request; undefined: the client has this version. */
  poll(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response | undefined>;
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
  readonly receiving: ReceivingBytes;
  /** undefined: the client status service is not offered. */
  readonly clientStatus: ClientStatusHost | undefined;
}

/** What answers a path: with JSON, or undefined for "not modified". `gone` tells that nobody wants the answer. */
type Route = (body: Buffer, caller: Caller, gone: AbortSignal) => Promise<string | Buffer | undefined>;

/** How REST is served. */
export interface RestOptions {
  readonly tls: TlsOptions | undefined;
  /** Address to listen on. */
  readonly host: string;
  /** Names under which it may be asked, besides its address and those of loopback. */
  readonly allowedHosts: readonly string[];
}

/** Read and dropped after an early answer: as much as a request may have, and so many bytes. */
const droppedBytes = 64 << 20;

/** REST and JSON over HTTP/1.1, one path for each type that has one (P66–P69), and one for the status of clients. */
export class RestTransport {
  private readonly server: HttpServer;
  private readonly routes = new Map<string, Route>();
  /** When the requests that have come are answered. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly host: RestHost,
    private readonly options: RestOptions,
  ) {
    for (const type of resourceTypes()) {
      if (!type.restPath) continue;
      this.routes.set(`/v3/discovery:${type.restPath}`, async (body, caller) => {
        const answer = await host.poll(type, decodeJsonRequest(body.toString("utf8"), host.limits.checkNode), caller);
        return answer && encodeJsonResponse(answer);
      });
    }
    const { clientStatus } = host;
    if (clientStatus)
      this.routes.set(
        clientStatusPath,
        async (body, caller, gone) => (await answerClientStatus(clientStatus, "json", { body, caller, gone })).body,
      );
    this.server = this.createServer();
  }

  private createServer(): HttpServer {
    const { refused, receiving, limits } = this.host;
    const { messageMs, handshakeMs, connections, requestBytes } = limits.limits;
    const { tls } = this.options;
    const options = {
      tls: tls && { ...tlsServerOptions(tls), handshakeTimeout: timerMs(handshakeMs) },
      connections,
      headersMs: messageMs,
      droppedBytes: droppedBytes + requestBytes,
      receiving,
    };
    return new HttpServer(options, {
      handle: (request, response, connection) => void this.handle(request, response, connection),
      late: () => limits.exceeded("messageMs", "the headers of a request took too long to come"),
      full: () => limits.exceeded("connections", "too many connections"),
      refused: (error, peer) => refused.tell("connection", error, { peer }),
      handshakeFailed: (error, socket) => refused.tellHandshake(error, socket),
    });
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(port: number): Promise<number> {
    return this.server.listen(this.options.host, port, "REST");
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    this.server.setTls(context);
  }

  /** Takes no new connections, and resolves when the requests under way are answered. */
  stop(): Promise<void> {
    return this.server.stop();
  }

  close(): void {
    void this.server.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse, connection: HttpConnection): Promise<void> {
    const { peer } = connection;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const { host, allowedHosts } = this.options;
      const address = this.server.address?.address;
      refuseWebPages(request.headers, { what: "REST", host, address, allowedHosts, plainNames: true });
      this.host.admission.enterOnce();
      const route = this.route(request);
      const body = await readBody(request, response, this.host);
      await this.takeTurn();
      const caller = { peer, certificateNames: certificateNamesOf(connection.socket) };
      const answer = await route(body, caller, gone.signal);
      if (connection.destroyed) return;
      if (answer === undefined) response.writeHead(304).end();
      else {
        const unsent = this.host.unsent.of(() => connection.destroy());
        unsent.written(Buffer.byteLength(answer));
        response.once("close", () => unsent.sent());
        response
          .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) })
          .end(answer);
      }
    } catch (error) {
      // Its client has gone, or has an answer.
      if (gone.signal.aborted || connection.destroyed || response.headersSent) return;
      this.host.refused.tell("request", error, { peer });
      const known = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error), { cause: error });
      if (known.code === "METHOD_NOT_ALLOWED") response.setHeader("allow", "POST");
      sendError(response, known);
    }
  }

  /** One request is answered at a time, and between them the server does all else: a client may send hundreds at once. */
  private takeTurn(): Promise<void> {
    this.turn = this.turn.then(() => new Promise((resolve) => void setImmediate(resolve)));
    return this.turn;
  }

  private route(request: IncomingMessage): Route {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const route = this.routes.get(path);
    if (!route)
      throw new XdsError(
        "UNKNOWN_PATH",
        `nothing is served at ${path}; paths are ${[...this.routes.keys()].join(", ")}`,
      );
    if (request.method !== "POST")
      throw new XdsError("METHOD_NOT_ALLOWED", `${request.method} ${path}: only POST is served`);
    // A web page may send any other type to another origin without asking first, and so may one that names none.
    const type = request.headers["content-type"];
    if (!/^application\/json *(;|$)/i.test(type ?? ""))
      throw new XdsError(
        "UNSUPPORTED_MEDIA_TYPE",
        `the content type has to be application/json, and is ${type === undefined ? "missing" : JSON.stringify(type.slice(0, 100))}`,
      );
    return route;
  }
}
