import type {
  Changes,
  ConfigWatcher,
  Node,
  ResourceView,
  Watch,
  Watcher,
  WatchRequest,
} from "../cache/config-watcher.js";
import { canonicalName, collectionOf, hasSpellings, isGlob } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/types.js";
import { AskedNames } from "./asked-names.js";
import { contentsOf } from "./changes.js";
import { ClientState, type Delivery, type NackOptions, Reported, type Verdict, type Wants } from "./client-state.js";
import type { Difference } from "./diff.js";
import { LazyMap, LazySet } from "./lazy.js";
import { Ledger, type NackEntry, nackEntry } from "./ledger.js";
import { mentionedIn, tookNothing } from "./mentions.js";
import type { ErrorDetail } from "./messages.js";
import type { OpenChange } from "./open-change.js";
import type { RetryTimes } from "./retry.js";
import type { Withheld } from "./withheld.js";

/** What is known of one name of one client. */
export interface NameState {
  /** Canonical. */
  readonly name: string;
  /** What is served of it. */
  readonly served: Resource | undefined;
  /** What the client last certainly had, where the content is known. */
  readonly has: Resource | undefined;
  /** The version of that; undefined: it had nothing. */
  readonly version: string | undefined;
  /** A response with it is unanswered, or it is in a piece that is not sent yet. */
  readonly isMoving: boolean;
  /** What was refused and is not replaced; `resource` undefined: its removal. */
  readonly refused: { readonly resource: Resource | undefined; readonly nack: NackEntry } | undefined;
  /** Why it stays on the client as it is. */
  readonly waits: Withheld | undefined;
}

/** What one client wants of one type, and what it has yet to be sent. `state` knows what it has. */
export class Subscription implements Watcher, Wants {
  wildcard = false;
  /** Some request has named something, so that an empty list no longer means everything (P35). */
  named = false;
  readonly names = new LazySet<string>();
  /** What `names` are, as a request listed them; undefined: not as one list. */
  list: readonly string[] | undefined;
  readonly state = new ClientState(this);
  /** Names to be answered although the client may have them (P26, P28, P40, P42, P45, P51). */
  readonly asked = new AskedNames();
  private due: Set<string> | undefined;
  /** Explicit names that have changed since they were last looked at. */
  readonly stale = new LazySet<string>();
  /** Every explicit name is to be looked at. */
  allStale = true;
  private spelt: Map<string, string> | undefined;
  /** Names that a resolver was asked for, and the bound of its time (P62); "done": what is there now is the answer. */
  private resolving: Map<string, NodeJS.Timeout | "done"> | undefined;
  /** A heartbeat of what has a TTL is due (P58). */
  beatDue = false;
  /** Names whose removal (P54) or change (P53) waits. */
  readonly waiting = new LazyMap<string, Withheld>();
  private leftNames: Set<string> | undefined;
  /** The client waits for a response, even an empty one (P46, P56). */
  mustAnswer = false;
  /** The client brought versions from an earlier stream. */
  hasReported = false;
  /** SotW: the client has taken something on an earlier stream, and nobody knows what. */
  hasEarlier = false;
  /** The versions that the client reports of an earlier stream count (P36). */
  isTrusted = true;
  /** Counts the stream's looks: its number when this subscription was last looked at in full. */
  lookedAt = 0;
  readonly ledger = new Ledger();
  lastRequestAt = 0;
  /** Set by `open`, and by the cache when another view answers. */
  view!: ResourceView;
  private watch!: Watch;

  private constructor(
    readonly node: Node,
    readonly type: ResourceType,
    private readonly onWake: (subscription: Subscription) => void,
    /** Called when the cache has something new. */
    private readonly onChange: () => void,
  ) {}

  /** Starts with nothing subscribed; undefined: the cache has nothing to say of this type to this node. */
  static open(
    watcher: ConfigWatcher,
    request: WatchRequest,
    onWake: (subscription: Subscription) => void,
    onChange: () => void = () => {},
  ): Subscription | undefined {
    const subscription = new Subscription(request.node, request.type, onWake, onChange);
    const watch = watcher.watch(request, subscription);
    if (!watch) return undefined;
    subscription.watch = watch;
    subscription.view = watch.view;
    return subscription;
  }

  /** Refused names whose content is offered again (P16). */
  get retried(): ReadonlySet<string> {
    return this.due ?? noNames;
  }

  /** How the client spells names that are spelt otherwise here (P64). */
  get spellings(): ReadonlyMap<string, string> {
    return this.spelt ?? noSpellings;
  }

  /** Subscribed names that an earlier state of the client referred to, and that nothing may refer to any more (P54). */
  get left(): ReadonlySet<string> {
    return this.leftNames ?? noNames;
  }

