import { expect, test } from "vitest";
import { Restarts } from "./restarts.js";

const short = 59_999;
const long = 60_000;

test("a worker is started again at once, then later and later, and not any more after six short lives in a row", () => {
  const restarts = new Restarts();
  expect(Array.from({ length: 6 }, () => restarts.next(short))).toEqual([0, 1_000, 2_000, 4_000, 8_000, undefined]);
});

test("a long life begins the row again", () => {
  const restarts = new Restarts();
  for (let time = 0; time < 5; time++) restarts.next(short);
  expect([long, short, short, long, short].map((life) => restarts.next(life))).toEqual([0, 0, 1_000, 0, 0]);
});
