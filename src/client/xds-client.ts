import { messageOf, XdsError } from "../errors.js";
import { findResourceType, type ResourceType, resourceType } from "../resource/types.js";
import { BackOff } from "./back-off.js";
import type { ChangeCause } from "./callbacks.js";
import { ChangeFeed } from "./change-feed.js";
import { type ClosedClientStream, Connection, type ConnectionHost } from "./connection.js";
import { GrpcTransport } from "./grpc.js";
import { readOptions, type Settings, type XdsClientOptions } from "./options.js";
import { protocols } from "./protocol.js";
import type { ClientResource, ResourceChange } from "./resource.js";
import { ClientSubscription, type SubscriptionState } from "./subscription.js";
import { Timers } from "./timers.js";
import { type Awaited, Waiters } from "./waiters.js";

/** How long `synced` waits by default, in milliseconds. */
const syncedMs = 10_000;

/** The method of the aggregated service, by variant. */
const aggregated = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  stream: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources",
};

/**
 * An xDS client for tools and tests. It subscribes, ACKs or NACKs as the caller decides, holds what it has ACKed, and
 * connects again when its stream ends. It connects at the first `subscribe`, and is to be closed.
 */
export class XdsClient {
  private readonly settings: Settings;
  private readonly timers: Timers;
  private readonly waiters: Waiters;
  private readonly host: ConnectionHost;
  /** In the order of the table. */
  private subscriptions: ClientSubscription[] = [];
  /** By the type URL of their service; "": ADS. */
  private readonly connections = new Map<string, Connection>();
  private readonly feeds = new Set<ChangeFeed>();
  /** Why there will be no other stream, by the type URL of the service. */
  private readonly failures = new Map<string, XdsError>();
  private lastError: XdsError | undefined;
  private ttl: { at: number; cancel: () => void } | undefined;
  private isClosed = false;
  private closing: Promise<void> | undefined;

  /** @throws XdsError INVALID_OPTION */
  constructor(options: XdsClientOptions) {
    this.settings = readOptions(options);
    const { settings } = this;
    this.timers = new Timers(settings.clock);
    this.waiters = new Waiters(this.timers);
    this.host = {
      ...settings,
      protocol: protocols[settings.variant],
      transport: new GrpcTransport(settings),
      timers: this.timers,
      now: () => settings.clock.now(),
      decide: (response) => settings.callbacks.onResponse?.(response),
      accepted: (response, changes) => this.tell(response.typeUrl, "response", changes),
      refused: (response, message) => {
        this.quietly("onNack", () => settings.callbacks.onNack?.(response, message));
        this.waiters.look(response.typeUrl);
      },
      opened: (stream) => this.quietly("onStreamOpen", () => settings.callbacks.onStreamOpen?.(stream)),
      closed: (stream) => this.streamClosed(stream),
    };
  }

  /**
   * Adds names to what is subscribed of a type; without a list, everything of it (the wildcard, `*`). An empty list changes
   * nothing. The same name twice is asked for once.
   * @throws XdsError UNKNOWN_TYPE; INVALID_OPTION for an empty name, or a type without a service of its own where one is
   *   needed; WRONG_STATE after `close`
   */
  subscribe(typeUrl: string, names: Iterable<string> = ["*"]): void {
    this.mustBeOpen();
    const type = resourceType(typeUrl);
    const list = nameList(names);
    const path = this.path(type);
    let subscription = this.find(typeUrl);
    if (!subscription) {
      subscription = new ClientSubscription(type);
      this.subscriptions = [...this.subscriptions, subscription].sort((a, b) => a.type.order - b.type.order);
    }
    if (subscription.add(list)) this.connection(typeUrl, path).flush();
  }

