const signals = [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const;

/**
 * Has signals end the process until something else handles them, also where it is the first of a container, for which the system does
 * nothing by itself.
 */
export function endOnSignals(): void {
  if (process.pid !== 1) return;
  for (const [signal, number] of signals)
    process.on(signal, () => process.listenerCount(signal) > 1 || process.exit(128 + number));
}

/** Resolves at the first SIGINT or SIGTERM; the second one ends the process. */
export function ending(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isEnding = false;
    for (const [signal, number] of signals)
      process.on(signal, () => {
        if (isEnding) process.exit(128 + number);
        isEnding = true;
        resolve(signal);
      });
  });
}
