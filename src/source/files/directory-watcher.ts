import { type FSWatcher, watch } from "node:fs";
import type { WatchedDirectory } from "./file-tree.js";

/**
 * Reports changes in a set of directories, not below them. The system does not report all changes (network file
 * systems, a limit on watches). So the owner must also poll.
 */
export class DirectoryWatcher {
  private readonly watchers = new Map<string, FSWatcher>();
  private watched: ReadonlyMap<string, WatchedDirectory> = new Map();

  constructor(private readonly onChange: () => void) {}

  /** Watches exactly these directories, by their paths. */
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
      // The directory is already gone, or no more watches are available.
    }
  }
}
