import type { ConfigWatcher, Node, ResourceView, Watch, Watcher, WatchRequest } from "../cache/config-watcher.js";
import { canonicalName, collectionOf, hasSpellings, isGlob } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/types.js";
import type { Difference } from "./diff.js";
import { Gone, type Held, inUse, Refusal, resourceOf, type Sent } from "./held.js";
import { Ledger } from "./ledger.js";
import type { ErrorDetail } from "./messages.js";

/** How many versions of a refused name are taken for perhaps in use: the latest ones. */
const inUseKept = 4;

/**
 * What one client wants of one type, has, and was sent.
 *
 * What it has is written down as the state of the view at `position` (everything subscribed) and the exceptions to that by
 * name in `held`. Without a wildcard there is no position, and `held` has it all.
 */
export class Subscription implements Watcher {
  wildcard = false;
  /** Some request has named something, so that an empty list no longer means everything (P35). */
  named = false;
  readonly names = new Set<string>();
  /** What `names` are, as a request listed them; undefined: not as one list. */
  list: readonly string[] | undefined;
  position = -1;
  readonly held = new Map<string, Held>();
  /** Names to be answered although the client may have them (P26, P28, P40, P42, P45, P51). */
  readonly asked = new Set<string>();
  /** Explicit names that have changed since they were last looked at. */
  readonly stale = new Set<string>();
  /** Every explicit name is to be looked at. */
  allStale = true;
  /** How the client spells names that are spelt otherwise here (P64). */
  readonly spellings = new Map<string, string>();
  /** Names that a resolver was asked for, and the bound of its time (P62); "done": what is there now is the answer. */
  readonly resolving = new Map<string, NodeJS.Timeout | "done">();
  /** What has a TTL is to be heard of again (P58). */
  beatDue = false;
  /** Names whose removal waits for what refers to them (P54), or whose change for what it refers to (P53), and since when, in ms since 1970. */
  readonly kept = new Map<string, number>();
  /** The client waits for a response, be it empty (P46, P56). */
  mustAnswer = false;
  /** The one response without an answer (P25). */
  inFlight: Sent | undefined;
  readonly ledger = new Ledger();
  lastRequestAt = 0;
  /** Set by `open`, and by the cache when another view answers. */
  view!: ResourceView;
  private watch!: Watch;

  private constructor(
    readonly node: Node,
    readonly type: ResourceType,
    private readonly onWake: (subscription: Subscription) => void,
  ) {}

  /** Starts with nothing subscribed; undefined: the cache has nothing to say of this type to this node. */
  static open(
    watcher: ConfigWatcher,
    request: WatchRequest,
    onWake: (subscription: Subscription) => void,
  ): Subscription | undefined {
    const subscription = new Subscription(request.node, request.type, onWake);
    const watch = watcher.watch(request, subscription);
    if (!watch) return undefined;
    subscription.watch = watch;
    subscription.view = watch.view;
    return subscription;
  }

  get lastResponseAt(): number {
    return this.ledger.sent?.at ?? 0;
  }

  /** Nothing has changed or been asked for since it was last looked at, and nothing is kept back. */
  get upToDate(): boolean {
    return this.isLookedAt && this.kept.size === 0;
  }

  /** Nothing has changed or been asked for since it was last looked at. */
  get isLookedAt(): boolean {
    if (this.mustAnswer || this.asked.size > 0) return false;
    return this.wildcard ? this.position === this.view.position : !this.allStale && this.stale.size === 0;
  }

  /** The list, where nothing is known of what the client has, and it is to be answered each of the names and nothing else. */
  get unansweredList(): readonly string[] | undefined {
    const { list, asked } = this;
    if (!list || this.wildcard || !this.allStale || this.held.size > 0 || list.length !== asked.size) return undefined;
    return list.every((name) => asked.has(name)) ? list : undefined;
  }

  /** Looking at it again would find nothing to say and nothing to write down. */
  get isSettled(): boolean {
    return this.upToDate && !this.beatDue && !this.ledger.nacked;
  }

  /** What the client is known to have of a name. */
  has(name: string): Held | undefined {
    return this.held.get(name) ?? (this.wildcard ? this.view.at(name, this.position) : undefined);
  }

  /** Every resource that the client may be using: what it has, what it may have taken or kept of what it refused, what is on its way. */
  *inUse(): Iterable<Resource> {
    if (this.wildcard)
      for (const resource of this.view.allAt(this.position)) if (!this.held.has(resource.key)) yield resource;
    for (const [name, has] of this.held) {
      yield* inUse(has);
      if (has.version === undefined || has instanceof Resource || has instanceof Refusal) continue;
      const now = this.view.get(name); // reported by the client: known if it is still what is served
      if (now?.version === has.version) yield now;
    }
    if (this.inFlight) yield* this.inFlight.changed;
  }

