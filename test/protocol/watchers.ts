import type { LinearCache } from "../../src/cache/linear-cache.js";
import type { ResourceLog } from "../../src/cache/resource-log.js";
import type { SnapshotCache } from "../../src/cache/snapshot-cache.js";

/** All that the readers of a cache have left in it: names followed, positions retained, followers of everything. */
export function watchersOf(cache: LinearCache | SnapshotCache): number {
  const inside = cache as unknown as { log: ResourceLog; groups?: Map<string, { logs: Map<string, ResourceLog> }> };
  const logs = inside.groups ? [...inside.groups.values()].flatMap(({ logs }) => [...logs.values()]) : [inside.log];
  return logs.reduce((sum, { readers: { names, positions, all } }) => sum + names + positions + all, 0);
}
