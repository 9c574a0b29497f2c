import { canonicalName } from "../resource/names.js";
import { covers, isCollection, type Reference, referencesOf } from "../resource/references.js";
import { Resource } from "../resource/resource.js";
import { listenerType, type ResourceType, routeType } from "../resource/types.js";
import { type Delivery, type Has, Reported } from "./client-state.js";
import type { References } from "./diff.js";
import { Draining } from "./draining.js";
import type { Subscription } from "./subscription.js";
import type { Round, Withheld } from "./withheld.js";

/** What make before break has to know of the stream that it belongs to. */
export interface Ordered {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** A stream of one type's own service. It waits for other streams for a bounded time. */
  readonly isSeparate: boolean;
  /** The subscriptions of the same client, its own included. */
  related(): Iterable<Subscription>;
  /**
   * Whether anything that the client of a separate stream has, and that is not what is served, refers to a resource.
   */
  isUsed(typeUrl: string, name: string, by: Subscription): boolean;
  /** The number of the last response. */
  readonly lastNonce: number;
  /** How often a subscription was looked at in full. */
  readonly looks: number;
  /** What is answered for a name that the client never had and that does not exist. */
  answerForMissing(subscription: Subscription, name: string): Resource | "removed" | "silence";
  /** Old listeners refer to too many names; the oldest are forgotten. */
  leftoversForgotten(kept: number): void;
}

/** Times in milliseconds. */
export interface OrderTimes {
  /** How long something waits for another type's answer. */
  readonly patience: number;
  /** How long a replaced or removed listener may go on using what it refers to. */
  readonly drainTimeMs: number;
  /** After this time a client stops waiting for a resource that does not exist. */
  readonly missingAfterMs: number;
}

/** Of these a client's later requests name what its older resources refer to (P49). */
const laterTypes = [listenerType, routeType];

/**
 * Decides for one client what has to wait so that nothing breaks (P53–P55): may this be removed, may this be applied,
 * has the client everything that this old resource refers to, and what else must be sent again.
 */
export class MakeBeforeBreak {
  private readonly openedAt = performance.now();
  /** Made when the first listener is replaced. */
  private draining: Draining | undefined;

  constructor(
    private readonly stream: Ordered,
    private readonly times: OrderTimes,
  ) {}

  /** The same for one subscription; `isTold`: its client can be told of removals. */
  for(subscription: Subscription, isTold: boolean): References {
    const isLast = subscription.type.removedLast === true && isTold && !this.stream.isSeparate;
    return new Decisions(this, subscription, isLast, this.watches(subscription));
  }

  newRound(): Round {
    return { look: this.stream.looks, last: undefined, sentAt: 0 };
  }

  answerForMissing(subscription: Subscription, name: string): Resource | "removed" | "silence" {
    return this.stream.answerForMissing(subscription, name);
  }

  /** Why a removal has to wait (P54). */
  holdsRemoval(subscription: Subscription, name: string, look: Look, isLast: boolean): Withheld | undefined {
    const { stream, times } = this;
    const { waiting, names, left } = subscription;
    const now = performance.now();
    const known = waiting.get(name);
    const since = known?.since ?? now;
    const until = stream.isSeparate ? since + times.patience : undefined;
    if (!(until !== undefined && now >= until) && look.users.isUsed(name))
      return { why: "reference", on: look.users.user(name), since, until };
    const met = look.metUntil;
    if (met !== undefined && now < met) return { why: "reported", since, until: met };
    const drained = look.users.drainedAt(name, now) ?? this.broughtUntil(subscription, name, now);
    const freeAt = known?.freeAt ?? now;
    const dropped = names.has(name) && left.has(name) ? freeAt + times.patience : now;
    const isDraining = drained !== undefined && drained > now;
    if (isDraining || dropped > now) {
      // A name that has drained is no lag, though the client has not dropped it yet.
      const why = isDraining || known?.why === "draining" ? "draining" : "left";
      return { why, since, until: Math.max(drained ?? now, dropped), freeAt };
    }
    if (!isLast) return undefined;
    const round = known?.round ?? look.newRound();
    return look.isOver(round) ? undefined : { why: "unseen", since, round, freeAt };
  }

