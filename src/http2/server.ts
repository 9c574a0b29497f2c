import { createServer, type Server as NetServer, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import { networkOf } from "../network.js";
import { Connection } from "./connection.js";
import { Entry, peerOf, type ServerEvents, type ServerOptions } from "./entry.js";
import { ReadingTurns } from "./reading-turns.js";
import { SocketWire } from "./socket-wire.js";

/** The longest time of a Node.js timer, in milliseconds. */
const longestTimer = 2 ** 31 - 1;
/** The longest time between two looks at all connections, in milliseconds. */
const lookEveryMs = 1_000;

/** An HTTP/2 server on sockets, in plain text by prior knowledge or with TLS. */
export class Http2Server {
  /** The listening server. The caller calls `listen`. */
  readonly listener: NetServer;
  /** Makes the TLS handshakes. It does not listen, so refused connections never reach it. */
  private readonly tls: TlsServer | undefined;
  private readonly entries = new Set<Entry>();
  /** Connections whose TLS handshake is unfinished, by {@link keyOf}. */
  private readonly handshakes = new Map<string, Entry>();
  private readonly hosts = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private readonly turns = new ReadingTurns();
  private isStopping = false;
  private readonly whenEmpty: (() => void)[] = [];

  constructor(
    private readonly options: ServerOptions,
    private readonly events: ServerEvents,
  ) {
    const { limits, keepaliveMs, keepaliveTimeoutMs } = options;
    this.listener = createServer({ noDelay: true }, (socket) => this.enter(socket));
    this.tls = options.tls && this.tlsServer(options.tls);
    const shortest = Math.min(keepaliveMs, keepaliveTimeoutMs, limits.handshakeMs, limits.frameMs, limits.idleMs) / 4;
    const every = Math.min(lookEveryMs, Math.max(1, shortest));
    this.timer = setInterval(() => this.look(performance.now()), every).unref();
  }

  /** How many connections are open. */
  get connections(): number {
    return this.entries.size;
  }

  /** Sets the certificates for new connections. */
  setTls(context: SecureContextOptions): void {
    this.tls?.setSecureContext(context);
  }

  /** Takes no new connections, sends GOAWAY on the open ones, and resolves when all are closed. */
  stop(): Promise<void> {
    this.stopListening();
    for (const { connection, socket } of [...this.entries])
      if (connection) connection.goAway();
      else socket.destroy();
    if (this.entries.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  /** Takes no new connections, and ends the open ones. Written bytes have one second to leave. */
  close(): void {
    this.stopListening();
    for (const { connection, socket } of [...this.entries])
      if (connection) connection.end();
      else socket.destroy();
  }

  private tlsServer(options: TlsOptions): TlsServer {
    const { handshakeMs } = this.options.limits;
    const all = { ...options, ALPNProtocols: ["h2"], handshakeTimeout: Math.min(handshakeMs, longestTimer) };
    const server = createTlsServer(all, (socket) => this.secured(socket));
    return server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      if (error.code === "ERR_TLS_HANDSHAKE_TIMEOUT") this.events.limitHit("handshakeMs", peerOf(socket));
      else this.events.handshakeFailed(error, socket);
      socket.destroy(); // a client that does not use TLS, or sends nothing, would stay connected
    });
  }

  private stopListening(): void {
    this.isStopping = true;
    this.listener.close();
    if (this.entries.size === 0) clearInterval(this.timer);
  }

  /** A connection was accepted. With TLS, its handshake comes next. */
  private enter(socket: Socket): void {
    const { limits } = this.options;
    if (this.isStopping || socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const host = networkOf(peerOf(socket));
    const ofHost = this.hosts.get(host) ?? 0;
    const isFull = this.entries.size >= limits.connections;
    if (isFull || ofHost >= limits.connectionsPerPeer) {
      this.events.limitHit(isFull ? "connections" : "connectionsPerPeer", peerOf(socket));
      socket.destroy();
      return;
    }
    const entry = new Entry(socket, performance.now(), this.events);
    this.entries.add(entry);
    this.hosts.set(host, ofHost + 1);
    socket.on("error", nothing); // "close" comes after it
    if (!this.tls) {
      socket.once("close", () => this.leave(entry, host));
      this.open(socket, entry);
      return;
    }
    const key = keyOf(socket);
    this.handshakes.set(key, entry);
    socket.once("close", () => {
      this.handshakes.delete(key);
      this.leave(entry, host);
    });
    this.tls.emit("connection", socket);
  }

  /** A TLS handshake has ended. */
  private secured(socket: TLSSocket): void {
    const key = keyOf(socket);
    const entry = this.handshakes.get(key);
    this.handshakes.delete(key);
    if (!entry) {
      socket.destroy(); // it has closed meanwhile
      return;
    }
    socket.on("error", nothing);
    socket.once("close", () => entry.closed());
    this.open(socket, entry);
    if (entry.connection && socket.alpnProtocol !== "h2") entry.connection.refusal = noAlpn;
  }

  private leave(entry: Entry, host: string): void {
    if (!this.tls) entry.closed();
    this.entries.delete(entry);
    const left = (this.hosts.get(host) ?? 1) - 1;
    if (left > 0) this.hosts.set(host, left);
    else this.hosts.delete(host);
    if (this.entries.size > 0 || !this.isStopping) return;
    clearInterval(this.timer);
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }

  /** Starts HTTP/2 on a socket. */
  private open(socket: Socket, entry: Entry): void {
    const connection = new Connection(new SocketWire(socket), entry, this.options.limits);
    entry.connection = connection;
    entry.owner = this.events.opened(connection, socket);
    socket.on("data", (chunk) => {
      const start = performance.now();
      connection.receive(chunk as Buffer);
      this.turns.worked(socket, performance.now() - start);
    });
  }

  /** Ends connections that exceed a time limit, and pings the quiet ones. */
  private look(now: number): void {
    for (const entry of this.entries) entry.look(now, this.options);
  }
}

const nothing = () => {};
const noAlpn = "this server speaks HTTP/2 only; a client with TLS has to offer h2 by ALPN (RFC 9113, section 3.2)";

/** Identifies an open connection. A TLS socket has the same key as the plain socket below it. */
const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
