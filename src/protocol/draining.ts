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
  readonly type: ResourceType;
  readonly name: string;
  /** What takes its place; the old one is used until that has all that it waits for. undefined: nothing. */
  readonly now: Resource | undefined;
  /** `performance.now()` of the ACK. */
  readonly at: number;
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
  private readonly warming = new Set<Old>();

  constructor(
    private readonly times: OrderTimes,
    /** Called when there are too many names, with how many that is. */
    private readonly onForgotten: (kept: number) => void,
  ) {}

  /** A client has taken a new resource, or the removal; `released`: what only the old one refers to. */
  replaced(type: ResourceType, name: string, released: readonly Reference[], now: Resource | undefined): void {
    const at = performance.now();
    // Older ones go on until the newest is warm.
    for (const old of [...this.warming])
      if (old.type === type && old.name === name) {
        this.warming.delete(old);
        const next: Old = { type, name, now, at, drainsSince: now ? undefined : at };
        if (now) this.warming.add(next);
        for (const [key, known] of this.leftovers) if (known === old) this.leftovers.set(key, next);
      }
    if (released.length === 0) return;
    const old: Old = { type, name, now, at, drainsSince: now ? undefined : at };
    if (now) this.warming.add(old);
    for (const { typeUrl, name: target } of released) {
      if (isCollection(target)) continue;
      const key = keyOf(typeUrl, canonicalName(target));
      this.leftovers.delete(key);
      this.leftovers.set(key, old);
    }
    this.forgetOldest(at);
  }

  /** Forgets the names whose drain time is over, and the oldest of too many. */
  private forgetOldest(now: number): void {
    const before = this.leftovers.size;
    let isCut = false;
    for (const [key, { drainsSince }] of this.leftovers) {
      const isOver = drainsSince !== undefined && now >= drainsSince + this.times.drainTimeMs;
      if (!isOver && this.leftovers.size <= leftoversKept) break;
      isCut ||= !isOver;
      this.leftovers.delete(key);
    }
    if (this.leftovers.size === before) return;
    if (isCut) this.onForgotten(leftoversKept);
    const used = new Set(this.leftovers.values());
    for (const one of this.warming) if (!used.has(one)) this.warming.delete(one);
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

  /** Finds out which new listeners are warm: all that they wait for is answered, or does not exist for so long. */
  look(subscriptions: ReadonlyMap<string, Subscription>): void {
    if (this.warming.size === 0) return;
    const now = performance.now();
    for (const old of this.warming) {
      if (!old.now || !isWarm(old.now, subscriptions, now >= old.at + this.times.missingAfterMs)) continue;
      old.drainsSince = now;
      this.warming.delete(old);
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
