import { canonicalName } from "../resource/names.js";
import { isCollection, type Reference, referencesOf } from "../resource/references.js";
import { Resource } from "../resource/resource.js";
import { findResourceType, type ResourceType } from "../resource/types.js";
import type { OrderTimes } from "./make-before-break.js";
import type { Subscription } from "./subscription.js";

/** How many names that old listeners referred to are remembered per stream. */
const leftoversKept = 1_000;

/** A listener, or a filter chain, that was replaced or removed, and that the client goes on using for a while. */
interface Old {
  /** What takes its place, as long as that is warming: the old one is used until that has all that it waits for. */
  now: Resource | undefined;
  /** `performance.now()` of the ACK. */
  at: number;
  /** When the old one began to drain; undefined: the new one is still warming. */
  drainsSince: number | undefined;
}

/**
 * What the old listeners of one client may still use (P54). Envoy ACKs a listener when it has read it, goes on with the
 * old one until the new one is warm, and then drains the old one: connections that clients keep go on using its routes
 * and clusters.
 */
export class Draining {
  /** `<type URL> <name>` → the old listener that was replaced last of those that refer to it. Oldest first. */
  private readonly leftovers = new Map<string, Old>();
  /** `<type URL> <name>` → all older versions of a listener whose new version is warming. */
  private readonly warming = new Map<string, Old>();

  constructor(
    private readonly times: OrderTimes,
    /** Called when there are too many names, with how many that is. */
    private readonly onForgotten: (kept: number) => void,
  ) {}

  /** A client has taken a new resource, or the removal; `released`: what only the old one refers to. */
  replaced(type: ResourceType, name: string, released: readonly Reference[], now: Resource | undefined): void {
    const at = performance.now();
    const key = keyOf(type.typeUrl, name);
    const known = this.warming.get(key);
    if (!known && released.length === 0) return;
    // Older ones go on until the newest is warm.
    const old: Old = known ?? { now, at, drainsSince: undefined };
    old.now = now;
    old.at = at;
    if (now) this.warming.set(key, old);
    else {
      old.drainsSince = at;
      this.warming.delete(key);
    }
    for (const { typeUrl, name: target } of released) {
      if (isCollection(target)) continue;
      const key = keyOf(typeUrl, canonicalName(target));
      this.leftovers.delete(key);
      this.leftovers.set(key, old);
    }
  }

  /** Forgets the names whose drain time is over, and then the oldest of too many. */
  private forgetOldest(now: number): void {
    const { leftovers } = this;
    const before = leftovers.size;
    for (const [key, { drainsSince }] of leftovers)
      if (drainsSince !== undefined && now >= drainsSince + this.times.drainTimeMs) leftovers.delete(key);
      else if (before <= leftoversKept) break; // those behind it can stay for now
    if (leftovers.size > leftoversKept) {
      this.onForgotten(leftoversKept);
      for (const key of leftovers.keys())
        if (leftovers.size > leftoversKept) leftovers.delete(key);
        else break;
    }
    if (leftovers.size === before) return;
    const used = new Set(leftovers.values());
    for (const [key, old] of this.warming) if (!used.has(old)) this.warming.delete(key);
  }

  /** When a name is free of old listeners, or to be looked at again, as `performance.now()`; undefined: it is free. */
  until(typeUrl: string, name: string, now: number): number | undefined {
    const old = this.leftovers.get(keyOf(typeUrl, name));
    if (!old) return undefined;
    const { missingAfterMs } = this.times;
    if (old.drainsSince === undefined)
      return now < old.at + missingAfterMs ? old.at + missingAfterMs : now + missingAfterMs;
    const until = old.drainsSince + this.times.drainTimeMs;
    return until > now ? until : undefined;
  }

  /**
   * Called after each request of the client. Finds out which new listeners are warm: all that they wait for is
   * answered, or does not exist for so long.
   */
  look(subscriptions: ReadonlyMap<string, Subscription>): void {
    const now = performance.now();
    this.forgetOldest(now);
    for (const [key, old] of this.warming) {
      if (!old.now || !isWarm(old.now, subscriptions, now >= old.at + this.times.missingAfterMs)) continue;
      old.drainsSince = now;
      old.now = undefined;
      this.warming.delete(key);
    }
  }
}

const keyOf = (typeUrl: string, name: string) => `${typeUrl} ${name}`;

/**
 * Whether a client has an answer for everything that a resource waits for: what comes after it in the order. A filter
 * chain is a part of its listener, which waits for what the filter chain waits for.
 */
function isWarm(resource: Resource, subscriptions: ReadonlyMap<string, Subscription>, isLate: boolean): boolean {
  return referencesOf(resource).every(({ typeUrl, name: spelling }) => {
    const name = canonicalName(spelling);
    const target = subscriptions.get(typeUrl);
    const order = findResourceType(typeUrl)?.order;
    if (isCollection(name) || order === undefined || order <= resource.type.order) return true;
    if (target && !target.state.coming(name)) {
      const last = target.state.last(name);
      if (last instanceof Resource) return isWarm(last, subscriptions, isLate);
      if (last !== undefined || target.state.refused.has(name)) return true;
      if (target.view.get(name) === undefined) return isLate;
      return target.state.openWith(name)?.isRefused === true;
    }
    return isLate && (!target || target.view.get(name) === undefined);
  });
}
