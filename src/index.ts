/// <reference types="node" preserve="true" />
// For users who serve configuration.

export { LinearCache, type LinearCacheOptions } from "./cache/linear-cache.js";
export { MuxCache } from "./cache/mux-cache.js";
export { byId, type NodeGroup } from "./cache/node-group.js";
export { type NodeStatus, SnapshotCache, type SnapshotCacheOptions } from "./cache/snapshot-cache.js";
export type { Caller } from "./caller.js";
export { type ErrorCode, errorTable, XdsError } from "./errors.js";
export { type Logger, silentLogger } from "./logger.js";
export type { LedgerEntry, NackEntry } from "./protocol/ledger.js";
export { OpenRefusals } from "./protocol/open-refusals.js";
export type { Response } from "./protocol/response.js";
export type { AnswerInfo, NackInfo, StreamInfo } from "./protocol/stream-events.js";
export * from "./resource/default-api.js";
export { type Finding, type FindingCode, findingTable, type Severity } from "./resource/findings.js";
export type { Reference } from "./resource/reference.js";
export { referencesOf } from "./resource/references/references.js";
export { Resource, type ResourceError } from "./resource/resource.js";
export type { JsonResourceOptions, ResourceOptions } from "./resource/resource-options.js";
export { type ResourceInput, ResourceSet } from "./resource/resource-set.js";
export { Snapshot, type SnapshotOptions } from "./resource/snapshot.js";
export * from "./resource/types.js";
export { type ResourceType, XdsApi, type XdsApiOptions } from "./resource/xds-api.js";
export { extractDescriptors } from "./schema/extract-descriptors.js";
export type { SchemaRegistry } from "./schema/lazy-registry.js";
export type { Node } from "./schema/node.js";
export { type Authorize, type ClientIdentity, sanMatchesNode } from "./server/access/authorize.js";
export { loopbackOrSan } from "./server/access/csds-access.js";
export type { TlsOptions } from "./server/access/tls.js";
export type { DrainOptions } from "./server/admission/drain.js";
export type { LimitName, Limits } from "./server/admission/limits.js";
export type { Callbacks, FetchInfo, Maybe, StreamAck, StreamNack } from "./server/callbacks.js";
export type { FetchCounter, FetchResult, ServerCounters, StreamCounter, TrafficCounter } from "./server/counters.js";
export { CountingCallbacks } from "./server/counting-callbacks.js";
export type { LoadCounters, LoadReport, LoadReportingOptions } from "./server/lrs/load-reporting.js";
export type { ServerReport } from "./server/server-report.js";
export { type AppliedOptions, type NodeSelector, type NotApplied, NotAppliedError } from "./server/status/applied.js";
export type { ConnectedNode } from "./server/status/connected-node.js";
export type { ResourceState, TypeResources } from "./server/status/node-resources.js";
export type { PollingNode } from "./server/status/polling-nodes.js";
export type { StreamStatus, SyncState, TypeStatus } from "./server/status/status.js";
export type { Waiting } from "./server/status/waits.js";
export { type ServerState, XdsServer } from "./server/xds-server.js";
export type { Address, ListenOptions, XdsServerOptions } from "./server/xds-server-options.js";
export { type TlsFileContents, type TlsFilePaths, TlsFiles, type TlsFilesOptions } from "./source/secrets/tls-files.js";
export { type ValidateOptions, validate, validateResource } from "./validation/validate.js";
export type {
  DeltaDiscoveryRequest,
  DiscoveryRequest,
  Encodable,
  EncodableResponse,
  ErrorDetail,
  Request,
} from "./wire/messages.js";

// For users who write their own cache.

export type {
  Changes,
  ConfigWatcher,
  Replaced,
  ResourceView,
  Watch,
  Watcher,
  WatchRequest,
} from "./cache/config-watcher.js";
export { type Differing, PastVersions } from "./cache/past-versions.js";
export { ResourceLog } from "./cache/resource-log.js";
