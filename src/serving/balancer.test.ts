import { expect, it, onTestFinished } from "vitest";
import { LogBook } from "../../test/protocol/harness.js";
import type { ReplicaLoad } from "../fleet/peer.js";
import { Balancer } from "./balancer.js";

const load = (streams: number, more: Partial<ReplicaLoad> = {}): ReplicaLoad => ({
  ...{ streams, limit: 10_000, accepts: true },
  ...more,
});

/** A server with streams, and others. A look takes a millisecond, and some are needed before nodes are moved. */
function scene(own: number, ...others: ReplicaLoad[]) {
  const state = { own, others, mayMove: true };
  const shed: number[] = [];
  const logger = new LogBook();
  let looks = 0;
  const balance = {
    mostStreams: Number.POSITIVE_INFINITY,
    mayMove: () => false,
    shed: (count: number) => {
      shed.push(count);
      return count;
    },
  };
  const balancer = new Balancer({
    ...{ balance, streams: () => state.own, mayMove: () => state.mayMove, logger, everyMs: 1 },
    loads: async () => {
      looks++;
      if (state.others.length === 1 && state.others[0] === null) throw new Error("no JSON");
      return state.others;
    },
  });
  onTestFinished(() => balancer.close());
  const look = async () => {
    const before = looks;
    await expect.poll(() => looks, { interval: 1 }).toBeGreaterThan(before + 6);
  };
  return { state, shed, balance, balancer, look, logger };
}

it("moves and refuses nodes above 1.1 times the mean and 50 more, until 1.02 times the mean", async () => {
  const { state, shed, balance, look, logger } = scene(1_000, load(0));
  await look();
  expect(balance.mostStreams).toBeCloseTo(510);
  expect(shed.length).toBeGreaterThan(0);
  state.own = 520;
  state.others = [load(480)];
  await look();
  const before = shed.length;
  await look();
  expect(shed.length).toBeGreaterThan(before);
  state.own = 505;
  state.others = [load(495)];
  await look();
  const after = shed.length;
  await look();
  expect(shed.length).toBe(after);
  expect(logger.entries.map(({ message }) => message)).toEqual([
    "this replica has more streams than others; some of its nodes are moved",
    "no more nodes are moved to other replicas",
  ]);
});

const unmoved: [string, number, ReplicaLoad[]][] = [
  ["there is no other server", 1_000, []],
  ["the difference is small", 150, [load(50)]],
  ["no other server has room", 1_000, [load(100, { limit: 100 })]],
  ["no other server serves", 1_000, [load(0, { accepts: false })]],
];
it.each(unmoved)("moves nobody where %s", async (_, own, others) => {
  const { shed, balance, look } = scene(own, ...others);
  await look();
  await look();
  expect(shed).toEqual([]);
  expect(balance.mostStreams).toBe(Number.POSITIVE_INFINITY);
});

it("goes on after an error", async () => {
  const { state, shed, look, logger } = scene(1_000, null as never);
  await look();
  expect(logger.entries.map(({ level }) => level)).toContain("warn");
  state.others = [load(0)];
  await look();
  expect(shed.length).toBeGreaterThan(0);
});

it("moves nobody while it may not, and when it is closed", async () => {
  const { state, shed, balance, balancer, look } = scene(1_000, load(0));
  state.mayMove = false;
  await look();
  const before = shed.length;
  await look();
  expect([shed.length - before, balance.mostStreams]).toEqual([0, Number.POSITIVE_INFINITY]);
  state.mayMove = true;
  await look();
  expect(balance.mostStreams).toBeCloseTo(510);
  balancer.close();
  expect(balance.mostStreams).toBe(Number.POSITIVE_INFINITY);
});
