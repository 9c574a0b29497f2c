export { type AdminOptions, AdminServer, type AdminState } from "./admin-server.js";
export type { ChangeCounts, ChangeResults, ChangeWatch } from "./change-watch.js";
export type { SnapshotGroups } from "./groups.js";
export type { ClientReport, EntryReport, NodeReport, TypeReport } from "./node-report.js";
