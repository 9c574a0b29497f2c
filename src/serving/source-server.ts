import type { AdminOptions, AdminServer } from "../admin/admin-server.js";
import type { Failure } from "../admin/change-watch.js";
import type { RevisionFacts } from "../admin/revision-facts.js";
import type { NodeGroup } from "../cache/node-group.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { Control } from "../control/control.js";
import { ControlPort } from "../control/control-port.js";
import { ControlServer } from "../control/control-server.js";
import { isoTime, type WaveReport } from "../control/reports.js";
import { TokenFile } from "../control/token-file.js";
import { messageOf, XdsError } from "../errors.js";
import type { Served } from "../fleet/replica.js";
import { type Logger, silentLogger } from "../logger.js";
import { checkOptions, type OptionNames } from "../options.js";
import { RationedLog } from "../rationed-log.js";
import { endpointType, secretType } from "../resource/types.js";
import type { Published } from "../revisions/revision.js";
import { Revisions } from "../revisions/revisions.js";
import type { Rollout } from "../rollout/rollout.js";
import type { DrainOptions } from "../server/admission/drain.js";
import { XdsServer } from "../server/xds-server.js";
import type { Address, ListenOptions, XdsServerOptions } from "../server/xds-server-options.js";
import type { GoodReading, Reading, Source } from "../source/reading/source.js";
import type { TlsFilePaths } from "../source/secrets/tls-files.js";
import { MemoryStore } from "../store/memory-store.js";
import type { Store } from "../store/store.js";
import { type CheckSettings, ConfigurationGate, type GateOptions } from "./configuration-gate.js";
import type { ConfigurationFinding, Locate } from "./findings.js";
import { Fleet } from "./fleet.js";
import { HeadFollower } from "./head-follower.js";
import { joinedCallbacks } from "./joined-callbacks.js";
import { commonGroup, nodeGroups } from "./node-groups.js";
import { RefusalMarks } from "./refusal-marks.js";
import { Replica } from "./replica.js";
import { ReplicaStore } from "./replica-store.js";
import { type PublishedBy, RevisionPublisher } from "./revision-publisher.js";
import { Rollouts, type RolloutsOptions } from "./rollouts.js";
import { ServerCertificates } from "./server-certificates.js";
import { ServingLog } from "./serving-log.js";
import { configurationIn, type NodeRules, nodeGroupIn, nodeRulesIn, viewing } from "./stored-configuration.js";
import { checkUndo } from "./undo-check.js";
import type { Workers } from "./workers.js";