  /** An earlier state of the client referred to a name. */
  leave(name: string): void {
    if (!this.names.has(name)) return;
    this.leftNames ??= new Set();
    this.leftNames.add(name);
  }

  get lastResponseAt(): number {
    return this.ledger.sent?.at ?? 0;
  }

  /**
   * Nothing has changed or been asked for since it was last looked at, and nothing waits but what a draining listener
   * may use.
   */
  get upToDate(): boolean {
    return this.isLookedAt && !this.isWaiting;
  }

  /** Something waits, and not only for the client's old listeners to drain. */
  get isWaiting(): boolean {
    if (this.waiting.size > 0) for (const { why } of this.waiting.values()) if (why !== "draining") return true;
    return false;
  }

  /** Nothing has changed or been asked for since it was last looked at. */
  get isLookedAt(): boolean {
    const { state, asked, retried } = this;
    if (this.mustAnswer || !asked.isDone || retried.size > 0 || this.nextPiece) return false;
    if (this.allStale) return false;
    return this.wildcard ? state.offered === this.view.position : this.stale.size === 0;
  }

  /** The list, where nothing is known of what the client has, and it is to be answered each of the names and nothing else. */
  get unansweredList(): readonly string[] | undefined {
    const { list, asked, state } = this;
    if (!list || this.wildcard || !this.allStale || state.hasAnything || list.length !== asked.size) return undefined;
    if (!state.isPlain || state.inFlight.length > 0) return undefined;
    return list.every((name) => asked.has(name)) ? list : undefined;
  }

  /** Looking at it again would find nothing to say and nothing to write down. */
  get isSettled(): boolean {
    return this.isLookedAt && this.waiting.size === 0 && !this.beatDue;
  }

  /** The change of which a piece is to be sent next (P17). */
  get nextPiece(): OpenChange | undefined {
    if (this.state.open.length === 0) return undefined;
    for (const change of this.state.open)
      if (!change.nack && change.next && !this.state.inFlight.some(({ piece }) => piece === change)) return change;
    return undefined;
  }

  /** The names that may differ from what is served, without a wildcard. */
  get touched(): Iterable<string> {
    if (this.allStale) return new Set([...this.names, ...this.state.exceptions.keys()]);
    return this.waiting.size === 0 ? this.stale : new Set([...this.stale, ...this.waiting.keys()]);
  }

  /** Every resource that the client may be using and that is not what is served. */
  outdated(): Iterable<Resource> {
    return this.state.outdated(this.wildcard ? [] : this.touched);
  }

  /**
   * Every name that the client subscribes or may have, with what is known of it. This is what status, CSDS and dumps
   * read.
   */
  *nameStates(): Iterable<NameState> {
    const { view, wildcard, state, names, waiting } = this;
    const all = new Set<string>();
    if (wildcard) for (const { key } of view.all()) all.add(key);
    for (const name of names)
      if (isGlob(name)) for (const member of view.members(name)) all.add(member.key);
      else if (!wildcard || !view.get(name)) all.add(name);
    if (wildcard) for (const name of view.since(state.position).removed) all.add(name);
    for (const known of [state.exceptions, state.refused, waiting]) for (const name of known.keys()) all.add(name);
    for (const change of state.open) for (const name of change.names()) all.add(name);
    for (const name of all) {
      const last = state.last(name);
      const now = view.get(name);
      const change = state.openWith(name);
      const nack = change?.blames(name) ? change.nack : undefined;
      const refused = state.refused.get(name) ?? (nack && { resource: change?.content(name), nack });
      yield {
        name,
        served: now,
        has: last instanceof Resource ? last : last && last.version === now?.version ? now : undefined,
        version: last?.version,
        isMoving: state.coming(name) !== undefined || change?.isPending(name) === true,
        refused,
        waits: waiting.get(name),
      };
    }
  }

  isWithheld(name: string): boolean {
    return this.waiting.has(name);
  }

