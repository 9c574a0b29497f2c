import type { Logger } from "./logger.js";
import { printable } from "./printable.js";

type Level = keyof Logger;

/** How long lines are counted, in milliseconds. */
const windowMs = 10_000;
/** How many lines of one kind one address may cause in that time, */
const linesPerPeer = 10;
/** and all addresses together. */
const linesPerKind = 100;
/** So much of each text is logged, in characters as they are logged. */
const longestText = 256;

/** The lines of one kind in one window. It has a peer only for each line that was written. */
interface Kind {
  readonly level: Level;
  written: number;
  leftOut: number;
  readonly peers: Map<string, { written: number; leftOut: number }>;
}

/**
 * The log of what clients cause: every such line goes through here. Of each kind of line an address gets 10 in 10 s,
 * and all addresses together 100, on every level. Lines that are left out are counted, and one line for each kind
 * tells their number at the end of the 10 s. Texts are cut at 256 characters, and have no control characters.
 *
 * The kind of a line is its message, or `kind`. It comes from the code, never from a client.
 */
export class RationedLog implements Logger {
  private readonly kinds = new Map<string, Kind>();
  /** As of `performance.now()`. */
  private windowEnd = 0;
  /** Runs while there is something that was left out, up to the end of the window. */
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

  /** Logs what was left out so far. Lines that come later are still rationed, without a count. */
  close(): void {
    this.isClosed = true;
    this.tellLeftOut();
  }

  private put(level: Level, fields: object, message: string, kind: string): void {
    if (this.isAllowed(level, fields, kind)) this.logger[level](cutAll(fields) as object, message);
  }

  private isAllowed(level: Level, fields: object, name: string): boolean {
    const kind = this.kindOf(level, name);
    const address = addressOf(fields);
    const known = kind.peers.get(address);
    if (kind.written === linesPerKind || known?.written === linesPerPeer) {
      kind.leftOut++;
      if (known) known.leftOut++;
      this.tellLater();
      return false;
    }
    kind.written++;
    if (known) known.written++;
    else kind.peers.set(address, { written: 1, leftOut: 0 });
    return true;
  }

  private kindOf(level: Level, name: string): Kind {
    const now = performance.now();
    if (now >= this.windowEnd) {
      this.tellLeftOut(); // a busy event loop may be late with the timer
      this.windowEnd = now + windowMs;
    }
    let kind = this.kinds.get(name);
    if (!kind) {
      kind = { level, written: 0, leftOut: 0, peers: new Map() };
      this.kinds.set(name, kind);
    }
    return kind;
  }

  private tellLater(): void {
    if (this.timer || this.isClosed) return;
    this.timer = setTimeout(() => this.tellLeftOut(), this.windowEnd - performance.now());
    this.timer.unref();
  }

  /** One line for each kind of which lines were left out, with the known address that caused most of them. */
  private tellLeftOut(): void {
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

/** Of `peer`, which has a port that changes with each connection. */
function addressOf(fields: object): string {
  const { peer } = fields as { peer?: unknown };
  return typeof peer === "string" ? peer.replace(/:\d+$/, "") : "";
}

/** A value of a log line, of which every text is short and printable. */
function cutAll(value: unknown): unknown {
  if (typeof value === "string") return cut(value);
  if (Array.isArray(value)) return value.map(cutAll);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, cutAll(of)]));
}

function cut(text: string): string {
  const shown = printable(text.slice(0, longestText));
  if (text.length <= longestText && shown.length <= longestText) return shown;
  return `${shown.slice(0, longestText)}… (${text.length} characters)`;
}
