import type { ResourceLog } from "./resource-log.js";

/**
 * A cache's only timer, which keeps resources with a TTL alive on clients (P58). It runs only while such a resource has
 * a reader.
 */
export class Heartbeat {
  /** The time of each log's last heartbeat, by `performance.now()`. */
  private readonly logs = new Map<ResourceLog, number>();
  private timer: NodeJS.Timeout | undefined;

  /** Sends heartbeats for a log from now on, until it has no resource with a TTL or no reader. */
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
