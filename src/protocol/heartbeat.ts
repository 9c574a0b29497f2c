import { Resource } from "../resource/resource.js";
import type { Subscription } from "./subscription.js";

/** How many unanswered heartbeats are remembered per type. */
const maxUnanswered = 4;

/** The heartbeats of one stream that the client has not answered (P58). */
export class UnansweredHeartbeats {
  /** Subscription → nonce → the names in the heartbeat. */
  private readonly bySubscription = new Map<Subscription, Map<string, readonly string[]>>();

  add(subscription: Subscription, nonce: string, names: readonly string[]): void {
    const unanswered = this.bySubscription.get(subscription) ?? new Map<string, readonly string[]>();
    this.bySubscription.set(subscription, unanswered.set(nonce, names));
    for (const oldest of unanswered.keys()) if (unanswered.size > maxUnanswered) unanswered.delete(oldest);
  }

  /** Returns the names in the heartbeat with this nonce, once. */
  take(subscription: Subscription, nonce: string): readonly string[] | undefined {
    const unanswered = this.bySubscription.get(subscription);
    const names = unanswered?.get(nonce);
    unanswered?.delete(nonce);
    return names;
  }
}

/**
 * The resources with a TTL that the client has (P58), in the version that it certainly has, or else in the version that
 * was sent last. Content that the client has refused is left out.
 */
export function heartbeatOf(subscription: Subscription): Resource[] {
  const { view, state, waiting } = subscription;
  const names = new Set<string>(waiting.keys());
  for (const { key } of view.withTtl()) names.add(key);
  for (const name of state.refused.keys()) names.add(name);
  for (const { changes } of state.inFlight) for (const { key } of changes.changed) names.add(key);
  const found: Resource[] = [];
  for (const name of names) {
    const resource = subscription.covers(name) ? livingOf(subscription, name) : undefined;
    if (resource?.ttlMs !== undefined) found.push(resource);
  }
  return found;
}

/** The resource of a name that the client should keep. */
function livingOf({ state, view }: Subscription, name: string): Resource | undefined {
  const last = state.lastCertain(name);
  if (last instanceof Resource) return last;
  if (last && view.get(name)?.version === last.version) return view.get(name); // reported by the client, and served
  return state.coming(name)?.resource;
}

/** The full state that the client should keep (SotW). */
export function livingState(subscription: Subscription, served: readonly Resource[]): readonly Resource[] {
  const { state } = subscription;
  const isSure = (name: string) => !state.refused.has(name) && !state.coming(name);
  const isPlain = state.isPositionOnly && state.inFlight.length === 0;
  if (isPlain) return served;
  const resources = served.flatMap((now) => (isSure(now.key) ? now : (livingOf(subscription, now.key) ?? [])));
  return resources.every((resource, i) => resource === served[i]) && resources.length === served.length
    ? served
    : resources;
}
