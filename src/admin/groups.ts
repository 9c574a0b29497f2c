import type { Snapshot } from "../resource/snapshot.js";

/** Groups of nodes and the snapshots that they are served. `SnapshotCache` implements it. */
export interface SnapshotGroups {
  /** The groups that have a snapshot. */
  keys(): readonly string[];
  /** The snapshot of a group, if it has one of its own. */
  get(group: string): Snapshot | undefined;
  /** Whether a configuration has been loaded. */
  ready(): boolean;
}
