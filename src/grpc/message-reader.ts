import { Pieces } from "./pieces.js";
import type { Receiving } from "./receiving.js";
import { StatusError, status } from "./status.js";

/** The bytes before each message: a flag, and the message's length in four bytes. */
export const prefixBytes = 5;

/** Takes the messages of a reader. */
export interface MessageTaker {
  /**
   * A message of `bytes` bytes begins.
   * @throws the error that the call ends with, if the message may not be read
   */
  begins(bytes: number): void;
  /** Whether a whole message may be given. If not, nothing is given before {@link MessageReader.resume}. */
  mayTake(bytes: number): boolean;
  /** Takes a whole message. Its bytes are not changed any more. */
  message(bytes: Buffer): void;
}

/** Cuts the body of a request into messages ("Length-Prefixed-Message" of gRPC over HTTP/2). */
export class MessageReader {
  private isPaused = false;
  private isClosed = false;
  /** Bytes that came while paused. */
  private waiting: Pieces | undefined;
  /** The beginning of a prefix. */
  private prefix: Buffer | undefined;
  /** The length of the message that has begun. -1: none has. */
  private length = -1;
  /** The bytes of the message that has begun, if they come in several pieces. */
  private message: Pieces | undefined;
  /** A whole message that waits to be given. */
  private whole: Buffer | undefined;
  /** How many bytes are counted as waiting. */
  private countedBytes = 0;

  constructor(
    private readonly taker: MessageTaker,
    private readonly receiving: Receiving,
  ) {}

  /** How many bytes of the message that has begun are yet to come. */
  get missing(): number {
    return this.length < 0 ? 0 : this.length - (this.message?.length ?? 0);
  }

  /** Whether no message has begun and none waits. */
  get isEmpty(): boolean {
    return this.length < 0 && !this.prefix && !this.waiting && !this.whole;
  }

  /**
   * Takes the next bytes. They must not be changed any more.
   * @throws StatusError, and what the taker and `receiving` throw
   */
  read(chunk: Buffer): void {
    const end = this.cut(chunk);
    if (this.isClosed) return;
    if (end < chunk.length) {
      this.waiting ??= new Pieces();
      this.waiting.add(chunk.subarray(end));
    }
    this.updateCount();
  }

  /** Gives no more messages until {@link resume}. */
  pause(): void {
    this.isPaused = true;
  }

  /**
   * Goes on with the bytes that wait.
   * @throws as {@link read}
   */
  resume(): void {
    this.isPaused = false;
    const { whole } = this;
    if (whole) {
      this.whole = undefined;
      this.updateCount();
      this.taker.message(whole);
    }
    const { waiting } = this;
    if (!waiting || this.isPaused || this.isClosed) return;
    this.waiting = undefined;
    const end = this.cut(waiting.bytes);
    if (this.isClosed) return;
    waiting.drop(end);
    if (waiting.length > 0) this.waiting = waiting;
    this.updateCount();
  }

  /** Drops all bytes. */
  close(): void {
    this.isClosed = true;
    this.waiting = undefined;
    this.prefix = undefined;
    this.message = undefined;
    this.whole = undefined;
    this.length = -1;
    this.updateCount();
  }

  /**
   * Gives the messages in `chunk`. Returns the offset at which it stopped: the end, or where it was paused or closed.
   */
  private cut(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && !this.isPaused && !this.isClosed)
      at = this.length < 0 ? this.readPrefix(chunk, at) : this.readMessage(chunk, at);
    return at;
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
    if (length === 0) this.complete(nothing);
    return end;
  }

  private readMessage(chunk: Buffer, at: number): number {
    const end = at + Math.min(this.missing, chunk.length - at);
    const piece = chunk.subarray(at, end);
    if (piece.length === this.length) {
      this.complete(piece);
      return end;
    }
    this.message ??= new Pieces();
    this.message.add(piece, this.length);
    if (this.message.length === this.length) this.complete(this.message.bytes);
    return end;
  }

  private complete(message: Buffer): void {
    this.length = -1;
    this.message = undefined;
    const isTaken = this.taker.mayTake(message.length);
    if (!isTaken) {
      this.isPaused = true;
      this.whole = message;
    }
    this.updateCount();
    if (isTaken) this.taker.message(message);
  }

  private updateCount(): void {
    const bytes = (this.waiting?.room ?? 0) + (this.message?.room ?? 0) + (this.whole?.length ?? 0);
    if (bytes === this.countedBytes) return;
    const more = bytes - this.countedBytes;
    this.countedBytes = bytes;
    this.receiving.add(more);
  }
}

const nothing = Buffer.alloc(0);
