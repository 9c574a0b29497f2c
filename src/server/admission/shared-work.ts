import { XdsError } from "../../errors.js";
import { doSlice, type InSteps, inTurns, sliceMs } from "../../in-turns.js";

export interface SharedWorkOptions {
  /** Milliseconds after which a slice of work ends, at the next `yield`. Default 5. */
  readonly sliceMs?: number;
  /** The most milliseconds that the slices of one piece of work may take together. Default 10,000. */
  readonly mostMs?: number;
  /** How many callers may wait. Default 16. */
  readonly mostWaiting?: number;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Runs the expensive work of one service, one caller at a time and in slices. Other callers wait in order of arrival.
 */
export class SharedWork {
  private readonly options: Required<SharedWorkOptions>;
  /** Starts the turn of each waiting caller, in order of arrival. */
  private readonly waiting = new Set<() => void>();
  private isBusy = false;

  /** `what` names the work in error messages, such as "the client status service". */
  constructor(
    private readonly what: string,
    options: SharedWorkOptions = {},
  ) {
    this.options = { sliceMs, mostMs: 10_000, mostWaiting: 16, now: () => performance.now(), ...options };
  }

  /**
   * Waits for the caller's turn, does the work, and resolves with its result. `signal` aborts the wait and the work.
   * `charge` gets the milliseconds of each slice.
   * @throws XdsError LIMIT_EXCEEDED if too many callers wait or the work takes too long; any error of the work; the
   * signal's reason
   */
  run<T>(signal: AbortSignal, begin: () => InSteps<T>, charge?: (ms: number) => void): Promise<T> {
    return this.hold(signal, () => this.slices(signal, begin(), charge));
  }

  /**
   * Waits for the caller's turn, and holds it until this work is done.
   * @throws XdsError LIMIT_EXCEEDED if too many callers wait; any error of the work; the signal's reason
   */
  async hold<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.isBusy) await this.turn(signal);
    this.isBusy = true;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.isBusy = false;
      const [next] = this.waiting;
      next?.();
    }
  }

  /** Does work in slices, as {@link SharedWork.run} does, for a caller that holds the turn. */
  slices<T>(signal: AbortSignal, work: InSteps<T>, charge = (_ms: number) => {}): Promise<T> {
    const { sliceMs, mostMs, now } = this.options;
    let worked = 0;
    return inTurns(work, signal, (work) => {
      if (worked > mostMs)
        throw new XdsError("LIMIT_EXCEEDED", `${this.what} takes more than ${mostMs} ms of the server's time`);
      const from = now();
      try {
        return doSlice(work, sliceMs, now);
      } finally {
        const ms = now() - from;
        worked += ms;
        charge(ms);
      }
    });
  }

  /** Resolves when it is this caller's turn. `isBusy` is already set then, so that no other caller takes the turn. */
  private turn(signal: AbortSignal): Promise<void> {
    const { mostWaiting } = this.options;
    if (this.waiting.size >= mostWaiting)
      throw new XdsError("LIMIT_EXCEEDED", `${this.what} already has ${mostWaiting} requests waiting; try again later`);
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
