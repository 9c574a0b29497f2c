import { ConnectionError, type ErrorCode, errorCode, protocolError, StreamError } from "./errors.js";
import { initialWindow } from "./frames.js";
import type { Outbox } from "./outbox.js";
import { type Ending, ServerStream, type StreamOwner } from "./stream.js";

/** How many closed streams are remembered. Frames of older ones are errors. */
const mostEnded = 1_000;

/** The streams of one connection: those that are open, and how the last ones ended (RFC 9113, section 5.1). */
export class StreamTable implements StreamOwner {
  /** The highest stream that was opened. */
  lastId = 0;
  private readonly open = new Map<number, ServerStream>();
  private ended: Map<number, Ending> | undefined;
  private sendWindow = initialWindow;

  constructor(
    readonly outbox: Outbox,
    /** Called when there is a first stream (false), and when the last one has closed (true). */
    private readonly onIdle: (isIdle: boolean) => void,
    /** Called when whoever answers a stream has thrown at its end. */
    readonly onError: (error: unknown) => void,
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
    if (this.open.size === 1) this.onIdle(false);
    return stream;
  }

  /** Ends a stream, whether it is open or just comes. */
  refuse(id: number, code: ErrorCode): void {
    const stream = this.open.get(id);
    if (stream) stream.reset(code);
    else this.add(id, undefined, false).reset(code);
  }

  /** @throws ConnectionError PROTOCOL_ERROR if the stream was never open */
  mustBeKnown(id: number, what: string): void {
    if (id > this.lastId) throw protocolError(`${what} of a stream that is not open`);
  }

  /**
   * A DATA or HEADERS frame of a stream that is not open. It is an error, unless it crossed our RST_STREAM.
   * @throws ConnectionError
   */
  late(id: number, what: "DATA" | "HEADERS"): void {
    this.mustBeKnown(id, what);
    const ending = this.ended?.get(id);
    if (ending === "reset by us") return;
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

  /** Closes all. */
  close(how: Ending): void {
    for (const stream of [...this.open.values()]) stream.close(how);
  }

  /** @internal */
  streamClosed({ id }: ServerStream, how: Ending): void {
    this.open.delete(id);
    this.ended ??= new Map();
    this.ended.set(id, how);
    if (this.ended.size > mostEnded) this.ended.delete(this.ended.keys().next().value as number);
    if (this.open.size === 0) this.onIdle(true);
  }
}
