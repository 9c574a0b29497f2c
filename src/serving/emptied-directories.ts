import { dirname } from "node:path";
import type { InSteps } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import type { GoodReading } from "../source/reading/source.js";

/** A key that is the same for all versions of a resource. */
export const keyOf = ({ type, key }: Resource): string => `${type.typeUrl} ${key}`;

/** The places of resources. */
export type Places = GoodReading["places"];

/**
 * Returns the directories that have no resources any more, and how many each has lost. A resource that has moved to
 * another directory is not lost.
 */
export function* emptiedDirectories(before: Places, after: Places): InSteps<ReadonlyMap<string, number>> {
  const kept = new Set<string>();
  const filled = new Set<string>();
  for (const [resource, { file }] of after) {
    kept.add(keyOf(resource));
    filled.add(dirname(file));
    yield;
  }
  const emptied = new Map<string, number>();
  for (const [resource, { file }] of before) {
    const directory = dirname(file);
    if (!filled.has(directory) && !kept.has(keyOf(resource))) emptied.set(directory, (emptied.get(directory) ?? 0) + 1);
    yield;
  }
  return emptied;
}
