import type { ConfigWatcher } from "../cache/config-watcher.js";
import { callerOf } from "../caller.js";
import { XdsError } from "../errors.js";
import { silentLogger } from "../logger.js";
import { checkOptions } from "../options.js";
import { Accounts } from "../protocol/account.js";
import { FlushQueue } from "../protocol/flush-queue.js";
import { Stream } from "../protocol/stream.js";
import type { OpenStream, Transport } from "../protocol/stream-context.js";
import type { Variant } from "../protocol/variant.js";
import { RationedLog } from "../rationed-log.js";
import type { ResourceType } from "../resource/xds-api.js";
import { XdsApi } from "../resource/xds-api.js";
import { anonymousNode, type Node } from "../schema/node.js";
import type { Request } from "../wire/messages.js";
import { loopbackOrSan } from "./access/csds-access.js";
import { Permissions } from "./access/permissions.js";
import { secureContextOptions, type TlsOptions } from "./access/tls.js";
import { Admission } from "./admission/admission.js";
import { Balance } from "./admission/balance.js";
import { ConnectionAge } from "./admission/connection-age.js";
import { type DrainOptions, endPaced } from "./admission/drain.js";
import { LimitCounts } from "./admission/limits.js";
import { ReceivingBytes } from "./admission/receiving-bytes.js";
import { RefusalLog } from "./admission/refusal-log.js";
import { SharedWork } from "./admission/shared-work.js";
import { UnsentResponses } from "./admission/unsent.js";
import type { Callbacks } from "./callbacks.js";
import { Counters } from "./counters.js";
import { type AskOthers, answerPeer, type ClientStatusHost, type ClientStatusQuestion } from "./csds/csds.js";
import { Fetches } from "./fetches.js";
import { GrpcPort } from "./grpc-port.js";
import { LoadReporting } from "./lrs/load-reporting.js";
import type { NodeLoads } from "./lrs/node-loads.js";
import type { TokenPeerHost } from "./peers/peer-service.js";
import { RestTransport } from "./rest/rest.js";
import { type ServerReport, serverReport } from "./server-report.js";
import {
  type AppliedOptions,
  AppliedWaits,
  type NodeSelector,
  type SelectsNode,
  unknownGroup,
} from "./status/applied.js";
import { ConnectedNode } from "./status/connected-node.js";
import { PollingNodes } from "./status/polling-nodes.js";
import { streamsByNode } from "./status/status.js";
import { type StreamContexts, streamContexts } from "./stream-contexts.js";
import {
  type Address,
  checkListenOptions,
  checkServerOptions,
  type ListenOptions,
  type XdsServerOptions,
} from "./xds-server-options.js";

/** The state of a server. It is `new` until all ports are open. */
export type ServerState = "new" | "listening" | "draining" | "closed";

/** Serves a cache over gRPC and REST. */
export class XdsServer {
  /** The API that the server was given, or the default one. */
  readonly api: XdsApi;
  private readonly streams = new Set<OpenStream>();
  private readonly waits = new AppliedWaits(this.streams);
  /** @internal Sends nodes to other servers of the same configuration. */
  readonly balance = new Balance(this.streams);
  /** The logger for events that clients cause. */
  private readonly logger: RationedLog;
  private readonly refused: RefusalLog;
  private readonly callbacks: Callbacks;
  private readonly contexts: StreamContexts;
  private readonly permissions: Permissions;
  private readonly fetches: Fetches;
  private readonly loads: LoadReporting | undefined;
  private readonly counts = new Counters();
  private readonly polling = new PollingNodes();
  private readonly limits: LimitCounts;
  private readonly age: ConnectionAge | undefined;
  private readonly admission: Admission;
  /** @internal Answers the questions of other replicas, on the gRPC port. Set it before `listen()`. */
  peers: TokenPeerHost | undefined;
  /** @internal Asks the other processes that serve the configuration. Set it before `listen()`. */
  askOthers: AskOthers | undefined;
  private readonly clientStatus: ClientStatusHost | undefined;
  private tls: TlsOptions | undefined;
  private grpc: GrpcPort | undefined;
  /** @internal The accounts for the work that clients cause, also on the admin port. */
  readonly accounts = new Accounts();
  /** @internal */
  readonly queue: FlushQueue;
  private readonly unsent: UnsentResponses;
  private readonly receiving: ReceivingBytes;
  private rest: RestTransport | undefined;
  private phase: ServerState = "new";
  /** Whether all ports are open. */
  private isOpen = false;
  /** Resolves when `listen()` has succeeded or failed. */
  private opening: Promise<unknown> | undefined;

