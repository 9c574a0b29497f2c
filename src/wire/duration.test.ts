import { expect, it } from "vitest";
import { durationOf } from "./duration.js";

it.each([
  [1_999.9999999, 2n, 0],
  [1_999.999999, 1n, 999_999_999],
  [999.99999999, 1n, 0],
  [0.000001, 0n, 1],
  [1_500, 1n, 500_000_000],
  [1_785_000_000_123.25, 1_785_000_000n, 123_250_000],
  [315_576_000_000_000, 315_576_000_000n, 0],
])("%d ms is a duration of %d s and %d ns", (ms, seconds, nanos) => {
  expect(durationOf(ms)).toEqual({ seconds, nanos });
});
