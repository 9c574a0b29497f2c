import { canonicalName } from "../resource/names.js";
import { covers, isCollection, type Reference, referencesOf } from "../resource/references.js";
import type { Resource } from "../resource/resource.js";
import { Refusal } from "./held.js";
import type { Subscription } from "./subscription.js";

/** The subscriptions of one stream, by type URL; or of several, for what they refer to. */
type ByType = ReadonlyMap<string, Subscription>;

/** What a stream does next. */
export interface Turn {
  readonly subscription: Subscription;
  /** Only what was asked for goes out: what has changed waits for its turn. */
  readonly partial: boolean;
}

/**
 * Of the subscriptions that may have something to send, the one whose turn it is (P53): what is referred to goes before what
 * refers to it, and while a response of an earlier type is unanswered, at most until `patience` (milliseconds) is over, a later type
 * waits. It still answers what the client asks for by name, if that refers to nothing that the client is yet to get: a client may
 * need it to finish with the earlier type (a cluster its secret).
 */
export function nextTurn(
  waiting: Iterable<Subscription>,
  all: ByType,
  now: number,
  patience: number,
): Turn | undefined {
  let next: Turn | undefined;
  for (const subscription of waiting) {
    if (next && next.subscription.type.order <= subscription.type.order) continue;
    if (subscription.inFlight || !subscription.view.serving) continue;
    if (!blockedUntil(subscription, all, now, patience)) next = { subscription, partial: false };
    else if (canAnswerApart(subscription, all)) next = { subscription, partial: true };
  }
  return next;
}

/** When the wait of a type for those before it is over, in milliseconds since 1970; undefined: it does not wait. */
export function blockedUntil({ type }: Subscription, all: ByType, now: number, patience: number): number | undefined {
  let until: number | undefined;
  for (const { type: earlier, inFlight } of all.values()) {
    if (!inFlight || earlier.order >= type.order || now >= inFlight.at + patience) continue;
    if (until === undefined || inFlight.at + patience > until) until = inFlight.at + patience;
  }
  return until;
}

function canAnswerApart({ asked, type, view }: Subscription, all: ByType): boolean {
  if (asked.size === 0 || type.fullStateInSotw) return false;
  const others = [...all.values()];
  for (const name of asked) {
    const resource = view.get(name);
    if (resource && !hasAllOf(resource, others, (other, target) => other.view.get(target) !== undefined)) return false;
  }
  return true;
}

/** Whether the client has, and is to keep, all that a resource refers to; of what `counts`, if that is given. */
export function hasAllOf(
  resource: Resource,
  subscriptions: readonly Subscription[],
  counts: (other: Subscription, name: string) => boolean = () => true,
): boolean {
  for (const { typeUrl, name: spelling } of referencesOf(resource)) {
    const name = canonicalName(spelling);
    if (isCollection(name)) continue;
    for (const other of subscriptions) {
      if (other.type.typeUrl !== typeUrl || !counts(other, name)) continue;
      const has = other.has(name);
      const mayBeGone = has?.version === undefined || (has instanceof Refusal && !has.refused);
      if (mayBeGone || other.inFlight?.removed.includes(name)) return false;
    }
  }
  return true;
}

/**
 * Tells whether a resource would break a client that has an older one: it refers, as the older one does not, to what the client has
 * refused and never had, or to what the client is yet to get and is served to refer to such (P53). undefined: nothing is refused.
 */
export function breaking(all: ByType): ((now: Resource, old: Resource | undefined) => boolean) | undefined {
  let refused = false;
  for (const { ledger } of all.values()) refused ||= ledger.nacked !== undefined;
  if (!refused) return undefined;
  const known = new Map<Resource, boolean>();
  const isMissing = ({ typeUrl, name: spelling }: Reference): boolean => {
    const name = canonicalName(spelling);
    const other = all.get(typeUrl);
    if (!other || isCollection(name)) return false;
    const has = other.has(name);
    if (has instanceof Refusal) return has.refused !== undefined && !has.had && !has.version;
    const coming = has?.version === undefined ? other.view.get(name) : undefined;
    return coming !== undefined && isBroken(coming);
  };
  const isBroken = (resource: Resource): boolean => {
    const answer = known.get(resource);
    if (answer !== undefined) return answer;
    known.set(resource, false); // clusters may refer to each other in a circle
    const broken = referencesOf(resource).some(isMissing);
    known.set(resource, broken);
    return broken;
  };
  return (now, old) => {
    if (!isBroken(now)) return false;
    const before = new Set(old ? referencesOf(old).map(({ typeUrl, name }) => `${typeUrl} ${name}`) : []);
    return referencesOf(now).some((one) => !before.has(`${one.typeUrl} ${one.name}`) && isMissing(one));
  };
}

/** The names of one type that something on the client may refer to (P54). */
export function referredTo(typeUrl: string, subscriptions: () => readonly Subscription[]): (name: string) => boolean {
  let sets: ReadonlySet<string>[] | undefined;
  return (name) => {
    sets ??= others(subscriptions()).map((subscription) => targets(typeUrl, subscription));
    return sets.some((set) => set.has(name));
  };
}

/** A type that is alone is looked up in nobody's configuration, so that one change costs no walk of all there is. */
const others = (all: readonly Subscription[]) => (all.length < 2 ? [] : all);

function targets(typeUrl: string, subscription: Subscription): ReadonlySet<string> {
  const { wildcard, position, held, inFlight, view } = subscription;
  // A client that has just what is served refers to what all such clients refer to.
  if (!wildcard || position !== view.position || held.size > 0 || inFlight)
    return collect(typeUrl, subscription.inUse());
  const known = shared.get(view.all()) ?? new Map<string, ReadonlySet<string>>();
  shared.set(view.all(), known);
  const set = known.get(typeUrl) ?? collect(typeUrl, view.all());
  known.set(typeUrl, set);
  return set;
}
const shared = new WeakMap<readonly Resource[], Map<string, ReadonlySet<string>>>();

/** A collection refers to none of its members: they may come and go. */
function collect(typeUrl: string, resources: Iterable<Resource>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const resource of resources)
    for (const reference of referencesOf(resource))
      if (reference.typeUrl === typeUrl && !isCollection(reference.name)) names.add(canonicalName(reference.name));
  return names;
}

/**
 * Of what is on its way to a client, what refers to resources that it needs again (P55): Envoy keeps a changed cluster or listener
 * waiting for its endpoints or routes, though they have not changed, and ACKs clusters only once they have come.
 */
export function neededAgain(sent: readonly Resource[], all: ByType): [Subscription, string][] {
  const needed: [Subscription, string][] = [];
  for (const resource of sent)
    for (const { typeUrl, name: target } of referencesOf(resource)) {
      const subscription = all.get(typeUrl);
      if (!subscription?.type.sentAgain) continue;
      const name = canonicalName(target);
      if (isCollection(name)) {
        const members = [...subscription.names].filter((member) => covers(name, member));
        // Where there is none yet, Envoy still waits to hear something of its virtual hosts, of whatever name (P56).
        const heard = members.length === 0 && subscription.type.unknownWithoutBody ? [name] : members;
        for (const member of heard) needed.push([subscription, member]);
      } else if (subscription.has(name)?.version !== undefined) needed.push([subscription, name]);
    }
  return needed;
}
