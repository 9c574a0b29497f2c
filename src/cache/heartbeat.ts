import type { ResourceLog } from "./resource-log.js";

/** The one timer of a cache that keeps resources with a TTL alive on their clients (P58). It runs only while somebody reads one. */
export class Heartbeat {
  /** Each with its last beat, as of `performance.now()`. */
  private readonly logs = new Map<ResourceLog, number>();
  private timer: NodeJS.Timeout | undefined;

  /** Looks after a log from now on, until nothing in it has a TTL or nobody reads it. */
  readonly watch = (log: ResourceLog): void => {
    if (!this.logs.has(log)) this.logs.set(log, performance.now());
    this.schedule();
  };

  private schedule(): void {
    clearTimeout(this.timer);
    let next = Number.POSITIVE_INFINITY;
    for (const [log, last] of this.logs) next = Math.min(next, last + (log.beatMs ?? Number.POSITIVE_INFINITY));
    if (next === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(this.beat, Math.min(Math.max(1, next - performance.now()), 2 ** 31 - 1)).unref();
  }

  private readonly beat = () => {
    const now = performance.now();
    for (const [log, last] of this.logs) {
      const { beatMs } = log;
      if (beatMs === undefined || !log.isFollowed) this.logs.delete(log);
      else if (now >= last + beatMs) {
        this.logs.set(log, now);
        log.beat();
      }
    }
    this.schedule();
  };
}
