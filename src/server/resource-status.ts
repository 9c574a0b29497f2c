import { Refusal, resourceOf } from "../protocol/held.js";
import type { Subscription } from "../protocol/subscription.js";
import { isGlob } from "../resource/names.js";
import { placeholderVersion, type Resource } from "../resource/resource.js";
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
export function resourceStatuses(streams: readonly StreamOfNode[], typeUrl: string): ResourceStatus[] {
  const byName = new Map<string, ResourceStatus>();
  for (const { subscriptions, variant } of streams) {
    const subscription = subscriptions.get(typeUrl);
    if (!subscription) continue;
    for (const status of ofSubscription(subscription, variant)) {
      const known = byName.get(status.name);
      if (!known || worst([known.state, status.state]) !== known.state) byName.set(status.name, status);
    }
  }
  return [...byName.values()];
}

function* ofSubscription(subscription: Subscription, variant: "sotw" | "delta"): Iterable<ResourceStatus> {
  const { inFlight, ledger, upToDate, view } = subscription;
  const coming = new Set(inFlight?.changed.map(({ key }) => key));
  const going = new Set(inFlight?.removed);
  // Without an ACK a client has what it had before, and said so (P36).
  const sotwVersion = ledger.acked?.version ?? (upToDate ? view.version : "");
  for (const [key, served] of subscribed(subscription)) {
    const has = subscription.has(key);
    const resource = served ?? resourceOf(has);
    const state = stateOf(subscription, variant, { key, served, coming: coming.has(key), going: going.has(key) });
    const name = resource?.name ?? subscription.spellings.get(key) ?? key;
    const common = { name, state, resource };
    const at = ledger.acked?.at ?? 0;
    if (has instanceof Refusal) {
      const failure = failureOf(has, variant);
      yield { ...common, client: "NACKED", version: failure.version, updatedAt: failure.at, failure };
    } else if (has?.version !== undefined) {
      const version = variant === "delta" ? has.version : sotwVersion;
      yield { ...common, client: "ACKED", version, updatedAt: at, failure: undefined };
    } else if (state === "SYNCED")
      yield { ...common, client: "DOES_NOT_EXIST", version: "", updatedAt: at, failure: undefined };
    else yield { ...common, client: "REQUESTED", version: "", updatedAt: 0, failure: undefined };
  }
}

/** The keys of what is subscribed, and of what the client has to be rid of yet, each with what is served of it. */
function subscribed(subscription: Subscription): Map<string, Resource | undefined> {
  const { view, wildcard, position, names, kept, held } = subscription;
  const all = new Map<string, Resource | undefined>();
  if (wildcard) for (const resource of view.all()) all.set(resource.key, resource);
  for (const name of names) {
    if (isGlob(name)) for (const member of view.members(name)) all.set(member.key, member);
    else if (!wildcard || !view.get(name)) all.set(name, view.get(name));
  }
  if (wildcard) for (const name of view.since(position).removed) all.set(name, undefined);
  for (const name of kept.keys()) if (!all.has(name)) all.set(name, undefined);
  for (const [name, has] of held)
    if (has instanceof Refusal && has.refused === undefined && !all.has(name)) all.set(name, undefined);
  return all;
}

interface Moment {
  readonly key: string;
  readonly served: Resource | undefined;
  /** In the unanswered response. */
  readonly coming: boolean;
  readonly going: boolean;
}

function stateOf(subscription: Subscription, variant: "sotw" | "delta", moment: Moment): SyncState {
  const { key, served, coming, going } = moment;
  if (coming || going || subscription.kept.has(key)) return "STALE";
  const has = subscription.has(key);
  if (has instanceof Refusal && has.refused?.version === served?.version) return "ERROR";
  if (served) return has?.version === served.version ? "SYNCED" : "NOT_SENT";
  if (has?.version !== undefined) return has.version === placeholderVersion ? "SYNCED" : "NOT_SENT";
  // That there is none can be told in delta, and where a response has the full state.
  const isTold = (variant === "delta" || subscription.type.fullStateInSotw) && subscription.ledger.acked !== undefined;
  return isTold && subscription.upToDate ? "SYNCED" : "NOT_SENT";
}

function failureOf({ refused, response, nack }: Refusal, variant: "sotw" | "delta"): Failure {
  const version = (variant === "delta" ? refused?.version : undefined) ?? response.version;
  return { version, at: nack.at, message: nack.error.message, resource: refused };
}
