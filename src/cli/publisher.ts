import type { SnapshotCache } from "../cache/snapshot-cache.js";
import type { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import type { Configuration } from "../source/source.js";

/**
 * The cache's group that has what all nodes get, and that the nodes of other groups fall back to. A group of the user's is the name
 * of a directory, which this is not.
 */
export const commonGroup = "/";

/** How many resources a configuration has more, other and fewer than the one before; those for a group count once. */
export interface ChangeCounts {
  added: number;
  changed: number;
  removed: number;
}

/** Puts one configuration after the other into a cache. */
export class Publisher {
  private last: Configuration = { common: [], groups: new Map() };

  constructor(private readonly cache: SnapshotCache) {}

  /** Serves this configuration from now on. A group that is not in it is served what all nodes get. */
  publish(configuration: Configuration): ChangeCounts {
    const { common, groups } = configuration;
    const counts = { added: 0, changed: 0, removed: 0 };
    count(counts, this.last.common, common);
    this.cache.set(commonGroup, Snapshot.of(common));
    for (const [group, resources] of groups) {
      count(counts, this.last.groups.get(group) ?? [], resources);
      this.cache.set(group, Snapshot.of([...common, ...resources]));
    }
    for (const [group, resources] of this.last.groups) {
      if (groups.has(group)) continue;
      count(counts, resources, []);
      this.cache.clear(group);
    }
    this.last = configuration;
    return counts;
  }
}

function count(counts: ChangeCounts, before: readonly Resource[], after: readonly Resource[]): void {
  const key = ({ type, name }: Resource) => `${type.typeUrl} ${name}`;
  const gone = new Map(before.map((resource) => [key(resource), resource]));
  for (const resource of after) {
    const old = gone.get(key(resource));
    gone.delete(key(resource));
    if (!old) counts.added++;
    else if (old !== resource) counts.changed++;
  }
  counts.removed += gone.size;
}
