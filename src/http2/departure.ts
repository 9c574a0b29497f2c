import { errorCode } from "./errors.js";
import { goAway, largestWindow, ping } from "./frames.js";
import type { Outbox } from "./outbox.js";

const shutdownPing = Buffer.from("shutdown", "latin1");
/** How long, in milliseconds, the client may take to answer before the second GOAWAY. */
const goAwayMs = 1_000;

/** What a departure asks of its connection. */
export interface Departing {
  readonly streams: { readonly size: number; readonly lastId: number };
  /** Ends the connection. */
  end(): void;
}

/**
 * A connection's end that loses no stream: two GOAWAY frames, and the end after the last stream (RFC 9113, section
 * 6.8).
 */
export class Departure {
  /**
   * The last stream that the client was told of. It may not grow (RFC 9113, section 6.8), though more streams are
   * refused.
   */
  lastId = largestWindow; // the highest stream id
  private state: "no" | "announced" | "refusing" = "no";
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly outbox: Outbox,
    private readonly connection: Departing,
  ) {}

  /** New streams are refused, and the connection ends with its last one. */
  get isRefusing(): boolean {
    return this.state === "refusing";
  }

  /** Asks the client to open no more streams. Those that it opens until it answers are served. */
  announce(): void {
    if (this.state !== "no") return;
    this.state = "announced";
    this.outbox.put(goAway(this.lastId, errorCode.NO_ERROR));
    this.outbox.put(ping(shutdownPing));
    this.timer = setTimeout(() => this.refuse(), goAwayMs).unref();
  }

  /** The last stream has closed. The end of its answer may still wait for the socket. */
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
