import type { XdsError } from "../../errors.js";
import type { StreamSlot } from "./stream-slot.js";

/** How long a server takes to drain. */
export interface DrainOptions {
  /** How long draining may take in all, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Milliseconds between the ends of two streams. Less if there are too many streams for `timeoutMs`. Default 5. */
  readonly paceMs?: number;
}

/**
 * The share of `timeoutMs` in which each stream has its turn. The rest is for streams that had no response yet at their
 * turn.
 */
const turnsShare = 0.8;

/** The largest share of the streams that is ended at once. */
const mostAtOnce = 1 / 20;

/**
 * Ends all streams with this error, one after the other. Each ends once it has had a response. At the end of
 * `timeoutMs` the remaining ones end too.
 */
export async function endPaced(
  slots: ReadonlySet<StreamSlot>,
  error: XdsError,
  { timeoutMs, paceMs }: Required<DrainOptions>,
): Promise<void> {
  const queue = [...slots];
  const start = performance.now();
  const spread = Math.min(queue.length * paceMs, timeoutMs * turnsShare);
  const endAnswered = ({ stream }: StreamSlot) => {
    if (stream.answered) stream.fail(error);
  };
  // A timer waits at least 1 ms. At a faster pace, several streams have their turn at once.
  for (let next = 0; next < queue.length; ) {
    await sleep(spread / queue.length);
    const onTime = Math.ceil((queue.length * (performance.now() - start)) / spread);
    const due = Math.min(onTime, next + Math.ceil(queue.length * mostAtOnce)); // also after the event loop was busy
    for (const slot of queue.slice(next, due)) endAnswered(slot);
    next = due;
  }
  while (slots.size > 0 && performance.now() < start + timeoutMs) {
    await sleep(Math.min(20, timeoutMs));
    for (const slot of [...slots]) endAnswered(slot);
  }
  for (const { stream } of [...slots]) stream.fail(error);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
