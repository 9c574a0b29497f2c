import { XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import { TokenBucket } from "../token-bucket.js";
import type { ConnectionAge } from "./connection-age.js";
import type { LimitCounts, RequestForm } from "./limits.js";

/** A stream, as those see it who may have to end it. */
export interface Guest {
  /** It has had a response, or there is none to be had. */
  readonly answered: boolean;
  /** Ends the stream with this error's status. */
  fail(error: XdsError): void;
}

/** An open stream's place in the server. */
export class Seat {
  private readonly requests: TokenBucket;

  /** Made by {@link Admission.enter}. */
  constructor(
    private readonly admission: Admission,
    readonly caller: Caller,
    readonly guest: Guest,
    private readonly counts: LimitCounts,
    /** When its connection is too old, as of `performance.now()`. */
    readonly endsAt: number,
  ) {
    this.requests = new TokenBucket(counts.limits.requestsPerSecond);
  }

  /**
   * A request has come.
   * @throws XdsError LIMIT_EXCEEDED, REQUEST_TOO_LARGE
   */
  request(bytes: number, form: RequestForm): void {
    if (!this.requests.take()) throw this.counts.exceeded("requestsPerSecond", "too many requests on one stream");
    this.counts.checkRequest(bytes, form);
  }

  /**
   * The request is the first and brings the client's node, or may.
   * @throws XdsError LIMIT_EXCEEDED
   */
  introduction(bytes: number): void {
    this.counts.checkNode(bytes);
    this.counts.checkGrowth();
  }

  /** A response goes out: the client may answer it. */
  response(): void {
    this.requests.give();
  }

  /** The stream has ended; may be called again. */
  leave(): void {
    this.admission.leave(this);
  }
}

/** Lets streams and calls in, as many as the limits allow, and knows the streams that are open. */
export class Admission {
  readonly seats = new Set<Seat>();
  /** Open streams and unary calls. */
  private open = 0;
  private readonly hosts = new Map<string, number>();
  private readonly newStreams: TokenBucket;

  constructor(
    private readonly counts: LimitCounts,
    private readonly age: ConnectionAge | undefined,
    /** No more streams are taken. */
    private readonly draining: () => boolean,
  ) {
    this.newStreams = new TokenBucket(counts.limits.newStreamsPerSecond);
  }

  /** @throws XdsError DRAINING, LIMIT_EXCEEDED */
  enter(caller: Caller, guest: Guest): Seat {
    if (this.draining()) throw new XdsError("DRAINING", "the server is shutting down; connect elsewhere");
    this.counts.checkGrowth();
    this.take(caller, "new streams");
    const endsAt = this.age?.endsAt(caller) ?? Number.POSITIVE_INFINITY;
    const seat = new Seat(this, caller, guest, this.counts, endsAt);
    this.seats.add(seat);
    return seat;
  }

  /**
   * Lets in a unary call, which counts as a stream while it lasts. Returns what is to be called, once, when it is over.
   * @throws XdsError LIMIT_EXCEEDED
   */
  enterCall(caller: Caller): () => void {
    this.take(caller, "calls");
    return () => this.give(caller);
  }

  /**
   * Lets in a REST request. Streams, unary calls and REST requests share the number of new ones a second.
   * @throws XdsError LIMIT_EXCEEDED
   */
  enterOnce(): void {
    this.takeNew("calls");
  }

  leave(seat: Seat): void {
    if (this.seats.delete(seat)) this.give(seat.caller);
  }

  private take(caller: Caller, what: "new streams" | "calls"): void {
    const { counts, hosts } = this;
    const host = hostOf(caller.peer);
    const ofHost = hosts.get(host) ?? 0;
    if (this.open >= counts.limits.streams) throw counts.exceeded("streams", "too many streams");
    if (ofHost >= counts.limits.streamsPerPeer) throw counts.exceeded("streamsPerPeer", `too many streams of ${host}`);
    this.takeNew(what);
    hosts.set(host, ofHost + 1);
    this.open++;
  }

  private give(caller: Caller): void {
    const host = hostOf(caller.peer);
    const left = (this.hosts.get(host) ?? 1) - 1;
    if (left > 0) this.hosts.set(host, left);
    else this.hosts.delete(host);
    this.open--;
  }

  private takeNew(what: "new streams" | "calls"): void {
    if (!this.newStreams.take()) throw this.counts.exceeded("newStreamsPerSecond", `too many ${what} at once`);
  }
}

/** The IP address of a peer. */
export const hostOf = (peer: string) => peer.replace(/:\d+$/, "");
