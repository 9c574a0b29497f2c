import type { DeltaDiscoveryRequest } from "../protocol/messages.js";
import type { ClientVariant } from "./variant.js";

const none: ReadonlyMap<string, string> = new Map();

/** Incremental: requests and responses say what changes. */
export const delta: ClientVariant<DeltaDiscoveryRequest> = {
  name: "delta",
  method: (service) => service.delta,

  requests(subscription, answer) {
    if (!answer && !subscription.pending) return [];
    const { typeUrl, type, told } = subscription;
    let subscribe = told ? [...subscription.subscribing] : subscription.all();
    // Neither list in the first request is the legacy wildcard, which every server knows (P46).
    if (!told && subscribe.length === 1 && subscription.wildcard && type.emptyIsWildcard) subscribe = [];
    const request = {
      node: undefined,
      typeUrl,
      responseNonce: answer?.nonce ?? "",
      errorDetail: answer?.error,
      resourceNamesSubscribe: subscribe,
      // Dropped and wanted again: subscribing it is enough for it to come again (P42).
      resourceNamesUnsubscribe: [...subscription.unsubscribing].filter((name) => !subscription.subscribing.has(name)),
      initialResourceVersions: told ? none : versions(subscription.resources),
    };
    subscription.tell();
    return [request];
  },

  apply(subscription, { resources, bodiless, removed }, now) {
    const changes = resources.flatMap((resource) => subscription.put(resource, now));
    for (const entry of bodiless) {
      if (subscription.refresh(entry, now) || entry.ttlMs !== undefined) continue;
      // A name that stands for nothing (P60).
      changes.push(...subscription.remove(entry.name));
      for (const name of [entry.name, ...entry.aliases]) subscription.lack(name);
    }
    for (const name of removed) {
      changes.push(...subscription.remove(name));
      subscription.lack(name);
    }
    return changes;
  },
};

/** What the client has, for the server of a new stream to skip (P49). */
function versions(resources: ReadonlyMap<string, { readonly version: string }>): ReadonlyMap<string, string> {
  const held = new Map<string, string>();
  for (const [name, { version }] of resources) if (version !== "") held.set(name, version);
  return held;
}
