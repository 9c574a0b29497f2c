import type { InSteps } from "../in-turns.js";
import { canonicalName } from "../resource/names.js";
import { referencesOf } from "../resource/references/references.js";
import type { Resource } from "../resource/resource.js";
import type { Groups } from "../revisions/revision-blobs.js";
import { type Configuration, layerNamesOf, layersOf, merging } from "../source/reading/layers.js";
import { keyOf } from "./emptied-directories.js";

/** A live resource, and its layer. */
type Placed = readonly [layer: string, resource: Resource];

/** The live resources of `before` that `after` does not have. */
export function* lacking(before: Groups, after: Groups): InSteps<readonly Placed[]> {
  const gone: Placed[] = [];
  for (const [layer, resources] of before) {
    const now = after.get(layer);
    if (now === resources) continue;
    const keys = new Set<string>();
    for (const resource of now ?? []) {
      keys.add(keyOf(resource));
      yield;
    }
    for (const resource of resources) {
      if (!keys.has(keyOf(resource))) gone.push([layer, resource]);
      yield;
    }
  }
  return gone;
}

/** The input of {@link keeping}. All configurations have the wanted live resources. */
interface Keeping {
  /** The live resources that are wanted. */
  readonly live: Groups;
  /** The removed live resources: they are served and no longer wanted. */
  readonly gone: readonly Placed[];
  readonly wanted: Configuration;
  /** The configurations that nodes have: the stable revision, and the candidate. */
  readonly served: readonly Configuration[];
}

/**
 * The live resources to serve while some nodes do not have the wanted configuration yet: the wanted ones, and the
 * removed ones that are still needed. Each group of nodes of a served configuration decides. It needs a removed
 * resource if one of its resources refers to it, and none of its layers has it any more. For example, the endpoints of
 * a removed cluster stay until no node has the cluster. A removed resource is not needed if the wanted configuration
 * refers to it too, and does not have it for this group either: then somebody has removed only this resource. Returns
 * undefined if no removed one is needed.
 */
export function* keeping({ live, gone, wanted, served }: Keeping): InSteps<Groups | undefined> {
  const keys = new Set(gone.map(([, resource]) => keyOf(resource)));
  const missingInWanted = memoized((group) => missing(keys, wanted, group));
  const kept = new Set<Placed>();
  for (const configuration of served)
    for (const group of [undefined, ...configuration.groups.keys()]) {
      const layers = layerNamesOf(configuration, group);
      const own = gone.filter((placed) => layers.includes(placed[0]) && !kept.has(placed));
      if (own.length === 0) continue;
      const needed = yield* missing(new Set(own.map(([, resource]) => keyOf(resource))), configuration, group);
      if (needed.size === 0) continue;
      const removed = yield* missingInWanted(group);
      for (const placed of own) {
        const key = keyOf(placed[1]);
        if (needed.has(key) && !removed.has(key)) kept.add(placed);
      }
    }
  if (kept.size === 0) return undefined;
  const all = new Map(live);
  for (const [layer, resource] of kept) all.set(layer, [...(all.get(layer) ?? []), resource]);
  return all;
}

/** The keys that resources of a group refer to, and that the group does not have. */
function* missing(
  keys: ReadonlySet<string>,
  configuration: Configuration,
  group: string | undefined,
): InSteps<ReadonlySet<string>> {
  const view = yield* merging(layersOf(configuration, group));
  const found = new Set<string>();
  for (const resource of view) {
    yield;
    for (const { typeUrl, name } of referencesOf(resource)) {
      const key = `${typeUrl} ${canonicalName(name)}`;
      if (keys.has(key)) found.add(key);
    }
  }
  if (found.size > 0) for (const resource of view) found.delete(keyOf(resource));
  return found;
}

/** Calls `make` once for each group. */
function memoized<Made>(make: (group: string | undefined) => InSteps<Made>) {
  const known = new Map<string | undefined, Made>();
  return function* (group: string | undefined): InSteps<Made> {
    if (!known.has(group)) known.set(group, yield* make(group));
    return known.get(group) as Made;
  };
}
