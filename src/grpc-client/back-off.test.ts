import { describe, expect, it } from "vitest";
import { BackOff } from "./back-off.js";

const options = { initialMs: 100, maxMs: 1_000, factor: 2, jitter: 0.5 };
const waits = (backOff: BackOff, count: number) => Array.from({ length: count }, () => backOff.next());

describe("a back-off", () => {
  it("grows by its factor up to its limit", () => {
    expect(waits(new BackOff(options, () => 0), 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it("leaves a part of each wait to chance", () => {
    expect(waits(new BackOff(options, () => 0.5), 3)).toEqual([75, 150, 300]);
  });

  it("starts anew after a success", () => {
    const backOff = new BackOff(options, () => 0);
    waits(backOff, 4);
    backOff.succeed();
    expect(backOff.next()).toBe(100);
  });

  it("stays finite however many failures there are", () => {
    const backOff = new BackOff({ ...options, maxMs: Number.MAX_VALUE, factor: 10 }, () => 0);
    expect(waits(backOff, 2_000).every(Number.isFinite)).toBe(true);
  });
});
