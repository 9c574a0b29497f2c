import { expect, it } from "vitest";
import { NodeLoads } from "./node-loads.js";

const minute = 60_000;

it("sums a node's reports, all of them and those of the last ten to twenty minutes", () => {
  let now = 0;
  const loads = new NodeLoads(() => now);
  for (let reports = 0; reports < 60; reports++, now += minute) {
    loads.add("a", { succeeded: 10, failed: 1 });
    const { total, recent } = loads.get("a") ?? expect.fail("it reports");
    expect(total).toEqual({ succeeded: 10 * (reports + 1), failed: reports + 1 });
    expect(recent.failed).toBeLessThanOrEqual(20);
    expect(recent.failed).toBeGreaterThanOrEqual(Math.min(10, reports + 1));
    expect(recent.succeeded).toBe(10 * recent.failed);
  }
  expect(loads.get("b")).toBeUndefined();
});

it("forgets nodes that report no more, and has a bound", () => {
  let now = 0;
  const loads = new NodeLoads(() => now);
  for (let node = 0; node < 60_000; node++) loads.add(`n${node}`, { succeeded: 1, failed: 0 });
  expect([loads.size, loads.get("n0"), loads.get("n59999")?.total.succeeded]).toEqual([50_000, undefined, 1]);
  now = 10 * minute;
  loads.add("a", { succeeded: 1, failed: 0 });
  expect(loads.size).toBe(1);
});
