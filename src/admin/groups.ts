import type { Snapshot } from "../resource/snapshot.js";

/** Groups of nodes and what they are served: a `SnapshotCache` is one. */
export interface SnapshotGroups {
  /** The groups that have a snapshot. */
  keys(): readonly string[];
  get(group: string): Snapshot | undefined;
  /** Whether anything has been loaded. */
  ready(): boolean;
}
