import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { isatty } from "node:tty";
import sonicBoom, { type SonicBoom } from "sonic-boom";

/** The most bytes that are kept for a reader that does not read. */
const maxLength = 1 << 20;

let output: SonicBoom | undefined;

/**
 * Opens standard error for the log. Call it once. It never waits for its reader. Lines that cannot be written, because
 * the disk is full or the reader has gone, are kept and tried again with the next line. Lines beyond {@link maxLength}
 * are lost. `onLost` receives their number when all others are written.
 */
export function openLogOutput(onLost: (lines: number) => void): SonicBoom {
  const opened = new sonicBoom.SonicBoom({ fd: standardError(), maxLength, sync: false });
  let lost = 0;
  opened.on("error", () => {}); // the next line is another attempt
  opened.on("drop", () => {
    lost++;
    opened.write(""); // SonicBoom itself makes no attempt for a line that it drops
  });
  opened.on("drain", () => {
    if (lost === 0) return;
    onLost(lost);
    lost = 0;
  });
  output = opened;
  return opened;
}

/** Resolves when all lines are written or cannot be written, at the latest after this time in milliseconds. */
export async function logWritten(timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  // The second round is for what `onLost` writes.
  for (let time = 0; output && time < 2; time++) {
    const drained = once(output, "drain", { signal }).catch(() => {});
    output.write("");
    await drained;
  }
}

/**
 * The file descriptor of standard error. The user can stop a terminal, and Node waits for pending writes before it
 * ends. So a terminal is opened again, for writes that do not wait.
 */
function standardError(): number {
  if (!isatty(2)) return 2;
  try {
    return openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return 2;
  }
}
