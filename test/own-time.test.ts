import { describe, expect, test } from "vitest";
// @ts-expect-error: the canary runs as it is, so this is JavaScript
import { ownTime, reading } from "./soak/own-time.mjs";

describe("the own time of a process, in soak tests,", () => {
  const start = { at: 1_000, ran: 500, starved: 70 };
  const later = (wall: number, ran: number, starved: number) => ({
    at: start.at + wall,
    ran: start.ran + ran,
    starved: start.starved + starved,
  });

  test.each([
    ["is the time by the clock while no other process takes the CPU", later(900, 300, 0), 900],
    ["lacks what others took from the main thread", later(900, 300, 600), 300],
    ["has what the process's other threads took from its main thread", later(900, 1_800, 600), 900],
    ["has the part that others cannot have taken", later(900, 1_600, 600), 700],
    ["is never negative: the main thread may have starved before, too", later(900, 0, 950), 0],
  ])("%s", (_, now, expected) => expect(ownTime(start, now, 2)).toBe(expected));

  test.skipIf(process.platform !== "linux")("is read in milliseconds", () => {
    const before = reading(process.pid);
    const used = process.cpuUsage();
    let ms = 0;
    while (ms < 50) {
      const { user, system } = process.cpuUsage(used);
      ms = (user + system) / 1_000;
    }
    const now = reading(process.pid);
    const ran = now.ran - before.ran;
    expect(ran).toBeGreaterThan(25);
    expect(ran).toBeLessThan(1_000);
    expect(now.starved).toBeGreaterThanOrEqual(before.starved);
  });
});
