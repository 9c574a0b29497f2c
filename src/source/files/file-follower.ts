import { Burst } from "./burst.js";
import { DirectoryWatcher } from "./directory-watcher.js";
import type { WatchedDirectory } from "./file-tree.js";
import { settled } from "./whole-file.js";

/** When changes of files are noticed and read. */
export interface FollowOptions {
  /** How long, in milliseconds, files must be unchanged before a change is read. */
  readonly quietMs: number;
  /** The longest wait, in milliseconds, before a change is read while files keep changing. */
  readonly maxWaitMs: number;
  /**
   * The interval of polling, in milliseconds. It finds changes that the system does not report. Large trees are polled
   * less often.
   */
  readonly pollMs: number;
  /** Whether to use events of the file system too. */
  readonly useEvents: boolean;
}

/** The owner of a {@link FileFollower}, which calls these methods. */
export interface FollowingOwner {
  /** Whether the files seem to have changed since they were last read. An error counts as a change. */
  looksChanged(): Promise<boolean>;
  /** Reads the files again. */
  reload(): Promise<void>;
}

/** Polling takes at most this fraction (1/n) of the time. */
const pollShare = 50;

/**
 * Notices changes of files, and calls its owner to read them again. A burst of changes is one call. It does not keep
 * the process running.
 */
export class FileFollower {
  private readonly burst: Burst;
  private readonly watcher = new DirectoryWatcher(() => this.burst.add());
  private pollTimer: NodeJS.Timeout | undefined;
  /** The current job: reading or polling, one at a time. */
  private work: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(
    private readonly options: FollowOptions,
    private readonly owner: FollowingOwner,
  ) {
    const { quietMs, maxWaitMs } = options;
    this.burst = new Burst(quietMs, maxWaitMs, () => void this.do(() => owner.reload()));
  }

  /** Starts to poll the files. */
  start(): void {
    this.pollAfter(this.options.pollMs);
  }

  /** Uses events of the file system for exactly these directories. */
  watch(directories: ReadonlyMap<string, WatchedDirectory>): void {
    if (this.options.useEvents && !this.isClosed) this.watcher.update(directories);
  }

  /**
   * Does a job after the jobs before it. Resolves when the job is done, or rejects with its error. After {@link close}
   * no job begins.
   */
  do(job: () => Promise<void>): Promise<void> {
    const done = this.work.then(() => (this.isClosed ? undefined : job()));
    this.work = done.catch(() => {});
    return done.then(() => {}); // an error is an unhandled rejection if the caller does not wait
  }

  /** Stops. Resolves when no timer, watcher or job is left. It waits at most a second for a job. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.burst.cancel();
    clearTimeout(this.pollTimer);
    this.watcher.close();
    await settled(this.work);
  }

  private pollAfter(ms: number): void {
    if (this.isClosed) return;
    this.pollTimer = setTimeout(() => void this.do(() => this.poll()), ms).unref();
  }

  private async poll(): Promise<void> {
    const start = performance.now();
    if (await this.owner.looksChanged().catch(() => true)) this.burst.add();
    this.pollAfter(Math.max(this.options.pollMs, (performance.now() - start) * pollShare));
  }
}