/** Options of a {@link SourceServer}. */
export interface SourceServerOptions {
  /**
   * Returns the group of a node. {@link nodeGroups} makes such functions. By default the node's id is its group.
   * Instead of this option, `rules` can be given. Rules belong to each revision, and can change with
   * {@link SourceServer.use}.
   */
  readonly nodeGroup?: NodeGroup;
  readonly rules?: NodeRules | undefined;
  /**
   * The store for the revisions. It is closed with the server. By default revisions are in memory, and lost when the
   * process ends. {@link ReplicaStore} makes a store that several servers share.
   */
  readonly store?: Store | undefined;
  /**
   * Called for the rules of each revision before it is served. If it throws, the revision is not served. By default all
   * rules are served.
   */
  readonly checkRules?: (rules: NodeRules) => void;
  /** Where the configuration comes from, such as its paths. Each revision has it. */
  readonly sourceName?: string;
  /** How many revisions are kept. Default 50. */
  readonly keepRevisions?: number;
  /** The limits above which a change is held. */
  readonly guards?: GuardOptions;
  /** Where the server takes orders, such as those of `xds undo`. By default it takes none. */
  readonly control?: ControlSettings | undefined;
  /** Watches the rollouts of the store, and takes them forward or back. By default there are none. */
  readonly rollout?: RolloutsOptions | undefined;
  /** Whether changes of the source are rolled out gradually. By default they are if `rollout` is given. */
  readonly isGradual?: boolean;
  /**
   * The URLs of the live types. Their resources reach all nodes at once, and belong to no revision. Default: endpoints
   * and secrets.
   */
  readonly liveTypes?: readonly string[];
  /**
   * Where other servers of a shared store reach the gRPC port of this one: `host:port`. Default: the address that it
   * listens on, or the name of the host if that is every address.
   */
  readonly advertise?: string | undefined;
  /**
   * Whether a server that has many more streams than the others of a shared store sends nodes to them. Default true.
   */
  readonly balance?: boolean;
  /** What nodes get if the source does not have their group: the resources for all nodes (the default), or nothing. */
  readonly unmatchedNodes?: "default" | "none";
  /** The checks that a configuration must pass before it is served. Default `on`. */
  readonly validation?: GateOptions["validation"];
  /** Additional checks. */
  readonly checks?: CheckSettings;
  /** Options of the xDS server. The default of its `logger` is the one below. */
  readonly server?: XdsServerOptions;
  /** The server's certificates. When the files change, the new ones are used. By default the server has no TLS. */
  readonly tls?: TlsFilePaths | undefined;
  /** The admin port. By default there is none. */
  readonly admin?: Pick<AdminOptions, "host" | "port" | "allowedHosts" | "connections"> | undefined;
  /** Receives a line for each change that is served or refused, and for each warning. By default nothing is logged. */
  readonly logger?: Logger;
  /** @internal Processes that serve in place of this server, which then does not listen itself. */
  readonly workers?: Workers | undefined;
  /** @internal The name of this process if it is one of these. */
  readonly worker?: string | undefined;
  /** @internal Finds the places of fields. The default does it in this thread. */
  readonly locate?: Locate | undefined;
}

/** Where orders are taken. */
export interface ControlSettings {
  /** The directory of the Unix socket. Usually it is the directory of the store. */
  readonly stateDirectory?: string | undefined;
  /** The path of the file with the tokens for orders on the admin port. */
  readonly tokenFile?: string | undefined;
}

/** How often workers are asked about the nodes in a rollout, in milliseconds. */
const workersEveryMs = 250;

const defaultLiveTypes = [endpointType, secretType];

/** A reading, and the rules that were in use when it came. */
interface Found {
  readonly reading: Reading;
  readonly rules: NodeRules;
}

/** The wait before a configuration is published again after the store has failed, in milliseconds. */
const retryMs = 10_000;

/** Limits above which a change is held until it is approved. */
export interface GuardOptions {
  /**
   * The largest share of a type that a change can remove from a group, from 0 to 1, or `off`. Above it, the change is
   * held if it removes at least ten resources of the type. A change that leaves nothing of a type is always held,
   * except with `off`. Default 0.5.
   */
  readonly removal?: number | "off";
}

const optionNames: OptionNames<SourceServerOptions> = {
  nodeGroup: true,
  rules: true,
  store: true,
  checkRules: true,
  sourceName: true,
  keepRevisions: true,
  guards: true,
  control: true,
  rollout: true,
  isGradual: true,
  liveTypes: true,
  advertise: true,
  balance: true,
  checks: true,
  unmatchedNodes: true,
  validation: true,
  server: true,
  tls: true,
  admin: true,
  logger: true,
  workers: true,
  worker: true,
  locate: true,
};

/** The result of the first configuration. */
export type FirstResult =
  /**
   * The configuration passed the gate. `published` is the result of publishing it, which can also be `held` or
   * `barred`.
   */
  | (GoodReading & { readonly published: Published })
  /** The configuration has errors, and the store has no revision. Nothing is served, and everything is closed. */
  | { readonly problems: readonly ConfigurationFinding[]; readonly lastGood?: undefined }
  /** The configuration has errors. The last good revision of the store is served, which has this number. */
  | { readonly problems: readonly ConfigurationFinding[]; readonly lastGood: number }
  /**
   * The store decides what is served: there is no source, or its configuration waits until the store answers. The
   * revision that is served has this number. It is 0 if nothing is served yet.
   */
  | { readonly follows: number };

