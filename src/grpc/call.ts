import { errorCode } from "../http2/errors.js";
import { initialWindow, largestWindow } from "../http2/frames.js";
import type { ServerStream, StreamEvents } from "../http2/stream.js";
import { MessageReader, type MessageTaker, prefixBytes } from "./message-reader.js";
import type { Receiving } from "./receiving.js";
import { responseHeaders, type Status, StatusError, status, trailers, trailersOnly } from "./status.js";

/** Answers one call. */
export interface CallHandler {
  /** The call has one message. It must come, and the client must end, in time. It is counted until the call is over. */
  readonly isUnary?: boolean;
  /** A message. The bytes are the handler's. */
  message(bytes: Buffer): void;
  /** The client has sent all its messages. */
  end(): void;
  /** The call fails with this error. It ends with the error's status, unless this ends it with another one. */
  failed(error: unknown): void;
  /** The call is over: it was ended, or cancelled, or its connection has closed. Called once. */
  closed(): void;
  /** Nothing of the call is left, also not of its answer. Called once, after {@link closed}. */
  gone?(): void;
  /** The largest message, in bytes, where it is less than that of all methods. */
  readonly mostBytes?: number;
}

/** What a call asks of its server. */
export interface CallOwner {
  readonly receiving: Receiving;
  /**
   * A message of so many bytes is announced.
   * @throws what the call ends with, if it may not be read
   */
  begins(call: Call, bytes: number): void;
  /** A message is awaited from now on, or no longer. If it takes too long, {@link Call.fail} is called. */
  awaits(call: Call, isAwaited: boolean): void;
  /** Whether a message of so many bytes may be handled at once; else {@link Call.turn} is called when it may be. */
  hasTurn(call: Call, bytes: number): boolean;
  /** A message was handled, and took so many milliseconds. */
  worked(ms: number): void;
  /** The handler has thrown, or the client has sent what is not gRPC. Returns what the call ends with. */
  statusOf(error: unknown): Status;
  /** Cuts the connection. */
  cut(): void;
}

/** One call of gRPC, on the server's side. */
export class Call implements StreamEvents, MessageTaker {
  /** Since when a message is awaited, as of `performance.now()`. */
  awaitsSince = performance.now();
  private handler: CallHandler | undefined;
  private readonly reader: MessageReader;
  private hasResponded = false;
  private isPaused = false;
  /** A message waits for its turn. */
  private isQueued = false;
  private isAwaiting = true;
  private hasMessage = false;
  /** Bytes of a unary call's message, which are counted. */
  private kept = 0;
  /** The client has sent all. */
  private hasEnded = false;
  private isOver = false;
  /** The stream is over as well. */
  private isGone = false;
  private timer: NodeJS.Timeout | undefined;
  /** The handler, once the call is over, until nothing of the answer is left. */
  private gone: CallHandler | undefined;
  /** How much of the answer the client had not taken when the call was over, or at the last look. */
  private unframed = 0;

  constructor(
    private readonly stream: ServerStream,
    private readonly owner: CallOwner,
  ) {
    this.reader = new MessageReader(this, owner.receiving);
    owner.awaits(this, true);
  }

  /** Begins to give messages to `handler`. `timeoutMs`: when the call ends with DEADLINE_EXCEEDED; Infinity: never. */
  start(handler: CallHandler, timeoutMs: number): void {
    if (this.isOver) {
      handler.closed();
      if (this.isGone) handler.gone?.();
      else this.gone = handler;
      return;
    }
    this.handler = handler;
    if (timeoutMs < Number.POSITIVE_INFINITY) this.timer = setTimeout(() => this.expire(), timeoutMs);
  }

  /**
   * Sends a message that has these parts, which nobody may change any more. `done` is called when all of it has left
   * for the kernel, or never will.
   */
  send(parts: readonly Uint8Array[], done?: () => void): void {
    let length = 0;
    for (const part of parts) length += part.length;
    const prefix = Buffer.allocUnsafe(prefixBytes);
    prefix[0] = 0;
    prefix.writeUInt32BE(length, 1);
    if (!this.hasResponded) this.stream.respond(responseHeaders);
    this.hasResponded = true;
    this.stream.write([prefix, ...parts], done);
  }

  /** Ends the call when all that was sent has left. Further calls do nothing. */
  end(how: Status): void {
    if (this.isOver) return;
    if (this.hasResponded) this.stream.end(trailers(how));
    else this.stream.respond(trailersOnly(how), true);
    this.over();
  }

  /** Ends the call with an error's status. */
  fail(error: unknown): void {
    if (this.isOver) return;
    try {
      this.handler?.failed(error);
    } finally {
      this.end(this.owner.statusOf(error));
    }
  }

  /**
   * The client is late: a message has not come, or the client has taken nothing more of the answer.
   * @internal
   */
  late(count: () => Error): void {
    const { unframed } = this.stream;
    if (!this.isOver) this.fail(count());
    else if (unframed !== this.unframed) this.awaitEnd(unframed);
    else {
      count();
      this.stream.reset(errorCode.CANCEL);
    }
  }

