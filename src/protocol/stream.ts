import type { Changes, Node } from "../cache/config-watcher.js";
import { type Caller, callerOf } from "../caller.js";
import { cutText } from "../cut-text.js";
import { XdsError } from "../errors.js";
import { doSlice, type InSteps } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { ErrorDetail, Request } from "../wire/messages.js";
import { Account } from "./account.js";
import { neededAgain } from "./change-order.js";
import type { Delivery } from "./delivery.js";
import { viewOf } from "./fetch.js";
import { heldBytes, nodeBytes, payForShared } from "./held-bytes.js";
import { MakeBeforeBreak } from "./make-before-break.js";
import { answerForMissing } from "./placeholder.js";
import { checkLengths, checkService } from "./request-checks.js";
import type { Response } from "./response.js";
import { ResponseSender, type SendingStream } from "./response-sender.js";
import type { StreamContext, Transport } from "./stream-context.js";
import { StreamLog } from "./stream-log.js";
import { Subscription } from "./subscription.js";
import { Turns } from "./turns.js";
import type { Variant } from "./variant.js";

let streams = 0;

/** How many characters of a NACK's message are kept where memory is short. */
const shortMessage = 256;

/**
 * One stream: requests in, responses out. The transport calls `open`, `receive`, `writable` and `close`. A cache wakes
 * the stream when it has something new. The {@link ResponseSender} sends.
 */
export class Stream<R extends Request> implements SendingStream {
  readonly id = ++streams;
  readonly openedAt = Date.now();
  readonly subscriptions = new Map<string, Subscription>();
  readonly account: Account;
  /** Its client, as caches and users' functions see it. */
  readonly caller: Caller;
  node: Node | undefined;
  /** The node that the client claimed to be, if it was not permitted. */
  private claimed: Node | undefined;
  /** The opening was reported to the callbacks, so the end must be too. */
  private isOpenReported = false;
  isClosed = false;
  readonly turns = new Turns(
    (error) => this.fail(error),
    () => this.sender.schedule(),
  );
  readonly order: MakeBeforeBreak;
  private readonly sender: ResponseSender<R>;
  private lazyLog: StreamLog | undefined;
  /** Bytes of the heap that are held for the client, as counted. */
  private held = 0;
  /** The client has reported something of an earlier stream. */
  isBack = false;
  /** Called when the stream ends: its node no longer has a list that it shares with other nodes. */
  private leaveShared: (() => void) | undefined;

  constructor(
    private readonly protocol: Variant<R>,
    private readonly context: StreamContext,
    private readonly transport: Transport,
    /** The type of the service that was called. Undefined: ADS. */
    private readonly serviceType: ResourceType | undefined,
  ) {
    this.caller = callerOf(this);
    this.account = transport.account ?? new Account(context.queue.all);
    this.order = new MakeBeforeBreak(this, context);
    this.sender = new ResponseSender(this, protocol, context, transport);
  }

  answerForMissing(subscription: Subscription, name: string): Resource | "removed" | "silence" {
    const serves = (typeUrl: string) => this.serves(typeUrl, name);
    return answerForMissing(subscription, name, this.protocol.announcesRemovals, serves, () => this.related());
  }

  serves(typeUrl: string, name: string): boolean {
    const { context, caller, node } = this;
    const type = context.api.findResourceType(typeUrl);
    if (!type || !node) return false;
    return viewOf(context.watcher, { node, type, caller })?.get(name) !== undefined;
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
    return this.sender.lastNonce;
  }

  get looks(): number {
    return this.sender.looks;
  }

  get log(): StreamLog {
    this.lazyLog ??= new StreamLog(this, this.context.logger);
    return this.lazyLog;
  }

  leftoversForgotten(maxNames: number): void {
    this.log.leftoversForgotten(maxNames);
  }

  /** Whether the client has an answer: something was sent, or there is nothing to send. */
  get answered(): boolean {
    for (const { ledger } of this.subscriptions.values()) if (ledger.sent) return true;
    const hasAsked = this.subscriptions.size > 0 || this.lazyLog?.hasUnknownTypes === true;
    return hasAsked && this.sender.isIdle && !this.turns.busy;
  }

  /** Called first, once. If it returns a promise, nothing else may be called before that is settled. */
  open(): void | Promise<void> {
    return this.turns.run(() => {
      this.isOpenReported = true;
      return this.context.events.open(this);
    });
  }

