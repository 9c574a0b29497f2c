import type { Subscription } from "./subscription.js";

/** Of the subscriptions that may have something to send, the one that goes first: what is referred to before what refers (P53). */
export function firstInOrder(subscriptions: Iterable<Subscription>): Subscription | undefined {
  let first: Subscription | undefined;
  for (const subscription of subscriptions)
    if (!first || subscription.type.order < first.type.order) first = subscription;
  return first;
}
