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
  /** New streams above this number are refused. */
  mostStreams = Number.POSITIVE_INFINITY;
  /** How many nodes were moved or refused. */
  moved = 0;
  private readonly connections = new WeakMap<Account, MovableConnection>();
  /** Nodes that were moved or refused, with the time as `performance.now()`, oldest first. */
  private readonly remembered = new Map<string, number>();
  /** Connections whose nodes are on their way. */
  private readonly leaving = new WeakSet<Account>();

  constructor(private readonly streams: ReadonlySet<MovableStream>) {}

  opened(account: Account, connection: MovableConnection): void {
    this.connections.set(account, connection);
  }

  /**
   * Called for the first request of a stream, before the stream has its node.
   * @throws XdsError MOVED if the node should connect elsewhere
   */
  check(account: Account, { id }: { readonly id: string }): void {
    if (this.leaving.has(account)) throw elsewhere();
    if (this.streams.size <= this.mostStreams || this.isRemembered(id)) return;
    this.move(
      id,
      account,
      [...this.streams].filter((one) => one.account === account),
    );
    throw elsewhere();
  }

  /** Moves nodes that have together about this many streams. Returns how many streams were ended. */
  shed(count: number): number {
    const settled = Date.now() - settledMs;
    let ended = 0;
    for (const [account, streams] of byConnection(this.streams)) {
      if (ended >= count) break;
      const id = streams[0]?.node?.id;
      const isReady = streams.every(({ answered, openedAt }) => answered && openedAt < settled);
      if (id !== undefined && isReady && !this.isRemembered(id)) ended += this.move(id, account, streams);
    }
    return ended;
  }

  /** Moves a node whose connection has these streams. Returns how many streams were ended. */
  private move(id: string, account: Account, streams: readonly MovableStream[]): number {
    this.moved++;
    const key = keyOf(id);
    this.remembered.delete(key);
    this.remembered.set(key, performance.now());
    const [oldest = ""] = this.remembered.keys();
    if (this.remembered.size > mostRemembered) this.remembered.delete(oldest);
    // Behind a proxy, other nodes may have the same connection. They keep it.
    const isShared = streams.some(({ node }) => node !== undefined && node.id !== id);
    const ended = isShared ? streams.filter(({ node }) => node?.id === id) : streams;
    const connection = isShared ? undefined : this.connections.get(account);
    if (connection) {
      this.leaving.add(account);
      connection.goAway();
      setTimeout(() => connection.destroy(), graceMs).unref();
    }
    for (const stream of ended) stream.fail(elsewhere());
    return ended.length;
  }

  private isRemembered(id: string): boolean {
    const at = this.remembered.get(keyOf(id));
    return at !== undefined && performance.now() - at < leftAloneMs;
  }
}

function byConnection(streams: Iterable<MovableStream>): ReadonlyMap<Account, readonly MovableStream[]> {
  const found = new Map<Account, MovableStream[]>();
  for (const stream of streams) {
    const known = found.get(stream.account);
    if (known) known.push(stream);
    else found.set(stream.account, [stream]);
  }
  return found;
}

/** A client chooses its id, so it is cut. */
const keyOf = (id: string) => id.slice(0, 256);

const elsewhere = () =>
  new XdsError("MOVED", "this server has more streams than others that serve the same; connect again, to another one");
