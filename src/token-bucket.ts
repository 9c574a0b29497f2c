/** After a rest, this many seconds' worth of events may come at once. */
const burst = 10;

/** Allows a number of events a second, and ten times as many at once after a rest. It has no timer. */
export class TokenBucket {
  private tokens: number;
  private at: number;

  /** Times are in milliseconds, as of `performance.now()`. */
  constructor(
    private readonly perSecond: number,
    now = performance.now(),
  ) {
    this.tokens = this.capacity;
    this.at = now;
  }

  private get capacity(): number {
    return Math.max(1, this.perSecond * burst);
  }

  /** Takes a token, and returns false if there is none. */
  take(now = performance.now()): boolean {
    this.tokens = Math.min(this.capacity, this.tokens + ((now - this.at) * this.perSecond) / 1_000);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Puts tokens back. */
  give(tokens = 1): void {
    this.tokens += tokens;
  }
}
