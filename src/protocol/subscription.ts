import type {
  Changes,
  ConfigWatcher,
  Node,
  ResourceView,
  Watch,
  Watcher,
  WatchRequest,
} from "../cache/config-watcher.js";
import { canonicalName, collectionOf, isGlob } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { ErrorDetail } from "../wire/messages.js";
import { contentsOf } from "./changes.js";
import type { SubscriptionScope } from "./client-contents.js";
import { ClientState } from "./client-state.js";
import { type Delivery, ReportedVersion } from "./delivery.js";
import type { Difference } from "./difference.js";
import { heldBytes } from "./held-bytes.js";
import { LazyMap, LazySet } from "./lazy.js";
import { Ledger, nackEntry } from "./ledger.js";
import { mentionedIn, tookNothing } from "./mentions.js";
import { NamesToAnswer } from "./names-to-answer.js";
import type { NackOptions } from "./refused.js";
import { ResolvingNames } from "./resolving-names.js";
import type { RetryTimes } from "./retry.js";
import { SubscribedNames } from "./subscribed-names.js";
import type { Withheld } from "./withheld.js";

/** What one client subscribes of one type, and what it has yet to be sent. `state` says what the client has. */
export class Subscription extends SubscribedNames implements Watcher, SubscriptionScope {
  readonly state = new ClientState(this);
  /** Names to answer, even if the client may have them already (P26, P28, P40, P42, P45, P51). */
  readonly namesToAnswer = new NamesToAnswer();
  private due: Set<string> | undefined;
  /** Explicit names that have changed since the last look. */
  readonly stale = new LazySet<string>();
  /**
   * Every explicit name must be looked at. New names are not included, because they are in `namesToAnswer` or were
   * reported.
   */
  allStale = false;
  /** Names that the resolver was asked for (P62). */
  private resolving: ResolvingNames | undefined;
  /** A heartbeat for resources with a TTL is due (P58). */
  beatDue = false;
  /** Names whose removal (P54) or change (P53) waits, each with the reason. */
  readonly waiting = new LazyMap<string, Withheld>();
  /** The client waits for a response, even an empty one (P46, P56). */
  mustAnswer = false;
  /** The client has reported versions from an earlier stream. */
  hasReported = false;
  private reportedCharacters = 0;
  /** Names that the client has brought from an earlier stream and that were not served then. */
  private returnedWith: Set<string> | undefined;
  /** The number of characters in all remembered messages of NACKs. */
  private nackCharacters = 0;
  /** How many bytes of {@link heldBytes} the stream has counted. */
  countedBytes = 0;
  /** SotW: the client has taken something unknown on an earlier stream. */
  hasEarlierState = false;
  /** Whether the versions that the client reports count (P36). */
  isTrusted = true;
  /** The number of the stream's look in which this subscription was last looked at in full. */
  lookedAt = 0;
  readonly ledger = new Ledger();
  lastRequestAt = 0;
  /** Set by `open`, and by the cache when another view takes over. */
  view!: ResourceView;
  private watch!: Watch;

  private constructor(
    readonly node: Node,
    readonly type: ResourceType,
    private readonly onWake: (subscription: Subscription) => void,
    /** Called when the cache has something new. */
    private readonly onChange: () => void,
  ) {
    super();
  }

  /**
   * Opens a subscription without any names. Returns undefined if the cache serves nothing of this type to this node.
   */
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

  /** Refused names whose content is due to be offered again (P16). */
  get dueRetries(): ReadonlySet<string> {
    return this.due ?? noNames;
  }

  /** How many bytes of the heap are held for the client's part of the subscription, as estimated. */
  get heldBytes(): number {
    const { exceptions } = this.state;
    const reported = exceptions.size > 0 ? this.reportedCharacters : 0;
    const characters = this.characters + reported + this.nackCharacters;
    const { subscription, name, entry } = heldBytes;
    return subscription + characters + name * this.names.size + entry * exceptions.size;
  }

  get lastResponseAt(): number {
    return this.ledger.sent?.at ?? 0;
  }

  /**
   * Whether nothing has changed since the last look, nothing was requested, and nothing waits except for draining
   * listeners.
   */
  get upToDate(): boolean {
    return this.isLookedAt && !this.isWaiting;
  }

