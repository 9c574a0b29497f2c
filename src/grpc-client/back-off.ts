/** How long to wait before a stream is opened again. */
export interface BackOffOptions {
  /** The wait after the first failure, in milliseconds. Default 500. */
  readonly initialMs?: number;
  /** The longest wait, in milliseconds. Default 30,000. */
  readonly maxMs?: number;
  /** The factor by which the wait grows with each failure in a row. Default 2. */
  readonly factor?: number;
  /** The random part of the wait, from 0 to 1, so that clients do not connect all at once. Default 0.5. */
  readonly jitter?: number;
}

/** An exponential back-off with jitter. A success resets it. */
export class BackOff {
  private full: number;

  constructor(
    private readonly options: Required<BackOffOptions>,
    private readonly random: () => number,
  ) {
    this.full = options.initialMs;
  }

  /** Returns the next wait, in milliseconds. */
  next(): number {
    const { maxMs, factor, jitter } = this.options;
    const full = Math.min(maxMs, this.full);
    this.full = Math.min(maxMs, this.full * factor);
    return full * (1 - jitter * this.random());
  }

  succeed(): void {
    this.full = this.options.initialMs;
  }
}
