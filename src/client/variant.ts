import type { DiscoveryServiceMethods } from "../resource/types.js";
import type { ErrorDetail, Request } from "../wire/messages.js";
import type { ResourceChange } from "./resource.js";
import type { ResponseContent } from "./response.js";
import type { ClientSubscription } from "./subscription.js";

/** The answer to a response: an ACK, or a NACK if `error` is set (P15). */
export interface Answer {
  readonly nonce: string;
  readonly error: ErrorDetail | undefined;
}

/** All that differs between SotW and delta in the client. `sotw` and `delta` implement it. */
export interface ClientVariant<R extends Request> {
  readonly name: "sotw" | "delta";
  /** Returns the method of a type's own service. */
  method(service: DiscoveryServiceMethods): string | undefined;
  /**
   * Returns the requests that send unsent changes of the subscriptions, and the answer if there is one. Often it is one
   * or none.
   */
  requests(subscription: ClientSubscription, answer?: Answer): R[];
  /** Applies an ACKed response to the client's resources. Returns the changes. */
  apply(subscription: ClientSubscription, response: ResponseContent, now: number): ResourceChange[];
}
