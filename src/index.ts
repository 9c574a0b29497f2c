/// <reference types="node" preserve="true" />
// For those who serve configuration.

export { LinearCache, type LinearCacheOptions } from "./cache/linear-cache.js";
export { MuxCache } from "./cache/mux-cache.js";
export { byId, type NodeGroup } from "./cache/node-group.js";
export { type NodeStatus, SnapshotCache, type SnapshotCacheOptions } from "./cache/snapshot-cache.js";
export { type ErrorCode, errorTable, XdsError } from "./errors.js";
export { type Logger, silentLogger } from "./logger.js";
export type { Caller } from "./protocol/caller.js";
export type { LedgerEntry, NackEntry } from "./protocol/ledger.js";
export type {
  DeltaDiscoveryRequest,
  DiscoveryRequest,
  ErrorDetail,
  Request,
  Response,
} from "./protocol/messages.js";
export type { AnswerInfo, NackInfo, StreamInfo } from "./protocol/stream-events.js";
export { type Finding, type FindingCode, findingTable, type Severity } from "./resource/findings.js";
export { type Reference, referencesOf } from "./resource/references.js";
export { Resource, type ResourceError, type ResourceOptions } from "./resource/resource.js";
export { type ResourceInput, ResourceSet } from "./resource/resource-set.js";
export { Snapshot, type SnapshotOptions } from "./resource/snapshot.js";
export * from "./resource/types.js";
export { type ValidateOptions, validate, validateResource } from "./resource/validate.js";
export { extractDescriptors } from "./schema/extract-descriptors.js";
export type { SchemaRegistry } from "./schema/lazy-registry.js";
export type { Node } from "./schema/node.js";
export { envoyRegistry, useEnvoyApi } from "./schema/registry.js";
export { type AppliedOptions, type NodeSelector, type NotApplied, NotAppliedError } from "./server/applied.js";
export { type Authorize, type ClientIdentity, sanMatchesNode } from "./server/authorize.js";
export type { Callbacks, FetchInfo, StreamAck, StreamNack } from "./server/callbacks.js";
export type { FetchCounter, FetchResult, ServerCounters, StreamCounter, TrafficCounter } from "./server/counters.js";
export { CountingCallbacks } from "./server/counting-callbacks.js";
export { loopbackOrSan } from "./server/csds-access.js";
export type { DrainOptions } from "./server/drain.js";
export type { LimitName, Limits } from "./server/limits.js";
export type { LoadCounters, LoadReport, LoadReportingOptions } from "./server/load-reporting.js";
export type { ResourceState, TypeResources } from "./server/node-resources.js";
export type { PollingNode } from "./server/polling-nodes.js";
export type { ConnectedNode, StreamStatus, SyncState, TypeStatus } from "./server/status.js";
export type { TlsOptions } from "./server/tls.js";
export type { Waiting } from "./server/waits.js";
export {
  type Address,
  type ListenOptions,
  type ServerState,
  XdsServer,
  type XdsServerOptions,
} from "./server/xds-server.js";
export { type TlsFileContents, type TlsFilePaths, TlsFiles, type TlsFilesOptions } from "./source/tls-files.js";

// For those who write a cache of their own.

export type {
  Changes,
  ConfigWatcher,
  ResourceView,
  Watch,
  Watcher,
  WatchRequest,
} from "./cache/config-watcher.js";
export { ResourceLog } from "./cache/resource-log.js";