  /** Takes a request. If it returns a promise, no other request may be brought before that is settled. */
  receive(request: R): void | Promise<void> {
    return this.turns.run(() => {
      if (this.isClosed) return;
      const node = this.check(request);
      if (this.node) return this.report(request, false);
      const permitted = this.context.permit?.(this, node);
      if (!permitted) return this.meetNode(request, node);
      return permitted.then(
        () => this.meetNode(request, node),
        (error) => {
          this.claimed = node;
          throw error;
        },
      );
    });
  }

  /** The transport takes responses again. */
  writable(): void {
    this.sender.writable();
  }

  /** Called last, once, by the transport: the stream has ended. */
  close(): void {
    if (this.isClosed) return;
    this.hold(-this.held);
    this.leaveShared?.();
    this.isClosed = true;
    this.sender.close();
    const beside = [...this.context.nodeStreams.aggregatedBeside(this)];
    this.context.nodeStreams.remove(this);
    if (this.node) this.context.openRefusals.closed(this.node.id, this.subscriptions.keys(), this.id);
    for (const subscription of this.subscriptions.values()) subscription.close();
    this.subscriptions.clear();
    for (const stream of beside) stream.reconsider();
    this.context.ended(this);
    if (!this.isOpenReported) return;
    void this.turns.run(() => this.quietly("onStreamClosed", () => this.context.events.closed(this)));
  }

  /** Checks a request's envelope and fills in what a request may leave out (P1–P4). Returns the stream's node. */
  private check(request: R): Node {
    const typeUrl = request.typeUrl || this.typeUrl;
    if (!typeUrl) throw new XdsError("INVALID_REQUEST", "a request on an aggregated stream needs a type_url");
    if (this.serviceType) checkService(this.serviceType, typeUrl);
    const node = this.node ?? request.node ?? this.context.anonymous();
    if (!node) throw new XdsError("INVALID_REQUEST", "the first request of a stream needs a node");
    if (request.node && request.node.id !== node.id) this.log.otherNode(node, request.node);
    request.typeUrl = typeUrl;
    request.node = node;
    return node;
  }

  /**
   * Sets the stream's node. Called only after the node is permitted, so that no client is counted as another's node.
   */
  private meetNode(request: R, node: Node): void | Promise<void> {
    if (this.isClosed) return;
    this.node = node;
    this.leaveShared = payForShared(node.extensions, this.account);
    this.hold(nodeBytes(node, this.leaveShared ? node.extensions : undefined));
    this.sender.meetNode(node);
    return this.report(request, true);
  }

  private report(request: R, isFirst: boolean): void | Promise<void> {
    const told = this.context.events.request(this, request);
    return told ? told.then(() => this.handle(request, isFirst)) : this.handle(request, isFirst);
  }

  private handle(request: R, isFirst: boolean): void | Promise<void> {
    if (this.isClosed) return;
    if (isFirst) this.context.nodeStreams.add(this);
    const existing = this.subscriptions.get(request.typeUrl);
    const named = this.protocol.subscribedNames(request);
    if (!existing || named !== existing.listedNames) {
      this.context.checkNames(this.protocol.longestNameList(request), request.typeUrl);
      for (const list of this.protocol.nameLists(request)) checkLengths(list);
    }
    if (!existing || (named.length > 0 && named !== existing.listedNames))
      this.context.checkGrowth(
        this.account,
        () => !existing || named.some((name) => !existing.alreadySubscribes(name)),
      );
    const subscription = existing ?? this.subscribe(request.typeUrl);
    if (!subscription) return;
    const traffic = this.context.traffic.of(request.typeUrl);
    traffic.requests++;
    subscription.lastRequestAt = Date.now();
    const { ledger, state } = subscription;
    // A nonce that comes before the type's first response is from an earlier stream, and is ignored (P7).
    const nonce = ledger.sent ? request.responseNonce : "";
    const stale = nonce !== "" && nonce !== ledger.sent?.nonce;
    const answered = nonce === "" ? undefined : state.unanswered(nonce);
    const heartbeat = answered ? undefined : this.sender.takeHeartbeat(subscription, nonce);
    // If a request and a response have crossed, the request's names count (P24, P28), but it gets no answer yet (P21).
    const counts = this.protocol.staleRequestsCount || !stale || (!answered && !heartbeat && state.inFlight.length > 0);
    if (stale && !counts && !answered && !heartbeat) return;
    let refused: Changes | undefined;
    if (answered || heartbeat) {
      if (request.errorDetail) traffic.nacks++;
      else traffic.acks++;
    }
    if (answered) refused = this.take(subscription, answered, this.kept(request.errorDetail));
    if (heartbeat) {
      // After a NACK of a heartbeat, the resources are sent with their bodies (P58).
      if (request.errorDetail)
        for (const name of heartbeat) if (subscription.covers(name)) subscription.namesToAnswer.add(name);
    }
    const before = existing ? subscription.names.size : undefined;
    const steps = counts ? this.protocol.subscribe(subscription, request, !existing) : undefined;
    if (!steps || doSlice(steps).done) return this.subscribed(subscription, request, before, answered, refused);
    // Many such requests of an address may be under way, and none of them is counted before its end.
    const coming = heldBytes.name * this.protocol.longestNameList(request);
    this.expect(coming);
    return this.context.queue
      .finish(this.account, this.untilClosed(steps))
      .finally(() => this.expect(-coming))
      .then(() => this.subscribed(subscription, request, before, answered, refused));
  }