  /**
   * Until when a client that came back is not known well enough for removals: it has yet to say which listeners and
   * routes it has, or has some that are not served (P49). undefined: it is known.
   */
  metUntil({ type, hasReported }: Subscription): number | undefined {
    const { stream, times, openedAt } = this;
    if (!type.removedLast || !hasReported || stream.isSeparate) return undefined;
    const { subscriptions } = stream;
    const isMet =
      laterTypes.every((typeUrl) => subscriptions.has(typeUrl)) &&
      [...subscriptions.values()].every((other) => other.type.removedLast || !other.state.hasUnservedVersions);
    return isMet ? undefined : openedAt + times.patience;
  }

  /**
   * Until when a name stays that the client brought from an earlier stream and that is not served: nobody knows whether
   * an old listener still uses it. The client drops it when none does.
   */
  private broughtUntil({ type, state, names }: Subscription, name: string, now: number): number | undefined {
    if (type.removedLast || type.fullStateInSotw || !names.has(name)) return undefined;
    const until = this.openedAt + this.times.drainTimeMs;
    return until > now && state.last(name) instanceof Reported ? until : undefined;
  }

  /** Who uses the resources of one type. Goes through what the client has once, at the first question. */
  users(typeUrl: string, subscription: Subscription): Users {
    const { stream, times } = this;
    let used: Map<string, Resource> | undefined;
    let drained: Map<string, number> | undefined;
    const collectUsed = () => {
      const names = new Map<string, Resource>();
      for (const other of stream.related())
        for (const resource of other.outdated())
          for (const name of targetsOf(resource, typeUrl)) names.set(name, resource);
      return names;
    };
    const collectDrained = () => {
      const untils = new Map<string, number>();
      const extend = (resource: Resource, until: number) => {
        for (const name of targetsOf(resource, typeUrl)) untils.set(name, Math.max(until, untils.get(name) ?? 0));
      };
      for (const { state, waiting } of stream.related()) {
        for (const { inUse, at } of state.gone.values())
          for (const resource of inUse) extend(resource, at + times.drainTimeMs);
        for (const [other, { why, until }] of waiting)
          if (why === "draining" && until !== undefined)
            for (const resource of state.possible(other)) extend(resource, until);
      }
      return untils;
    };
    return {
      isUsed: (name) => {
        if (stream.isSeparate) return stream.isUsed(typeUrl, name, subscription);
        used ??= collectUsed();
        return used.has(name);
      },
      user: (name) => used?.get(name),
      drainedAt: (name, now) => {
        drained ??= collectDrained();
        const old = this.draining?.until(typeUrl, name, now);
        const other = drained.get(name);
        return other !== undefined && (old === undefined || other > old) ? other : old;
      },
    };
  }

  /** Whether all that belongs to the same change as a removal is answered. */
  isOver(round: Round, own: Subscription): boolean {
    const { stream } = this;
    const all = [...stream.subscriptions.values()];
    if (round.last === undefined) {
      const isSent = (one: Subscription) =>
        one === own || one.isLookedAt || one.lookedAt > round.look || !one.view.serving;
      if (!all.every(isSent)) return false;
      round.last = stream.lastNonce;
      round.sentAt = performance.now();
    }
    const last = round.last;
    for (const { state, waiting, nextPiece } of all) {
      if (nextPiece || state.inFlight.some(({ nonce }) => Number(nonce) <= last)) return false;
      // A resource that waits because of a later change does not count.
      for (const { why, since } of waiting.values()) if (why === "unanswered" && since <= round.sentAt) return false;
    }
    return true;
  }

  /**
   * What a change may have to wait for: references to anything, while something of another type is unanswered, refused
   * or not sent yet; else only those within its own type. A separate stream waits for nothing.
   */
  private watches({ type }: Subscription): "all" | "own type" | "nothing" {
    if (this.stream.isSeparate) return "nothing";
    for (const other of this.stream.subscriptions.values())
      if (other.state.inFlight.length > 0 || other.state.hasRefused || (other.type !== type && !other.isLookedAt))
        return "all";
    return "own type";
  }

  /** Why a resource stays as the client has it (P53). */
  holdsChange(subscription: Subscription, now: Resource, watchesAll: boolean): Withheld | undefined {
    const references = referencesOf(now);
    if (references.length === 0) return undefined;
    let before: readonly Reference[] | undefined;
    const isNew = ({ typeUrl, name }: Reference) => {
      const old = before ? undefined : subscription.state.repeatable(now.key);
      before ??= old ? referencesOf(old) : [];
      return !before.some((one) => one.typeUrl === typeUrl && one.name === name);
    };
    for (const reference of references) {
      if (!watchesAll && reference.typeUrl !== now.type.typeUrl) continue;
      const why = this.cannotUse(reference, now, () => isNew(reference), new Set([now]));
      if (!why) continue;
      const known = subscription.waiting.get(now.key);
      return { why, on: reference, since: known?.since ?? performance.now() };
    }
    return undefined;
  }

