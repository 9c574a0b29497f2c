/** How many milliseconds of work an account has done in one turn, before others have theirs. */
const quantum = 2;

/** An account makes up for so many milliseconds at most in later turns: it is not passed over for long. */
const mostDebt = 200;

const none: readonly never[] = [];

/** Work to be done later, for an account. */
export interface Flushable {
  /** Whose work it is. */
  readonly account: Account;
  /** It may write a response: it has to wait where there is no room for one. */
  readonly writes: boolean;
  flush(): void;
}

/**
 * For whom work is done: a connection; above it its address, for one address may stand for thousands of connections;
 * above that the whole server. Where several have work, they take turns of about equal time, and what one has had too
 * much it makes up for later (deficit round robin). One that is alone has it all.
 */
export class Account {
  /** Milliseconds that it may go on with in its turn. */
  private left = quantum;
  /** Those that have work: connections of an address, or work of a connection. The first has its turn. */
  private waiting: Set<Account | Flushable> | undefined;
  /** The only one, which most connections have: it needs no set. */
  private only: Flushable | undefined;
  /** Requests that wait. They are read before anything is written: they may change what is to be said. */
  private requests: Set<Account | Flushable> | undefined;
  /** Bytes of responses that are written and not sent yet. */
  unsent = 0;
  /** It has answered a response: its client reads. */
  hasAnswered = false;

  constructor(readonly parent?: Account) {}

  get hasWork(): boolean {
    return this.only !== undefined || this.waiting !== undefined || this.requests !== undefined;
  }

  add(work: Account | Flushable): void {
    if (!(work instanceof Account) && !work.writes) {
      this.requests ??= new Set();
      this.requests.add(work);
    } else if (this.only === work) return;
    else if (!(work instanceof Account) && !this.hasWork) this.only = work;
    else {
      this.waiting ??= new Set();
      this.waiting.add(work);
    }
    this.parent?.add(this);
  }

  remove(work: Account | Flushable): void {
    if (this.take(work)) this.leave();
  }

  /** The work is about to be done. {@link leave} is called after it: until then the account keeps its place. */
  take(work: Account | Flushable): boolean {
    if (this.only === work) {
      this.only = undefined;
      return true;
    }
    return this.waiting?.delete(work) === true || this.requests?.delete(work) === true;
  }

  /** Goes out of the round if it has no work left. */
  leave(): void {
    if (this.waiting?.size === 0) this.waiting = undefined;
    if (this.requests?.size === 0) this.requests = undefined;
    if (!this.hasWork) this.parent?.remove(this);
  }

  /** The next piece of work. It keeps its place until it is taken. */
  next(): Flushable | undefined {
    if (this.requests) for (const request of this.requests) return request as Flushable;
    if (this.only) return this.only;
    const { waiting } = this;
    for (const first of waiting ?? none) {
      if (!(first instanceof Account)) return first;
      if (first.left > 0) return first.next();
      first.left += quantum;
      waiting?.delete(first);
      waiting?.add(first); // and is come to again, in this loop
    }
    return undefined;
  }

  /** Something was done for it, and took so many milliseconds. */
  charge(ms: number): void {
    for (let account: Account | undefined = this; account; account = account.parent)
      account.left = Math.max(account.left - ms, -mostDebt);
  }
}

/** The accounts of a server's connections. */
export class Accounts {
  readonly all = new Account();
  private readonly addresses = new Map<string, { readonly account: Account; connections: number }>();

  /** The account of a new connection of this address. */
  open(address: string): Account {
    let known = this.addresses.get(address);
    if (!known) {
      known = { account: new Account(this.all), connections: 0 };
      this.addresses.set(address, known);
    }
    known.connections++;
    return new Account(known.account);
  }

  /** A connection of this address is closed. */
  close(address: string): void {
    const known = this.addresses.get(address);
    if (known && --known.connections === 0) this.addresses.delete(address);
  }

  /** How many addresses have connections. */
  get size(): number {
    return this.addresses.size;
  }
}
