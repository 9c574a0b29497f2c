import { Resource } from "../resource/resource.js";
import type { Subscription } from "./subscription.js";

/**
 * The resources with a TTL on the client, as the client certainly has them, or else as they were sent last (P58).
 * Content that the client has refused is not among them.
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

/** What the client is to keep of a name. */
function livingOf({ state, view }: Subscription, name: string): Resource | undefined {
  const last = state.last(name);
  if (last instanceof Resource) return last;
  if (last && view.get(name)?.version === last.version) return view.get(name); // reported, and served
  return state.coming(name)?.resource;
}

/** The full state as the client is to keep it (SotW). */
export function livingState(subscription: Subscription, served: readonly Resource[]): readonly Resource[] {
  const { state } = subscription;
  const isSure = (name: string) => !state.refused.has(name) && !state.coming(name);
  const isPlain = state.isPlain && state.inFlight.length === 0;
  if (isPlain) return served;
  const resources = served.flatMap((now) => (isSure(now.key) ? now : (livingOf(subscription, now.key) ?? [])));
  return resources.every((resource, i) => resource === served[i]) && resources.length === served.length
    ? served
    : resources;
}
