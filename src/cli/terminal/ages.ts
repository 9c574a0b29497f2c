/** How long ago a time is, in its largest unit. */
export function ago(time: string, now: number): string {
  const length = inLargestUnit((now - Date.parse(time)) / 1_000);
  return length === undefined ? "now" : `${length} ago`;
}

/** How soon a time is, in its largest unit. */
export function until(time: string, now: number): string {
  const seconds = Math.ceil((Date.parse(time) - now) / 1_000);
  // Right after an order for 2 h, it is in 2 h, and not in 1 h.
  const length = inLargestUnit(seconds + Math.min(30, seconds / 60));
  return length === undefined ? "now" : `in ${length}`;
}

/** A time in its largest unit. Returns undefined for less than a second. */
function inLargestUnit(seconds: number): string | undefined {
  for (const [unit, length] of units) if (seconds >= length) return `${Math.floor(seconds / length)}${unit}`;
  return undefined;
}
const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;
