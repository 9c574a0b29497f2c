/** Turns a burst of events into one call: after a quiet time, or when the first event has waited long enough. */
export class Burst {
  private timer: NodeJS.Timeout | undefined;
  private since = 0;

  /** Times in milliseconds. */
  constructor(
    private readonly quietMs: number,
    private readonly maxWaitMs: number,
    private readonly act: () => void,
  ) {}

  add(): void {
    const now = performance.now();
    if (this.timer) clearTimeout(this.timer);
    else this.since = now;
    const wait = Math.max(0, Math.min(this.quietMs, this.since + this.maxWaitMs - now));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.act();
    }, wait);
    this.timer.unref();
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
