import type { DiscoveryRequest } from "../wire/messages.js";
import { subscribedAs } from "./names.js";
import type { ClientSubscription } from "./subscription.js";
import type { ClientVariant } from "./variant.js";

/** The SotW variant: a request repeats all names, and a response of a full-state type repeats all resources. */
export const sotw: ClientVariant<DiscoveryRequest> = {
  name: "sotw",
  method: (service) => service.stream,

  requests(subscription, answer) {
    const { typeUrl, nonce, requested } = subscription;
    // A request with the last nonce answers that response, and the server ignores a request with an older nonce (P21).
    // So new names wait until the response is answered.
    if (!answer && (!subscription.pending || subscription.unanswered)) return [];
    const stale = answer !== undefined && answer.nonce !== nonce;
    const lists = stale ? [current(subscription)] : nameLists(subscription);
    if (!stale) subscription.markSent();
    return lists.map((resourceNames, index) => ({
      node: undefined,
      typeUrl,
      // On a new stream, a version claims that the client has all of it. That is wrong if names were added since.
      versionInfo: requested || subscription.versionIsWhole ? subscription.version : "",
      resourceNames,
      responseNonce: answer?.nonce ?? nonce,
      errorDetail: index === 0 ? answer?.error : undefined,
    }));
  },

  apply(subscription, { version, resources, bodiless }, now) {
    const changes = resources.flatMap((resource) => subscription.put(resource, now));
    for (const entry of bodiless) {
      const existing = subscription.resources.get(entry.name);
      // A heartbeat has the version of the resource or of the last response (P58). Without a wrapper they are the same.
      const isHeartbeat = [existing?.version, subscription.version, version, ""].includes(entry.version);
      if (existing && isHeartbeat) subscription.refresh({ ...entry, version: existing.version }, now);
    }
    // A response with only heartbeats is not a full state.
    if (!subscription.type.fullStateInSotw || (resources.length === 0 && bodiless.length > 0)) return changes;
    const present = new Set([...resources, ...bodiless].map(({ name }) => name));
    for (const name of [...subscription.resources.keys()])
      if (!present.has(name)) changes.push(...subscription.remove(name));
    const found = new Set<string>();
    for (const { name, aliases } of [...resources, ...bodiless])
      for (const as of subscribedAs(name, aliases)) found.add(as);
    for (const name of subscription.names) if (!found.has(name)) subscription.addMissing(name);
    return changes;
  },
};

/** The subscribed names in a request. The legacy wildcard is an empty list, which every server supports (P33). */
function current({ wildcard, names, hasSentNames, type }: ClientSubscription): string[] {
  if (!wildcard) return [...names];
  return names.size === 0 && !hasSentNames && type.emptyIsWildcard ? [] : ["*", ...names];
}

/**
 * The lists of names to send to the server, one request each. There is more than one only if the server must see a step
 * by itself.
 */
function nameLists(subscription: ClientSubscription): string[][] {
  const { hasSentNames, subscribing, unsubscribing } = subscription;
  // A name that was dropped and added again is sent again only if the server sees it dropped (P28).
  const again = new Set([...subscribing].filter((name) => unsubscribing.has(name)));
  if (again.size > 0) subscription.hasSentNames = true;
  const target = current(subscription);
  const first = again.size > 0 ? target.filter((name) => !again.has(name)) : target;
  const lists = first === target ? [target] : [first, target];
  // An empty list ends a wildcard only if "*" was sent before (P35).
  const isLegacy = first === target && subscription.wildcard;
  if (first.length === 0 && !hasSentNames && !isLegacy) lists.unshift(["*"]);
  if (lists.some((list) => list.length > 0)) subscription.hasSentNames = true;
  return lists;
}
