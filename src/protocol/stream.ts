import type { Changes, Node } from "../cache/config-watcher.js";
import { messageOf, XdsError } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { findResourceType, type ResourceType } from "../resource/types.js";
import { Account } from "./account.js";
import { noChanges, partsOf, withoutRemovals } from "./changes.js";
import type { Delivery } from "./client-state.js";
import { type Difference, diff, pieceOf, type References } from "./diff.js";
import { heartbeatOf } from "./heartbeat.js";
import { LazyMap, LazySet } from "./lazy.js";
import { MakeBeforeBreak } from "./make-before-break.js";
import type { ErrorDetail, Request, Response } from "./messages.js";
import { blockedUntil, freeAt, nextTurn, type Turn, type TurnTimes } from "./order.js";
import { answerForMissing } from "./placeholder.js";
import { doSome, type Steps, sliceMs } from "./steps.js";
import type { Resolver, StreamContext, Transport } from "./stream-context.js";
import type { StreamInfo } from "./stream-events.js";
import { Subscription } from "./subscription.js";
import { Turns } from "./turns.js";
import type { Content, Variant } from "./variant.js";
import type { Withheld } from "./withheld.js";

/** How many type URLs that nobody knows are remembered per stream, to log each once. */
const unknownTypesKept = 16;
/** A longer one is not told. */
const longestTypeUrl = 256;

/**
 * A service of one type serves no other.
 * @throws XdsError INVALID_REQUEST
 */
export function checkService(served: ResourceType, typeUrl: string): void {
  if (typeUrl === served.typeUrl) return;
  const other = typeUrl.slice(0, longestTypeUrl);
  throw new XdsError(
    "INVALID_REQUEST",
    `this is the service of ${served.typeUrl}; ask for ${other} at its own service or on an aggregated stream`,
  );
}

/** No resource is called so: Envoy's own names have some hundred characters. Reading a long one takes long. */
const longestName = 4_096;

/** @throws XdsError INVALID_REQUEST for a name that is too long */
export function checkLengths(names: Iterable<string>): void {
  for (const name of names)
    if (name.length > longestName)
      throw new XdsError(
        "INVALID_REQUEST",
        `a resource name of ${name.length} characters, ${JSON.stringify(name.slice(0, 64))}…; ${longestName} are allowed`,
      );
}

/** How many unanswered heartbeats are remembered per type (P58). */
const heartbeatsKept = 4;

/**
 * How many responses are remembered for what they make a client wait for, until its first requests of those types
 * (P55).
 */
const earlyKept = 4;

/** What a response may have besides its resources: version, type URL and nonce. */
const envelopeBytes = 1_024;

const none: readonly never[] = [];

let streams = 0;

/**
 * One stream: requests in, responses out. The transport calls `open`, `receive`, `writable` and `close`; a cache wakes it. It
 * sends when it can and then computes what is missing, so that it never has more than one response per type in hand.
 */
export class Stream<R extends Request> implements StreamInfo {
  readonly id = ++streams;
  readonly openedAt = Date.now();
  readonly subscriptions = new Map<string, Subscription>();
  /** Its work waits for the transport's turn. */
  readonly account: Account;
  readonly writes = true;
  node: Node | undefined;
  private readonly dirty = new LazySet<Subscription>();
  private readonly lastRequests = new LazyMap<Subscription, R>();
  private unknownTypes: Set<string> | undefined;
  private otherNodeLogged = false;
  private waitingLogged = false;
  private ttl = false;
  private nonces = 0;
  private ready = true;
  /** The last flush ended before it was known when to look again. */
  private isCut = false;
  /** Its opening was reported, so its end is too. */
  private announced = false;
  private closed = false;
  private readonly turns = new Turns(
    (error) => this.fail(error),
    () => this.schedule(),
  );
  private readonly order: MakeBeforeBreak;
  /** How often a subscription was looked at in full. */
  looks = 0;
  /** `looks` when a flush last came to its end. */
  private looksSettled = 0;
  /** Wakes the stream when a wait is over. */
  private timer: NodeJS.Timeout | undefined;
  /** When that is, as `performance.now()`. */
  private timerAt = Number.POSITIVE_INFINITY;
  /** Unanswered heartbeats: nonce → what they name. */
  private heartbeats: Map<Subscription, Map<string, readonly string[]>> | undefined;
  /** What was sent before the client's first requests of types that it then waits for. */
  private early: readonly (readonly Resource[])[] = none;
  private readonly startedAt = performance.now();
  private largeLogged = false;
  private forgottenLogged = false;

