import type { Socket } from "node:net";
import type { SecureContextOptions, TLSSocket, TlsOptions } from "node:tls";
import type { Connection } from "../http2/connection.js";
import { type Guest, peerOf, type ServerLimits } from "../http2/entry.js";
import type { Stranger } from "../http2/preface.js";
import { fieldOf, type RequestHeaders } from "../http2/request-headers.js";
import { Http2Server } from "../http2/server.js";
import type { ServerStream, StreamEvents } from "../http2/stream.js";
import { Call, type CallHandler, type CallOwner } from "./call.js";
import type { Receiving } from "./receiving.js";
import { type NotGrpc, Refusal } from "./refusal.js";
import { httpStatus, type Status, StatusError, status, trailersOnly } from "./status.js";
import { readTimeout } from "./timeout.js";

export interface GrpcLimits extends ServerLimits {
  /** Milliseconds from a call's start, and from a message's first byte, until the message is there. */
  readonly messageMs: number;
}

export interface GrpcServerOptions {
  readonly tls: TlsOptions | undefined;
  readonly limits: GrpcLimits;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** What a server asks of its owner. `C` is what the owner knows of a connection. */
export interface GrpcHost<C> extends Pick<CallOwner, "receiving"> {
  /** A connection can be used. */
  connected(connection: Connection, socket: Socket): C;
  disconnected(context: C): void;
  /**
   * A message of so many bytes is announced.
   * @throws what its call ends with, if it may not be read
   */
  begins(bytes: number, context: C): void;
  /** Whether a message of so many bytes may be handled at once; else {@link Call.turn} is called when it may be. */
  hasTurn(call: Call, bytes: number, context: C): boolean;
  /** A message was handled, and took so many milliseconds. */
  worked(ms: number, context: C): void;
  /** A limit was exceeded. Returns the error to end a call with, where there is one to end. */
  limitHit(limit: keyof GrpcLimits, peer: string): Error;
  /** What a call ends with after this error. */
  statusOf(error: unknown): Status;
  handshakeFailed(error: Error, socket: TLSSocket): void;
  /** A client has sent what is not HTTP/2. */
  strangerCame(peer: string, what: string): void;
  /** A client has broken the rules of HTTP/2, or a handler has failed; its connection is ended. */
  connectionFailed(error: Error, peer: string): void;
}

/** Begins to answer a call. A throw ends it with the error's status. */
export type Method<C> = (call: Call, context: C) => CallHandler;

/** Something that a client began, and that it may not take too long for. */
interface Awaited {
  readonly awaitsSince: number;
  /** It takes too long. `count` counts that, and returns the error to end it with. */
  late(count: () => Error): void;
}

/** How often, in milliseconds, it is looked whether messages that are awaited take too long. */
const lookEveryMs = 1_000;

/** So many late calls are ended before others have their turn, some 30 ms of work. */
const lateAtOnce = 1_000;

/** A gRPC server: it leads calls to methods by their path. */
export class GrpcServer<C> {
  private readonly http2: Http2Server;
  /** @internal */
  readonly methods = new Map<string, Method<C>>();
  /**
   * Calls that await a message, and requests that are refused when they have ended; the first ones first.
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

  /** What listens. The caller makes it listen. */
  get listener() {
    return this.http2.listener;
  }

  /** How many connections there are. */
  get connections(): number {
    return this.http2.connections;
  }

  /** `path`: `/package.Service/Method`. */
  add(path: string, method: Method<C>): void {
    this.methods.set(path, method);
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    this.http2.setTls(context);
  }

  /** Takes no new connections, tells the open ones to go elsewhere, and resolves when there are none. */
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

/** A connection of a client, and its calls. */
class GrpcConnection<C> implements Guest, CallOwner {
  readonly receiving: Receiving;
  private readonly context: C;

  constructor(
    private readonly server: GrpcServer<C>,
    private readonly connection: Connection,
    private readonly socket: Socket,
  ) {
    this.receiving = server.host.receiving;
    this.context = server.host.connected(connection, socket);
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

  /** A request that is refused at once costs its client more than it costs us. */
  private refuse(stream: ServerStream, block: Buffer): StreamEvents {
    this.connection.charge();
    stream.respond(block, true);
    return refused;
  }

  failed(error: Error): void {
    this.server.host.connectionFailed(error, peerOf(this.socket));
  }

  stranger(is: Stranger): string {
    const { host, options } = this.server;
    const what = strangers[is];
    host.strangerCame(peerOf(this.socket), what);
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

const strangers: Record<Stranger, string> = {
  "HTTP/1.1": "this is a request of HTTP/1.1",
  TLS: "this is a TLS handshake",
  "something else": "these bytes are not the beginning of HTTP/2",
};

function whyNotGrpc(headers: RequestHeaders): NotGrpc | undefined {
  if (headers.method !== "POST") return "method";
  return /^application\/grpc($|[+;])/.test(fieldOf(headers, "content-type") ?? "") ? undefined : "content-type";
}

const unimplemented = (details: string) => trailersOnly({ code: status.UNIMPLEMENTED, details });

/** Ignores the rest of a request that was refused. */
const refused: StreamEvents = { data: () => {}, ended: () => {}, closed: () => {} };
