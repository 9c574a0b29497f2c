import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Account, Accounts, type Flushable } from "./account.js";
import { FlushQueue } from "./flush-queue.js";

let clock = 0;
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Work that takes so many milliseconds each time, and comes again at once so many times. */
class Job implements Flushable {
  done = 0;
  constructor(
    readonly queue: FlushQueue,
    readonly account: Account,
    private readonly ms: number,
    private times = Number.POSITIVE_INFINITY,
    readonly writes = true,
  ) {}
  start(): this {
    this.queue.add(this);
    return this;
  }
  flush(): void {
    clock += this.ms;
    this.done++;
    if (--this.times > 0) this.queue.add(this);
  }
  get spent(): number {
    return this.done * this.ms;
  }
}

function until(ms: number): void {
  while (clock < ms && vi.getTimerCount() > 0) vi.runOnlyPendingTimers();
}

it("two addresses have equal time, whatever their work is like and however many connections they have", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const many = Array.from({ length: 50 }, () => new Job(queue, accounts.open("a"), 40).start());
  const one = new Job(queue, accounts.open("b"), 0.1).start();
  until(20_000);
  const [spentByMany] = [many.reduce((sum, { spent }) => sum + spent, 0)];
  expect(one.spent / spentByMany).toBeGreaterThan(0.95);
  expect(one.spent / spentByMany).toBeLessThan(1.05);
  const each = many.map(({ done }) => done);
  expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
});

it("between two steps of a connection that takes much, another one of its address has as much time", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const greedy = accounts.open("a");
  const heavy = Array.from({ length: 20 }, () => new Job(queue, greedy, 100).start());
  const light = new Job(queue, accounts.open("a"), 1).start();
  until(10_000);
  const spent = heavy.reduce((sum, job) => sum + job.spent, 0);
  expect(light.spent / spent).toBeGreaterThan(0.95);
  expect(Math.max(...heavy.map(({ done }) => done)) - Math.min(...heavy.map(({ done }) => done))).toBeLessThan(2);
});

it("one that is alone has all the time, also when it has had too much", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const alone = new Job(queue, accounts.open("a"), 500, 20).start();
  let turns = 0;
  for (; vi.getTimerCount() > 0 && turns < 1_000; turns++) vi.runOnlyPendingTimers();
  expect([alone.done, turns]).toEqual([20, 20]);
});

it("what has no room waits, and keeps nobody else from writing or from being read", () => {
  const accounts = new Accounts();
  let full: Account | undefined = accounts.open("a");
  const queue = new FlushQueue(accounts.all, (account) => account !== full);
  const blocked = new Job(queue, full, 1, 1).start();
  const request = new Job(queue, full, 1, 1, false).start();
  const other = new Job(queue, accounts.open("a"), 1, 1).start();
  until(100);
  expect([blocked.done, request.done, other.done]).toEqual([0, 1, 1]);
  queue.add(blocked);
  until(100);
  expect(blocked.done).toBe(0);
  full = undefined;
  queue.resume();
  until(100);
  expect(blocked.done).toBe(1);
});

it("requests that come at once have a slice of time before the rest waits for its turn; a large one always waits", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const account = accounts.open("a");
  expect(queue.hasTurn(1 << 20)).toBe(false);
  let handled = 0;
  while (queue.hasTurn(100)) {
    queue.worked(account, 1);
    handled++;
  }
  expect(handled).toBe(5);
  vi.runOnlyPendingTimers();
  expect(queue.hasTurn(100)).toBe(true);
});

it("a request that waited for its turn is charged once", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const reader = accounts.open("a");
  const request = {
    account: reader,
    writes: false,
    done: 0,
    flush() {
      clock += 10;
      this.done++;
      queue.worked(reader, 10); // as the transport says of every request
      queue.add(this);
    },
  };
  queue.add(request);
  const writer = new Job(queue, accounts.open("b"), 10).start();
  until(10_000);
  expect(Math.abs(request.done - writer.done)).toBeLessThan(3);
});

it("whatever is added and removed, all that is left is done once, and nothing stays", () => {
  const step = fc.record({ job: fc.nat(11), add: fc.boolean(), run: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const accounts = new Accounts();
      const queue = new FlushQueue(accounts.all);
      const open = Array.from({ length: 6 }, (_, i) => accounts.open(`address ${i % 3}`));
      const jobs = Array.from({ length: 12 }, (_, i) => new Job(queue, open[i % 6] as Account, 1, 1));
      const due = new Map<Job, number>();
      for (const { job: i, add, run } of steps) {
        const job = jobs[i] as Job;
        if (add) {
          if (!due.has(job)) due.set(job, job.done + 1);
          queue.add(job);
        } else {
          due.delete(job);
          queue.remove(job);
        }
        if (!run) continue;
        until(Number.POSITIVE_INFINITY);
        for (const [one, done] of due) expect(one.done).toBe(done);
        due.clear();
      }
      until(Number.POSITIVE_INFINITY);
      for (const [one, done] of due) expect(one.done).toBe(done);
      expect(accounts.all.hasWork).toBe(false);
      for (const i of open.keys()) accounts.close(`address ${i % 3}`);
      expect(accounts.size).toBe(0);
    }),
  );
});
