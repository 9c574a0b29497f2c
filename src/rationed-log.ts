import type { Logger } from "./logger.js";
import { networkOf } from "./network.js";
import { printableCut } from "./printable.js";

type Level = keyof Logger;

/** The length of a window in which lines are counted, in milliseconds. */
const windowMs = 10_000;
/** How many lines of one kind one address may cause in a window. */
const linesPerPeer = 10;
/** How many lines of one kind all addresses together may cause in a window. */
const linesPerKind = 100;
/**
 * The counts for one kind of line in the current window. `peers` has only addresses with a written line, so it is
 * bounded.
 */
interface Kind {
  readonly level: Level;
  written: number;
  leftOut: number;
  readonly peers: Map<string, { written: number; leftOut: number }>;
}

/**
 * A logger that limits the lines which clients cause. Every such line goes through it.
 *
 * Per kind of line, one address gets 10 lines in 10 s, and all addresses together get 100. This holds on every level.
 * Lines beyond that are counted, and one line for each kind reports their number at the end of the 10 s. Texts are cut
 * at 256 characters, and control characters are escaped.
 *
 * The kind of a line is its message, or `kind` if that is given. It comes from the code, never from a client.
 */
export class RationedLog implements Logger {
  private readonly kinds = new Map<string, Kind>();
  /** End of the current window, by `performance.now()`. */
  private windowEnd = 0;
  /** Runs until the end of the window if lines were left out in it. */
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly logger: Logger) {}

  debug(fields: object, message: string, kind = message): void {
    this.put("debug", fields, message, kind);
  }

  info(fields: object, message: string, kind = message): void {
    this.put("info", fields, message, kind);
  }

  warn(fields: object, message: string, kind = message): void {
    this.put("warn", fields, message, kind);
  }

  error(fields: object, message: string, kind = message): void {
    this.put("error", fields, message, kind);
  }

  /** Logs how many lines were left out so far. Later lines are still limited, but no longer counted. */
  close(): void {
    this.isClosed = true;
    this.reportLeftOut();
  }

  private put(level: Level, fields: object, message: string, kind: string): void {
    if (this.isAllowed(level, fields, kind)) this.logger[level](cutAll(fields) as object, message);
  }

  private isAllowed(level: Level, fields: object, name: string): boolean {
    const kind = this.kindOf(level, name);
    const address = addressOf(fields);
    const peerCounts = kind.peers.get(address);
    if (kind.written === linesPerKind || peerCounts?.written === linesPerPeer) {
      kind.leftOut++;
      if (peerCounts) peerCounts.leftOut++;
      this.reportLater();
      return false;
    }
    kind.written++;
    if (peerCounts) peerCounts.written++;
    else kind.peers.set(address, { written: 1, leftOut: 0 });
    return true;
  }

  private kindOf(level: Level, name: string): Kind {
    const now = performance.now();
    if (now >= this.windowEnd) {
      this.reportLeftOut(); // a busy event loop may be late with the timer
      this.windowEnd = now + windowMs;
    }
    let kind = this.kinds.get(name);
    if (!kind) {
      kind = { level, written: 0, leftOut: 0, peers: new Map() };
      this.kinds.set(name, kind);
    }
    return kind;
  }

  private reportLater(): void {
    if (this.timer || this.isClosed) return;
    this.timer = setTimeout(() => this.reportLeftOut(), this.windowEnd - performance.now());
    this.timer.unref();
  }

  /** Logs one line for each kind with left-out lines, with the known address that caused most of them. */
  private reportLeftOut(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ended = [...this.kinds];
    this.kinds.clear();
    for (const [kind, { level, leftOut, peers }] of ended) {
      if (leftOut === 0) continue;
      const [address, most] = [...peers].reduce((a, b) => (b[1].leftOut > a[1].leftOut ? b : a));
      const mostly = most.leftOut > 0 && address !== "" ? { address, ofAddress: most.leftOut } : {};
      this.logger[level]({ kind, leftOut, ...mostly }, "lines were left out of the log");
    }
  }
}

function addressOf(fields: object): string {
  const { peer } = fields as { peer?: unknown };
  return typeof peer === "string" ? networkOf(peer) : "";
}

/** A copy of a value of a log line in which every text is short and printable. */
function cutAll(value: unknown): unknown {
  if (typeof value === "string") return printableCut(value);
  if (Array.isArray(value)) return value.map(cutAll);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, cutAll(of)]));
}