  /** Whether a request subscribes nothing new by saying this. */
  knows(spelling: string): boolean {
    return spelling === "*" || this.names.has(canonicalName(spelling));
  }

  covers(name: string): boolean {
    if (this.wildcard || this.names.has(name)) return true;
    const glob = collectionOf(name);
    return glob !== undefined && this.names.has(glob);
  }

  /** The names by which a resource is subscribed: its own, or aliases. */
  private keysOf(resource: Resource): string[] {
    const aliases = resource.aliases.length > 0 ? resource.aliases.filter((alias) => this.names.has(alias)) : [];
    return this.covers(resource.key) ? [resource.key, ...aliases] : aliases;
  }

  // Called by the variants, for a request

  /** Names a resource explicitly, as the client spells it. */
  add(spelling: string): void {
    const name = canonicalName(spelling);
    this.list = undefined;
    this.named = true;
    this.asked.add(name);
    if (hasSpellings(name)) this.spellings.set(name, spelling);
    if (this.names.has(name)) return;
    this.names.add(name);
    if (!this.wildcard) this.view.follow(this, name);
  }

  /** Takes back an explicit name; under a wildcard it stays subscribed. */
  drop(spelling: string): void {
    const name = canonicalName(spelling);
    this.list = undefined;
    this.names.delete(name);
    this.spellings.delete(name);
    this.stopResolving(name);
    if (this.wildcard) return;
    this.view.unfollow(this, name);
    this.forget(name);
    if (isGlob(name)) for (const held of this.held.keys()) if (!this.covers(held)) this.forget(held);
  }

  private stopResolving(name: string): void {
    const timer = this.resolving.get(name);
    if (timer !== "done") clearTimeout(timer);
    this.resolving.delete(name);
  }

  private forget(name: string): void {
    this.held.delete(name);
    this.asked.delete(name);
    this.stale.delete(name);
    this.kept.delete(name);
  }

  setWildcard(wildcard: boolean): void {
    if (wildcard === this.wildcard) return;
    this.wildcard = wildcard;
    if (wildcard) {
      for (const name of this.names) this.view.unfollow(this, name);
      this.view.followAll(this);
      this.mustAnswer = true;
      return;
    }
    this.view.unfollowAll(this);
    for (const name of this.names) {
      const has = this.held.get(name) ?? this.view.at(name, this.position); // as `has()` had it under the wildcard
      if (has) this.held.set(name, has);
      this.view.follow(this, name);
    }
    for (const set of [this.held, this.asked, this.kept])
      for (const name of set.keys()) if (!this.covers(name)) set.delete(name);
    this.forgetPosition();
    this.allStale = true;
    this.mustAnswer = false;
  }

  // Called by the cache

  wake(name?: string): void {
    if (name !== undefined) this.stale.add(name);
    this.onWake(this);
  }

  /**
   * Takes out of what was asked for the names that do not exist, for a resolver to be asked for them (P62); each comes back, with
   * a wake, when its time is over or `resolved` was called.
   */
  unresolved(timeoutMs: number): string[] {
    const names: string[] = [];
    for (const name of this.asked) {
      if (!this.names.has(name) || this.view.get(name) || isGlob(name)) continue;
      if (this.resolving.get(name) === "done") {
        this.resolving.delete(name);
        continue;
      }
      this.asked.delete(name);
      if (this.resolving.has(name)) continue;
      this.resolving.set(
        name,
        setTimeout(() => this.resolved(name), timeoutMs),
      );
      names.push(name);
    }
    return names;
  }

  /** The resolver has done what it can. */
  resolved(name: string): void {
    const timer = this.resolving.get(name);
    if (timer === undefined || timer === "done") return;
    this.stopResolving(name);
    if (this.view.get(name)) return; // its coming has woken us
    this.resolving.set(name, "done");
    this.asked.add(name);
    this.onWake(this);
  }

  beat(): void {
    this.beatDue = true;
    this.onWake(this);
  }

  move(view: ResourceView): void {
    const old = this.view;
    if (this.wildcard) {
      const hold = (name: string) => {
        const has = this.held.get(name) ?? old.at(name, this.position);
        if (has) this.held.set(name, has);
      };
      if (this.position >= 0) {
        for (const { key } of old.all()) hold(key);
        for (const name of old.since(this.position).removed) hold(name);
      }
      old.unfollowAll(this);
      view.followAll(this);
    } else
      for (const name of this.names) {
        old.unfollow(this, name);
        view.follow(this, name);
      }
    this.forgetPosition();
    this.view = view;
    this.allStale = true;
    this.wake();
  }

  // Called by the stream, for a response

