import { setImmediate as nextTurn } from "node:timers/promises";
import { XdsError } from "../errors.js";

/** Work in pieces: others may get their turn at each `yield`. */
export type Work<T> = Generator<undefined, T, undefined>;

export interface SharedWorkOptions {
  /** How long, in milliseconds, the work goes on before others get their turn; one piece is not divided. Default 5. */
  readonly sliceMs?: number;
  /** How long, in milliseconds, one work may be at it, without the turns of others. Default 10,000. */
  readonly mostMs?: number;
  /** How many may wait. Default 16. */
  readonly mostWaiting?: number;
  /** Milliseconds since some time. */
  readonly now?: () => number;
}

/**
 * The time that a service of a server has for all its callers. One work is done at a time, in slices; others wait in
 * the order in which they came.
 */
export class SharedWork {
  private readonly options: Required<SharedWorkOptions>;
  /** Those that wait are told here that it is their turn. */
  private readonly waiting = new Set<() => void>();
  private isBusy = false;

  /** `what`: what is worked on, in words. */
  constructor(
    private readonly what: string,
    options: SharedWorkOptions = {},
  ) {
    this.options = { sliceMs: 5, mostMs: 10_000, mostWaiting: 16, now: () => performance.now(), ...options };
  }

  /**
   * Does the work when it is its turn, and resolves with its result. `signal` ends it, also while it waits.
   * @throws XdsError LIMIT_EXCEEDED where too many wait, or the work takes too long; what the work throws; the
   * signal's reason
   */
  async run<T>(signal: AbortSignal, begin: () => Work<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.isBusy) await this.turn(signal);
    this.isBusy = true;
    try {
      signal.throwIfAborted();
      return await this.finish(signal, begin());
    } finally {
      this.isBusy = false;
      const [next] = this.waiting;
      next?.();
    }
  }

  private async finish<T>(signal: AbortSignal, work: Work<T>): Promise<T> {
    const { sliceMs, mostMs, now } = this.options;
    for (let worked = 0; ; ) {
      const from = now();
      let taken = 0;
      while (taken <= sliceMs) {
        const { done, value } = work.next();
        if (done) return value;
        taken = now() - from;
      }
      worked += taken;
      if (worked > mostMs)
        throw new XdsError("LIMIT_EXCEEDED", `${this.what} takes more than ${mostMs} ms of the server's time`);
      await nextTurn();
      signal.throwIfAborted();
    }
  }

  /** Waits for the turn, which is then this caller's: nobody else has it in between. */
  private turn(signal: AbortSignal): Promise<void> {
    const { mostWaiting } = this.options;
    if (this.waiting.size >= mostWaiting)
      throw new XdsError("LIMIT_EXCEEDED", `${this.what} waits for ${mostWaiting} others; ask again later`);
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.waiting.delete(next);
        reject(signal.reason as Error);
      };
      const next = () => {
        this.waiting.delete(next);
        signal.removeEventListener("abort", stop);
        this.isBusy = true;
        resolve();
      };
      this.waiting.add(next);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