  /** Ends the call with an error's status, or, if it is over, drops what the client has not taken of its answer. */
  abandon(error: unknown): void {
    if (this.isOver) this.stream.reset(errorCode.CANCEL);
    else this.fail(error);
  }

  /** Gives no more messages until {@link resume}. The client can send what its window allows. */
  pause(): void {
    if (this.isOver) return;
    this.isPaused = true;
    this.reader.pause();
    this.awaits(false);
  }

  resume(): void {
    if (!this.isPaused || this.isOver) return;
    this.isPaused = false;
    if (!this.isQueued) this.goOn();
  }

  /**
   * The turn of a message has come.
   * @internal
   */
  turn(): void {
    this.isQueued = false;
    if (!this.isOver && !this.isPaused) this.goOn();
  }

  private goOn(): void {
    try {
      this.reader.resume();
      this.afterReading();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Cuts the call's connection. */
  cut(): void {
    this.owner.cut();
  }

  /** @internal */
  data(bytes: Buffer): void {
    if (this.isOver) return;
    try {
      this.reader.read(bytes);
      this.afterReading();
    } catch (error) {
      this.fail(error);
    }
  }

  /** @internal */
  begins(bytes: number): void {
    const { mostBytes = Number.POSITIVE_INFINITY } = this.handler ?? {};
    if (bytes > mostBytes)
      throw new StatusError(status.RESOURCE_EXHAUSTED, `a request of ${bytes} bytes; ${mostBytes} are allowed`);
    this.owner.begins(this, bytes);
  }

  /** @internal */
  mayTake(bytes: number): boolean {
    if (this.owner.hasTurn(this, bytes)) return true;
    this.isQueued = true;
    this.awaits(false);
    return false;
  }

  /** @internal */
  message(bytes: Buffer): void {
    const { handler } = this;
    if (!handler) return;
    let message = bytes;
    if (handler.isUnary) {
      this.keep(bytes.length);
      // It may be a small part of what came from the socket, all of which it would keep.
      if (bytes.buffer.byteLength > 2 * bytes.length) message = Buffer.from(bytes);
    } else this.awaits(false); // the next one has its own time
    this.hasMessage = true;
    const before = performance.now();
    try {
      handler.message(message);
    } finally {
      this.owner.worked(performance.now() - before);
    }
  }

  /** @internal The client has sent all. */
  ended(): void {
    this.hasEnded = true;
    try {
      this.afterReading();
    } catch (error) {
      this.fail(error);
    }
  }

  /** @internal The stream is over. */
  closed(): void {
    this.isGone = true;
    this.over();
    this.awaits(false);
    const { gone } = this;
    this.gone = undefined;
    gone?.gone?.();
  }

  private afterReading(): void {
    const { reader, stream, handler } = this;
    if (this.isOver) return;
    if (this.isPaused || this.isQueued) return;
    if (this.hasEnded) {
      if (!reader.isEmpty) throw new StatusError(status.INTERNAL, "the request ends in the middle of a message");
      if (handler?.isUnary && !this.hasMessage) throw new StatusError(status.UNIMPLEMENTED, oneRequest);
      this.awaits(false);
      handler?.end();
    } else {
      if (reader.missing > stream.allowed || stream.allowed < initialWindow / 2)
        stream.allow(Math.min(largestWindow, Math.max(initialWindow, reader.missing)));
      this.awaits(handler?.isUnary || !this.hasMessage || !reader.isEmpty);
    }
  }

  /** A unary call's message has come: it is counted until the call is over. */
  private keep(bytes: number): void {
    if (this.hasMessage) throw new StatusError(status.UNIMPLEMENTED, oneRequest);
    this.kept = bytes;
    this.owner.receiving.add(bytes);
  }

  /** The client has to take what is left of the answer, or some of it, in time. */
  private awaitEnd(unframed: number): void {
    this.unframed = unframed;
    this.awaits(false);
    this.awaits(true);
  }

  private awaits(isAwaiting: boolean): void {
    if (isAwaiting === this.isAwaiting) return;
    this.isAwaiting = isAwaiting;
    if (isAwaiting) this.awaitsSince = performance.now();
    this.owner.awaits(this, isAwaiting);
  }

  private expire(): void {
    this.end({ code: status.DEADLINE_EXCEEDED, details: "the client's deadline has passed" });
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.awaits(false);
    this.reader.close();
    if (this.kept > 0) this.owner.receiving.add(-this.kept);
    const { handler } = this;
    this.handler = undefined; // with the request that it may have: the stream goes on until its answer is sent
    this.gone = handler;
    if (!this.isGone && this.stream.unframed > 0) this.awaitEnd(this.stream.unframed);
    handler?.closed();
  }
}

const oneRequest = "this method takes one request, not more and not less";