  constructor(
    private readonly protocol: Variant<R>,
    private readonly context: StreamContext,
    private readonly transport: Transport,
    /** The type of the service that was called; undefined: ADS. */
    private readonly serviceType: ResourceType | undefined,
  ) {
    this.account = transport.account ?? new Account(context.queue.all);
    this.order = new MakeBeforeBreak(this, context);
  }

  answerForMissing(subscription: Subscription, name: string): Resource | "removed" | "silence" {
    const { protocol, context } = this;
    return answerForMissing(subscription, name, protocol.tellsRemovals, context.watcher, () => this.related());
  }

  leftoversForgotten(kept: number): void {
    if (this.forgottenLogged) return;
    this.forgottenLogged = true;
    this.context.logger.warn(
      { stream: this.id, peer: this.peer, node: this.node?.id, kept },
      "old listeners of this client refer to too many names; the oldest may be removed before the listeners have drained",
    );
  }

  private get asStream(): Stream<never> {
    return this as unknown as Stream<never>;
  }

  get variant(): "sotw" | "delta" {
    return this.protocol.name;
  }

  get typeUrl(): string {
    return this.serviceType?.typeUrl ?? "";
  }

  get peer(): string {
    return this.transport.peer;
  }

  get certificateNames(): readonly string[] {
    return this.transport.certificateNames ?? [];
  }

  get isSeparate(): boolean {
    return this.serviceType !== undefined;
  }

  get lastNonce(): number {
    return this.nonces;
  }

  /** It has been sent something, or there is nothing to send. */
  get answered(): boolean {
    for (const { ledger } of this.subscriptions.values()) if (ledger.sent) return true;
    const hasAsked = this.subscriptions.size + (this.unknownTypes?.size ?? 0) > 0;
    return hasAsked && this.dirty.size === 0 && !this.turns.busy;
  }

  /** Called first, once. A promise means: bring nothing before it is settled. */
  open(): void | Promise<void> {
    return this.turns.run(() => {
      this.announced = true;
      return this.context.events.open(this);
    });
  }

  /** Takes a request. A promise means: bring no other before it is settled. */
  receive(request: R): void | Promise<void> {
    return this.turns.run(() => {
      if (this.closed) return;
      const known = this.identify(request);
      const told = this.context.events.request(this, known);
      return told ? told.then(() => this.handle(known)) : this.handle(known);
    });
  }

  /** The transport takes responses again. */
  writable(): void {
    this.ready = true;
    this.schedule();
  }

  /** Called last, once: by the transport when the stream has ended, whoever ended it. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.context.queue.remove(this);
    const beside = [...this.context.nodeStreams.aggregatedBeside(this.asStream)];
    this.context.nodeStreams.remove(this.asStream);
    clearTimeout(this.timer);
    if (this.node) this.context.openRefusals.closed(this.node.id, this.subscriptions.keys(), this.id);
    for (const subscription of this.subscriptions.values()) subscription.close();
    this.subscriptions.clear();
    this.dirty.clear();
    this.lastRequests.clear();
    this.heartbeats = undefined;
    for (const stream of beside) stream.reconsider();
    this.context.ended(this.asStream);
    if (!this.announced) return;
    void this.turns.run(() => this.quietly("onStreamClosed", () => this.context.events.closed(this)));
  }

  /** Checks the envelope and fills in what a request may leave out (P1–P4). */
  private identify(request: R): R {
    const typeUrl = request.typeUrl || this.typeUrl;
    if (!typeUrl) throw new XdsError("INVALID_REQUEST", "a request on an aggregated stream needs a type_url");
    if (this.serviceType) checkService(this.serviceType, typeUrl);
    if (!this.node) {
      this.node = request.node ?? this.context.anonymous();
      if (!this.node) throw new XdsError("INVALID_REQUEST", "the first request of a stream needs a node");
      this.ttl = this.protocol.ttlFeatures.every((names) =>
        names.some((name) => this.node?.clientFeatures.includes(name)),
      );
      this.context.nodeStreams.add(this.asStream);
    } else if (request.node && request.node.id !== this.node.id && !this.otherNodeLogged) {
      this.otherNodeLogged = true;
      this.context.logger.warn(
        { stream: this.id, peer: this.peer, node: this.node.id, other: request.node.id },
        "a later request names another node; the stream stays the first one's",
      );
    }
    request.typeUrl = typeUrl;
    request.node = this.node;
    return request;
  }

