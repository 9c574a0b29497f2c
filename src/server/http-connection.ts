import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Receiving } from "../grpc/receiving.js";

/** What bounds a connection, in milliseconds and bytes. */
export interface HttpConnectionLimits {
  /** From a connection's start, or the first byte of a later request, to the end of the request's headers. */
  readonly headersMs: number;
  /** Bytes that are read and dropped after an answer that came before the request's end. */
  readonly droppedBytes: number;
  /** Counts the bytes of unfinished headers and of requests that wait for the answer to the one before. */
  readonly receiving?: Receiving | undefined;
}

/** How long a connection may stay without a request: what node:http announces as `Keep-Alive: timeout=5`. */
const keepAliveMs = 5_000;
/** How long a client may take nothing of an answer. */
const unreadMs = 30_000;
/** How long a client may take to close: after an answer that came before its request's end, and else. */
const closingMs = { unfinished: 10_000, finished: 1_000 };

/** The longest time, in milliseconds, that a timer of Node takes; a longer one would end at once. */
const longestTimer = 2 ** 31 - 1;
export const timerMs = (ms: number) => Math.min(ms, longestTimer);

const lineFeed = 10;
const carriageReturn = 13;

/**
 * A connection as node:http sees it: it gets one request at a time, and nothing of the next one before the answer has
 * left. So a client that sends thousands of requests at once has one in memory, and the answers are in order.
 *
 * When node:http ends it, the client gets the answer also while it is still sending: the socket is half-closed, and
 * what comes is read and dropped for a while. A socket that is closed with unread bytes would lose the answer.
 */
