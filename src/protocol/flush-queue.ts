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

  /** `hasRoom`: whether something may be sent; after a no, `resume` is called. */
  constructor(private readonly hasRoom: () => boolean = () => true) {}

  add(item: Flushable): void {
    this.waiting.add(item);
    this.resume();
  }

  remove(item: Flushable): void {
    this.waiting.delete(item);
  }

  resume(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    this.scheduled = true;
    setImmediate(this.run);
  }

  private readonly run = () => {
    const until = performance.now() + slice;
    this.scheduled = false;
    for (const item of this.waiting) {
      if (!this.hasRoom()) return;
      this.waiting.delete(item);
      item.flush();
      if (performance.now() > until) break;
    }
    this.resume();
  };
}
