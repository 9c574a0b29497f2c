import { setImmediate as nextTurn } from "node:timers/promises";

/** The length of a slice of work, in milliseconds. After it, other work gets its turn. */
export const sliceMs = 5;

/** Work in steps, each of which takes much less than a slice. */
export type InSteps<T> = Generator<void, T>;

/** Work that is not divided, in the form of work in steps. */
// biome-ignore lint/correctness/useYield: it is one step
export function* inOneStep<T>(work: () => T): InSteps<T> {
  return work();
}

/** Does all steps at once, and returns the result. */
export function allAtOnce<T>(work: InSteps<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/**
 * Does steps until a slice of `ms` milliseconds is over, at least one. Returns the last one, which shows whether all
 * steps are done, and then has the result.
 */
export function doSlice<T>(
  work: Iterator<void, T>,
  ms = sliceMs,
  now = () => performance.now(),
): IteratorResult<void, T> {
  const until = now() + ms;
  for (;;) {
    const step = work.next();
    if (step.done || now() > until) return step;
  }
}

/**
 * Does the steps in slices, each in its own turn of the event loop, and returns the result. `signal` is checked before
 * each slice. `slice` does one slice.
 * @throws the reason of `signal` when it is aborted
 */
export async function inTurns<T>(work: InSteps<T>, signal?: AbortSignal, slice = doSlice<T>): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const step = slice(work);
    if (step.done) return step.value;
    await nextTurn();
  }
}