  /** @throws XdsError INVALID_OPTION */
  constructor(
    private readonly cache: ConfigWatcher,
    private readonly options: XdsServerOptions = {},
  ) {
    if (typeof cache?.watch !== "function")
      throw new XdsError("INVALID_OPTION", "XdsServer takes a cache first: new XdsServer(new SnapshotCache())");
    checkServerOptions(options);
    this.api = options.api ?? XdsApi.default;
    this.tls = options.tls;
    this.permissions = new Permissions(options.authorize);
    this.limits = new LimitCounts(options.limits ?? {}, this.accounts.all);
    this.age = options.maxConnectionAgeMs === undefined ? undefined : new ConnectionAge(options.maxConnectionAgeMs);
    this.admission = new Admission(this.limits, this.age, () => this.phase !== "listening");
    this.receiving = new ReceivingBytes(this.limits);
    this.logger = new RationedLog(options.logger ?? silentLogger);
    this.refused = new RefusalLog(this.logger);
    this.callbacks = options.callbacks ?? {};
    this.loads =
      options.loadReporting &&
      new LoadReporting(
        options.loadReporting,
        this.logger,
        this.api,
        this.anonymous,
        (caller, node) => this.permissions.permit("lrs", caller, node),
        this.limits,
      );
    this.queue = new FlushQueue(this.accounts.all, (account) => this.unsent.hasRoom(account));
    this.unsent = new UnsentResponses(this.limits, () => this.queue.resume());
    const { api, queue, limits, unsent, permissions, logger, callbacks, counts, refused, anonymous, streams, waits } =
      this;
    const isListening = () => this.phase === "listening";
    this.fetches = new Fetches(
      { cache, callbacks, logger, queue, limits, unsent, permissions, counts, anonymous, isListening },
      this.polling,
    );
    this.contexts = streamContexts(
      {
        ...{ cache, api, callbacks, logger, queue, limits, permissions, counts, refused },
        ...{ anonymous, streams, waits, balance: this.balance },
      },
      options,
    );
    this.clientStatus = this.clientStatusHost();
  }

  /**
   * Listens, and resolves with the addresses. `rest` is there only if a `restPort` was given.
   * @throws XdsError CANNOT_LISTEN, INVALID_OPTION; WRONG_STATE if it was called before, or if the server is closed
   * before or during the call
   */
  async listen(options: ListenOptions = {}): Promise<{ grpc: Address; rest?: Address }> {
    checkListenOptions(options);
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
        api: this.api,
        stream: this.openStream.bind(this),
        fetch: this.fetches.fetch.bind(this.fetches),
        poll: this.fetches.poll.bind(this.fetches),
        traffic: this.counts.traffic,
        clientStatus: this.clientStatus,
        loads: this.loads,
        peers: this.peers,
        limits,
        admission,
        refused: this.refused,
        unsent: this.unsent,
        accounts: this.accounts,
        queue: this.queue,
        receiving: this.receiving,
        balance: this.balance,
      };
      this.grpc = new GrpcPort(hosts, { tls, connectionAge, keepaliveMs, keepaliveTimeoutMs });
      const grpc = { host, port: await this.grpc.listen(host, port) };
      this.mustNotBeClosed();
      connectionAge?.start(admission.slots);
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

  /** The state of the server. It is `new` until all ports are open. */
  get state(): ServerState {
    return this.phase === "listening" && !this.isOpen ? "new" : this.phase;
  }

  /**
   * Replaces the certificates, even while the server listens. New connections get the new ones. Open connections go on.
   * If the certificates cannot be used, nothing changes.
   * @throws XdsError INVALID_OPTION if the certificates cannot be used, or if a listening server would have to start or
   * stop using TLS or a `clientCa`
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

  /** What the server does now, and what it has done since it was made. A field is computed when it is read. */
  report(): ServerReport {
    const { grpc, unsent, receiving, limits, permissions, streams, polling, counts, loads } = this;
    return serverReport({ grpc, unsent, receiving, limits, permissions, streams, polling, counts, loads });
  }

  /**
   * The connected nodes, or those that are selected. A node with several streams appears once.
   * @throws XdsError INVALID_OPTION for a group if the cache has no groups
   */
  nodes(selector?: NodeSelector): ConnectedNode[] {
    const matches = selector === undefined ? () => true : this.selects(selector);
    return streamsByNode(this.streams)
      .filter(({ node, caller }) => matches(node, caller))
      .map((one) => ConnectedNode.of(one));
  }

  /** @internal How many streams of discovery are open, and how many streams may be. */
  get load(): { readonly streams: number; readonly limit: number } {
    return { streams: this.streams.size, limit: this.limits.limits.streams };
  }

  /** @internal The load that each node has reported. undefined without the option `loadReporting`. */
  get nodeLoads(): NodeLoads | undefined {
    return this.loads?.nodes;
  }

