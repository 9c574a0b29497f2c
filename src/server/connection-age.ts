import { XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { Seat } from "./admission.js";

/** When a connection gets its GOAWAY, as a part of the age at which its streams are ended. */
const goAwayAt = 0.8;
/** The part of the age by which it varies, so that connections that came together do not go together. */
const jitter = 0.1;
/** How long, in milliseconds, a connection may go on when its streams have been ended, before it is cut. */
const graceMs = 10_000;
/** The longest time that a timer takes. */
const longest = 2 ** 31 - 1;

/** A connection, as its age matters. */
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
 * Ends connections of a certain age, so that clients spread over the servers that there are. The transport tells a client to open
 * no more streams (GOAWAY); soon after, all streams of its connection are ended at once, and it opens them on a new one.
 */
export class ConnectionAge {
  private readonly connections = new Map<Caller, Aging>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * The age in milliseconds.
   * @throws XdsError INVALID_OPTION
   */
  constructor(private readonly ageMs: number) {
    if (!(ageMs >= 1 && ageMs * 2 <= longest))
      throw new XdsError("INVALID_OPTION", `maxConnectionAgeMs is from 1 to ${longest / 2}, not ${ageMs}`);
  }

  /** Begins to end what is too old. */
  start(seats: Iterable<Seat>): void {
    const tooOld = new XdsError(
      "CONNECTION_TOO_OLD",
      "this connection has reached the server's maxConnectionAge; connect again",
    );
    const look = () => {
      const now = performance.now();
      for (const { connection, goesAwayAt, endsAt } of this.connections.values()) {
        if (goesAwayAt <= now) connection.goAway();
        if (endsAt + graceMs <= now) connection.destroy();
      }
      for (const seat of [...seats]) if (seat.endsAt <= now) seat.guest.fail(tooOld);
    };
    this.timer = setInterval(look, Math.min(1_000, Math.ceil(this.ageMs / 20))).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** A connection begins. It is known by its caller, which is one object for all its streams. */
  opened(caller: Caller, connection: AgingConnection): void {
    const now = performance.now();
    const age = this.ageMs * (1 + jitter * (2 * Math.random() - 1));
    this.connections.set(caller, { connection, goesAwayAt: now + goAwayAt * age, endsAt: now + age });
  }

  closed(caller: Caller): void {
    this.connections.delete(caller);
  }

  /** When the caller's connection is too old, as of `performance.now()`. */
  endsAt(caller: Caller): number {
    return this.connections.get(caller)?.endsAt ?? Number.POSITIVE_INFINITY;
  }
}
