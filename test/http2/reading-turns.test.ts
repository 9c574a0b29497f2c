import { Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { heavyWork } from "../../src/heavy-work.js";
import { ReadingTurns } from "../../src/http2/reading-turns.js";

beforeEach(() => {
  vi.spyOn(heavyWork, "next").mockImplementation((goOn) => void setImmediate(goOn)); // rests: heavy-work.test.ts
  vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const turn = () => vi.runOnlyPendingTimers();
const sockets = (count: number) => Array.from({ length: count }, () => new Socket());
const read = (all: readonly Socket[]) => all.filter((socket) => !socket.isPaused());

it("in one turn, reads what there is time for, then one connection in each turn, each in its turn", () => {
  const turns = new ReadingTurns();
  const all = sockets(5);
  for (const socket of all) turns.worked(socket, 10);
  expect(read(all)).toEqual([]);
  const order: number[] = [];
  for (let i = 0; i < 10; i++) {
    turn();
    const [socket] = read(all);
    order.push(all.indexOf(socket as Socket));
    expect(read(all)).toHaveLength(1);
    turns.worked(socket as Socket, 10);
  }
  expect(order).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
});

it("reads on from those with little, and from all that have time", () => {
  const turns = new ReadingTurns();
  const [much, within, little] = sockets(3) as [Socket, Socket, Socket];
  turns.worked(within, 4);
  turns.worked(much, 10);
  for (let i = 0; i < 100; i++) turns.worked(little, 0.1);
  expect([within, much, little].map((socket) => socket.isPaused())).toEqual([false, true, false]);
  turn();
  expect(much.isPaused()).toBe(false);
  turn();
  expect(vi.getTimerCount()).toBe(0);
});

it("gives a turn to those that have closed meanwhile, and keeps none of them", () => {
  const turns = new ReadingTurns();
  const [closed, open] = sockets(2) as [Socket, Socket];
  for (const socket of [closed, open]) turns.worked(socket, 10);
  closed.destroy();
  turn();
  turn();
  expect(open.isPaused()).toBe(false);
  turns.worked(closed, 10);
  turn();
  expect(vi.getTimerCount()).toBe(0);
});
