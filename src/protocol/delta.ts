import type { DeltaDiscoveryRequest } from "./messages.js";
import type { Variant } from "./variant.js";

/** Incremental: requests and responses say what changes. */
export const delta: Variant<DeltaDiscoveryRequest> = {
  name: "delta",
  tellsRemovals: true,
  staleRequestsCount: true,

  subscribe(subscription, request, first) {
    const { resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request;
    const { type, held, asked } = subscription;
    // Neither list in the first request: the legacy wildcard (P46). Later empty lists change nothing (P48).
    if (first && subscribe.length === 0 && unsubscribe.length === 0) subscription.setWildcard(type.emptyIsWildcard);
    // Unsubscribing first, so that what is in both lists ends subscribed (P51); but a wildcard that is taken up counts for the
    // names that leave with the same message: the client still has them.
    const everything = subscribe.includes("*");
    if (unsubscribe.includes("*"))
      if (everything && subscription.wildcard) for (const { name } of subscription.view.all()) asked.add(name);
      else subscription.setWildcard(false);
    if (everything) subscription.setWildcard(true);
    for (const name of unsubscribe) {
      if (name === "*") continue;
      subscription.drop(name);
      if (subscription.wildcard) asked.add(name); // answered with what the wildcard still gives (P45)
    }
    for (const name of subscribe) if (name !== "*") subscription.add(name);
    if (!first) return;
    for (const [name, version] of request.initialResourceVersions) {
      if (!subscription.covers(name)) continue; // they subscribe nothing (P50)
      held.set(name, { version });
      asked.delete(name); // the same version is skipped, also of a name subscribed here (P49)
    }
  },

  respond({ view, mustAnswer }, { changed, removed }) {
    if (changed.length === 0 && removed.length === 0 && !mustAnswer) return undefined;
    return { version: view.version, resources: changed, removed };
  },
};
