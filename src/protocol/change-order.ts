import { canonicalName } from "../resource/names.js";
import type { Reference } from "../resource/reference.js";
import { covers, isCollection, referencesOf } from "../resource/references/references.js";
import type { Resource } from "../resource/resource.js";
import type { OrderedStream } from "./ordered-stream.js";
import { beside } from "./reference-targets.js";
import type { Subscription } from "./subscription.js";
import type { Withheld } from "./withheld.js";

/** The subscriptions of one stream, by type URL. */
type ByType = ReadonlyMap<string, Subscription>;

/**
 * Why a changed resource stays as the client has it: it newly refers to something that the client does not have (P53).
 * Undefined: it can be sent. With `ownTypeOnly`, only references within the resource's own type count.
 */
export function whyChangeWaits(
  all: ByType,
  subscription: Subscription,
  now: Resource,
  ownTypeOnly: boolean,
): Withheld | undefined {
  const references = referencesOf(now);
  if (references.length === 0) return undefined;
  let found: ReadonlySet<Reference> | undefined;
  const isNew = (reference: Reference) => {
    found ??= newReferences(subscription, now);
    return found.has(reference);
  };
  for (const reference of references) {
    if (ownTypeOnly && reference.typeUrl !== now.type.typeUrl) continue;
    const why = whyUnusable(all, reference, now, () => isNew(reference), new Set([now]));
    if (!why) continue;
    const known = subscription.waiting.get(now.key);
    return { why, on: reference, since: known?.since ?? performance.now() };
  }
  return undefined;
}

/** The references of a resource that the version that the client has does not have. */
export function newReferences({ state }: Subscription, now: Resource): ReadonlySet<Reference> {
  const old = state.repeatable(now.key);
  return new Set(old ? beside(now, old) : referencesOf(now));
}

/**
 * Why the client cannot use the target of a reference in `from`. `isNew`: the resource that the client has now does not
 * have the reference. `visited`: the resources on the way to `from`.
 */
function whyUnusable(
  all: ByType,
  { typeUrl, name: spelling }: Reference,
  from: Resource,
  isNew: () => boolean,
  visited: Set<Resource>,
): "unanswered" | "refused" | undefined {
  const name = canonicalName(spelling);
  const target = all.get(typeUrl);
  // Envoy ACKs a cluster only after the cluster's endpoints have come, so a cluster never waits for its endpoints.
  if (!target || isCollection(name) || (target.type.sentAgain && target.type.removedLast)) return undefined;
  const availability = target.state.availability(name);
  if (availability === "unanswered") return "unanswered";
  if (availability === "there" || !isNew()) return undefined;
  if (target.state.refused.has(name) || target.state.openWith(name)) return "refused";
  const served = target.view.get(name);
  if (!served) return undefined;
  // The client gets the target without having `from` first, so `from` can wait for the target.
  if (target.wildcard && target.type.order >= from.type.order) return "unanswered";
  if (visited.has(served)) return undefined;
  visited.add(served);
  for (const reference of referencesOf(served)) {
    const why = whyUnusable(all, reference, served, () => true, visited);
    if (why) return why;
  }
  return undefined;
}

/**
 * Whether the client has everything that a resource refers to, and is about to lose none of it. `counts` can
 * leave out names.
 */
export function hasAllOf(
  stream: Pick<OrderedStream, "related">,
  resource: Resource,
  counts: (other: Subscription, name: string) => boolean = () => true,
): boolean {
  for (const { typeUrl, name: spelling } of referencesOf(resource)) {
    const name = canonicalName(spelling);
    if (isCollection(name)) continue;
    for (const other of stream.related())
      if (other.type.typeUrl === typeUrl && counts(other, name) && !isCertainToStay(other, name)) return false;
  }
  return true;
}

/** Whether the client certainly has a name, and is not about to lose the name. */
function isCertainToStay({ state }: Subscription, name: string): boolean {
  if (state.lastCertain(name) === undefined) return false;
  if (state.refused.get(name)?.mayBeGone) return false;
  const change = state.openWith(name);
  if (change?.isRefused && !change.content(name)) return false;
  const coming = state.coming(name);
  return !coming || coming.resource !== undefined;
}

/**
 * The names that a client needs again because resources are sent to it (P55). Envoy keeps a changed cluster or listener
 * warming until its endpoints or routes come again, even if they have not changed. It ACKs clusters only then.
 */
export function neededAgain(sent: Iterable<Resource>, all: ByType): [Subscription, string][] {
  const needed: [Subscription, string][] = [];
  for (const resource of sent)
    for (const { typeUrl, name: target } of referencesOf(resource)) {
      const subscription = all.get(typeUrl);
      if (!subscription?.type.sentAgain) continue;
      const name = canonicalName(target);
      if (isCollection(name)) {
        const members = [...subscription.names].filter((member) => covers(name, member));
        // If the collection has no member yet, Envoy still waits for an answer about its virtual hosts, under any name
        // (P56).
        const answered = members.length === 0 && subscription.type.unknownWithoutBody ? [name] : members;
        for (const member of answered) needed.push([subscription, member]);
      } else if (subscription.state.lastCertain(name) !== undefined) needed.push([subscription, name]);
    }
  return needed;
}
