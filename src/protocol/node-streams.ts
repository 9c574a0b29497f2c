import type { Node } from "../cache/config-watcher.js";
import { refersTo } from "./reference-targets.js";
import type { Subscription } from "./subscription.js";

/** The part of a stream that {@link NodeStreams} reads. */
interface NodeStream {
  /** "" on an aggregated stream. */
  readonly typeUrl: string;
  readonly node: Node | undefined;
  /** The address of the connection's other end. */
  readonly peer: string;
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

/** How many streams of one node id count as related. More streams are not one client. */
const maxRelatedStreams = 64;

const none: readonly never[] = [];

/** How many names of one group removals can wait for. */
const maxWatchedNames = 10_000;

/**
 * Finds the streams that may belong to one client. An aggregated stream and the separate ones on the same connection
 * do. If a node has no aggregated stream on the connection, all separate streams with its id count as one client's.
 * Aggregated streams are never related to each other, because two Envoys may share an id.
 */
export class NodeStreams<S extends NodeStream> {
  private readonly byNode = new Map<string, S | Set<S>>();
  /** By node id, and by connection and node id. Only if there are separate streams. */
  private readonly groups = new Map<string, Group<S>>();

  /** Called once the node is known. A stream of a node without an id is related to no other. */
  add(stream: S): void {
    const id = stream.node?.id;
    if (!id) return;
    const known = this.byNode.get(id);
    if (!known) this.byNode.set(id, stream);
    else if (known instanceof Set) known.add(stream);
    else this.byNode.set(id, new Set([known, stream]));
    for (const key of keysOf(stream)) {
      const group = this.groups.get(key);
      if (group) group.add(stream);
      else if (stream.typeUrl !== "") {
        const made = new Group<S>();
        for (const other of this.withId(id)) if (keysOf(other).includes(key)) made.add(other);
        this.groups.set(key, made);
      }
    }
  }

  remove(stream: S): void {
    const id = stream.node?.id;
    if (!id) return;
    const known = this.byNode.get(id);
    if (known === stream) this.byNode.delete(id);
    else if (known instanceof Set && known.delete(stream) && known.size === 0) this.byNode.delete(id);
    for (const key of keysOf(stream)) {
      const group = this.groups.get(key);
      group?.remove(stream);
      if (group?.aggregated === group?.streams.size) this.groups.delete(key);
    }
  }

  private withId(id: string): Iterable<S> {
    const known = this.byNode.get(id);
    return known instanceof Set ? known : known ? [known] : [];
  }

  /** The streams of the same client, this one included. If separate streams share only an id, the first of them. */
  *of(stream: S): Iterable<S> {
    yield stream;
    const isAggregated = stream.typeUrl === "";
    const group = isAggregated ? this.groups.get(connectionKey(stream)) : this.groupOf(stream);
    let count = 0;
    for (const other of group?.streams ?? []) {
      if (other === stream || (isAggregated && other.typeUrl === "")) continue;
      if (++count > maxRelatedStreams) return;
      yield other;
    }
  }

  /**
   * Whether any stream of a separate stream's client refers to a name. If so, `waiter` is woken when none does any
   * more.
   */
  isUsed(stream: S, typeUrl: string, name: string, waiter: Subscription): boolean {
    return this.groupOf(stream)?.isUsed(typeUrl, name, waiter) ?? false;
  }

  /** A request has changed what the stream's client has. */
  answered(stream: S): void {
    if (stream.node?.id) for (const key of keysOf(stream)) this.groups.get(key)?.answered(stream);
  }

  /** The cache has something new for the stream. */
  changed(stream: S): void {
    if (stream.node?.id) for (const key of keysOf(stream)) this.groups.get(key)?.changed();
  }

  /** The aggregated streams on the connection of a separate stream. */
  *aggregatedBeside(stream: S): Iterable<S> {
    if (stream.typeUrl === "" || !stream.node?.id) return;
    const group = this.groups.get(connectionKey(stream));
    if (group?.aggregated) for (const other of group.streams) if (other.typeUrl === "") yield other;
  }

