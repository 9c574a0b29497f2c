import type { XdsError } from "../errors.js";
import type { Account } from "../protocol/account.js";
import type { LimitCounts } from "./limits.js";

/** How long, in milliseconds, a client may leave a response where it is while others cannot have theirs. */
const patienceMs = 10_000;
const checkEveryMs = 1_000;

/** A part of the limit: when as much has left since somebody was refused, those who wait are asked again. */
const freed = 1 / 16;

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
    readonly account: Account | undefined,
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
 * The bytes of all responses that are written and not sent yet, for a client takes them when it likes. The first half
 * of the limit is for all, by equal shares of the addresses that have such bytes. The other half is for clients that
 * are known to read, and for addresses that have no such bytes: one response a connection. Beyond the limit nothing
 * is written. While somebody is refused, those that have left theirs where they are for ten seconds are ended, until
 * a quarter is left.
 */
export class UnsentResponses {
  bytes = 0;
  /** How many addresses have unsent bytes. */
  private addresses = 0;
  /** Those that wait are a list, so that a response costs no entry of a set. */
  private oldest: UnsentResponse | undefined;
  private newest: UnsentResponse | undefined;
  /** While somebody is refused. */
  private timer: NodeJS.Timeout | undefined;
  /** Those who were refused are asked again at so many bytes. */
  private askAgainAt = 0;

  constructor(
    private readonly limits: LimitCounts,
    /** Called when there may be room again. */
    private readonly onRoom: () => void,
  ) {}

  /** For one who is sent responses; `end` ends it. */
  of(end: (error: XdsError) => void, account?: Account): UnsentResponse {
    return new UnsentResponse(this, end, account);
  }

  /** Whether more may be written for an account, or for anybody. After a no, `onRoom` is called. */
  hasRoom(account?: Account): boolean {
    if (this.isFree(account)) return true;
    this.askAgainAt = this.bytes - freed * this.limits.limits.responseBytes;
    this.timer ??= setInterval(() => this.look(), checkEveryMs).unref();
    return false;
  }

  private isFree(account: Account | undefined): boolean {
    const { bytes, limits } = this;
    const most = limits.limits.responseBytes;
    const address = account?.parent;
    const ofAddress = address?.unsent ?? 0;
    const addresses = this.addresses + (address && ofAddress === 0 ? 1 : 0);
    if (bytes < most / 2 && ofAddress < most / 2 / Math.max(1, addresses)) return true;
    return bytes < most && account?.unsent === 0 && (account.hasAnswered || ofAddress === 0);
  }

  /** @throws XdsError LIMIT_EXCEEDED */
  check(): void {
    if (!this.hasRoom())
      throw this.limits.exceeded("responseBytes", `${this.bytes} bytes of responses are not sent yet`);
  }

  add(response: UnsentResponse, bytes: number): void {
    this.count(response, bytes);
    if (response.bytes > bytes || bytes === 0) return; // it waits already
    response.since = performance.now();
    response.older = this.newest;
    if (this.newest) this.newest.newer = response;
    else this.oldest = response;
    this.newest = response;
  }

  remove(response: UnsentResponse): void {
    if (response.bytes > 0) this.unlink(response);
    this.count(response, -response.bytes);
    if (this.timer && (this.bytes <= this.askAgainAt || this.bytes === 0)) this.askAgain();
  }

  private count(response: UnsentResponse, bytes: number): void {
    this.bytes += bytes;
    response.bytes += bytes;
    const { account } = response;
    if (!account) return;
    account.unsent += bytes;
    const { parent: address } = account;
    if (!address || bytes === 0) return;
    if (address.unsent === 0) this.addresses++;
    address.unsent += bytes;
    if (address.unsent === 0) this.addresses--;
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

  private askAgain(): void {
    // Who is refused again starts the timer again.
    if (this.bytes < this.limits.limits.responseBytes / 2) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    this.askAgainAt = this.bytes - freed * this.limits.limits.responseBytes;
    this.onRoom();
  }

  private look(): void {
    this.endSlow();
    this.askAgain();
  }

  private endSlow(): void {
    const tooOld = performance.now() - patienceMs;
    const enough = this.limits.limits.responseBytes / 4;
    for (let response = this.oldest; response; response = this.oldest) {
      if (response.since > tooOld || this.bytes <= enough) return;
      const what = `a response of ${response.bytes} bytes was not taken for ten seconds while others had to wait`;
      response.end(this.limits.exceeded("responseBytes", what));
      this.remove(response);
    }
  }
}
