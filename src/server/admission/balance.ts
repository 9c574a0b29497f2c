import { XdsError } from "../../errors.js";
import type { Account } from "../../protocol/account.js";

/** A stream that can be ended, so that its client opens it elsewhere. */
export interface MovableStream {
  readonly node: { readonly id: string } | undefined;
  /** The account of its connection. */
  readonly account: Account;
  /** Whether it has had a response, or has none to expect. */
  readonly answered: boolean;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  /** Ends the stream with this error's status. */
  fail(error: XdsError): void;
}

/** What {@link Balance} does with a connection. */
export interface MovableConnection {
  /** Tells the client to open no more streams. */
  goAway(): void;
  destroy(): void;
}

/** How long, in milliseconds, a stream must have been open before it is moved. */
const settledMs = 30_000;
/** How long, in milliseconds, a node that was moved or refused is left alone when it comes back. */
const leftAloneMs = 600_000;
/** How many of these nodes are remembered. */
const mostRemembered = 10_000;
/** How long, in milliseconds, a connection may stay open after its streams were ended. Then it is closed. */
const graceMs = 10_000;

/**
 * Sends nodes to other servers of the same configuration. A node is moved by ending its streams and its connection, so
 * it connects again, where a load balancer or its own list of servers leads it. If it comes back here, it stays.
 */
export class Balance {
  /** A node that connects is refused if there are more streams than this. */
  mostStreams = Number.POSITIVE_INFINITY;
  /** Whether nodes may be moved now. */
  mayMove: () => boolean = () => false;
  /** How many nodes were moved or refused. */
  moved = 0;
  private readonly byConnection = new Map<Account, Set<MovableStream>>();
  private readonly connections = new WeakMap<Account, MovableConnection>();
  /** Nodes that were moved or refused, with the time as `performance.now()`, oldest first. */
  private readonly remembered = new Map<string, number>();
  /** Connections whose nodes are on their way. */
  private readonly leaving = new WeakSet<Account>();

  /** `streams`: all open streams. */
  constructor(private readonly streams: { readonly size: number }) {}

  connected(account: Account, connection: MovableConnection): void {
    this.connections.set(account, connection);
  }

  opened(stream: MovableStream): void {
    const known = this.byConnection.get(stream.account);
    if (known) known.add(stream);
    else this.byConnection.set(stream.account, new Set([stream]));
  }

  closed(stream: MovableStream): void {
    const known = this.byConnection.get(stream.account);
    known?.delete(stream);
    if (known?.size === 0) this.byConnection.delete(stream.account);
  }

  /**
   * Called for the first request of a stream, before the stream has its node. Returns undefined if the node may stay.
   * @throws XdsError (as a rejection) MOVED if the node should connect elsewhere
   */
  check({ account }: Pick<MovableStream, "account">, { id }: { readonly id: string }): Promise<void> | undefined {
    if (this.leaving.has(account)) return Promise.reject(elsewhere());
    if (this.streams.size <= this.mostStreams || this.isRemembered(id) || !this.mayMove()) return undefined;
    // A connection that has a node stays as it is: the node has another stream there, or others have it behind a proxy.
    for (const { node } of this.byConnection.get(account) ?? []) if (node !== undefined) return undefined;
    this.sendAway(id, account);
    return Promise.reject(elsewhere());
  }

  /** Moves nodes that have together about this many streams. Returns how many streams were ended. */
  shed(count: number): number {
    const settled = Date.now() - settledMs;
    let ended = 0;
    // In a random order: nobody pays for being here longest.
    for (const [account, streams] of shuffled([...this.byConnection])) {
      if (ended >= count) break;
      const [first] = streams;
      const id = first?.node?.id;
      if (id === undefined || this.isRemembered(id)) continue;
      const all = [...streams];
      if (all.every(({ answered, openedAt }) => answered && openedAt < settled)) ended += this.move(id, account, all);
    }
    return ended;
  }

  /** Ends a node's streams of a connection. Returns how many. */
  private move(id: string, account: Account, streams: readonly MovableStream[]): number {
    // Behind a proxy, other nodes may have the same connection. They keep it.
    const own = streams.filter(({ node }) => node?.id === id);
    this.sendAway(id, own.length === streams.length ? account : undefined);
    for (const stream of own) stream.fail(elsewhere());
    return own.length;
  }

  /** Notes that a node goes away, and ends its connection, if it has one of its own. */
  private sendAway(id: string, account: Account | undefined): void {
    this.moved++;
    const key = keyOf(id);
    this.remembered.delete(key);
    this.remembered.set(key, performance.now());
    const [oldest = ""] = this.remembered.keys();
    if (this.remembered.size > mostRemembered) this.remembered.delete(oldest);
    const connection = account && this.connections.get(account);
    if (!connection) return;
    this.leaving.add(account);
    connection.goAway();
    setTimeout(() => connection.destroy(), graceMs).unref();
  }

  private isRemembered(id: string): boolean {
    const at = this.remembered.get(keyOf(id));
    return at !== undefined && performance.now() - at < leftAloneMs;
  }
}

/** Shuffles a list in place, step by step. */
function* shuffled<T>(list: T[]): Iterable<T> {
  for (let left = list.length; left > 0; left--) {
    const at = Math.floor(Math.random() * left);
    yield list[at] as T;
    list[at] = list[left - 1] as T;
  }
}

/** A client chooses its id, so it is cut. */
const keyOf = (id: string) => id.slice(0, 256);

const elsewhere = () =>
  new XdsError("MOVED", "this server has more streams than others that serve the same; connect again, to another one");
