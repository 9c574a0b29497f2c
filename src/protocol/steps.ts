/** What takes long is done in steps, so that others can have their turn between them. undefined: it is done. */
export type Steps = Iterator<void, void> | undefined;

/** So many names are gone through in one step. */
export const namesAtOnce = 1_000;

/** How long, in milliseconds, steps are done one after the other. */
export const sliceMs = 5;

/** Does steps until the slice of time is over. Returns whether all are done. */
export function doSome(steps: Steps): boolean {
  if (!steps) return true;
  const until = performance.now() + sliceMs;
  while (!steps.next().done) if (performance.now() > until) return false;
  return true;
}
