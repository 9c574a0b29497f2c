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
  /** Those that were written just before and after it, of those that wait. */
  older: UnsentResponse | undefined;
  newer: UnsentResponse | undefined;

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
  /** Those that wait are a list, so that a response costs no entry of a set. */
  private oldest: UnsentResponse | undefined;
  private newest: UnsentResponse | undefined;
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
    this.bytes += bytes;
    response.bytes += bytes;
    if (response.bytes > bytes || bytes === 0) return; // it waits already
    response.since = performance.now();
    response.older = this.newest;
    if (this.newest) this.newest.newer = response;
    else this.oldest = response;
    this.newest = response;
  }

  remove(response: UnsentResponse): void {
    if (response.bytes > 0) this.unlink(response);
    this.bytes -= response.bytes;
    response.bytes = 0;
    if (!this.timer || !this.hasRoom()) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.onRoom();
  }

  private unlink(response: UnsentResponse): void {
    const { older, newer } = response;
    if (older) older.newer = newer;
    else this.oldest = newer;
    if (newer) newer.older = older;
    else this.newest = older;
    response.older = undefined;
    response.newer = undefined;
  }

  private endSlow(): void {
    const tooOld = performance.now() - patienceMs;
    const enough = this.limits.limits.responseBytes / 2;
    for (let response = this.oldest; response; response = this.oldest) {
      if (response.since > tooOld || this.bytes <= enough) return;
      const what = `a response of ${response.bytes} bytes was not taken for ten seconds while others had to wait`;
      response.end(this.limits.exceeded("responseBytes", what));
      this.remove(response);
    }
  }
}
