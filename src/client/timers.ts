/** Time and chance, as a client uses them; tests bring their own. */
export interface Clock {
  /** In milliseconds, from whatever moment: what counts is how much has passed between two calls. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** From 0 to 1, without 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  random: () => Math.random(),
};

/** The longest that a timer of Node's can wait. */
const longest = 2 ** 31 - 1;

/** The timers of one client. None outlives it. */
export class Timers {
  private readonly running = new Set<unknown>();

  constructor(readonly clock: Clock) {}

  /** Runs something later, once; returns what calls it off. */
  after(ms: number, run: () => void): () => void {
    const handle = this.clock.setTimeout(
      () => {
        this.running.delete(handle);
        run();
      },
      Math.min(Math.max(0, ms), longest),
    );
    this.running.add(handle);
    return () => {
      if (this.running.delete(handle)) this.clock.clearTimeout(handle);
    };
  }

  clear(): void {
    for (const handle of this.running) this.clock.clearTimeout(handle);
    this.running.clear();
  }
}