  /** Whether something waits for another reason than draining listeners. */
  get isWaiting(): boolean {
    if (this.waiting.size > 0) for (const { why } of this.waiting.values()) if (why !== "draining") return true;
    return false;
  }

  /** Whether nothing has changed since the last look, and nothing was asked for. */
  get isLookedAt(): boolean {
    const { state, namesToAnswer, dueRetries } = this;
    if (this.mustAnswer || !namesToAnswer.isDone || dueRetries.size > 0 || this.state.nextPiece) return false;
    if (this.allStale) return false;
    return this.wildcard ? state.offered === this.view.position : this.stale.size === 0;
  }

  /** Whether another look would find nothing to send and nothing to note. */
  get isSettled(): boolean {
    return this.isLookedAt && this.waiting.size === 0 && !this.beatDue;
  }

  /** Without a wildcard: the names for which the client may lack what is served. */
  get touched(): Iterable<string> {
    if (this.allStale) return new Set([...this.names, ...this.state.exceptions.keys()]);
    return this.waiting.size === 0 ? this.stale : new Set([...this.stale, ...this.waiting.keys()]);
  }

  /** Every resource that the client may be using and that is not served now. */
  outdated(): Iterable<Resource> {
    return this.state.outdated(this.wildcard ? [] : this.touched);
  }

  isWithheld(name: string): boolean {
    return this.waiting.has(name);
  }

  isDraining(name: string): boolean {
    return this.waiting.get(name)?.why === "draining";
  }

  // Called by the variants, for a request

  /** Subscribes a name explicitly, as the client spells it. */
  add(spelling: string): void {
    const name = canonicalName(spelling);
    this.listedNames = undefined;
    this.hasNamed = true;
    if (this.view.get(name) || isGlob(name)) this.namesToAnswer.add(name);
    else this.namesToAnswer.addMissing(name);
    this.spell(name, spelling);
    if (this.addName(name) && !this.wildcard) this.view.follow(this, name);
  }

  /** Unsubscribes an explicit name. A wildcard still covers it. */
  drop(spelling: string): void {
    const name = canonicalName(spelling);
    this.listedNames = undefined;
    this.forgetName(name);
    this.resolving?.stop(name);
    if (this.wildcard) {
      if (!this.view.get(name) && !this.state.mayHave(name)) this.forget(name);
      return;
    }
    this.view.unfollow(this, name);
    this.forget(name);
    if (!isGlob(name)) return;
    const { exceptions, refused, removedInUse, deferred, open } = this.state;
    for (const known of [exceptions, refused, removedInUse, deferred, ...open.map((change) => new Set(change.names()))])
      for (const held of [...known.keys()]) if (!this.covers(held)) this.forget(held);
  }

  /** The client reports a version from an earlier stream (P49). If that version is served, the name needs no answer. */
  report(spelling: string, version: string, placeholder: Resource | undefined): void {
    const name = canonicalName(spelling);
    if (!this.covers(name)) return; // reporting subscribes nothing (P50)
    this.hasReported = true;
    this.reportedCharacters += name.length + version.length;
    const has =
      [placeholder, this.view.get(name)].find((one) => one?.version === version) ??
      this.view.replaced?.(name, version) ??
      new ReportedVersion(version);
    this.state.report(name, has);
    this.spell(name, spelling);
    this.namesToAnswer.delete(name);
    if (this.names.has(name)) this.noteReturnedWith(name);
    this.markStale(name);
  }

  private forget(name: string): void {
    this.state.forget(name);
    for (const set of [this.namesToAnswer, this.stale, this.due, this.waiting]) set?.delete(name);
    this.clearError();
  }

