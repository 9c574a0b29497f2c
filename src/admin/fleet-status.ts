import type { OtherReplicas, ReplicaReport } from "../fleet/replica-report.js";

/** Several servers of one store, as the admin port of one of them shows them. `Fleet` is one. */
export interface FleetStatus {
  /**
   * How many replicas there are, this one included, how many others did not answer when they were asked last, and how
   * many nodes this one has sent to others.
   */
  readonly counts: { readonly replicas: number; readonly silent: number; readonly moved: number };
  /** This server. */
  report(): ReplicaReport;
  /** The others, or what they know of one node. Resolves within a few seconds, whether they answer or not. */
  othersStatus(node?: string): Promise<OtherReplicas>;
}
