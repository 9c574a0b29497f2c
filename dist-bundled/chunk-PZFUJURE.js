import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  settled
} from "./chunk-D2S3E5CW.js";

// dist/source/files/burst.js
var Burst = class {
  quietMs;
  maxWaitMs;
  act;
  timer;
  since = 0;
  /** Times in milliseconds. */
  constructor(quietMs, maxWaitMs, act) {
    this.quietMs = quietMs;
    this.maxWaitMs = maxWaitMs;
    this.act = act;
  }
  add() {
    const now = performance.now();
    if (this.timer)
      clearTimeout(this.timer);
    else
      this.since = now;
    const wait = Math.max(0, Math.min(this.quietMs, this.since + this.maxWaitMs - now));
    this.timer = setTimeout(() => {
      this.timer = void 0;
      this.act();
    }, wait);
    this.timer.unref();
  }
  cancel() {
    clearTimeout(this.timer);
    this.timer = void 0;
  }
};

// dist/source/files/directory-watcher.js
import { watch } from "node:fs";
var DirectoryWatcher = class {
  onChange;
  watchers = /* @__PURE__ */ new Map();
  watched = /* @__PURE__ */ new Map();
  constructor(onChange) {
    this.onChange = onChange;
  }
  /** Watches exactly these directories, by their paths. */
  update(directories) {
    for (const [path, watcher] of this.watchers) {
      if (directories.get(path)?.identity === this.watched.get(path)?.identity)
        continue;
      watcher.close();
      this.watchers.delete(path);
    }
    this.watched = directories;
    for (const path of directories.keys())
      if (!this.watchers.has(path))
        this.add(path);
  }
  close() {
    this.update(/* @__PURE__ */ new Map());
  }
  add(path) {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        const names = this.watched.get(path)?.names;
        if (name === null || !names || names.has(name))
          this.onChange();
      });
      watcher.on("error", this.onChange);
      this.watchers.set(path, watcher);
    } catch {
    }
  }
};

// dist/source/files/file-follower.js
var pollShare = 50;
var FileFollower = class {
  options;
  owner;
  burst;
  watcher = new DirectoryWatcher(() => this.burst.add());
  pollTimer;
  /** The current job: reading or polling, one at a time. */
  work = Promise.resolve();
  isClosed = false;
  constructor(options, owner) {
    this.options = options;
    this.owner = owner;
    const { quietMs, maxWaitMs } = options;
    this.burst = new Burst(quietMs, maxWaitMs, () => void this.do(() => owner.reload()));
  }
  /** Starts to poll the files. */
  start() {
    this.pollAfter(this.options.pollMs);
  }
  /** Uses events of the file system for exactly these directories. */
  watch(directories) {
    if (this.options.useEvents && !this.isClosed)
      this.watcher.update(directories);
  }
  /**
   * Does a job after the jobs before it. Resolves when the job is done, or rejects with its error. After {@link close}
   * no job begins.
   */
  do(job) {
    const done = this.work.then(() => this.isClosed ? void 0 : job());
    this.work = done.catch(() => {
    });
    return done.then(() => {
    });
  }
  /** Stops. Resolves when no timer, watcher or job is left. It waits at most a second for a job. */
  async close() {
    this.isClosed = true;
    this.burst.cancel();
    clearTimeout(this.pollTimer);
    this.watcher.close();
    await settled(this.work);
  }
  pollAfter(ms) {
    if (this.isClosed)
      return;
    this.pollTimer = setTimeout(() => void this.do(() => this.poll()), ms).unref();
  }
  async poll() {
    const start = performance.now();
    if (await this.owner.looksChanged().catch(() => true))
      this.burst.add();
    this.pollAfter(Math.max(this.options.pollMs, (performance.now() - start) * pollShare));
  }
};

// dist/cpu-time.js
function processCpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}
var shortMs = 2;
var readingMs = 1;
var CpuTime = class {
  /** CPU time at the last reading, with the pieces of work since then. */
  readMs = 0;
  readAt = Number.NEGATIVE_INFINITY;
  /**
   * Called before pieces of work, with the time by `performance.now()`. What the process does between the last reading
   * and a long piece, besides other pieces, is charged to that piece.
   */
  begin(now) {
    if (now - this.readAt < readingMs)
      return;
    this.readAt = now;
    this.readMs = processCpuMs();
  }
  /** The milliseconds of a piece of work that took `ms` milliseconds by the clock, and ended `now`. */
  of(ms, now) {
    if (ms <= shortMs) {
      this.readMs += ms;
      return ms;
    }
    const before = this.readMs;
    this.begin(now);
    return Math.max(0, Math.min(ms, this.readMs - before));
  }
};

export {
  FileFollower,
  processCpuMs,
  CpuTime
};
