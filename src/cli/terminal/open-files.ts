import { readdirSync, readFileSync } from "node:fs";

/**
 * How many files a server may open in addition to those that are open at its start: listening sockets, files that it
 * reads, and the modules of a new reading thread. Node opens many modules at once.
 */
const spare = 64;

/** How many connections fit beside the files that a server needs. */
export interface ConnectionRoom {
  /** Files and connections together that the process may have open. Infinity if the system reports no limit. */
  readonly files: number;
  /** The connections on the gRPC port, and as many on the REST port. At least 1. */
  readonly clients: number;
  /** The connections on the admin port: 1 to 100. */
  readonly admin: number;
}

/**
 * Divides the files that the process may open among the ports. When all of them are full, the server can still open the
 * files that it reads.
 */
export function connectionRoom(): ConnectionRoom {
  const files = mostOpenFiles();
  const all = Number.isFinite(files) ? files - readdirSync("/proc/self/fd").length - spare : files;
  const admin = Math.max(1, Math.min(100, Math.floor(all / 4)));
  return { files, clients: Math.max(1, Math.floor((all - admin) / 2)), admin };
}

/** The limit that Linux has in a file. Node has already raised the soft limit to the hard one. */
function mostOpenFiles(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(soft ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
