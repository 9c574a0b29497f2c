import { isatty } from "node:tty";

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

/**
 * Calls `act` at each SIGHUP. A SIGHUP that comes because the process's terminal is gone is a SIGTERM instead:
 * whoever started the process has left.
 */
export function onHangup(act: () => void): void {
  const isTerminal = (fd: number) => isatty(fd);
  const terminals = [0, 1, 2].filter(isTerminal);
  process.on("SIGHUP", () => {
    if (terminals.every(isTerminal)) return act();
    // Node aborts at its end without the terminal that it began with; so it is the signal that ends it.
    process.once("exit", () => {
      process.removeAllListeners("SIGHUP");
      process.kill(process.pid, "SIGHUP");
    });
    process.kill(process.pid, "SIGTERM");
  });
}
