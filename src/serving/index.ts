/// <reference types="node" preserve="true" />
// The parts of `xds serve`: `import { SourceServer } from "ts-control-plane/serving"`.

export type { HeldChange } from "../control/reports.js";
export type { Silent } from "../fleet/ask-peers.js";
export type { ReplicaReport } from "../fleet/replica-report.js";
export type {
  Authorship,
  CheckRevision,
  ContentHashes,
  Held,
  Published,
  PublishOptions,
  Revision,
  Why,
} from "../revisions/revision.js";
export type { Groups, KnownChunks } from "../revisions/revision-blobs.js";
export { Revisions, type RevisionsOptions } from "../revisions/revisions.js";
export type { Gate, GateContext, Judgement } from "../rollout/gate.js";
export { PromqlGate, type PromqlGateOptions } from "../rollout/gates/promql-gate.js";
export { WebhookGate, type WebhookGateOptions } from "../rollout/gates/webhook-gate.js";
export type { AtOnce, Barred, Freeze, Head } from "../rollout/head.js";
export {
  type CandidateNode,
  defaultPolicy,
  type GateVerdict,
  type Outcome,
  type Rollout,
  type RolloutPolicy,
} from "../rollout/rollout.js";
export { DirectoryStore, type DirectoryStoreOptions } from "../store/directory-store.js";
export { MemoryStore } from "../store/memory-store.js";
export type { AuditEntry, Away, Hash, Lease, Move, Store, StoredHead } from "../store/store.js";
export {
  type CheckSettings,
  ConfigurationGate,
  type GateOptions,
  type GateResult,
  type OnFindings,
} from "./configuration-gate.js";
export type { Places } from "./emptied-directories.js";
export { type ConfigurationFinding, type Locate, lineOf, type SourceCode } from "./findings.js";
export type { Fleet, FleetAppliedOptions } from "./fleet.js";
export { HeadFollower, type HeadFollowerOptions } from "./head-follower.js";
export type { Snapshots, Views } from "./head-snapshots.js";
export { commonGroup, type GroupRule, nodeGroups } from "./node-groups.js";
export { ReplicaStore, type ReplicaStoreOptions } from "./replica-store.js";
export {
  type PublishedBy,
  type PublishedChange,
  RevisionPublisher,
  type RevisionPublisherOptions,
} from "./revision-publisher.js";
export type { Observed } from "./rollout-evidence.js";
export { Rollouts, type RolloutsOptions } from "./rollouts.js";
export type { GroupsOfNode, ServedHead } from "./served-head.js";
export { ServerCertificates } from "./server-certificates.js";
export {
  type ControlSettings,
  type FirstResult,
  type GuardOptions,
  SourceServer,
  type SourceServerOptions,
} from "./source-server.js";
export type { NodeRules } from "./stored-configuration.js";
export type { WebhookOptions } from "./webhook-queue.js";
