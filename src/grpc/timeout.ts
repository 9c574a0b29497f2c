/** Milliseconds in each unit of `grpc-timeout`. */
const units: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The longest time of a Node.js timer, in milliseconds: 24 days. A longer timeout counts as none. */
const longest = 2 ** 31 - 1;

/**
 * The milliseconds of a `grpc-timeout` header: up to eight digits and a unit. Infinity for more than 24 days. Undefined
 * if the text is not a timeout.
 */
export function readTimeout(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const ms = Number(digits) * (units[unit] as number);
  return ms > longest ? Number.POSITIVE_INFINITY : ms;
}
