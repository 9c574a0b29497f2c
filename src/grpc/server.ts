import type { Socket } from "node:net";
import type { SecureContextOptions, TLSSocket, TlsOptions } from "node:tls";
import type { Connection } from "../http2/connection.js";
import { type ConnectionOwner, peerOf, type ServerLimits } from "../http2/entry.js";
import type { OtherProtocol } from "../http2/preface.js";
import { fieldOf, type RequestHeaders } from "../http2/request-headers.js";
import { Http2Server } from "../http2/server.js";
import type { ServerStream, StreamEvents } from "../http2/stream.js";
import { Call, type CallHandler, type CallOwner } from "./call.js";
import type { Receiving } from "./receiving.js";
import { type NotGrpc, Refusal } from "./refusal.js";
import { httpStatus, type Status, StatusError, status, trailersOnly } from "./status.js";
import { readTimeout } from "./timeout.js";

export interface GrpcLimits extends ServerLimits {
  /** Milliseconds from a call's start, or from a message's first byte, to the message's end. */
  readonly messageMs: number;
}

export interface GrpcServerOptions {
  readonly tls: TlsOptions | undefined;
  readonly limits: GrpcLimits;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** The part of its owner that a server uses. `C` is the owner's context of a connection. */
export interface GrpcHost<C> {
  /** A connection is ready. Returns the owner's context of the connection. */
  connected(connection: Connection, socket: Socket): C;
  disconnected(context: C): void;
  /** Counts the bytes of a connection's requests. Called once for each connection. */
  receiving(context: C): Receiving;
  /**
   * A message of `bytes` bytes has begun.
   * @throws the error that its call ends with, if the message may not be read
   */
  begins(bytes: number, context: C): void;
  /** Whether a message of `bytes` bytes may be handled at once. If not, the owner calls {@link Call.turn} later. */
  hasTurn(call: Call, bytes: number, context: C): boolean;
  /** A message was handled, and took `ms` milliseconds. */
  worked(ms: number, context: C): void;
  /** A limit was exceeded. Returns the error for the call, if there is one to end. */
  limitHit(limit: keyof GrpcLimits, peer: string): Error;
  /** The status of a call that ends with this error. */
  statusOf(error: unknown): Status;
  handshakeFailed(error: Error, socket: TLSSocket): void;
  /** A client's first bytes are not HTTP/2. */
  otherProtocolCame(peer: string, what: string): void;
  /** A connection is ended: the client broke a rule of HTTP/2, or a handler threw. */
  connectionFailed(error: Error, peer: string): void;
}

/** Starts to answer a call. A thrown error ends the call with the error's status. */
export type Method<C> = (call: Call, context: C) => CallHandler;

/** A call or request that must not make the server wait too long for its client. */
interface Awaited {
  readonly awaitsSince: number;
  /** The wait takes too long. `count` counts that, and returns the error to end with. */
  late(count: () => Error): void;
}

/** How many milliseconds pass between two searches for late calls. */
const lookEveryMs = 1_000;

/** How many late calls are ended in one turn of the event loop, some 30 ms of work. */
const lateAtOnce = 1_000;

/** A gRPC server: it finds the method of each call by its path. */
export class GrpcServer<C> {
  private readonly http2: Http2Server;
  /** @internal */
  readonly methods = new Map<string, Method<C>>();
  /**
   * Calls that wait for a message, and refused requests that wait for their end. Oldest first.
   * @internal
   */
  readonly awaiting = new Set<Awaited>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    /** @internal */
    readonly options: GrpcServerOptions,
    /** @internal */
    readonly host: GrpcHost<C>,
  ) {
    this.http2 = new Http2Server(options, {
      opened: (connection, socket) => new GrpcConnection(this, connection, socket),
      limitHit: (limit, peer) => host.limitHit(limit, peer),
      handshakeFailed: (error, socket) => host.handshakeFailed(error, socket),
    });
    const every = Math.min(lookEveryMs, Math.max(1, options.limits.messageMs / 4));
    this.timer = setInterval(() => this.endLate(performance.now()), every).unref();
  }

  /** The listening server. The caller calls `listen`. */
  get listener() {
    return this.http2.listener;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.http2.connections;
  }

  /** Adds a method. `path`: `/package.Service/Method`. */
  add(path: string, method: Method<C>): void {
    this.methods.set(path, method);
  }

  /** Sets the certificates for new connections. */
  setTls(context: SecureContextOptions): void {
    this.http2.setTls(context);
  }

