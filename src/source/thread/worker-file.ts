import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The file of the worker of a {@link ReadingThread}: beside this file, or beside the bundle that contains this file. It
 * is undefined if there is no such file. This module is separate so that a bundle without such a thread has no
 * `import.meta`.
 */
export function workerFile(): URL | undefined {
  return ["js", "mjs"]
    .map((extension) => new URL(`./reading-worker.${extension}`, import.meta.url))
    .find((url) => url.protocol === "file:" && existsSync(fileURLToPath(url)));
}
