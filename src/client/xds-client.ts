import { messageOf, XdsError } from "../errors.js";
import { BackOff } from "../grpc-client/back-off.js";
import type { ResourceType } from "../resource/xds-api.js";
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

/** The default time that `synced` waits, in milliseconds. */
const syncedMs = 10_000;

/** The aggregated service and its method for each variant. */
const aggregated = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  stream: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources",
};

/**
 * An xDS client for tools and tests.
 *
 * It subscribes, ACKs or NACKs as the caller decides, keeps the ACKed resources, and connects again when its stream
 * ends. It connects at the first `subscribe`. Call `close` at the end.
 */
export class XdsClient {
  private readonly settings: Settings;
  private readonly timers: Timers;
  private readonly waiters: Waiters;
  private readonly host: ConnectionHost;
  /** The subscriptions, in the order of the type table. */
  private subscriptions: ClientSubscription[] = [];
  /** The connections by the type URL of their service; "" for ADS. */
  private readonly connections = new Map<string, Connection>();
  private readonly feeds = new Set<ChangeFeed>();
  /** Why no other stream will be opened, by the type URL of the service. */
  private readonly failures = new Map<string, XdsError>();
  private lastError: XdsError | undefined;
  private ttl: { at: number; cancel: () => void } | undefined;
  private isClosed = false;
  private closing: Promise<void> | undefined;

  /**
   * Makes a client, which does not connect yet.
   * @throws XdsError INVALID_OPTION
   */
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
      accepted: (response, changes) => this.reportChanges(response.typeUrl, "response", changes),
      refused: (response, message) => {
        this.quietly("onNack", () => settings.callbacks.onNack?.(response, message));
        this.waiters.check(response.typeUrl);
      },
      opened: (stream) => this.quietly("onStreamOpen", () => settings.callbacks.onStreamOpen?.(stream)),
      closed: (stream) => this.streamClosed(stream),
    };
  }

  /**
   * Subscribes to names of a type; without names, to everything (the wildcard, `*`). An empty list changes nothing, and
   * a name is requested once even if it is given twice.
   * @throws XdsError UNKNOWN_TYPE; INVALID_OPTION for an empty name, and for a type without its own service if one is
   * needed; WRONG_STATE after `close`
   */
  subscribe(typeUrl: string, names: Iterable<string> = ["*"]): void {
    this.mustBeOpen();
    const type = this.settings.api.resourceType(typeUrl);
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
   * Unsubscribes from names of a type; without names, from everything. Their resources are removed.
   * @throws XdsError INVALID_OPTION for an empty name; WRONG_STATE after `close`, and for a type that is not subscribed
   */
  unsubscribe(typeUrl: string, names?: Iterable<string>): void {
    this.mustBeOpen();
    const subscription = this.subscription(typeUrl);
    const gone = subscription.drop(names === undefined ? subscription.all() : nameList(names));
    if (!gone) return;
    this.connections.get(this.serviceOf(typeUrl))?.flush();
    this.reportChanges(typeUrl, "unsubscribed", gone);
  }

  /**
   * Returns the subscriptions and the resources of a type. The result changes over time.
   * @throws XdsError WRONG_STATE for a type that is not subscribed
   */
  state(typeUrl: string): SubscriptionState {
    return this.subscription(typeUrl);
  }

  /**
   * Returns the resources of a type by name; an empty map for a type that is not subscribed. The result changes over
   * time.
   */
  resources(typeUrl: string): ReadonlyMap<string, ClientResource> {
    return this.find(typeUrl)?.resources ?? new Map();
  }

  /**
   * Resolves as soon as the state of a type satisfies the predicate; by default when the server has answered everything
   * ({@link SubscriptionState.complete}).
   * @throws XdsError (as a rejection) TIMED_OUT after `timeoutMs` milliseconds (default 10,000); STREAM_ENDED if no
   * other stream will be opened; WRONG_STATE if the client is closed or the type is not subscribed; and the predicate's
   * exceptions
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
      check: () => (predicate(subscription) ? subscription : undefined),
      timeoutError: () =>
        new XdsError("TIMED_OUT", `not synced within ${timeoutMs} ms: ${this.describe(subscription)}`),
    };
    return this.waiters.wait(awaited, timeoutMs, this.failures.get(this.serviceOf(typeUrl)));
  }

  /**
   * Returns the changes of a type as they come, beginning with all current resources.
   *
   * A slow reader receives merged changes. The iterator ends when the client is closed, and throws if no other stream
   * will be opened.
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

  /**
   * Closes the client: ends its streams after the ACKs on their way, and rejects all waits. Resolves within about a
   * second.
   */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** As {@link XdsClient.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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

  /** Returns the path of the method for a type. */
  private path(type: ResourceType): string {
    const { variant, service } = this.settings;
    const called = service === "ads" ? aggregated : type.service;
    const method = called && protocols[variant].method(called);
    if (method) return `/${called.name}/${method}`;
    throw new XdsError(
      "INVALID_OPTION",
      `${type.typeUrl} has no ${variant} service of its own; use service: "ads" for it`,
    );
  }

  /** Returns the connection that carries a type, and opens it if necessary. */
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

  /** Reports changes, if there are any, and checks the waits on the type. */
  private reportChanges(typeUrl: string, cause: ChangeCause, changes: readonly ResourceChange[]): void {
    if (changes.length > 0) {
      const { version } = this.subscription(typeUrl);
      for (const feed of this.feeds) if (feed.typeUrl === typeUrl) feed.push(changes);
      this.quietly("onChange", () => this.settings.callbacks.onChange?.({ typeUrl, version, cause, changes }));
    }
    this.scheduleTtl();
    this.waiters.check(typeUrl);
  }

  /** Sets the only timer, for the TTL that ends next. */
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
          this.reportChanges(subscription.typeUrl, "ttl", subscription.expire(clock.now()));
      }),
    };
  }

  private describe({ typeUrl, resources, missing, names, nacked }: SubscriptionState): string {
    const known = this.settings.api.typeName(typeUrl);
    const open = [...names].filter((name) => !resources.has(name));
    return [
      `${resources.size} ${known} held`,
      ...(open.length > 0 ? [`missing of the subscribed names: ${quoted(open)}`] : []),
      ...(missing.size > 0 ? [`the server has no ${quoted([...missing])}`] : []),
      ...(nacked ? [`the last response was refused: ${nacked.message}`] : []),
      ...(this.lastError ? [`the last stream error: ${this.lastError.message}`] : []),
    ].join("; ");
  }

  /** Runs a callback, and logs its exceptions. */
  private quietly(callback: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.settings.logger.error({ callback, error: messageOf(error) }, "a callback failed");
    }
  }
}

/** Formats the first few names as JSON. */
function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}

function nameList(names: Iterable<string>): string[] {
  if (typeof names === "string")
    throw new XdsError("INVALID_OPTION", `names must be a list; write [${JSON.stringify(names)}]`);
  const list = [...names];
  if (list.some((name) => typeof name !== "string" || name === ""))
    throw new XdsError(
      "INVALID_OPTION",
      'a resource name must be a string that is not empty; "*" stands for everything',
    );
  return list;
}
