import type { Changes, Node } from "../cache/config-watcher.js";
import { sliceMs } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import type { Request } from "../wire/messages.js";
import type { Account, Flushable } from "./account.js";
import { neededAgain } from "./change-order.js";
import { noChanges, partsOf, withoutRemovals } from "./changes.js";
import type { Delivery } from "./delivery.js";
import { diff } from "./diff.js";
import type { Difference } from "./difference.js";
import { heartbeatOf, UnansweredHeartbeats } from "./heartbeat.js";
import { LazyMap, LazySet } from "./lazy.js";
import type { MakeBeforeBreak } from "./make-before-break.js";
import { blockedUntil, freeAt, nextTurn, type Turn, type TurnTimes } from "./order.js";
import type { OrderedStream } from "./ordered-stream.js";
import { pieceOf } from "./piece.js";
import { type References, unorderedReferences } from "./references.js";
import type { Response } from "./response.js";
import type { OpenStream, Resolver, StreamContext, Transport } from "./stream-context.js";
import type { StreamLog } from "./stream-log.js";
import type { Subscription } from "./subscription.js";
import type { Turns } from "./turns.js";
import type { Content, Variant } from "./variant.js";

/**
 * The most responses that are remembered for types that the client has not requested yet. Such a response makes the
 * client wait for resources of these types (P55).
 */
const maxEarlyResponses = 4;

/** The most bytes that a response has besides its resources: version, type URL and nonce. */
const envelopeBytes = 1_024;

const none: readonly never[] = [];

/** The part of its stream that a sender reads. */
export interface SendingStream extends OpenStream, OrderedStream {
  readonly account: Account;
  readonly isClosed: boolean;
  /** Callbacks of the user's that the stream waits for. */
  readonly turns: Turns;
  readonly log: StreamLog;
  readonly order: MakeBeforeBreak;
  /** Calls a callback of the user's. An error in the callback is logged, and the stream goes on. */
  quietly(callback: string, call: () => void | Promise<void>): void | Promise<void>;
  /** Ends the stream with an error. */
  fail(error: unknown): void;
}

/**
 * Sends the responses of one stream. It computes what the client lacks only when it can send, so that it never has more
 * than one response per type in memory.
 */
export class ResponseSender<R extends Request> implements Flushable {
  /** How many full looks at a subscription there were so far. */
  looks = 0;
  /** Whether the client understands TTLs (P57). */
  private sendsTtl = false;
  /** Subscriptions that may have something to send. */
  private readonly dirty = new LazySet<Subscription>();
  private readonly lastRequests = new LazyMap<Subscription, R>();
  private nonces = 0;
  private isTransportReady = true;
  /** The last flush ended before it had looked at everything. */
  private isCut = false;
  /** The value of `looks` when a flush had last looked at everything. */
  private looksSettled = 0;
  /** Wakes the stream when a wait is over. */
  private timer: NodeJS.Timeout | undefined;
  /** When the timer is due, as `performance.now()`. */
  private timerAt = Number.POSITIVE_INFINITY;
  private heartbeats: UnansweredHeartbeats | undefined;
  /** Resources that were sent before the client's first requests of the types that it then waits for (P55). */
  private early: readonly (readonly Resource[])[] = none;

  constructor(
    private readonly stream: SendingStream,
    private readonly protocol: Variant<R>,
    private readonly context: StreamContext,
    private readonly transport: Transport,
  ) {}

  get account(): Account {
    return this.stream.account;
  }

  get writes(): boolean {
    return true;
  }

  /** The number of the last response that was sent. */
  get lastNonce(): number {
    return this.nonces;
  }

  /** Whether no subscription may have something to send. */
  get isIdle(): boolean {
    return this.dirty.size === 0;
  }

  /** The stream's node is known from now on. */
  meetNode({ clientFeatures }: Node): void {
    this.sendsTtl = this.protocol.ttlFeatures.every((names) => names.some((name) => clientFeatures.includes(name)));
  }

