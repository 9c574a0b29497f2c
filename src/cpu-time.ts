/** CPU time of all threads of the process, in milliseconds. Node 20 cannot report that of one thread. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** A piece of work of at most so many milliseconds counts by the clock. */
const shortMs = 2;

/** The CPU time is read once in so many milliseconds at most. A reading takes about 1 µs. */
const readingMs = 1;

/**
 * Measures the CPU time of pieces of work. By the clock, a piece also takes the time in which the machine ran other
 * processes.
 *
 * Node 20 can read only the CPU time of all threads together. So a piece is charged what other threads did meanwhile,
 * such as garbage collection and the reading of files. It is never charged more than its time by the clock.
 */
export class CpuTime {
  /** CPU time at the last reading, with the pieces of work since then. */
  private readMs = 0;
  private readAt = Number.NEGATIVE_INFINITY;

  /**
   * Called before pieces of work, with the time by `performance.now()`. What the process does between the last reading
   * and a long piece, besides other pieces, is charged to that piece.
   */
  begin(now: number): void {
    if (now - this.readAt < readingMs) return;
    this.readAt = now;
    this.readMs = processCpuMs();
  }

  /** The milliseconds of a piece of work that took `ms` milliseconds by the clock, and ended `now`. */
  of(ms: number, now: number): number {
    if (ms <= shortMs) {
      this.readMs += ms;
      return ms;
    }
    const before = this.readMs;
    this.begin(now);
    return Math.max(0, Math.min(ms, this.readMs - before));
  }
}