  /**
   * Takes names back; without a list, all that is subscribed of a type. What was held by them is held no more.
   * @throws XdsError INVALID_OPTION for an empty name, WRONG_STATE after `close` and for a type that is not subscribed
   */
  unsubscribe(typeUrl: string, names?: Iterable<string>): void {
    this.mustBeOpen();
    const subscription = this.subscription(typeUrl);
    const gone = subscription.drop(names === undefined ? subscription.all() : nameList(names));
    if (!gone) return;
    this.connections.get(this.serviceOf(typeUrl))?.flush();
    this.tell(typeUrl, "unsubscribed", gone);
  }

  /**
   * What is wanted and held of a type. It changes as the client goes on.
   * @throws XdsError WRONG_STATE for a type that is not subscribed
   */
  state(typeUrl: string): SubscriptionState {
    return this.subscription(typeUrl);
  }

  /** What is held of a type, by name; empty for a type that is not subscribed. It changes as the client goes on. */
  resources(typeUrl: string): ReadonlyMap<string, ClientResource> {
    return this.find(typeUrl)?.resources ?? new Map();
  }

  /**
   * Resolves as soon as what the client holds of a type satisfies the predicate: by default, when everything subscribed has been
   * answered ({@link SubscriptionState.complete}).
   * @throws XdsError (as a rejection) TIMED_OUT after `timeoutMs` (default 10,000); STREAM_ENDED when there will be no other
   *   stream; WRONG_STATE when the client is closed, or the type is not subscribed; and what the predicate throws
   */
  async synced(
    typeUrl: string,
    predicate: (state: SubscriptionState) => boolean = ({ complete }) => complete,
    { timeoutMs = syncedMs }: { readonly timeoutMs?: number } = {},
  ): Promise<SubscriptionState> {
    this.mustBeOpen();
    const subscription = this.subscription(typeUrl);
    const awaited: Awaited<SubscriptionState> = {
      typeUrl,
      look: () => (predicate(subscription) ? subscription : undefined),
      late: () => new XdsError("TIMED_OUT", `not synced within ${timeoutMs} ms: ${this.describe(subscription)}`),
    };
    return this.waiters.wait(awaited, timeoutMs, this.failures.get(this.serviceOf(typeUrl)));
  }

  /**
   * The changes of a type as they come, beginning with all that is held; a reader who is slow gets them merged. It ends when the
   * client is closed, and throws when there will be no other stream.
   * @throws XdsError WRONG_STATE after `close`, and for a type that is not subscribed
   */
  changes(typeUrl: string): ChangeFeed {
    this.mustBeOpen();
    const feed = new ChangeFeed(this.subscription(typeUrl), () => this.feeds.delete(feed));
    this.feeds.add(feed);
    const failure = this.failures.get(this.serviceOf(typeUrl));
    if (failure) feed.end(failure);
    return feed;
  }

  /** Ends the streams, after the ACKs that are on their way, and all that waits. Resolves within a second or so. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.isClosed = true;
    const streams = [...this.connections.values()].map((connection) => connection.close());
    this.ttl?.cancel();
    this.waiters.fail(() => new XdsError("WRONG_STATE", "the client was closed"));
    for (const feed of this.feeds) feed.end();
    this.feeds.clear();
    await Promise.all(streams);
    this.timers.clear();
  }

  private mustBeOpen(): void {
    if (this.isClosed) throw new XdsError("WRONG_STATE", "the client is closed; make a new one");
  }

  private find(typeUrl: string): ClientSubscription | undefined {
    return this.subscriptions.find((subscription) => subscription.typeUrl === typeUrl);
  }

  private subscription(typeUrl: string): ClientSubscription {
    const subscription = this.find(typeUrl);
    if (subscription) return subscription;
    throw new XdsError("WRONG_STATE", `${typeUrl} is not subscribed; call subscribe() first`);
  }

  private serviceOf(typeUrl: string): string {
    return this.settings.service === "ads" ? "" : typeUrl;
  }

  /** The path of the method to call for a type. */
  private path(type: ResourceType): string {
    const { variant, service } = this.settings;
    const called = service === "ads" ? aggregated : type.service;
    const method = called && protocols[variant].method(called);
    if (method) return `/${called.name}/${method}`;
    throw new XdsError(
      "INVALID_OPTION",
      `${type.typeUrl} has no ${variant} service of its own; ask for it with service: "ads"`,
    );
  }