  /** Why the client cannot use what a reference leads to; `isNew`: what the client has now does not refer to it. */
  private cannotUse(
    { typeUrl, name: spelling }: Reference,
    from: Resource,
    isNew: () => boolean,
    visited: Set<Resource>,
  ): "unanswered" | "refused" | undefined {
    const name = canonicalName(spelling);
    const target = this.stream.subscriptions.get(typeUrl);
    // Envoy ACKs a cluster only after its endpoints have come, so a cluster never waits for them.
    if (!target || isCollection(name) || (target.type.sentAgain && target.type.removedLast)) return undefined;
    const availability = target.state.availability(name);
    if (availability === "unanswered") return "unanswered";
    if (availability === "there" || !isNew()) return undefined;
    if (target.state.refused.has(name) || target.state.openWith(name)) return "refused";
    const coming = target.view.get(name);
    if (!coming) return undefined;
    // The client gets it without having this resource first.
    if (target.wildcard && target.type.order >= from.type.order) return "unanswered";
    if (visited.has(coming)) return undefined;
    visited.add(coming);
    for (const reference of referencesOf(coming)) {
      const why = this.cannotUse(reference, coming, () => true, visited);
      if (why) return why;
    }
    return undefined;
  }

  /** Whether the client has, and is to keep, all that a resource refers to; of what `counts`, if that is given. */
  hasAllOf(resource: Resource, counts: (other: Subscription, name: string) => boolean = () => true): boolean {
    for (const { typeUrl, name: spelling } of referencesOf(resource)) {
      const name = canonicalName(spelling);
      if (isCollection(name)) continue;
      for (const other of this.stream.related())
        if (other.type.typeUrl === typeUrl && counts(other, name) && !isKept(other, name)) return false;
    }
    return true;
  }

  /**
   * The names that a client needs again because of a response that is on its way to it (P55). Envoy keeps a changed
   * cluster or listener waiting for its endpoints or routes, though they have not changed, and ACKs clusters only once
   * they have come.
   */
  neededAgain(sent: readonly Resource[], all: ReadonlyMap<string, Subscription>): [Subscription, string][] {
    const needed: [Subscription, string][] = [];
    for (const resource of sent)
      for (const { typeUrl, name: target } of referencesOf(resource)) {
        const subscription = all.get(typeUrl);
        if (!subscription?.type.sentAgain) continue;
        const name = canonicalName(target);
        if (isCollection(name)) {
          const members = [...subscription.names].filter((member) => covers(name, member));
          // Where there is none yet, Envoy still waits to hear something of its virtual hosts, of whatever name (P56).
          const heard = members.length === 0 && subscription.type.unknownWithoutBody ? [name] : members;
          for (const member of heard) needed.push([subscription, member]);
        } else if (subscription.state.last(name) !== undefined) needed.push([subscription, name]);
      }
    return needed;
  }

  /**
   * The client takes a response: what its older resources referred to may be free soon, or is still in use by old
   * listeners.
   */
  taking(subscription: Subscription, { changes, repeated }: Delivery): void {
    const { state } = subscription;
    if (state.isPlain && !state.hasAnything) return; // a first configuration replaces nothing
    for (const old of repeated.changed) this.replaced(subscription, old.key, old);
    for (const now of changes.changed) this.replaced(subscription, now.key, now);
    for (const name of changes.removed) this.replaced(subscription, name, undefined);
  }

  /** The client takes a resource, or the removal of one. */
  replaced({ type, state }: Subscription, name: string, now: Resource | undefined): void {
    if (!state.hasRefused) this.release(type, name, state.last(name), now);
    else for (const old of state.possible(name)) this.release(type, name, old, now);
  }

  private release(type: ResourceType, name: string, old: Has, now: Resource | undefined): void {
    if (!(old instanceof Resource) || old.isPlaceholder || old === now) return;
    const released = releasedBy(old, now);
    if (type.drains && (this.draining || released.length > 0)) {
      this.draining ??= new Draining(this.times, (kept) => this.stream.leftoversForgotten(kept));
      this.draining.replaced(type, name, released, now);
    }
    for (const { typeUrl, name: target } of released)
      this.stream.subscriptions.get(typeUrl)?.leave(canonicalName(target));
  }

