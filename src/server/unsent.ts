import type { XdsError } from "../errors.js";
import type { LimitCounts } from "./limits.js";

/** How long, in milliseconds, a client may leave a response where it is while others cannot have theirs. */
const patienceMs = 10_000;
const checkEveryMs = 1_000;

/** The response that a client has not taken yet, of which a stream has one at a time, as has a connection of REST. */
export class UnsentResponse {
  bytes = 0;
  /** When it was written, as of `performance.now()`. */
  since = 0;

  /** Made by {@link UnsentResponses.of}. */
  constructor(
    private readonly all: UnsentResponses,
    readonly end: (error: XdsError) => void,
  ) {}

  written(bytes: number): void {
    this.all.add(this, bytes);
  }

  /** It is on its way, or its client is gone: nothing of it is kept any more. */
  sent(): void {
    this.all.remove(this);
  }
}

/**
 * The bytes of all responses that are written and not sent yet, for a client takes them when it likes. Beyond the limit nothing more
 * is written until some are sent; and those that have left theirs where they are for ten seconds then are ended, until half of it is free.
 */
export class UnsentResponses {
  bytes = 0;
  /** The oldest first. */
  private readonly waiting = new Set<UnsentResponse>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limits: LimitCounts,
    /** Called when there is room again. */
    private readonly onRoom: () => void,
  ) {}

  /** For one who is sent responses; `end` ends it. */
  of(end: (error: XdsError) => void): UnsentResponse {
    return new UnsentResponse(this, end);
  }

  /** Whether more may be written. After a no, `onRoom` is called. */
  hasRoom(): boolean {
    if (this.bytes < this.limits.limits.responseBytes) return true;
    this.timer ??= setInterval(() => this.endSlow(), checkEveryMs).unref();
    return false;
  }

  /** @throws XdsError LIMIT_EXCEEDED */
  check(): void {
    if (!this.hasRoom())
      throw this.limits.exceeded("responseBytes", `${this.bytes} bytes of responses are not sent yet`);
  }

  add(response: UnsentResponse, bytes: number): void {
    if (response.bytes === 0) response.since = performance.now();
    response.bytes += bytes;
    this.bytes += bytes;
    this.waiting.add(response);
  }

  remove(response: UnsentResponse): void {
    this.bytes -= response.bytes;
    response.bytes = 0;
    this.waiting.delete(response);
    if (!this.timer || !this.hasRoom()) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.onRoom();
  }

  private endSlow(): void {
    const tooOld = performance.now() - patienceMs;
    const enough = this.limits.limits.responseBytes / 2;
    for (const response of this.waiting) {
      if (response.since > tooOld || this.bytes <= enough) return;
      const what = `a response of ${response.bytes} bytes was not taken for ten seconds while others had to wait`;
      response.end(this.limits.exceeded("responseBytes", what));
      this.remove(response);
    }
  }
}
