import type { Timers } from "./timers.js";

/** A condition that a caller waits for. */
export interface Awaited<T> {
  readonly typeUrl: string;
  /** Returns the awaited result; undefined if it is not there yet. */
  check(): T | undefined;
  /** Makes the error for a wait that takes too long. */
  timeoutError(): Error;
}

interface Waiter {
  readonly typeUrl: string;
  check(): void;
  fail(error: unknown): void;
}

/** The callers that wait for a state of the client. */
export class Waiters {
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly timers: Timers) {}

  /**
   * Resolves as soon as the condition has a result. With `failure`, it rejects at once unless there is a result
   * already.
   */
  wait<T>(awaited: Awaited<T>, timeoutMs: number, failure?: Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.waiting.delete(waiter);
        cancelTimer();
        act();
      };
      const fail = (error: unknown) => settle(() => reject(error));
      const check = () => {
        try {
          const found = awaited.check();
          if (found !== undefined) settle(() => resolve(found));
        } catch (error) {
          fail(error);
        }
      };
      const waiter: Waiter = { typeUrl: awaited.typeUrl, check: check, fail };
      const cancelTimer = this.timers.after(timeoutMs, () => fail(awaited.timeoutError()));
      this.waiting.add(waiter);
      check();
      if (failure && this.waiting.has(waiter)) fail(failure);
    });
  }

  /** Checks the conditions on a type again. */
  check(typeUrl: string): void {
    for (const waiter of this.waiting) if (waiter.typeUrl === typeUrl) waiter.check();
  }

  /** Rejects all waits, or those on some types. */
  fail(error: () => Error, ofType: (typeUrl: string) => boolean = () => true): void {
    for (const waiter of this.waiting) if (ofType(waiter.typeUrl)) waiter.fail(error());
  }
}
