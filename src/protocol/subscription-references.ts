import { canonicalName } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { clusterType, listenerType, routeType } from "../resource/types.js";
import { hasAllOf, newReferences, whyChangeWaits } from "./change-order.js";
import type { OrderContext } from "./ordered-stream.js";
import { ReferenceUsers } from "./reference-users.js";
import type { References } from "./references.js";
import type { Subscription } from "./subscription.js";
import type { RestOfChange, Withheld } from "./withheld.js";

/** A client's later requests of these types name what its older resources refer to (P49). */
const laterTypes = [listenerType, routeType];

/** What must be known of a client that comes back before something is removed from it. */
const neededTypes = [clusterType, ...laterTypes];

/**
 * Decides what has to wait in one subscription, at one look at it. What is the same for all names of the look is found
 * out once.
 */
export class SubscriptionReferences implements References {
  private foundUsers: ReferenceUsers | undefined;
  private incomplete: { readonly until: number | undefined } | undefined;
  private rest: RestOfChange | undefined;
  private over: Map<RestOfChange, boolean> | undefined;

  constructor(
    private readonly context: OrderContext,
    private readonly subscription: Subscription,
    readonly removedLast: boolean,
    /**
     * Which references can make a change wait: all, while something of another type is unanswered, refused or not sent
     * yet; else those within the subscription's own type. On a separate stream no change waits.
     */
    private readonly referencesToCheck: "all" | "own type" | "none",
  ) {}

  get noChangeWaits(): boolean {
    return this.referencesToCheck === "none";
  }

  whyChangeWaits(now: Resource): Withheld | undefined {
    if (this.referencesToCheck === "none") return undefined;
    const ownTypeOnly = this.referencesToCheck === "own type";
    const { subscriptions } = this.context.stream;
    return whyChangeWaits(subscriptions, this.subscription, now, ownTypeOnly) ?? this.whyClustersAreAwaited(now);
  }

  /**
   * Why a change waits for the client's first request for clusters. A client that comes back may send it late: Envoy
   * does not ask for clusters while one of its clusters is warming. Until then a resource waits that newly refers to a
   * served cluster.
   */
  private whyClustersAreAwaited(now: Resource): Withheld | undefined {
    const { stream, openedAt, times } = this.context;
    if (!stream.isBack || stream.isSeparate || stream.subscriptions.has(clusterType)) return undefined;
    const until = openedAt + times.missingAfterMs;
    if (performance.now() >= until) return undefined;
    for (const on of newReferences(this.subscription, now))
      if (on.typeUrl === clusterType && stream.serves(clusterType, canonicalName(on.name)))
        return {
          why: "unanswered",
          on,
          since: this.subscription.waiting.get(now.key)?.since ?? performance.now(),
          until,
        };
    return undefined;
  }

  whyRemovalWaits(name: string): Withheld | undefined {
    const { users, subscription } = this;
    const { stream, times } = this.context;
    const now = performance.now();
    const known = subscription.waiting.get(name);
    const since = known?.since ?? now;
    const until = stream.isSeparate ? since + times.patience : undefined;
    if (!(until !== undefined && now >= until) && users.isUsed(name))
      return { why: "reference", on: users.user(name), since, until };
    const incompleteUntil = this.incompleteUntil();
    if (incompleteUntil !== undefined && now < incompleteUntil)
      return { why: "reported", since, until: incompleteUntil };
    const drained = users.drainedAt(name, now) ?? this.reportedNameUntil(name, now);
    const freeAt = known?.freeAt ?? now;
    const isNamed = subscription.names.has(name) && subscription.noLongerReferenced.has(name);
    const dropped = isNamed ? freeAt + times.patience : now;
    const isDraining = drained !== undefined && drained > now;
    if (isDraining || dropped > now) {
      // A name that has drained does not count as lag, even before the client has dropped the name.
      const why = isDraining || known?.why === "draining" ? "draining" : "left";
      return { why, since, until: Math.max(drained ?? now, dropped), freeAt };
    }
    if (!this.removedLast) return undefined;
    const restOfChange = known?.restOfChange ?? this.restOfChange();
    return this.isOver(restOfChange) ? undefined : { why: "unseen", since, restOfChange, freeAt };
  }

