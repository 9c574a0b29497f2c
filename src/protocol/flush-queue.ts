/** Something that has work to do later. */
export interface Flushable {
  flush(): void;
}

/** How long, in milliseconds, streams are served before sockets and timers get their turn. */
const slice = 5;

/**
 * The streams that may have something to send. They are served after the current event, in order, a slice of time at once: so
 * a change that touches several types is seen whole, and one that touches thousands of streams does not block the process.
 */
export class FlushQueue {
  private waiting = new Set<Flushable>();
  private scheduled = false;

  add(item: Flushable): void {
    this.waiting.add(item);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.run);
  }

  remove(item: Flushable): void {
    this.waiting.delete(item);
  }

  private readonly run = () => {
    const until = performance.now() + slice;
    for (const item of this.waiting) {
      this.waiting.delete(item);
      item.flush();
      if (performance.now() > until) break;
    }
    this.scheduled = this.waiting.size > 0;
    if (this.scheduled) setImmediate(this.run);
  };
}
