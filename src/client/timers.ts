/** The clock and the random numbers of a client. Tests can replace it. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. Only differences count. */
  now(): number;
  /** Runs a function once, after a time in milliseconds. Returns a handle for `clearTimeout`. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Cancels what `setTimeout` returned. */
  clearTimeout(handle: unknown): void;
  /** A random number from 0 to 1, excluding 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  random: () => Math.random(),
};

/** The longest time for a Node timer, in milliseconds. */
const longest = 2 ** 31 - 1;

/** The timers of one client. None of them outlives the client. */
export class Timers {
  private readonly running = new Set<unknown>();

  constructor(readonly clock: Clock) {}

  /** Calls `run` once after `ms` milliseconds. Returns a function that cancels it. */
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
