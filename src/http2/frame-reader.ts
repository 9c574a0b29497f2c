import { frameSizeError } from "./errors.js";
import { frameHeaderBytes, maxPayload } from "./frames.js";

export interface FrameTaker {
  /** Takes one frame. The payload is a part of what came from the socket. It is not changed later. */
  frame(type: number, flags: number, streamId: number, payload: Buffer): void;
}

/** Cuts a client's bytes into frames (RFC 9113, section 4.1). It keeps at most one unfinished frame. */
export class FrameReader {
  /** The beginning of a frame: the header, then a buffer for the whole frame once its length is known. */
  private partial: Buffer | undefined;
  private filled = 0;
  private isStopped = false;

  constructor(private readonly taker: FrameTaker) {}

  /**
   * Takes the next bytes.
   * @throws ConnectionError FRAME_SIZE_ERROR, and what the taker throws
   */
  read(chunk: Buffer): void {
    let at = 0;
    while (this.partial) {
      const { partial } = this;
      const count = Math.min(partial.length - this.filled, chunk.length - at);
      chunk.copy(partial, this.filled, at, at + count);
      this.filled += count;
      at += count;
      if (this.filled < partial.length) return;
      const length = lengthAt(partial, 0);
      if (partial.length < frameHeaderBytes + length) {
        this.partial = Buffer.allocUnsafe(frameHeaderBytes + length);
        partial.copy(this.partial);
        continue;
      }
      this.partial = undefined;
      this.takeAt(partial, 0, length);
    }
    while (at < chunk.length && !this.isStopped) {
      const isHeaderThere = chunk.length - at >= frameHeaderBytes;
      const length = isHeaderThere ? lengthAt(chunk, at) : 0;
      const end = at + frameHeaderBytes + length;
      if (end > chunk.length) {
        this.partial = Buffer.allocUnsafe(frameHeaderBytes + length);
        this.filled = chunk.copy(this.partial, 0, at);
        return;
      }
      this.takeAt(chunk, at, length);
      at = end;
    }
  }

  /** A frame has begun and is not complete. */
  get isInMiddle(): boolean {
    return this.partial !== undefined;
  }

  /** Takes no more frames, not even the rest of the current bytes. */
  stop(): void {
    this.isStopped = true;
    this.partial = undefined;
  }

  private takeAt(bytes: Buffer, at: number, length: number): void {
    const payload = bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + length);
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    this.taker.frame(bytes[at + 3] as number, bytes[at + 4] as number, streamId, payload);
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > maxPayload) throw frameSizeError(`a frame of ${length} bytes; ${maxPayload} are allowed`);
  return length;
}