/**
 * Serves what a source finds, as `xds serve` does. Each configuration must pass a gate, and becomes a revision of a
 * store. Then it is served to all groups at once, or rolled out gradually. If a configuration does not pass, the
 * previous one stays served, and the log has the reason.
 *
 * Without a source, the server is a replica: it serves what others publish to the store.
 */
export class SourceServer {
  /** The served resources, by node group. {@link commonGroup} is the group for nodes without a group. */
  readonly cache: SnapshotCache;
  readonly server: XdsServer;
  private readonly logger: Logger;
  private readonly log: ServingLog;
  private readonly gate: ConfigurationGate;
  private readonly rollouts: Rollouts | undefined;
  private readonly store: Store;
  private readonly marks: RefusalMarks;
  private readonly replica: Replica | undefined;
  /** This process and its workers, or this worker. */
  private readonly processes: Fleet | undefined;
  private rules: NodeRules;
  private openedRevisions: Revisions | undefined;
  private follower: HeadFollower | undefined;
  private openedPublisher: RevisionPublisher | undefined;
  private controlServer: ControlServer | undefined;
  private startedAdmin: AdminServer | undefined;
  private openedCertificates: ServerCertificates | undefined;
  /** A reading that the gate has not checked yet. A newer reading replaces it. */
  private next: Found | undefined;
  /** Publishes a reading again after the store has failed. */
  private retry: NodeJS.Timeout | undefined;
  /** The last reading that could not be published. The log has the reason. */
  private failed: Found | undefined;
  private noted: Promise<void> | undefined;
  private isOpen = false;
  /** Why the newest settings are not in use. */
  private settingsFailure: Failure | undefined;
  /** The number of the last revision that passed the gate, if it is served. */
  private passedRevision: number | undefined;
  private isClosed = false;

  /** @throws XdsError INVALID_OPTION */
  constructor(
    private readonly source: Source | undefined,
    private readonly options: SourceServerOptions = {},
  ) {
    checkOptions("SourceServer", options, optionNames);
    oneOf("unmatchedNodes", options.unmatchedNodes, ["default", "none"]);
    oneOf("validation", options.validation, ["on", "strict", "off"]);
    if (options.nodeGroup && options.rules)
      throw new XdsError("INVALID_OPTION", "nodeGroup and rules are both given; give only one of them");
    const { unmatchedNodes = "default", validation = "on", logger = silentLogger, locate, checks } = options;
    const { rules, rollout, server, nodeGroup = rules && nodeGroups(rules.rules, rules.field) } = options;
    const servesOthers = unmatchedNodes === "default";
    this.logger = logger;
    this.log = new ServingLog(logger);
    this.store = options.store ?? new MemoryStore();
    this.rules = rules ?? { rules: [] };
    this.cache = new SnapshotCache({
      ...(nodeGroup && { nodeGroup }),
      ...(servesOthers && { fallbackGroup: commonGroup }),
    });
    if (this.store instanceof ReplicaStore)
      this.replica = new Replica(this.store, {
        server: () => this.server,
        served: () => this.servedNow,
        certificate: () => this.openedCertificates?.contents,
        advertise: options.advertise,
        evidence: (rollout, mark) => this.rollouts?.changesSince(rollout, mark),
        // Not during a rollout: it would count nodes that move as lost.
        mayMove: options.balance === false ? undefined : () => !this.isClosed && !this.openedRevisions?.head.rollout,
        logger,
      });
    const { workers, worker } = options;
    if (workers || worker !== undefined)
      this.processes = Fleet.of({
        ...{ server: () => this.server, served: () => this.servedNow, logger, kind: "worker" },
        ...{ name: () => worker ?? "main", peers: workers ?? { others: [] } },
        evidence: (rollout, mark) => this.rollouts?.changesSince(rollout, mark),
      });
    const isDriven = worker !== undefined;
    // Each server of a shared store watches its rollouts: others need to know what its nodes have applied.
    const watched = rollout ?? (this.replica || isDriven ? {} : undefined);
    this.rollouts =
      watched &&
      new Rollouts(this.cache, () => this.server, logger, {
        ...{ ...watched, fleet: this.fleet, isDriven },
        ...(workers && { askEveryMs: workersEveryMs }),
      });
    const callbacks = this.rollouts ? joinedCallbacks(this.rollouts.callbacks, server?.callbacks) : server?.callbacks;
    this.marks = new RefusalMarks(this.store, logger);
    const { openRefusals } = this.marks;
    this.server = new XdsServer(this.cache, { logger, openRefusals, ...server, ...(callbacks && { callbacks }) });
    this.server.peers = this.replica;
    const { replica } = this;
    if (replica) this.server.askOthers = (question, signal) => replica.fleet.clients(question, signal);
    const liveTypes = new Set(options.liveTypes ?? defaultLiveTypes);
    this.gate = new ConfigurationGate({ validation, servesOthers, liveTypes, ...checks }, this.log.findings, locate);
  }

