import type { ResourceView } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import { SetHash } from "../resource/resource-set.js";
import { Refusal, type Sent, type Subscription } from "./subscription.js";

/** What a client lacks of what it subscribes. The lists may be shared: not to be changed. */
export interface Difference {
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
  /** Under a wildcard, the position that the client reaches with it. */
  readonly to: number | undefined;
}

export interface DiffOptions {
  /** A response repeats all there is, also what was refused before. */
  readonly whole: boolean;
  /** What to answer for a name that does not exist (P56). */
  readonly placeholder?: ((name: string) => Resource | undefined) | undefined;
}

/** Compares what the client has with what is served, in time proportional to what has changed or was asked for. */
export function diff(subscription: Subscription, { whole, placeholder }: DiffOptions): Difference {
  const { view, wildcard, held, asked } = subscription;
  const to = wildcard ? view.position : undefined;
  if (wildcard && held.size === 0 && asked.size === 0) return { ...view.since(subscription.position), to };

  const changed = new Map<string, Resource>();
  const removed = new Set<string>();
  const touched = new Set<Sent>(); // refused responses of which something differs now
  const withheld: [string, Resource | undefined, Sent][] = [];
  const put = (name: string, now: Resource | undefined) => (now ? changed.set(name, now) : removed.add(name));

  const seen = new Set<string>();
  for (const name of candidates(subscription)) {
    if (seen.has(name)) continue;
    seen.add(name);
    const has = held.get(name) ?? (wildcard ? view.at(name, subscription.position) : undefined);
    const now = view.get(name) ?? (asked.has(name) || has?.version !== undefined ? placeholder?.(name) : undefined);
    if (asked.has(name)) put(name, now);
    else if (!(has instanceof Refusal)) {
      if (has?.version !== now?.version) put(name, now);
    } else if (has.refused === now?.version) withheld.push([name, now, has.response]);
    else if (has.version === now?.version)
      held.set(name, now ?? { version: undefined }); // back to what the client has (P18)
    else {
      put(name, now);
      touched.add(has.response);
    }
  }
  const all = whole && changed.size + removed.size > 0;
  for (const [name, now, response] of withheld) if (all || touched.has(response)) put(name, now);
  return { changed: [...changed.values()], removed: [...removed], to };
}

/** The names that may differ; some may come twice. */
function* candidates({
  view,
  wildcard,
  position,
  held,
  asked,
  names,
  stale,
  allStale,
}: Subscription): Iterable<string> {
  yield* asked;
  if (wildcard) {
    const { changed, removed } = view.since(position);
    for (const { name } of changed) yield name;
    yield* removed;
    yield* held.keys();
  } else if (allStale) yield* names;
  else {
    yield* stale;
    const refused = new Set<Sent>();
    for (const name of stale) {
      const has = held.get(name);
      if (has instanceof Refusal) refused.add(has.response);
    }
    for (const response of refused) {
      for (const { name } of response.changed) if (names.has(name)) yield name;
      for (const name of response.removed) if (names.has(name)) yield name;
    }
  }
}

/** The resources that a subscription covers, in the view's order or, without a wildcard, in the order named. */
export function covered(subscription: Pick<Subscription, "view" | "wildcard" | "names">): readonly Resource[] {
  const { view, wildcard, names } = subscription;
  if (wildcard) return view.all();
  return [...names].flatMap((name) => view.get(name) ?? []);
}

/** `version_info` of a part of a view: of its content, unless the user gave the whole a version. */
export function versionOf(view: ResourceView, part: readonly Resource[]): string {
  if (part === view.all() || !view.versionIsContent) return view.version;
  const hash = new SetHash();
  for (const resource of part) hash.add(resource);
  return hash.toString();
}
