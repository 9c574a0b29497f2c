/** Work that takes longer than this, in milliseconds, is heavy. */
export const lightMs = 1;

/** The longest rest, in milliseconds. Reading a file takes less. */
const longestRestMs = 100;

/** A rest ends early when the event loop has waited this many milliseconds without an event. */
const quietMs = 5;

/**
 * The real clock, saved before a test can replace it by a fake one. A rest by a fake clock that ran ahead would not end
 * for hours.
 */
const { setTimeout } = globalThis;
const now = performance.now.bind(performance);

/**
 * An event loop that only waits for a timer makes at most this many turns, and waits at least this many milliseconds.
 */
const quiet = { turns: 2, ms: quietMs / 2 };

/**
 * Divides this thread's time between heavy work for clients and all other work.
 *
 * Heavy work rests for as long as it took, but not while the event loop has nothing else to do. Without the rests,
 * reading a file would take long: it needs about 30 turns of the event loop, and each turn would wait for a piece of
 * heavy work.
 */
class HeavyWork {
  /** End of the current rest, by {@link now}. */
  private restsUntil = 0;

  /** Records that a piece of work for a client took `ms` milliseconds. */
  took(ms: number): void {
    if (ms > lightMs) this.restsUntil = Math.max(this.restsUntil, now()) + Math.min(ms, longestRestMs);
  }

  /** Calls `goOn` when the rest is over, and at the earliest in the next turn of the event loop. */
  next(goOn: () => void): void {
    const rest = this.restsUntil - now();
    if (rest <= 0) {
      setImmediate(goOn);
      return;
    }
    const before = loop();
    setTimeout(
      () => {
        const after = loop();
        const isQuiet = after.turns - before.turns <= quiet.turns && after.waitedMs - before.waitedMs >= quiet.ms;
        if (isQuiet) this.restsUntil = 0;
        this.next(goOn);
      },
      Math.min(rest, quietMs),
    );
  }
}

/**
 * Returns how many turns this thread's event loop has made, and how many milliseconds it has waited for events.
 *
 * Both are NaN in runtimes that do not report them, such as Bun. Then no rest ends early.
 */
function loop(): { turns: number; waitedMs: number } {
  const timing = performance.nodeTiming as Partial<typeof performance.nodeTiming> | undefined;
  return { turns: timing?.uvMetricsInfo?.loopCount ?? Number.NaN, waitedMs: timing?.idleTime ?? Number.NaN };
}

/** The only instance, because a thread has one event loop. */
export const heavyWork = new HeavyWork();
