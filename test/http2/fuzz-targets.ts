import { EventEmitter } from "node:events";
import type { Call, CallHandler } from "../../src/grpc/call.js";
import { GrpcServer } from "../../src/grpc/server.js";
import { responseHeaders, trailers, trailersOnly } from "../../src/grpc/status.js";
import { Connection } from "../../src/http2/connection.js";
import type { ConnectionLimits } from "../../src/http2/connection-limits.js";
import { errorCode } from "../../src/http2/errors.js";
import type { ServerStream, StreamEvents } from "../../src/http2/stream.js";
import { paths } from "./client-session.js";
import type { OutputChecker } from "./output-checker.js";
import { limits } from "./test-wire.js";

/** One connection of a target, without a socket. */
export interface Target {
  readonly connection: Connection;
  receive(chunk: Buffer): void;
  /** Some of what was written leaves. */
  leave(writes?: number): void;
  /** The wire closes. */
  close(): void;
}

/** Counts what must happen once. */
export class Once {
  private open = 0;

  get left(): number {
    return this.open;
  }

  /** A function to be called once. */
  of(action: () => void = () => {}): () => void {
    this.open++;
    let calls = 0;
    return () => {
      if (++calls > 1) throw new Error("called twice");
      this.open--;
      action();
    };
  }
}

const ok = { code: 0, details: "" };
const end = trailers(ok);
/** The body that many streams have. */
const large = Buffer.alloc(300_000, 7);
const short: ConnectionLimits = { streams: 3, headerBytes: 400, continuations: 3, controlFrames: 3 };

/** HTTP/2 alone, with a handler that answers as gRPC does. `isStrict`: with limits that are soon exceeded. */
export function http2Target(checker: OutputChecker, once: Once, isStrict: boolean): Target {
  const waiting: (() => void)[] = [];
  const wire = {
    write: (buffers: readonly Buffer[], done: () => void) => {
      checker.output(Buffer.concat(buffers));
      waiting.push(done);
    },
    end: () => checker.end(),
    destroy: () => {},
  };
  const connection = new Connection(
    wire,
    {
      request: (stream, headers) => answer(stream, headers?.path ?? "/early", once),
      limitHit: () => {},
      failed: (error) => {
        if (error.name !== "ConnectionError") throw error;
      },
      otherProtocol: (is) => is,
    },
    isStrict ? short : limits,
  );
  const leave = (writes = waiting.length) => {
    for (const done of waiting.splice(0, writes)) done();
  };
  return {
    connection,
    receive: (chunk) => connection.receive(chunk),
    leave,
    close: () => {
      connection.closed();
      leave();
    },
  };
}

function answer(stream: ServerStream, path: string, once: Once): StreamEvents {
  const closed = once.of();
  if (path === "/early") {
    stream.respond(trailersOnly({ code: 3, details: "no" }), true);
    return { data: () => {}, ended: () => {}, closed };
  }
  if (path !== "/silent") stream.respond(responseHeaders);
  let isOpen = true;
  return {
    data: (bytes) => {
      stream.allow(65_535);
      if (path === "/large" && bytes[0] === 1) stream.reset(errorCode.CANCEL);
      if (path === "/echo" || path === "/bare") stream.write([Buffer.from(bytes)], once.of());
      // As much as there is, and more when it has left.
      if (path === "/paced")
        stream.write(
          [Buffer.from(bytes)],
          once.of(() => isOpen && stream.allow(65_535)),
        );
    },
    ended: () => {
      if (path === "/large") stream.write([Buffer.alloc(5), large], once.of());
      if (path === "/bare") stream.end(undefined, [], once.of());
      else if (path !== "/silent") stream.end(end, [], once.of());
    },
    closed: () => {
      isOpen = false;
      closed();
    },
  };
}

/** What {@link GrpcServer} and its connection use of a socket. */
class StubSocket extends EventEmitter {
  readonly remoteAddress = "::1";
  readonly localAddress = "::1";
  readonly localPort = 1;
  private waiting: (() => void)[] = [];

  constructor(
    readonly remotePort: number,
    private readonly checker: OutputChecker,
  ) {
    super();
  }

  write(bytes: Buffer, done?: () => void): void {
    this.checker.output(bytes);
    if (done) this.waiting.push(done);
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}

  end(): void {
    this.checker.end();
  }

  destroy(): void {}

  leave(writes = this.waiting.length): void {
    for (const done of this.waiting.splice(0, writes)) done();
  }
}

/** A gRPC server, whose connections have no sockets. */
export class GrpcTarget {
  receiving = 0;
  /** The most of {@link receiving} that is allowed. */
  private messages = 0;
  mostReceiving = Number.POSITIVE_INFINITY;
  once = new Once();
  private readonly server: GrpcServer<Connection>;
  private port = 0;

  constructor() {
    const server = new GrpcServer<Connection>(
      {
        tls: undefined,
        limits: {
          ...limits,
          connections: 10,
          connectionsPerPeer: 10,
          handshakeMs: 1e6,
          idleMs: 1e6,
          frameMs: 1_000_000,
          messageMs: 1e6,
        },
        keepaliveMs: 1e6,
        keepaliveTimeoutMs: 1e6,
      },
      {
        connected: (connection) => {
          this.accepted(connection);
          return connection;
        },
        disconnected: () => {},
        receiving: () => ({
          add: (bytes) => {
            this.receiving += bytes;
            if (bytes > 0 && this.receiving > this.mostReceiving) throw new Error("too many bytes at once");
          },
        }),
        begins: (bytes) => {
          if (bytes > 20_000) throw new Error("too large");
        },
        hasTurn: (call) => {
          if (this.messages++ % 3 > 0) return true;
          process.nextTick(() => call.turn());
          return false;
        },
        worked: () => {},
        limitHit: (limit) => new Error(limit),
        statusOf: (error) => ({ code: 13, details: String(error) }),
        handshakeFailed: () => {},
        otherProtocolCame: () => {},
        connectionFailed: (error) => {
          if (error.name !== "ConnectionError") throw error;
        },
      },
    );
    this.server = server;
    for (const path of paths) server.add(path, (call) => this.handler(call, path));
  }

  connect(checker: OutputChecker): Target {
    const socket = new StubSocket(this.port++, checker);
    let connection: Connection | undefined;
    this.accepted = (made) => {
      connection = made;
    };
    this.server.listener.emit("connection", socket);
    if (!connection) throw new Error("no connection");
    return {
      connection,
      receive: (chunk) => socket.emit("data", chunk),
      leave: (writes) => socket.leave(writes),
      close: () => {
        socket.emit("close");
        socket.leave();
      },
    };
  }

  private accepted: (connection: Connection) => void = () => {};

  /** How many connections are open. */
  get connections(): number {
    return this.server.connections;
  }

  close(): void {
    this.server.close();
  }

  private handler(call: Call, path: string): CallHandler {
    if (path === "/early") throw new Error("no");
    const { once } = this;
    const closed = once.of();
    const prompt = { end: () => {}, failed: () => {}, closed };
    const finish = () => call.end(ok);
    switch (path) {
      case "/silent":
        return { ...prompt, message: () => {} };
      case "/large":
        return {
          ...prompt,
          message: () => {},
          end: () => {
            call.send([large], once.of());
            finish();
          },
        };
      case "/paced":
        return {
          ...prompt,
          end: finish,
          message: (bytes) => {
            call.pause();
            call.send(
              [bytes],
              once.of(() => call.resume()),
            );
          },
        };
      default:
        return { ...prompt, end: finish, message: (bytes) => call.send([bytes], once.of()) };
    }
  }
}