  private groupOf(stream: S): Group<S> | undefined {
    if (!stream.node?.id) return undefined;
    const beside = this.groups.get(connectionKey(stream));
    return beside?.aggregated ? beside : this.groups.get(nodeKey(stream));
  }
}

const nodeKey = ({ node }: NodeStream) => ` ${node?.id}`;
const connectionKey = ({ node, peer }: NodeStream) => `${peer} ${node?.id}`;
const keysOf = (stream: NodeStream): readonly string[] => [nodeKey(stream), connectionKey(stream)];

/** A name that removals wait for. */
interface WatchedName {
  readonly typeUrl: string;
  readonly name: string;
  /** A subscription that refers to the name. */
  witness: Subscription;
  readonly waiters: Set<Subscription>;
}

/**
 * Streams that count as one client's. For each name that removals wait for, one subscription that refers to it is
 * remembered, its witness. The next one is searched only when the witness no longer refers to it. So a swap takes time
 * in proportion to the streams.
 */
class Group<S extends NodeStream> {
  readonly streams = new Set<S>();
  aggregated = 0;
  private readonly watched = new Map<string, WatchedName>();
  private readonly byWitness = new Map<Subscription, Set<WatchedName>>();
  private readonly byWaiter = new Map<Subscription, Set<WatchedName>>();
  /** Names that nothing refers to, until something changes. */
  private readonly free = new Set<string>();
  /** The stream from which the search for the next witness goes on. */
  private search: Iterator<S> | undefined;

  add(stream: S): void {
    this.streams.add(stream);
    if (stream.typeUrl === "") this.aggregated++;
    this.free.clear();
  }

  remove(stream: S): void {
    if (!this.streams.delete(stream)) return;
    if (stream.typeUrl === "") this.aggregated--;
    for (const subscription of stream.subscriptions.values()) {
      for (const one of this.byWaiter.get(subscription) ?? none) one.waiters.delete(subscription);
      this.byWaiter.delete(subscription);
    }
    this.answered(stream, true);
  }

  changed(): void {
    if (this.free.size > 0) this.free.clear();
  }

  isUsed(typeUrl: string, name: string, waiter: Subscription): boolean {
    const key = `${typeUrl} ${name}`;
    const known = this.watched.get(key);
    if (known) {
      this.waitFor(known, waiter);
      if (uses(known.witness, typeUrl, name)) return true;
      this.findNext(known);
      return this.watched.has(key);
    }
    if (this.free.has(key) || this.watched.size >= maxWatchedNames) return false;
    const witness = this.find(typeUrl, name);
    if (!witness) {
      this.free.add(key);
      return false;
    }
    const one: WatchedName = { typeUrl, name, witness, waiters: new Set() };
    this.watched.set(key, one);
    note(this.byWitness, witness, one);
    this.waitFor(one, waiter);
    return true;
  }

  answered(stream: S, isClosed = false): void {
    if (this.byWitness.size === 0) return;
    for (const subscription of stream.subscriptions.values())
      for (const one of [...(this.byWitness.get(subscription) ?? [])])
        if (isClosed || !uses(subscription, one.typeUrl, one.name)) this.findNext(one);
  }

  private findNext(one: WatchedName): void {
    forget(this.byWitness, one.witness, one);
    const witness = this.find(one.typeUrl, one.name);
    if (witness) {
      one.witness = witness;
      note(this.byWitness, witness, one);
      return;
    }
    const key = `${one.typeUrl} ${one.name}`;
    this.watched.delete(key);
    this.free.add(key);
    for (const waiter of one.waiters) {
      forget(this.byWaiter, waiter, one);
      waiter.lookAgain();
    }
  }

  private waitFor(one: WatchedName, waiter: Subscription): void {
    if (one.waiters.has(waiter)) return;
    one.waiters.add(waiter);
    note(this.byWaiter, waiter, one);
  }

  /** Finds a subscription that refers to a name. Each search goes on with the stream after the last one's. */
  private find(typeUrl: string, name: string): Subscription | undefined {
    // Ends after the rest of this round and a whole one.
    for (let ends = 0; ends < 2; ) {
      this.search ??= this.streams.values();
      const { value: stream, done } = this.search.next();
      if (done) {
        this.search = undefined;
        ends++;
        continue;
      }
      for (const subscription of stream.subscriptions.values())
        if (uses(subscription, typeUrl, name)) return subscription;
    }
    return undefined;
  }
}

function note(index: Map<Subscription, Set<WatchedName>>, subscription: Subscription, one: WatchedName): void {
  const known = index.get(subscription);
  if (known) known.add(one);
  else index.set(subscription, new Set([one]));
}

function forget(index: Map<Subscription, Set<WatchedName>>, subscription: Subscription, one: WatchedName): void {
  const known = index.get(subscription);
  if (known?.delete(one) && known.size === 0) index.delete(subscription);
}

function uses(subscription: Subscription, typeUrl: string, name: string): boolean {
  for (const resource of subscription.outdated()) if (refersTo(resource, typeUrl, name)) return true;
  return false;
}
