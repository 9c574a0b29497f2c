import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Receiving } from "../../grpc/receiving.js";
import { peerOf } from "../../http2/entry.js";
import type { Account, Flushable } from "../../protocol/account.js";
import type { FlushQueue } from "../../protocol/flush-queue.js";

/** The limits of a connection, in milliseconds and bytes. */
export interface HttpConnectionLimits {
  /**
   * Milliseconds for the headers of a request to arrive. The time of the first request starts with the connection, that
   * of a later one with its first byte.
   */
  readonly headersMs: number;
  /** Bytes of the rest of a request that are read and dropped when it was answered before its end. */
  readonly droppedBytes: number;
}

/** How long, in milliseconds, a connection may stay idle. node:http announces this as `Keep-Alive: timeout=5`. */
const keepAliveMs = 5_000;
/** How long, in milliseconds, a client may read nothing of an answer. */
const unreadMs = 30_000;
/** How long, in milliseconds, a client has to close after the last answer, by whether it still sends its request. */
const closingMs = { unfinished: 10_000, finished: 1_000 };

/** The longest delay, in milliseconds, that a Node timer accepts. With a longer one it would fire at once. */
const longestTimer = 2 ** 31 - 1;
/** Milliseconds, reduced to what a Node timer accepts. */
export const timerMs = (ms: number) => Math.min(ms, longestTimer);

const lineFeed = 10;
const carriageReturn = 13;

/**
 * A socket as node:http sees it, which passes on one request at a time. The bytes of the next request follow only when
 * the answer has left. So a client that sends thousands of requests at once has one in memory, and the answers are in
 * order.
 *
 * When node:http ends the connection, the client still gets the answer, even while it is sending: the socket is
 * half-closed, and incoming bytes are read and dropped for a while. The answer would be lost if the socket were closed
 * with unread bytes.
 */
export class HttpConnection extends Duplex {
  readonly peer: string;
  /** The request that is being read or answered, and its response. */
  request: IncomingMessage | undefined;
  response: ServerResponse | undefined;
  /** Whether the connection ends after the present response. */
  isLast = false;
  /** Bytes that were read from the socket and not passed on yet. */
  private unread: Buffer | undefined;
  private isReadWanted = false;
  private hasEnded = false;
  /** Bytes of the present request's body that are still to come, by its Content-Length. */
  private bodyLeft = 0;
  /** Bytes of unfinished headers, and whether the last line that was passed on is empty so far. */
  private headBytes = 0;
  private isLineEmpty = true;
  /** The bytes that {@link receiving} counts for this connection. */
  private countedBytes = 0;
  private droppedBytes = 0;
  private isIdle = false;
  private timer: NodeJS.Timeout | undefined;
  /** The connection's entry in the queue: it is read when its account has its turn. */
  private readonly turn: Flushable;

