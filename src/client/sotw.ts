import type { DiscoveryRequest } from "../protocol/messages.js";
import { subscribedAs } from "./names.js";
import type { ClientSubscription } from "./subscription.js";
import type { ClientVariant } from "./variant.js";

/** State of the world: a request repeats all names, a response of a full-state type all resources. */
export const sotw: ClientVariant<DiscoveryRequest> = {
  name: "sotw",
  method: (service) => service.stream,

  requests(subscription, answer) {
    const { typeUrl, nonce, told } = subscription;
    // A request with the last nonce is its answer, and one with an older nonce is not read (P21): names wait for the answer.
    if (!answer && (!subscription.pending || subscription.unanswered)) return [];
    const stale = answer !== undefined && answer.nonce !== nonce;
    const lists = stale ? [current(subscription)] : nameLists(subscription);
    if (!stale) subscription.tell();
    return lists.map((resourceNames, index) => ({
      node: undefined,
      typeUrl,
      // On a new stream a version says that all of it is held; it must not, when more is wanted by now.
      versionInfo: told || subscription.versionIsWhole ? subscription.version : "",
      resourceNames,
      responseNonce: answer?.nonce ?? nonce,
      errorDetail: index === 0 ? answer?.error : undefined,
    }));
  },

  apply(subscription, { version, resources, bodiless }, now) {
    const changes = resources.flatMap((resource) => subscription.put(resource, now));
    for (const entry of bodiless) {
      const held = subscription.resources.get(entry.name);
      // Its version is the resource's or the last response's (P58), which is the same to a resource without a wrapper.
      const isHeartbeat = [held?.version, subscription.version, version, ""].includes(entry.version);
      if (held && isHeartbeat) subscription.refresh({ ...entry, version: held.version }, now);
    }
    // Nothing but heartbeats is no state.
    if (!subscription.type.fullStateInSotw || (resources.length === 0 && bodiless.length > 0)) return changes;
    const present = new Set([...resources, ...bodiless].map(({ name }) => name));
    for (const name of [...subscription.resources.keys()])
      if (!present.has(name)) changes.push(...subscription.remove(name));
    const found = new Set<string>();
    for (const { name, aliases } of [...resources, ...bodiless])
      for (const as of subscribedAs(name, aliases)) found.add(as);
    for (const name of subscription.names) if (!found.has(name)) subscription.lack(name);
    return changes;
  },
};

/** What is wanted as a request says it. The empty list of the legacy wildcard is what every server knows (P33). */
function current({ wildcard, names, named, type }: ClientSubscription): string[] {
  if (!wildcard) return [...names];
  return names.size === 0 && !named && type.emptyIsWildcard ? [] : ["*", ...names];
}

/** The lists that bring the server from what it was told to what is wanted: one, unless a step has to be seen by itself. */
function nameLists(subscription: ClientSubscription): string[][] {
  const { named, subscribing, unsubscribing } = subscription;
  // Dropped and wanted again: it comes again only if the server sees it dropped (P28).
  const again = new Set([...subscribing].filter((name) => unsubscribing.has(name)));
  if (again.size > 0) subscription.named = true;
  const target = current(subscription);
  const first = again.size > 0 ? target.filter((name) => !again.has(name)) : target;
  const lists = first === target ? [target] : [first, target];
  // An empty list ends a wildcard only when the wildcard has been named (P35).
  const isLegacy = first === target && subscription.wildcard;
  if (first.length === 0 && !named && !isLegacy) lists.unshift(["*"]);
  if (lists.some((list) => list.length > 0)) subscription.named = true;
  return lists;
}
