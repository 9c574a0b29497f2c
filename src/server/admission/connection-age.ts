import type { Caller } from "../../caller.js";
import { XdsError } from "../../errors.js";
import type { StreamSlot } from "./stream-slot.js";

/** A connection gets its GOAWAY at this share of the age at which its streams are ended. */
const goAwayAt = 0.8;
/** The age varies at random by this share, so that connections opened together are not ended together. */
const jitter = 0.1;
/** How long, in milliseconds, a connection may stay open after its streams were ended. Then it is closed. */
const graceMs = 10_000;
/** The longest delay, in milliseconds, that a Node timer accepts. */
const longestTimerMs = 2 ** 31 - 1;

/** What {@link ConnectionAge} does with a connection. */
export interface AgingConnection {
  /** Tells the client to open no more streams. */
  goAway(): void;
  destroy(): void;
}

interface Aging {
  readonly connection: AgingConnection;
  readonly goesAwayAt: number;
  readonly endsAt: number;
}

/**
 * Ends connections that have reached a maximum age, so that clients spread over all available servers. A GOAWAY first
 * tells the client to open no more streams. Soon after, all streams of the connection are ended at once, and the client
 * opens them on a new connection.
 */
export class ConnectionAge {
  private readonly connections = new Map<Caller, Aging>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * `ageMs` is the maximum age in milliseconds.
   * @throws XdsError INVALID_OPTION
   */
  constructor(private readonly ageMs: number) {
    if (!(ageMs >= 1 && ageMs * 2 <= longestTimerMs))
      throw new XdsError("INVALID_OPTION", `maxConnectionAgeMs must be from 1 to ${longestTimerMs / 2}, is ${ageMs}`);
  }

  /** Starts to end connections that are too old, and the streams on them. `slots` are the open streams. */
  start(slots: Iterable<StreamSlot>): void {
    const tooOld = new XdsError(
      "CONNECTION_TOO_OLD",
      "this connection has reached the server's maxConnectionAge; connect again",
    );
    const endOld = () => {
      const now = performance.now();
      for (const { connection, goesAwayAt, endsAt } of this.connections.values()) {
        if (goesAwayAt <= now) connection.goAway();
        if (endsAt + graceMs <= now) connection.destroy();
      }
      for (const slot of [...slots]) if (slot.endsAt <= now) slot.stream.fail(tooOld);
    };
    this.timer = setInterval(endOld, Math.min(1_000, Math.ceil(this.ageMs / 20))).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Adds a new connection. Its key is its caller, which is the same object for all streams of the connection. */
  opened(caller: Caller, connection: AgingConnection): void {
    const now = performance.now();
    const age = this.ageMs * (1 + jitter * (2 * Math.random() - 1));
    this.connections.set(caller, { connection, goesAwayAt: now + goAwayAt * age, endsAt: now + age });
  }

  closed(caller: Caller): void {
    this.connections.delete(caller);
  }

  /** When the streams of the caller's connection are ended, as of `performance.now()`. */
  endsAt(caller: Caller): number {
    return this.connections.get(caller)?.endsAt ?? Number.POSITIVE_INFINITY;
  }
}