  /**
   * Resolves when every selected node has applied what is served. For each type that a node subscribes to, it must have
   * ACKed what was served at the call, or something newer. It must also have ACKed the removals of the change that had
   * to wait (docs/protocol.md, P54).
   * - Nodes that connect meanwhile count too. Nodes that disconnect no longer count. Without any node it resolves at
   *   once.
   * - With `version`, the nodes must have ACKed this version, or have its content already. The version can be set
   *   later.
   * @throws XdsError (as a rejection) {@link NotAppliedError} with what is lacking: NOT_APPLIED as soon as a node
   * refuses what is served, TIMED_OUT after `timeoutMs`. INVALID_OPTION for a group if the cache has no groups, and for
   * a group with neither nodes nor a configuration. WRONG_STATE if the server shuts down before or during the call
   */
  async applied(selector: NodeSelector, options: AppliedOptions = {}): Promise<void> {
    if (this.phase === "draining" || this.phase === "closed") throw endedWhileWaiting();
    const selects = this.selects(selector);
    if (typeof selector === "string") this.mustBeKnown(selector, selects);
    return this.waits.wait(selects, options);
  }

  /**
   * Shuts down without a sudden end for clients. The server takes no new streams. It ends the open ones with
   * UNAVAILABLE, one after the other, each after at least one response. The time is bounded (P13). Resolves when
   * everything is closed. While `listen()` is running, it closes at once.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    checkOptions("drain()", options, { timeoutMs: true, paceMs: true });
    const { timeoutMs = 5_000, paceMs = 5 } = options;
    if (this.phase !== "listening" || !this.isOpen) return this.close();
    this.phase = "draining";
    this.waits.close(endedWhileWaiting());
    const stopped = Promise.all([this.grpc?.stop(), this.rest?.stop()]);
    const until = performance.now() + timeoutMs;
    const unavailable = new XdsError("DRAINING", "the server is shutting down; connect again, elsewhere if you can");
    await endPaced(this.admission.slots, unavailable, { timeoutMs, paceMs });
    this.grpc?.endWatches(unavailable);
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(100, until - performance.now()));
    });
    await Promise.race([stopped, timeIsUp]);
    clearTimeout(timer);
    await this.close();
  }

  /** Shuts down at once. Afterwards nothing listens. A running `listen()` rejects with WRONG_STATE. */
  async close(): Promise<void> {
    this.end();
    await this.opening;
  }

  /** Like {@link XdsServer.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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

  /**
   * Refuses a group that is probably a typing mistake. Such a group has no nodes, so it would seem to have applied
   * everything.
   * @throws XdsError INVALID_OPTION for a group with neither nodes nor a configuration
   */
  private mustBeKnown(group: string, selects: SelectsNode): void {
    for (const { node, caller } of this.streams) if (node && selects(node, caller)) return;
    const known = this.cache.keys?.();
    if (known && !known.includes(group)) throw unknownGroup(group, known);
    this.logger.info({ group }, "applied() waits for nothing: no connected node is in this group");
  }

  private selects(selector: NodeSelector): SelectsNode {
    if (typeof selector === "function") return selector;
    const { cache } = this;
    if (cache.inGroup) return (node, caller) => cache.inGroup?.(node, selector, caller) ?? false;
    const group = JSON.stringify(selector);
    throw new XdsError(
      "INVALID_OPTION",
      `this cache has no node groups, so no ${group}; give a function that picks nodes`,
    );
  }

  /** The node of a client that sends none. undefined if a client must send one. */
  private readonly anonymous = (): Node | undefined =>
    this.options.requireNode ? undefined : anonymousNode(this.api.registry);

  private openStream<R extends Request>(
    variant: Variant<R>,
    transport: Transport,
    type: ResourceType | undefined,
  ): Stream<R> {
    const stream = new Stream(variant, this.contexts[variant.name], transport, type);
    this.streams.add(stream);
    this.balance.opened(stream);
    this.counts.streamOpened(variant.name, stream.typeUrl);
    return stream;
  }

  /** @internal Answers another process that serves the configuration. Without CSDS the nodes are not shown. */
  async clientsForPeer(question: ClientStatusQuestion, signal: AbortSignal): Promise<Buffer> {
    return this.clientStatus ? answerPeer(this.clientStatus, question, signal) : Buffer.of();
  }

  private clientStatusHost(): ClientStatusHost | undefined {
    const { csds, authorize } = this.options;
    if (csds === false) return undefined;
    const rules = typeof csds === "function" ? [csds] : csds ? [authorize] : [loopbackOrSan(), authorize];
    return {
      api: this.api,
      limits: this.limits,
      work: new SharedWork("the client status service"),
      peerWork: new SharedWork("the client status for other processes"),
      queue: this.queue,
      clients: (caller) => {
        if (caller) this.unsent.check(caller.account);
        return streamsByNode(this.streams);
      },
      others: (question, signal) => this.askOthers?.(question, signal) ?? Promise.resolve([]),
      asked: async (caller, node) => {
        for (const rule of rules) await this.permissions.permit("csds", caller, node, rule);
        await this.callbacks.onClientStatusRequest?.(callerOf(caller), node);
      },
    };
  }
}

const closedWhileOpening = () =>
  new XdsError("WRONG_STATE", "the server was closed while it was about to listen; make a new one");

const endedWhileWaiting = () =>
  new XdsError("WRONG_STATE", "the server is shutting down or closed: what its nodes apply is no longer known");
