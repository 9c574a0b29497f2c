import type { Resource } from "../resource/resource.js";
import type { Draining, OrderTimes } from "./draining.js";
import type { Subscription } from "./subscription.js";

/** The part of its stream that make-before-break reads. */
export interface OrderedStream {
  /** By type URL. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** The stream called the service of one type. It waits for other streams only for a bounded time. */
  readonly isSeparate: boolean;
  /** The client has reported what it has of an earlier stream. */
  readonly isBack: boolean;
  /** All subscriptions of the stream's client, those of its other streams included. */
  related(): Iterable<Subscription>;
  /**
   * For a separate stream: whether an outdated resource on any stream of the client refers to a name. If so, `waiter`
   * is woken when none does any more.
   */
  isUsed(typeUrl: string, name: string, waiter: Subscription): boolean;
  /** The number of the last response that was sent. */
  readonly lastNonce: number;
  /** How many full looks at a subscription there were so far. */
  readonly looks: number;
  /** Whether the client would get a resource if it asked for the name. */
  serves(typeUrl: string, name: string): boolean;
  /** The answer for a name that does not exist and that the client never had (P40, P56). */
  answerForMissing(subscription: Subscription, name: string): Resource | "removed" | "silence";
  /** Called when a client's old listeners refer to more names than are remembered. Only `maxNames` are. */
  leftoversForgotten(maxNames: number): void;
}

/** The facts about one stream that all its subscriptions share while changes are put in order. */
export interface OrderContext {
  readonly stream: OrderedStream;
  readonly times: OrderTimes;
  /** When the stream was opened, as `performance.now()`. */
  readonly openedAt: number;
  /** The client's old listeners, once a listener was replaced or removed. */
  readonly draining: Draining | undefined;
}
