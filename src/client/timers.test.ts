import { afterEach, expect, it, vi } from "vitest";
import { systemClock } from "./timers.js";

afterEach(() => void vi.useRealTimers());

it("a client's clock goes on when the machine's clock is set", () => {
  const before = systemClock.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() - 3_600_000);
  const passed = systemClock.now() - before;
  expect(passed).toBeGreaterThanOrEqual(0);
  expect(passed).toBeLessThan(60_000);
});
