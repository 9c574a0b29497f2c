// How long something takes in a process while other processes compete with it for the CPUs.
import { cpuMicroseconds, starvedMicroseconds } from "../../bench/process.mjs";

const isLinux = process.platform === "linux";

/** The clock now, and what the kernel has counted of the process so far. All are in milliseconds. */
export const reading = (pid) => ({
  at: performance.now(),
  /** All threads of the process ran so long. */
  ran: isLinux ? cpuMicroseconds(pid) / 1e3 : 0,
  /** Its main thread was ready to run so long, and no CPU was free for it. */
  starved: isLinux ? starvedMicroseconds(pid) / 1e3 : 0,
});

/**
 * Milliseconds between two readings, without those that other processes took from the main thread.
 *
 * The main thread may also starve because the process's other threads, such as V8's, use the CPUs. That is the
 * process's own time: others took no more than what `cpus` CPUs have left besides the process.
 */
export function ownTime(before, now, cpus) {
  const wall = now.at - before.at;
  const leftToOthers = Math.max(0, cpus * wall - (now.ran - before.ran));
  return wall - Math.min(wall, now.starved - before.starved, leftToOthers);
}
