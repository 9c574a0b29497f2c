import type { ErrorDetail, Request } from "../protocol/messages.js";
import type { DiscoveryServiceMethods } from "../resource/types.js";
import type { ResourceChange } from "./resource.js";
import type { ResponseContent } from "./response.js";
import type { ClientSubscription } from "./subscription.js";

/** The answer to a response: an ACK, or with an error a NACK (P15). */
export interface Answer {
  readonly nonce: string;
  readonly error: ErrorDetail | undefined;
}

/** The whole difference between state of the world and incremental, on the client's side. `sotw` and `delta` are the two. */
export interface ClientVariant<R extends Request> {
  readonly name: "sotw" | "delta";
  /** The method of a type's own service. */
  method(service: DiscoveryServiceMethods): string | undefined;
  /** The requests that say what is wanted and not told yet, and carry the answer if there is one; often one, or none. */
  requests(subscription: ClientSubscription, answer?: Answer): R[];
  /** Brings what is held up to a response that is ACKed. */
  apply(subscription: ClientSubscription, response: ResponseContent, now: number): ResourceChange[];
}
