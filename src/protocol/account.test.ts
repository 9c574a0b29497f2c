import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { heavyWork } from "../heavy-work.js";
import { type Account, Accounts, type Flushable } from "./account.js";
import { FlushQueue } from "./flush-queue.js";

let clock = 0;
/** Milliseconds of the clock in which the process had no CPU. */
let interrupted = 0;
beforeEach(() => {
  clock = 0;
  interrupted = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  vi.spyOn(process, "cpuUsage").mockImplementation(() => ({ user: 1_000 * (clock - interrupted), system: 0 }));
  vi.spyOn(heavyWork, "next").mockImplementation((goOn) => void setImmediate(goOn)); // rests: heavy-work.test.ts
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

/** Work that is done once, as another connection's each time. */
class NewConnections implements Flushable {
  readonly writes = true;
  constructor(
    private readonly queue: FlushQueue,
    private readonly accounts: Accounts,
    readonly account = accounts.open("a"),
  ) {}
  start(): void {
    this.queue.add(this);
  }
  flush(): void {
    clock++;
    new NewConnections(this.queue, this.accounts).start();
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

it("a connection that comes with little work does not wait for a round of those that always have some", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const little = accounts.open("a");
  new Job(queue, little, 0.05, 1).start();
  until(1);
  const many = Array.from({ length: 400 }, () => new Job(queue, accounts.open("a"), 5).start());
  const doneByMany = () => many.reduce((sum, { done }) => sum + done, 0);
  for (let i = 0; i < 50; i++) {
    const before = doneByMany();
    const job = new Job(queue, little, 0.05, 1).start();
    while (job.done === 0) vi.runOnlyPendingTimers();
    expect(doneByMany() - before).toBeLessThanOrEqual(1);
    until(clock + 50);
  }
});

it("connections that come one after the other do not go before one that has waited", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const old = new Job(queue, accounts.open("a"), 5).start();
  until(100);
  const before = { spent: old.spent, clock };
  const atOnce = 10;
  for (let i = 0; i < atOnce; i++) new NewConnections(queue, accounts).start();
  until(clock + 5_000);
  const share = (old.spent - before.spent) / (clock - before.clock);
  expect(share).toBeGreaterThan(1 / (atOnce + 1));
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

it("work in steps is done a slice at a time and charged to its account, and others go on between", async () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const done: string[] = [];
  const steps = function* (name: string, count: number) {
    for (let step = 0; step < count; step++) {
      clock += 4;
      done.push(name);
      yield;
    }
    return `${name} is done`;
  };
  const heavy = accounts.open("a");
  const results = Promise.all([
    ...Array.from({ length: 5 }, () => queue.finish(heavy, steps("a", 20))),
    queue.finish(accounts.open("b"), steps("b", 3)),
  ]);
  for (let turn = 0; turn < 200; turn++) await vi.advanceTimersToNextTimerAsync();
  expect(await results).toEqual([...Array(5).fill("a is done"), "b is done"]);
  // The other address has about as much time from the beginning on.
  expect(done.slice(0, 12).filter((name) => name === "b")).toHaveLength(3);
  expect(done).toHaveLength(103);
  expect(accounts.all.hasWork).toBe(false);
});

it("work in steps that throws rejects; what nobody wants any more is dropped, also before its turn", async () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const account = accounts.open("a");
  let steps = 0;
  const endless = function* (): Generator<void, never> {
    for (;;) {
      steps++;
      clock += 10;
      yield;
    }
  };
  const failing = function* (): Generator<void, never> {
    yield;
    throw new Error("bad");
  };
  const failed = expect(queue.finish(account, failing())).rejects.toThrow("bad");
  const gone = new AbortController();
  const rejected = expect(queue.finish(account, endless(), gone.signal)).rejects.toThrow("gone");
  for (let turn = 0; turn < 3; turn++) await vi.advanceTimersToNextTimerAsync();
  expect(steps).toBeGreaterThan(0);
  const before = steps;
  gone.abort(new Error("gone"));
  await failed;
  await rejected;
  await expect(queue.finish(account, endless(), gone.signal)).rejects.toThrow("gone");
  for (let turn = 0; turn < 3; turn++) await vi.advanceTimersToNextTimerAsync();
  expect(steps).toBe(before);
  expect(accounts.all.hasWork).toBe(false);
});

it("one that has much to make up for waits for a piece of work of each other, and as much work besides", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const many = Array.from({ length: 400 }, () => new Job(queue, accounts.open("a"), 0.1).start());
  const account = accounts.open("a");
  new Job(queue, account, 150, 1).start();
  until(1_000);
  const before = many.reduce((sum, { done }) => sum + done, 0);
  const small = new Job(queue, account, 0.1, 1).start();
  while (small.done === 0) vi.runOnlyPendingTimers();
  // To make up for 150 ms would take 600,000 pieces.
  expect(many.reduce((sum, { done }) => sum + done, 0) - before).toBeLessThanOrEqual(2 * 400 + 50);
});

it.each([
  ["of one address", () => "a"],
  ["of many addresses", (i: number) => `address ${i}`],
  ["of some addresses, with some connections each", (i: number) => `address ${i % 20}`],
])("a new connection does not wait for all that always have work, %s", (_, addressOf) => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const many = Array.from({ length: 400 }, (_, i) => new Job(queue, accounts.open(addressOf(i)), 1).start());
  until(5_000);
  const before = many.reduce((sum, { done }) => sum + done, 0);
  const small = new Job(queue, accounts.open(addressOf(0)), 0.1, 1).start();
  while (small.done === 0) vi.runOnlyPendingTimers();
  expect(many.reduce((sum, { done }) => sum + done, 0) - before).toBeLessThanOrEqual(300);
});

it("each has at least half of its fair share, whatever the pieces of work of the others are like", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  for (let i = 0; i < 3; i++) new Job(queue, accounts.open("a"), 100).start();
  const light = Array.from({ length: 7 }, () => new Job(queue, accounts.open("a"), 1).start());
  until(60_000);
  for (const { spent } of light) expect(spent / clock).toBeGreaterThan(0.05);
});

it("a client whose work was interrupted by another process does not make up for that", () => {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  for (let i = 0; i < 100; i++) new Job(queue, accounts.open("a"), 1).start();
  const account = accounts.open("a");
  const unlucky: Flushable = {
    account,
    writes: true,
    flush() {
      clock += 150.1;
      interrupted += 150;
    },
  };
  queue.add(unlucky);
  until(clock + 300);
  const calm = new Job(queue, account, 0.1, 1).start();
  until(clock + 300); // a round of all others takes 200; making up for it would take 75 rounds
  expect(calm.done).toBe(1);
});
