import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { messageOf, XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { DiscoveryRequest, Response } from "../protocol/messages.js";
import { type ResourceType, resourceTypes } from "../resource/types.js";
import { decodeJsonRequest, encodeJsonResponse } from "../wire/json.js";
import type { Admission } from "./admission.js";
import { certificateNamesOf } from "./certificate-names.js";
import { answerClientStatus, type ClientStatusHost, clientStatusPath } from "./csds.js";
import type { LimitCounts } from "./limits.js";
import { listenOn } from "./listen-on.js";
import type { RefusalLog } from "./refusal-log.js";
import { type TlsOptions, tlsServerOptions } from "./tls.js";
import type { UnsentResponses } from "./unsent.js";

/** What this transport asks of the server that it belongs to. */
export interface RestHost {
  /** Answers one request; undefined: the client has this version. */
  poll(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response | undefined>;
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
  /** undefined: the client status service is not offered. */
  readonly clientStatus: ClientStatusHost | undefined;
}

/** What answers a path: with JSON, or undefined for "not modified". `gone` tells that nobody wants the answer. */
type Route = (body: Buffer, caller: Caller, gone: AbortSignal) => Promise<string | Buffer | undefined>;

/** How long, in milliseconds, a client may take to send a request. */
const requestTimeoutMs = 10_000;

/** After so many requests a connection is closed: one that asks without end and reads nothing has that many waiting. */
const requestsPerConnection = 1_000;

/** REST and JSON over HTTP/1.1, one path for each type that has one (P66–P69), and one for the status of clients. */
export class RestTransport {
  private readonly server: Server;
  private readonly routes = new Map<string, Route>();
  /** When the requests that have come are answered. */
  private turn: Promise<void> = Promise.resolve();
  /** When a connection's last request is answered and its answer sent. */
  private readonly connections = new WeakMap<Socket, Promise<void>>();

  constructor(
    private readonly host: RestHost,
    tls: TlsOptions | undefined,
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
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.handle(request, response);
    this.server = tls ? createTlsServer(tlsServerOptions(tls), handle) : createServer(handle);
    this.server.on("tlsClientError", (error, socket) => host.refused.tellHandshake(error, socket));
    this.server.requestTimeout = requestTimeoutMs;
    this.server.maxRequestsPerSocket = requestsPerConnection;
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.server, host, port, "REST");
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    if (this.server instanceof TlsServer) this.server.setSecureContext(context);
  }

  /** Takes no new connections, and resolves when the requests under way are answered. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeIdleConnections();
    });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const before = this.connections.get(socket);
    this.connections.set(socket, new Promise((resolve) => response.once("close", resolve)));
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      this.host.admission.enterOnce();
      const route = this.route(request);
      const body = await readBody(request, this.host.limits);
      await before; // never, if its client takes nothing: one answer a connection is in memory
      await this.takeTurn();
      const answer = await route(body, { peer, certificateNames: certificateNamesOf(socket) }, gone.signal);
      if (socket.destroyed) return;
      if (answer === undefined) response.writeHead(304).end();
      else {
        const unsent = this.host.unsent.of(() => socket.destroy());
        unsent.written(Buffer.byteLength(answer));
        response.once("close", () => unsent.sent());
        send(response, 200, answer);
      }
    } catch (error) {
      if (gone.signal.aborted || (!(error instanceof XdsError) && !request.complete)) return; // its client has gone
      this.host.refused.tell("request", error, { peer });
      const known = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error), { cause: error });
      if (known.code === "METHOD_NOT_ALLOWED") response.setHeader("allow", "POST");
      if (!request.complete) response.setHeader("connection", "close");
      send(response, known.httpStatus, JSON.stringify({ code: known.code, message: known.message }));
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
    return route;
  }
}

function send(response: ServerResponse, status: number, body: string | Buffer): void {
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body);
}

async function readBody(request: IncomingMessage, limits: LimitCounts): Promise<Buffer> {
  limits.checkRequest(Number(request.headers["content-length"] ?? 0), "json");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    limits.checkRequest(size, "json");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
