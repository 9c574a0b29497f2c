// What the kernel says of a process. Its own CPU time is what the benchmark counts: other processes on the machine
// disturb that little.
import { readdirSync, readFileSync } from "node:fs";

/** CPU that a process has used so far, all threads, in microseconds. @param {number} pid */
export function cpuMicroseconds(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) sum += nanoseconds(`/proc/${pid}/task/${task}`).ran;
  return sum / 1e3;
}

/**
 * How long a process's main thread was ready to run so far, and no CPU was free for it, in microseconds.
 * @param {number} pid
 */
export const starvedMicroseconds = (pid) => nanoseconds(`/proc/${pid}`).starved / 1e3;

/** What the kernel counts of a thread. @param {string} folder */
function nanoseconds(folder) {
  try {
    const [ran = 0, starved = 0] = readFileSync(`${folder}/schedstat`, "utf8").split(" ").map(Number);
    return { ran, starved };
  } catch {
    return { ran: 0, starved: 0 }; // it has just ended
  }
}

/** Resident memory of a process, in bytes. @param {number} pid */
export function residentBytes(pid) {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

export const loadAverage = () => Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