  /** Takes no new connections, sends GOAWAY on the open ones, and resolves when all are closed. */
  stop(): Promise<void> {
    return this.http2.stop();
  }

  /** Takes no new connections, and ends the open ones. */
  close(): void {
    clearInterval(this.timer);
    this.http2.close();
  }

  private endLate(now: number): void {
    const { messageMs } = this.options.limits;
    let left = lateAtOnce;
    const count = () => this.host.limitHit("messageMs", "");
    for (const call of this.awaiting) {
      if (now - call.awaitsSince < messageMs) return;
      if (left-- === 0) {
        setImmediate(() => this.endLate(now));
        return;
      }
      call.late(count);
    }
  }
}

/** The connection of one client, with its calls. */
class GrpcConnection<C> implements ConnectionOwner, CallOwner {
  readonly receiving: Receiving;
  private readonly context: C;

  constructor(
    private readonly server: GrpcServer<C>,
    private readonly connection: Connection,
    private readonly socket: Socket,
  ) {
    this.context = server.host.connected(connection, socket);
    this.receiving = server.host.receiving(this.context);
  }

  request(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents {
    const { methods, awaiting } = this.server;
    if (!headers) return this.refuse(stream, httpStatus(431)); // Request Header Fields Too Large
    const notGrpc = whyNotGrpc(headers);
    if (notGrpc) {
      this.connection.charge();
      return new Refusal(stream, notGrpc, headers.method !== "HEAD", awaiting);
    }
    const method = methods.get(headers.path);
    if (!method) return this.refuse(stream, unimplemented(`there is no method ${headers.path.slice(0, 200)}`));
    const encoding = fieldOf(headers, "grpc-encoding") ?? "identity";
    if (encoding !== "identity")
      return this.refuse(
        stream,
        unimplemented(`grpc-encoding ${encoding.slice(0, 50)} is not supported; send identity`),
      );
    const timeout = fieldOf(headers, "grpc-timeout");
    const timeoutMs = timeout === undefined ? Number.POSITIVE_INFINITY : readTimeout(timeout);
    if (timeoutMs === undefined)
      return this.refuse(stream, trailersOnly({ code: status.INTERNAL, details: "grpc-timeout is not a time" }));
    const call = new Call(stream, this);
    try {
      call.start(method(call, this.context), timeoutMs);
    } catch (error) {
      call.fail(error);
    }
    return call;
  }

  /** Ends a request at once, and charges the client for it, because a refused request costs the client less than us. */
  private refuse(stream: ServerStream, block: Buffer): StreamEvents {
    this.connection.charge();
    stream.respond(block, true);
    return refused;
  }

  failed(error: Error): void {
    this.server.host.connectionFailed(error, peerOf(this.socket));
  }

  otherProtocol(is: OtherProtocol): string {
    const { host, options } = this.server;
    const what = otherProtocols[is];
    host.otherProtocolCame(peerOf(this.socket), what);
    return `${what}, but this port speaks gRPC, which is HTTP/2${options.tls ? " with TLS" : " without TLS"}`;
  }

  closed(): void {
    this.server.host.disconnected(this.context);
  }

  begins(_call: Call, bytes: number): void {
    this.server.host.begins(bytes, this.context);
  }

  hasTurn(call: Call, bytes: number): boolean {
    return this.server.host.hasTurn(call, bytes, this.context);
  }

  worked(ms: number): void {
    this.server.host.worked(ms, this.context);
  }

  awaits(call: Call, isAwaited: boolean): void {
    const { awaiting } = this.server;
    if (isAwaited) awaiting.add(call);
    else awaiting.delete(call);
  }

  statusOf(error: unknown): Status {
    return error instanceof StatusError
      ? { code: error.code, details: error.details }
      : this.server.host.statusOf(error);
  }

  cut(): void {
    this.connection.destroy();
  }
}

const otherProtocols: Record<OtherProtocol, string> = {
  "HTTP/1.1": "this is a request of HTTP/1.1",
  TLS: "this is a TLS handshake",
  "something else": "these bytes are not the beginning of HTTP/2",
};

function whyNotGrpc(headers: RequestHeaders): NotGrpc | undefined {
  if (headers.method !== "POST") return "method";
  return /^application\/grpc($|[+;])/.test(fieldOf(headers, "content-type") ?? "") ? undefined : "content-type";
}

const unimplemented = (details: string) => trailersOnly({ code: status.UNIMPLEMENTED, details });

/** Ignores the rest of a refused request. */
const refused: StreamEvents = { data: () => {}, ended: () => {}, closed: () => {} };
