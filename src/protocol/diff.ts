import type { ResourceView } from "../cache/config-watcher.js";
import { isGlob } from "../resource/names.js";
import { placeholderVersion, type Resource } from "../resource/resource.js";
import { SetHash } from "../resource/resource-set.js";
import { Gone, type Held, Refusal, repeatable, resourceOf, type Sent } from "./held.js";
import type { Subscription } from "./subscription.js";

/** What a client lacks of what it subscribes. The lists may be shared: not to be changed. */
export interface Difference {
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
  /** Of those, what was asked for and does not exist. */
  readonly unresolved: readonly string[];
  /** What stays on the client for now, though no longer served (P54) or served otherwise (P53). */
  readonly kept: ReadonlyMap<string, Held>;
  /** Under a wildcard, the position that the client reaches with it. */
  readonly to: number | undefined;
}

export interface DiffOptions {
  /** A response repeats all there is, also what was refused before. */
  readonly whole: boolean;
  /** Looks at nothing but what was asked for. */
  readonly partial: boolean;
  /** Whether a resource that is no longer served has to stay on the client. */
  keep(name: string): boolean;
  /** Whether the client has all that an old resource refers to, so that it can have that as well. */
  usable(old: Resource): boolean;
  /** Whether a client with an older resource (undefined: unknown) keeps that for now; undefined: nothing has to be kept so. */
  readonly breaks: ((now: Resource, old: Resource | undefined) => boolean) | undefined;
  /** What to answer for a name that does not exist (P56). */
  readonly placeholder: ((name: string) => Resource | undefined) | undefined;
}

const none: readonly string[] = [];
const nothingKept: ReadonlyMap<string, Held> = new Map();

/** Compares what the client has with what is served, in time proportional to what has changed or was asked for. */
export function diff(
  subscription: Subscription,
  { whole, partial, keep, usable, breaks, placeholder }: DiffOptions,
): Difference {
  const { view, wildcard, held, asked } = subscription;
  const to = wildcard && !partial ? view.position : undefined;
  if (wildcard && held.size === 0 && asked.size === 0) {
    const { changed, removed } = view.since(subscription.position);
    const breaksIt = (now: Resource) => staysOn(subscription.has(now.key), now, false, breaks);
    if (!removed.some(keep) && !(breaks && changed.some(breaksIt)))
      return { changed, removed, unresolved: none, kept: nothingKept, to };
  }

  // All that name the same are sent the same list, so that it is encoded once.
  const list = subscription.unansweredList;
  if (list) {
    const changed = view.listed(list);
    if (changed.length === list.length) return { changed, removed: none, unresolved: none, kept: nothingKept, to };
  }

  const changed = new Map<string, Resource>();
  const removed = new Set<string>();
  const kept = new Map<string, Held>();
  const touched = new Set<Sent>(); // refused responses of which something differs now
  const withheld: [string, Resource | undefined, Sent][] = [];
  const lately = (name: string) => {
    const old = view.lately(name);
    return old && usable(old) ? old : undefined;
  };
  const put = (name: string, now: Resource | undefined, has: Held | undefined) => {
    if (now && !staysOn(has, now, asked.has(name), breaks)) changed.set(now.key, now);
    else {
      // What the client uses refers to it: what it has stays, and if it asks for it, it gets it as it was (P54).
      const old = resourceOf(has) ?? (asked.has(name) ? lately(name) : undefined);
      const keeps = has?.version === undefined ? old : has;
      if (!keeps || !(now || keep(name))) removed.add(name);
      else {
        kept.set(name, keeps);
        if (asked.has(name) && old) changed.set(old.key, old);
      }
    }
  };

  const seen = new Set<string>();
  for (const name of partial ? [...asked] : candidates(subscription, whole)) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (isGlob(name)) {
      // Its members speak for it; where there are none, it is answered itself (P63).
      let empty = true;
      for (const member of view.members(name)) {
        empty = false;
        const has = subscription.has(member.key);
        if (has?.version !== member.version) put(member.key, member, has);
      }
      if (empty && asked.has(name)) removed.add(name);
      continue;
    }
    if (!subscription.covers(name) && !asked.has(name)) continue;
    const has = subscription.has(name);
    const now = view.get(name) ?? (has?.version === placeholderVersion ? (has as Resource) : undefined);
    if (asked.has(name)) put(name, now, has);
    // What was refused together with others and is held back since may be good: what else was refused may long have changed.
    else if (!(has instanceof Refusal) || (has.version === "" && now && subscription.kept.has(name))) {
      if (has?.version !== now?.version) put(name, now, has);
    } else if (has.refused?.version === now?.version) withheld.push([name, now, has.response]);
    else if (has.version === now?.version)
      held.set(name, now ?? new Gone(has.inUse)); // back to what the client has (P18)
    else {
      put(name, now, has);
      touched.add(has.response);
    }
  }
  if (placeholder)
    for (const name of removed) {
      const empty = asked.has(name) ? placeholder(name) : undefined;
      if (empty) changed.set(name, empty);
    }
  const all = whole && (changed.size + removed.size > 0 || subscription.mustAnswer);
  for (const [name, now, response] of withheld)
    if (all || touched.has(response)) put(name, now, subscription.has(name));
  const unresolved = [...removed].filter((name) => asked.has(name) && subscription.has(name)?.version === undefined);
  return { changed: [...changed.values()], removed: removed.size > 0 ? [...removed] : none, unresolved, kept, to };
}

