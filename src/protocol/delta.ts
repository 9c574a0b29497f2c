import { canonicalName, hasSpellings } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import type { DeltaDiscoveryRequest } from "../wire/messages.js";
import { counted } from "./name-count.js";
import type { Subscription } from "./subscription.js";
import type { Variant } from "./variant.js";

const none: readonly string[] = [];

/** Incremental xDS: requests and responses carry only changes. */
export const delta: Variant<DeltaDiscoveryRequest> = {
  name: "delta",
  announcesRemovals: true,
  ttlFeatures: [["xds.config.supports-resource-ttl"]],
  staleRequestsCount: true,

  subscribedNames: ({ resourceNamesSubscribe }) => resourceNamesSubscribe,
  longestNameList: ({ resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions }) =>
    Math.max(resourceNamesSubscribe.length, resourceNamesUnsubscribe.length, initialResourceVersions.size),

  nameLists: ({ resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions }) => [
    resourceNamesSubscribe,
    resourceNamesUnsubscribe,
    initialResourceVersions.keys(),
  ],

  subscribe(subscription, request, first) {
    const { resourceNamesSubscribe, resourceNamesUnsubscribe } = request;
    // This holds for nearly every ACK.
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
  const { type, names, view, namesToAnswer } = subscription;
  // If both lists of the first request are empty, it is the legacy wildcard (P46). Later empty lists change nothing
  // (P48).
  if (first && subscribe.length === 0 && unsubscribe.length === 0) {
    subscription.setWildcard(type.emptyIsWildcard);
    subscription.mustAnswer = true; // for on-demand types too: Envoy's start waits for the response (P46, P56)
  }
  // A name in both lists stays subscribed (P51). It is not dropped, because the client still has it. A wildcard and
  // names can also change places in one message: what is newly subscribed covers what leaves.
  const everything = subscribe.includes("*");
  const leavesWildcard = unsubscribe.includes("*");
  if (everything && leavesWildcard && subscription.wildcard) for (const { key } of view.all()) namesToAnswer.add(key);
  if (everything) subscription.setWildcard(true);
  const stay = new Set(unsubscribe.length === 0 ? none : subscribe);
  let count = 0;
  for (const spelling of unsubscribe) {
    count = counted(count, spelling);
    if (count === 0) yield;
    if (spelling === "*" || stay.has(spelling)) continue;
    const name = canonicalName(spelling);
    const isKnown = names.has(name) || view.get(name);
    subscription.drop(spelling);
    if (subscription.wildcard && isKnown) namesToAnswer.add(name); // answered with what the wildcard still covers (P45)
  }
  for (const name of subscribe) {
    count = counted(count, name);
    if (count === 0) yield;
    if (name !== "*") subscription.add(name);
  }
  if (leavesWildcard && !everything) subscription.setWildcard(false);
  if (!first) return;
  subscription.listedNames = subscribe;
  for (const [spelling, version] of request.initialResourceVersions) {
    count = counted(count, spelling);
    if (count === 0) yield;
    const name = canonicalName(spelling);
    const placeholder = type.placeholder?.inDelta && !view.get(name) ? Resource.placeholder(type, name) : undefined;
    subscription.report(spelling, version, placeholder);
  }
}

/**
 * Replaces removed names by the names under which the resources were sent. A client may know no other spelling (P64).
 */
function asSent(subscription: Subscription, removed: readonly string[]): readonly string[] {
  if (!removed.some(hasSpellings)) return removed;
  const spelt = (name: string) => hasSpellings(name) && !subscription.spellings.has(name);
  return removed.map((name) => (spelt(name) && subscription.state.repeatable(name)?.name) || name);
}
