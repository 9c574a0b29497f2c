import type { Flushable } from "../../src/protocol/account.js";
import { FlushQueue } from "../../src/protocol/flush-queue.js";

/** Runs streams when it is told to. */
export class ManualQueue extends FlushQueue {
  private readonly items = new Set<Flushable>();
  override add(item: Flushable): void {
    this.items.add(item);
  }
  override remove(item: Flushable): void {
    this.items.delete(item);
  }
  runNow(): void {
    for (const item of this.items) {
      this.items.delete(item);
      item.flush();
    }
  }
}
