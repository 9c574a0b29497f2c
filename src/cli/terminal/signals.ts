import { isatty } from "node:tty";

const signals = [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const;

/**
 * Makes signals end the process until something else handles them. The first process of a container needs this, because
 * the system does not end it by default.
 */
export function endOnSignals(): void {
  if (process.pid !== 1) return;
  for (const [signal, number] of signals)
    process.on(signal, () => process.listenerCount(signal) > 1 || process.exit(128 + number));
}

/** The signals that the running command handles itself. They do not end the process at once. */
const handled = new Set<NodeJS.Signals>();

/** Whether the running command handles a signal itself, as `xds serve` does. Otherwise the signal ends the process. */
export const isHandled = (signal: NodeJS.Signals): boolean => handled.has(signal);

/** Resolves at the first SIGINT or SIGTERM. The second one ends the process. */
export function ending(): Promise<NodeJS.Signals> {
  for (const [signal] of signals) handled.add(signal);
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

/** The handler of SIGHUP, once {@link onHangup} has set it. */
let act: (() => void) | undefined;
let isHeld = false;

/**
 * Makes a SIGHUP wait for {@link onHangup}. By default it would end the process. If the process's terminal is gone, the
 * SIGHUP counts as a SIGTERM, because the user has left.
 */
export function holdHangups(): void {
  handled.add("SIGHUP");
  const isTerminal = (fd: number) => isatty(fd);
  const terminals = [0, 1, 2].filter(isTerminal);
  process.on("SIGHUP", () => {
    if (terminals.every(isTerminal)) {
      if (act) act();
      else isHeld = true;
      return;
    }
    // Node aborts at its end if its terminal is gone. So the signal itself ends the process.
    process.once("exit", () => {
      process.removeAllListeners("SIGHUP");
      process.kill(process.pid, "SIGHUP");
    });
    process.kill(process.pid, "SIGTERM");
  });
}

/** Calls `does` at each SIGHUP, and now if one has come already. */
export function onHangup(does: () => void): void {
  act = does;
  if (isHeld) does();
}

/** Makes a SIGHUP end the process again, also one that has come already. */
export function endOnHangup(): void {
  handled.delete("SIGHUP");
  process.removeAllListeners("SIGHUP");
  if (isHeld) process.kill(process.pid, "SIGHUP");
}
