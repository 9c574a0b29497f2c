import type { ResourceView } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import { SetHash } from "../resource/resource-set.js";
import type { Subscription } from "./subscription.js";

/**
 * The served resources that a subscription covers: in the view's order under a wildcard, else in the order of its
 * names.
 */
export function covered(
  subscription: Pick<Subscription, "view" | "wildcard"> & { readonly names: ReadonlySet<string> },
): readonly Resource[] {
  const { view, wildcard, names } = subscription;
  if (wildcard) return view.all();
  return [...names].flatMap((name) => view.get(name) ?? []);
}

/**
 * `resources`, with the resources in `old` in the place of those with the same names. All streams that keep the same
 * old resources get the same list.
 */
export function withOld(resources: readonly Resource[], old: readonly Resource[]): readonly Resource[] {
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

/**
 * The `version_info` of a part of a view. It is made from the part's content, unless the user gave the view a version.
 */
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
