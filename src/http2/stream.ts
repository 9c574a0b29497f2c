import { type ErrorCode, errorCode, StreamError } from "./errors.js";
import { initialWindow, largestWindow, rstStream, windowUpdate } from "./frames.js";
import type { Outbox, Sender } from "./outbox.js";
import { type Outgoing, outgoing } from "./outgoing.js";

/** Receives the events of one stream. */
export interface StreamEvents {
  /** Bytes of the request's body. They are a part of what came from the socket. They are not changed later. */
  data(bytes: Buffer): void;
  /** The request is complete. */
  ended(): void;
  /**
   * The stream is over: both sides have sent everything, one has reset it, or the connection has closed. Called once.
   */
  closed(): void;
}

/** How a stream ended. It decides what a late frame means. */
export type Ending = "ended" | "reset by client" | "reset by us" | "reset by both";

/** The part of its connection that a stream uses. */
export interface StreamOwner {
  readonly outbox: Outbox;
  streamClosed(stream: ServerStream, how: Ending): void;
  /** {@link StreamEvents.closed} has thrown. */
  onError(error: unknown): void;
}

/** One request and its answer, on the server's side (RFC 9113, section 5). */
export class ServerStream implements Sender {
  sendWindow: number;
  /** How many bytes the client may still send. */
  private receiveWindow = initialWindow;
  private received = 0;
  /** {@link end} was called. */
  private isEnding = false;
  private isLocalOpen = true;
  private isClosed = false;
  private queue: Outgoing[] = noMessages;
  private events: StreamEvents | undefined;

  /** A header block was sent. */
  isAnswered = false;

  constructor(
    readonly id: number,
    private readonly owner: StreamOwner,
    sendWindow: number,
    /** The length of the request's body, if the client has sent content-length. */
    private readonly contentLength: number | undefined,
    /** The request is not complete yet. */
    private isRemoteOpen: boolean,
  ) {
    this.sendWindow = sendWindow;
  }

  /** How many bytes the client may send before {@link allow} is called again. */
  get allowed(): number {
    return this.receiveWindow;
  }

  /** Sends a header block. With `isEnd` there is nothing after it. */
  respond(block: Buffer, isEnd = false): void {
    if (!this.isLocalOpen || this.isEnding) return;
    this.isAnswered = true;
    if (isEnd) this.end(block);
    else this.owner.outbox.putHeaders(this.id, block, false);
  }

  /** How many bytes and ends are not in a frame yet. It changes while the client reads. */
  get unframed(): number {
    let bytes = this.queue.length;
    for (const { left } of this.queue) bytes += left;
    return bytes;
  }

  /**
   * Sends bytes. Nobody may change them any more. `done` is called when they have left for the kernel, or never will.
   */
  write(parts: readonly Uint8Array[], done?: () => void): void {
    this.add(outgoing(parts, false, undefined, done));
  }

  /** Sends the bytes and the trailers, if any, and ends our side of the stream. */
  end(trailers?: Buffer, parts: readonly Uint8Array[] = [], done?: () => void): void {
    this.add(outgoing(parts, true, trailers, done));
  }

  /** Ends the stream at once. Bytes that are not in a frame yet are dropped. */
  reset(code: ErrorCode): void {
    if (this.isClosed) return;
    this.owner.outbox.put(rstStream(this.id, code));
    this.close("reset by us");
  }

  /** Widens the stream's window to `bytes` bytes, if it is smaller. */
  allow(bytes: number): void {
    if (!this.isRemoteOpen || bytes <= this.receiveWindow) return;
    this.owner.outbox.put(windowUpdate(this.id, bytes - this.receiveWindow));
    this.receiveWindow = bytes;
  }

  /**
   * Sets the receiver of the stream's events. The stream may be over already.
   * @internal
   */
  start(events: StreamEvents): void {
    this.events = events;
    if (this.isClosed) this.tellClosed();
    else if (!this.isRemoteOpen) events.ended();
  }

  /** @internal */
  next(): Outgoing | undefined {
    return this.queue[0];
  }

  /** @internal */
  framed(): void {
    const message = this.queue.shift();
    if (message?.isEnd) this.endLocal();
  }

  /**
   * @internal
   * @throws StreamError STREAM_CLOSED if the client has already sent all
   */
  mustReceive(what: string): void {
    if (!this.isRemoteOpen) throw new StreamError(this.id, errorCode.STREAM_CLOSED, `${what} after END_STREAM`);
  }

  /**
   * A DATA frame. `bytes`: its length for flow control, padding included.
   * @internal
   * @throws StreamError
   */
  receive(payload: Buffer, bytes: number): void {
    this.mustReceive("DATA");
    if (bytes > this.receiveWindow)
      throw new StreamError(this.id, errorCode.FLOW_CONTROL_ERROR, "more DATA than the stream's window allows");
    this.receiveWindow -= bytes;
    this.received += payload.length;
    if (this.contentLength !== undefined && this.received > this.contentLength) throw this.wrongLength();
    if (payload.length > 0) this.events?.data(payload);
    const padding = bytes - payload.length;
    if (padding > 0) this.allow(this.receiveWindow + padding);
  }

  /**
   * The client has ended its side.
   * @internal
   * @throws StreamError
   */
  endRemote(): void {
    if (this.isClosed) return;
    if (this.contentLength !== undefined && this.received !== this.contentLength) throw this.wrongLength();
    this.isRemoteOpen = false;
    if (!this.isLocalOpen) this.close("ended");
    else this.events?.ended();
  }

  /**
   * The client takes more bytes, or fewer if it has changed its initial window.
   * @internal
   * @throws StreamError FLOW_CONTROL_ERROR
   */
  widen(bytes: number): void {
    this.sendWindow += bytes;
    if (this.sendWindow > largestWindow)
      throw new StreamError(this.id, errorCode.FLOW_CONTROL_ERROR, "the stream's window is too large");
    if (this.sendWindow > 0 && this.queue.length > 0) this.owner.outbox.ready(this);
  }

  /**
   * The stream is over.
   * @internal
   */
  close(how: Ending): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isRemoteOpen = false;
    this.isLocalOpen = false;
    const { outbox } = this.owner;
    outbox.remove(this);
    const { queue } = this;
    this.queue = noMessages;
    this.owner.streamClosed(this, how);
    this.tellClosed(); // before `done`, which would send more
    for (const { done } of queue) if (done) outbox.afterSent(done);
  }

  private tellClosed(): void {
    try {
      this.events?.closed();
    } catch (error) {
      this.owner.onError(error);
    }
  }

  private add(message: Outgoing): void {
    if (!this.isLocalOpen || this.isEnding) {
      message.done?.();
      return;
    }
    this.isEnding = message.isEnd;
    if (this.queue === noMessages) this.queue = [];
    this.queue.push(message);
    if (this.queue.length === 1) this.owner.outbox.ready(this);
  }

  /** Everything is sent. If the client still sends, a reset says that nobody reads it (RFC 9113, section 8.1). */
  private endLocal(): void {
    this.isLocalOpen = false;
    if (this.isRemoteOpen) this.reset(errorCode.NO_ERROR);
    else this.close("ended");
  }

  private wrongLength(): StreamError {
    return new StreamError(this.id, errorCode.PROTOCOL_ERROR, "the body is not as long as content-length says");
  }
}

const noMessages: Outgoing[] = [];