export class HttpConnection extends Duplex {
  readonly peer: string;
  /** The request that is being read or answered, and its answer. */
  request: IncomingMessage | undefined;
  response: ServerResponse | undefined;
  /** The connection ends after the present answer. */
  isLast = false;
  /** What was read and not handed over yet. */
  private held: Buffer | undefined;
  private isWanted = false;
  private isScheduled = false;
  private hasEnded = false;
  /** Bytes of the present request's body that are still to come, where its headers say how many. */
  private bodyLeft = 0;
  /** Bytes of unfinished headers, and whether the last line of what was handed over is empty so far. */
  private headBytes = 0;
  private isLineEmpty = true;
  /** How many bytes are counted as being received. */
  private counted = 0;
  private dropped = 0;
  private isIdle = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly socket: Socket,
    private readonly limits: HttpConnectionLimits,
    /** The headers of a request have not come in time, or there is no room for them; `error` says that. */
    private readonly onBadHead: (connection: HttpConnection, error?: unknown) => void,
  ) {
    super({ readableHighWaterMark: 1 });
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.allowHalfOpen = true; // not before, for a client that ends in its TLS handshake has gone
    socket.on("readable", () => this.arrived());
    socket.on("end", () => this.schedule());
    socket.on("error", nothing); // "close" comes after it
    socket.on("close", () => this.destroy());
    socket.setTimeout(unreadMs, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    this.await(limits.headersMs, false);
  }

  /** The headers of a request have come. Returns false, and ends the connection, if there is one at work already. */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.response) {
      this.destroy(); // node:http sees the end of a request where we do not
      return false;
    }
    clearTimeout(this.timer);
    this.request = request;
    this.response = response;
    this.headBytes = 0;
    this.bodyLeft = Number(request.headers["content-length"] ?? 0);
    response.once("close", () => this.answered());
    return true;
  }

  /** Ends the connection at once if no request is at work, and else after its answer. */
  stop(): void {
    this.isLast = true;
    if (!this.response) this.destroy();
  }

  override _read(): void {
    this.isWanted = true;
    this.schedule();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    this.socket.write(chunk, encoding, () => done());
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: () => void): void {
    const { socket } = this;
    socket.cork();
    for (const [i, { chunk, encoding }] of chunks.entries())
      socket.write(chunk, encoding, i === chunks.length - 1 ? () => done() : undefined);
    socket.uncork();
  }

  override _final(done: () => void): void {
    const { socket } = this;
    clearTimeout(this.timer);
    const ms = this.isUnfinished ? closingMs.unfinished : closingMs.finished;
    this.timer = setTimeout(() => socket.destroy(), ms).unref();
    this.hasEnded = true;
    this.release();
    this.discard();
    socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.timer);
    this.held = undefined;
    this.socket.destroy();
    this.release();
    done(error);
  }

  /** The client has begun a request, and not sent all of it. */
  private get isUnfinished(): boolean {
    return this.headBytes > 0 || this.bodyLeft > 0 || this.request?.complete === false || this.held !== undefined;
  }

  private answered(): void {
    this.request = undefined;
    this.response = undefined;
    if (this.destroyed || this.writableEnded) return;
    if (this.isLast) this.end();
    else {
      this.await(keepAliveMs, true);
      this.schedule();
    }
  }

  private await(ms: number, isIdle: boolean): void {
    clearTimeout(this.timer);
    this.isIdle = isIdle;
    this.timer = setTimeout(() => {
      if (this.isIdle || this.headBytes === 0) this.end();
      else this.onBadHead(this);
    }, timerMs(ms));
  }

  private arrived(): void {
    if (this.hasEnded) this.discard();
    else {
      this.count();
      this.schedule();
    }
  }

  /** One piece a turn of the event loop: then node:http has taken the one before, and other clients have their turn. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.feed();
    });
  }

  private feed(): void {
    const { socket } = this;
    if (!this.isWanted || this.hasEnded || this.destroyed) return;
    // With nothing else to read, it is still seen that the client has gone.
    if (this.request?.complete && (this.held || socket.readableLength > 0)) {
      this.count();
      return;
    }
    const bytes = this.held ?? (socket.read() as Buffer | null);
    if (bytes === null) {
      if (!socket.readableEnded) return;
      this.isWanted = false;
      this.push(null);
      return;
    }
    const isBody = this.bodyLeft > 0;
    const end = isBody ? Math.min(this.bodyLeft, bytes.length) : this.endOfBlock(bytes);
    this.held = end < bytes.length ? bytes.subarray(end) : undefined;
    if (isBody) this.bodyLeft -= end;
    else if (!this.response) {
      this.headBytes += end;
      if (this.isIdle) this.await(this.limits.headersMs, false);
    }
    this.isWanted = false;
    this.push(bytes.subarray(0, end));
    this.count(); // now, for most headers come at once and are counted nowhere
  }

  /**
   * The end of the first empty line, or of the bytes. The headers of a request end with an empty line, so a piece that
   * has one only at its end cannot have those of two. The end of a chunked body is one as well.
   */
  private endOfBlock(bytes: Buffer): number {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === lineFeed && this.isLineEmpty) return i + 1;
      if (byte === lineFeed) this.isLineEmpty = true;
      else if (byte !== carriageReturn) this.isLineEmpty = false;
    }
    return bytes.length;
  }

  /** Refuses headers, and ends a connection with waiting requests, for which there is no room. */
  private count(): void {
    const { receiving } = this.limits;
    if (!receiving || this.hasEnded || this.destroyed) return;
    const waiting = this.request?.complete ? (this.held?.length ?? 0) + this.socket.readableLength : 0;
    const more = this.headBytes + waiting - this.counted;
    this.counted += more;
    try {
      receiving.add(more);
    } catch (error) {
      if (this.response) this.destroy();
      else this.onBadHead(this, error);
    }
  }

  private release(): void {
    this.limits.receiving?.add(-this.counted);
    this.counted = 0;
  }

  private discard(): void {
    this.held = undefined;
    this.dropped += (this.socket.read() as Buffer | null)?.length ?? 0;
    if (this.dropped > this.limits.droppedBytes) this.socket.destroy();
  }
}

const nothing = () => {};
