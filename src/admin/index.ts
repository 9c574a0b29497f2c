/// <reference types="node" preserve="true" />
export { type AdminOptions, AdminServer } from "./admin-server.js";
export type { ChangeCounts, ChangeResults, ChangeWatch, Failure } from "./change-watch.js";
export type { SnapshotGroups } from "./groups.js";
export type { CertificateCounters } from "./metric-rows.js";
export type {
  AdminState,
  ClientReport,
  EntryReport,
  FailureReport,
  NodeReport,
  RevisionsReport,
  SilentReplica,
  StatusReport,
  TypeReport,
  WaitReport,
  WorkerReport,
} from "./node-report.js";
export type { RevisionFacts } from "./revision-facts.js";
export type { StartSpan, Traced } from "./tracing.js";
