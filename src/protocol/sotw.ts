import { mixedVersion } from "../resource/mixed-version.js";
import { canonicalName } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import type { DiscoveryRequest } from "../wire/messages.js";
import type { Difference } from "./difference.js";
import { covered, versionOf, withOld } from "./full-state.js";
import { livingState } from "./heartbeat.js";
import { counted } from "./name-count.js";
import type { Subscription } from "./subscription.js";
import type { Content, Variant } from "./variant.js";

const none: readonly never[] = [];

/** State of the world: a request has all names, a response of a full-state type has all resources. */
export const sotw: Variant<DiscoveryRequest> = {
  name: "sotw",
  announcesRemovals: false,
  ttlFeatures: [
    ["xds.config.supports-resource-ttl"],
    ["xds.config.resource-in-sotw", "xds.config.supports-resource-in-sotw"],
  ],
  staleRequestsCount: false,

  subscribedNames: ({ resourceNames }) => resourceNames,
  longestNameList: ({ resourceNames }) => resourceNames.length,
  nameLists: ({ resourceNames }) => [resourceNames],

  subscribe(subscription, request, first) {
    if (request.resourceNames === subscription.listedNames) return undefined; // nearly every ACK lists the same names
    return subscribe(subscription, request, first);
  },

  respond(subscription, difference) {
    const { fullStateInSotw } = subscription.type;
    const { changed, removed } = difference.changes;
    const different = changed.length > 0 || (fullStateInSotw && removed.length > 0);
    if (!different && !subscription.mustAnswer) return undefined;
    if (!fullStateInSotw)
      return { version: versionBeside(subscription, difference), resources: changed, removed: none, unresolved: none };
    return fullState(subscription, covered(subscription), difference.withheld);
  },

  // Heartbeats have bodies. Envoy 1.40 takes one without a body for the absence of a cluster or listener, and does not
  // prolong the TTL of other types. Its incremental side does it right.
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
  const legacy = resourceNames.length === 0 && !subscription.hasNamed && type.emptyIsWildcard;
  const wanted = new Set<string>();
  let count = 0;
  for (const name of resourceNames) {
    wanted.add(canonicalName(name));
    count = counted(count, name);
    if (count === 0) yield;
  }
  const distinct = wanted.size;
  const wildcard = wanted.delete("*") || legacy;
  if (resourceNames.length > 0) subscription.hasNamed = true;
  subscription.setWildcard(wildcard);
  for (const name of names) {
    if (!wanted.has(name)) subscription.drop(name);
    count = counted(count, name);
    if (count === 0) yield;
  }
  const isBack = first && versionInfo !== "";
  const was = isBack ? subscription.meetEarlier(versionInfo) : undefined;
  for (const name of wanted) {
    if (!names.has(name)) subscription.add(name);
    if (isBack) subscription.bring(name, was);
    count = counted(count, name);
    if (count === 0) yield;
  }
  // A list with repetitions may be of any length, so it is not kept.
  subscription.listedNames = resourceNames.length === distinct ? resourceNames : undefined;
  // The first answer is skipped only if the version says what the client has (P36). That is so for a full-state type
  // and a client that never named anything, so that it cannot have dropped a name. A client that sends `*` may have.
  const hasAll = first && legacy && type.fullStateInSotw && subscription.isTrusted;
  if (hasAll && view.serving && view.versionIsContent && versionInfo === view.version) subscription.assumeCurrent();
}

/**
 * A full state: all served resources. For a withheld resource it has the client's version, added or in place of the
 * served one.
 */
function fullState(
  { view, state }: Subscription,
  served: readonly Resource[],
  withheld: Difference["withheld"],
): Content {
  const repeated = withheld.size > 0 ? [...withheld.keys()].flatMap((name) => state.repeatable(name) ?? []) : none;
  const resources = withOld(served, repeated);
  const version = view.versionIsContent ? mixedVersion(versionOf(view, served), repeated) : view.version;
  return { version, resources, repeated, removed: none, unresolved: none };
}

/**
 * The version of a response that does not have everything: the view's version, with a mark for each other resource that
 * the client may have after the response.
 */
function versionBeside(subscription: Subscription, { changes, to }: Difference): string {
  const { view, state, type, waiting } = subscription;
  const isExact = to !== undefined && waiting.size === 0 && state.isPositionOnly && state.removedInUse.size === 0;
  if (isExact || !type.remembered || !view.versionIsContent || !view.earlier) return view.version;
  const copies = new Set(subscription.outdated());
  for (const { inUse } of state.removedInUse.values()) for (const resource of inUse) copies.add(resource);
  for (const name of waiting.keys()) for (const resource of state.possible(name)) copies.add(resource);
  const told = new Set(changes.changed.map(({ key }) => key));
  return mixedVersion(
    view.version,
    [...copies].filter(({ key }) => !told.has(key)),
  );
}
