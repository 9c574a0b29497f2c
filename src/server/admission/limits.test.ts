import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../token-bucket.js";
import { LimitCounts } from "./limits.js";

const takes = (bucket: TokenBucket, now: number) => {
  let taken = 0;
  while (taken < 1_000 && bucket.take(now)) taken++;
  return taken;
};

describe("a token bucket", () => {
  it("allows a burst of ten seconds' worth, then so many a second", () => {
    const bucket = new TokenBucket(5, 0);
    expect(takes(bucket, 0)).toBe(50);
    expect(takes(bucket, 100)).toBe(0);
    expect(takes(bucket, 1_000)).toBe(5);
    expect(takes(bucket, 3_000)).toBe(10);
  });

  it("saves up no more than a burst", () => {
    const bucket = new TokenBucket(5, 0);
    expect(takes(bucket, 3_600_000)).toBe(50);
    for (let i = 0; i < 100; i++) bucket.give();
    expect(takes(bucket, 3_600_000)).toBe(50);
  });

  it("allows one more for each that is given", () => {
    const bucket = new TokenBucket(0.01, 0);
    expect(takes(bucket, 0)).toBe(1);
    bucket.give();
    expect(takes(bucket, 0)).toBe(1);
  });
});

it("limits that cannot be are refused", () => {
  for (const limits of [{ streams: 0 }, { names: Number.NaN }, { requestBytes: -1 }, { maxNames: 3 }])
    expect(() => new LimitCounts(limits)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
});
