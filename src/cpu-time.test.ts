import { afterEach, expect, it, vi } from "vitest";
import { CpuTime } from "./cpu-time.js";

afterEach(() => void vi.restoreAllMocks());

it("the CPU time is read once a millisecond at most, however many short pieces of work there are", () => {
  const read = vi.spyOn(process, "cpuUsage").mockReturnValue({ user: 0, system: 0 });
  const time = new CpuTime();
  let sum = 0;
  for (let now = 0; now < 100; now += 0.0078125) {
    time.begin(now);
    sum += time.of(0.0078125, now + 0.0078125);
  }
  expect(sum).toBe(100);
  expect(read).toHaveBeenCalledTimes(100);
});

it("a long piece of work counts with its CPU time, and never with more than the time by the clock", () => {
  let cpu = 100;
  vi.spyOn(process, "cpuUsage").mockImplementation(() => ({ user: 1_000 * cpu, system: 0 }));
  const time = new CpuTime();
  time.begin(0);
  cpu += 3;
  expect(time.of(20, 20)).toBe(3); // 17 ms went to another process
  cpu += 40; // other threads have worked too
  expect(time.of(20, 40)).toBe(20);
  cpu += 1.5;
  expect(time.of(1.5, 41.5)).toBe(1.5);
  cpu += 4;
  expect(time.of(10, 51.5)).toBe(4); // the short piece before it is not counted again
});
