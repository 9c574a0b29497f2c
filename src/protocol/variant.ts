import type { InSteps } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import type { Request } from "../wire/messages.js";
import type { Difference } from "./difference.js";
import type { Subscription } from "./subscription.js";

/** The whole difference between state of the world and incremental. `sotw` and `delta` are the two variants. */
export interface Variant<R extends Request> {
  readonly name: "sotw" | "delta";
  /** A response can say that a name is removed or does not exist. */
  readonly announcesRemovals: boolean;
  /** Lists of client features. A client gets TTLs if it has at least one feature of each list (P57). */
  readonly ttlFeatures: readonly (readonly string[])[];
  /** Whether a request with a stale nonce changes the subscription although no response is unanswered (P21, P22). */
  readonly staleRequestsCount: boolean;
  /** The names that a request subscribes, `*` included. In SotW many of them are subscribed already. */
  subscribedNames(request: R): readonly string[];
  /** The length of a request's longest list. */
  longestNameList(request: R): number;
  /** All lists of names in a request. */
  nameLists(request: R): readonly Iterable<string>[];
  /** Changes the subscription as a request says. `first`: it is the type's first request on this stream. */
  subscribe(subscription: Subscription, request: R, first: boolean): InSteps<void> | undefined;
  /** Makes a response from a difference. Undefined: there is nothing to send. */
  respond(subscription: Subscription, difference: Difference): Content | undefined;
  /** Makes a heartbeat: a response that names unchanged resources, so that the client keeps them (P58). */
  keepAlive(subscription: Subscription, resources: readonly Resource[]): Content;
}

/** A response without its envelope. */
export interface Content {
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** In a full state, the resources that stay as they were (P53, P54). */
  readonly repeated?: readonly Resource[];
  /** Resources that are named without a body (P58). */
  readonly heartbeats?: readonly Resource[];
  /** Names that are answered without a body (P60). */
  readonly unresolved: readonly string[];
}
