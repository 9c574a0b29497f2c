import { errorCode } from "./errors.js";
import { goAway, largestWindow, ping } from "./frames.js";
import type { Outbox } from "./outbox.js";

const shutdownPing = Buffer.from("shutdown", "latin1");
/** How many milliseconds the client has to answer before the second GOAWAY. */
const goAwayMs = 1_000;

/** The part of its connection that a departure uses. */
export interface Departing {
  readonly streams: { readonly size: number; readonly lastId: number };
  /** Ends the connection. */
  end(): void;
}

/**
 * Ends a connection without losing a stream: two GOAWAY frames, and the end after the last stream (RFC 9113, section
 * 6.8).
 */
export class Departure {
  /**
   * The last stream id that a GOAWAY frame has named. It may not grow (RFC 9113, section 6.8), although more streams
   * are refused.
   */
  lastId = largestWindow; // the highest stream id
  private state: "no" | "announced" | "refusing" = "no";
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly outbox: Outbox,
    private readonly connection: Departing,
  ) {}

  /** Whether new streams are refused. The connection ends with its last stream. */
  get isRefusing(): boolean {
    return this.state === "refusing";
  }

  /** Asks the client to open no more streams. Streams that come before its answer are served. */
  announce(): void {
    if (this.state !== "no") return;
    this.state = "announced";
    this.outbox.put(goAway(this.lastId, errorCode.NO_ERROR));
    this.outbox.put(ping(shutdownPing));
    this.timer = setTimeout(() => this.refuse(), goAwayMs).unref();
  }

  /** The last stream has closed. Ends the connection once the rest of the answer has left. */
  whenSent(): void {
    this.outbox.afterSent(() => this.connection.end());
  }

  /** The client has answered a PING. */
  pinged(payload: Buffer): void {
    if (payload.equals(shutdownPing)) this.refuse();
  }

  /** The connection has ended. */
  stop(): void {
    clearTimeout(this.timer);
    this.state = "refusing";
  }

  private refuse(): void {
    if (this.state !== "announced") return;
    this.state = "refusing";
    clearTimeout(this.timer);
    const { streams } = this.connection;
    this.lastId = streams.lastId;
    if (streams.size === 0) this.whenSent();
    else this.outbox.put(goAway(this.lastId, errorCode.NO_ERROR));
  }
}
