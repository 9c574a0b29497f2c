import type { XdsError } from "../errors.js";
import type { Seat } from "./admission.js";

export interface DrainOptions {
  /** How long it may take in all, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** The time from one stream's end to the next one's, in milliseconds, if that fits into the whole. Default 5. */
  readonly paceMs?: number;
}

/** The part of the time in which all have had their turn; the rest is for those that had to wait for a response. */
const share = 0.8;

/** The part of the streams that are ended in one turn at most. */
const mostAtOnce = 1 / 20;

/** Ends the streams one after the other, each once it has had a response, and within the time also the others. */
export async function endPaced(
  seats: ReadonlySet<Seat>,
  error: XdsError,
  { timeoutMs, paceMs }: Required<DrainOptions>,
): Promise<void> {
  const queue = [...seats];
  const start = performance.now();
  const spread = Math.min(queue.length * paceMs, timeoutMs * share);
  const endAnswered = ({ guest }: Seat) => {
    if (guest.answered) guest.fail(error);
  };
  // A timer's wait is a millisecond at least: where the pace is faster, several have their turn at once.
  for (let next = 0; next < queue.length; ) {
    await sleep(spread / queue.length);
    const late = Math.ceil((queue.length * (performance.now() - start)) / spread);
    const due = Math.min(late, next + Math.ceil(queue.length * mostAtOnce)); // also where the event loop was busy
    for (const seat of queue.slice(next, due)) endAnswered(seat);
    next = due;
  }
  while (seats.size > 0 && performance.now() < start + timeoutMs) {
    await sleep(Math.min(20, timeoutMs));
    for (const seat of [...seats]) endAnswered(seat);
  }
  for (const { guest } of [...seats]) guest.fail(error);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
