import { flowControlError } from "./errors.js";
import type { FrameBudget } from "./frame-budget.js";
import {
  flag,
  frameHeaderBytes,
  frameType,
  headerFrames,
  initialWindow,
  largestWindow,
  maxPayload,
  putFrameHeader,
} from "./frames.js";
import { copiedBytes, type Outgoing, putBytes } from "./outgoing.js";
import type { Wire } from "./wire.js";

/**
 * The most bytes in the wire. DATA waits while they have not left. So at most this much of a reset stream is still
 * sent.
 */
const wireBytes = 256 << 10;
/**
 * How many bytes beyond that may wait before the connection is cut. Such a client reads nothing, and makes us answer
 * its PINGs and SETTINGS.
 */
const controlBytes = 256 << 10;

/** A stream, as the outbox sees it. */
export interface Sender {
  readonly id: number;
  /** How many bytes of DATA the client still takes on this stream. May be less than 0. */
  sendWindow: number;
  /** The message, or the end, that is sent next. */
  next(): Outgoing | undefined;
  /** The whole of {@link next} is in frames. */
  framed(): void;
}

/**
 * What one connection sends. The frames of one turn of the event loop leave in one write. The windows of client and
 * stream, and the socket, limit DATA. Streams that wait for the connection take turns frame by frame.
 */
export class Outbox {
  /** How many bytes of DATA the client still takes on the whole connection. */
  window = initialWindow;
  /** Bytes that the wire has and that have not left. */
  private inWire = 0;
  /** How many writes have left for the kernel. */
  writesDone = 0;
  private buffers: Buffer[] = [];
  private bytes = 0;
  /** Called when the bytes in `buffers` have left. `flying`: the same for the write before. */
  private dones: (() => void)[] = [];
  private flying: (() => void)[] = [];
  /** Streams that wait for the connection, or for the streams before them. */
  private readonly blocked = new Set<Sender>();
  private mustResizeTable = false;
  private isScheduled = false;
  private isClosed = false;

  constructor(
    private readonly wire: Wire,
    private readonly budget: FrameBudget,
  ) {}

  /** Bytes that wait for the socket. */
  get unsent(): number {
    return this.inWire + this.bytes;
  }

  /** The next header block will say that our dynamic table is empty (RFC 9113, section 4.3.1). */
  resizeTable(): void {
    this.mustResizeTable = true;
  }

  /** Sends a header block. */
  putHeaders(streamId: number, block: Buffer, isEnd: boolean): void {
    this.put(headerFrames(streamId, this.mustResizeTable ? Buffer.concat([emptyTable, block]) : block, isEnd));
    this.mustResizeTable = false;
  }

  /** Sends a control frame. */
  put(frame: Buffer): void {
    if (this.isClosed) return;
    this.buffers.push(frame);
    this.bytes += frame.length;
    this.schedule();
    if (this.unsent <= wireBytes + maxPayload + controlBytes) return;
    this.isClosed = true;
    this.budget.overflow();
    this.wire.destroy();
  }

  /** A stream has more to send, or may send more than before. */
  ready(stream: Sender): void {
    if (this.blocked.size > 0 && !isFree(stream.next())) this.blocked.add(stream);
    else while (this.sendFrame(stream) === "sent");
  }

  /** A stream will not send any more. */
  remove(stream: Sender): void {
    this.blocked.delete(stream);
  }

  /**
   * The client takes `bytes` more bytes.
   * @throws ConnectionError FLOW_CONTROL_ERROR if the window gets too large
   */
  widen(bytes: number): void {
    this.window += bytes;
    if (this.window > largestWindow) throw flowControlError("the connection's window is too large");
    this.unblock();
  }

  /** Calls `done` when everything that was put so far has left. */
  afterSent(done: () => void): void {
    if (this.bytes > 0) this.dones.push(done);
    else if (this.inWire > 0) this.flying.push(done);
    else done();
  }

  /** Sends what is there, and then closes. */
  end(): void {
    this.flush();
    this.isClosed = true;
    this.wire.end();
  }

  /** The wire has closed. */
  closed(): void {
    this.isClosed = true;
    this.blocked.clear();
    this.buffers = [];
    this.bytes = 0;
    const { dones } = this;
    this.dones = [];
    for (const done of dones) done();
  }

  private unblock(): void {
    let isShut = false;
    for (const stream of this.blocked) {
      if (isShut && !isFree(stream.next())) continue;
      const result = this.sendFrame(stream);
      if (result === "full") return;
      if (result === "shut") {
        isShut = true;
        continue;
      }
      this.blocked.delete(stream);
      if (result === "sent" && stream.next()) this.blocked.add(stream);
    }
  }

  /**
   * Frames a piece of a stream's next message. "full": the wire takes no more; "shut": the connection's window is 0;
   * "waits": there is nothing, or the stream's own window is 0.
   */
  private sendFrame(stream: Sender): "sent" | "full" | "shut" | "waits" {
    const message = stream.next();
    if (!message || this.isClosed) return "waits";
    const most = Math.min(message.left, maxPayload, stream.sendWindow);
    if (most <= 0 && message.left > 0) return "waits"; // for the stream's own window
    if (this.unsent >= wireBytes) {
      this.blocked.add(stream);
      return "full";
    }
    if (message.left > 0) {
      const count = Math.min(most, this.window);
      if (count <= 0) {
        this.blocked.add(stream);
        return "shut";
      }
      this.putData(stream, message, count);
      if (message.left > 0) return "sent";
    } else if (!message.trailers) this.putData(stream, message, 0);
    this.putEnd(stream, message);
    for (let next = stream.next(); isFree(next) && this.unsent < wireBytes && !this.isClosed; next = stream.next()) {
      if (!next.trailers) this.putData(stream, next, 0);
      this.putEnd(stream, next);
    }
    return "sent";
  }

  /** A message is completely in frames: adds its trailers, and ends it. */
  private putEnd(stream: Sender, { trailers, done }: Outgoing): void {
    if (trailers) this.putHeaders(stream.id, trailers, true);
    if (done) this.dones.push(done);
    stream.framed();
  }

  private putData(stream: Sender, message: Outgoing, count: number): void {
    const isEnd = message.isEnd && !message.trailers && count === message.left;
    const out = Buffer.allocUnsafe(frameHeaderBytes + copiedBytes(message, count));
    putFrameHeader(out, 0, count, frameType.DATA, isEnd ? flag.END_STREAM : 0, stream.id);
    putBytes(message, count, out, frameHeaderBytes, this.buffers);
    stream.sendWindow -= count;
    this.window -= count;
    this.bytes += frameHeaderBytes + count;
    this.budget.dataSent(count);
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    process.nextTick(flushOutbox, this);
  }

  /** Gives the wire everything that is there. */
  flush(): void {
    this.isScheduled = false;
    if (this.bytes === 0 || this.isClosed) return;
    const { buffers, bytes, dones } = this;
    this.buffers = [];
    this.dones = [];
    this.flying = dones;
    this.bytes = 0;
    this.inWire += bytes;
    this.wire.write(buffers, () => this.left(bytes, dones));
  }

  private left(bytes: number, dones: readonly (() => void)[]): void {
    this.inWire -= bytes;
    this.writesDone++;
    for (const done of dones) done();
    if (this.blocked.size > 0) this.unblock();
  }
}

/** A message without bytes needs no window, so it never waits. */
const isFree = (message: Outgoing | undefined): message is Outgoing => message?.left === 0;
/** A dynamic table size update to 0 (RFC 7541, section 6.3). */
const emptyTable = Buffer.of(0x20);
const flushOutbox = (outbox: Outbox) => outbox.flush();
