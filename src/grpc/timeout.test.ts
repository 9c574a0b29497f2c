import { describe, expect, it } from "vitest";
import { readTimeout } from "./timeout.js";

describe("grpc-timeout", () => {
  it.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3_000],
    ["4m", 4],
    ["5u", 0.005],
    ["6n", 0.000006],
    ["0S", 0],
    ["00000001S", 1_000],
    ["99999999m", 99_999_999],
    ["596H", 596 * 3_600_000],
  ])("%s is %d ms", (text, ms) => {
    expect(readTimeout(text)).toBeCloseTo(ms, 9);
  });

  it.each(["597H", "99999999H", "99999999S"])("%s is longer than a timer takes, and as good as none", (text) => {
    expect(readTimeout(text)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    "",
    "S",
    "1",
    "1s",
    "1 S",
    " 1S",
    "1S ",
    "-1S",
    "+1S",
    "1.5S",
    "123456789S",
    "1SS",
    "1e3S",
    "\u0661S",
    "1S\n",
  ])("%j is not one", (text) => {
    expect(readTimeout(text)).toBeUndefined();
  });
});