  private handle(request: R): void | Promise<void> {
    if (this.closed) return;
    const existing = this.subscriptions.get(request.typeUrl);
    const named = this.protocol.named(request);
    if (!existing || named !== existing.list) {
      this.context.checkNames(this.protocol.longestList(request), request.typeUrl);
      for (const list of this.protocol.lists(request)) checkLengths(list);
    }
    if (!existing || (named.length > 0 && named !== existing.list))
      this.context.checkGrowth(() => !existing || named.some((name) => !existing.knows(name)));
    const subscription = existing ?? this.subscribe(request.typeUrl);
    if (!subscription) return;
    const traffic = this.context.traffic.of(request.typeUrl);
    traffic.requests++;
    subscription.lastRequestAt = Date.now();
    const { ledger, state } = subscription;
    // A nonce from before the type's first response is an earlier stream's, and says nothing here (P7).
    const nonce = ledger.sent ? request.responseNonce : "";
    const stale = nonce !== "" && nonce !== ledger.sent?.nonce;
    const answered = nonce === "" ? undefined : state.unanswered(nonce);
    const heartbeat = answered ? undefined : this.answeredHeartbeat(subscription, nonce);
    // A request that crossed a response is not answered before that one is (P21), but its names count (P24, P28).
    const counts = this.protocol.staleRequestsCount || !stale || (!answered && !heartbeat && state.inFlight.length > 0);
    if (stale && !counts && !answered && !heartbeat) return;
    let refused: Changes | undefined;
    if (answered || heartbeat) {
      if (request.errorDetail) traffic.nacks++;
      else traffic.acks++;
    }
    if (answered) refused = this.take(subscription, answered, request.errorDetail);
    if (heartbeat) {
      // A heartbeat that is refused is followed by the body (P58).
      if (request.errorDetail)
        for (const name of heartbeat) if (subscription.covers(name)) subscription.asked.add(name);
    }
    const before = existing ? subscription.names.size : undefined;
    const steps = counts ? this.protocol.subscribe(subscription, request, !existing) : undefined;
    if (doSome(steps)) return this.subscribed(subscription, request, before, answered, refused);
    return this.doRest(steps).then(() => this.subscribed(subscription, request, before, answered, refused));
  }

  /** Does the rest of what takes long, when it has its turn. */
  private doRest(steps: Steps): Promise<void> {
    return new Promise((resolve, reject) => {
      const { queue } = this.context;
      const work = {
        account: this.account,
        writes: false,
        flush: () => {
          try {
            if (this.closed || doSome(steps)) resolve();
            else queue.add(work);
          } catch (error) {
            reject(error);
          }
        },
      };
      queue.add(work);
    });
  }

  /**
   * A request has been read and counts. `before`: how many names were subscribed; undefined: it is the first of its
   * type.
   */
  private subscribed(
    subscription: Subscription,
    request: R,
    before: number | undefined,
    answered: Delivery | undefined,
    refused: Changes | undefined,
  ): void | Promise<void> {
    if (this.closed) return;
    if (before === undefined) this.meet(subscription);
    if (this.context.ordered) this.settled(subscription, subscription.names.size < (before ?? 0));
    this.context.checkNames(subscription.names.size, request.typeUrl);
    if (this.context.events.response) this.lastRequests.set(subscription, request);
    // Something may be missing, or have waited for this answer; what is refused has to be offered again (P16), though
    // not while an older response with it is unanswered.
    const isOfRefused = answered !== undefined && (request.errorDetail !== undefined || answered.newer !== undefined);
    if (subscription.isSettled && !isOfRefused && this.dirty.size === 0) this.context.flushed?.(this.asStream);
    else this.wake(subscription);
    if (answered) return this.reportAnswer(answered, request.typeUrl, request.errorDetail, refused);
  }

