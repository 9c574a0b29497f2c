import type { NameState, Subscription } from "../protocol/subscription.js";
import type { Resource } from "../resource/resource.js";
import type { Work } from "./shared-work.js";
import { type StreamOfNode, type SyncState, worst } from "./status.js";

/** One resource, as one node has it. */
export interface ResourceStatus {
  readonly name: string;
  readonly state: SyncState;
  /** As `envoy.admin.v3.ClientResourceStatus` has it: what the client has said of it. */
  readonly client: "REQUESTED" | "DOES_NOT_EXIST" | "ACKED" | "NACKED";
  /** What is served; or what is not any more, and the client still has. */
  readonly resource: Resource | undefined;
  /** What the client has taken or, where that was later, refused: `version_info` of the response; in delta the resource's own; "": nothing. */
  readonly version: string;
  /** When it did, in milliseconds since 1970; 0: never on this stream. Its type's last ACK: of one resource the time is not kept. */
  readonly updatedAt: number;
  readonly failure: Failure | undefined;
}

/** What was refused, and why. */
export interface Failure {
  readonly version: string;
  readonly at: number;
  readonly message: string;
  /** undefined: its removal. */
  readonly resource: Resource | undefined;
}

/** Every resource of one type that the streams subscribe, by name; one of several streams has the worst of its states. */
export function* resourceStatuses(streams: readonly StreamOfNode[], typeUrl: string): Work<ResourceStatus[]> {
  const byName = new Map<string, ResourceStatus>();
  for (const { subscriptions, variant } of streams) {
    const subscription = subscriptions.get(typeUrl);
    if (!subscription) continue;
    for (const status of ofSubscription(subscription, variant)) {
      yield;
      const known = byName.get(status.name);
      if (!known || worst([known.state, status.state]) !== known.state) byName.set(status.name, status);
    }
  }
  return [...byName.values()];
}

function* ofSubscription(subscription: Subscription, variant: "sotw" | "delta"): Iterable<ResourceStatus> {
  const { ledger, upToDate, view, spellings } = subscription;
  // Without an ACK a client has what it had before, and said so (P36).
  const sotwVersion = ledger.acked?.version ?? (upToDate ? view.version : "");
  const at = ledger.acked?.at ?? 0;
  for (const known of subscription.nameStates()) {
    const { served, has, version: last, refused } = known;
    // A removed name that the client never had, or has dropped, is nobody's business any more.
    if (!served && last === undefined && !refused && !subscription.names.has(known.name)) continue;
    // A placeholder says that there is nothing: a client that has one does not have the resource (P40, P56).
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
  // That there is none can be told in delta, and where a response has the full state.
  const isTold = (variant === "delta" || subscription.type.fullStateInSotw) && subscription.ledger.acked !== undefined;
  return isTold && subscription.upToDate ? "SYNCED" : "NOT_SENT";
}
