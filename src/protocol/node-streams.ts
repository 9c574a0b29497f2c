import type { Node } from "../cache/config-watcher.js";
import { refersTo } from "./make-before-break.js";
import type { Subscription } from "./subscription.js";

/** A stream, as far as this has to know it. */
interface OfNode {
  /** "" on an aggregated stream. */
  readonly typeUrl: string;
  readonly node: Node | undefined;
  /** The connection. */
  readonly peer: string;
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

/** How many streams of one node id are asked, where each would have to be: more than that are not one client. */
const mostAsked = 64;

const none: readonly never[] = [];

/** How many names of one group are waited for at a time. */
const mostWatched = 10_000;

/**
 * The streams that may belong to one client. An aggregated stream and the separate ones beside it on the same
 * connection do. Where a node has no aggregated stream on the connection, separate streams with its id are taken for
 * one client's. Aggregated streams are never related to each other: two Envoys may share an id.
 */
export class NodeStreams<S extends OfNode> {
  private readonly byNode = new Map<string, S | Set<S>>();
  /** By node id, and by connection and node id: only where there are separate streams. */
  private readonly groups = new Map<string, Group<S>>();

  /** Called once the node is known. Streams of nodes without an id stand alone. */
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

  /** The streams of the same client, this one included. Of separate streams that share nothing but an id, the first. */
  *of(stream: S): Iterable<S> {
    yield stream;
    const isAggregated = stream.typeUrl === "";
    const group = isAggregated ? this.groups.get(connectionKey(stream)) : this.groupOf(stream);
    let count = 0;
    for (const other of group?.streams ?? []) {
      if (other === stream || (isAggregated && other.typeUrl === "")) continue;
      if (++count > mostAsked) return;
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

  /** The aggregated streams beside a separate one. */
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

const nodeKey = ({ node }: OfNode) => ` ${node?.id}`;
const connectionKey = ({ node, peer }: OfNode) => `${peer} ${node?.id}`;
const keysOf = (stream: OfNode): readonly string[] => [nodeKey(stream), connectionKey(stream)];

/** A name that removals wait for. */
interface Watched {
  readonly typeUrl: string;
  readonly name: string;
  /** One that refers to it. */
  witness: Subscription;
  readonly waiters: Set<Subscription>;
}

/**
 * Streams that are taken for one client's. For each name that removals wait for, one subscription that refers to it is
 * the witness. Only when it no longer does, the next one is looked for. So a swap costs time in proportion to the
 * streams.
 */
class Group<S extends OfNode> {
  readonly streams = new Set<S>();
  aggregated = 0;
  private readonly watched = new Map<string, Watched>();
  private readonly byWitness = new Map<Subscription, Set<Watched>>();
  private readonly byWaiter = new Map<Subscription, Set<Watched>>();
  /** Names that nothing refers to, until something changes. */
  private readonly free = new Set<string>();
  /** Where the search for the next witness goes on. */
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
    if (this.free.has(key) || this.watched.size >= mostWatched) return false;
    const witness = this.find(typeUrl, name);
    if (!witness) {
      this.free.add(key);
      return false;
    }
    const one: Watched = { typeUrl, name, witness, waiters: new Set() };
    this.watched.set(key, one);
    note(this.byWitness, witness, one);
    this.waitFor(one, waiter);
    return true;
  }

  answered(stream: S, isGone = false): void {
    if (this.byWitness.size === 0) return;
    for (const subscription of stream.subscriptions.values())
      for (const one of [...(this.byWitness.get(subscription) ?? [])])
        if (isGone || !uses(subscription, one.typeUrl, one.name)) this.findNext(one);
  }

  private findNext(one: Watched): void {
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

  private waitFor(one: Watched, waiter: Subscription): void {
    if (one.waiters.has(waiter)) return;
    one.waiters.add(waiter);
    note(this.byWaiter, waiter, one);
  }

  /** Any subscription that refers to a name. The streams are gone through in turn, from where the last search ended. */
  private find(typeUrl: string, name: string): Subscription | undefined {
    // The rest of this round, and a whole one.
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

function note(index: Map<Subscription, Set<Watched>>, subscription: Subscription, one: Watched): void {
  const known = index.get(subscription);
  if (known) known.add(one);
  else index.set(subscription, new Set([one]));
}

function forget(index: Map<Subscription, Set<Watched>>, subscription: Subscription, one: Watched): void {
  const known = index.get(subscription);
  if (known?.delete(one) && known.size === 0) index.delete(subscription);
}

function uses(subscription: Subscription, typeUrl: string, name: string): boolean {
  for (const resource of subscription.outdated()) if (refersTo(resource, typeUrl, name)) return true;
  return false;
}