  /** The transport takes responses again. */
  writable(): void {
    this.isTransportReady = true;
    this.schedule();
  }

  close(): void {
    this.context.queue.remove(this);
    clearTimeout(this.timer);
    this.dirty.clear();
    this.lastRequests.clear();
    this.heartbeats = undefined;
  }

  /** Remembers a subscription's last request, for the callback that is given each response with its request. */
  noteRequest(subscription: Subscription, request: R): void {
    if (this.context.events.response) this.lastRequests.set(subscription, request);
  }

  /** The names in the unanswered heartbeat with this nonce, which counts as answered from now on (P58). */
  takeHeartbeat(subscription: Subscription, nonce: string): readonly string[] | undefined {
    return this.heartbeats?.take(subscription, nonce);
  }

  /** A subscription may have something to send. */
  wake(subscription: Subscription): void {
    this.dirty.add(subscription);
    this.schedule();
  }

  schedule(): void {
    if (!this.stream.isClosed && (this.dirty.size > 0 || this.isCut)) this.context.queue.add(this);
  }

  /** Marks names to be answered at a type's first request: earlier responses make the client wait for them (P55). */
  answerForEarly(subscription: Subscription): void {
    const all = new Map([[subscription.type.typeUrl, subscription]]);
    for (const sent of this.early) for (const [, name] of neededAgain(sent, all)) subscription.namesToAnswer.add(name);
  }

  /** Sends what the client lacks, in the order of the type table, until nothing is left or the transport is full. */
  flush(): void {
    this.isCut = true;
    try {
      const times = this.turnTimes();
      this.stream.order.settled();
      const retryAt = this.retry(times.now);
      for (const subscription of this.dirty) {
        if (subscription.beatDue && subscription.view.serving && this.isTransportReady && !this.stream.turns.busy)
          this.beat(subscription);
        // Further changes are merged into one response. It is sent after an answer, or when the wait for the answer is
        // over (P25).
        const isHeld = freeAt(subscription, times) === Number.POSITIVE_INFINITY;
        if (isHeld || !subscription.view.serving || subscription.isSettled) this.dirty.delete(subscription);
      }
      let isReconsidered = false;
      while (this.isTransportReady && !this.stream.isClosed && !this.stream.turns.busy) {
        const turn = nextTurn(this.dirty, this.stream, times);
        if (turn) {
          if (!turn.partial) this.dirty.delete(turn.subscription);
          this.respond(turn, times);
          if (performance.now() - times.now > sliceMs) {
            this.schedule();
            return;
          }
          continue;
        }
        // A removal that waits for the rest of its change can go once nothing more of the change is left to send.
        if (!isReconsidered && this.looks > this.looksSettled) {
          isReconsidered = true;
          for (const one of this.stream.subscriptions.values())
            if (one.waiting.size > 0 && one.lookedAt < this.looks && one.isWaiting) this.dirty.add(one);
          continue;
        }
        this.waitForTurn(times, retryAt);
        this.isCut = false;
        this.looksSettled = this.looks;
        return;
      }
    } catch (error) {
      this.stream.fail(error);
    } finally {
      if (!this.stream.isClosed) this.context.flushed?.(this.stream);
    }
  }

