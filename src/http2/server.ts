import { createServer, type Server as NetServer, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  TLSSocket,
  type TlsOptions,
  Server as TlsServer,
} from "node:tls";
import { Connection, type ConnectionHandler, type ConnectionLimits } from "./connection.js";
import { SocketWire } from "./socket-wire.js";

/** What bounds all connections, and each. */
export interface ServerLimits extends ConnectionLimits {
  /** Connections at once. */
  readonly connections: number;
  /** Connections at once of one IP address. */
  readonly connectionsPerPeer: number;
  /** Milliseconds from a connection's start to the end of its TLS handshake and preface. */
  readonly handshakeMs: number;
  /** Milliseconds that a connection may stay without streams. */
  readonly idleMs: number;
}

export interface ServerOptions {
  /** Plain text without. */
  readonly tls: TlsOptions | undefined;
  readonly limits: ServerLimits;
  /** When a connection on which nothing comes is pinged, and how long something may take to come then, in milliseconds. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** What a server reports. */
export interface ServerEvents {
  /** A connection can be used. Its requests go to what is returned. */
  opened(connection: Connection, socket: Socket): Guest;
  limitHit(limit: keyof ServerLimits, peer: string): void;
  handshakeFailed(error: Error, socket: TLSSocket): void;
}

/** What answers a connection's requests, and is told when it is over. */
export type Guest = Omit<ConnectionHandler, "limitHit"> & { closed(): void };

/** A connection from its start, with TLS also before the handshake has ended. */
interface Entry {
  readonly socket: Socket;
  readonly since: number;
  connection: Connection | undefined;
  /** When the connection was pinged, as of `performance.now()`; 0: something has come since. */
  pingedAt: number;
  /** The client was told to go away, because there were no streams. */
  isIdle: boolean;
}

/** The longest time between two looks at all connections, in milliseconds. */
const lookEveryMs = 1_000;

/** An HTTP/2 server on sockets, in plain text by prior knowledge or with TLS. */
export class Http2Server {
  /** What listens. The caller makes it listen. */
  readonly listener: NetServer;
  private readonly entries = new Map<string, Entry>();
  private readonly hosts = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private isStopping = false;
  private readonly whenEmpty: (() => void)[] = [];