  /** A response is answered. Returns what is known to be refused of it. */
  private take(subscription: Subscription, answered: Delivery, error: ErrorDetail | undefined): Changes | undefined {
    const { openRefusals, ordered } = this.context;
    const { type, state } = subscription;
    let refused: Changes | undefined;
    if (error) {
      const taking = (name: string, now: Resource | undefined) => {
        if (ordered) this.order.replaced(subscription, name, now);
      };
      refused = subscription.nack(answered, error, this.context.retryTimes, taking).refused;
    } else {
      // In SotW a client may answer only the newest of several responses, once it has read them all (Envoy does, of
      // clusters).
      if (state.inFlight.length > 1 && !this.protocol.tellsRemovals && !answered.whole)
        for (const older of state.inFlight.slice(0, state.inFlight.indexOf(answered)))
          this.take(subscription, older, error);
      if (ordered) this.order.taking(subscription, answered);
      subscription.ack(answered);
    }
    if (type.fullStateInSotw && this.node?.id) openRefusals.note(this.node.id, type.typeUrl, this.id, state.hasRefused);
    return refused;
  }

  /** What a heartbeat with this nonce named. */
  private answeredHeartbeat(subscription: Subscription, nonce: string): readonly string[] | undefined {
    const beats = this.heartbeats?.get(subscription);
    const names = beats?.get(nonce);
    beats?.delete(nonce);
    return names;
  }

  /** A type's first request: what the client brings from an earlier stream is not all that counts (P36, P49, P55). */
  private meet(subscription: Subscription): void {
    const { type, state, asked, hasReported } = subscription;
    if (!hasReported) return;
    if (type.sentAgain && this.context.ordered) {
      const all = new Map([[type.typeUrl, subscription]]);
      for (const sent of this.early) for (const [, name] of this.order.neededAgain(sent, all)) asked.add(name);
    }
    if (!subscription.isTrusted)
      for (const name of state.exceptions.keys()) if (subscription.view.get(name)) asked.add(name);
  }

  /**
   * The node has refused something of this type, and takes parts of what it refuses: what it reports is no evidence
   * (P36, P49).
   */
  private isDistrusted(type: ResourceType): boolean {
    return type.fullStateInSotw && this.node !== undefined && this.context.openRefusals.has(this.node.id, type.typeUrl);
  }

  /** Something was answered or asked for: what waits for it is looked at again. */
  private settled(subscription: Subscription, hasDropped: boolean): void {
    const { nodeStreams } = this.context;
    this.order.settled();
    if (this.serviceType) {
      nodeStreams.answered(this.asStream);
      for (const stream of nodeStreams.aggregatedBeside(this.asStream)) stream.reconsider();
    }
    for (const one of this.subscriptions.values())
      if (one.waiting.size > 0 && (hasDropped || one === subscription || one.isWaiting)) this.wake(one);
  }

  /** The subscription of a type that is asked for the first time, if anyone can answer it. */
  private subscribe(typeUrl: string): Subscription | undefined {
    const type = findResourceType(typeUrl);
    const node = this.node as Node;
    if (type) {
      const request = { node, type };
      if (!this.context.watcher.ready(request))
        throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
      const subscription = Subscription.open(
        this.context.watcher,
        request,
        (woken) => this.wake(woken),
        () => this.serviceType && this.context.nodeStreams.changed(this.asStream),
      );
      if (subscription) {
        subscription.isTrusted = !this.isDistrusted(type);
        subscription.asked.isWhole = !this.protocol.tellsRemovals && type.fullStateInSotw === true;
        this.subscriptions.set(typeUrl, subscription);
        if (this.context.ordered && type.unknownWithoutBody) this.sendFirst(subscription);
        if (!subscription.view.serving && !this.waitingLogged) {
          this.waitingLogged = true;
          const fields = { stream: this.id, peer: this.peer, node: node.id, cluster: node.cluster, typeUrl };
          this.context.logger.warn(fields, "nothing is configured for this node; it waits until something is");
        }
        return subscription;
      }
    }
    const isTold = typeUrl.length > longestTypeUrl || this.unknownTypes?.has(typeUrl);
    this.unknownTypes ??= new Set();
    if (!isTold && this.unknownTypes.size < unknownTypesKept) {
      this.unknownTypes.add(typeUrl);
      const why = type ? "no cache serves this type" : "no resource type has this type URL";
      const fields = { stream: this.id, peer: this.peer, node: node.id, typeUrl };
      this.context.logger.warn(fields, `${why}; the subscription stays silent`);
    }
    return undefined;
  }

