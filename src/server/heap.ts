import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Bytes of the heap that old objects never get: V8 counts to its limit what it sets aside for young ones, 48 MB with Node 20, so that with
 * `--max-old-space-size=256` it tells 304 MB. The rest is for what comes between two looks.
 */
const apart = 64 << 20;

/** The figures of V8 cost as much as reading a request. They are read again after so many milliseconds. */
const readEveryMs = 5;

/** Of the time, collecting garbage for the sake of knowing may take no more than one part in so many. */
const restFactor = 20;

/**
 * How full V8's heap of this thread is, of what it may become (`--max-old-space-size`). V8 counts garbage as used, and leaves it where
 * it is for as long as nothing is allocated; so it is collected before this says that the heap is full, though not every time.
 */
export class Heap {
  private collectedUntil = Number.NEGATIVE_INFINITY;
  private used = 0;
  private limit = 0;
  private readUntil = Number.NEGATIVE_INFINITY;

  /** Bytes that may come until so much, a share, of the heap is used; less than 0: it is exceeded already. */
  room(share: number): number {
    const now = performance.now();
    if (now >= this.readUntil) this.read(now);
    return share * (this.limit - apart) - this.used;
  }

  private read(now: number): void {
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    this.used = used_heap_size;
    this.limit = heap_size_limit;
    this.readUntil = now + readEveryMs;
  }

  /** Whether so many bytes more keep it within this share. */
  holds(bytes: number, share: number): boolean {
    if (bytes > 0) this.read(performance.now()); // many large requests may come at once
    return bytes <= this.room(share) || (this.collect() && bytes <= this.room(share));
  }

  /** False: it has done so just now. A full collection takes some 0.3 s for each GB that is in use (measured with Node 20). */
  private collect(): boolean {
    const start = performance.now();
    if (start < this.collectedUntil) return false;
    collectGarbage();
    const end = performance.now();
    this.read(end);
    this.collectedUntil = end + restFactor * (end - start);
    return true;
  }
}

/** V8 gives its `gc` to contexts that are made while this flag is set. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  gc();
}