  constructor(
    private readonly options: ServerOptions,
    private readonly events: ServerEvents,
  ) {
    const { tls, limits, keepaliveMs, keepaliveTimeoutMs } = options;
    const handshakeTimeout = limits.handshakeMs + 2 * lookEveryMs; // look() comes first, and counts
    this.listener = tls
      ? createTlsServer({ ...tls, ALPNProtocols: ["h2"], handshakeTimeout }, (socket) => this.open(socket))
      : createServer({ noDelay: true });
    this.listener.on("connection", (socket: Socket) => this.enter(socket));
    this.listener.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      events.handshakeFailed(error, socket);
      socket.destroy(); // else a client that does not speak TLS, or says nothing, would stay connected
    });
    const shortest = Math.min(keepaliveMs, keepaliveTimeoutMs, limits.handshakeMs, limits.idleMs) / 4;
    const every = Math.min(lookEveryMs, Math.max(1, shortest));
    this.timer = setInterval(() => this.look(performance.now()), every).unref();
  }

  /** How many connections there are. */
  get connections(): number {
    return this.entries.size;
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    if (this.listener instanceof TlsServer) this.listener.setSecureContext(context);
  }

  /** Takes no new connections, tells the open ones to go elsewhere, and resolves when there are none. */
  stop(): Promise<void> {
    this.stopListening();
    for (const { connection, socket } of [...this.entries.values()])
      if (connection) connection.goAway();
      else socket.destroy();
    if (this.entries.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  /** Takes no new connections, and ends the open ones. What was written has a second to leave. */
  close(): void {
    this.stopListening();
    for (const { connection, socket } of [...this.entries.values()])
      if (connection) connection.end();
      else socket.destroy();
  }

  private stopListening(): void {
    this.isStopping = true;
    this.listener.close();
    if (this.entries.size === 0) clearInterval(this.timer);
  }

  /** A connection has come. With TLS its handshake is still to come. */
  private enter(socket: Socket): void {
    const { limits, tls } = this.options;
    const key = keyOf(socket);
    const host = socket.remoteAddress;
    if (this.isStopping || key === undefined || host === undefined) {
      socket.destroy();
      return;
    }
    const ofHost = this.hosts.get(host) ?? 0;
    const isFull = this.entries.size >= limits.connections;
    if (isFull || ofHost >= limits.connectionsPerPeer) {
      this.events.limitHit(isFull ? "connections" : "connectionsPerPeer", peerOf(socket));
      socket.destroy();
      return;
    }
    this.entries.set(key, { socket, since: performance.now(), connection: undefined, pingedAt: 0, isIdle: false });
    this.hosts.set(host, ofHost + 1);
    socket.on("error", nothing); // "close" comes after it
    socket.once("close", () => this.leave(key, host));
    if (!tls) this.open(socket);
  }

  private leave(key: string, host: string): void {
    this.entries.delete(key);
    const left = (this.hosts.get(host) ?? 1) - 1;
    if (left > 0) this.hosts.set(host, left);
    else this.hosts.delete(host);
    if (this.entries.size > 0 || !this.isStopping) return;
    clearInterval(this.timer);
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }

  /** Bytes can be read and written, with TLS in plain text. */
  private open(socket: Socket): void {
    const entry = this.entries.get(keyOf(socket) ?? "");
    if (!entry) {
      socket.destroy();
      return;
    }
    const { limits } = this.options;
    const peer = peerOf(socket);
    let guest: Guest | undefined;
    const handler: ConnectionHandler = {
      request: (stream, headers) => (guest as Guest).request(stream, headers),
      failed: (error) => guest?.failed(error),
      stranger: (is) => (guest as Guest).stranger(is),
      limitHit: (limit) => this.events.limitHit(limit, peer),
    };
    const connection = new Connection(new SocketWire(socket), handler, limits);
    entry.connection = connection;
    if (socket instanceof TLSSocket && socket.alpnProtocol !== "h2") connection.refusal = noAlpn;
    guest = this.events.opened(connection, socket);
    socket.on("error", nothing);
    socket.on("data", (chunk) => connection.receive(chunk as Buffer));
    socket.once("close", () => {
      connection.closed();
      guest?.closed();
    });
  }

  /** Ends the connections that take too long, and pings those on which nothing comes. */
  private look(now: number): void {
    const { limits, keepaliveMs, keepaliveTimeoutMs } = this.options;
    for (const entry of this.entries.values()) {
      const { connection, socket, since } = entry;
      if (!connection?.isReady) {
        if (now - since > limits.handshakeMs) this.expire(entry, "handshakeMs");
        continue;
      }
      const { receivedAt, idleSince } = connection;
      if (receivedAt > entry.pingedAt) entry.pingedAt = 0;
      if (entry.pingedAt > 0) {
        if (now - entry.pingedAt > keepaliveTimeoutMs) socket.destroy();
      } else if (now - receivedAt >= keepaliveMs) {
        entry.pingedAt = now;
        connection.ping();
      }
      if (idleSince !== undefined && now - idleSince > limits.idleMs && !entry.isIdle) {
        entry.isIdle = true;
        this.events.limitHit("idleMs", peerOf(socket));
        connection.goAway();
      }
    }
  }

  private expire({ socket }: Entry, limit: keyof ServerLimits): void {
    this.events.limitHit(limit, peerOf(socket));
    socket.destroy();
  }
}

const nothing = () => {};
const noAlpn = "this server speaks HTTP/2 only; a client with TLS has to offer h2 by ALPN (RFC 9113, section 3.2)";

/** What no two connections have in common at one time; undefined: the socket has closed. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** The address of a socket's other end. */
export const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress}:${remotePort}`;