  waitForRestOfChange(name: string): Withheld {
    const known = this.subscription.waiting.get(name);
    const restOfChange = known?.restOfChange ?? this.restOfChange();
    return { why: "unseen", since: known?.since ?? performance.now(), restOfChange };
  }

  removedButReferenced(name: string): Resource | undefined {
    const old = this.subscription.view.lastRemoved(name);
    if (!old || !hasAllOf(this.context.stream, old)) return undefined;
    const { type } = this.subscription;
    // A cluster that is still warming may wait for it, and Envoy asks for its clusters only after that.
    const isBrought = !type.fullStateInSotw && this.subscription.hasReturnedWith(name);
    return isBrought || this.users.isUsed(name) ? old : undefined;
  }

  answerForMissing(name: string): Resource | "removed" | "silence" {
    return this.context.stream.answerForMissing(this.subscription, name);
  }

  private get users(): ReferenceUsers {
    this.foundUsers ??= new ReferenceUsers(this.context, this.subscription);
    return this.foundUsers;
  }

  /**
   * Until when nothing is removed from a client that came back, as `performance.now()`. Before that, too little is
   * known: the client has yet to name its listeners and routes, or has unknown versions of them (P49). `undefined` if
   * enough is known.
   */
  private incompleteUntil(): number | undefined {
    this.incomplete ??= {
      until: this.isIncomplete() ? this.context.openedAt + this.context.times.patience : undefined,
    };
    return this.incomplete.until;
  }

  private isIncomplete(): boolean {
    const { type, hasReported } = this.subscription;
    const { stream } = this.context;
    if (!type.removedLast || !hasReported || stream.isSeparate) return false;
    const { subscriptions } = stream;
    return (
      !neededTypes.every((typeUrl) => subscriptions.has(typeUrl)) ||
      [...subscriptions.values()].some((other) => !other.type.removedLast && other.state.hasUnservedVersions)
    );
  }

  /**
   * Until when a name stays that the client reported from an earlier stream and that is not served. An old listener may
   * still use the name. The client drops the name when no listener uses it.
   */
  private reportedNameUntil(name: string, now: number): number | undefined {
    const { type, names } = this.subscription;
    if (type.removedLast || type.fullStateInSotw || !names.has(name)) return undefined;
    const until = this.context.openedAt + this.context.times.drainTimeMs;
    return until > now && this.subscription.hasReturnedWith(name) ? until : undefined;
  }

  /** The rest of the change to which all removals of this look belong. */
  private restOfChange(): RestOfChange {
    this.rest ??= { startedAtLook: this.context.stream.looks, lastNonce: undefined, sentAt: 0 };
    return this.rest;
  }

  /** Whether the client has answered everything that belongs to the same change as a removal. */
  private isOver(rest: RestOfChange): boolean {
    this.over ??= new Map();
    const known = this.over.get(rest) ?? this.isAnswered(rest);
    this.over.set(rest, known);
    return known;
  }

  private isAnswered(rest: RestOfChange): boolean {
    const { stream } = this.context;
    const all = [...stream.subscriptions.values()];
    if (rest.lastNonce === undefined) {
      const isSent = (one: Subscription) =>
        one === this.subscription || one.isLookedAt || one.lookedAt > rest.startedAtLook || !one.view.serving;
      if (!all.every(isSent)) return false;
      rest.lastNonce = stream.lastNonce;
      rest.sentAt = performance.now();
    }
    const last = rest.lastNonce;
    for (const { state, waiting } of all) {
      if (state.nextPiece || state.inFlight.some(({ nonce }) => Number(nonce) <= last)) return false;
      // A resource that waits because of a later change does not count.
      for (const { why, since } of waiting.values()) if (why === "unanswered" && since <= rest.sentAt) return false;
    }
    return true;
  }
}
