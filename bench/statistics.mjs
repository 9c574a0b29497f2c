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
