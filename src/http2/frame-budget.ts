import { TokenBucket } from "../token-bucket.js";
import { ConnectionError, errorCode } from "./errors.js";

/** How many PING and WINDOW_UPDATE frames a client may send for each DATA frame of ours. */
const answersPerFrame = 2;
/** And one more for so many bytes of it. */
const bytesPerAnswer = 1_024;

/**
 * Bounds the frames of one connection that cost us work and the client nothing: RST_STREAM, SETTINGS, PRIORITY, empty DATA, and, counted
 * apart, PING and WINDOW_UPDATE. Clients send the last two in answer to our DATA, so DATA makes room for them.
 */
export class FrameBudget {
  private control: TokenBucket | undefined;
  private answers: TokenBucket | undefined;

  constructor(
    private readonly perSecond: number,
    /** Called before the error of a client that sends too many. */
    private readonly onTooMany: () => void,
  ) {}

  /** @throws ConnectionError ENHANCE_YOUR_CALM */
  takeControl(): void {
    this.control ??= new TokenBucket(this.perSecond);
    if (!this.control.take()) this.refuse("RST_STREAM, SETTINGS, PRIORITY or empty DATA");
  }

  /** @throws ConnectionError ENHANCE_YOUR_CALM */
  takeAnswer(): void {
    this.answers ??= new TokenBucket(this.perSecond);
    if (!this.answers.take()) this.refuse("PING or WINDOW_UPDATE");
  }

  /** A DATA frame was sent. */
  dataSent(bytes: number): void {
    this.answers?.give(answersPerFrame + bytes / bytesPerAnswer);
  }

  private refuse(what: string): never {
    this.onTooMany();
    throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, `too many ${what} frames`);
  }
}