  constructor(
    readonly socket: Socket,
    /** The account that the work of its requests is charged to. */
    readonly account: Account,
    private readonly queue: FlushQueue,
    private readonly limits: HttpConnectionLimits,
    /** Counts the bytes of unfinished headers, and of requests that wait for the answer to an earlier one. */
    readonly receiving: Receiving | undefined,
    /** Called when a request's headers did not arrive in time, or, with an `error`, when there is no room for them. */
    private readonly onBadHead: (connection: HttpConnection, error?: unknown) => void,
  ) {
    super({ readableHighWaterMark: 1 });
    this.peer = peerOf(socket);
    this.turn = { account, writes: false, flush: () => this.passOn() };
    socket.allowHalfOpen = true; // not earlier: a client that ends during its TLS handshake has disconnected
    socket.on("readable", () => this.onReadable());
    socket.on("end", () => this.schedule());
    socket.on("error", nothing); // "close" follows
    socket.on("close", () => this.destroy());
    socket.setTimeout(unreadMs, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    this.startTimer(limits.headersMs, false);
  }

  /**
   * Starts a request whose headers have arrived. If another request is not answered yet, ends the connection and
   * returns false.
   */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.response) {
      this.destroy(); // node:http has seen the end of a request that we have not seen
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

  /** Ends the connection after the answer to the present request, or at once if there is none. */
  stop(): void {
    this.isLast = true;
    if (!this.response) this.destroy();
  }

  override _read(): void {
    this.isReadWanted = true;
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
    this.queue.remove(this.turn);
    this.unread = undefined;
    this.socket.destroy();
    this.release();
    done(error);
  }

  /** Whether the client has sent only a part of a request. */
  private get isUnfinished(): boolean {
    return this.headBytes > 0 || this.bodyLeft > 0 || this.request?.complete === false || this.unread !== undefined;
  }

  private answered(): void {
    this.request = undefined;
    this.response = undefined;
    if (this.destroyed || this.writableEnded) return;
    if (this.isLast) this.end();
    else {
      this.startTimer(keepAliveMs, true);
      this.schedule();
    }
  }

  private startTimer(ms: number, isIdle: boolean): void {
    clearTimeout(this.timer);
    this.isIdle = isIdle;
    this.timer = setTimeout(() => {
      if (this.isIdle || this.headBytes === 0) this.end();
      else this.onBadHead(this);
    }, timerMs(ms));
  }

  private onReadable(): void {
    if (this.hasEnded) this.discard();
    else {
      this.count();
      this.schedule();
    }
  }

  /** Queues the next piece. One piece per turn lets node:http handle it first, and other clients have their turns. */
  private schedule(): void {
    if (!this.destroyed) this.queue.add(this.turn);
  }

  private passOn(): void {
    const { socket } = this;
    if (!this.isReadWanted || this.hasEnded || this.destroyed) return;
    // The next request waits. With nothing to read, go on: the end of the socket must still be noticed.
    if (this.request?.complete && (this.unread || socket.readableLength > 0)) {
      this.count();
      return;
    }
    const bytes = this.unread ?? (socket.read() as Buffer | null);
    if (bytes === null) {
      if (!socket.readableEnded) return;
      this.isReadWanted = false;
      this.push(null);
      return;
    }
    const isBody = this.bodyLeft > 0;
    const end = isBody ? Math.min(this.bodyLeft, bytes.length) : this.endOfBlock(bytes);
    this.unread = end < bytes.length ? bytes.subarray(end) : undefined;
    if (isBody) this.bodyLeft -= end;
    else if (!this.response) {
      this.headBytes += end;
      if (this.isIdle) this.startTimer(this.limits.headersMs, false);
    }
    this.isReadWanted = false;
    this.push(bytes.subarray(0, end));
    this.count(); // only now: most headers arrive in one piece and never need to be counted
  }

  /**
   * The end of the first empty line, or of the bytes. Headers end with an empty line, so a piece whose only empty line
   * is at its end cannot contain the headers of two requests. A chunked body ends with an empty line too.
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

  /**
   * Updates the count of received bytes. If there is no room for them, refuses the headers that are arriving, or ends
   * the connection if a later request is waiting.
   */
  private count(): void {
    const { receiving } = this;
    if (!receiving || this.hasEnded || this.destroyed) return;
    const waiting = this.request?.complete ? (this.unread?.length ?? 0) + this.socket.readableLength : 0;
    const more = this.headBytes + waiting - this.countedBytes;
    this.countedBytes += more;
    try {
      receiving.add(more);
    } catch (error) {
      if (this.response) this.destroy();
      else this.onBadHead(this, error);
    }
  }

  private release(): void {
    this.receiving?.add(-this.countedBytes);
    this.countedBytes = 0;
  }

  private discard(): void {
    this.unread = undefined;
    this.droppedBytes += (this.socket.read() as Buffer | null)?.length ?? 0;
    if (this.droppedBytes > this.limits.droppedBytes) this.socket.destroy();
  }
}

const nothing = () => {};
