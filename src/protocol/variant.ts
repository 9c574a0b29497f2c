import type { Resource } from "../resource/resource.js";
import type { Difference } from "./diff.js";
import type { Request } from "./messages.js";
import type { Steps } from "./steps.js";
import type { Subscription } from "./subscription.js";

/** The whole difference between state of the world and incremental. `sotw` and `delta` are the two. */
export interface Variant<R extends Request> {
  readonly name: "sotw" | "delta";
  /** A removal can be told to the client, and so can a name that does not exist. */
  readonly tellsRemovals: boolean;
  /** Of each list, one client feature that a client needs to be sent TTLs (P57). */
  readonly ttlFeatures: readonly (readonly string[])[];
  /** Whether a request with a stale nonce still changes the subscription when no response is on its way (P21, P22). */
  readonly staleRequestsCount: boolean;
  /** The names that a request subscribes, `*` among them; of state of the world many are subscribed already. */
  named(request: R): readonly string[];
  /** How long the longest list of a request is. */
  longestList(request: R): number;
  /** The lists of a request. */
  lists(request: R): readonly Iterable<string>[];
  /** Changes the subscription as a request says; `first` of its type on this stream. */
  subscribe(subscription: Subscription, request: R, first: boolean): Steps;
  /** How a difference becomes a response; undefined: there is nothing to say. */
  respond(subscription: Subscription, difference: Difference): Content | undefined;
  /** How these, of which nothing has changed, are named again so that the client keeps them (P58). */
  keepAlive(subscription: Subscription, resources: readonly Resource[]): Content;
}

/** A response but for its envelope. */
export interface Content {
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Of the resources of a full state, what stays as it was (P53, P54). */
  readonly repeated?: readonly Resource[];
  /** Named again without a body (P58). */
  readonly heartbeats?: readonly Resource[];
  /** Answered without a body (P60). */
  readonly unresolved: readonly string[];
}
