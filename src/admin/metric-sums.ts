/** The series of one metric: numbers, each with the values of its labels. */
export type Series = readonly (readonly [number, ...string[]])[];

/** The series of metrics, by the metric's name. */
export type Rows = ReadonlyMap<string, Series>;

/** Adds the numbers of series that have the same metric and labels. */
export function sumOfRows(all: Iterable<Rows>): Rows {
  const sums = new Map<string, Map<string, [number, ...string[]]>>();
  for (const rows of all)
    for (const [name, series] of rows) {
      const known = sums.get(name) ?? new Map<string, [number, ...string[]]>();
      sums.set(name, known);
      for (const [value, ...labels] of series) {
        const key = labels.join("\0");
        const sum = known.get(key);
        if (sum) sum[0] += value;
        else known.set(key, [value, ...labels]);
      }
    }
  return new Map(Array.from(sums, ([name, series]) => [name, [...series.values()]]));
}
