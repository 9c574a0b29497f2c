import { Account, type Flushable } from "./account.js";

/** How long, in milliseconds, work is done before sockets and timers get their turn. */
const slice = 5;

/** How long, in milliseconds, requests are handled as they come. Further ones wait for their turn. */
const requestSlice = 5;

/** A request that is larger, in bytes, is handled when its turn has come: it may take long. */
const largeRequest = 16 << 10;

/**
 * The work that waits for its turn: streams that may have something to send, and requests to be handled. It is done
 * after the current event, a slice of time at once: so a change that touches several types is seen whole,
 * and one that touches thousands of streams does not block the process. Accounts take turns.
 */
export class FlushQueue {
  private scheduled = false;
  /** What may not write now. */
  private readonly blocked = new Set<Flushable>();
  /** Milliseconds that requests may still take in this turn of the event loop. */
  private left = requestSlice;
  private isResetting = false;
  /** It does what waits, and charges for it. */
  private isRunning = false;

  constructor(
    /** Those whose work it is, all together. */
    readonly all: Account = new Account(),
    /** Whether a response may be written for an account; after a no, `resume` is called. */
    private readonly hasRoom: (account: Account) => boolean = () => true,
  ) {}

  add(work: Flushable): void {
    if (this.blocked.has(work)) return;
    work.account.add(work);
    this.schedule();
  }

  remove(work: Flushable): void {
    this.blocked.delete(work);
    work.account.remove(work);
  }

  /** There is room again. */
  resume(): void {
    for (const work of this.blocked) work.account.add(work);
    this.blocked.clear();
    this.schedule();
  }

  /** Whether a request of so many bytes may be handled at once; else it waits for its turn. */
  hasTurn(bytes: number): boolean {
    return bytes <= largeRequest && this.left > 0;
  }

  /** A request was handled, and took so many milliseconds. */
  worked(account: Account, ms: number): void {
    if (this.isRunning) return;
    account.charge(ms);
    this.left -= ms;
    if (this.isResetting) return;
    this.isResetting = true;
    setImmediate(this.reset);
  }

  private readonly reset = () => {
    this.isResetting = false;
    this.left = requestSlice;
  };

  private schedule(): void {
    if (this.scheduled || !this.all.hasWork) return;
    this.scheduled = true;
    setImmediate(this.run);
  }

  private readonly run = () => {
    this.scheduled = false;
    this.isRunning = true;
    let now = performance.now();
    const until = now + slice;
    for (let work = this.all.next(); work && now <= until; work = this.all.next()) {
      const { account } = work;
      account.take(work);
      if (work.writes && !this.hasRoom(account)) this.blocked.add(work);
      else {
        work.flush();
        const before = now;
        now = performance.now();
        account.charge(now - before);
      }
      account.leave();
    }
    this.isRunning = false;
    this.schedule();
  };
}
