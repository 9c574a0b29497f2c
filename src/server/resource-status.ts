import { Refusal } from "../protocol/held.js";
import type { Subscription } from "../protocol/subscription.js";
import { isGlob } from "../resource/names.js";
import { placeholderVersion, Resource } from "../resource/resource.js";
import { type StreamOfNode, type SyncState, worst } from "./status.js";

/** One resource, as one node has it. */
export interface ResourceStatus {
  readonly name: string;
  readonly state: SyncState;
  /** As `envoy.admin.v3.ClientResourceStatus` has it: what the client has said of it. */
  readonly client: "REQUESTED" | "DOES_NOT_EXIST" | "ACKED" | "NACKED";
  /** What is served; or what is not any more, and the client still has. */
  readonly resource: Resource | undefined;
  /** `version_info` of the response that it was in; in delta the resource's own; "": never sent. */
  readonly version: string;
  /** When its type's last response was ACKed or, where that is unanswered, sent: milliseconds since 1970; 0: never. */
  readonly updatedAt: number;
  /** Why it was refused. */
  readonly failure: { readonly version: string; readonly at: number; readonly message: string } | undefined;
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
  const { inFlight } = subscription;
  const coming = new Set(inFlight?.changed.map(({ key }) => key));
  const going = new Set(inFlight?.removed);
  for (const [key, served] of subscribed(subscription)) {
    const has = subscription.has(key);
    const old = has instanceof Resource ? has : undefined;
    const resource = served ?? old;
    const state = stateOf(subscription, variant, { key, served, coming: coming.has(key), going: going.has(key) });
    const failure = failureOf(subscription, key);
    const { acked } = subscription.ledger;
    const response = state === "STALE" && inFlight ? inFlight : acked;
    yield {
      name: resource?.name ?? subscription.spellings.get(key) ?? key,
      state,
      client: failure
        ? "NACKED"
        : has?.version !== undefined
          ? "ACKED"
          : state === "SYNCED"
            ? "DOES_NOT_EXIST"
            : "REQUESTED",
      resource,
      version: (variant === "delta" && resource?.version) || (failure ?? response)?.version || "",
      updatedAt: response?.at ?? 0,
      failure,
    };
  }
}

/** The keys of what is subscribed, each with what is served of it. */
function* subscribed({ view, wildcard, names, kept, held }: Subscription): Iterable<[string, Resource | undefined]> {
  if (wildcard) for (const resource of view.all()) yield [resource.key, resource];
  for (const name of names) {
    if (isGlob(name)) for (const member of view.members(name)) yield [member.key, member];
    else if (!wildcard || !view.get(name)) yield [name, view.get(name)];
  }
  for (const name of kept.keys()) if (!names.has(name)) yield [name, undefined];
  for (const [name, has] of held)
    if (has instanceof Refusal && has.refused === undefined && !names.has(name) && !kept.has(name))
      yield [name, undefined];
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
  if (has instanceof Refusal && has.refused === served?.version) return "ERROR";
  if (served) return has?.version === served.version ? "SYNCED" : "NOT_SENT";
  if (has?.version !== undefined) return has.version === placeholderVersion ? "SYNCED" : "NOT_SENT";
  // That there is none can be told in delta, and where a response has the full state.
  const isTold = (variant === "delta" || subscription.type.fullStateInSotw) && subscription.ledger.acked !== undefined;
  return isTold && subscription.upToDate ? "SYNCED" : "NOT_SENT";
}

function failureOf({ ledger: { nacked }, held }: Subscription, key: string): ResourceStatus["failure"] {
  const has = held.get(key);
  if (!nacked || !(has instanceof Refusal)) return undefined;
  return { version: has.response.version, at: nacked.at, message: nacked.error.message };
}
