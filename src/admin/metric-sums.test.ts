import { expect, test } from "vitest";
import { sumOfRows } from "./metric-sums.js";

test("numbers with the same metric and labels are added", () => {
  const one = new Map([
    ["streams", [[1, "delta", "ads"] as const, [2, "sotw", "ads"] as const]],
    ["connections", [[3] as const]],
  ]);
  const other = new Map([
    ["streams", [[4, "sotw", "ads"] as const, [5, "sotw", "clusters"] as const]],
    ["connections", [[6] as const]],
  ]);
  expect([...sumOfRows([one, other])]).toEqual([
    [
      "streams",
      [
        [1, "delta", "ads"],
        [6, "sotw", "ads"],
        [5, "sotw", "clusters"],
      ],
    ],
    ["connections", [[9]]],
  ]);
  expect(one.get("connections")).toEqual([[3]]);
});

test("there are no sums of nothing", () => {
  expect([...sumOfRows([])]).toEqual([]);
});
