/** When refused content is offered again (P16). */
export interface RetryTimes {
  /** `performance.now()` of the next offer of something that was refused so often; undefined: there is none. */
  next(tries: number): number | undefined;
}

/** Milliseconds: the first two waits; the later ones double, up to the longest. */
export interface RetryWaits {
  readonly first: number;
  readonly second: number;
  readonly longest: number;
}

/** After 10 s, after 1 minute, then doubling to 15 minutes. */
export const retryWaits: RetryWaits = { first: 10_000, second: 60_000, longest: 900_000 };

/** Each wait is up to a fifth longer, so that clients that refused together do not come back together. */
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
