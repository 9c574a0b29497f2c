import { afterEach, expect, it, vi } from "vitest";
import { systemClock } from "./timers.js";

afterEach(() => void vi.useRealTimers());

it("a client's clock goes on when the machine's clock is set", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const before = systemClock.now();
  vi.setSystemTime(Date.now() - 3_600_000);
  expect(systemClock.now()).toBe(before);
});
