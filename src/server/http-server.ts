import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import { messageOf, XdsError } from "../errors.js";
import { printable } from "../printable.js";
import { HttpConnection, type HttpConnectionLimits } from "./http-connection.js";
import { listenOn } from "./listen-on.js";

/** What a server asks of its owner. */
export interface HttpHost {
  /** Answers a request. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, connection: HttpConnection): void;
  /** The error for a client whose headers do not come in time. */
  late(): XdsError;
  /** A connection was refused, or ended before there was a request. */
  refused(error: unknown, peer: string): void;
  /** There are too many connections. */
  full(): XdsError;
  handshakeFailed?(error: Error, socket: TLSSocket): void;
}

export interface HttpServerOptions extends HttpConnectionLimits {
  /** Plain text without. */
  readonly tls?: TlsOptions | undefined;
  /** Connections at once. */
  readonly connections: number;
}

/** HTTP/1.1 with the parser of node:http, on connections that are bounded: {@link HttpConnection}. */
export class HttpServer {
  private readonly http: Server;
  private readonly listener: NetServer;
  private readonly tls: TlsServer | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly connections = new Set<HttpConnection>();
  private isStopping = false;

  constructor(
    private readonly options: HttpServerOptions,
    private readonly host: HttpHost,
  ) {
    const begin = (request: IncomingMessage, response: ServerResponse) => {
      const connection = request.socket as unknown as HttpConnection;
      if (connection.begin(request, response)) host.handle(request, response, connection);
    };
    this.http = createServer(begin).on("checkContinue", begin);
    this.http.on("clientError", (error, connection) => this.failed(error, connection as unknown as HttpConnection));
    const noProxy = new XdsError("METHOD_NOT_ALLOWED", "CONNECT is not served, for this is no proxy");
    this.http.on("connect", (_, connection) => this.refuse(connection as unknown as HttpConnection, noProxy));
    const sockets = { noDelay: true, highWaterMark: 1 };
    const open = (socket: Socket) => this.open(socket);
    this.tls = options.tls && createTlsServer({ ...options.tls, ...sockets, ALPNProtocols: ["http/1.1"] }, open);
    this.tls?.on("tlsClientError", (error, socket) => {
      host.handshakeFailed?.(error, socket);
      socket.destroy();
    });
    this.listener = this.tls ?? createNetServer(sockets, open);
    this.listener.prependListener("connection", (socket: Socket) => this.enter(socket));
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number, what: string): Promise<number> {
    return listenOn(this.listener, host, port, what);
  }

  /** The address that it listens on. */
  get address() {
    const address = this.listener.address();
    return typeof address === "object" && address ? address : undefined;
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    this.tls?.setSecureContext(context);
  }

  /** Takes no new connections, and resolves when the requests under way are answered. */
  stop(): Promise<void> {
    this.isStopping = true;
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    for (const connection of [...this.connections]) connection.stop();
    return closed;
  }

  /** Takes no new connections, and ends the open ones. */
  close(): Promise<void> {
    const closed = this.stop();
    for (const socket of this.sockets) socket.destroy();
    return closed;
  }

  private enter(socket: Socket): void {
    if (this.sockets.size >= this.options.connections) {
      this.host.refused(this.host.full(), `${socket.remoteAddress}:${socket.remotePort}`);
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
  }

  private open(socket: Socket): void {
    if (socket.destroyed || this.isStopping) {
      socket.destroy();
      return;
    }
    const connection = new HttpConnection(socket, this.options, (bad, error) =>
      this.refuse(bad, error instanceof XdsError ? error : this.host.late()),
    );
    this.connections.add(connection);
    connection.once("close", () => this.connections.delete(connection));
    this.http.emit("connection", connection);
  }

  /** What has come is no request, or its end has not come. */
  private failed(error: Error & { code?: string; reason?: string }, connection: HttpConnection): void {
    if (error.code === "HPE_HEADER_OVERFLOW")
      this.refuse(connection, new XdsError("REQUEST_TOO_LARGE", "the headers of a request are too large"), 431);
    else {
      const reason = error.reason ?? messageOf(error);
      this.refuse(connection, new XdsError("INVALID_REQUEST", `this is no request of HTTP/1.1: ${reason}`));
    }
  }

  private refuse(connection: HttpConnection, error: XdsError, status = error.httpStatus): void {
    const { response, peer } = connection;
    if (connection.destroyed || connection.writableEnded || response?.writableEnded) return;
    this.host.refused(error, peer);
    if (response?.headersSent) connection.destroy();
    else if (response) sendError(response, error, status);
    else {
      const body = errorBody(error);
      const head = [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        "Connection: close",
        ...(retried.has(status) ? ["Retry-After: 1"] : []),
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body)}`,
      ];
      connection.end(`${head.join("\r\n")}\r\n\r\n${body}`);
    }
  }
}

/** Statuses after which the same request may succeed. */
const retried = new Set([429, 503]);

const errorBody = ({ code, message }: XdsError) => `${printable(JSON.stringify({ code, message }))}\n`;

/** Answers with an error. If the request has not come to its end, the connection ends with the answer. */
export function sendError(response: ServerResponse, error: XdsError, status: number = error.httpStatus): void {
  const body = errorBody(error);
  if (retried.has(status)) response.setHeader("retry-after", "1");
  if (!response.req.complete) response.setHeader("connection", "close");
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body);
}
