import { TokenBucket } from "../token-bucket.js";
import type { LimitHandler } from "./connection-limits.js";
import { ConnectionError, errorCode } from "./errors.js";

/** How many PING and WINDOW_UPDATE frames a client may send for each of our DATA frames. */
const answersPerFrame = 2;
/** The bytes of DATA for which a client may send one more such frame. */
const bytesPerAnswer = 1_024;
/** The most such frames that are saved up. That is enough for more DATA than a network has on its way. */
const maxEarned = 100_000;

/**
 * Bounds the frames of one connection that cost us work and the client nothing. These are RST_STREAM of streams without
 * an answer, SETTINGS, PRIORITY, empty DATA, and requests that are refused at once. PING and WINDOW_UPDATE are counted
 * apart: clients answer our DATA with them, so DATA makes room for them.
 */
export class FrameBudget {
  private control: TokenBucket | undefined;
  private answers: TokenBucket | undefined;
  /** How many more PING and WINDOW_UPDATE frames our DATA allows. */
  private earned = 0;

  constructor(
    private readonly perSecond: number,
    /** Called before the error for a client that sends too many frames. */
    private readonly handler: LimitHandler,
  ) {}

  /**
   * Counts a control frame.
   * @throws ConnectionError ENHANCE_YOUR_CALM if there were too many
   */
  takeControl(): void {
    this.control ??= new TokenBucket(this.perSecond);
    if (!this.control.take()) this.refuse("RST_STREAM, SETTINGS, PRIORITY, empty DATA or refused HEADERS");
  }

  /**
   * Counts a PING or WINDOW_UPDATE frame.
   * @throws ConnectionError ENHANCE_YOUR_CALM if there were too many
   */
  takeAnswer(): void {
    if (this.earned >= 1) {
      this.earned--;
      return;
    }
    this.answers ??= new TokenBucket(this.perSecond);
    if (!this.answers.take()) this.refuse("PING or WINDOW_UPDATE");
  }

  /** A DATA frame was sent. */
  dataSent(bytes: number): void {
    this.earned = Math.min(maxEarned, this.earned + answersPerFrame + bytes / bytesPerAnswer);
  }

  /** The client makes us send answers and does not read them. */
  overflow(): void {
    this.handler.limitHit("controlFrames");
  }

  private refuse(what: string): never {
    this.handler.limitHit("controlFrames");
    throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, `too many ${what} frames`);
  }
}
