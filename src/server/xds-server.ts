import type { ConfigWatcher } from "../cache/config-watcher.js";
import { XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { Accounts } from "../protocol/account.js";
import type { Caller } from "../protocol/caller.js";
import { fetchOnce } from "../protocol/fetch.js";
import { FlushQueue } from "../protocol/flush-queue.js";
import type { DiscoveryRequest, Request, Response } from "../protocol/messages.js";
import { NodeStreams } from "../protocol/node-streams.js";
import { OpenRefusals } from "../protocol/open-refusals.js";
import { retryTimes, retryWaits } from "../protocol/retry.js";
import { checkLengths, checkService, Stream } from "../protocol/stream.js";
import type { Resolver, StreamContext, Transport } from "../protocol/stream-context.js";
import type { StreamEvents, StreamInfo } from "../protocol/stream-events.js";
import type { Variant } from "../protocol/variant.js";
import { RationedLog } from "../rationed-log.js";
import type { ResourceType } from "../resource/types.js";
import { anonymousNode, type Node } from "../schema/node.js";
import { Admission } from "./admission.js";
import { type AppliedOptions, AppliedWaits, type NodeSelector } from "./applied.js";
import { type Authorize, authorizeClient, type ClientIdentity } from "./authorize.js";
import { type Callbacks, type FetchInfo, streamEvents, tellFetched } from "./callbacks.js";
import { ConnectionAge } from "./connection-age.js";
import { Counters, type FetchResult, type ServerCounters } from "./counters.js";
import type { ClientStatusHost } from "./csds.js";
import { loopbackOrSan } from "./csds-access.js";
import { type DrainOptions, endPaced } from "./drain.js";
import { GrpcTransport } from "./grpc.js";
import { LimitCounts, type LimitName, type Limits } from "./limits.js";
import { type LoadCounters, LoadReporting, type LoadReportingOptions } from "./load-reporting.js";
import { nodeResources, type ResourceState, type TypeResources } from "./node-resources.js";
import { type PollingNode, PollingNodes } from "./polling-nodes.js";
import { ReceivingBytes } from "./receiving-bytes.js";
import { RefusalLog } from "./refusal-log.js";
import { RestTransport } from "./rest.js";
import { SharedWork } from "./shared-work.js";
import {
  type ConnectedNode,
  connectedNode,
  nodeStates,
  type StreamStatus,
  type SyncState,
  streamStatus,
  streamsByNode,
} from "./status.js";
import { secureContextOptions, type TlsOptions } from "./tls.js";
import { UnsentResponses } from "./unsent.js";

export interface XdsServerOptions {
  readonly callbacks?: Callbacks;
  readonly logger?: Logger;
  /** TLS for both transports, with client certificates (mTLS) if it has a `clientCa`. By default plain text. */
  readonly tls?: TlsOptions;
  /** A stream's first request without a node ends it, instead of being the empty node's (P2). Default false. */
  readonly requireNode?: boolean;
  /** How much clients may ask for; what is left out has its default. */
  readonly limits?: Partial<Limits>;
  /**
   * Asked whether a client may have what it asks for: at a stream's first request, at each fetch and REST request, at
   * each CSDS request, at each stream of load reports. A refusal is PERMISSION_DENIED. `sanMatchesNode()` is such a
   * rule. By default who may connect may ask.
   *
   * The cache decides what a node is served from what the node says of itself (`SnapshotCacheOptions.nodeGroup`).
   * Compute the group only from what `authorize` has proven. Example: a rule that proves the id alone allows any
   * cluster, metadata and locality, so groups by cluster would give a client another group's secrets. The server
   * cannot compare two functions.
   */
  readonly authorize?: Authorize;
  /**
   * The age, give or take a tenth, at which a gRPC connection is ended, so that clients spread over new servers: a GOAWAY, then
   * all its streams at once with UNAVAILABLE. By default a connection may get as old as it likes.
   */
  readonly maxConnectionAgeMs?: number;
  /**
   * Sends a change in the order in which nothing breaks: what is referred to first, and removals after what referred to them
   * is replaced (P53–P55). Default true.
   */
  readonly makeBeforeBreak?: boolean;
  /**
   * Asked for names that clients subscribe and that do not exist: virtual hosts by VHDS, clusters on demand (P62). `resolve` puts the
   * resource into the cache; the client's answer waits for it, `timeoutMs` at most (default 1,000).
   */
  readonly onDemand?: { readonly resolve: Resolver["resolve"]; readonly timeoutMs?: number };
  /**
   * How long, in milliseconds: a type waits for the answer of the one before (P53); a further change of a type waits
   * for the answer to the one before (P25); a removal waits for a client to drop the name, and on separate streams for
   * the node's other streams (P54). Default 5,000.
   */
  readonly orderTimeoutMs?: number;
  /**
   * How long, in milliseconds, a client may go on using a listener that was replaced or removed. The resources that it
   * referred to stay on the client so long (P54). Set it to the drain time of your Envoys (`--drain-time-s`). Default
   * 600,000, as Envoy's.
   */
  readonly drainTimeMs?: number;
  /**
   * Offers content that was refused alone again: after 10 s, after 1 minute, then after twice as long each time, up to
   * 15 minutes (P16). Some clients refuse on purpose and expect the same content again. Default true.
   */
  readonly retryRefused?: boolean;
  /**
   * How many bytes the resources of a delta response may take. A larger response is divided, each part is sent after
   * the ACK of the one before. SotW responses cannot be divided; there a warning is logged. gRPC clients refuse more
   * than 4 MiB by default. Default 4,190,208.
   */
  readonly maxResponseBytes?: number;
  /**
   * Who may ask the client status service (CSDS), which shows what every node is served, secrets left out. By default
   * clients on this machine, if `authorize` allows it. A rule, such as `loopbackOrSan()`, is asked instead of
   * `authorize`. With true, `authorize` alone decides, and without it whoever may connect may ask. With false the
   * service is not offered. `onClientStatusRequest` may refuse in any case.
   */
  readonly csds?: boolean | Authorize;
  /** Takes reports of load from nodes (LRS): of which clusters, how often, and who gets them. Without it the service is not offered. */
  readonly loadReporting?: LoadReportingOptions;
  /** A gRPC connection is pinged when the client has sent nothing for so many milliseconds. Default 30,000. */
  readonly keepaliveMs?: number;
  /** The connection is closed when still nothing comes so many milliseconds later. Default 10,000. */
  readonly keepaliveTimeoutMs?: number;
}

export interface ListenOptions {
  /** Address for both transports. Default 127.0.0.1. */
  readonly host?: string;
  /** gRPC port; 0 takes a free one. Default 18000. */
  readonly port?: number;
  /** REST port; 0 takes a free one. By default REST is not served. */
  readonly restPort?: number;
  /**
   * Names under which REST may be asked, as in `Host: xds.example`, besides its address, those of loopback and names
   * without a dot. Without them, every name will do beyond loopback.
   */
  readonly allowedHosts?: readonly string[];
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type ServerState = "new" | "listening" | "draining" | "closed";

/** Serves a cache over gRPC and REST. */
export class XdsServer {
  private readonly streams = new Set<Stream<never>>();
  private readonly waits = new AppliedWaits(this.streams);
  /** For all that clients cause. */
  private readonly logger: RationedLog;
  private readonly refused: RefusalLog;
  private readonly callbacks: Callbacks;
  private readonly contexts: { readonly sotw: StreamContext; readonly delta: StreamContext };
  private readonly loads: LoadReporting | undefined;
  private readonly counts = new Counters();
  private readonly polling = new PollingNodes();
  private readonly limits: LimitCounts;
  private readonly age: ConnectionAge | undefined;
  private readonly admission: Admission;
  private unauthorized = 0;
  private tls: TlsOptions | undefined;
  private grpc: GrpcTransport | undefined;
  private readonly accounts = new Accounts();
  private readonly queue: FlushQueue;
  private readonly unsent: UnsentResponses;
  private readonly receiving: ReceivingBytes;
  private rest: RestTransport | undefined;
  private phase: ServerState = "new";
  /** All that it is to listen on is open. */
  private isOpen = false;
  /** Resolves when `listen()` has come to its end, good or bad. */
  private opening: Promise<unknown> | undefined;

  /** @throws XdsError INVALID_OPTION */
  constructor(
    private readonly cache: ConfigWatcher,
    private readonly options: XdsServerOptions = {},
  ) {
    this.tls = options.tls;
    this.limits = new LimitCounts(options.limits ?? {});
    this.age = options.maxConnectionAgeMs === undefined ? undefined : new ConnectionAge(options.maxConnectionAgeMs);
    this.admission = new Admission(this.limits, this.age, () => this.phase !== "listening");
    this.receiving = new ReceivingBytes(this.limits);
    this.logger = new RationedLog(options.logger ?? silentLogger);
    this.refused = new RefusalLog(this.logger);
    this.callbacks = options.callbacks ?? {};
    const anonymous = () => (options.requireNode ? undefined : anonymousNode());
    this.loads =
      options.loadReporting &&
      new LoadReporting(options.loadReporting, this.logger, anonymous, (caller, node) =>
        this.permit("lrs", caller, node),
      );
    const queue = new FlushQueue(this.accounts.all, (account) => this.unsent.hasRoom(account));
    this.queue = queue;
    this.unsent = new UnsentResponses(this.limits, () => queue.resume());
    const shared = {
      watcher: cache,
      logger: this.logger,
      queue,
      resolver: options.onDemand && { timeoutMs: 1_000, ...options.onDemand },
      ordered: options.makeBeforeBreak ?? true,
      patience: milliseconds("orderTimeoutMs", options.orderTimeoutMs, 5_000),
      drainTimeMs: milliseconds("drainTimeMs", options.drainTimeMs, 600_000),
      missingAfterMs: 15_000, // Envoy's initial fetch timeout
      retryTimes: retryTimes(options.retryRefused === false ? undefined : retryWaits),
      maxResponseBytes: responseBytes(options.maxResponseBytes),
      openRefusals: new OpenRefusals(),
      nodeStreams: new NodeStreams<Stream<never>>(),
      anonymous,
      checkGrowth: (grows: () => boolean) => this.limits.checkGrowth(grows),
      checkNames: (names: number, typeUrl: string) => this.limits.checkNames(names, typeUrl),
      failed: ({ id, node, peer }: StreamInfo, error: unknown) =>
        this.refused.tell("stream", error, { stream: id, node: node?.id, peer }),
      flushed: (stream: Stream<never>) => this.waits.flushed(stream),
      ended: (stream: Stream<never>) => {
        this.streams.delete(stream);
        this.waits.ended(stream);
      },
    };
    this.contexts = {
      sotw: {
        ...shared,
        traffic: this.counts.traffic.sotw,
        events: this.guarded(streamEvents(this.callbacks, "sotw")),
      },
      delta: {
        ...shared,
        traffic: this.counts.traffic.delta,
        events: this.guarded(streamEvents(this.callbacks, "delta")),
      },
    };
  }

  /**
   * Listens. Resolves with the addresses, `rest` only if a `restPort` was given.
   * @throws XdsError CANNOT_LISTEN, INVALID_OPTION; WRONG_STATE when it has been called before, or the server is
   * closed, also meanwhile
   */
  async listen(options: ListenOptions = {}): Promise<{ grpc: Address; rest?: Address }> {
    if (this.phase !== "new") throw new XdsError("WRONG_STATE", "a server listens once; make a new one");
    this.phase = "listening";
    const opened = this.open(options);
    this.opening = opened.catch(() => {});
    return opened;
  }

  private async open(options: ListenOptions): Promise<{ grpc: Address; rest?: Address }> {
    const { host = "127.0.0.1", port = 18000, restPort, allowedHosts = [] } = options;
    const { keepaliveMs = 30_000, keepaliveTimeoutMs = 10_000 } = this.options;
    const { tls, limits, admission, age: connectionAge } = this;
    try {
      const hosts = {
        stream: this.openStream.bind(this),
        fetch: this.fetch.bind(this),
        poll: this.poll.bind(this),
        traffic: this.counts.traffic,
        clientStatus: this.clientStatus(),
        loads: this.loads,
        limits,
        admission,
        refused: this.refused,
        unsent: this.unsent,
        accounts: this.accounts,
        queue: this.queue,
        receiving: this.receiving,
      };
      this.grpc = new GrpcTransport(hosts, { tls, connectionAge, keepaliveMs, keepaliveTimeoutMs });
      const grpc = { host, port: await this.grpc.listen(host, port) };
      this.mustNotBeClosed();
      connectionAge?.start(admission.seats);
      if (restPort !== undefined) this.rest = new RestTransport(hosts, { tls: this.tls, host, allowedHosts });
      const rest = this.rest && { host, port: await this.rest.listen(restPort as number) };
      this.mustNotBeClosed();
      this.isOpen = true;
      return { grpc, ...(rest && { rest }) };
    } catch (error) {
      const reason = this.phase === "listening" ? error : closedWhileOpening();
      this.end();
      throw reason;
    }
  }

  private mustNotBeClosed(): void {
    if (this.phase !== "listening") throw closedWhileOpening();
  }

  /** `new` until all that it is to listen on is open. */
  get state(): ServerState {
    return this.phase === "listening" && !this.isOpen ? "new" : this.phase;
  }

  /**
   * Replaces the certificates, also while the server listens: new connections get these, the open ones go on. Certificates that
   * cannot be used change nothing.
   * @throws XdsError INVALID_OPTION for those, and for TLS or a `clientCa` where the server listens without, or the other way round
   */
  setTls(tls: TlsOptions): void {
    const context = secureContextOptions(tls);
    if (this.phase !== "new") {
      const { tls: old } = this;
      if (!old)
        throw new XdsError("INVALID_OPTION", "the server listens without TLS, which cannot be changed any more");
      if ((old.clientCa === undefined) !== (tls.clientCa === undefined))
        throw new XdsError(
          "INVALID_OPTION",
          `the server listens ${old.clientCa ? "with" : "without"} a clientCa; whether there is one cannot be changed any more`,
        );
    }
    this.tls = tls;
    this.grpc?.setTls(context);
    this.rest?.setTls(context);
  }

  /** How often each limit was hit, and how often `authorize` refused, since the server was made. */
  refusals(): Readonly<Record<LimitName | "authorize", number>> {
    return { ...this.limits.hits, authorize: this.unauthorized };
  }

  /** Bytes of responses that are written and that clients have not taken yet. */
  get unsentBytes(): number {
    return this.unsent.bytes;
  }

  /** Bytes of requests, of gRPC and REST, that have come in part, or wait to be handled. */
  get receivingBytes(): number {
    return this.receiving.bytes;
  }

  /** How many gRPC connections are open, those in their TLS handshake among them. */
  get connections(): number {
    return this.grpc?.connections ?? 0;
  }

  /** Every open stream: what each of its types was sent, took and refused. */
  status(): StreamStatus[] {
    return [...this.streams].map((stream) => streamStatus(stream, stream.subscriptions.values()));
  }

  /** Every connected node, or those selected, with all its streams together. */
  nodes(selector?: NodeSelector): ConnectedNode[] {
    const matches = selector === undefined ? () => true : this.selects(selector);
    return streamsByNode(this.streams)
      .filter(({ node }) => matches(node))
      .map(({ node, streams }) => connectedNode(node, streams));
  }

  /**
   * The nodes that have polled over REST within the last ten minutes, and what they have said. They are not connected: `nodes()`,
   * `nodeStates()` and `applied()` know nothing of them.
   */
  pollingNodes(): PollingNode[] {
    return this.polling.all();
  }

  /** How many connected nodes are in each state. */
  nodeStates(): Record<SyncState, number> {
    return nodeStates(this.streams);
  }

  /** What a connected node has ACKed, or is to have of all that it asks for; undefined: no connected node has this id. */
  nodeResources(id: string, state: ResourceState): TypeResources[] | undefined {
    const streams = [...this.streams].filter(({ node }) => node?.id === id);
    return streams.length > 0 ? nodeResources(streams, state) : undefined;
  }

  /** What was asked, sent and answered since the server was made, by type. */
  counters(): ServerCounters {
    return this.counts.report(this.streams);
  }

  /** How much load was reported; undefined without `loadReporting`. */
  loadCounters(): LoadCounters | undefined {
    return this.loads?.counters;
  }

  /**
   * Resolves when every connected node of the selection has ACKed, of all that it asks for, what is served at the moment of the call or
   * what has replaced it since, and removals that were kept back have gone too (P54). A node that comes meanwhile is waited for
   * as well, one that goes no longer; without any it resolves at once. With `version`: when they have ACKed that version, also
   * one that is yet to come, or have all that it says.
   *
   * @throws XdsError (as a rejection) NOT_APPLIED as soon as a node refuses what is served, TIMED_OUT after `timeoutMs`, both as
   * {@link NotAppliedError} with what is lacking; INVALID_OPTION for a group where the cache has no groups; WRONG_STATE when
   * the server shuts down, also meanwhile
   */
  async applied(selector: NodeSelector, options: AppliedOptions = {}): Promise<void> {
    if (this.phase === "draining" || this.phase === "closed") throw endedWhileWaiting();
    return this.waits.wait(this.selects(selector), options);
  }

  /**
   * Shuts down with care: takes no new streams, and ends the open ones with UNAVAILABLE, one after the other, each
   * after at least one response, all within a bounded time (P13). Resolves when all is closed. While `listen()` is
   * under way, it closes at once.
   */
  async drain({ timeoutMs = 5_000, paceMs = 5 }: DrainOptions = {}): Promise<void> {
    if (this.phase !== "listening" || !this.isOpen) return this.close();
    this.phase = "draining";
    this.waits.close(endedWhileWaiting());
    const stopped = Promise.all([this.grpc?.stop(), this.rest?.stop()]);
    const until = performance.now() + timeoutMs;
    const unavailable = new XdsError("DRAINING", "the server is shutting down; connect again, elsewhere if you can");
    await endPaced(this.admission.seats, unavailable, { timeoutMs, paceMs });
    this.grpc?.endWatches(unavailable);
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(100, until - performance.now()));
    });
    await Promise.race([stopped, timeIsUp]);
    clearTimeout(timer);
    await this.close();
  }

  /**
   * Shuts down at once. Afterwards nothing listens, also where `listen()` was under way: that rejects with WRONG_STATE.
   */
  async close(): Promise<void> {
    this.end();
    await this.opening;
  }

  private end(): void {
    this.phase = "closed";
    this.waits.close(endedWhileWaiting());
    this.age?.stop();
    this.grpc?.close();
    this.rest?.close();
    for (const stream of [...this.streams]) stream.close();
    this.logger.close();
  }

  private selects(selector: NodeSelector): (node: Node) => boolean {
    if (typeof selector === "function") return selector;
    const { cache } = this;
    if (cache.inGroup) return (node) => cache.inGroup?.(node, selector) ?? false;
    const group = JSON.stringify(selector);
    throw new XdsError(
      "INVALID_OPTION",
      `this cache has no node groups, so no ${group}; give a function that picks nodes`,
    );
  }

  /** Rejects if the rule refuses; undefined without one. */
  private permit(
    service: ClientIdentity["service"],
    { peer, certificateNames }: Caller,
    node: Node | undefined,
    authorize = this.options.authorize,
  ): Promise<void> | undefined {
    if (!authorize) return undefined;
    return authorizeClient(authorize, { peer, certificateNames, node, service }).catch((error: unknown) => {
      this.unauthorized++;
      throw error;
    });
  }

  /** A stream's first request passes `authorize` before anyone hears of it. */
  private guarded(events: StreamEvents): StreamEvents {
    if (!this.options.authorize) return events;
    const permitted = new WeakSet<StreamInfo>();
    return {
      ...events,
      request: (stream, request) => {
        if (permitted.has(stream)) return events.request(stream, request);
        permitted.add(stream);
        return this.permit("stream", stream, stream.node)?.then(() => events.request(stream, request));
      },
    };
  }

  private openStream<R extends Request>(
    variant: Variant<R>,
    transport: Transport,
    type: ResourceType | undefined,
  ): Stream<R> {
    const stream = new Stream(variant, this.contexts[variant.name], transport, type);
    this.streams.add(stream as unknown as Stream<never>);
    this.counts.streamOpened(variant.name, stream.typeUrl);
    return stream;
  }

  private clientStatus(): ClientStatusHost | undefined {
    const { csds, authorize } = this.options;
    if (csds === false) return undefined;
    const rules = typeof csds === "function" ? [csds] : csds ? [authorize] : [loopbackOrSan(), authorize];
    return {
      limits: this.limits,
      work: new SharedWork("the client status service"),
      clients: () => {
        this.unsent.check();
        return streamsByNode(this.streams);
      },
      asked: async (caller, node) => {
        for (const rule of rules) await this.permit("csds", caller, node, rule);
        await this.callbacks.onClientStatusRequest?.(caller, node);
      },
    };
  }

  /** A unary Fetch method: always answered in full, for gRPC has no way to say "not modified". */
  private async fetch(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response> {
    const { peer, certificateNames } = caller;
    const info = { typeUrl: type.typeUrl, peer, certificateNames, transport: "grpc" } as const;
    const response = await this.answer(info, type, { ...request, versionInfo: "" });
    return response as Response;
  }

  private async poll(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response | undefined> {
    const response = await this.answer({ typeUrl: type.typeUrl, ...caller, transport: "rest" }, type, request);
    if (request.node) this.polling.polled(type, request.node, request, caller.peer, response);
    return response;
  }

  private async answer(info: FetchInfo, type: ResourceType, asked: DiscoveryRequest): Promise<Response | undefined> {
    let result: FetchResult = "refused";
    try {
      if (this.phase !== "listening")
        throw new XdsError("DRAINING", "the server is shutting down; try again elsewhere");
      const node = asked.node ?? (this.options.requireNode ? undefined : anonymousNode());
      if (!node) throw new XdsError("INVALID_REQUEST", "the request needs a node");
      // Over REST the path says the type (P66).
      if (info.transport === "grpc") checkService(type, asked.typeUrl || type.typeUrl);
      this.limits.checkNames(asked.resourceNames.length, type.typeUrl);
      checkLengths(asked.resourceNames);
      this.unsent.check();
      await this.permit(info.transport === "rest" ? "rest" : "fetch", info, node);
      const request = { ...asked, node, typeUrl: type.typeUrl };
      await this.callbacks.onFetchRequest?.(info, request);
      const response = fetchOnce(this.cache, type, node, request);
      result = response ? "answered" : "not_modified";
      if (response) await tellFetched(this.callbacks, this.logger, info, request, response);
      return response;
    } finally {
      this.counts.fetched(info, result);
    }
  }
}

const closedWhileOpening = () =>
  new XdsError("WRONG_STATE", "the server was closed while it was about to listen; make a new one");

const endedWhileWaiting = () =>
  new XdsError("WRONG_STATE", "the server is shutting down or closed: what its nodes apply is no longer known");

/** @throws XdsError INVALID_OPTION */
function milliseconds(option: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new XdsError("INVALID_OPTION", `${option} must be a number of milliseconds, 0 or more; it is ${value}`);
}

/** Just under gRPC's default limit of 4 MiB, with room for the envelope. */
const mostResponseBytes = 4 * 2 ** 20 - 4_096;

/** @throws XdsError INVALID_OPTION */
function responseBytes(value = mostResponseBytes): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new XdsError("INVALID_OPTION", `maxResponseBytes must be a number greater than 0; it is ${value}`);
}
