/** Room for so many bytes at first; more only as more come. */
const firstBytes = 4_096;

/** Puts pieces of bytes together. Its room doubles, so many small pieces cost no more than a few large ones. */
export class Pieces {
  /** The bytes, with room for more behind them. No byte is ever overwritten. */
  private memory = nothing;
  private from = 0;
  private to = 0;

  /** How many bytes of memory it takes. */
  get room(): number {
    return this.memory.length;
  }

  /** How many bytes it has. */
  get length(): number {
    return this.to - this.from;
  }

  /** What it has. Nobody changes these bytes any more. */
  get bytes(): Buffer {
    return this.memory.subarray(this.from, this.to);
  }

  /** Copies a piece to the end. `most`: how many bytes there will be at most. */
  add(piece: Buffer, most = Number.POSITIVE_INFINITY): void {
    if (this.to + piece.length > this.memory.length) this.grow(this.length + piece.length, most);
    this.to += piece.copy(this.memory, this.to);
  }

  /** Forgets the first so many bytes. */
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
