import type { Replaced, ResourceView } from "../cache/config-watcher.js";
import { canonicalName } from "../resource/names.js";
import type { Reference } from "../resource/reference.js";
import { referencesOf } from "../resource/references/references.js";
import { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { ClientCopy, Delivery } from "./delivery.js";
import { Draining, maxLeftovers, type OrderTimes } from "./draining.js";
import type { OrderContext, OrderedStream } from "./ordered-stream.js";
import { releasedBy } from "./reference-targets.js";
import type { References } from "./references.js";
import type { Subscription } from "./subscription.js";
import { SubscriptionReferences } from "./subscription-references.js";

/**
 * Puts the changes of one stream in an order in which the client never uses a resource that it does not have
 * (P53–P55). It decides by what the client states say, and remembers only which old listeners still drain.
 */
export class MakeBeforeBreak implements OrderContext {
  readonly openedAt = performance.now();
  draining: Draining | undefined;

  constructor(
    readonly stream: OrderedStream,
    readonly times: OrderTimes,
  ) {}

  /** The decisions for one look at a subscription. `announcesRemovals`: its responses can name removals. */
  for(subscription: Subscription, announcesRemovals: boolean): References {
    const removedLast = subscription.type.removedLast === true && announcesRemovals && !this.stream.isSeparate;
    return new SubscriptionReferences(this, subscription, removedLast, this.referencesToCheck(subscription));
  }

  /** Which references can make a change wait. See {@link SubscriptionReferences}. */
  private referencesToCheck({ type }: Subscription): "all" | "own type" | "none" {
    if (this.stream.isSeparate) return "none";
    for (const other of this.stream.subscriptions.values())
      if (other.state.inFlight.length > 0 || other.state.hasRefused || (other.type !== type && !other.isLookedAt))
        return "all";
    return "own type";
  }

  /**
   * Called before a response counts as taken. Notes what only the replaced resources referred to: it can be removed
   * soon, or old listeners still use it.
   */
  taking(subscription: Subscription, { changes, repeated }: Delivery): void {
    const { state } = subscription;
    if (state.isPositionOnly && !state.hasAnything) return; // a first configuration replaces nothing
    for (const old of repeated.changed) this.replaced(subscription, old.key, old);
    for (const now of changes.changed) this.replaced(subscription, now.key, now);
    for (const name of changes.removed) this.replaced(subscription, name, undefined);
  }

  /** Called before one resource, or with `now` undefined its removal, counts as taken. */
  replaced({ type, state }: Subscription, name: string, now: Resource | undefined): void {
    if (!state.hasRefused) this.release(type, name, state.lastCertain(name), now);
    else for (const old of state.possible(name)) this.release(type, name, old, now);
  }

  /**
   * Called for a client that comes back. Listeners that were replaced a short time ago on any stream may still drain
   * (P54).
   */
  resume({ view }: Subscription): void {
    const now = performance.now();
    for (const { references, at } of leftSince(view, now - this.times.drainTimeMs)) {
      this.draining ??= this.newDraining();
      this.draining.resumed(references, Math.min(now, at + this.times.missingAfterMs));
    }
  }

  private release(type: ResourceType, name: string, old: ClientCopy, now: Resource | undefined): void {
    if (!(old instanceof Resource) || old.isPlaceholder || old === now) return;
    const released = releasedBy(old, now);
    if (type.drains && (this.draining || released.length > 0)) {
      this.draining ??= this.newDraining();
      this.draining.replaced(type, name, released, now);
    }
    for (const { typeUrl, name: target } of released)
      this.stream.subscriptions.get(typeUrl)?.noteNoLongerReferenced(canonicalName(target));
  }

  private newDraining(): Draining {
    return new Draining(this.times, (maxNames) => this.stream.leftoversForgotten(maxNames));
  }

  /** Called after each request of the client. */
  settled(): void {
    this.draining?.look(this.stream.subscriptions);
  }
}

/** The references of a replaced resource, and when it was replaced, as `performance.now()`. */
interface Left {
  readonly references: readonly Reference[];
  readonly at: number;
}

/** All clients that come back to the same view need the same list. */
const leftMemo = new WeakMap<readonly Replaced[], readonly Left[]>();

/**
 * The references of a view's replaced resources since a time (`performance.now()`), oldest first. There are at most as
 * many as a stream keeps. A resource that is served again counts too, because it may be removed again before this
 * client has it.
 */
function leftSince({ replacedLately }: ResourceView, since: number): readonly Left[] {
  if (!replacedLately || replacedLately.length === 0) return [];
  const left = leftMemo.get(replacedLately) ?? leftBy(replacedLately);
  leftMemo.set(replacedLately, left);
  return left.filter(({ at }) => at >= since);
}

function leftBy(replaced: readonly Replaced[]): readonly Left[] {
  const left: Left[] = [];
  let count = 0;
  for (const { resource, at } of replaced) {
    const references = referencesOf(resource);
    if (references.length > 0) left.push({ references, at });
    count += references.length;
    if (count >= maxLeftovers) break;
  }
  return left.reverse();
}
