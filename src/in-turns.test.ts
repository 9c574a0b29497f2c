import { expect, test } from "vitest";
import { allAtOnce, type InSteps, inTurns } from "./in-turns.js";

/** Counts steps of a millisecond each. */
function* counting(steps: number, count = { done: 0 }): InSteps<number> {
  for (; count.done < steps; count.done++) {
    const until = performance.now() + 1;
    while (performance.now() < until);
    yield;
  }
  return count.done;
}

test("work in turns lets others have theirs, and comes to the same as at once", async () => {
  let turns = 0;
  let isDone = false;
  const others = () => {
    turns++;
    if (!isDone) setImmediate(others);
  };
  setImmediate(others);
  expect(await inTurns(counting(60))).toBe(60);
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(8);
  expect(allAtOnce(counting(3))).toBe(3);
});

test("work in turns ends where it is told to, with its own errors besides", async () => {
  const count = { done: 0 };
  const ending = new AbortController();
  setTimeout(() => ending.abort(), 10);
  await expect(inTurns(counting(100_000, count), ending.signal)).rejects.toMatchObject({ name: "AbortError" });
  expect(count.done).toBeLessThan(100_000);
  // biome-ignore lint/correctness/useYield: it fails before its first step
  const failing = function* (): InSteps<void> {
    throw new Error("of the work");
  };
  await expect(inTurns(failing())).rejects.toThrow("of the work");
});
