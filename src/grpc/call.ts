import { errorCode } from "../http2/errors.js";
import { initialWindow, largestWindow } from "../http2/frames.js";
import type { ServerStream, StreamEvents } from "../http2/stream.js";
import { MessageReader, type MessageTaker, prefixBytes } from "./message-reader.js";
import type { Receiving } from "./receiving.js";
import { responseHeaders, type Status, StatusError, status, trailers, trailersOnly } from "./status.js";

/** Answers one call. */
export interface CallHandler {
  /**
   * The call has exactly one message. The message and the request's end must come in time. Its bytes are counted until
   * the call is over.
   */
  readonly isUnary?: boolean;
  /** Takes a message. The bytes belong to the handler. */
  message(bytes: Buffer): void;
  /** The client has sent all messages. */
  end(): void;
  /**
   * The call fails with this error. The call ends with the error's status, unless this method ends it with another one.
   */
  failed(error: unknown): void;
  /** The call is over: it was ended, or cancelled, or its connection has closed. Called once. */
  closed(): void;
  /** Nothing of the call is left, its answer included. Called once, after {@link closed}. */
  finished?(): void;
  /** The largest message of this call, in bytes, if that is less than for all methods. */
  readonly maxBytes?: number;
}

/** The part of its server that a call uses. */
export interface CallOwner {
  readonly receiving: Receiving;
  /**
   * A message of `bytes` bytes has begun.
   * @throws the error that the call ends with, if the message may not be read
   */
  begins(call: Call, bytes: number): void;
  /**
   * Notes that the call begins or stops to wait for a message. If the wait takes too long, {@link Call.late} is called.
   */
  awaits(call: Call, isAwaited: boolean): void;
  /** Whether a message of `bytes` bytes may be handled at once. If not, {@link Call.turn} is called later. */
  hasTurn(call: Call, bytes: number): boolean;
  /** A message was handled, and took `ms` milliseconds. */
  worked(ms: number): void;
  /** The status for an error that the handler has thrown, or for a request that breaks the rules of gRPC. */
  statusOf(error: unknown): Status;
  /** Cuts the connection. */
  cut(): void;
}

/** One gRPC call, on the server's side. */
export class Call implements StreamEvents, MessageTaker {
  /** Since when the call waits for a message, as `performance.now()`. */
  awaitsSince = performance.now();
  private handler: CallHandler | undefined;
  private readonly reader: MessageReader;
  private hasResponded = false;
  private isPaused = false;
  /** A message waits for its turn. */
  private isQueued = false;
  private isAwaiting = true;
  private hasMessage = false;
  /** How many bytes of a unary call's message are counted. */
  private countedBytes = 0;
  /** The request is complete. */
  private hasEnded = false;
  private isOver = false;
  /** The HTTP/2 stream is closed too. */
  private isStreamClosed = false;
  private timer: NodeJS.Timeout | undefined;
  /** The handler of an ended call, until nothing of the answer is left. */
  private unfinishedHandler: CallHandler | undefined;
  /** How much of the answer the client had not taken at the end of the call, or at the last look. */
  private unframed = 0;

  constructor(
    private readonly stream: ServerStream,
    private readonly owner: CallOwner,
  ) {
    this.reader = new MessageReader(this, owner.receiving);
    owner.awaits(this, true);
  }

  /**
   * Starts to give messages to `handler`. After `timeoutMs` milliseconds the call ends with DEADLINE_EXCEEDED;
   * Infinity: never.
   */
  start(handler: CallHandler, timeoutMs: number): void {
    if (this.isOver) {
      handler.closed();
      if (this.isStreamClosed) handler.finished?.();
      else this.unfinishedHandler = handler;
      return;
    }
    this.handler = handler;
    if (timeoutMs < Number.POSITIVE_INFINITY) this.timer = setTimeout(() => this.expire(), timeoutMs);
  }

  /**
   * Sends a message in parts. Nobody may change them any more. `done` is called when all of it has left for the kernel,
   * or never will.
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

  /** Ends the call once everything that was sent has left. Further calls do nothing. */
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
   * The client is late: a message has not come, or no more of the answer was taken.
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

  /**
   * Ends the call with an error's status. If the call is over, drops the part of the answer that the client has not
   * taken.
   */
  abandon(error: unknown): void {
    if (this.isOver) this.stream.reset(errorCode.CANCEL);
    else this.fail(error);
  }

  /** Gives no more messages until {@link resume}. The client can still fill its window. */
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
   * A waiting message may be handled now.
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
    const { maxBytes = Number.POSITIVE_INFINITY } = this.handler ?? {};
    if (bytes > maxBytes)
      throw new StatusError(status.RESOURCE_EXHAUSTED, `a request of ${bytes} bytes; ${maxBytes} are allowed`);
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
      this.countMessage(bytes.length);
      // The message may be a small part of the socket's buffer, and would keep all of that in memory.
      if (bytes.buffer.byteLength > 2 * bytes.length) message = Buffer.from(bytes);
    } else this.awaits(false); // the next message has its own time
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
    this.isStreamClosed = true;
    this.over();
    this.awaits(false);
    const { unfinishedHandler } = this;
    this.unfinishedHandler = undefined;
    unfinishedHandler?.finished?.();
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

  /** A unary call's message has come. Counts its bytes until the call is over. */
  private countMessage(bytes: number): void {
    if (this.hasMessage) throw new StatusError(status.UNIMPLEMENTED, oneRequest);
    this.countedBytes = bytes;
    this.owner.receiving.add(bytes);
  }

  /** Gives the client time for the rest of the answer: it must take some of it. */
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
    if (this.countedBytes > 0) this.owner.receiving.add(-this.countedBytes);
    const { handler } = this;
    this.handler = undefined; // and so the request that it may hold: the stream goes on until the answer is sent
    this.unfinishedHandler = handler;
    if (!this.isStreamClosed && this.stream.unframed > 0) this.awaitEnd(this.stream.unframed);
    handler?.closed();
  }
}

const oneRequest = "this method takes one request, not more and not less";
