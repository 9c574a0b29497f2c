import type { ChangeCounts, ChangeWatch } from "../admin/change-watch.js";
import type { SnapshotCache } from "../cache/snapshot-cache.js";
import type { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import type { Configuration } from "../source/source.js";

/**
 * The cache's group that has what all nodes get, and that the nodes of other groups fall back to. A group of the user's is the name
 * of a directory, which this is not.
 */
export const commonGroup = "/";

/** Puts one configuration after the other into a cache. */
export class Publisher {
  private last: Configuration = { common: [], groups: new Map() };

  constructor(
    private readonly cache: SnapshotCache,
    /** Follows what becomes of each. */
    private readonly watch?: ChangeWatch,
  ) {}

  /**
   * Serves this configuration from now on. A group that is not in it is served what all nodes get.
   * @throws XdsError as {@link Snapshot.of} and {@link SnapshotCache.set}; then what was served before still is
   */
  publish(configuration: Configuration): ChangeCounts {
    const put = () => this.put(configuration);
    return this.watch ? this.watch.apply(put) : put();
  }

  /** The node groups that have something of their own, or could have. */
  get groups(): readonly string[] {
    return [...this.last.groups.keys()];
  }

  /** The configuration that was found cannot be served; `message`: why, in one line. */
  failed(message: string): void {
    this.watch?.failed(message);
  }

  private put(configuration: Configuration): ChangeCounts {
    const { common, groups } = configuration;
    const commonSnapshot = Snapshot.of(common);
    const snapshots = Array.from(groups, ([group, own]) => [group, Snapshot.of([...common, ...own])] as const);
    const all = [[commonGroup, commonSnapshot] as const, ...snapshots];
    for (const [group, snapshot] of all) this.cache.check(group, snapshot); // all of them are served, or none
    for (const [group, snapshot] of all) this.cache.set(group, snapshot);
    for (const group of this.last.groups.keys()) if (!groups.has(group)) this.cache.clear(group);
    const counts = { added: 0, changed: 0, removed: 0 };
    count(counts, this.last.common, common);
    for (const group of new Set([...this.last.groups.keys(), ...groups.keys()]))
      count(counts, this.last.groups.get(group) ?? [], groups.get(group) ?? []);
    this.last = configuration;
    return counts;
  }
}

function count(
  counts: { -readonly [Count in keyof ChangeCounts]: number },
  before: readonly Resource[],
  after: readonly Resource[],
): void {
  const keyOf = ({ type, key }: Resource) => `${type.typeUrl} ${key}`;
  const gone = new Map(before.map((resource) => [keyOf(resource), resource]));
  for (const resource of after) {
    const old = gone.get(keyOf(resource));
    gone.delete(keyOf(resource));
    if (!old) counts.added++;
    else if (old !== resource) counts.changed++;
  }
  counts.removed += gone.size;
}
