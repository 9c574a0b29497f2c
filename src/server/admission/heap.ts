import { setTimeout as sleep } from "node:timers/promises";
import { getHeapStatistics, type HeapInfo } from "node:v8";
import { type GarbageCollector, garbageCollector } from "./garbage-collector.js";

/**
 * Bytes of V8's heap limit that are never available to old objects. The limit includes V8's space for young objects, 48
 * MB with Node 20: with `--max-old-space-size=256` V8 reports a limit of 304 MB. The rest is a reserve for what is
 * allocated between two readings.
 */
const reservedBytes = 64 << 20;

/** A reading of V8's statistics costs as much as reading a request, so it is reused for this many milliseconds. */
const readEveryMs = 5;

/**
 * The pause between two collections, in milliseconds for each byte in use. A full collection takes up to 2 s of CPU for
 * each GB of small objects (measured with Node 20). So collections take at most a tenth of the time.
 */
const restMs = 20_000 / 2 ** 30;

/** A smallest use of the heap counts for at least this time, in milliseconds. */
const baseMs = 30_000;

/** Garbage is collected when less than this share of the heap is free. So the figure is right when the heap is full. */
const nearlyFull = 1 / 32;

/**
 * How much of the maximum heap of this thread is in use (`--max-old-space-size`). V8 counts garbage as used, and does
 * not collect it while nothing is allocated. So this class collects garbage when the heap is nearly full. Before and
 * between collections, garbage counts as used.
 */
export class Heap {
  private restsUntil = Number.NEGATIVE_INFINITY;
  private collecting: Promise<void> | undefined;
  private used = 0;
  private limit = 0;
  private readUntil = Number.NEGATIVE_INFINITY;
  /**
   * The smallest recent use of the heap, without what is held for clients. This is about what remains after a
   * collection.
   */
  private base = Number.POSITIVE_INFINITY;
  private earlierBase = Number.POSITIVE_INFINITY;
  private baseSince = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly garbage: Pick<GarbageCollector, "collect"> = garbageCollector,
    /** Returns the estimated bytes that are held for clients. */
    private readonly held: () => number = () => 0,
    private readonly statistics: () => Pick<HeapInfo, "used_heap_size" | "heap_size_limit"> = getHeapStatistics,
  ) {}

  /** The maximum size of the heap, in bytes. */
  get size(): number {
    this.read(performance.now());
    return this.limit - reservedBytes;
  }

  /** Bytes until this share (0 to 1) of the heap is used. Negative if more is used already. */
  room(share: number): number {
    const now = performance.now();
    if (now >= this.readUntil) this.read(now);
    return share * (this.limit - reservedBytes) - this.used;
  }

  private read(now: number): void {
    const { used_heap_size, heap_size_limit } = this.statistics();
    this.used = used_heap_size;
    this.limit = heap_size_limit;
    this.readUntil = now + readEveryMs;
    this.noteBase(now);
  }

  private noteBase(now: number): void {
    const base = Math.max(0, this.used - this.held());
    const age = now - this.baseSince;
    const lasts = Math.max(baseMs, restMs * this.used);
    if (age < lasts) this.base = Math.min(this.base, base);
    else {
      this.earlierBase = age < 2 * lasts ? this.base : Number.POSITIVE_INFINITY;
      this.base = base;
      this.baseSince = now;
    }
  }

  /** Whether the heap stays within this share if it grows by `bytes`. This can start a collection. */
  holds(bytes: number, share: number): boolean {
    if (bytes > 0) this.read(performance.now()); // many large requests may come at once
    const left = this.room(share) - bytes;
    if (left < nearlyFull * this.limit && performance.now() >= this.restsUntil) void this.collect();
    return left >= 0;
  }

  /** Like {@link holds}, but if the answer is no, it waits for a collection and checks again. */
  async willHold(bytes: number, share: number): Promise<boolean> {
    const waitMs = this.restsUntil - performance.now();
    if (this.holds(bytes, share)) return true;
    if (waitMs > 0) await sleep(waitMs);
    await this.collect();
    return this.holds(bytes, share);
  }

  /**
   * Like {@link room}, but most garbage does not count. The use of the heap rises and falls with garbage. So this takes
   * the smallest recent use, and adds what is held for clients now.
   */
  roomWithoutGarbage(share: number): number {
    return share * (this.limit - reservedBytes) - Math.min(this.base, this.earlierBase) - this.held();
  }

  /** Whether garbage was collected recently, so that the figures are right. If not, a collection starts soon. */
  isMeasured(): boolean {
    if (performance.now() < this.restsUntil) return true;
    void this.collect();
    return false;
  }

  private collect(): Promise<void> {
    this.collecting ??= this.collectNow().finally(() => {
      this.collecting = undefined;
    });
    return this.collecting;
  }

  private async collectNow(): Promise<void> {
    await this.garbage.collect();
    const now = performance.now();
    this.read(now);
    this.restsUntil = now + restMs * this.used;
  }
}
