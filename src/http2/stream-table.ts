import { ConnectionError, type ErrorCode, errorCode, protocolError, StreamError } from "./errors.js";
import { initialWindow } from "./frames.js";
import type { Outbox } from "./outbox.js";
import { type Ending, ServerStream, type StreamOwner } from "./stream.js";

/**
 * How many closed streams are remembered: at least `least`, or `perOpen` for each stream that may be open. A frame of
 * an older stream is an error.
 */
const maxEnded = { least: 1_000, perOpen: 2 };

/** Receives the events of a connection's streams. */
export interface TableOwner {
  /** False: the first stream has opened. True: the last one has closed. */
  idle(isIdle: boolean): void;
  /** A stream's handler threw at the stream's end. */
  fail(error: unknown): void;
}

/** The streams of one connection: the open ones, and how the last closed ones ended (RFC 9113, section 5.1). */
export class StreamTable implements StreamOwner {
  /** The highest stream id so far. */
  lastId = 0;
  private readonly open = new Map<number, ServerStream>();
  private ended: Map<number, Ending> | undefined;
  private sendWindow = initialWindow;

  constructor(
    readonly outbox: Outbox,
    private readonly connection: TableOwner,
    /** How many streams may be open at once. */
    private readonly maxOpen: number,
  ) {}

  get size(): number {
    return this.open.size;
  }

  /**
   * The open stream with this id; undefined if it is closed or not opened yet.
   * @throws ConnectionError PROTOCOL_ERROR if a client cannot have a stream with this id
   */
  get(id: number): ServerStream | undefined {
    if (id % 2 === 0) throw protocolError(`${id} is not the id of a client's stream`);
    return this.open.get(id);
  }

  /** A new stream. `isEnd`: its request has no body. */
  add(id: number, contentLength: number | undefined, isEnd: boolean): ServerStream {
    const stream = new ServerStream(id, this, this.sendWindow, contentLength, !isEnd);
    this.lastId = Math.max(this.lastId, id);
    this.open.set(id, stream);
    if (this.open.size === 1) this.connection.idle(false);
    return stream;
  }

  /** Ends a stream. A new one is opened and ended at once. */
  refuse(id: number, code: ErrorCode): void {
    const stream = this.open.get(id);
    if (stream) stream.reset(code);
    else this.add(id, undefined, false).reset(code);
  }

  /** @throws ConnectionError PROTOCOL_ERROR if the stream was never open */
  mustBeKnown(id: number, what: string): void {
    if (id > this.lastId) throw protocolError(`${what} of a stream that is not open`);
  }

  /** The client resets a closed stream. Returns whether this is its first reset of a stream that we have ended. */
  resetLate(id: number): boolean {
    const ending = this.ended?.get(id);
    if (ending === undefined || ending === "reset by client") return false;
    this.ended?.set(id, ending === "reset by us" ? "reset by both" : "reset by client");
    return ending !== "reset by both";
  }

  /**
   * A DATA or HEADERS frame of a stream that is not open. It is an error, unless it crossed our RST_STREAM.
   * @throws ConnectionError
   */
  late(id: number, what: "DATA" | "HEADERS"): void {
    this.mustBeKnown(id, what);
    const ending = this.ended?.get(id);
    if (ending === "reset by us" || ending === "reset by both") return;
    if (ending === undefined && what === "HEADERS") throw protocolError("stream ids may only grow");
    throw new ConnectionError(errorCode.STREAM_CLOSED, `${what} of a closed stream`);
  }

  /**
   * The client has changed its initial window, which changes the windows of all streams.
   * @throws ConnectionError FLOW_CONTROL_ERROR if a window gets too large (RFC 9113, section 6.9.2)
   */
  setSendWindow(bytes: number): void {
    const more = bytes - this.sendWindow;
    this.sendWindow = bytes;
    try {
      for (const stream of [...this.open.values()]) stream.widen(more);
    } catch (error) {
      throw error instanceof StreamError ? new ConnectionError(error.code, error.message) : error;
    }
  }

  /** Closes all streams. */
  close(how: Ending): void {
    for (const stream of [...this.open.values()]) stream.close(how);
  }

  /** @internal */
  onError(error: unknown): void {
    this.connection.fail(error);
  }

  /** @internal */
  streamClosed({ id }: ServerStream, how: Ending): void {
    this.open.delete(id);
    this.ended ??= new Map();
    this.ended.set(id, how);
    if (this.ended.size > Math.max(maxEnded.least, maxEnded.perOpen * this.maxOpen))
      this.ended.delete(this.ended.keys().next().value as number);
    if (this.open.size === 0) this.connection.idle(true);
  }
}