  /** The admin port. undefined before {@link SourceServer.open}, or if there is none. */
  get admin(): AdminServer | undefined {
    return this.startedAdmin;
  }

  /** The server's certificates. undefined before {@link SourceServer.open}, or without TLS. */
  get certificates(): ServerCertificates | undefined {
    return this.openedCertificates;
  }

  /** The revisions. undefined before {@link SourceServer.open}. */
  get revisions(): Revisions | undefined {
    return this.openedRevisions;
  }

  /** The publisher of revisions. undefined before {@link SourceServer.open}, and without a source. */
  get publisher(): RevisionPublisher | undefined {
    return this.openedPublisher;
  }

  /** @internal Notes that nodes have an open refusal at another process, where they were connected. */
  noteRefusals(marks: Iterable<unknown>): void {
    this.marks.openRefusals.add(marks);
  }

  /**
   * This server and the others that share its store. undefined if the store is not a {@link ReplicaStore}. The others
   * are known a moment after {@link SourceServer.listen}.
   */
  get fleet(): Fleet | undefined {
    return this.replica?.fleet ?? this.processes;
  }

  private get servedNow(): Served {
    const { stable = 0, live = 0 } = this.follower?.served?.head ?? {};
    return { stable, live };
  }

  /** A report on the nodes of the present rollout. `undefined` without gradual rollouts. */
  rolloutReport(): ReturnType<Rollouts["report"]> | undefined {
    return this.rollouts?.report();
  }

  /**
   * Uses another level of validation from now on, and other rules for the readings that come from now on. A reading
   * that came before keeps the rules that it came with.
   */
  use({ validation, rules }: { readonly validation?: GateOptions["validation"]; readonly rules?: NodeRules }): void {
    if (validation) this.gate.use(validation);
    if (rules) this.rules = rules;
  }

  /**
   * Reports at the admin port that new settings cannot be used, and why, until it is called with `undefined`. The log
   * is the caller's part.
   */
  settingsFailed(message: string | undefined): void {
    const since = this.settingsFailure?.since ?? Date.now();
    this.settingsFailure = message === undefined ? undefined : { since, message };
  }

