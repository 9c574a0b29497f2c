import { hasAllOf } from "./change-order.js";
import type { OrderedStream } from "./ordered-stream.js";
import type { Subscription } from "./subscription.js";

/** The subscriptions of one stream, by type URL. */
type ByType = ReadonlyMap<string, Subscription>;

/** How many responses of one type may be unanswered (P25). */
const mostUnanswered = 4;

/** What a stream sends next. */
export interface Turn {
  readonly subscription: Subscription;
  /** Only requested names are answered. Changes wait. */
  readonly partial: boolean;
}

/** Times in milliseconds. `now` is `performance.now()`. */
export interface TurnTimes {
  readonly now: number;
  /** How long a type waits for the answer to an earlier type (P53). 0: not at all. */
  readonly order: number;
  /** How long a response may be unanswered before further changes are sent (P25). */
  readonly answer: number;
}

/**
 * Chooses the subscription that sends next, out of those that may have something to send (P53). Referenced types go
 * first. While a response of an earlier type is unanswered, a later type waits, for a bounded time. Meanwhile a later
 * type still answers requested names, if these refer to nothing that the client has yet to get. The client may need the
 * answer to finish with the earlier type, such as the secret of a cluster.
 */
export function nextTurn(
  waiting: Iterable<Subscription>,
  stream: Pick<OrderedStream, "subscriptions" | "related">,
  times: TurnTimes,
): Turn | undefined {
  let next: Turn | undefined;
  for (const subscription of waiting) {
    if (next && next.subscription.type.order <= subscription.type.order) continue;
    if (freeAt(subscription, times) > times.now || !subscription.view.serving) continue;
    if (!blockedUntil(subscription, stream.subscriptions, times)) next = { subscription, partial: false };
    else if (canAnswerApart(subscription, stream)) next = { subscription, partial: true };
  }
  return next;
}

/**
 * When the type's next response may be sent, as `performance.now()`: 0 for at once, Infinity for not before an answer
 * (P25).
 */
export function freeAt({ state: { inFlight } }: Subscription, { answer }: TurnTimes): number {
  const [oldest] = inFlight;
  if (!oldest) return 0;
  return inFlight.length < mostUnanswered ? oldest.at + answer : Number.POSITIVE_INFINITY;
}

/** When a type no longer waits for the types before it, as `performance.now()`. Undefined: it does not wait. */
export function blockedUntil({ type }: Subscription, all: ByType, { now, order }: TurnTimes): number | undefined {
  let until: number | undefined;
  for (const { type: earlier, state } of all.values()) {
    const latest = state.inFlight.at(-1);
    if (!latest || earlier.order >= type.order || now >= latest.at + order) continue;
    if (until === undefined || latest.at + order > until) until = latest.at + order;
  }
  return until;
}

function canAnswerApart({ namesToAnswer, type, view }: Subscription, stream: Pick<OrderedStream, "related">): boolean {
  if (namesToAnswer.size === 0 || type.fullStateInSotw) return false;
  for (const name of namesToAnswer) {
    const resource = view.get(name);
    if (resource && !hasAllOf(stream, resource, (other, target) => other.view.get(target) !== undefined)) return false;
  }
  return true;
}