  /** A response goes out; nothing further does until it is answered (P25). `untold`: what is gone but cannot be told. */
  send(sent: Sent, untold: readonly string[]): void {
    if (sent.to !== undefined) this.view.retain(sent.to);
    this.inFlight = sent;
    this.ledger.onSent(sent);
    this.looked(sent, sent.partial);
    this.mustAnswer = false; // a part is an answer too
    for (const name of untold) this.lose(name);
  }

  /** There is nothing to say: what the client has is what it is to have, or cannot be told (a removal in SotW). */
  settle(difference: Difference, partial: boolean): void {
    this.looked(difference, partial);
    for (const name of difference.removed) this.lose(name);
    if (difference.to === undefined) this.clearError();
    else {
      this.view.retain(difference.to);
      this.moveTo(difference.to);
    }
  }

  /** The client has taken the response. */
  ack(sent: Sent): void {
    this.inFlight = undefined;
    this.ledger.onAck(sent);
    for (const resource of sent.changed)
      for (const key of this.keysOf(resource))
        if (sent.to !== undefined && !sent.kept.has(key)) this.held.delete(key);
        else this.held.set(key, resource);
    for (const name of sent.removed) this.lose(name);
    if (sent.to !== undefined) this.moveTo(sent.to);
    else this.clearError();
  }

  /** The client has refused the response; what it had before is still in force. */
  nack(sent: Sent, error: ErrorDetail): void {
    this.inFlight = undefined;
    const entry = this.ledger.onNack(sent, error);
    // Of several a client may have taken some (Envoy does, of clusters and listeners): only of one is it known what it has.
    const known = sent.changed.length === 1 && sent.removed.length === 0;
    const refuse = (name: string, refused: Resource | undefined) => {
      const has = this.has(name);
      const used = refused && !known ? [...inUse(has), refused] : inUse(has);
      const version = known ? has?.version : "";
      // A client may have taken a removal although it refused the response, as Envoy does.
      const mayBeGone = has instanceof Refusal && !has.refused;
      const had = refused && mayBeGone ? undefined : resourceOf(has);
      this.held.set(name, new Refusal(version, refused, entry, sent, had, used.slice(-inUseKept)));
    };
    for (const resource of sent.changed) for (const key of this.keysOf(resource)) refuse(key, resource);
    for (const name of sent.removed) if (this.covers(name)) refuse(name, undefined);
    if (sent.to !== undefined) this.moveTo(sent.to);
  }

  /** The client is known to have all of the view as it is now (P36). */
  assumeCurrent(): void {
    this.mustAnswer = false;
    this.asked.clear();
    this.view.retain(this.view.position);
    this.moveTo(this.view.position);
  }

  close(): void {
    if (this.wildcard) this.view.unfollowAll(this);
    else for (const name of this.names) this.view.unfollow(this, name);
    for (const name of this.resolving.keys()) this.stopResolving(name);
    this.forgetPosition();
    this.watch.close();
  }

  private looked({ kept }: Difference, partial: boolean): void {
    empty(this.asked);
    const since = kept.size > 0 ? new Map(this.kept) : undefined;
    if (!partial) {
      empty(this.stale);
      this.allStale = false;
      this.mustAnswer = false;
      empty(this.kept);
    }
    for (const name of kept.keys()) {
      this.kept.set(name, since?.get(name) ?? Date.now());
      const has = this.has(name); // not yet what is on its way, as it was
      if (has) this.held.set(name, has);
    }
  }

  /** The client no longer has this, or cannot be told that it has not. */
  private lose(name: string): void {
    const used = inUse(this.held.get(name));
    if (!this.wildcard && used.length > 0 && this.names.has(name)) this.held.set(name, new Gone(used));
    else this.held.delete(name);
  }

  /** Takes over a retained position. All that `held` says is in the view there, but for what was refused or kept. */
  private moveTo(position: number): void {
    this.view.release(this.position);
    this.position = position;
    for (const [name, has] of this.held) if (!(has instanceof Refusal) && !this.kept.has(name)) this.held.delete(name);
    this.clearError();
  }

  /** The error of a NACK stands until nothing that was refused is left (P18). */
  private clearError(): void {
    if (!this.ledger.nacked) return;
    for (const has of this.held.values()) if (has instanceof Refusal) return;
    this.ledger.nacked = undefined;
  }

  private forgetPosition(): void {
    this.view.release(this.position);
    this.position = -1;
    if (this.inFlight?.to === undefined) return;
    this.view.release(this.inFlight.to);
    this.inFlight = { ...this.inFlight, to: undefined };
  }
}

/** Clears what is not empty: V8 allocates even to clear what is. */
const empty = (names: Set<string> | Map<string, number>) => {
  if (names.size > 0) names.clear();
};
