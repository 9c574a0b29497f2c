import type { Caller } from "../../caller.js";
import { XdsError } from "../../errors.js";
import { networkOf } from "../../network.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import { TokenBucket } from "../../token-bucket.js";
import type { ConnectionAge } from "./connection-age.js";
import type { LimitCounts } from "./limits.js";
import { type EndableStream, StreamSlot } from "./stream-slot.js";

/** Admits streams and calls within the limits, and keeps the set of open streams. */
export class Admission {
  readonly slots = new Set<StreamSlot>();
  /** Open streams and unary calls. */
  private open = 0;
  /** Open streams and unary calls, by client network. */
  private readonly openByNetwork = new Map<string, number>();
  private readonly newStreams: TokenBucket;

  constructor(
    private readonly counts: LimitCounts,
    private readonly age: ConnectionAge | undefined,
    /** Whether the server is draining and refuses new streams. */
    private readonly draining: () => boolean,
  ) {
    this.newStreams = new TokenBucket(counts.limits.newStreamsPerSecond);
  }

  /**
   * Admits a stream. Its slot must be left when the stream has ended.
   * @throws XdsError DRAINING, LIMIT_EXCEEDED
   */
  enter(caller: AccountedCaller, stream: EndableStream): StreamSlot {
    if (this.draining()) throw new XdsError("DRAINING", "the server is shutting down; connect elsewhere");
    this.counts.checkGrowth(caller.account);
    this.take(caller, "new streams");
    const endsAt = this.age?.endsAt(caller) ?? Number.POSITIVE_INFINITY;
    const slot = new StreamSlot(this, caller, stream, this.counts, endsAt);
    this.slots.add(slot);
    return slot;
  }

  /**
   * Admits a unary call, which counts as a stream while it lasts. Returns a function to call once when it is over.
   * @throws XdsError LIMIT_EXCEEDED
   */
  enterCall(caller: Caller): () => void {
    this.take(caller, "calls");
    return () => this.give(caller);
  }

  /**
   * Admits a REST request. It counts towards `newStreamsPerSecond` only.
   * @throws XdsError LIMIT_EXCEEDED
   */
  enterOnce(): void {
    this.takeNew("calls");
  }

  leave(slot: StreamSlot): void {
    if (this.slots.delete(slot)) this.give(slot.caller);
  }

  private take(caller: Caller, what: "new streams" | "calls"): void {
    const { counts, openByNetwork } = this;
    const network = networkOf(caller.peer);
    const open = openByNetwork.get(network) ?? 0;
    if (this.open >= counts.limits.streams) throw counts.exceeded("streams", "too many streams");
    if (open >= counts.limits.streamsPerPeer)
      throw counts.exceeded("streamsPerPeer", `too many streams from ${network}`);
    this.takeNew(what);
    openByNetwork.set(network, open + 1);
    this.open++;
  }

  private give(caller: Caller): void {
    const network = networkOf(caller.peer);
    const left = (this.openByNetwork.get(network) ?? 1) - 1;
    if (left > 0) this.openByNetwork.set(network, left);
    else this.openByNetwork.delete(network);
    this.open--;
  }

  private takeNew(what: "new streams" | "calls"): void {
    if (!this.newStreams.take()) throw this.counts.exceeded("newStreamsPerSecond", `too many ${what} at once`);
  }
}
