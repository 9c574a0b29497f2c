import { canonicalName, hasSpellings } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import type { DeltaDiscoveryRequest } from "./messages.js";
import { namesAtOnce } from "./steps.js";
import type { Subscription } from "./subscription.js";
import type { Variant } from "./variant.js";

const none: readonly string[] = [];

/** Incremental: requests and responses say what changes. */
export const delta: Variant<DeltaDiscoveryRequest> = {
  name: "delta",
  tellsRemovals: true,
  ttlFeatures: [["xds.config.supports-resource-ttl"]],
  staleRequestsCount: true,

  named: ({ resourceNamesSubscribe }) => resourceNamesSubscribe,
  longestList: ({ resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions }) =>
    Math.max(resourceNamesSubscribe.length, resourceNamesUnsubscribe.length, initialResourceVersions.size),

  lists: ({ resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions }) => [
    resourceNamesSubscribe,
    resourceNamesUnsubscribe,
    initialResourceVersions.keys(),
  ],

  subscribe(subscription, request, first) {
    const { resourceNamesSubscribe, resourceNamesUnsubscribe } = request;
    // As nearly every ACK.
    if (!first && resourceNamesSubscribe.length === 0 && resourceNamesUnsubscribe.length === 0) return undefined;
    return subscribe(subscription, request, first);
  },

  respond(subscription, { changes: { changed, removed: gone }, unresolved }) {
    const { type, view, names, mustAnswer } = subscription;
    if (changed.length === 0 && gone.length === 0 && !mustAnswer) return undefined;
    const removed = asSent(subscription, gone);
    const content = { version: view.version, resources: changed, removed, unresolved: none };
    if (!type.unknownWithoutBody || unresolved.length === 0) return content;
    const subscribed = new Set(unresolved.filter((name) => names.has(name)));
    return { ...content, removed: removed.filter((name) => !subscribed.has(name)), unresolved: [...subscribed] };
  },

  keepAlive({ ledger }, heartbeats) {
    return { version: ledger.sent?.version ?? "", resources: [], removed: none, unresolved: none, heartbeats };
  },
};

function* subscribe(subscription: Subscription, request: DeltaDiscoveryRequest, first: boolean): Generator<void, void> {
  const { resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request;
  const { type, names, view, asked } = subscription;
  // Neither list in the first request: the legacy wildcard (P46). Later empty lists change nothing (P48).
  if (first && subscribe.length === 0 && unsubscribe.length === 0) {
    subscription.setWildcard(type.emptyIsWildcard);
    subscription.mustAnswer = true; // of on-demand types too: Envoy's start waits for it (P46, P56)
  }
  // Unsubscribing first, so that what is in both lists ends subscribed (P51); but a wildcard that is taken up counts
  // for the names that leave with the same message: the client still has them. Likewise a name that is taken up in
  // the place of the wildcard.
  const everything = subscribe.includes("*");
  const leavesWildcard = unsubscribe.includes("*");
  if (everything && leavesWildcard && subscription.wildcard) for (const { key } of view.all()) asked.add(key);
  if (everything) subscription.setWildcard(true);
  let count = 0;
  for (const spelling of unsubscribe) {
    if (++count % namesAtOnce === 0) yield;
    if (spelling === "*") continue;
    const name = canonicalName(spelling);
    const isKnown = names.has(name) || view.get(name);
    subscription.drop(spelling);
    if (subscription.wildcard && isKnown) asked.add(name); // answered with what the wildcard still gives (P45)
  }
  for (const name of subscribe) {
    if (++count % namesAtOnce === 0) yield;
    if (name !== "*") subscription.add(name);
  }
  if (leavesWildcard && !everything) subscription.setWildcard(false);
  if (!first) return;
  subscription.list = subscribe;
  for (const [spelling, version] of request.initialResourceVersions) {
    if (++count % namesAtOnce === 0) yield;
    const name = canonicalName(spelling);
    const placeholder = type.placeholder?.inDelta && !view.get(name) ? Resource.placeholder(type, name) : undefined;
    subscription.report(spelling, version, placeholder);
  }
}

/** What is removed by the names under which it was sent: a client may know it by no other spelling (P64). */
function asSent(subscription: Subscription, removed: readonly string[]): readonly string[] {
  if (!removed.some(hasSpellings)) return removed;
  const spelt = (name: string) => hasSpellings(name) && !subscription.spellings.has(name);
  return removed.map((name) => (spelt(name) && subscription.state.repeatable(name)?.name) || name);
}
