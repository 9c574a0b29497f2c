import type { MakeBeforeBreak } from "./make-before-break.js";
import type { Subscription } from "./subscription.js";

/** The subscriptions of one stream, by type URL. */
type ByType = ReadonlyMap<string, Subscription>;

/** How many responses of one type may be unanswered (P25). */
const mostUnanswered = 4;

/** What a stream does next. */
export interface Turn {
  readonly subscription: Subscription;
  /** Only what was asked for goes out: what has changed waits for its turn. */
  readonly partial: boolean;
}

/** Times in milliseconds; `now` is `performance.now()`. */
export interface TurnTimes {
  readonly now: number;
  /** How long a type waits for the answer of an earlier one (P53); 0: not at all. */
  readonly order: number;
  /** How long a response may be unanswered before further changes are sent (P25). */
  readonly answer: number;
}

/**
 * Of the subscriptions that may have something to send, the one whose turn it is (P53): what is referred to goes before
 * what refers to it, and while a response of an earlier type is unanswered, a later type waits, for a bounded time. It
 * still answers what the client asks for by name, if that refers to nothing that the client is yet to get: a client may
 * need it to finish with the earlier type (a cluster its secret).
 */
export function nextTurn(
  waiting: Iterable<Subscription>,
  all: ByType,
  times: TurnTimes,
  order: MakeBeforeBreak,
): Turn | undefined {
  let next: Turn | undefined;
  for (const subscription of waiting) {
    if (next && next.subscription.type.order <= subscription.type.order) continue;
    if (freeAt(subscription, times) > times.now || !subscription.view.serving) continue;
    if (!blockedUntil(subscription, all, times)) next = { subscription, partial: false };
    else if (canAnswerApart(subscription, order)) next = { subscription, partial: true };
  }
  return next;
}

/**
 * When a further response of the type may be sent, as `performance.now()`: at once, after a wait, or never without an
 * answer (P25).
 */
export function freeAt({ state: { inFlight } }: Subscription, { answer }: TurnTimes): number {
  const [oldest] = inFlight;
  if (!oldest) return 0;
  return inFlight.length < mostUnanswered ? oldest.at + answer : Number.POSITIVE_INFINITY;
}

/** When the wait of a type for those before it is over, as `performance.now()`; undefined: it does not wait. */
export function blockedUntil({ type }: Subscription, all: ByType, { now, order }: TurnTimes): number | undefined {
  let until: number | undefined;
  for (const { type: earlier, state } of all.values()) {
    const latest = state.inFlight.at(-1);
    if (!latest || earlier.order >= type.order || now >= latest.at + order) continue;
    if (until === undefined || latest.at + order > until) until = latest.at + order;
  }
  return until;
}

function canAnswerApart({ asked, type, view }: Subscription, order: MakeBeforeBreak): boolean {
  if (asked.size === 0 || type.fullStateInSotw) return false;
  for (const name of asked) {
    const resource = view.get(name);
    if (resource && !order.hasAllOf(resource, (other, target) => other.view.get(target) !== undefined)) return false;
  }
  return true;
}
