import type { DeltaDiscoveryRequest } from "../wire/messages.js";
import type { ClientVariant } from "./variant.js";

const none: ReadonlyMap<string, string> = new Map();

/** The delta variant: requests and responses contain only changes. */
export const delta: ClientVariant<DeltaDiscoveryRequest> = {
  name: "delta",
  method: (service) => service.delta,

  requests(subscription, answer) {
    if (!answer && !subscription.pending) return [];
    const { typeUrl, type, requested } = subscription;
    let subscribe = requested ? [...subscription.subscribing] : subscription.all();
    // A first request with two empty lists is the legacy wildcard, which every server supports (P46).
    if (!requested && subscribe.length === 1 && subscription.wildcard && type.emptyIsWildcard) subscribe = [];
    const request = {
      node: undefined,
      typeUrl,
      responseNonce: answer?.nonce ?? "",
      errorDetail: answer?.error,
      resourceNamesSubscribe: subscribe,
      // For a name that was dropped and added again, subscribing is enough to receive it again (P42).
      resourceNamesUnsubscribe: [...subscription.unsubscribing].filter((name) => !subscription.subscribing.has(name)),
      initialResourceVersions: requested ? none : versions(subscription.resources),
    };
    subscription.markSent();
    return [request];
  },

  apply(subscription, { resources, bodiless, removed }, now) {
    const changes = resources.flatMap((resource) => subscription.put(resource, now));
    for (const entry of bodiless) {
      if (subscription.refresh(entry, now) || entry.ttlMs !== undefined) continue;
      // The name has no resource (P60).
      changes.push(...subscription.remove(entry.name));
      for (const name of [entry.name, ...entry.aliases]) subscription.addMissing(name);
    }
    for (const name of removed) {
      changes.push(...subscription.remove(name));
      subscription.addMissing(name);
    }
    return changes;
  },
};

/** The versions of the client's resources. The server of a new stream does not send these again (P49). */
function versions(resources: ReadonlyMap<string, { readonly version: string }>): ReadonlyMap<string, string> {
  const versionsByName = new Map<string, string>();
  for (const [name, { version }] of resources) if (version !== "") versionsByName.set(name, version);
  return versionsByName;
}
