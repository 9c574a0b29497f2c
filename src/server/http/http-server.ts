import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import { messageOf, XdsError } from "../../errors.js";
import { peerOf } from "../../http2/entry.js";
import { networkOf } from "../../network.js";
import { printable } from "../../printable.js";
import type { Accounts } from "../../protocol/account.js";
import type { FlushQueue } from "../../protocol/flush-queue.js";
import type { ReceivingBytes } from "../admission/receiving-bytes.js";
import { HttpConnection, type HttpConnectionLimits } from "./http-connection.js";
import { listenOn } from "./listen-on.js";

/** The part of its owner that an {@link HttpServer} needs. */
export interface HttpHost {
  /** The accounts that the work of requests is charged to, and the queue where the work waits. */
  readonly accounts: Accounts;
  readonly queue: FlushQueue;
  /** Counts the bytes of requests, by connection. */
  readonly receiving?: Pick<ReceivingBytes, "of">;
  /** Answers a request. Must not throw. */
  handle(request: IncomingMessage, response: ServerResponse, connection: HttpConnection): void;
  /** Returns the error for a client whose headers did not arrive in time. */
  headersTooLate(): XdsError;
  /** Called when a connection was refused, or ended before it had a request. */
  refused(error: unknown, peer: string): void;
  /** Returns the error for one connection too many. */
  tooManyConnections(): XdsError;
  handshakeFailed?(error: Error, socket: TLSSocket): void;
}

export interface HttpServerOptions extends HttpConnectionLimits {
  /** The TLS options. Without them the server uses plain text. */
  readonly tls?: TlsOptions | undefined;
  /** The most open connections. */
  readonly connections: number;
}

/** An HTTP/1.1 server: the parser of node:http on bounded connections ({@link HttpConnection}). */
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
      if (!connection.begin(request, response)) return;
      // node:http keeps the first one, and a proxy may have gone by another (RFC 9112, 3.2).
      if ((request.headersDistinct.host?.length ?? 0) > 1) this.refuse(connection, twoHosts);
      else host.handle(request, response, connection);
    };
    // Without these listeners node:http itself would answer requests with Expect.
    this.http = createServer(begin).on("checkContinue", begin).on("checkExpectation", begin);
    this.http.on("clientError", (error, connection) => this.failed(error, connection as unknown as HttpConnection));
    const noProxy = new XdsError("METHOD_NOT_ALLOWED", "CONNECT is not supported: this server is not a proxy");
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
   * Listens, and returns the port. `what` names the server in error messages.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number, what: string): Promise<number> {
    return listenOn(this.listener, host, port, what);
  }

  /** The address that the server listens on. undefined while it does not listen. */
  get address() {
    const address = this.listener.address();
    return typeof address === "object" && address ? address : undefined;
  }

  /** Sets the certificates for new connections. */
  setTls(context: SecureContextOptions): void {
    this.tls?.setSecureContext(context);
  }

  /** Refuses new connections, and resolves when all present requests are answered. */
  stop(): Promise<void> {
    this.isStopping = true;
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    for (const connection of [...this.connections]) connection.stop();
    return closed;
  }

  /** Refuses new connections, and ends the open ones. */
  close(): Promise<void> {
    const closed = this.stop();
    for (const socket of this.sockets) socket.destroy();
    return closed;
  }

  private enter(socket: Socket): void {
    if (this.sockets.size >= this.options.connections) {
      this.host.refused(this.host.tooManyConnections(), peerOf(socket));
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
    const { accounts, queue, receiving } = this.host;
    const address = networkOf(peerOf(socket));
    const account = accounts.open(address);
    const refuse = (connection: HttpConnection, error: unknown) =>
      this.refuse(connection, error instanceof XdsError ? error : this.host.headersTooLate());
    const connection = new HttpConnection(socket, account, queue, this.options, receiving?.of(account), refuse);
    this.connections.add(connection);
    connection.once("close", () => {
      this.connections.delete(connection);
      accounts.close(address);
    });
    this.http.emit("connection", connection);
  }

  /** Answers bytes that are not a complete HTTP/1.1 request. */
  private failed(error: Error & { code?: string; reason?: string }, connection: HttpConnection): void {
    if (error.code === "HPE_HEADER_OVERFLOW")
      this.refuse(connection, new XdsError("REQUEST_TOO_LARGE", "the headers of a request are too large"), 431);
    else {
      const reason = error.reason ?? messageOf(error);
      this.refuse(connection, new XdsError("INVALID_REQUEST", `not an HTTP/1.1 request: ${reason}`));
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
        ...(retryable.has(status) ? ["Retry-After: 1"] : []),
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body)}`,
      ];
      connection.end(`${head.join("\r\n")}\r\n\r\n${body}`);
    }
  }
}

const twoHosts = new XdsError("INVALID_REQUEST", "not an HTTP/1.1 request: it has more than one Host header");

/** Statuses after which the same request may succeed. */
const retryable = new Set([429, 503]);

const errorBody = ({ code, message }: XdsError) => `${printable(JSON.stringify({ code, message }))}\n`;

/** Answers with an error. If the request has not arrived completely, the connection ends after the answer. */
export function sendError(response: ServerResponse, error: XdsError, status: number = error.httpStatus): void {
  const body = errorBody(error);
  if (retryable.has(status)) response.setHeader("retry-after", "1");
  if (!response.req.complete) response.setHeader("connection", "close");
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body);
}
