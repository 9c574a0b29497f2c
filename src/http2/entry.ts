import type { Socket } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";
import type { Connection } from "./connection.js";
import type { ConnectionHandler, ConnectionLimits } from "./connection-handler.js";
import type { Stranger } from "./preface.js";
import type { RequestHeaders } from "./request-headers.js";
import type { ServerStream, StreamEvents } from "./stream.js";

/** What bounds all connections, and each. */
export interface ServerLimits extends ConnectionLimits {
  /** Connections at once. */
  readonly connections: number;
  /** Connections at once of one IP address. */
  readonly connectionsPerPeer: number;
  /** Milliseconds from a connection's start to the end of its TLS handshake and preface. */
  readonly handshakeMs: number;
  /** Milliseconds from the start of a frame, or of a header block, to its end. */
  readonly frameMs: number;
  /** Milliseconds that a connection may stay without streams. */
  readonly idleMs: number;
}

export interface ServerOptions {
  /** Plain text without. */
  readonly tls: TlsOptions | undefined;
  readonly limits: ServerLimits;
  /**
   * When a connection on which nothing comes is pinged, and how long something may take to come then, in milliseconds.
   */
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

/** Answers a connection's requests, and is told when it is over. */
export type Guest = Omit<ConnectionHandler, "limitHit"> & { closed(): void };

/** A connection from its start, with TLS also before the handshake has ended. */
export class Entry implements ConnectionHandler {
  /** Both are undefined until bytes can be read in plain text. */
  connection: Connection | undefined;
  guest: Guest | undefined;
  /** How often something had come at the last look, and when that was seen first, as of `performance.now()`. */
  private received = 0;
  private quietSince: number;
  /** It was pinged since then. */
  private isPinged = false;
  /** The counts of frames and of writes at the last look, and since when one of them has not come to its end. */
  private frames = 0;
  private writesDone = 0;
  private inMiddleSince: number | undefined;
  private sendingSince: number | undefined;
  /** The client was told to go away, because there were no streams. */
  private isIdle = false;

  constructor(
    readonly socket: Socket,
    readonly since: number,
    private readonly events: ServerEvents,
  ) {
    this.quietSince = since;
  }

  request(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents {
    return (this.guest as Guest).request(stream, headers);
  }

  failed(error: Error): void {
    this.guest?.failed(error);
  }

  stranger(is: Stranger): string {
    return (this.guest as Guest).stranger(is);
  }

  limitHit(limit: keyof ServerLimits): void {
    this.events.limitHit(limit, peerOf(this.socket));
  }

  closed(): void {
    this.connection?.closed();
    this.guest?.closed();
  }

  /** Ends the connection if it takes too long, and pings it if nothing comes. */
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

  /** Cuts a client that does not go on with a frame, or that reads nothing of what is sent, PINGs among it. */
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
