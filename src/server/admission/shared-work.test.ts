import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { InSteps } from "../../in-turns.js";
import { SharedWork } from "./shared-work.js";

const { signal } = new AbortController();

/** Work of this many pieces. Each takes 1 ms on a fake clock. */
function clocked() {
  let ms = 0;
  const log: string[] = [];
  function* work(name: string, pieces: number): InSteps<string> {
    for (let piece = 0; piece < pieces; piece++) {
      ms++;
      log.push(name);
      yield;
    }
    return name;
  }
  return { now: () => ms, work, log };
}

describe("SharedWork", () => {
  it("lets others have their turn after each slice", async () => {
    const { now, work } = clocked();
    const shared = new SharedWork("it", { now, sliceMs: 5 });
    let turns = 0;
    const count = () => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    expect(await shared.run(signal, () => work("a", 600))).toBe("a");
    clearImmediate(timer);
    expect(turns).toBeGreaterThanOrEqual(99);
  });

  it("does one work at a time, in the order in which they came", async () => {
    const { now, work, log } = clocked();
    const shared = new SharedWork("it", { now, sliceMs: 1 });
    const all = ["a", "b", "c"].map((name) => shared.run(signal, () => work(name, 9)));
    expect(await Promise.all(all)).toEqual(["a", "b", "c"]);
    expect(log.join("")).toBe("a".repeat(9) + "b".repeat(9) + "c".repeat(9));
    expect(await shared.run(signal, () => work("d", 1))).toBe("d");
  });

  it("lets only so many wait", async () => {
    const { now, work, log } = clocked();
    const shared = new SharedWork("the service", { now, sliceMs: 1, mostWaiting: 2 });
    const all = ["a", "b", "c", "d", "e"].map((name) => shared.run(signal, () => work(name, 3)));
    const settled = await Promise.allSettled(all);
    expect(settled.map(({ status }) => status)).toEqual([...Array(3).fill("fulfilled"), "rejected", "rejected"]);
    const message = "the service already has 2 requests waiting; try again later";
    expect(settled[4]).toMatchObject({ reason: { code: "LIMIT_EXCEEDED", message } });
    expect(log).not.toContain("d");
  });

  it("ends work that takes too long, and what throws; the next one has its turn", async () => {
    const { now, work, log } = clocked();
    const shared = new SharedWork("the service", { now, sliceMs: 5, mostMs: 100 });
    const long = shared.run(signal, () => work("a", 1_000_000));
    const bad = shared.run(signal, () => {
      throw new Error("bad");
    });
    const good = shared.run(signal, () => work("b", 1));
    const message = "the service takes more than 100 ms of the server's time";
    await expect(long).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", message });
    expect(log.length).toBeLessThan(120);
    await expect(bad).rejects.toThrow("bad");
    expect(await good).toBe("b");
  });

  it("stops when its client goes, at work or waiting", async () => {
    const { now, work, log } = clocked();
    const shared = new SharedWork("it", { now, sliceMs: 1, mostWaiting: 1 });
    const [atWork, waiting] = [new AbortController(), new AbortController()];
    const first = shared.run(atWork.signal, () => work("a", 1_000));
    const second = shared.run(waiting.signal, () => work("b", 1_000));
    waiting.abort();
    await expect(second).rejects.toThrow("aborted");
    const third = shared.run(signal, () => work("c", 1));
    await nextTurn();
    atWork.abort();
    await expect(first).rejects.toThrow("aborted");
    expect(await third, "in the place that the second one has left").toBe("c");
    expect(log.length).toBeLessThan(20);
    expect(log).not.toContain("b");
    await expect(shared.run(atWork.signal, () => work("d", 1))).rejects.toThrow("aborted");
  });
});
