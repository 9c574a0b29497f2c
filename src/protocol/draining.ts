import { canonicalName } from "../resource/names.js";
import type { Reference } from "../resource/reference.js";
import { isCollection, referencesOf } from "../resource/references/references.js";
import { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { Subscription } from "./subscription.js";

/** Times in milliseconds. */
export interface OrderTimes {
  /** How long something waits for the answer to another type. */
  readonly patience: number;
  /** How long a replaced or removed listener may go on using what it refers to. */
  readonly drainTimeMs: number;
  /** How long a client waits for a resource that does not exist. */
  readonly missingAfterMs: number;
}

/** How many names that old listeners referred to are remembered per stream. */
export const maxLeftovers = 1_000;

/** A replaced or removed listener or filter chain that the client goes on using for a while. */
interface OldListener {
  /**
   * The new version, while it is warming. The client uses the old version until the new one has everything that it
   * waits for.
   */
  now: Resource | undefined;
  /** When the client ACKed the new version or the removal, as `performance.now()`. */
  at: number;
  /** When the old version began to drain. Undefined: the new one is still warming. */
  drainsSince: number | undefined;
}

/**
 * What the old listeners of one client may still use (P54). Envoy ACKs a listener when it has read it, and uses the old
 * version until the new one is warm. Then the old version drains: connections that clients keep open go on using its
 * routes and clusters.
 */
export class Draining {
  /** `<type URL> <name>` → the listener that referred to the name and was replaced last. Oldest first. */
  private readonly leftovers = new Map<string, OldListener>();
  /** `<type URL> <name>` → all older versions of a listener whose new version is warming. */
  private readonly warming = new Map<string, OldListener>();

  constructor(
    private readonly times: OrderTimes,
    /** Called when names are forgotten because there are more than `maxNames`. */
    private readonly onForgotten: (kept: number) => void,
  ) {}

  /**
   * The client has taken a new version of a resource, or its removal. `released`: what only the old version refers to.
   */
  replaced(type: ResourceType, name: string, released: readonly Reference[], now: Resource | undefined): void {
    const at = performance.now();
    const key = keyOf(type.typeUrl, name);
    const known = this.warming.get(key);
    if (!known && released.length === 0) return;
    // All older versions are used until the newest is warm.
    const old: OldListener = known ?? { now, at, drainsSince: undefined };
    old.now = now;
    old.at = at;
    if (now) this.warming.set(key, old);
    else {
      old.drainsSince = at;
      this.warming.delete(key);
    }
    this.keep(released, old);
  }

  /** Notes an old listener of a client that comes back, which has been draining since a time (`performance.now()`). */
  resumed(references: readonly Reference[], drainsSince: number): void {
    this.keep(references, { now: undefined, at: drainsSince, drainsSince });
  }

  private keep(references: readonly Reference[], old: OldListener): void {
    for (const { typeUrl, name: target } of references) {
      if (isCollection(target)) continue;
      const key = keyOf(typeUrl, canonicalName(target));
      const known = this.leftovers.get(key);
      if (known && old.drainsSince !== undefined && (known.drainsSince ?? Infinity) > old.drainsSince) continue;
      this.leftovers.delete(key);
      this.leftovers.set(key, old);
    }
  }

  /** Forgets names whose drain time is over, and then the oldest of too many names. */
  private forgetOldest(now: number): void {
    const { leftovers } = this;
    const before = leftovers.size;
    for (const [key, { drainsSince }] of leftovers)
      if (drainsSince !== undefined && now >= drainsSince + this.times.drainTimeMs) leftovers.delete(key);
      else if (before <= maxLeftovers) break; // those after it can stay for now
    if (leftovers.size > maxLeftovers) {
      this.onForgotten(maxLeftovers);
      for (const key of leftovers.keys())
        if (leftovers.size > maxLeftovers) leftovers.delete(key);
        else break;
    }
    if (leftovers.size === before) return;
    const used = new Set(leftovers.values());
    for (const [key, old] of this.warming) if (!used.has(old)) this.warming.delete(key);
  }

  /**
   * When a name is free of old listeners, or must be looked at again, as `performance.now()`. Undefined: it is free.
   */
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
   * Called after each request of the client. Finds the new listeners that are warm: everything that they wait for is
   * answered, or has been missing for `missingAfterMs`.
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
 * Whether a client has an answer for everything that a resource waits for. That is every reference to a later type in
 * the order. A filter chain counts as a part of its listener.
 */
function isWarm(resource: Resource, subscriptions: ReadonlyMap<string, Subscription>, isLate: boolean): boolean {
  return referencesOf(resource).every(({ typeUrl, name: spelling }) => {
    const name = canonicalName(spelling);
    const target = subscriptions.get(typeUrl);
    const order = resource.type.api.findResourceType(typeUrl)?.order;
    if (isCollection(name) || order === undefined || order <= resource.type.order) return true;
    if (target && !target.state.coming(name)) {
      const last = target.state.lastCertain(name);
      if (last instanceof Resource) return isWarm(last, subscriptions, isLate);
      if (last !== undefined || target.state.refused.has(name)) return true;
      if (target.view.get(name) === undefined) return isLate;
      return target.state.openWith(name)?.isRefused === true;
    }
    return isLate && (!target || target.view.get(name) === undefined);
  });
}