  /** The open, or just opened, connection that carries a type. */
  private connection(typeUrl: string, path: string): Connection {
    const service = this.serviceOf(typeUrl);
    let connection = this.connections.get(service);
    if (connection) return connection;
    const { reconnect, clock } = this.settings;
    const backOff = reconnect && new BackOff(reconnect, () => clock.random());
    const carried =
      service === "" ? () => this.subscriptions : () => this.subscriptions.filter((s) => s.typeUrl === typeUrl);
    connection = new Connection(this.host, path, service, carried, backOff);
    this.connections.set(service, connection);
    connection.open();
    return connection;
  }

  private streamClosed(stream: ClosedClientStream): void {
    const { typeUrl, error, retryInMs } = stream;
    this.quietly("onStreamClosed", () => this.settings.callbacks.onStreamClosed?.(stream));
    if (!error) return;
    this.lastError = error;
    this.settings.logger.info({ typeUrl, retryInMs, error: error.message }, "a stream ended");
    if (retryInMs !== undefined) return;
    this.failures.set(typeUrl, error);
    const carried = (carriedType: string) => this.serviceOf(carriedType) === typeUrl;
    this.waiters.fail(() => error, carried);
    for (const feed of this.feeds) if (carried(feed.typeUrl)) feed.end(error);
  }

  /** Tells of what has changed, if anything, and looks whether that was waited for. */
  private tell(typeUrl: string, cause: ChangeCause, changes: readonly ResourceChange[]): void {
    if (changes.length > 0) {
      const { version } = this.subscription(typeUrl);
      for (const feed of this.feeds) if (feed.typeUrl === typeUrl) feed.push(changes);
      this.quietly("onChange", () => this.settings.callbacks.onChange?.({ typeUrl, version, cause, changes }));
    }
    this.scheduleTtl();
    this.waiters.look(typeUrl);
  }

  /** One timer, for whatever runs out next. */
  private scheduleTtl(): void {
    const next = Math.min(...this.subscriptions.map((subscription) => subscription.nextExpiry() ?? Infinity));
    if (next === (this.ttl?.at ?? Infinity)) return;
    this.ttl?.cancel();
    this.ttl = undefined;
    if (next === Infinity || this.isClosed) return;
    const { clock } = this.settings;
    this.ttl = {
      at: next,
      cancel: this.timers.after(next - clock.now(), () => {
        this.ttl = undefined;
        for (const subscription of this.subscriptions)
          this.tell(subscription.typeUrl, "ttl", subscription.expire(clock.now()));
      }),
    };
  }

  private describe({ typeUrl, resources, missing, names, nacked }: SubscriptionState): string {
    const known = findResourceType(typeUrl)?.name ?? typeUrl;
    const open = [...names].filter((name) => !resources.has(name));
    return [
      `${resources.size} ${known} held`,
      ...(open.length > 0 ? [`of those named, not ${quoted(open)}`] : []),
      ...(missing.size > 0 ? [`the server has no ${quoted([...missing])}`] : []),
      ...(nacked ? [`the last response was refused: ${nacked.message}`] : []),
      ...(this.lastError ? [`the last stream error: ${this.lastError.message}`] : []),
    ].join("; ");
  }

  /** Runs a callback; what it throws is logged. */
  private quietly(callback: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.settings.logger.error({ callback, error: messageOf(error) }, "a callback failed");
    }
  }
}

/** Names as JSON, the first few. */
function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}

function nameList(names: Iterable<string>): string[] {
  if (typeof names === "string")
    throw new XdsError("INVALID_OPTION", `names are a list; write [${JSON.stringify(names)}]`);
  const list = [...names];
  if (list.some((name) => typeof name !== "string" || name === ""))
    throw new XdsError("INVALID_OPTION", 'a resource name is a string that is not empty; "*" is everything');
  return list;
}