  /** Something was answered or asked for. */
  settled(): void {
    this.draining?.look(this.stream.subscriptions);
  }
}

/** Whether the client has it for certain, and is not about to lose it. */
function isKept({ state }: Subscription, name: string): boolean {
  if (state.last(name) === undefined) return false;
  if (state.refused.get(name)?.mayBeGone) return false;
  const change = state.openWith(name);
  if (change?.isRefused && !change.content(name)) return false;
  const coming = state.coming(name);
  return !coming || coming.resource !== undefined;
}

/** What is found out once for all names of one look. */
interface Look {
  readonly users: Users;
  readonly metUntil: number | undefined;
  newRound(): Round;
  isOver(round: Round): boolean;
}

/** What has to wait of one subscription, at one look. */
class Decisions implements References, Look {
  private known: Users | undefined;
  private met: { readonly until: number | undefined } | undefined;
  private round: Round | undefined;
  private over: Map<Round, boolean> | undefined;

  constructor(
    private readonly order: MakeBeforeBreak,
    private readonly subscription: Subscription,
    readonly removedLast: boolean,
    private readonly watches: "all" | "own type" | "nothing",
  ) {}

  get holdsNoChange(): boolean {
    return this.watches === "nothing";
  }

  holdsRemoval(name: string): Withheld | undefined {
    return this.order.holdsRemoval(this.subscription, name, this, this.removedLast);
  }

  holdsChange(now: Resource): Withheld | undefined {
    if (this.watches === "nothing") return undefined;
    return this.order.holdsChange(this.subscription, now, this.watches === "all");
  }

  waitsForRest(name: string): Withheld {
    const known = this.subscription.waiting.get(name);
    return { why: "unseen", since: known?.since ?? performance.now(), round: known?.round ?? this.newRound() };
  }

  asItWas(name: string): Resource | undefined {
    const old = this.subscription.view.lately(name);
    return old && this.users.isUsed(name) && this.order.hasAllOf(old) ? old : undefined;
  }

  missing(name: string): Resource | "removed" | "silence" {
    return this.order.answerForMissing(this.subscription, name);
  }

  /** The same for all that is removed at this look. */
  newRound(): Round {
    this.round ??= this.order.newRound();
    return this.round;
  }

  isOver(round: Round): boolean {
    this.over ??= new Map();
    const known = this.over.get(round) ?? this.order.isOver(round, this.subscription);
    this.over.set(round, known);
    return known;
  }

  get users(): Users {
    this.known ??= this.order.users(this.subscription.type.typeUrl, this.subscription);
    return this.known;
  }

  get metUntil(): number | undefined {
    this.met ??= { until: this.order.metUntil(this.subscription) };
    return this.met.until;
  }
}

interface Users {
  /** An outdated resource on the client refers to this. */
  isUsed(name: string): boolean;
  /** The last of these that was found, on an aggregated stream; to be asked after {@link isUsed}. */
  user(name: string): Resource | undefined;
  /** When the last that goes on using a name although it was replaced or removed ends, as `performance.now()`. */
  drainedAt(name: string, now: number): number | undefined;
}

/** The names of one type that a resource refers to. */
function* targetsOf(resource: Resource, typeUrl: string): Iterable<string> {
  for (const reference of referencesOf(resource))
    if (reference.typeUrl === typeUrl && !isCollection(reference.name)) yield canonicalName(reference.name);
}

/** Whether a resource refers to another one by its name. */
export function refersTo(resource: Resource, typeUrl: string, name: string): boolean {
  for (const target of targetsOf(resource, typeUrl)) if (target === name) return true;
  return false;
}

/** What an old resource refers to and the new one does not. */
function releasedBy(old: Resource, now: Resource | undefined): readonly Reference[] {
  const before = referencesOf(old);
  if (!now || before.length === 0) return before;
  const known = releasedMemo.get(now);
  if (known?.old.deref() === old) return known.released;
  const after = referencesOf(now);
  const kept = new Set(after.map(({ typeUrl, name }) => `${typeUrl} ${name}`));
  const released = before.filter(({ typeUrl, name }) => !kept.has(`${typeUrl} ${name}`));
  releasedMemo.set(now, { old: new WeakRef(old), released });
  return released;
}
/** Weak in both directions, so that no version of a resource keeps another alive. */
const releasedMemo = new WeakMap<
  Resource,
  { readonly old: WeakRef<Resource>; readonly released: readonly Reference[] }
>();
