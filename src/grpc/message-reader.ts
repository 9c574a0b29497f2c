import type { Receiving } from "./receiving.js";
import { StatusError, status } from "./status.js";

/** The bytes before each message: a flag, and the message's length in four bytes. */
export const prefixBytes = 5;

/** What a reader tells of its messages. */
export interface MessageTaker {
  /**
   * A message of so many bytes begins.
   * @throws what the call ends with, if it may not be read
   */
  begins(bytes: number): void;
  /** A whole message. Its bytes are not changed any more. */
  message(bytes: Buffer): void;
}

/** Bytes that are set aside for a message at first; more only as more comes. */
const firstBytes = 4_096;

/** Cuts the body of a request into messages ("Length-Prefixed-Message" of gRPC over HTTP/2). */
export class MessageReader {
  private isPaused = false;
  private isClosed = false;
  /** What came while paused, and room for more. */
  private waiting: Buffer | undefined;
  private waitingBytes = 0;
  /** The beginning of a prefix. */
  private prefix: Buffer | undefined;
  /** Bytes of the message that has begun; -1: none has. */
  private length = -1;
  private message: Buffer | undefined;
  private filled = 0;
  /** Bytes that are counted. */
  private held = 0;

  constructor(
    private readonly taker: MessageTaker,
    private readonly receiving: Receiving,
  ) {}

  /** How many bytes of the message that has begun are still to come. */
  get missing(): number {
    return this.length < 0 ? 0 : this.length - this.filled;
  }

  /** Nothing has begun, and nothing waits. */
  get isEmpty(): boolean {
    return this.length < 0 && !this.prefix && !this.waiting;
  }

  /**
   * Takes the next bytes, which are only lent.
   * @throws StatusError, and what the taker and `receiving` throw
   */
  read(chunk: Buffer): void {
    if (this.isClosed) return;
    if (this.isPaused) {
      this.wait(chunk);
      this.hold();
      return;
    }
    let at = 0;
    while (at < chunk.length && !this.isClosed) {
      if (this.isPaused) {
        this.wait(chunk.subarray(at));
        break;
      }
      at = this.length < 0 ? this.readPrefix(chunk, at) : this.readMessage(chunk, at);
    }
    if (this.held > 0 || !this.isEmpty) this.hold();
  }

  /** Gives no more messages until {@link resume}. */
  pause(): void {
    this.isPaused = true;
  }

  /**
   * Goes on with what waits.
   * @throws as {@link read}
   */
  resume(): void {
    this.isPaused = false;
    const { waiting, waitingBytes } = this;
    this.waiting = undefined;
    this.waitingBytes = 0;
    if (waiting) this.read(waiting.subarray(0, waitingBytes));
  }

  /** Drops what it has. */
  close(): void {
    this.isClosed = true;
    this.waiting = undefined;
    this.prefix = undefined;
    this.message = undefined;
    this.length = -1;
    this.hold();
  }

  /** Keeps a chunk. The room doubles, so that many small chunks cost no more than a few large ones. */
  private wait(chunk: Buffer): void {
    const bytes = this.waitingBytes + chunk.length;
    if (!this.waiting || this.waiting.length < bytes) {
      const room = Buffer.allocUnsafe(Math.max(bytes, 2 * this.waitingBytes));
      this.waiting?.copy(room, 0, 0, this.waitingBytes);
      this.waiting = room;
    }
    chunk.copy(this.waiting, this.waitingBytes);
    this.waitingBytes = bytes;
  }

  private readPrefix(chunk: Buffer, at: number): number {
    let prefix = chunk;
    let from = at;
    let end = at + prefixBytes;
    if (this.prefix || end > chunk.length) {
      const begun = this.prefix?.length ?? 0;
      end = Math.min(chunk.length, at + prefixBytes - begun);
      prefix = Buffer.concat([this.prefix ?? nothing, chunk.subarray(at, end)]);
      from = 0;
      this.prefix = prefix.length < prefixBytes ? prefix : undefined;
      if (this.prefix) return end;
    }
    if (prefix[from] !== 0)
      throw prefix[from] === 1
        ? new StatusError(status.UNIMPLEMENTED, "the message is compressed; send grpc-encoding: identity")
        : new StatusError(status.INTERNAL, `a message begins with ${prefix[from]}, not with 0 or 1`);
    const length = prefix.readUInt32BE(from + 1);
    this.taker.begins(length);
    if (this.isClosed) return end;
    this.length = length;
    this.filled = 0;
    if (length === 0) this.complete(nothing);
    return end;
  }

  private readMessage(chunk: Buffer, at: number): number {
    const { length, filled } = this;
    const end = at + Math.min(length - filled, chunk.length - at);
    if (filled === 0 && end - at === length) this.complete(chunk.subarray(at, end));
    else {
      const message = this.roomFor(filled + end - at);
      chunk.copy(message, filled, at, end);
      this.filled += end - at;
      if (this.filled === length) this.complete(message.subarray(0, length));
    }
    return end;
  }

  /** Room for so many bytes of the message. It doubles, so that who only announces a large message gets none for it. */
  private roomFor(bytes: number): Buffer {
    const { message, length } = this;
    if (message && message.length >= bytes) return message;
    const room = Buffer.allocUnsafe(Math.min(length, Math.max(bytes, 2 * (message?.length ?? 0), firstBytes)));
    message?.copy(room, 0, 0, this.filled);
    this.message = room;
    return room;
  }

  private complete(message: Buffer): void {
    this.length = -1;
    this.message = undefined;
    this.taker.message(message);
  }

  private hold(): void {
    const bytes = (this.waiting?.length ?? 0) + (this.message?.length ?? 0);
    if (bytes === this.held) return;
    const more = bytes - this.held;
    this.held = bytes;
    this.receiving.add(more);
  }
}

const nothing = Buffer.alloc(0);
