import { describe, expect, it, vi } from "vitest";
import { FrameBudget } from "./frame-budget.js";

const calm = expect.objectContaining({ name: "ConnectionError", code: 0xb });

/** How many frames a budget takes at once. */
function count(take: () => void): number {
  for (let taken = 0; ; taken++) {
    try {
      take();
    } catch (error) {
      expect(error).toEqual(calm);
      return taken;
    }
  }
}

/** A budget of 0.001 frames a second takes one, and then none for as long as a test runs. */
const few = 0.001;

const handler = { limitHit: () => {} };

describe("a frame budget", () => {
  it("takes ten times at once what a second allows, of control frames and of answers, each for itself", () => {
    const limitHit = vi.fn();
    const budget = new FrameBudget(few, { limitHit });
    expect(count(() => budget.takeControl())).toBe(1);
    expect(count(() => budget.takeAnswer())).toBe(1);
    expect(limitHit.mock.calls).toEqual([["controlFrames"], ["controlFrames"]]);
    const larger = new FrameBudget(3, handler);
    expect(count(() => larger.takeControl())).toBeGreaterThanOrEqual(30);
  });

  it("takes two answers more for each DATA frame that was sent, and one for each KiB of it", () => {
    const budget = new FrameBudget(few, handler);
    for (let i = 0; i < 10; i++) budget.dataSent(1_024);
    expect(count(() => budget.takeAnswer())).toBe(31);
    expect(count(() => budget.takeControl())).toBe(1);
  });

  it("takes the answers to more small DATA frames than its own size", () => {
    const budget = new FrameBudget(few, handler);
    budget.takeAnswer();
    for (let i = 0; i < 5_000; i++) budget.dataSent(0);
    expect(count(() => budget.takeAnswer())).toBe(10_000);
  });

  it("does not let a client save up without a bound", () => {
    const budget = new FrameBudget(few, handler);
    for (let i = 0; i < 1_000; i++) budget.dataSent(2 ** 20);
    expect(count(() => budget.takeAnswer())).toBeLessThanOrEqual(100_001);
  });
});
