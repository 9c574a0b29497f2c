import { TokenBucket } from "../token-bucket.js";
import type { ConnectionHandler } from "./connection-handler.js";
import { ConnectionError, errorCode } from "./errors.js";

/** How many PING and WINDOW_UPDATE frames a client may send for each DATA frame of ours. */
const answersPerFrame = 2;
/** And one more for so many bytes of it. */
const bytesPerAnswer = 1_024;
/** The most of them that are kept for later. That is for more DATA than a network has on its way. */
const mostEarned = 100_000;

/**
 * Bounds the frames of one connection that cost us work and the client nothing. These are RST_STREAM of streams without
 * an answer, SETTINGS, PRIORITY, empty DATA, and requests that are refused at once. PING and WINDOW_UPDATE are counted
 * apart: clients answer our DATA with them, so DATA makes room for them.
 */
export class FrameBudget {
  private control: TokenBucket | undefined;
  private answers: TokenBucket | undefined;
  /** How many answers our DATA makes room for. */
  private earned = 0;

  constructor(
    private readonly perSecond: number,
    /** Told before the error of a client that sends too many. */
    private readonly handler: Pick<ConnectionHandler, "limitHit">,
  ) {}

  /** @throws ConnectionError ENHANCE_YOUR_CALM */
  takeControl(): void {
    this.control ??= new TokenBucket(this.perSecond);
    if (!this.control.take()) this.refuse("RST_STREAM, SETTINGS, PRIORITY, empty DATA or refused HEADERS");
  }

  /** @throws ConnectionError ENHANCE_YOUR_CALM */
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
    this.earned = Math.min(mostEarned, this.earned + answersPerFrame + bytes / bytesPerAnswer);
  }

  /** The client makes us answer, and does not read. */
  overflow(): void {
    this.handler.limitHit("controlFrames");
  }

  private refuse(what: string): never {
    this.handler.limitHit("controlFrames");
    throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, `too many ${what} frames`);
  }
}
