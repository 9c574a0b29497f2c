import { heldBytes } from "./held-bytes.js";
import { OrderedSet } from "./ordered-set.js";

/** How many milliseconds of work an account does in one turn before others have theirs. */
const turnMs = { longest: 2, shortest: 0.1 };

/** Where many accounts have work, turns are shorter, so that a round of all of them takes this many milliseconds. */
const roundMs = 100;

/** The most milliseconds of overdrawn time that an account makes up for. */
const mostDebt = 200;

/** Work to be done later for an account. */
export interface Flushable {
  /** The account that pays for the work. */
  readonly account: Account;
  /** The work may write a response, so it waits while there is no room for one. */
  readonly writes: boolean;
  flush(): void;
}

/**
 * The time that work may take for a connection, for an IP address with its connections, or for the whole server. An
 * address may have thousands of connections.
 */
export class Account {
  /** Milliseconds that are left of its turn. */
  private left = 0;
  /** Milliseconds that each child that always had work was given so far. */
  private given = 0;
  /** The parent's `given` when this account was made or last ran out of work. */
  private givenBefore: number;
  /** Children with work: connections of an address, or work of a connection. The first one has its turn. */
  private waiting: OrderedSet<Account | Flushable> | undefined;
  /** Children with saved time that they have not used up. They go first. */
  private fresh: OrderedSet<Account> | undefined;
  /** The only work. Most connections have no more, so they need no set. */
  private only: Flushable | undefined;
  /** Requests that wait. They are read before anything is written, because they may change what must be sent. */
  private requests: OrderedSet<Flushable> | undefined;
  /** Bytes of responses that are written and not sent yet. */
  unsent = 0;
  /** Bytes of requests that came in part or wait to be handled. Counted for addresses only. */
  receiving = 0;
  /** Bytes of the heap that are held for its clients, as estimated. */
  held = 0;
  /** Bytes of the heap that requests will need that are being handled. Counted for addresses only. */
  coming = 0;
  /** The client has answered a response, so it reads. */
  hasAnswered = false;

  constructor(readonly parent?: Account) {
    this.givenBefore = parent?.given ?? 0;
  }

  get hasWork(): boolean {
    return (
      this.only !== undefined || this.fresh !== undefined || this.waiting !== undefined || this.requests !== undefined
    );
  }

  /** How many children share the server's time, if the siblings of this account have as many children with work. */
  private get crowd(): number {
    return Math.max(1, (this.waiting?.size ?? 0) + (this.fresh?.size ?? 0)) * (this.parent?.crowd ?? 1);
  }

  /** The milliseconds of a child's turn. */
  private get turn(): number {
    return Math.max(turnMs.shortest, Math.min(turnMs.longest, roundMs / this.crowd));
  }

  add(work: Account | Flushable): void {
    if (work instanceof Account) this.come(work);
    else if (!work.writes) {
      this.requests ??= new OrderedSet();
      this.requests.add(work);
    } else if (this.only === work) return;
    else if (!this.hasWork) this.only = work;
    else this.wait(work);
    this.parent?.add(this);
  }

  /**
   * Adds a child that has work now. While it had none, it saved the time that each other child was given, at most one
   * turn. It starts with this time.
   */
  private come(account: Account): void {
    if (this.waiting?.has(account) || this.fresh?.has(account)) return;
    const saved = this.hasWork ? account.left + this.given - account.givenBefore : turnMs.longest;
    account.left = Math.min(turnMs.longest, saved);
    if (account.left <= 0) this.wait(account);
    else {
      this.fresh ??= new OrderedSet();
      this.fresh.add(account);
    }
  }

  private wait(work: Account | Flushable): void {
    this.waiting ??= new OrderedSet();
    this.waiting.add(work);
  }

  remove(work: Account | Flushable): void {
    if (this.take(work)) this.leave();
  }

  /** Removes work that will be done next. The account keeps its place until {@link leave} is called after the work. */
  take(work: Account | Flushable): boolean {
    if (this.only === work) {
      this.only = undefined;
      return true;
    }
    return (
      this.waiting?.delete(work) === true ||
      (work instanceof Account ? this.fresh?.delete(work) : this.requests?.delete(work)) === true
    );
  }

  /** Leaves the round if no work is left. */
  leave(): void {
    if (this.fresh?.size === 0) this.fresh = undefined;
    if (this.waiting?.size === 0) this.waiting = undefined;
    if (this.requests?.size === 0) this.requests = undefined;
    if (this.hasWork || !this.parent) return;
    this.givenBefore = this.parent.given;
    this.parent.remove(this);
  }

  /** The next piece of work. It stays in its place until it is taken. */
  next(): Flushable | undefined {
    const { requests, only, fresh } = this;
    const request = requests?.first ?? only;
    if (request) return request;
    for (let first = fresh?.first; first; first = fresh?.first) {
      if (first.left > 0) return first.next();
      fresh?.delete(first);
      this.wait(first);
    }
    const { waiting } = this;
    for (let first = waiting?.first; first; first = waiting?.first) {
      if (!(first instanceof Account)) return first;
      if (first.left > 0) return first.next();
      // An account that makes up for much is passed over again and again. That takes a small part of the time that it
      // has overdrawn, because each pass gives some of that back.
      const ms = this.turn;
      first.left += ms;
      this.given += ms / (waiting?.size ?? 1);
      waiting?.delete(first);
      waiting?.add(first);
    }
    return undefined;
  }

  /** Counts bytes that are held for the account's clients. A negative number subtracts. */
  hold(bytes: number): void {
    for (let account: Account | undefined = this; account; account = account.parent) account.held += bytes;
  }

  /** Charges the account for work that took `ms` milliseconds. */
  charge(ms: number): void {
    for (let account: Account | undefined = this; account; account = account.parent)
      account.left = Math.max(account.left - ms, -mostDebt);
  }
}

/** The accounts of a server's connections. */
export class Accounts {
  readonly all = new Account();
  private readonly addresses = new Map<string, { readonly account: Account; connections: number }>();

  /** The account of a new connection from this address. */
  open(address: string): Account {
    let known = this.addresses.get(address);
    if (!known) {
      known = { account: new Account(this.all), connections: 0 };
      this.addresses.set(address, known);
    }
    known.connections++;
    known.account.hold(heldBytes.connection);
    return new Account(known.account);
  }

  /** A connection from this address is closed. */
  close(address: string): void {
    const known = this.addresses.get(address);
    if (!known) return;
    known.account.hold(-heldBytes.connection);
    if (--known.connections === 0) this.addresses.delete(address);
  }

  /** How many addresses have connections. */
  get size(): number {
    return this.addresses.size;
  }
}
