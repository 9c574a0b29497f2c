/** How long to wait before a stream is opened again, in milliseconds. */
export interface BackOffOptions {
  /** After the first failure. Default 500. */
  readonly initialMs?: number;
  /** At most. Default 30,000. */
  readonly maxMs?: number;
  /** By how much it grows with each failure in a row. Default 2. */
  readonly factor?: number;
  /** Which part of it is left to chance, from 0 to 1, so that clients do not come all at once. Default 0.5. */
  readonly jitter?: number;
}

/** Exponential, with jitter; it starts anew after a success. */
export class BackOff {
  private full: number;

  constructor(
    private readonly options: Required<BackOffOptions>,
    private readonly random: () => number,
  ) {
    this.full = options.initialMs;
  }

  /** The next wait. */
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
