import type { XdsError } from "../../errors.js";
import type { Account } from "../../protocol/account.js";
import type { LimitCounts } from "./limits.js";
import { shareOfFree } from "./share-of-free.js";

/** How long, in milliseconds, a client may leave a response unread while other clients wait for room. */
const unreadMs = 10_000;
const checkEveryMs = 1_000;

/** After a refusal, `onRoom` is called when this share of the limit has been freed. */
const askAgainShare = 1 / 16;

/** Counts the unsent bytes of one stream, unary call or REST connection. Each has one response in flight at a time. */
export class UnsentResponse {
  bytes = 0;
  /** When the response was written, as of `performance.now()`. */
  since = 0;
  /** The neighbours in the list of unsent responses, which is in the order of writing. */
  older: UnsentResponse | undefined;
  newer: UnsentResponse | undefined;

  /** Made by {@link UnsentResponses.of}. */
  constructor(
    private readonly responses: UnsentResponses,
    readonly end: (error: XdsError) => void,
    readonly account: Account,
  ) {}

  written(bytes: number): void {
    this.responses.add(this, bytes);
  }

  /** The response has left, or its client has disconnected: none of its bytes are kept any more. */
  sent(): void {
    this.responses.remove(this);
  }
}

/**
 * Bounds the bytes of all responses that are written and not yet sent. A slow client decides how long they stay.
 *
 * The first half of the limit is for all clients, in equal shares for the addresses that have unsent bytes. The second
 * half is for clients that are known to read, one response per connection, and for addresses without unsent bytes. In
 * the second half an address gets up to three times as many bytes as are still free. So one address takes at most three
 * quarters of the limit, and a new address always finds some room.
 *
 * At the limit nothing more is written. While any client is refused, clients that have read nothing for 10 s are
 * disconnected, the oldest response first, until a quarter of the limit is in use.
 */
export class UnsentResponses {
  bytes = 0;
  /** How many addresses have unsent bytes. */
  private addresses = 0;
  /** The unsent responses, as a linked list: a response then needs no entry in a set. */
  private oldest: UnsentResponse | undefined;
  private newest: UnsentResponse | undefined;
  /** Runs while clients are refused. */
  private timer: NodeJS.Timeout | undefined;
  /** `onRoom` is called when `bytes` has fallen to this number. */
  private askAgainAt = 0;

  constructor(
    private readonly limits: LimitCounts,
    /** Called when there may be room again for clients that were refused. */
    private readonly onRoom: () => void,
  ) {}

  /** Returns the counter for a stream, call or connection. `end` disconnects its client. */
  of(end: (error: XdsError) => void, account: Account): UnsentResponse {
    return new UnsentResponse(this, end, account);
  }

  /** Whether a response may be written for this account. After `false`, `onRoom` is called when there may be room. */
  hasRoom(account: Account): boolean {
    if (this.isFree(account)) return true;
    this.askAgainAt = this.bytes - askAgainShare * this.limits.limits.responseBytes;
    this.timer ??= setInterval(() => this.freeRoom(), checkEveryMs).unref();
    return false;
  }

  private isFree(account: Account): boolean {
    const { bytes, limits } = this;
    const most = limits.limits.responseBytes;
    const ofAddress = account.parent?.unsent ?? 0;
    const addresses = this.addresses + (ofAddress === 0 ? 1 : 0);
    if (bytes < most / 2 && ofAddress < most / 2 / addresses) return true;
    if (bytes >= most || account.unsent > 0) return false;
    return ofAddress === 0 || (account.hasAnswered && ofAddress < shareOfFree * (most - bytes));
  }

  /** Checks that a response may be written for this account. @throws XdsError LIMIT_EXCEEDED if not */
  check(account: Account): void {
    if (!this.hasRoom(account))
      throw this.limits.exceeded("responseBytes", `${this.bytes} bytes of responses are still unsent`);
  }

  add(response: UnsentResponse, bytes: number): void {
    this.count(response, bytes);
    if (response.bytes > bytes || bytes === 0) return; // it is in the list already
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
    // The next refusal starts the timer again.
    if (this.bytes < this.limits.limits.responseBytes / 2) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    this.askAgainAt = this.bytes - askAgainShare * this.limits.limits.responseBytes;
    this.onRoom();
  }

  private freeRoom(): void {
    this.endSlow();
    this.askAgain();
  }

  private endSlow(): void {
    const tooOld = performance.now() - unreadMs;
    const enough = this.limits.limits.responseBytes / 4;
    for (let response = this.oldest; response; response = this.oldest) {
      if (response.since > tooOld || this.bytes <= enough) return;
      const what = `the client did not read a response of ${response.bytes} bytes within 10 s while others waited`;
      response.end(this.limits.exceeded("responseBytes", what));
      this.remove(response);
    }
  }
}