  private *untilClosed(steps: InSteps<void>): InSteps<void> {
    while (!this.isClosed && !steps.next().done) yield;
  }

  /**
   * A request that counts was read. `before`: how many names were subscribed before it. Undefined: it is the first
   * request of its type.
   */
  private subscribed(
    subscription: Subscription,
    request: R,
    before: number | undefined,
    answered: Delivery | undefined,
    refused: Changes | undefined,
  ): void | Promise<void> {
    if (this.isClosed) return;
    this.count(subscription);
    if (before === undefined) this.meet(subscription);
    if (this.context.ordered) this.settled(subscription, subscription.names.size < (before ?? 0));
    this.context.checkNames(subscription.names.size, request.typeUrl);
    this.sender.noteRequest(subscription, request);
    // Something may be missing, or may have waited for this answer. Refused content must be offered again (P16), unless
    // an older response with it is unanswered.
    const isOfRefused = answered !== undefined && (request.errorDetail !== undefined || answered.newer !== undefined);
    if (subscription.isSettled && !isOfRefused && this.sender.isIdle) this.context.flushed?.(this);
    else this.sender.wake(subscription);
    if (answered) return this.reportAnswer(answered, request.typeUrl, request.errorDetail, refused);
  }

  private expect(bytes: number): void {
    if (this.account.parent) this.account.parent.coming += bytes;
  }

  /** Counts what is held for the client's part of a subscription. */
  private count(subscription: Subscription): void {
    const bytes = subscription.heldBytes;
    if (bytes === subscription.countedBytes) return;
    this.hold(bytes - subscription.countedBytes);
    subscription.countedBytes = bytes;
  }

  private hold(bytes: number): void {
    if (this.isClosed) return;
    this.held += bytes;
    this.account.hold(bytes);
  }

  /** The part of a NACK's error that is remembered: the whole error, or a short one if there is no memory for more. */
  private kept(error: ErrorDetail | undefined): ErrorDetail | undefined {
    if (!error || error.message.length <= shortMessage || this.context.mayGrow(this.account)) return error;
    return { ...error, message: cutText(error.message, shortMessage) };
  }

  /** Takes the answer to a response. Returns what is known to be refused of the response. */
  private take(subscription: Subscription, answered: Delivery, error: ErrorDetail | undefined): Changes | undefined {
    const { openRefusals, ordered } = this.context;
    const { type, state } = subscription;
    let refused: Changes | undefined;
    if (error) {
      const taking = (name: string, now: Resource | undefined) => {
        if (ordered) this.order.replaced(subscription, name, now);
      };
      refused = subscription.nack(answered, error, this.context.retryTimes, taking);
    } else {
      // In SotW a client may read several responses and answer only the newest. Envoy does that with clusters.
      if (state.inFlight.length > 1 && !this.protocol.announcesRemovals && !answered.whole)
        for (const older of state.inFlight.slice(0, state.inFlight.indexOf(answered)))
          this.take(subscription, older, error);
      if (ordered) this.order.taking(subscription, answered);
      subscription.ack(answered);
    }
    if (type.fullStateInSotw && this.node?.id) openRefusals.note(this.node.id, type.typeUrl, this.id, state.hasRefused);
    return refused;
  }

