import type { Timers } from "./timers.js";

/** Something that is waited for. */
export interface Awaited<T> {
  readonly typeUrl: string;
  /** The thing, once it is there. */
  look(): T | undefined;
  /** What to say when it takes too long. */
  late(): Error;
}

interface Waiter {
  readonly typeUrl: string;
  look(): void;
  fail(error: unknown): void;
}

/** Those who wait for the client to get somewhere. */
export class Waiters {
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly timers: Timers) {}

  /** Resolves as soon as a look finds something. `failure`: it will not get there any more unless it is there already. */
  wait<T>(awaited: Awaited<T>, timeoutMs: number, failure?: Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.waiting.delete(waiter);
        cancelTimer();
        act();
      };
      const fail = (error: unknown) => settle(() => reject(error));
      const look = () => {
        try {
          const found = awaited.look();
          if (found !== undefined) settle(() => resolve(found));
        } catch (error) {
          fail(error);
        }
      };
      const waiter: Waiter = { typeUrl: awaited.typeUrl, look, fail };
      const cancelTimer = this.timers.after(timeoutMs, () => fail(awaited.late()));
      this.waiting.add(waiter);
      look();
      if (failure && this.waiting.has(waiter)) fail(failure);
    });
  }

  /** Something about a type has changed. */
  look(typeUrl: string): void {
    for (const waiter of this.waiting) if (waiter.typeUrl === typeUrl) waiter.look();
  }

  /** They need not wait any longer; all, or those of some types. */
  fail(error: () => Error, ofType: (typeUrl: string) => boolean = () => true): void {
    for (const waiter of this.waiting) if (ofType(waiter.typeUrl)) waiter.fail(error());
  }
}
