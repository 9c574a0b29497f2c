import { afterEach, expect, it, vi } from "vitest";
import { LimitCounts } from "./limits.js";
import { UnsentResponses } from "./unsent.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("a client that takes nothing for ten seconds is ended then, also when the machine's clock is set", () => {
  let passed = 0;
  vi.spyOn(performance, "now").mockImplementation(() => passed);
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
  const unsent = new UnsentResponses(new LimitCounts({ responseBytes: 10 }), () => {});
  const ended: string[] = [];
  unsent.of((error) => ended.push(error.code)).written(20);
  expect(unsent.hasRoom()).toBe(false);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(1_000);
  expect(ended).toEqual([]);
  vi.setSystemTime(Date.now() - 7_200_000);
  passed += 10_001;
  vi.advanceTimersByTime(1_000);
  expect(ended).toEqual(["LIMIT_EXCEEDED"]);
});
