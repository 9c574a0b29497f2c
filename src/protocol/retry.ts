/** When refused content is offered again (P16). */
export interface RetryTimes {
  /** When content that was refused `tries` times is offered again, as `performance.now()`. Undefined: never. */
  next(tries: number): number | undefined;
}

/** Waits in milliseconds: the first, the second, and the longest. Each later wait doubles. */
export interface RetryWaits {
  readonly first: number;
  readonly second: number;
  readonly longest: number;
}

/** 10 s, 1 minute, then doubling up to 15 minutes. */
export const retryWaits: RetryWaits = { first: 10_000, second: 60_000, longest: 900_000 };

/** Makes each wait up to a fifth longer, so that clients that refused together do not retry together. */
export function retryTimes(waits: RetryWaits | undefined): RetryTimes {
  return {
    next: (tries) => {
      if (!waits) return undefined;
      const { first, second, longest } = waits;
      const wait = tries <= 1 ? first : Math.min(longest, second * 2 ** Math.min(tries - 2, 20));
      return performance.now() + wait * (1 + Math.random() / 5);
    },
  };
}
