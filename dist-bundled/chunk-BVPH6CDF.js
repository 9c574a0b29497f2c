import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/server/admission/heap.js
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";

// dist/server/admission/garbage-collector.js
var patienceMs = 1e4;
var GarbageCollector = class {
  load;
  waitMs;
  collecting;
  constructor(load = () => import("node:inspector"), waitMs = patienceMs) {
    this.load = load;
    this.waitMs = waitMs;
  }
  /**
   * Resolves when garbage was collected, or cannot be collected. It never rejects. There is one collection at a time,
   * and all callers wait for the same one.
   */
  collect() {
    this.collecting ??= this.collectNow().finally(() => {
      this.collecting = void 0;
    });
    return this.collecting;
  }
  async collectNow() {
    let session;
    try {
      const { Session } = await this.load();
      session = new Session();
      session.connect();
      await this.posted(session);
    } catch {
    } finally {
      disconnect(session);
    }
  }
  /** Resolves when the inspector has answered, with or without an error, or when the time is over. */
  posted(session) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, this.waitMs).unref();
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      try {
        session.post("HeapProfiler.collectGarbage", done);
      } catch (error) {
        clearTimeout(timer);
        reject(error);
      }
    });
  }
};
function disconnect(session) {
  try {
    session?.disconnect();
  } catch {
  }
}
var garbageCollector = new GarbageCollector();

// dist/server/admission/heap.js
var reservedBytes = 64 << 20;
var readEveryMs = 5;
var restMs = 2e4 / 2 ** 30;
var baseMs = 3e4;
var nearlyFull = 1 / 32;
var Heap = class {
  garbage;
  held;
  statistics;
  restsUntil = Number.NEGATIVE_INFINITY;
  collecting;
  used = 0;
  limit = 0;
  readUntil = Number.NEGATIVE_INFINITY;
  /**
   * The smallest recent use of the heap, without what is held for clients. This is about what remains after a
   * collection.
   */
  base = Number.POSITIVE_INFINITY;
  earlierBase = Number.POSITIVE_INFINITY;
  baseSince = Number.NEGATIVE_INFINITY;
  constructor(garbage = garbageCollector, held = () => 0, statistics = getHeapStatistics) {
    this.garbage = garbage;
    this.held = held;
    this.statistics = statistics;
  }
  /** The maximum size of the heap, in bytes. */
  get size() {
    this.read(performance.now());
    return this.limit - reservedBytes;
  }
  /** Bytes until this share (0 to 1) of the heap is used. Negative if more is used already. */
  room(share) {
    const now = performance.now();
    if (now >= this.readUntil)
      this.read(now);
    return share * (this.limit - reservedBytes) - this.used;
  }
  read(now) {
    const { used_heap_size, heap_size_limit } = this.statistics();
    this.used = used_heap_size;
    this.limit = heap_size_limit;
    this.readUntil = now + readEveryMs;
    this.noteBase(now);
  }
  noteBase(now) {
    const base = Math.max(0, this.used - this.held());
    const age = now - this.baseSince;
    const lasts = Math.max(baseMs, restMs * this.used);
    if (age < lasts)
      this.base = Math.min(this.base, base);
    else {
      this.earlierBase = age < 2 * lasts ? this.base : Number.POSITIVE_INFINITY;
      this.base = base;
      this.baseSince = now;
    }
  }
  /** Whether the heap stays within this share if it grows by `bytes`. This can start a collection. */
  holds(bytes, share) {
    if (bytes > 0)
      this.read(performance.now());
    const left = this.room(share) - bytes;
    if (left < nearlyFull * this.limit && performance.now() >= this.restsUntil)
      void this.collect();
    return left >= 0;
  }
  /** Like {@link holds}, but if the answer is no, it waits for a collection and checks again. */
  async willHold(bytes, share) {
    const waitMs = this.restsUntil - performance.now();
    if (this.holds(bytes, share))
      return true;
    if (waitMs > 0)
      await sleep(waitMs);
    await this.collect();
    return this.holds(bytes, share);
  }
  /**
   * Like {@link room}, but most garbage does not count. The use of the heap rises and falls with garbage. So this takes
   * the smallest recent use, and adds what is held for clients now.
   */
  roomWithoutGarbage(share) {
    return share * (this.limit - reservedBytes) - Math.min(this.base, this.earlierBase) - this.held();
  }
  /** Whether garbage was collected recently, so that the figures are right. If not, a collection starts soon. */
  isMeasured() {
    if (performance.now() < this.restsUntil)
      return true;
    void this.collect();
    return false;
  }
  collect() {
    this.collecting ??= this.collectNow().finally(() => {
      this.collecting = void 0;
    });
    return this.collecting;
  }
  async collectNow() {
    await this.garbage.collect();
    const now = performance.now();
    this.read(now);
    this.restsUntil = now + restMs * this.used;
  }
};

export {
  garbageCollector,
  Heap
};