  setWildcard(wildcard: boolean): void {
    if (wildcard === this.wildcard) return;
    if (wildcard) {
      this.wildcard = true;
      this.state.noteRefusedAsMissing();
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
    this.namesToAnswer.keep((name) => this.covers(name));
    for (const set of [this.due, this.waiting])
      for (const name of set?.keys() ?? []) if (!this.covers(name)) set?.delete(name);
    this.allStale = true;
    this.mustAnswer = false;
  }

  // Called by the cache

  wake(name?: string): void {
    if (name !== undefined) {
      this.stale.add(name);
      this.namesToAnswer.hurry(name);
    }
    this.onChange();
    this.onWake(this);
  }

  /** What the subscription waits for may have come. */
  lookAgain(): void {
    this.onWake(this);
  }

  /**
   * Names to ask the resolver for: requested names that do not exist (P62). Such a name is not answered before its time
   * of `timeoutMs` milliseconds is over, or {@link resolved} is called for it.
   */
  namesToResolve(timeoutMs: number): string[] {
    const names: string[] = [];
    for (const name of this.namesToAnswer) {
      if (!this.names.has(name) || this.view.get(name) || isGlob(name)) continue;
      this.resolving ??= new ResolvingNames();
      const next = this.resolving.next(name, timeoutMs, () => this.resolved(name));
      if (next === "answer") continue;
      this.namesToAnswer.delete(name);
      if (next === "ask") names.push(name);
    }
    return names;
  }

  /** The resolver is done with a name. If the name exists now, the cache has woken this subscription. */
  resolved(name: string): void {
    if (!this.resolving?.end(name, this.view.get(name) !== undefined)) return;
    this.namesToAnswer.add(name);
    this.onWake(this);
  }

  beat(): void {
    this.beatDue = true;
    this.onWake(this);
  }

  move(view: ResourceView): void {
    const old = this.view;
    this.namesToAnswer.hurryAll();
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

  /** A response was sent. `unannounced`: removed names that this variant cannot announce. */
  send(delivery: Delivery, difference: Difference, unannounced: readonly string[]): void {
    this.state.send(delivery);
    this.ledger.onSent(delivery);
    this.noteLook(difference, delivery.partial);
    this.mustAnswer = false; // a part is an answer too
    for (const name of unannounced) this.state.lose(name);
  }

  /** A change will be sent in pieces. */
  sendInPieces(pieces: readonly Difference["changes"][], difference: Difference, partial: boolean): void {
    this.noteLook(difference, partial);
    this.mustAnswer = false;
    this.state.sendInPieces(pieces, difference.to);
  }

  /**
   * A name is left out of its piece of a change. `why`: the reason to wait; undefined if the name was replaced
   * meanwhile.
   */
  defer(name: string, why: Withheld | undefined): void {
    this.state.defer(name);
    if (why) this.waiting.set(name, why);
    else this.markStale(name);
  }

  /**
   * A look found nothing to send: the client has what it should have, or cannot be sent the difference (a removal in
   * SotW).
   */
  settle(difference: Difference, partial: boolean): void {
    this.noteLook(difference, partial);
    for (const name of difference.changes.removed) this.state.lose(name);
    // An unanswered response may still be refused, so the position moves only with its answer.
    if (difference.to !== undefined && this.state.inFlight.length === 0) this.state.reach(difference.to);
    this.clearError();
  }

  /** The client has ACKed a response. */
  ack(delivery: Delivery): void {
    this.answered(delivery);
    this.state.ack(delivery);
    this.markReplacedStale();
    this.ledger.onAck(delivery);
    this.clearError();
  }

  /**
   * The client has refused a response. `taking` is called before a content of it counts as taken all the same. Returns
   * what is known to be refused; undefined: the search goes on (P17).
   */
  nack(delivery: Delivery, error: ErrorDetail, retry: RetryTimes, taking: NackOptions["taking"]): Changes | undefined {
    this.answered(delivery);
    this.nackCharacters += error.message.length;
    const at = Date.now(); // one time for the response and for each resource in it
    const entry = (refused: Changes) => nackEntry(delivery, error, at, refused);
    const refused = this.state.nack(delivery, {
      entry,
      tookNothing: tookNothing(this.node.userAgentName, error.message),
      mentioned: (changes) => mentionedIn(changes, error.message),
      retryAt: (tries) => retry.next(tries),
      taking,
    });
    this.markReplacedStale();
    if (refused) this.ledger.onNack(entry(refused), this.state.refused.keys());
    // After a NACK of an empty response, or of names that are no longer subscribed, there is nothing to replace.
    if (this.state.hasNoOpenRefusal && !this.state.nextPiece) this.ledger.nacked = undefined;
    return refused;
  }

  /**
   * Under a wildcard, a response may lead to no position because another view has taken over since. Then its names must
   * be compared again.
   */
  private answered({ to, piece, changes }: Delivery): void {
    if (this.wildcard && to === undefined && !piece?.isPassed) this.allStale = true;
    // Refused content of a name may have been served again while this response was unanswered. It was left alone until
    // now.
    if (this.state.refused.size > 0)
      for (const [name, { resource }] of this.state.refused)
        if (contentsOf(changes).has(name) && this.view.get(name)?.version === resource?.version) this.markStale(name);
  }

  private markStale(name: string): void {
    if (this.wildcard) this.allStale = true;
    else this.stale.add(name);
  }

  /**
   * Marks the refused content that is due to be offered again (P16). Returns when the next is due, as
   * `performance.now()`.
   */
  retry(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [name, retryAt] of this.retries()) {
      if (this.dueRetries.has(name)) continue;
      if (retryAt <= now) {
        this.due ??= new Set();
        this.due.add(name);
      } else if (retryAt < next) next = retryAt;
    }
    return next;
  }

  /**
   * The names whose refused content will be offered again, each with the time as `performance.now()` (P16). Newer
   * content cancels it.
   */
  *retries(): Iterable<[name: string, retryAt: number]> {
    for (const [name, { retryAt, resource }] of this.state.refused) {
      if (retryAt === undefined || this.state.coming(name)) continue;
      if (this.view.get(name)?.version === resource?.version) yield [name, retryAt];
    }
  }

  /**
   * SotW: the client reports a version from an earlier stream. If the version is remembered, this returns the client's
   * resources under the names that differ from what is served (P36). Under a wildcard they are noted here. Without one,
   * {@link Subscription.bring} notes them for each name that the client brings.
   */
  meetEarlier(version: string): ReadonlyMap<string, Resource | undefined> | undefined {
    this.hasEarlierState = true;
    const was = this.view.earlier?.(version);
    if (!was) return undefined;
    this.hasReported = true;
    if (!this.wildcard) return was;
    for (const [name, had] of was) this.state.report(name, had);
    // This holds even if the version is no evidence. Then everything is sent, but resources that the client may have
    // must not be removed.
    this.state.reach(this.view.position);
    return was;
  }

  /**
   * SotW: the client brings a subscribed name from an earlier stream. `was` is the result of {@link
   * Subscription.meetEarlier}. An unchanged name is noted too: the client has it, so a later change of it waits for
   * what it refers to (P53).
   */
  bring(name: string, was: ReadonlyMap<string, Resource | undefined> | undefined): void {
    this.noteReturnedWith(name);
    if (!was || this.wildcard) return;
    const had = was.has(name) ? was.get(name) : this.view.get(name);
    if (!had) return;
    this.state.report(name, had);
    this.markStale(name);
  }

  /** Whether the client has brought this name from an earlier stream, and it was not served then. */
  hasReturnedWith(name: string): boolean {
    return this.returnedWith?.has(name) === true;
  }

  private noteReturnedWith(name: string): void {
    if (this.view.get(name)) return;
    this.returnedWith ??= new Set();
    this.returnedWith.add(name);
  }

  /** The client has all of the view as it is now (P36). */
  assumeCurrent(): void {
    this.mustAnswer = false;
    this.allStale = false;
    this.namesToAnswer.clear();
    this.state.reach(this.view.position);
  }

  close(): void {
    if (this.wildcard) this.view.unfollowAll(this);
    else for (const name of this.names) this.view.unfollow(this, name);
    this.resolving?.close();
    this.state.leave();
    this.watch.close();
  }

  /**
   * Marks refused names for which something else is served now and that are not on their way. The client may have what
   * is served.
   */
  private markReplacedStale(): void {
    if (this.state.refused.size === 0) return;
    for (const [name, { resource }] of this.state.refused) {
      if (this.view.get(name)?.version === resource?.version) continue;
      if (this.state.coming(name) || this.state.isRepeated(name)) continue;
      this.markStale(name);
    }
  }

  private noteLook({ withheld, healed }: Difference, partial: boolean): void {
    this.namesToAnswer.next();
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

  /** Clears the error of a NACK once nothing that was refused is left (P18). */
  private clearError(): void {
    const { ledger, state } = this;
    if (this.nackCharacters > 0 && state.hasNoOpenRefusal) this.nackCharacters = 0;
    if (!ledger.nacked) return;
    if (state.hasNoOpenRefusal) ledger.nacked = undefined;
    else ledger.dropReplacedNames((name) => state.refused.has(name) || state.openWith(name)?.isRefused === true);
  }
}

const noNames: ReadonlySet<string> = new Set();
