import { type FSWatcher, watch } from "node:fs";
import type { WatchedDirectory } from "./file-tree.js";

/**
 * Tells when something changed in any of a set of directories, not below them. Whatever the system does not tell (network file
 * systems, a limit on watches) is left to the owner's looking from time to time.
 */
export class DirectoryWatcher {
  private readonly watchers = new Map<string, FSWatcher>();
  private watched: ReadonlyMap<string, WatchedDirectory> = new Map();

  constructor(private readonly onChange: () => void) {}

  /** Watches these directories, by their paths, and no others. */
  update(directories: ReadonlyMap<string, WatchedDirectory>): void {
    for (const [path, watcher] of this.watchers) {
      if (directories.get(path)?.identity === this.watched.get(path)?.identity) continue;
      watcher.close();
      this.watchers.delete(path);
    }
    this.watched = directories;
    for (const path of directories.keys()) if (!this.watchers.has(path)) this.add(path);
  }

  close(): void {
    this.update(new Map());
  }

  private add(path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        const names = this.watched.get(path)?.names;
        if (name === null || !names || names.has(name)) this.onChange();
      });
      watcher.on("error", this.onChange);
      this.watchers.set(path, watcher);
    } catch {
      // It is gone already, or there are no more watches to be had.
    }
  }
}