  isDraining(name: string): boolean {
    return this.waiting.get(name)?.why === "draining";
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

  keysOf({ key, aliasKeys }: Resource): readonly string[] {
    if (aliasKeys.length === 0) return this.covers(key) ? [key] : [];
    const found = aliasKeys.filter((alias) => this.names.has(alias));
    return this.covers(key) ? [key, ...found] : found;
  }

  // Called by the variants, for a request

  /** Names a resource explicitly, as the client spells it. */
  add(spelling: string): void {
    const name = canonicalName(spelling);
    this.list = undefined;
    this.named = true;
    if (this.view.get(name) || isGlob(name)) this.asked.add(name);
    else this.asked.addMissing(name);
    this.spell(name, spelling);
    if (this.names.has(name)) return;
    this.names.add(name);
    if (!this.wildcard) this.view.follow(this, name);
  }

  /** Takes back an explicit name; under a wildcard it stays subscribed. */
  drop(spelling: string): void {
    const name = canonicalName(spelling);
    this.list = undefined;
    this.names.delete(name);
    this.leftNames?.delete(name);
    this.spelt?.delete(name);
    this.stopResolving(name);
    if (this.wildcard) {
      if (!this.view.get(name) && !this.state.mayHave(name)) this.forget(name);
      return;
    }
    this.view.unfollow(this, name);
    this.forget(name);
    if (!isGlob(name)) return;
    const { exceptions, refused, gone, deferred, open } = this.state;
    for (const known of [exceptions, refused, gone, deferred, ...open.map((change) => new Set(change.names()))])
      for (const held of [...known.keys()]) if (!this.covers(held)) this.forget(held);
  }

  /**
   * The client reports what it has from an earlier stream (P49). Such a name needs no answer if it is what is served.
   */
  report(spelling: string, version: string, placeholder: Resource | undefined): void {
    const name = canonicalName(spelling);
    if (!this.covers(name)) return; // reporting subscribes nothing (P50)
    this.hasReported = true;
    this.state.report(name, placeholder?.version === version ? placeholder : new Reported(version));
    this.spell(name, spelling);
    this.asked.delete(name);
  }

  private spell(name: string, spelling: string): void {
    if (!hasSpellings(name)) return;
    this.spelt ??= new Map();
    this.spelt.set(name, spelling);
  }

  private stopResolving(name: string): void {
    const timer = this.resolving?.get(name);
    if (timer !== "done") clearTimeout(timer);
    this.resolving?.delete(name);
  }

  private forget(name: string): void {
    this.state.forget(name);
    for (const set of [this.asked, this.stale, this.due, this.waiting]) set?.delete(name);
    this.clearError();
  }

  setWildcard(wildcard: boolean): void {
    if (wildcard === this.wildcard) return;
    if (wildcard) {
      this.wildcard = true;
      this.state.keepRefused();
      for (const name of this.names) this.view.unfollow(this, name);
      this.view.followAll(this);
      this.mustAnswer = true;
      return;
    }
    this.view.unfollowAll(this);
    const covers = (name: string) => this.names.has(name) || this.names.has(collectionOf(name) ?? "");
    this.state.flatten(this.names, covers);
    this.wildcard = false;
    for (const name of this.names) this.view.follow(this, name);
    this.asked.keep((name) => this.covers(name));
    for (const set of [this.due, this.waiting])
      for (const name of set?.keys() ?? []) if (!this.covers(name)) set?.delete(name);
    this.allStale = true;
    this.mustAnswer = false;
  }

  // Called by the cache

  wake(name?: string): void {
    if (name !== undefined) {
      this.stale.add(name);
      this.asked.hurry(name);
    }
    this.onChange();
    this.onWake(this);
  }

  /** Something that it waits for may have come. */
  lookAgain(): void {
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
      if (this.resolving?.get(name) === "done") {
        this.resolving.delete(name);
        continue;
      }
      this.asked.delete(name);
      if (this.resolving?.has(name)) continue;
      this.resolving ??= new Map();
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
    const timer = this.resolving?.get(name);
    if (timer === undefined || timer === "done") return;
    this.stopResolving(name);
    if (this.view.get(name)) return; // its coming has woken us
    this.resolving ??= new Map();
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
    this.asked.hurryAll();
    if (this.wildcard) {
      const { position } = this.state;
      const known = position < 0 ? [] : [...old.all().map(({ key }) => key), ...old.since(position).removed];
      this.state.flatten(known, () => true);
      old.unfollowAll(this);
      view.followAll(this);
    } else {
      this.state.leave();
      for (const name of this.names) {
        old.unfollow(this, name);
        view.follow(this, name);
      }
    }
    this.view = view;
    this.allStale = true;
    this.wake();
  }

  // Called by the stream, for a response

  /** A response goes out. `untold`: removals that this variant cannot announce. */
  send(delivery: Delivery, difference: Difference, untold: readonly string[]): void {
    this.state.send(delivery);
    this.ledger.onSent(delivery);
    this.looked(difference, delivery.partial);
    this.mustAnswer = false; // a part is an answer too
    for (const name of untold) this.state.lose(name);
  }

  /** A change goes out in pieces. */
  sendInPieces(pieces: readonly Difference["changes"][], difference: Difference, partial: boolean): void {
    this.looked(difference, partial);
    this.mustAnswer = false;
    this.state.sendInPieces(pieces, difference.to);
  }

  /** A name is left out of its piece of a change; `why` it waits, undefined: it was replaced meanwhile. */
  defer(name: string, why: Withheld | undefined): void {
    this.state.defer(name);
    if (why) this.waiting.set(name, why);
    else this.lookAt(name);
  }

  /** There is nothing to say: what the client has is what it is to have, or cannot be told (a removal in SotW). */
  settle(difference: Difference, partial: boolean): void {
    this.looked(difference, partial);
    for (const name of difference.changes.removed) this.state.lose(name);
    // An unanswered response may yet be refused: the position moves with its answer.
    if (difference.to !== undefined && this.state.inFlight.length === 0) this.state.reach(difference.to);
    this.clearError();
  }

  /** The client has taken the response. */
  ack(delivery: Delivery): void {
    this.answered(delivery);
    this.state.ack(delivery);
    this.lookAtReplaced();
    this.ledger.onAck(delivery);
    this.clearError();
  }

  /** The client has refused the response. `taking` is called before a resource of it counts as taken all the same. */
  nack(delivery: Delivery, error: ErrorDetail, retry: RetryTimes, taking: NackOptions["taking"]): Verdict {
    this.answered(delivery);
    const at = Date.now(); // one time for the response and for each resource in it
    const entry = (refused: Changes) => nackEntry(delivery, error, at, refused);
    const verdict = this.state.nack(delivery, entry, {
      tookNothing: tookNothing(this.node.userAgentName, error.message),
      mentioned: (changes) => mentionedIn(changes, error.message),
      retryAt: (tries) => retry.next(tries),
      taking,
    });
    this.lookAtReplaced();
    if (verdict.refused) this.ledger.onNack(entry(verdict.refused), this.state.refused.keys());
    // Of an empty response, or of names that are not subscribed any more, nothing is left to replace.
    if (this.state.isClean && !this.nextPiece) this.ledger.nacked = undefined;
    return verdict;
  }

  /**
   * Under a wildcard, a response that leads to no position (another view answers since it was sent) leaves what it said
   * to be compared.
   */
  private answered({ to, piece, changes }: Delivery): void {
    if (this.wildcard && to === undefined && !piece?.isPassed) this.allStale = true;
    // While this was on its way, a refused content of the same name may have come back, and was left alone.
    if (this.state.refused.size > 0)
      for (const [name, { resource }] of this.state.refused)
        if (contentsOf(changes).has(name) && this.view.get(name)?.version === resource?.version) this.lookAt(name);
  }

  private lookAt(name: string): void {
    if (this.wildcard) this.allStale = true;
    else this.stale.add(name);
  }

  /** Offers again what was refused alone and is due (P16). Returns when the next is due, as `performance.now()`. */
  retry(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [name, retryAt] of this.retries()) {
      if (this.retried.has(name)) continue;
      if (retryAt <= now) {
        this.due ??= new Set();
        this.due.add(name);
      } else if (retryAt < next) next = retryAt;
    }
    return next;
  }