  /**
   * Starts serving. Call it once, then {@link SourceServer.listen}. It reads the certificates, starts the admin port,
   * publishes the first configuration, and follows the source from then on. `read` is called with the first reading.
   * Without a source, it follows the store only.
   *
   * Resolves with what is served, or with the problems of the first configuration. After problems, the last revision of
   * the store is served. If the store has none, and after any error, everything is closed.
   * @throws XdsError INVALID_OPTION for certificates that cannot be used; CANNOT_LISTEN for the admin port; the errors
   * of the store
   */
  async open(read: (reading: Reading) => void = () => {}): Promise<FirstResult> {
    try {
      const { tls, admin } = this.options;
      if (tls) this.openedCertificates = await ServerCertificates.open(tls, this.server, this.logger);
      const { revisions, follower } = await this.openRevisions();
      const publisher = this.source && this.makePublisher(revisions, follower);
      const control = this.makeControl(revisions, follower, publisher);
      if (admin) this.startedAdmin = await this.startAdmin(admin, control);
      const { stateDirectory } = this.options.control ?? {};
      if (stateDirectory !== undefined) await this.takeOrders(control, stateDirectory);
      await this.marks.open();
      const first =
        this.source && publisher ? await this.publishFirst(this.source, publisher, read) : await this.follow(follower);
      await this.noteEarlier();
      this.isOpen = true;
      if ("problems" in first && first.lastGood === undefined) await this.close();
      return first;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private makeControl(revisions: Revisions, follower: HeadFollower, publisher: RevisionPublisher | undefined): Control {
    const { liveTypes } = this.options;
    return new Control(revisions, {
      ...(publisher && { approvals: publisher }),
      checkUndo: (revision) => checkUndo(revision, revisions, follower),
      ...(liveTypes && { liveTypes }),
      isGradual: this.isGradual,
      evidence: () => this.waveReport(),
    });
  }

  /**
   * Takes orders on a socket, if possible. Some systems and file systems have no sockets. Everything else works there.
   */
  private async takeOrders(control: Control, stateDirectory: string): Promise<void> {
    try {
      this.controlServer = await ControlServer.start(control, stateDirectory, { logger: this.logger });
    } catch (error) {
      this.logger.warn(
        { error: messageOf(error) },
        "orders cannot be taken on a socket; commands such as `xds undo` need the admin port and a token file",
      );
    }
  }

  private get isGradual(): boolean {
    return this.options.isGradual ?? this.options.rollout !== undefined;
  }

  private revisionFacts(): RevisionFacts | undefined {
    const { openedRevisions: revisions, openedPublisher: publisher, rollouts, store } = this;
    const { away } = store;
    if (!revisions) return undefined;
    const { stable, rollout, frozen, barred } = revisions.head;
    const held = publisher?.held();
    const { ended = { done: 0, rolledBack: 0 } } = rollouts ?? {};
    return {
      ...{ stable, barred: barred.length, ended },
      ...(rollout && { rollout: rolloutFacts(rollout) }),
      ...(store instanceof ReplicaStore && { store: { ...(away && { away }) } }),
      ...(held && { held }),
      ...(frozen && revisions.isFrozen && { frozen: { by: frozen.by, why: frozen.why } }),
    };
  }

  private waveReport(): WaveReport | undefined {
    const report = this.rollouts?.report();
    if (!report) return undefined;
    const { affected, candidates, nodes, gates, silent, bakeEndsAt } = report;
    const pending = nodes.filter(({ pendingSince }) => pendingSince !== undefined).map(({ id }) => id);
    return {
      ...{ affected: affected.length, candidates: candidates.length, pending: pending.slice(0, 100), gates },
      ...(bakeEndsAt !== undefined && { bakeEndsAt: isoTime(bakeEndsAt) }),
      ...(silent.length > 0 && { unknown: silent.map(({ name, why }) => ({ replica: name, why })) }),
    };
  }

  private async startAdmin(options: NonNullable<SourceServerOptions["admin"]>, control: Control): Promise<AdminServer> {
    // Loaded only if needed.
    const { AdminServer } = await import("../admin/admin-server.js");
    const { loadTracing } = await import("../admin/tracing.js");
    if (this.rollouts) this.rollouts.startSpan ??= await loadTracing();
    const { cache: groups, certificates, logger } = this;
    const { workers, control: { tokenFile } = {} } = this.options;
    const tokens = tokenFile === undefined ? undefined : await TokenFile.open(tokenFile);
    const revisions = () => this.revisionFacts();
    const failure = () => this.settingsFailure;
    const port = new ControlPort(control, tokens, new RationedLog(logger));
    return AdminServer.start(this.server, {
      ...options,
      groups,
      certificates,
      settings: {
        get failure() {
          return failure();
        },
      },
      logger,
      group: commonGroup,
      control: port,
      revisions,
      workers,
      ...(workers && { watched: this.processes }),
      fleet: this.replica?.fleet,
    });
  }

  private async openRevisions(): Promise<{ readonly revisions: Revisions; readonly follower: HeadFollower }> {
    const { cache, logger, options, rollouts, store } = this;
    const { keepRevisions, rules, unmatchedNodes, checkRules } = options;
    const revisions = await Revisions.open(store, keepRevisions === undefined ? {} : { keep: keepRevisions });
    const follower = new HeadFollower(revisions, cache, {
      viewing: (layers, stored) => {
        checkRules?.(nodeRulesIn(stored));
        return viewing(configurationIn(layers, stored));
      },
      ...(rules && { groupsOf: nodeGroupIn }),
      ...(unmatchedNodes !== "none" && { fallbackGroup: commonGroup }),
      logger,
      onServed: ({ head }) => {
        rollouts?.wake();
        this.replica?.progress.look();
        if (store instanceof ReplicaStore) store.served(head);
        if (this.isOpen) void this.noteEarlier(); // there was nothing to serve at the start
      },
    });
    this.openedRevisions = revisions;
    this.follower = follower;
    return { revisions, follower };
  }

  private makePublisher(revisions: Revisions, follower: HeadFollower): RevisionPublisher {
    const { cache, logger, options } = this;
    const { rules, unmatchedNodes, guards, sourceName, workers, liveTypes = defaultLiveTypes } = options;
    const removal = guards?.removal ?? 0.5;
    const publisher = new RevisionPublisher(revisions, follower, {
      ...(sourceName !== undefined && { source: sourceName }),
      liveTypes: new Set(liveTypes),
      removalShare: removal === "off" ? undefined : removal,
      isGradual: () => this.isGradual,
      nodes: () => workers?.nodes ?? cache.status(),
      hadNodes: () => workers?.hadNodes ?? this.server.report().counters.streams.length > 0,
      ...(workers && { lookAtNodes: () => workers.lookAtNodes() }),
      hasOthers: () => (this.replica?.fleet.others.length ?? 0) > 0,
      servesOthers: unmatchedNodes !== "none",
      hasRules: rules !== undefined,
      logger,
      watch: () => this.admin?.changes,
      onOrdered: (change) => this.log.published(change),
    });
    this.openedPublisher = publisher;
    return publisher;
  }

  /** Serves what the store has, and follows it from then on. */
  private async follow(follower: HeadFollower): Promise<FirstResult> {
    await follower.open();
    return { follows: follower.served?.head.stable ?? 0 };
  }

  /** Tells the cache once what nodes were served before. It waits until something is served. */
  private noteEarlier(): Promise<void> {
    if (!this.follower?.served) return Promise.resolve();
    this.noted ??= this.follower.noteEarlier();
    return this.noted;
  }

  private async publishFirst(
    source: Source,
    publisher: RevisionPublisher,
    read: (reading: Reading) => void,
  ): Promise<FirstResult> {
    let isBusy = true;
    const publishAll = async () => {
      isBusy = true;
      clearTimeout(this.retry);
      for (let next = this.next; next && !this.isClosed; next = this.next) {
        this.next = undefined;
        const found = next;
        if (await this.publish(found, publisher)) continue;
        const again = () => {
          this.next ??= found;
          if (!isBusy) void publishAll();
        };
        if (!this.next && !this.isClosed) this.retry = setTimeout(again, retryMs).unref();
      }
      isBusy = false;
    };
    const reading = await source.open((later) => {
      this.next = { reading: later, rules: this.rules };
      if (!isBusy) void publishAll();
    });
    const { rules } = this;
    read(reading);
    const lastGood = publisher.lastGood;
    const first = await this.gate.check(reading, () => publisher.served());
    if ("problems" in first) {
      if (lastGood === 0) return { problems: first.problems };
      publisher.failed(first.problems);
      await publisher.open();
      void publishAll();
      return { problems: first.problems, lastGood };
    }
    try {
      const { published } = await publisher.publish(first.configuration, rules, first.places, this.publishedBy);
      this.passed(published);
      this.log.revision(published);
      void publishAll();
      return { ...first, published };
    } catch (error) {
      if (!isAway(error)) throw error;
      const found = { reading, rules };
      this.notPublished(found, error, publisher);
      await publisher.open();
      this.next ??= found;
      void publishAll();
      return { follows: publisher.lastGood };
    }
  }

  /**
   * Publishes a new configuration, or logs why the previous one is still served. Returns false if it should be tried
   * again later, because the store has failed.
   */
  private async publish(found: Found, publisher: RevisionPublisher): Promise<boolean> {
    try {
      // After an order or a rollback, the served configuration is not the one that passed last.
      if (publisher.lastGood !== this.passedRevision) this.gate.forget();
      const reading = await this.gate.check(found.reading, () => publisher.served());
      if (this.isClosed) return true;
      if ("problems" in reading) {
        this.log.refused(reading.problems);
        publisher.failed(reading.problems);
        return true;
      }
      const change = await publisher.publish(reading.configuration, found.rules, reading.places, this.publishedBy);
      this.passed(change.published);
      this.log.published(change);
      return true;
    } catch (error) {
      this.notPublished(found, error, publisher);
      return !(error instanceof XdsError && (error.code === "STORE_FAILED" || isAway(error)));
    }
  }

  /** Publishers that share a store do not replace what they do not know. */
  private get publishedBy(): PublishedBy {
    const { openedRevisions: revisions } = this;
    return this.store instanceof ReplicaStore && revisions ? { after: revisions.head.next - 1 } : {};
  }

  /** Reports why a configuration could not be published. For each reading the log has one line. */
  private notPublished(found: Found, error: unknown, publisher: RevisionPublisher): void {
    const text = "the configuration cannot be published, because the store is away; it is tried again until it answers";
    if (found !== this.failed && isAway(error)) this.logger.error({ error: messageOf(error) }, text);
    else if (found !== this.failed) this.log.failed(error);
    this.failed = found;
    this.gate.forget(); // it has noted a configuration that is not served
    publisher.failedWith(error);
  }

  private passed(published: Published): void {
    const isStable = published.result === "served" || published.result === "unchanged";
    this.passedRevision = isStable ? published.revision.number : undefined;
  }

  /**
   * Listens for gRPC, and for REST if a port is given. Resolves with the addresses.
   * @throws XdsError as {@link XdsServer.listen}
   */
  async listen(options: ListenOptions = {}): Promise<{ grpc: Address; rest?: Address }> {
    const addresses = await (this.options.workers ?? this.server).listen(options);
    this.replica?.start(addresses.grpc);
    // Nodes can connect from now on. So a rollout is judged from now on.
    if (this.openedRevisions && this.follower) {
      const shared = this.store instanceof ReplicaStore ? this.store : undefined;
      this.rollouts?.open(this.openedRevisions, this.follower, shared);
    }
    return addresses;
  }

  /** Stops following the source, drains all streams (see {@link XdsServer.drain}), and closes. */
  async drain(options: DrainOptions = {}): Promise<void> {
    this.isClosed = true;
    const rollouts = this.rollouts?.close(); // first, so that disconnected nodes do not count as lost
    await Promise.all([
      rollouts,
      this.source?.close(),
      this.server.drain(options),
      this.options.workers?.drain(options),
    ]);
    await this.close();
  }

  /** Closes the source and all listeners. Resolves when nothing is left that keeps the process running. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    const { source, server, certificates, admin } = this;
    await Promise.all([
      source?.close(),
      server.close(),
      this.options.workers?.close(),
      certificates?.close(),
      admin?.close(),
      this.rollouts?.close(),
      this.controlServer?.close(),
    ]);
    await this.openedPublisher?.close();
    this.follower?.close();
    this.openedRevisions?.close();
    await this.noted;
    await this.replica?.close();
    await this.marks.close();
    await this.store.close();
  }

  /** Like {@link SourceServer.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function rolloutFacts({
  revision,
  wave,
  share,
  state,
  waitsFor,
  paused,
}: Rollout): NonNullable<RevisionFacts["rollout"]> {
  const why = waitsFor === undefined ? {} : { waitsFor };
  return { revision, wave, share, state, ...why, ...(paused && { paused: paused.why }) };
}

const isAway = (error: unknown): boolean => error instanceof XdsError && error.code === "STORE_AWAY";

function oneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw new XdsError("INVALID_OPTION", `${name} must be one of ${allowed.join(", ")}, is ${JSON.stringify(value)}`);
}
