/**
 * Milliseconds, 0 or more, as the fields of a google.protobuf.Duration or Timestamp: whole seconds, and nanoseconds
 * below 1e9. Rounds to the nearest nanosecond, so that what rounds up to a whole second is one more second.
 */
export function durationOf(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1_000);
  const nanos = Math.round((ms - seconds * 1_000) * 1e6);
  return nanos < 1e9 ? { seconds: BigInt(seconds), nanos } : { seconds: BigInt(seconds) + 1n, nanos: nanos - 1e9 };
}
