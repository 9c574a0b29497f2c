/** Requests that have ended. */
export interface Load {
  readonly succeeded: number;
  readonly failed: number;
}

/** When one error rate counts as worse than another: both limits must be exceeded. */
export interface Margin {
  /** The smallest difference of the rates, from 0 to 1. 0.01 is one percentage point. */
  readonly margin: number;
  /** The smallest z of the two-proportion test. Of 740 comparisons of equal rates, one has a z above 3 by chance. */
  readonly z: number;
}

export const requestsOf = ({ succeeded, failed }: Load): number => succeeded + failed;

/** The share of requests that failed. 0 if there were no requests. */
export const errorRate = (load: Load): number => (requestsOf(load) === 0 ? 0 : load.failed / requestsOf(load));

/**
 * The z of the pooled two-proportion test: the error rate of `a` minus that of `b`, in standard deviations. It is 0 if
 * one side has no requests, if both rates are 0, or if both are 1.
 */
export function zScore(a: Load, b: Load): number {
  const [ofA, ofB] = [requestsOf(a), requestsOf(b)];
  if (ofA === 0 || ofB === 0) return 0;
  const pooled = (a.failed + b.failed) / (ofA + ofB);
  const variance = pooled * (1 - pooled) * (1 / ofA + 1 / ofB);
  return variance > 0 ? (errorRate(a) - errorRate(b)) / Math.sqrt(variance) : 0;
}

/** Whether the error rate of `a` exceeds that of `b` by more than the margin, and by more than chance. */
export const isWorse = (a: Load, b: Load, { margin, z }: Margin): boolean =>
  errorRate(a) - errorRate(b) > margin && zScore(a, b) > z;

/** The smallest z for one of many comparisons. With it, all of them together fail by chance as rarely as one alone. */
export const zOfMany = (z: number, comparisons: number): number =>
  Math.sqrt(z * z + 2 * Math.log(Math.max(1, comparisons)));

export const sumOf = (loads: Iterable<Load>): Load => {
  let [succeeded, failed] = [0, 0];
  for (const load of loads) {
    succeeded += load.succeeded;
    failed += load.failed;
  }
  return { succeeded, failed };
};
