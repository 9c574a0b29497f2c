/**
 * Converts milliseconds, 0 or more, to the fields of a google.protobuf.Duration or Timestamp: whole seconds, and
 * nanoseconds below 1e9. It rounds to the nearest nanosecond; a remainder that rounds up to 1e9 becomes one more
 * second.
 */
export function durationOf(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1_000);
  const nanos = Math.round((ms - seconds * 1_000) * 1e6);
  return nanos < 1e9 ? { seconds: BigInt(seconds), nanos } : { seconds: BigInt(seconds) + 1n, nanos: nanos - 1e9 };
}
