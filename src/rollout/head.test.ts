import { expect, test } from "vitest";
import { emptyHead, freeze, pause, resume, rollOut, settle } from "./head.js";

const begun = rollOut({ ...emptyHead, stable: 1 }, 2, "r", ["n1"], 0);
const paused = pause(begun, "me", "lunch");

test("a pause after a step was decided stays, and the step is dropped", () => {
  const { rollout } = begun;
  if (!rollout) throw new Error("there is no rollout");
  expect(settle(paused, { next: { ...rollout, state: "baking", since: 1 } }, "c", 1)).toBe(paused);
  expect(settle(paused, { end: "done" }, "c", 1)).toBe(paused);
});

test("a resume after a step was decided stays, and the step is dropped", () => {
  const { rollout } = paused;
  if (!rollout) throw new Error("there is no rollout");
  const resumed = resume(paused);
  expect(settle(resumed, { next: { ...rollout, waitsFor: "more" } }, "c", 1)).toBe(resumed);
});

test("a pause goes on when another revision replaces the candidate", () => {
  const replaced = rollOut(paused, 3, "s", ["n1", "n2"], 5);
  expect(replaced.rollout).toMatchObject({ revision: 3, wave: 0, paused: { by: "me", why: "lunch" } });
  expect(resume(replaced).rollout).not.toHaveProperty("paused");
});

test("a paused rollout still goes back", () => {
  expect(settle(paused, { end: "rolledBack", why: "refused" }, "c", 1).rollout).toBeUndefined();
});

test("a freeze that comes after a step was decided is kept, and the step is not taken before its end", () => {
  const { rollout } = begun;
  if (!rollout) throw new Error("there is no rollout");
  const frozen = freeze(begun, { by: "me", why: "sale", at: 1, until: 9 });
  for (const outcome of [{ next: { ...rollout, state: "baking", since: 1 } }, { end: "done" }] as const) {
    expect(settle(frozen, outcome, "c", 8)).toBe(frozen);
    expect(settle(frozen, outcome, "c", 9)).not.toBe(frozen);
  }
  expect(settle(frozen, { end: "rolledBack", why: "refused" }, "c", 8).rollout).toBeUndefined();
});