/**
 * Whether what a client has, or may have taken of what it refused, stays although it is served otherwise. What is asked for is to be
 * answered: with what is known only.
 */
function staysOn(has: Held | undefined, now: Resource, asked: boolean, breaks: DiffOptions["breaks"]): boolean {
  if (!breaks) return false;
  const old = !asked && has instanceof Refusal ? repeatable(has) : resourceOf(has);
  const isReported = !asked && has?.version !== undefined && !(has instanceof Refusal);
  return (old !== undefined || isReported) && breaks(now, old);
}

/** The names that may differ; some may come twice. */
function* candidates(
  { view, wildcard, position, held, asked, names, stale, allStale, kept }: Subscription,
  whole: boolean,
): Iterable<string> {
  yield* asked;
  if (wildcard) {
    const { changed, removed } = view.since(position);
    for (const { key } of changed) yield key;
    yield* removed;
    yield* held.keys();
  } else if (allStale) {
    yield* names;
    yield* held.keys();
  } else {
    yield* stale;
    yield* kept.keys();
    if (whole) for (const [name, has] of held) if (has instanceof Refusal) yield name; // a response repeats them
    const refused = new Set<Sent>();
    for (const name of stale) {
      const has = held.get(name);
      if (has instanceof Refusal) refused.add(has.response);
    }
    for (const response of refused) {
      for (const { key, aliases } of response.changed) {
        yield key;
        yield* aliases;
      }
      yield* response.removed;
    }
  }
}

/** The resources that a subscription covers, in the view's order or, without a wildcard, in the order named. */
export function covered(subscription: Pick<Subscription, "view" | "wildcard" | "names">): readonly Resource[] {
  const { view, wildcard, names } = subscription;
  if (wildcard) return view.all();
  return [...names].flatMap((name) => view.get(name) ?? []);
}

/** What was kept joins what is served, or stands in for it, as the same list for all streams that keep the same. */
export function withKept(resources: readonly Resource[], kept: ReadonlyMap<string, Held>): readonly Resource[] {
  const old = [...kept.values()].flatMap((has) => repeatable(has) ?? []);
  if (old.length === 0) return resources;
  const key = old.map(({ name, version }) => `${name} ${version}`).join("\n");
  const lists = joined.get(resources) ?? new Map<string, readonly Resource[]>();
  joined.set(resources, lists);
  const names = new Set(old.map((resource) => resource.key));
  const list = lists.get(key) ?? [...resources.filter((resource) => !names.has(resource.key)), ...old];
  lists.set(key, list);
  return list;
}
const joined = new WeakMap<readonly Resource[], Map<string, readonly Resource[]>>();

/** `version_info` of a part of a view: of its content, unless the user gave the whole a version. */
export function versionOf(view: ResourceView, part: readonly Resource[]): string {
  if (part === view.all() || !view.versionIsContent) return view.version;
  let version = versions.get(part);
  if (version === undefined) {
    const hash = new SetHash();
    for (const resource of part) hash.add(resource);
    version = hash.toString();
    versions.set(part, version);
  }
  return view.versionPrefix + version;
}
const versions = new WeakMap<readonly Resource[], string>();
