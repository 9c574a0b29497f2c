import type { Subscription } from "../protocol/subscription.js";
import { isGlob } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { latest, rankOf, type StreamOfNode, subscriptionsByType, syncState } from "./status.js";

/** `acked`: what a node has taken, and not been told to drop since; `served`: what it is to have, of all that it asks for. */
export type ResourceState = "acked" | "served";

/** What a node has, or is to have, of one type. */
export interface TypeResources {
  readonly typeUrl: string;
  /** `version_info` of what was ACKed last or is served now; "": nothing was ACKed yet. */
  readonly version: string;
  /** When that ACK came, in milliseconds since 1970; 0: never, or what is served. */
  readonly updatedAt: number;
  /** By name. One that was refused, and of which nothing was taken before, is undefined. */
  readonly resources: ReadonlyMap<string, Resource | undefined>;
  /** Why the last response that was refused was; undefined for what is served. */
  readonly nack: { readonly version: string; readonly at: number; readonly message: string } | undefined;
  /** The names that are refused. */
  readonly refused: ReadonlySet<string>;
}

/**
 * What the streams of one node have or are to have, by type in the table's order. Of what was refused together with others it is
 * what the node had before, for nobody can know which of them it took. What stands in for a resource that does not exist is left out. A
 * resource that several streams ask for is as the one in the worst state has it.
 */
export function nodeResources(streams: readonly StreamOfNode[], state: ResourceState): TypeResources[] {
  return Array.from(subscriptionsByType(streams), ([typeUrl, all]) => {
    const subscriptions = all.sort((a, b) => rankOf(syncState(a)) - rankOf(syncState(b)));
    const resources = new Map<string, Resource | undefined>();
    const refused = new Set<string>();
    for (const subscription of subscriptions) {
      const found = state === "acked" ? ackedBy(subscription, refused) : servedTo(subscription);
      for (const [name, resource] of found) resources.set(name, resource);
    }
    if (state === "served") {
      const version = subscriptions[0]?.view.version ?? ""; // all streams of a node look at the same view
      return { typeUrl, version, updatedAt: 0, resources, nack: undefined, refused };
    }
    const last = subscriptions.map(({ ledger }) => ledger.acked).reduce(latest);
    const nack = subscriptions.map(({ ledger }) => ledger.nacked).reduce(latest);
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

function* ackedBy(subscription: Subscription, refused: Set<string>): Iterable<[string, Resource | undefined]> {
  for (const known of subscription.nameStates()) {
    const has = known.has?.isPlaceholder ? undefined : known.has;
    const name = has?.name ?? subscription.spellings.get(known.name) ?? known.name;
    if (known.refused) refused.add(name);
    if (has || known.refused) yield [name, has];
  }
}

function* servedTo({ wildcard, view, names }: Subscription): Iterable<[string, Resource]> {
  if (wildcard) for (const resource of view.all()) yield [resource.name, resource];
  for (const name of names) {
    if (isGlob(name)) for (const member of view.members(name)) yield [member.name, member];
    const resource = view.get(name);
    if (resource) yield [resource.name, resource];
  }
}
