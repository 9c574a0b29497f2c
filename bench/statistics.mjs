/** @typedef {{ median: number, low: number, high: number }} Spread of some rounds: their median, least and greatest */

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = Number.NaN] = sorted;
  const high = sorted.at(-1) ?? Number.NaN;
  const middle = sorted.length / 2;
  const median = (Number(sorted[Math.ceil(middle) - 1]) + Number(sorted[Math.floor(middle)])) / 2;
  return { median, low, high };
}

/** @param {readonly number[]} values */
export const median = (values) => spread(values).median;

/**
 * How a goal fares: the spread of the ratios round by round, or of the figures themselves where it is over nothing.
 * A goal without `most` is always met.
 * @param {string} metric
 * @param {import("./workloads.mjs").Goal} goal
 * @param {{ rounds: Record<string, Record<string, number>[]> }} result
 * @returns {Spread & { met: boolean }} NaN where it was not measured
 */
export function judged(metric, { of = "library", over, most }, { rounds }) {
  const values = (/** @type {string} */ subject) => (rounds[subject] ?? []).map((figures) => Number(figures[metric]));
  const others = over === undefined ? undefined : values(over);
  const found = spread(values(of).map((value, i) => (others ? value / Number(others[i]) : value)));
  return { ...found, met: most === undefined || found.median <= most };
}

/** Three digits that count. @param {number} value */
export function numeral(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, ",");
}
