/** The largest size of the first buffer, in bytes. The buffer grows only as more bytes come. */
const firstBytes = 4_096;

/**
 * Joins pieces of bytes. The buffer doubles when it is full, so many small pieces cost no more than a few large ones.
 */
export class Pieces {
  /** The bytes, followed by free space. No byte is ever overwritten. */
  private memory = nothing;
  private from = 0;
  private to = 0;

  /** How many bytes of memory the buffer takes. */
  get room(): number {
    return this.memory.length;
  }

  /** How many bytes there are. */
  get length(): number {
    return this.to - this.from;
  }

  /** The bytes. Nobody changes them any more. */
  get bytes(): Buffer {
    return this.memory.subarray(this.from, this.to);
  }

  /** Adds a copy of a piece. `most`: how many bytes there will be at most. */
  add(piece: Buffer, most = Number.POSITIVE_INFINITY): void {
    if (this.to + piece.length > this.memory.length) this.grow(this.length + piece.length, most);
    this.to += piece.copy(this.memory, this.to);
  }

  /** Drops the first bytes. */
  drop(bytes: number): void {
    this.from += bytes;
  }

  private grow(needed: number, most: number): void {
    const memory = Buffer.allocUnsafe(Math.min(most, Math.max(needed, 2 * this.length, firstBytes)));
    this.to = this.bytes.copy(memory);
    this.from = 0;
    this.memory = memory;
  }
}

const nothing = Buffer.alloc(0);
