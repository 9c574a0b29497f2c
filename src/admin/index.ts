/// <reference types="node" preserve="true" />
export { type AdminOptions, AdminServer } from "./admin-server.js";
export type { ChangeCounts, ChangeResults, ChangeWatch } from "./change-watch.js";
export type { SnapshotGroups } from "./groups.js";
export type { CertificateCounters } from "./metrics.js";
export type { AdminState, ClientReport, EntryReport, NodeReport, StatusReport, TypeReport } from "./node-report.js";
