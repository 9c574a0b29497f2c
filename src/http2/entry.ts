import type { Socket } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";
import type { Connection } from "./connection.js";
import type { ConnectionHandler } from "./connection-handler.js";
import type { ConnectionLimits } from "./connection-limits.js";
import type { OtherProtocol } from "./preface.js";
import type { RequestHeaders } from "./request-headers.js";
import type { ServerStream, StreamEvents } from "./stream.js";

/** The limits of all connections together, and of each. */
export interface ServerLimits extends ConnectionLimits {
  /** How many connections may be open at once. */
  readonly connections: number;
  /** How many connections of one IP address may be open at once. */
  readonly connectionsPerPeer: number;
  /** Milliseconds from a connection's start to the end of its TLS handshake and preface. */
  readonly handshakeMs: number;
  /** Milliseconds from the start of a frame, or of a header block, to its end. */
  readonly frameMs: number;
  /** Milliseconds that a connection may be open without a stream. */
  readonly idleMs: number;
}

export interface ServerOptions {
  /** The TLS options. `undefined` for plain text. */
  readonly tls: TlsOptions | undefined;
  readonly limits: ServerLimits;
  /** How many milliseconds a connection may be quiet before it is pinged, and how many it then has for an answer. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** What a server reports. */
export interface ServerEvents {
  /** A connection is ready. Its requests go to the returned object. */
  opened(connection: Connection, socket: Socket): ConnectionOwner;
  limitHit(limit: keyof ServerLimits, peer: string): void;
  handshakeFailed(error: Error, socket: TLSSocket): void;
}

/** Answers the requests of a connection. `closed` is called when the connection is over. */
export type ConnectionOwner = Omit<ConnectionHandler, "limitHit"> & { closed(): void };

/** A connection from its first moment, which with TLS is before the handshake. */
export class Entry implements ConnectionHandler {
  /** Both are undefined until bytes can be read in plain text. */
  connection: Connection | undefined;
  owner: ConnectionOwner | undefined;
  /** The value of `connection.received` at the last look, and since when it has not changed, as `performance.now()`. */
  private received = 0;
  private quietSince: number;
  /** The connection was pinged since it became quiet. */
  private isPinged = false;
  /** The counts of frames and writes at the last look, and since when one frame or write is unfinished. */
  private frames = 0;
  private writesDone = 0;
  private inMiddleSince: number | undefined;
  private sendingSince: number | undefined;
  /** The client was sent GOAWAY because no stream was open. */
  private isIdle = false;

  constructor(
    readonly socket: Socket,
    readonly since: number,
    private readonly events: ServerEvents,
  ) {
    this.quietSince = since;
  }

  request(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents {
    return (this.owner as ConnectionOwner).request(stream, headers);
  }

  failed(error: Error): void {
    this.owner?.failed(error);
  }

  otherProtocol(is: OtherProtocol): string {
    return (this.owner as ConnectionOwner).otherProtocol(is);
  }

  limitHit(limit: keyof ServerLimits): void {
    this.events.limitHit(limit, peerOf(this.socket));
  }

  closed(): void {
    this.connection?.closed();
    this.owner?.closed();
  }

  /** Ends the connection if it exceeds a time limit, and pings it if it is quiet. */
  look(now: number, options: ServerOptions): void {
    const { connection, socket } = this;
    const { limits, keepaliveMs, keepaliveTimeoutMs } = options;
    if (!connection) return; // the TLS server ends a handshake that takes too long
    if (!connection.isReady) {
      if (now - this.since > limits.handshakeMs) this.expire("handshakeMs");
      return;
    }
    if (this.isStuck(connection, now, options)) return;
    const { received, idleSince } = connection;
    if (received !== this.received) {
      this.received = received;
      this.quietSince = now;
      this.isPinged = false;
    }
    const quiet = now - this.quietSince;
    if (!this.isPinged && quiet >= keepaliveMs) {
      this.isPinged = true;
      connection.ping();
    } else if (this.isPinged && quiet >= keepaliveMs + keepaliveTimeoutMs) socket.destroy();
    if (idleSince !== undefined && now - idleSince > limits.idleMs && !this.isIdle) {
      this.isIdle = true;
      this.limitHit("idleMs");
      connection.goAway();
    }
  }

  /** Cuts the connection if the client does not finish a frame, or reads nothing, not even PINGs. */
  private isStuck(connection: Connection, now: number, options: ServerOptions): boolean {
    const { limits, keepaliveMs, keepaliveTimeoutMs } = options;
    const { frames, writesDone, isInMiddle, isSending } = connection;
    if (!isInMiddle || frames !== this.frames) this.inMiddleSince = undefined;
    if (isInMiddle) this.inMiddleSince ??= now;
    if (!isSending || writesDone !== this.writesDone) this.sendingSince = undefined;
    if (isSending) this.sendingSince ??= now;
    this.frames = frames;
    this.writesDone = writesDone;
    const isLate = now - (this.inMiddleSince ?? now) > limits.frameMs;
    if (isLate) this.expire("frameMs");
    const isDeaf = now - (this.sendingSince ?? now) > keepaliveMs + keepaliveTimeoutMs;
    if (isDeaf) this.socket.destroy();
    return isLate || isDeaf;
  }

  private expire(limit: keyof ServerLimits): void {
    this.limitHit(limit);
    this.socket.destroy();
  }
}

/** The address of a socket's other end. */
export const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress}:${remotePort}`;
