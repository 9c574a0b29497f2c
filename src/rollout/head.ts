import type { Hash } from "../store/store.js";
import { begin, type Outcome, type Rollout } from "./rollout.js";

/** Which nodes have which revision. Servers act on it. A head is immutable, and plain JSON. */
export interface Head {
  /** The number of the next revision. */
  readonly next: number;
  /** The revision of all nodes that are not in a rollout. 0 if there is none. */
  readonly stable: number;
  /** The number of the latest live resources. 0 if there are none. */
  readonly live: number;
  readonly rollout?: Rollout;
  /** The freeze. While it is in force, changes are held, and no rollout begins or goes forward. */
  readonly frozen?: Freeze;
  /** The order that the next change is served to all nodes at once, without a rollout. */
  readonly atOnce?: AtOnce;
  /** Contents that were rolled back or undone. Only an order allows them again. The newest 100 are kept. */
  readonly barred: readonly Barred[];
}

/** An order to hold all changes: who gave it, and why. */
export interface Freeze {
  readonly by: string;
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** When the freeze ends by itself, in milliseconds since 1970. Without it, only an order ends the freeze. */
  readonly until?: number;
}

/** An order that the next change needs no rollout: who gave it, and why. */
export interface AtOnce {
  readonly by: string;
  readonly why: string;
  /** When the order ends by itself, in milliseconds since 1970. */
  readonly until: number;
}

/** A content that was rolled back or undone. */
export interface Barred {
  readonly content: Hash;
  readonly revision: number;
  readonly why: string;
  /** The name of the user whose order barred the content. Absent if a server rolled back by itself. */
  readonly by?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** How many barred contents are kept. */
const mostBarred = 100;

export const emptyHead: Head = { next: 1, stable: 0, live: 0, barred: [] };

export const isFrozen = ({ frozen }: Head, now: number): boolean =>
  frozen !== undefined && (frozen.until === undefined || now < frozen.until);

export const barredAs = ({ barred }: Head, content: Hash): Barred | undefined =>
  barred.find((one) => one.content === content);

/** Returns the order that the next change needs no rollout. `undefined` if there is none, or its time is over. */
export const atOnceOf = ({ atOnce }: Head, now: number): AtOnce | undefined =>
  atOnce && now < atOnce.until ? atOnce : undefined;

/** Serves a revision to all nodes from now on. This ends a rollout, and the order {@link AtOnce}. */
export function serveToAll(head: Head, revision: number): Head {
  const { rollout: _, atOnce: __, ...rest } = head;
  return { ...rest, next: Math.max(head.next, revision + 1), stable: revision };
}

/** Starts the rollout of a revision. It replaces a running rollout. `affected` is the parameter of {@link begin}. */
export function rollOut(head: Head, revision: number, id: string, affected: readonly string[], now: number): Head {
  const rollout = begin(revision, id, affected, now, head.rollout);
  return { ...head, next: Math.max(head.next, revision + 1), rollout };
}

/**
 * Applies a result of `step()` to the head. `content` is that of the revision that is rolled out. A freeze, a pause or
 * the end of a pause may have come since the step was decided. Then the head stays as it is, and the next look decides
 * again.
 */
export function settle(head: Head, outcome: Outcome, content: Hash, now: number): Head {
  const { rollout, ...rest } = head;
  if (!rollout) return head;
  const isBack = "end" in outcome && outcome.end === "rolledBack";
  if (!isBack && isFrozen(head, now)) return head;
  if ("next" in outcome) {
    const isOld = outcome.next.paused?.why !== rollout.paused?.why || outcome.next.paused?.by !== rollout.paused?.by;
    return isOld || outcome.next === rollout ? head : { ...rest, rollout: outcome.next };
  }
  if (!isBack) return rollout.paused ? head : { ...rest, stable: rollout.revision };
  return bar(rest, { content, revision: rollout.revision, why: outcome.why, at: now });
}

/** Ends the rollout. All nodes get the stable revision. Nothing is barred. */
export function revert({ rollout: _, ...rest }: Head): Head {
  return rest;
}

/** Bars a content: it is not served again before {@link unbar}. */
export function bar(head: Head, barred: Barred): Head {
  const others = head.barred.filter(({ content }) => content !== barred.content);
  return { ...head, barred: [...others, barred].slice(-mostBarred) };
}

/** Allows a barred content to be rolled out again. */
export const unbar = (head: Head, content: Hash): Head => ({
  ...head,
  barred: head.barred.filter((one) => one.content !== content),
});

/** Pauses the rollout, if there is one. */
export const pause = (head: Head, by: string, why: string): Head =>
  head.rollout ? { ...head, rollout: { ...head.rollout, paused: { by, why } } } : head;

/** Ends the pause of the rollout, if there is one. */
export function resume(head: Head): Head {
  if (!head.rollout) return head;
  const { paused: _, ...rollout } = head.rollout;
  return { ...head, rollout };
}

/** Begins a freeze. It also ends the order {@link AtOnce}: a change after the freeze is rolled out. */
export function freeze({ atOnce: _, ...head }: Head, frozen: Freeze): Head {
  return { ...head, frozen };
}

export function unfreeze(head: Head): Head {
  const { frozen: _, ...rest } = head;
  return rest;
}
