import type { InSteps } from "../../in-turns.js";
import { type NameState, nameStatesOf } from "../../protocol/name-state.js";
import type { Subscription } from "../../protocol/subscription.js";
import type { Resource } from "../../resource/resource.js";
import { type StreamOfNode, type SyncState, worstState } from "./status.js";

/** The status of one resource on one node. */
export interface ResourceStatus {
  readonly name: string;
  readonly state: SyncState;
  /** The client's own view, by its requests: a name of `envoy.admin.v3.ClientResourceStatus`. */
  readonly client: "REQUESTED" | "DOES_NOT_EXIST" | "ACKED" | "NACKED";
  /** The served resource; or a resource that is no longer served and that the client still has. */
  readonly resource: Resource | undefined;
  /**
   * The version that the client ACKed or NACKed last: `version_info` of the response; in delta the resource's own
   * version. "" if there is none.
   */
  readonly version: string;
  /**
   * When that ACK or NACK came, in milliseconds since 1970; 0 if none came on this stream. For an ACK it is the time of
   * the type's last ACK, because times of single resources are not kept.
   */
  readonly updatedAt: number;
  readonly failure: Failure | undefined;
}

/** A refused version of a resource, with the client's reason. */
export interface Failure {
  readonly version: string;
  readonly at: number;
  readonly message: string;
  /** The refused resource. undefined if its removal was refused. */
  readonly resource: Resource | undefined;
}

/**
 * The status of every resource of one type that the streams subscribe to. A resource of several streams has its worst
 * status among them.
 */
export function* resourceStatuses(streams: readonly StreamOfNode[], typeUrl: string): InSteps<ResourceStatus[]> {
  const byName = new Map<string, ResourceStatus>();
  for (const { subscriptions, variant } of streams) {
    const subscription = subscriptions.get(typeUrl);
    if (!subscription) continue;
    for (const status of ofSubscription(subscription, variant)) {
      yield;
      const known = byName.get(status.name);
      if (!known || worstState([known.state, status.state]) !== known.state) byName.set(status.name, status);
    }
  }
  return [...byName.values()];
}

function* ofSubscription(subscription: Subscription, variant: "sotw" | "delta"): Iterable<ResourceStatus> {
  const { ledger, upToDate, view, spellings } = subscription;
  // Without an ACK on this stream, the client has the version that its first request had (P36).
  const sotwVersion = ledger.acked?.version ?? (upToDate ? view.version : "");
  const at = ledger.acked?.at ?? 0;
  for (const known of nameStatesOf(subscription)) {
    const { served, has, version: last, refused } = known;
    // Skip a removed name that the client never had or has dropped.
    if (!served && last === undefined && !refused && !subscription.names.has(known.name)) continue;
    // A placeholder means that the resource does not exist: a client that has one does not have the resource (P40,
    // P56).
    const isMissing = has?.isPlaceholder === true;
    const resource = served ?? (isMissing ? undefined : has);
    const state = stateOf(subscription, variant, known);
    const name = resource?.name ?? spellings.get(known.name) ?? known.name;
    const common = { name, state, resource };
    if (refused) {
      const version = (variant === "delta" ? refused.resource?.version : undefined) ?? refused.nack.version;
      const { at: failedAt, error } = refused.nack;
      const failure = { version, at: failedAt, message: error.message, resource: refused.resource };
      yield { ...common, client: "NACKED", version, updatedAt: failedAt, failure };
    } else if (last !== undefined && !isMissing) {
      const version = variant === "delta" ? last : sotwVersion;
      yield { ...common, client: "ACKED", version, updatedAt: at, failure: undefined };
    } else if (state === "SYNCED")
      yield { ...common, client: "DOES_NOT_EXIST", version: "", updatedAt: at, failure: undefined };
    else yield { ...common, client: "REQUESTED", version: "", updatedAt: 0, failure: undefined };
  }
}

function stateOf(subscription: Subscription, variant: "sotw" | "delta", known: NameState): SyncState {
  const { served, has, version, isMoving, refused, waits } = known;
  if (isMoving) return "STALE";
  if (waits) return waits.why === "draining" ? "DRAINING" : "STALE";
  if (refused && refused.resource?.version === served?.version) return "ERROR";
  if (served) return version === served.version ? "SYNCED" : "NOT_SENT";
  if (version !== undefined) return has?.isPlaceholder ? "SYNCED" : "NOT_SENT";
  // The absence of a resource can be announced in delta, and in responses with the full state.
  const isAnnounced =
    (variant === "delta" || subscription.type.fullStateInSotw) && subscription.ledger.acked !== undefined;
  return isAnnounced && subscription.upToDate ? "SYNCED" : "NOT_SENT";
}