  private wake(subscription: Subscription): void {
    this.dirty.add(subscription);
    this.schedule();
  }

  private schedule(): void {
    if (!this.closed && (this.dirty.size > 0 || this.isCut)) this.context.queue.add(this);
  }

  /** Sends what is missing, type by type in the order of the table, until nothing is or the transport is full. */
  flush(): void {
    this.isCut = true;
    try {
      const times = this.turnTimes();
      this.order.settled();
      const retryAt = this.retry(times.now);
      for (const subscription of this.dirty) {
        if (subscription.beatDue && subscription.view.serving && this.ready && !this.turns.busy)
          this.beat(subscription);
        // A later change is merged into what is sent when there is an answer, or when the wait for it is over (P25).
        const isHeld = freeAt(subscription, times) === Number.POSITIVE_INFINITY;
        if (isHeld || !subscription.view.serving || subscription.isSettled) this.dirty.delete(subscription);
      }
      let isReconsidered = false;
      while (this.ready && !this.closed && !this.turns.busy) {
        const turn = nextTurn(this.dirty, this.subscriptions, times, this.order);
        if (turn) {
          if (!turn.partial) this.dirty.delete(turn.subscription);
          this.respond(turn, times);
          if (performance.now() - times.now > sliceMs) {
            this.schedule();
            return;
          }
          continue;
        }
        // A removal that waits for the rest of a change may go, if there was nothing more to send of it.
        if (!isReconsidered && this.looks > this.looksSettled) {
          isReconsidered = true;
          for (const one of this.subscriptions.values())
            if (one.waiting.size > 0 && one.lookedAt < this.looks && one.isWaiting) this.dirty.add(one);
          continue;
        }
        this.waitForTurn(times, retryAt);
        this.isCut = false;
        this.looksSettled = this.looks;
        return;
      }
    } catch (error) {
      this.fail(error);
    } finally {
      if (!this.closed) this.context.flushed?.(this.asStream);
    }
  }

