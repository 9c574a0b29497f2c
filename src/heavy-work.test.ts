import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { heavyWork } from "./heavy-work.js";
import { ReadingTurns } from "./http2/reading-turns.js";
import { Accounts, type Flushable } from "./protocol/account.js";
import { FlushQueue } from "./protocol/flush-queue.js";

const turnsOfOthers = 200;

async function others(): Promise<void> {
  for (let i = 0; i < turnsOfOthers; i++) await turn();
}

function spend(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

it("heavy requests rest while something else needs many turns of the event loop, such as the reading of a file", async () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  let requests = 0;
  let isOver = false;
  const request: Flushable = {
    account: accounts.open("a"),
    writes: false,
    flush() {
      spend(20);
      requests++;
      if (!isOver) queue.add(this);
    },
  };
  queue.add(request);
  await others();
  isOver = true;
  expect(requests).toBeLessThan(turnsOfOthers / 10);
});

it("connections that send much rest as well, though there are many of them", async () => {
  const turns = new ReadingTurns();
  let pieces = 0;
  let isOver = false;
  class Sender extends EventEmitter {
    readonly destroyed = false;
    private isPaused = false;
    pause(): void {
      this.isPaused = true;
    }
    resume(): void {
      this.isPaused = false;
      this.send();
    }
    send(): void {
      setImmediate(() => {
        if (this.isPaused || isOver) return;
        spend(6);
        pieces++;
        turns.worked(this as unknown as Socket, 6);
        this.send();
      });
    }
  }
  for (let i = 0; i < 5; i++) new Sender().send();
  await others();
  isOver = true;
  expect(pieces).toBeLessThan(turnsOfOthers / 10);
});

it("a rest ends when the event loop has nothing else to do", async () => {
  await new Promise((resolve) => setTimeout(resolve, 150)); // the rests of the tests before
  heavyWork.took(100);
  const order: string[] = [];
  await Promise.all([
    new Promise<void>((resolve) => setTimeout(() => resolve(void order.push("the whole rest")), 95)),
    new Promise<void>((resolve) => heavyWork.next(() => resolve(void order.push("its end")))),
  ]);
  expect(order).toEqual(["its end", "the whole rest"]);
});

it("a rest is by the real clock, though a test has a fake one that is hours ahead", async () => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(3_600_000);
  heavyWork.took(20);
  vi.useRealTimers();
  let isOver = false;
  heavyWork.next(() => {
    isOver = true;
  });
  const until = performance.now() + 5_000;
  while (!isOver && performance.now() < until) await turn(); // busy, so that the rest does not end early
  expect(isOver).toBe(true);
});