  /**
   * Ends the first request of a type. What the client reports from an earlier stream does not settle everything (P36,
   * P49, P55).
   */
  private meet(subscription: Subscription): void {
    const { type, state, namesToAnswer, hasReported, hasEarlierState } = subscription;
    if (this.context.ordered) {
      const wasBack = this.isBack;
      this.isBack ||= hasReported || hasEarlierState;
      if (this.isBack)
        for (const one of wasBack ? [subscription] : this.subscriptions.values())
          if (one.type.drains) this.order.resume(one);
    }
    if (!hasReported) return;
    if (type.sentAgain && this.context.ordered) this.sender.answerForEarly(subscription);
    if (!subscription.isTrusted)
      for (const name of state.exceptions.keys()) if (subscription.view.get(name)) namesToAnswer.add(name);
  }

  /**
   * Whether the versions that the node reports are no evidence. It has refused something of this type, and may have
   * taken parts of it (P36, P49).
   */
  private isDistrusted(type: ResourceType): boolean {
    return type.fullStateInSotw && this.node !== undefined && this.context.openRefusals.has(this.node.id, type.typeUrl);
  }

  /** The client has answered or asked for something. Looks again at what waits for that. */
  private settled(subscription: Subscription, hasDropped: boolean): void {
    const { nodeStreams } = this.context;
    this.order.settled();
    if (this.serviceType) {
      nodeStreams.answered(this);
      for (const stream of nodeStreams.aggregatedBeside(this)) stream.reconsider();
    }
    for (const one of this.subscriptions.values())
      if (one.waiting.size > 0 && (hasDropped || one === subscription || one.isWaiting)) this.sender.wake(one);
  }

  /** Opens the subscription of a type. Returns undefined if nothing serves the type. */
  private subscribe(typeUrl: string): Subscription | undefined {
    const type = this.context.api.findResourceType(typeUrl);
    const node = this.node as Node;
    if (type) {
      const request = { node, type, caller: this.caller };
      if (!this.context.watcher.ready(request))
        throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
      const subscription = Subscription.open(
        this.context.watcher,
        request,
        (woken) => this.sender.wake(woken),
        () => this.serviceType && this.context.nodeStreams.changed(this),
      );
      if (subscription) {
        subscription.isTrusted = !this.isDistrusted(type);
        subscription.namesToAnswer.isWhole = !this.protocol.announcesRemovals && type.fullStateInSotw === true;
        this.subscriptions.set(typeUrl, subscription);
        if (this.context.ordered && type.unknownWithoutBody) this.answerForCollections(subscription);
        if (!subscription.view.serving) this.log.notConfigured(node, typeUrl);
        return subscription;
      }
    }
    this.log.unknownType(typeUrl, type !== undefined);
    return undefined;
  }

  /** Answers for this type's collections: a response that the client has makes it wait for that answer (P56). */
  private answerForCollections(subscription: Subscription): void {
    const all = new Map([[subscription.type.typeUrl, subscription]]);
    for (const other of this.related())
      for (const [, name] of neededAgain(other.state.inUse(), all)) subscription.namesToAnswer.add(name);
  }

  /** Called by the transport with the size of an encoded response. */
  encoded(response: Response, bytes: number): void {
    this.sender.encoded(response, bytes);
  }

  /** All subscriptions of this stream's client, those of its other streams included. */
  *related(): Iterable<Subscription> {
    for (const stream of this.context.nodeStreams.of(this)) yield* stream.subscriptions.values();
  }

  isUsed(typeUrl: string, name: string, by: Subscription): boolean {
    return this.context.nodeStreams.isUsed(this, typeUrl, name, by);
  }

  /** Looks again at everything that waits: an answer may have come, or a time may be over. */
  reconsider(): void {
    for (const subscription of this.subscriptions.values())
      if (subscription.waiting.size > 0 || subscription.state.refused.size > 0) this.sender.wake(subscription);
    this.sender.schedule();
  }

  /** Reports every ACK, and each NACK once it is known what is refused (P17). */
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

  /** Calls a callback of the user's. An error in the callback is logged, and the stream goes on. */
  quietly(callback: string, tell: () => void | Promise<void>): void | Promise<void> {
    const log = (error: unknown) => this.log.callbackFailed(callback, error);
    try {
      return tell()?.catch(log);
    } catch (error) {
      log(error);
    }
  }

  /** Ends the stream with an error. */
  fail(error: unknown): void {
    if (this.isClosed) return;
    this.context.failed(this, error, this.node ?? this.claimed);
    this.transport.end(error);
  }
}