  /** Offers again what was refused alone and is due (P16). Returns when the next is due, as `performance.now()`. */
  private retry(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const subscription of this.subscriptions.values()) {
      if (subscription.state.refused.size === 0) continue;
      next = Math.min(next, subscription.retry(now));
      if (subscription.retried.size > 0) this.dirty.add(subscription);
    }
    return next;
  }

  private turnTimes(): TurnTimes {
    const { ordered, patience } = this.context;
    return { now: performance.now(), order: ordered && !this.serviceType ? patience : 0, answer: patience };
  }

  /** Comes back when the first of the waits is over; at `latest` at the latest. */
  private waitForTurn(times: TurnTimes, latest: number): void {
    let next = latest;
    const until = (end: number | undefined) => {
      if (end !== undefined && end < next) next = end;
    };
    for (const subscription of this.dirty) {
      if (!subscription.view.serving) continue;
      const free = freeAt(subscription, times);
      until(free > times.now ? free : blockedUntil(subscription, this.subscriptions, times));
    }
    for (const subscription of this.subscriptions.values()) {
      const { waiting } = subscription;
      if (waiting.size > 0) for (const { until: end } of waiting.values()) until(end);
    }
    // A timer that is due before that is left as it is: it looks in vain once, which costs less than a timer for every
    // answer.
    if (next >= this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = next;
    const wait = Math.min(Math.max(1, Math.ceil(next - times.now)), 2 ** 31 - 1);
    this.timer = setTimeout(() => {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.reconsider();
    }, wait).unref();
  }

  private respond({ subscription, partial }: Turn, times: TurnTimes): void {
    const { type, view } = subscription;
    const { protocol, context } = this;
    if (context.resolver) this.resolve(subscription, context.resolver);
    const references = this.referencesFor(subscription);
    // A name that is asked for does not wait for the pieces of a change.
    const isPartial = partial || (subscription.nextPiece !== undefined && subscription.asked.size > 0);
    let difference = isPartial ? undefined : this.nextPiece(subscription, references);
    if (!difference) {
      const whole = !protocol.tellsRemovals && type.fullStateInSotw;
      difference = diff(subscription, references, { whole, partial: isPartial });
      if (!isPartial) {
        this.looks++;
        subscription.lookedAt = this.looks;
      }
      const pieces = protocol.tellsRemovals ? this.partsOf(subscription, difference) : none;
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
      if (!subscription.asked.isDone) this.dirty.add(subscription);
      return;
    }
    // SotW tells of removals by absence, and only where a response holds the full state.
    const tells = protocol.tellsRemovals || type.fullStateInSotw;
    const delivery: Delivery = {
      changes: tells ? difference.changes : withoutRemovals(difference.changes),
      fresh: tells ? difference.fresh : withoutRemovals(difference.fresh),
      nonce: this.nextNonce(),
      version: content.version || view.version,
      at: times.now,
      to: difference.to,
      partial: isPartial || isPiece,
      whole: !protocol.tellsRemovals && type.fullStateInSotw,
      piece: difference.piece,
      repeated: content.repeated ? { changed: content.repeated, removed: none } : noChanges,
      before: undefined,
      newer: undefined,
    };
    subscription.send(delivery, difference, tells ? none : difference.changes.removed);
    if (!subscription.asked.isDone) this.dirty.add(subscription);
    if (context.ordered) this.sendAgain(difference.fresh.changed, times.now);
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
      ttl: this.ttl,
      spellings: subscription.spellings,
    };
    const request = this.lastRequests.get(subscription);
    const told =
      request && this.quietly("onStreamResponse", () => this.context.events.response?.(this, request, response));
    if (told) void this.turns.hold(told.then(() => this.send(response)));
    else this.send(response);
  }

  /**
   * The transport tells how many bytes a response has. gRPC clients refuse messages above a limit, 4 MiB by default,
   * and a response that cannot be divided may be larger.
   */
  encoded({ typeUrl }: Response, bytes: number): void {
    const { maxResponseBytes, logger } = this.context;
    if (bytes <= maxResponseBytes + envelopeBytes || this.largeLogged) return;
    this.largeLogged = true;
    logger.warn(
      { stream: this.id, peer: this.peer, node: this.node?.id, typeUrl, bytes, maxResponseBytes },
      "a response is larger than maxResponseBytes and cannot be divided; raise the client's limit of message size (gRPC: max_receive_message_length, 4 MiB by default), or use incremental xDS",
    );
  }

  private referencesFor(subscription: Subscription): References {
    const { tellsRemovals } = this.protocol;
    const references = this.order.for(subscription, tellsRemovals || subscription.type.fullStateInSotw);
    if (this.context.ordered) return references;
    return {
      holdsRemoval: () => undefined,
      holdsChange: () => undefined,
      holdsNoChange: true,
      removedLast: false,
      waitsForRest: () => unordered,
      asItWas: () => undefined,
      missing: references.missing,
    };
  }

  /** The next piece of a change that is sent in pieces. */
  private nextPiece(subscription: Subscription, references: References): Difference | undefined {
    for (let change = subscription.nextPiece; change; change = subscription.nextPiece) {
      const piece = pieceOf(subscription, change, references);
      if (piece) return piece;
    }
    return undefined;
  }

  private partsOf({ state, view }: Subscription, { changes }: Difference): readonly Changes[] {
    const parts = partsOf(changes, this.context.maxResponseBytes, (name) => state.possible(name)[0]);
    // A piece says what is served. An answer with something else, as it was or with nothing but its name, goes as a
    // whole.
    const isServed = ({ key, version }: Resource) => view.get(key)?.version === version;
    return parts.length > 1 && changes.changed.every(isServed) ? parts : none;
  }

  private resolve(subscription: Subscription, resolver: Resolver): void {
    const { node, type } = subscription;
    for (const name of subscription.unresolved(resolver.timeoutMs)) {
      const spelling = subscription.spellings.get(name) ?? name;
      const resolve = async () => resolver.resolve({ node, type, name: spelling });
      void Promise.resolve(this.quietly("onDemand.resolve", resolve)).then(() => subscription.resolved(name));
    }
  }

  /** Names the resources with a TTL again, so that the client keeps them. This waits for no answer (P58). */
  private beat(subscription: Subscription): void {
    subscription.beatDue = false;
    const living = this.ttl ? heartbeatOf(subscription) : none;
    if (living.length === 0 || (subscription.state.inFlight.length === 0 && !subscription.ledger.sent)) return;
    const content = this.protocol.keepAlive(subscription, living);
    const beat = { nonce: this.nextNonce(), version: content.version };
    this.heartbeats ??= new Map();
    const beats = this.heartbeats.get(subscription) ?? new Map<string, readonly string[]>();
    this.heartbeats.set(subscription, beats);
    beats.set(
      beat.nonce,
      living.map(({ key }) => key),
    );
    for (const nonce of beats.keys()) if (beats.size > heartbeatsKept) beats.delete(nonce);
    subscription.ledger.onSent(beat);
    this.dispatch(subscription, content, beat);
  }

  /** The subscriptions of this stream's client. */
  *related(): Iterable<Subscription> {
    for (const stream of this.context.nodeStreams.of(this.asStream)) yield* stream.subscriptions.values();
  }

  isUsed(typeUrl: string, name: string, by: Subscription): boolean {
    return this.context.nodeStreams.isUsed(this.asStream, typeUrl, name, by);
  }

  /** Looks again at all that waits: its answer may have come, or its time may be over. */
  reconsider(): void {
    for (const subscription of this.subscriptions.values())
      if (subscription.waiting.size > 0 || subscription.state.refused.size > 0) this.wake(subscription);
    this.schedule();
  }

  /** What is on its way will make the client wait for resources that it has already, before it ACKs (P55). */
  private sendAgain(fresh: readonly Resource[], now: number): void {
    for (const [subscription, name] of this.order.neededAgain(fresh, this.subscriptions)) {
      subscription.asked.add(name);
      this.wake(subscription);
    }
    if (!this.protocol.tellsRemovals || fresh.length === 0) return;
    if (now - this.startedAt > this.context.patience) {
      this.early = none; // a client that is to ask for more has done so
      return;
    }
    this.early = [...this.early, fresh].slice(-earlyKept);
  }

  /** What the client has been sent already makes it wait to hear something of this type's collections (P56). */
  private sendFirst(subscription: Subscription): void {
    const all = new Map([[subscription.type.typeUrl, subscription]]);
    for (const other of this.related())
      for (const [, name] of this.order.neededAgain([...other.state.inUse()], all)) subscription.asked.add(name);
  }

  private send(response: Response): void {
    if (!this.closed) this.ready = this.transport.send(response);
  }

  /** Callbacks get every ACK, and of NACKs those after which it is known what is refused (P17). */
  private reportAnswer(
    { version, nonce, changes: { changed: resources, removed: removedResources } }: Delivery,
    typeUrl: string,
    error: ErrorDetail | undefined,
    refused: Changes | undefined,
  ): void | Promise<void> {
    const { events } = this.context;
    if (!error)
      return this.quietly("onStreamAck", () =>
        events.ack(this, { typeUrl, version, nonce, resources, removedResources }),
      );
    if (!refused) return;
    const nack = { typeUrl, version, nonce, resources: refused.changed, removedResources: refused.removed, error };
    return this.quietly("onStreamNack", () => events.nack(this, nack));
  }

  /** Tells of something; what is thrown there is logged, and nobody is disturbed. */
  private quietly(callback: string, tell: () => void | Promise<void>): void | Promise<void> {
    const log = (error: unknown) =>
      this.context.logger.error(
        { stream: this.id, peer: this.peer, callback, error: messageOf(error) },
        "a callback failed",
      );
    try {
      return tell()?.catch(log);
    } catch (error) {
      log(error);
    }
  }

  /** Ends the stream with an error. */
  fail(error: unknown): void {
    if (this.closed) return;
    this.context.failed(this, error);
    this.transport.end(error);
  }
}

/** A difference that says nothing. */
const nothingNew: Difference = {
  changes: noChanges,
  fresh: noChanges,
  unresolved: none,
  withheld: new Map(),
  healed: none,
  to: undefined,
  piece: undefined,
};

const unordered: Withheld = { why: "unseen", since: 0 };
