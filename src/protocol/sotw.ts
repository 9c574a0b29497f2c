import { canonicalName } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { covered, type Difference, versionOf, withOld } from "./diff.js";
import { livingState } from "./heartbeat.js";
import type { DiscoveryRequest } from "./messages.js";
import { namesAtOnce } from "./steps.js";
import type { Subscription } from "./subscription.js";
import type { Content, Variant } from "./variant.js";

const none: readonly never[] = [];

/** State of the world: a request repeats all names, a response of a full-state type all resources. */
export const sotw: Variant<DiscoveryRequest> = {
  name: "sotw",
  tellsRemovals: false,
  ttlFeatures: [
    ["xds.config.supports-resource-ttl"],
    ["xds.config.resource-in-sotw", "xds.config.supports-resource-in-sotw"],
  ],
  staleRequestsCount: false,

  named: ({ resourceNames }) => resourceNames,
  longestList: ({ resourceNames }) => resourceNames.length,
  lists: ({ resourceNames }) => [resourceNames],

  subscribe(subscription, request, first) {
    if (request.resourceNames === subscription.list) return undefined; // as nearly every ACK does
    return subscribe(subscription, request, first);
  },

  respond(subscription, difference) {
    const { fullStateInSotw } = subscription.type;
    const { changed, removed } = difference.changes;
    const different = changed.length > 0 || (fullStateInSotw && removed.length > 0);
    if (!different && !subscription.mustAnswer) return undefined;
    if (!fullStateInSotw)
      return { version: subscription.view.version, resources: changed, removed: none, unresolved: none };
    return fullState(subscription, covered(subscription), difference.withheld);
  },

  // With their bodies, for Envoy takes a heartbeat without one for the absence of the cluster or listener, and of other types
  // does not prolong the life (1.40, whose incremental side does all this right).
  keepAlive(subscription, resources) {
    if (subscription.type.fullStateInSotw)
      return fullState(subscription, livingState(subscription, covered(subscription)), subscription.waiting);
    return { version: subscription.ledger.sent?.version ?? "", resources, removed: none, unresolved: none };
  },
};

function* subscribe(
  subscription: Subscription,
  { resourceNames, versionInfo }: DiscoveryRequest,
  first: boolean,
): Generator<void, void> {
  const { type, names, view } = subscription;
  // An empty list is a wildcard only until something has been named (P33, P35).
  const legacy = resourceNames.length === 0 && !subscription.named && type.emptyIsWildcard;
  const wanted = new Set<string>();
  let count = 0;
  for (const name of resourceNames) {
    wanted.add(canonicalName(name));
    if (++count % namesAtOnce === 0) yield;
  }
  const distinct = wanted.size;
  const wildcard = wanted.delete("*") || legacy;
  if (resourceNames.length > 0) subscription.named = true;
  subscription.setWildcard(wildcard);
  for (const name of names) {
    if (!wanted.has(name)) subscription.drop(name);
    if (++count % namesAtOnce === 0) yield;
  }
  for (const name of wanted) {
    if (!names.has(name)) subscription.add(name);
    if (++count % namesAtOnce === 0) yield;
  }
  // With repetitions it may be of any length, and is not kept.
  subscription.list = resourceNames.length === distinct ? resourceNames : undefined;
  if (first) subscription.hasEarlier = versionInfo !== "";
  // Skipped only where the version says what the client has (P36): of a full-state type, by a client that can never
  // have named anything, and so not dropped any of it either. Whoever says `*` may have.
  const hasAll = first && legacy && type.fullStateInSotw && subscription.isTrusted;
  if (hasAll && view.serving && view.versionIsContent && versionInfo === view.version) subscription.assumeCurrent();
}

/** The served resources; a withheld one is added, or takes their place, as the client has it. */
function fullState(
  { view, state }: Subscription,
  served: readonly Resource[],
  withheld: Difference["withheld"],
): Content {
  const repeated = withheld.size > 0 ? [...withheld.keys()].flatMap((name) => state.repeatable(name) ?? []) : none;
  const resources = withOld(served, repeated);
  return { version: versionOf(view, resources), resources, repeated, removed: none, unresolved: none };
}
