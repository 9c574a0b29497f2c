// What the kernel says of a process. Its own CPU time is what the benchmark counts: other processes on the machine disturb that little.
import { readdirSync, readFileSync } from "node:fs";

/** CPU that a process has used so far, all threads, in microseconds. @param {number} pid */
export function cpuMicroseconds(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) sum += threadNanoseconds(`/proc/${pid}/task/${task}/schedstat`);
  return sum / 1e3;
}

/** @param {string} path */
function threadNanoseconds(path) {
  try {
    return Number(readFileSync(path, "utf8").split(" ")[0]);
  } catch {
    return 0; // it has just ended
  }
}

/** Resident memory of a process, in bytes. @param {number} pid */
export function residentBytes(pid) {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

export const loadAverage = () => Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