  /** Offers again the refused content that is due (P16). Returns when the next is due, as `performance.now()`. */
  private retry(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const subscription of this.stream.subscriptions.values()) {
      if (subscription.state.refused.size === 0) continue;
      next = Math.min(next, subscription.retry(now));
      if (subscription.dueRetries.size > 0) this.dirty.add(subscription);
    }
    return next;
  }

  private turnTimes(): TurnTimes {
    const { ordered, patience } = this.context;
    return { now: performance.now(), order: ordered && !this.stream.isSeparate ? patience : 0, answer: patience };
  }

  /**
   * Sets the timer to the end of the first wait. `latest` is when it must fire at the latest, as `performance.now()`.
   */
  private waitForTurn(times: TurnTimes, latest: number): void {
    let next = latest;
    const until = (end: number | undefined) => {
      if (end !== undefined && end < next) next = end;
    };
    for (const subscription of this.dirty) {
      if (!subscription.view.serving) continue;
      const free = freeAt(subscription, times);
      until(free > times.now ? free : blockedUntil(subscription, this.stream.subscriptions, times));
    }
    for (const subscription of this.stream.subscriptions.values()) {
      const { waiting } = subscription;
      if (waiting.size > 0) for (const { until: end } of waiting.values()) until(end);
    }
    // An earlier timer stays: one look in vain costs less than a new timer for every answer.
    if (next >= this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = next;
    const wait = Math.min(Math.max(1, Math.ceil(next - times.now)), 2 ** 31 - 1);
    this.timer = setTimeout(() => {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.stream.reconsider();
    }, wait).unref();
  }

  private respond({ subscription, partial }: Turn, times: TurnTimes): void {
    const { type, view } = subscription;
    const { protocol, context } = this;
    if (context.resolver) this.resolve(subscription, context.resolver);
    const references = this.referencesFor(subscription);
    // Requested names do not wait for the pieces of a change.
    const isPartial = partial || (subscription.state.nextPiece !== undefined && subscription.namesToAnswer.size > 0);
    let difference = isPartial ? undefined : this.nextPiece(subscription, references);
    if (!difference) {
      const whole = !protocol.announcesRemovals && type.fullStateInSotw;
      difference = diff(subscription, references, { whole, partial: isPartial });
      if (!isPartial) {
        this.looks++;
        subscription.lookedAt = this.looks;
      }
      const pieces = protocol.announcesRemovals ? this.partsOf(subscription, difference) : none;
      if (pieces.length > 1) {
        subscription.sendInPieces(pieces, difference, isPartial);
        difference = this.nextPiece(subscription, references) ?? nothingNew;
      }
    }
    const isPiece = difference.piece !== undefined;
    const content = protocol.respond(subscription, difference);
    if (isPiece || isPartial) this.dirty.add(subscription);
    if (!content) {
      subscription.settle(difference, isPartial || isPiece);
      if (!subscription.namesToAnswer.isDone) this.dirty.add(subscription);
      return;
    }
    // SotW can say that a name is removed only by leaving it out of a full state.
    const tells = protocol.announcesRemovals || type.fullStateInSotw;
    const delivery: Delivery = {
      changes: tells ? difference.changes : withoutRemovals(difference.changes),
      fresh: tells ? difference.fresh : withoutRemovals(difference.fresh),
      nonce: this.nextNonce(),
      version: content.version || view.version,
      at: times.now,
      to: difference.to,
      partial: isPartial || isPiece,
      whole: !protocol.announcesRemovals && type.fullStateInSotw,
      piece: difference.piece,
      repeated: content.repeated ? { changed: content.repeated, removed: none } : noChanges,
      before: undefined,
      newer: undefined,
    };
    subscription.send(delivery, difference, tells ? none : difference.changes.removed);
    if (!subscription.namesToAnswer.isDone) this.dirty.add(subscription);
    if (context.ordered) this.answerAgain(difference.fresh.changed, times.now);
    this.dispatch(subscription, content, delivery);
  }

  private nextNonce(): string {
    return String(++this.nonces);
  }

  private dispatch(
    subscription: Subscription,
    content: Content,
    { nonce, version }: { nonce: string; version: string },
  ): void {
    const { typeUrl } = subscription.type;
    const { heartbeats = none, resources, unresolved } = content;
    const traffic = this.context.traffic.of(typeUrl);
    traffic.responses++;
    traffic.resources += resources.length;
    const response: Response = {
      typeUrl,
      versionInfo: version,
      nonce,
      resources,
      removedResources: content.removed,
      heartbeats,
      unresolved,
      ttl: this.sendsTtl,
      spellings: subscription.spellings,
    };
    const request = this.lastRequests.get(subscription);
    const told =
      request &&
      this.stream.quietly("onStreamResponse", () => this.context.events.response?.(this.stream, request, response));
    if (told) void this.stream.turns.hold(told.then(() => this.send(response)));
    else this.send(response);
  }

  /**
   * Called with the bytes of an encoded response. Warns if the response is too large. Many gRPC clients refuse messages
   * above 4 MiB, and some responses cannot be divided.
   */
  encoded({ typeUrl }: Response, bytes: number): void {
    const { maxResponseBytes } = this.context;
    if (bytes > maxResponseBytes + envelopeBytes) this.stream.log.largeResponse(typeUrl, bytes, maxResponseBytes);
  }

  private referencesFor(subscription: Subscription): References {
    const { announcesRemovals } = this.protocol;
    const references = this.stream.order.for(subscription, announcesRemovals || subscription.type.fullStateInSotw);
    return this.context.ordered ? references : unorderedReferences(references);
  }

  /** The next piece of a change that is sent in pieces. */
  private nextPiece(subscription: Subscription, references: References): Difference | undefined {
    for (let change = subscription.state.nextPiece; change; change = subscription.state.nextPiece) {
      const piece = pieceOf(subscription, change, references);
      if (piece) return piece;
    }
    return undefined;
  }

  private partsOf({ state, view }: Subscription, { changes }: Difference): readonly Changes[] {
    const parts = partsOf(changes, this.context.maxResponseBytes, (name) => state.possible(name)[0]);
    // A piece has what is served. A response with anything else, such as a resource as it was, is not divided.
    const isServed = ({ key, version }: Resource) => view.get(key)?.version === version;
    return parts.length > 1 && changes.changed.every(isServed) ? parts : none;
  }

  private resolve(subscription: Subscription, resolver: Resolver): void {
    const { node, type } = subscription;
    const { caller } = this.stream;
    for (const name of subscription.namesToResolve(resolver.timeoutMs)) {
      const spelling = subscription.spellings.get(name) ?? name;
      const resolve = async () => resolver.resolve({ node, type, caller, name: spelling });
      void Promise.resolve(this.stream.quietly("onDemand.resolve", resolve)).then(() => subscription.resolved(name));
    }
  }

  /** Sends a heartbeat: names the resources with a TTL, so that the client keeps them. It waits for no answer (P58). */
  private beat(subscription: Subscription): void {
    subscription.beatDue = false;
    const living = this.sendsTtl ? heartbeatOf(subscription) : none;
    if (living.length === 0 || (subscription.state.inFlight.length === 0 && !subscription.ledger.sent)) return;
    const content = this.protocol.keepAlive(subscription, living);
    const beat = { nonce: this.nextNonce(), version: content.version };
    this.heartbeats ??= new UnansweredHeartbeats();
    this.heartbeats.add(
      subscription,
      beat.nonce,
      living.map(({ key }) => key),
    );
    subscription.ledger.onSent(beat);
    this.dispatch(subscription, content, beat);
  }

  /**
   * Marks names to be answered again. The resources on their way make the client wait for these names before it ACKs
   * (P55).
   */
  private answerAgain(fresh: readonly Resource[], now: number): void {
    for (const [subscription, name] of neededAgain(fresh, this.stream.subscriptions)) {
      subscription.namesToAnswer.add(name);
      this.wake(subscription);
    }
    if (!this.protocol.announcesRemovals || fresh.length === 0) return;
    if (now - this.stream.order.openedAt > this.context.patience) {
      this.early = none; // by now the client has asked for everything that it needs
      return;
    }
    this.early = [...this.early, fresh].slice(-maxEarlyResponses);
  }

  private send(response: Response): void {
    if (!this.stream.isClosed) this.isTransportReady = this.transport.send(response);
  }
}

/** A difference without any change. */
const nothingNew: Difference = {
  changes: noChanges,
  fresh: noChanges,
  unresolved: none,
  withheld: new Map(),
  healed: none,
  to: undefined,
  piece: undefined,
};
