import { nameStatesOf } from "../../protocol/name-state.js";
import type { Subscription } from "../../protocol/subscription.js";
import { isGlob } from "../../resource/names.js";
import type { Resource } from "../../resource/resource.js";
import { laterEntry, rankOf, type StreamOfNode, subscriptionsByType, syncState } from "./status.js";

/**
 * `acked`: what a node has ACKed, without what it was later sent a removal for. `served`: what is served for its
 * subscriptions.
 */
export type ResourceState = "acked" | "served";

/** The resources of one type that a node has ACKed or is served. */
export interface TypeResources {
  readonly typeUrl: string;
  /** `version_info` of the last ACK, or of what is served now. "" if nothing was ACKed yet. */
  readonly version: string;
  /** When that ACK came, in milliseconds since 1970. 0 without an ACK, and for `served`. */
  readonly updatedAt: number;
  /** The resources by name. undefined for a refused resource of which no version was ACKed before. */
  readonly resources: ReadonlyMap<string, Resource | undefined>;
  /** The last NACK that is still in force. undefined for `served`. */
  readonly nack: { readonly version: string; readonly at: number; readonly message: string } | undefined;
  /** The names of the refused resources. */
  readonly refused: ReadonlySet<string>;
}

/**
 * The resources that the streams of one node have ACKed or are served, by type in the order of the table of types.
 *
 * - For resources that were refused together with others, the result has the versions from before: which of them the
 *   node has taken is not known.
 * - Placeholders for resources that do not exist are left out.
 * - If several streams subscribe to a resource, the result has the version of the stream in the worst state.
 */
export function nodeResources(streams: readonly StreamOfNode[], state: ResourceState): TypeResources[] {
  return Array.from(subscriptionsByType(streams), ([typeUrl, all]) => {
    const subscriptions = all.sort((a, b) => rankOf(syncState(a)) - rankOf(syncState(b)));
    const resources = new Map<string, Resource | undefined>();
    const refused = new Set<string>();
    for (const subscription of subscriptions) {
      const found = state === "acked" ? ackedResources(subscription, refused) : servedResources(subscription);
      for (const [name, resource] of found) resources.set(name, resource);
    }
    if (state === "served") {
      const version = subscriptions[0]?.view.version ?? ""; // all streams of a node have the same view
      return { typeUrl, version, updatedAt: 0, resources, nack: undefined, refused };
    }
    const last = subscriptions.map(({ ledger }) => ledger.acked).reduce(laterEntry);
    const nack = subscriptions.map(({ ledger }) => ledger.nacked).reduce(laterEntry);
    return {
      typeUrl,
      version: last?.version ?? "",
      updatedAt: last?.at ?? 0,
      resources,
      nack: nack && { version: nack.version, at: nack.at, message: nack.error.message },
      refused,
    };
  });
}

function* ackedResources(subscription: Subscription, refused: Set<string>): Iterable<[string, Resource | undefined]> {
  for (const known of nameStatesOf(subscription)) {
    const has = known.has?.isPlaceholder ? undefined : known.has;
    const name = has?.name ?? subscription.spellings.get(known.name) ?? known.name;
    if (known.refused) refused.add(name);
    if (has || known.refused) yield [name, has];
  }
}

function* servedResources({ wildcard, view, names }: Subscription): Iterable<[string, Resource]> {
  if (wildcard) for (const resource of view.all()) yield [resource.name, resource];
  for (const name of names) {
    if (isGlob(name)) for (const member of view.members(name)) yield [member.name, member];
    const resource = view.get(name);
    if (resource) yield [resource.name, resource];
  }
}
