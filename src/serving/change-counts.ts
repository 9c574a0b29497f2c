import { isDeepStrictEqual } from "node:util";
import type { ChangeCounts } from "../admin/change-watch.js";
import type { InSteps } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import { type Configuration, type Layer, layersOf, merging, type RemovedResource } from "../source/reading/layers.js";
import { emptiedDirectories, keyOf, type Places } from "./emptied-directories.js";
import { type NodeRules, storedRules } from "./stored-configuration.js";

/** A configuration, and the places of its resources. */
interface Read {
  readonly configuration: Configuration;
  readonly rules: NodeRules;
  readonly places: Places;
}

/** How a configuration differs from the previous one. */
export interface ConfigurationChange {
  readonly counts: ChangeCounts;
  /** Whether nodes move to other groups, or groups get other layers, or layers remove other resources. */
  readonly hasOtherRules: boolean;
  /** The directories that the change has left without resources, and how many each has lost. */
  readonly emptied: ReadonlyMap<string, number>;
}

/**
 * Compares a configuration with the previous one. Resources are counted as groups of nodes are served them: what a
 * layer replaces or removes for all groups does not count. A resource counts once, however many groups have it.
 */
export function* comparing(before: Read, after: Read): InSteps<ConfigurationChange> {
  const changes = { added: new Set<Resource>(), changed: new Set<Resource>(), removed: new Set<Resource>() };
  const [was, is] = [before.configuration, after.configuration];
  for (const group of new Set([undefined, ...was.groups.keys(), ...is.groups.keys()])) {
    const layers = [layersOf(was, group), layersOf(is, group)] as const;
    if (hasSameLayers(...layers)) continue;
    const [old, now] = [yield* merging(layers[0]), yield* merging(layers[1])];
    const { added, changed, removed } = yield* differing(old, now);
    for (const one of changed) changes.changed.add(one);
    // A group that is new or gone has, on the other side, what nodes without a group have. That is no change for those.
    if (group === undefined || is.groups.has(group)) for (const one of added) changes.added.add(one);
    if (group === undefined || was.groups.has(group)) for (const one of removed) changes.removed.add(one);
  }
  const { added, changed, removed } = changes;
  const counts = { added: added.size, changed: changed.size, removed: removed.size };
  const rules = [before, after].map((one) => storedRules(one.configuration, one.rules));
  const hasOtherRules = !isDeepStrictEqual(rules[0], rules[1]);
  const hasLost = removed.size > 0;
  const emptied = hasLost ? yield* emptiedDirectories(before.places, after.places) : new Map<string, number>();
  return { counts, hasOtherRules, emptied };
}

const hasSameLayers = (a: readonly Layer[], b: readonly Layer[]): boolean =>
  a.length === b.length &&
  a.every(({ resources, removes }, at) => resources === b[at]?.resources && hasSameRemovals(removes, b[at].removes));

const hasSameRemovals = (a: readonly RemovedResource[], b: readonly RemovedResource[]): boolean =>
  a.length === b.length && a.every(({ typeUrl, key }, at) => typeUrl === b[at]?.typeUrl && key === b[at].key);

function* differing(before: readonly Resource[], after: readonly Resource[]) {
  const added: Resource[] = [];
  const changed: Resource[] = [];
  const gone = new Map<string, Resource>();
  if (before === after) return { added, changed, removed: [] };
  for (const resource of before) {
    gone.set(keyOf(resource), resource);
    yield;
  }
  for (const resource of after) {
    yield;
    const old = gone.get(keyOf(resource));
    gone.delete(keyOf(resource));
    if (!old) added.push(resource);
    else if (old.version !== resource.version) changed.push(resource);
  }
  return { added, changed, removed: [...gone.values()] };
}
