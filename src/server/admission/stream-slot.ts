import type { XdsError } from "../../errors.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import { heldBytes } from "../../protocol/held-bytes.js";
import { TokenBucket } from "../../token-bucket.js";
import type { LimitCounts, RequestForm } from "./limits.js";

/** A stream that the server can end. */
export interface EndableStream {
  /** Whether it has had a response, or has none to expect. */
  readonly answered: boolean;
  /** Ends the stream with this error's status. */
  fail(error: XdsError): void;
}

/** How many bytes of heap a byte of an encoded node takes, as estimated. */
const nodeFactor = 4;

/** One open stream's share of the server's limits. */
export class StreamSlot {
  private readonly requests: TokenBucket;
  /** Bytes of the heap that are counted for the stream, besides what a discovery stream counts itself. */
  private held = 0;

  /** Made by {@link Admission.enter}. */
  constructor(
    private readonly admission: { leave(slot: StreamSlot): void },
    readonly caller: AccountedCaller,
    readonly stream: EndableStream,
    private readonly counts: LimitCounts,
    /** When it is ended because of its connection's age, as of `performance.now()`. */
    readonly endsAt: number,
  ) {
    this.requests = new TokenBucket(counts.limits.requestsPerSecond);
    this.hold(heldBytes.stream);
  }

  /**
   * Counts a request of the stream and checks its size.
   * @throws XdsError LIMIT_EXCEEDED, REQUEST_TOO_LARGE
   */
  request(bytes: number, form: RequestForm): void {
    if (!this.requests.take()) throw this.counts.exceeded("requestsPerSecond", "too many requests on one stream");
    this.counts.checkRequest(bytes, form);
  }

  /**
   * Checks the first request of a stream that keeps the client's node, and counts it.
   * @throws XdsError LIMIT_EXCEEDED
   */
  firstRequest(bytes: number): void {
    this.counts.checkNode(bytes);
    this.counts.checkGrowth(this.caller.account);
    this.hold(nodeFactor * bytes);
  }

  /** A response was sent, so one more request, the answer to it, is allowed. */
  response(): void {
    this.requests.give();
  }

  /** Frees the slot when the stream has ended. Further calls do nothing. */
  leave(): void {
    this.hold(-this.held);
    this.admission.leave(this);
  }

  private hold(bytes: number): void {
    this.held += bytes;
    this.caller.account.hold(bytes);
  }
}