  /**
   * The names whose refused content is offered again, each with `performance.now()` of that (P16). Newer content
   * cancels it.
   */
  *retries(): Iterable<[name: string, retryAt: number]> {
    for (const [name, { retryAt, resource }] of this.state.refused) {
      if (retryAt === undefined || this.state.coming(name)) continue;
      if (this.view.get(name)?.version === resource?.version) yield [name, retryAt];
    }
  }

  /** The client is known to have all of the view as it is now (P36). */
  assumeCurrent(): void {
    this.mustAnswer = false;
    this.allStale = false;
    this.asked.clear();
    this.state.reach(this.view.position);
  }

  close(): void {
    if (this.wildcard) this.view.unfollowAll(this);
    else for (const name of this.names) this.view.unfollow(this, name);
    for (const name of this.resolving?.keys() ?? []) this.stopResolving(name);
    this.state.leave();
    this.watch.close();
  }

  /** Looks again at what was refused, is served otherwise now, and is not on its way: it may be what the client has. */
  private lookAtReplaced(): void {
    if (this.state.refused.size === 0) return;
    for (const [name, { resource }] of this.state.refused) {
      if (this.view.get(name)?.version === resource?.version) continue;
      if (this.state.coming(name) || this.state.isRepeated(name)) continue;
      this.lookAt(name);
    }
  }

  private looked({ withheld, healed }: Difference, partial: boolean): void {
    this.asked.next();
    this.due = undefined;
    if (!partial) {
      this.stale.clear();
      this.allStale = false;
      this.mustAnswer = false;
      this.waiting.clear();
    }
    for (const [name, why] of withheld) {
      if (this.wildcard) this.state.withhold(name);
      this.waiting.set(name, why);
    }
    for (const name of healed) this.state.heal(name);
  }

  /** The error of a NACK stands until nothing that was refused is left (P18). */
  private clearError(): void {
    const { ledger, state } = this;
    if (!ledger.nacked) return;
    if (state.isClean) ledger.nacked = undefined;
    else ledger.keepNames((name) => state.refused.has(name) || state.openWith(name)?.isRefused === true);
  }
}

const noNames: ReadonlySet<string> = new Set();
const noSpellings: ReadonlyMap<string, string> = new Map();
