/** Requests that have ended. */
export interface Load {
  readonly succeeded: number;
  readonly failed: number;
}

/** The load that a node has reported. */
export interface NodeLoad {
  /** All since its first report. It only grows. */
  readonly total: Load;
  /** The part of the last ten to twenty minutes; less if the first report is younger. */
  readonly recent: Load;
}

/** How long a mark lasts, and how long a node that reports no more is kept, in milliseconds. */
const markMs = 600_000;
/** The most nodes that are kept. Those that have not reported for the longest time are dropped first. */
const mostNodes = 50_000;

interface Entry extends NodeLoad {
  total: Load;
  /** The total at the last mark and at the one before. */
  mark: Load;
  before: Load;
  markedAt: number;
  reportedAt: number;
  readonly recent: Load;
}

const none: Load = { succeeded: 0, failed: 0 };

/** The sums of the load reports of each node. */
export class NodeLoads {
  /** By node id, in the order of the last reports. */
  private readonly nodes = new Map<string, Entry>();

  /** `now`: a clock in milliseconds that only grows. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Adds a report of a node. */
  add(id: string, { succeeded, failed }: Load): void {
    const now = this.now();
    const entry = this.nodes.get(id) ?? entryAt(now);
    this.nodes.delete(id);
    if (now - entry.markedAt >= markMs) {
      entry.before = entry.mark;
      entry.mark = entry.total;
      entry.markedAt = now;
    }
    entry.total = { succeeded: entry.total.succeeded + succeeded, failed: entry.total.failed + failed };
    entry.reportedAt = now;
    this.nodes.set(id, entry);
    this.dropOld(now);
  }

  get(id: string): NodeLoad | undefined {
    return this.nodes.get(id);
  }

  /** The ids of the nodes that have reported. */
  ids(): Iterable<string> {
    return this.nodes.keys();
  }

  get size(): number {
    return this.nodes.size;
  }

  private dropOld(now: number): void {
    for (const [id, { reportedAt }] of this.nodes) {
      if (this.nodes.size <= mostNodes && now - reportedAt < markMs) return;
      this.nodes.delete(id);
    }
  }
}

const entryAt = (now: number): Entry => ({
  total: none,
  mark: none,
  before: none,
  markedAt: now,
  reportedAt: now,
  get recent() {
    return { succeeded: this.total.succeeded - this.before.succeeded, failed: this.total.failed - this.before.failed };
  },
});
