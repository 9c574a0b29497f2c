import { CpuTime } from "../cpu-time.js";
import { heavyWork } from "../heavy-work.js";
import { doSlice, sliceMs } from "../in-turns.js";
import { Account, type Flushable } from "./account.js";
import { OrderedSet } from "./ordered-set.js";

/**
 * How many milliseconds in a turn of the event loop requests are handled at once. Further requests wait for their turn.
 */
const requestSlice = 5;

/** The most bytes of a request that is handled at once. A larger one may take long, so it waits for its turn. */
const largeRequest = 16 << 10;

/**
 * The work that waits for its turn: streams that may have something to send, and requests. It is done after the current
 * event, in slices of time. So a change of several types is seen as a whole, and a change for thousands of streams does
 * not block the process. Heavy requests take at most half of the time ({@link heavyWork}).
 *
 * Half of the time, accounts take turns. The other half goes to the account that has waited longest, one piece of work
 * each time. So an account that has to make up for much does not wait for long either, if pieces of work are short.
 */
export class FlushQueue {
  private scheduled = false;
  /** The accounts with work. The first one has waited longest since its last piece of work. */
  private readonly waiting = new OrderedSet<Account>();
  /** Milliseconds of work for the accounts that had waited longest, less the milliseconds of work in turns. */
  private ahead = 0;
  /** Work that cannot write now. */
  private readonly blocked = new Set<Flushable>();
  /** Milliseconds that requests may still take in this turn of the event loop. */
  private left = requestSlice;
  private isResetting = false;
  /** The queue is working, and charges accounts itself. */
  private isRunning = false;
  /** Accounts are charged CPU time, so that a client does not make up for what other processes did. */
  private readonly cpuTime = new CpuTime();

  constructor(
    /** The account above all others. */
    readonly all: Account = new Account(),
    /** Whether a response may be written for an account. After a no, `resume` is called. */
    private readonly hasRoom: (account: Account) => boolean = () => true,
  ) {}

  add(work: Flushable): void {
    if (this.blocked.has(work)) return;
    this.wait(work);
    this.schedule();
  }

  remove(work: Flushable): void {
    this.blocked.delete(work);
    work.account.remove(work);
    if (!work.account.hasWork) this.waiting.delete(work.account);
  }

  private wait(work: Flushable): void {
    work.account.add(work);
    this.waiting.add(work.account);
  }

  /**
   * Does work in turns of an account, a slice of time at once. Resolves with the work's result. Aborting `signal` stops
   * the work, and the promise rejects.
   */
  finish<T>(account: Account, work: Iterator<void, T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const flush = () => {
        try {
          const { done, value } = doSlice(work);
          if (done) end(() => resolve(value));
          else this.add(turn);
        } catch (error) {
          end(() => reject(error as Error));
        }
      };
      const turn: Flushable = { account, writes: false, flush };
      const stop = () => {
        this.remove(turn);
        reject(signal?.reason as Error);
      };
      const end = (settle: () => void) => {
        signal?.removeEventListener("abort", stop);
        settle();
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.add(turn);
    });
  }

  /** There is room for responses again. */
  resume(): void {
    for (const work of this.blocked) this.wait(work);
    this.blocked.clear();
    this.schedule();
  }

  /** Whether a request of this size may be handled at once. Otherwise it waits for its turn. */
  hasTurn(bytes: number): boolean {
    return bytes <= largeRequest && this.left > 0;
  }

  /** A request was handled, and took `ms` milliseconds. */
  worked(account: Account, ms: number): void {
    if (this.isRunning) return;
    account.charge(this.cpuTime.of(ms, performance.now()));
    this.left -= ms;
    if (this.isResetting) return;
    this.isResetting = true;
    setImmediate(this.reset);
  }

  private readonly reset = () => {
    this.isResetting = false;
    this.left = requestSlice;
    this.cpuTime.begin(performance.now());
  };

  private schedule(): void {
    if (this.scheduled || this.isRunning || !this.all.hasWork) return; // run() schedules when it is done
    this.scheduled = true;
    heavyWork.next(this.run);
  }

  private readonly run = () => {
    this.scheduled = false;
    this.isRunning = true;
    let now = performance.now();
    this.cpuTime.begin(now);
    const until = now + sliceMs;
    while (now <= until) {
      const isLongest = this.ahead <= 0;
      const work = (isLongest && this.waiting.first?.next()) || this.all.next();
      if (!work) break;
      const { account } = work;
      account.take(work);
      if (work.writes && !this.hasRoom(account)) this.blocked.add(work);
      else {
        work.flush();
        const before = now;
        now = performance.now();
        const ms = this.cpuTime.of(now - before, now);
        account.charge(ms);
        this.ahead += isLongest ? ms : -ms;
        if (!work.writes) heavyWork.took(now - before);
      }
      account.leave();
      this.waiting.delete(account);
      if (account.hasWork) this.waiting.add(account);
    }
    if (!this.all.hasWork) this.ahead = 0;
    this.isRunning = false;
    this.schedule();
  };
}
