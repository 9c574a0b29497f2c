import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/**
 * Where a server of these configuration paths keeps its state by default, whatever the order of the paths: a folder
 * below `$XDG_STATE_HOME`, or `~/.local/state`, for each set of absolute paths.
 */
export function defaultStateDirectory(paths: readonly string[], environment = process.env): string {
  const { XDG_STATE_HOME: given = "" } = environment;
  // The specification of XDG has relative paths ignored.
  const base = isAbsolute(given) ? given : join(homedir(), ".local", "state");
  const absolute = paths.map((path) => resolve(path)).sort();
  const hash = createHash("sha256").update(JSON.stringify(absolute)).digest("hex");
  return join(base, "ts-control-plane", hash.slice(0, 12));
}
