import type { Node } from "../cache/config-watcher.js";
import { messageOf, XdsError } from "../errors.js";
import { findResourceType, type ResourceType } from "../resource/types.js";
import { type Difference, diff } from "./diff.js";
import { resourceOf, type Sent } from "./held.js";
import type { ErrorDetail, Request, Response } from "./messages.js";
import { blockedUntil, breaking, hasAllOf, neededAgain, nextTurn, referredTo, type Turn } from "./order.js";
import { placeholderFor } from "./placeholder.js";
import type { Resolver, StreamContext, Transport } from "./stream-context.js";
import type { StreamInfo } from "./stream-events.js";
import { Subscription } from "./subscription.js";
import { Turns } from "./turns.js";
import type { Content, Variant } from "./variant.js";

/** How many type URLs that nobody knows are remembered per stream, to log each once. */
const unknownTypesKept = 16;
/** A longer one is not told. */
const longestTypeUrl = 256;

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
  node: Node | undefined;
  private readonly dirty = new Set<Subscription>();
  private readonly lastRequests = new Map<Subscription, R>();
  private readonly unknownTypes = new Set<string>();
  private otherNodeLogged = false;
  private waitingLogged = false;
  private ttl = false;
  private nonces = 0;
  private ready = true;
  /** Those who are told of it have heard of it: they are told of its end too. */
  private announced = false;
  private closed = false;
  private readonly turns = new Turns(
    (error) => this.fail(error),
    () => this.schedule(),
  );
  /** Wakes the stream when a wait for another type is over. */
  private patience: NodeJS.Timeout | undefined;

  constructor(
    private readonly protocol: Variant<R>,
    private readonly context: StreamContext,
    private readonly transport: Transport,
    /** The type of the service that was called; undefined: ADS. */
    private readonly serviceType: ResourceType | undefined,
  ) {}

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

  /** It has been sent something, or there is nothing to send. */
  get answered(): boolean {
    for (const { ledger } of this.subscriptions.values()) if (ledger.sent) return true;
    const hasAsked = this.subscriptions.size + this.unknownTypes.size > 0;
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
    this.context.nodeStreams.remove(this as unknown as Stream<never>);
    clearTimeout(this.patience);
    for (const subscription of this.subscriptions.values()) subscription.close();
    this.subscriptions.clear();
    this.dirty.clear();
    this.lastRequests.clear();
    this.context.ended(this as unknown as Stream<never>);
    if (!this.announced) return;
    void this.turns.run(() => this.quietly("onStreamClosed", () => this.context.events.closed(this)));
  }

  /** Checks the envelope and fills in what a request may leave out (P1–P4). */
  private identify(request: R): R {
    const typeUrl = request.typeUrl || this.typeUrl;
    if (!typeUrl) throw new XdsError("INVALID_REQUEST", "a request on an aggregated stream needs a type_url");
    if (this.serviceType && typeUrl !== this.serviceType.typeUrl)
      throw new XdsError(
        "INVALID_REQUEST",
        `this is the service of ${this.serviceType.typeUrl}; ask for ${typeUrl} at its own service or on an aggregated stream`,
      );
    if (!this.node) {
      this.node = request.node ?? this.context.anonymous();
      if (!this.node) throw new XdsError("INVALID_REQUEST", "the first request of a stream needs a node");
      this.ttl = this.protocol.ttlFeatures.every((names) =>
        names.some((name) => this.node?.clientFeatures.includes(name)),
      );
      this.context.nodeStreams.add(this as unknown as Stream<never>);
    } else if (request.node && request.node.id !== this.node.id && !this.otherNodeLogged) {
      this.otherNodeLogged = true;
      this.context.logger.warn(
        { stream: this.id, node: this.node.id, other: request.node.id },
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
    if (!existing || (named.length > 0 && named !== existing.list)) {
      this.context.checkNames(named.length, request.typeUrl);
      this.context.checkGrowth(() => !existing || named.some((name) => !existing.knows(name)));
    }
    const subscription = existing ?? this.subscribe(request.typeUrl);
    if (!subscription) return;
    const traffic = this.context.traffic.of(request.typeUrl);
    traffic.requests++;
    subscription.lastRequestAt = Date.now();
    const { sent } = subscription.ledger;
    // A nonce from before the type's first response is an earlier stream's, and says nothing here (P7).
    const nonce = sent ? request.responseNonce : "";
    const stale = nonce !== "" && nonce !== sent?.nonce;
    // A request that crossed a response is not answered before that one is (P21), but its names count (P24, P28).
    if (stale && !this.protocol.staleRequestsCount && !subscription.inFlight) return;
    const answered = !stale && nonce !== "" ? subscription.inFlight : undefined;
    if (answered) {
      if (request.errorDetail) {
        traffic.nacks++;
        subscription.nack(answered, request.errorDetail);
      } else {
        traffic.acks++;
        subscription.ack(answered);
      }
    }
    this.protocol.subscribe(subscription, request, !existing);
    if (this.context.ordered) for (const stream of this.related()) stream.reconsiderKept();
    this.context.checkNames(subscription.names.size, request.typeUrl);
    if (this.context.events.response) this.lastRequests.set(subscription, request);
    if (subscription.isSettled && this.dirty.size === 0) this.context.flushed?.(this as unknown as Stream<never>);
    else this.wake(subscription); // something may be missing, or have waited for this answer
    if (answered) return this.tellAnswer(answered, request.typeUrl, request.errorDetail);
  }

  /** The subscription of a type that is asked for the first time, if anyone can answer it. */
  private subscribe(typeUrl: string): Subscription | undefined {
    const type = findResourceType(typeUrl);
    const node = this.node as Node;
    if (type) {
      const request = { node, type };
      if (!this.context.watcher.ready(request))
        throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
      const subscription = Subscription.open(this.context.watcher, request, (woken) => this.wake(woken));
      if (subscription) {
        this.subscriptions.set(typeUrl, subscription);
        if (this.context.ordered && type.unknownWithoutBody) this.sendFirst(subscription);
        if (!subscription.view.serving && !this.waitingLogged) {
          this.waitingLogged = true;
          const fields = { stream: this.id, node: node.id, cluster: node.cluster, typeUrl };
          this.context.logger.warn(fields, "nothing is configured for this node; it waits until something is");
        }
        return subscription;
      }
    }
    const isTold = typeUrl.length > longestTypeUrl || this.unknownTypes.has(typeUrl);
    if (!isTold && this.unknownTypes.size < unknownTypesKept) {
      this.unknownTypes.add(typeUrl);
      const why = type ? "no cache serves this type" : "no resource type has this type URL";
      this.context.logger.warn({ stream: this.id, node: node.id, typeUrl }, `${why}; the subscription stays silent`);
    }
    return undefined;
  }

  private wake(subscription: Subscription): void {
    this.dirty.add(subscription);
    this.schedule();
  }

  private schedule(): void {
    if (!this.closed && this.dirty.size > 0) this.context.queue.add(this);
  }

  /** Sends what is missing, type by type in the order of the table, until nothing is or the transport is full. */
  flush(): void {
    try {
      // What is unanswered comes back with its answer; a later change is merged into what is sent then (P25).
      for (const subscription of this.dirty)
        if (subscription.inFlight || !subscription.view.serving || subscription.isSettled)
          this.dirty.delete(subscription);
      const patience = this.context.ordered && !this.serviceType ? this.context.patience : 0;
      while (this.ready && !this.closed && !this.turns.busy) {
        const now = Date.now();
        const turn = nextTurn(this.dirty, this.subscriptions, now, patience);
        if (!turn) {
          this.waitForTurn(now, patience);
          return;
        }
        if (!turn.partial) this.dirty.delete(turn.subscription);
        this.respond(turn);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      if (!this.closed) this.context.flushed?.(this as unknown as Stream<never>);
    }
  }

  /** Comes back when the first of the waiting types has waited long enough. */
  private waitForTurn(now: number, patience: number): void {
    const ends: number[] = [];
    for (const subscription of this.dirty) {
      const until = subscription.inFlight ? undefined : blockedUntil(subscription, this.subscriptions, now, patience);
      if (until !== undefined) ends.push(until);
    }
    if (this.serviceType)
      for (const { kept } of this.subscriptions.values())
        for (const since of kept.values()) ends.push(since + this.context.patience);
    clearTimeout(this.patience);
    if (ends.length === 0) return;
    this.patience = setTimeout(() => this.reconsiderKept(), Math.max(1, Math.min(...ends) - now)).unref();
  }

  private respond({ subscription, partial }: Turn): void {
    const { type, view } = subscription;
    const { protocol } = this;
    if (this.context.resolver) this.resolve(subscription, this.context.resolver);
    const difference = diff(subscription, {
      partial,
      whole: !protocol.tellsRemovals && type.fullStateInSotw,
      keep: this.keeper(subscription),
      usable: (old) => hasAllOf(old, this.relatedSubscriptions()),
      breaks: this.context.ordered && !this.serviceType ? breaking(this.subscriptions) : undefined,
      placeholder: protocol.tellsRemovals
        ? undefined
        : placeholderFor(subscription, this.context.watcher, () => this.relatedSubscriptions()),
    });
    const content = protocol.respond(subscription, difference) ?? this.heartbeat(subscription, difference);
    if (!content) {
      subscription.settle(difference, partial);
      return;
    }
    const { heartbeats = none, resources, unresolved } = content;
    const version = content.version || view.version;
    // SotW tells of removals by absence, and only where a response holds the full state.
    const [removed, untold] =
      protocol.tellsRemovals || type.fullStateInSotw ? [difference.removed, none] : [none, difference.removed];
    const { changed, unresolved: unknown, kept, to } = difference;
    const nonce = String(++this.nonces);
    const at = Date.now();
    // Written out: V8 makes an object that is spread into another in its slow path, and this is made for every push.
    const sent: Sent = { changed, removed, unresolved: unknown, kept, to, nonce, version, at, partial };
    subscription.send(sent, untold);
    const traffic = this.context.traffic.of(type.typeUrl);
    traffic.responses++;
    traffic.resources += resources.length;
    if (this.context.ordered) this.sendAgain(sent);
    const response: Response = {
      typeUrl: type.typeUrl,
      versionInfo: version,
      nonce: sent.nonce,
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

  private resolve(subscription: Subscription, resolver: Resolver): void {
    const { node, type } = subscription;
    for (const name of subscription.unresolved(resolver.timeoutMs)) {
      const spelling = subscription.spellings.get(name) ?? name;
      const resolve = async () => resolver.resolve({ node, type, name: spelling });
      void Promise.resolve(this.quietly("onDemand.resolve", resolve)).then(() => subscription.resolved(name));
    }
  }

  /** What has a TTL and is on the client as it is served is named again, so that the client keeps it (P58). */
  private heartbeat(subscription: Subscription, difference: Difference): Content | undefined {
    if (!subscription.beatDue) return undefined;
    subscription.beatDue = false;
    if (!this.ttl) return undefined;
    const { kept } = subscription;
    const mortal = [...subscription.view.withTtl()]
      .map((now) => (kept.has(now.key) && resourceOf(subscription.has(now.key))) || now) // what is kept lives on as it was
      .filter(
        ({ key, version, ttlMs }) =>
          ttlMs !== undefined && subscription.covers(key) && subscription.has(key)?.version === version,
      );
    return mortal.length > 0 ? this.protocol.keepAlive(subscription, difference, mortal) : undefined;
  }

  /** Which resources have to stay on the client though they are no longer served (P54). */
  private keeper({ type, kept }: Subscription): (name: string) => boolean {
    if (!this.context.ordered) return () => false;
    const referred = referredTo(type.typeUrl, () => this.relatedSubscriptions());
    // Streams of a type's own cannot tell for sure that they belong together, so they wait for each other only so long.
    const tooLong = (name: string) => Date.now() - (kept.get(name) ?? Date.now()) >= this.context.patience;
    return (name) => !(this.serviceType && tooLong(name)) && referred(name);
  }

  /** The streams whose clients are one with this one's: on a type's own service, those of the same node. */
  private related(): Iterable<Stream<never>> {
    return this.serviceType
      ? this.context.nodeStreams.of(this as unknown as Stream<never>)
      : [this as unknown as Stream<never>];
  }

  private relatedSubscriptions(): Subscription[] {
    return [...this.related()].flatMap((stream) => [...stream.subscriptions.values()]);
  }

  /** Something that referred to what is kept may be gone. */
  reconsiderKept(): void {
    for (const subscription of this.subscriptions.values()) if (subscription.kept.size > 0) this.wake(subscription);
    this.schedule();
  }

  /** What is on its way will make the client wait for resources that it has already, before it ACKs (P55). */
  private sendAgain({ changed }: Sent): void {
    for (const [subscription, name] of neededAgain(changed, this.subscriptions)) {
      subscription.asked.add(name);
      this.wake(subscription);
    }
  }

  /** What the client has been sent already makes it wait to hear something of this type's collections (P56). */
  private sendFirst(subscription: Subscription): void {
    const all = new Map([[subscription.type.typeUrl, subscription]]);
    for (const other of this.relatedSubscriptions())
      for (const [, name] of neededAgain([...other.inUse()], all)) subscription.asked.add(name);
  }

  private send(response: Response): void {
    if (!this.closed) this.ready = this.transport.send(response);
  }

  private tellAnswer(sent: Sent, typeUrl: string, error: ErrorDetail | undefined): void | Promise<void> {
    const { version, nonce, changed: resources, removed: removedResources } = sent;
    const answer = { typeUrl, version, nonce, resources, removedResources };
    const { events } = this.context;
    if (error) return this.quietly("onStreamNack", () => events.nack(this, { ...answer, error }));
    return this.quietly("onStreamAck", () => events.ack(this, answer));
  }

  /** Tells of something; what is thrown there is logged, and nobody is disturbed. */
  private quietly(callback: string, tell: () => void | Promise<void>): void | Promise<void> {
    const log = (error: unknown) =>
      this.context.logger.error({ stream: this.id, callback, error: messageOf(error) }, "a callback failed");
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
