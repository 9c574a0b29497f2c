import { isDeepStrictEqual } from "node:util";
import type { ChangeCounts, ChangeWatch } from "../admin/change-watch.js";
import type { NodeGroup } from "../cache/node-group.js";
import type { NodeStatus } from "../cache/snapshot-cache.js";
import type { HeldChange } from "../control/reports.js";
import { messageOf, XdsError } from "../errors.js";
import { inTurns } from "../in-turns.js";
import { type Logger, silentLogger } from "../logger.js";
import { isOwnCommand } from "../own-command.js";
import type { Authorship, ContentHashes, Held, Published } from "../revisions/revision.js";
import type { Groups } from "../revisions/revision-blobs.js";
import type { Revisions } from "../revisions/revisions.js";
import { barredAs, type Head } from "../rollout/head.js";
import { type Configuration, emptyConfiguration } from "../source/reading/layers.js";
import type { Hash } from "../store/store.js";
import { comparing } from "./change-counts.js";
import { affectedNodes, moveReasons, removalReasons } from "./change-guards.js";
import type { Places } from "./emptied-directories.js";
import { type ConfigurationFinding, lineOf } from "./findings.js";
import type { HeadFollower } from "./head-follower.js";
import { type Views, withLive } from "./head-snapshots.js";
import { keeping, lacking } from "./kept-live.js";
import { configurationIn, type NodeRules, nodeGroupIn, nodeRulesIn, stored, viewing } from "./stored-configuration.js";
import { checkingVersions } from "./undo-check.js";

/** The result of publishing a configuration, and how it differs from the previous one. */
export interface PublishedChange {
  readonly configuration: Configuration;
  readonly published: Published;
  readonly counts: ChangeCounts;
  /** Whether nodes move to other groups, or groups get other layers, or layers remove other resources. */
  readonly hasOtherRules: boolean;
  /** The directories that the change has left without resources, and how many each has lost. */
  readonly emptied: ReadonlyMap<string, number>;
  /** The groups of the previous configuration. */
  readonly groupsBefore: readonly string[];
}

/** Options of a {@link RevisionPublisher}. */
export interface RevisionPublisherOptions {
  /** Where the configuration comes from, such as its paths. Each revision has it. */
  readonly source?: string;
  /** The URLs of the live types. Their resources reach all nodes at once, and belong to no revision. */
  readonly liveTypes: ReadonlySet<string>;
  /**
   * A change is held if it removes a larger share of a type from a group, or moves a larger share of the nodes to
   * another group. From 0 to 1. undefined: such changes are not held.
   */
  readonly removalShare: number | undefined;
  /** Whether a change is rolled out gradually, and not served to all nodes at once. */
  readonly isGradual: () => boolean;
  /** Whether nodes without a group are served the resources for all nodes, or nothing. */
  readonly servesOthers: boolean;
  /** Whether the rules that decide a node's group belong to revisions. */
  readonly hasRules: boolean;
  /** The connected nodes. */
  readonly nodes: () => readonly NodeStatus[];
  /** Called before each publish. `nodes` then has the nodes of other processes too. */
  readonly lookAtNodes?: () => Promise<void>;
  /** Whether a node has ever connected to this process. Default true. */
  readonly hadNodes?: () => boolean;
  /** Whether other servers of the store may have nodes that a change affects. Default false. */
  readonly hasOthers?: () => boolean;
  readonly logger?: Logger;
  /** Gets the result of each change. */
  readonly watch?: () => ChangeWatch | undefined;
  /** Called for a change that is published after an order or the end of a freeze, and not because files changed. */
  readonly onOrdered?: (change: PublishedChange) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The author of a configuration, and the conditions for publishing it. */
export interface PublishedBy {
  /** By default `server` publishes. */
  readonly authorship?: Authorship;
  /** The hash of a change that is not held for what it removes. Its first 8 digits are enough. */
  readonly approved?: Hash | undefined;
  /** As `PublishOptions.after`. */
  readonly after?: number | undefined;
}

/** The latest configuration that passed the gate. */
interface Wanted {
  readonly configuration: Configuration;
  readonly rules: NodeRules;
  readonly places: Places;
}

/** The wanted configuration in the form in which it is published. */
interface Prepared {
  /** By layer, without the live resources. */
  readonly layers: Groups;
  /** The live resources to serve, by layer. */
  readonly live: Groups;
  /** Whether live resources are removed, or were removed and are still served. */
  readonly hasLost: boolean;
  readonly views: Views;
  /** The group of a node by the new rules. undefined if rules do not belong to revisions. */
  readonly groupOf: NodeGroup | undefined;
}

/** The longest time of a timer, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;
/** How long the nodes of an earlier process may take to connect to this one, in milliseconds. */
const returnMs = 30_000;
const nothingBefore: Wanted = { configuration: emptyConfiguration, rules: { rules: [] }, places: new Map() };
const noChange: ChangeCounts = { added: 0, changed: 0, removed: 0 };

/**
 * Publishes configurations as revisions of a store, one after the other. It holds a change that removes too much, that
 * moves too many nodes to other groups, or that comes during a freeze. While a change is held, nodes keep what they
 * have.
 */
export class RevisionPublisher {
  private wanted: Wanted = nothingBefore;
  /** The last wanted configuration that was not held or barred. */
  private before = this.wanted;
  private heldChange: HeldChange | undefined;
  /** The hash of the change that is being approved. */
  private approved: Hash | undefined;
  /** The live resources that are served. undefined until they are read from the store. */
  private live: Groups | undefined;
  /** Whether removed live resources are still served because nodes need them. */
  private keepsLive = false;
  private last: Promise<unknown> = Promise.resolve();
  /** The content of the wanted configuration. */
  private content: Hash | undefined;
  /** The content of the wanted configuration while it is barred. */
  private barred: Hash | undefined;
  /** A configuration was not served. So the next one is compared with what is served, also by an earlier run. */
  private isBehind = false;
  /** Whether a configuration has been published since the start. */
  private isStarted = false;
  /** When the nodes of an earlier process may first have connected. undefined if the store had no revision. */
  private readonly restartedAt: number | undefined;
  private opened: Promise<void> | undefined;
  private thaw: NodeJS.Timeout | undefined;
  private isClosed = false;
  private readonly stopListening: () => void;
  private readonly logger: Logger;
  private readonly now: () => number;

  constructor(
    private readonly revisions: Revisions,
    private readonly follower: HeadFollower,
    private readonly options: RevisionPublisherOptions,
  ) {
    this.logger = options.logger ?? silentLogger;
    this.now = options.now ?? Date.now;
    let { frozen, stable } = revisions.head;
    this.restartedAt = stable > 0 ? this.now() : undefined;
    this.stopListening = revisions.onMove((head) => {
      this.noteBar(head);
      const isOther = head.frozen !== frozen || head.stable !== stable;
      if (this.keepsLive || (this.heldChange && isOther) || this.mayAgain(head)) void this.again();
      if (head.frozen !== frozen) this.awaitThaw(head.frozen?.until);
      ({ frozen, stable } = head);
    });
    this.awaitThaw(frozen?.until);
  }

  /** The change that is held now, if there is one. */
  held(): HeldChange | undefined {
    return this.heldChange;
  }

  /** The number of the stable revision. 0 if there is none. */
  get lastGood(): number {
    return this.revisions.head.stable;
  }

  /** The stable configuration, with the live resources. undefined if there is none. */
  async served(): Promise<Configuration | undefined> {
    return (await this.stable())?.configuration;
  }

  private async stable(): Promise<Wanted | undefined> {
    if (this.lastGood === 0) return undefined;
    const revision = await this.revisions.read(this.lastGood);
    const layers = await this.revisions.groupsOf(revision);
    const configuration = configurationIn(withLive(layers, await this.revisions.live()), revision.rules);
    return { configuration, rules: nodeRulesIn(revision.rules), places: new Map() };
  }

  /** Makes the cache follow the store, if it does not do so yet. The first `publish` calls it too. */
  open(): Promise<void> {
    this.opened ??= this.follower.open();
    return this.opened;
  }

  /** Reports a configuration that did not pass the gate: its first problem, and the number of the others. */
  failed(problems: readonly ConfigurationFinding[]): void {
    this.isBehind = true;
    const [first, ...others] = problems;
    const line = first ? lineOf(first) : "";
    this.options.watch?.()?.failed(others.length > 0 ? `${line} (and ${others.length} more)` : line);
  }

  /** Reports a configuration that passed the gate, and could not be published. */
  failedWith(error: unknown): void {
    this.options.watch?.()?.failed(messageOf(error));
  }

  /**
   * Publishes a configuration. When the promise resolves, the cache shows the result.
   * @throws XdsError the errors of the store and of the cache, after which nodes keep what they have; WRONG_STATE after
   * {@link RevisionPublisher.close}, and as {@link PublishedBy.after} says
   */
  publish(
    configuration: Configuration,
    rules: NodeRules,
    places: Places = new Map(),
    { authorship, approved, after }: PublishedBy = {},
  ): Promise<PublishedChange> {
    return this.alone(async () => {
      this.approved = approved;
      try {
        return await this.publishAlone({ configuration, rules, places }, authorship, after);
      } finally {
        this.approved = undefined;
      }
    });
  }

  /**
   * Publishes the held change. `content` is its hash, or at least the first 8 digits of it. The audit log has an entry
   * for it, even if it changes only live resources, or nothing any more.
   * @throws XdsError INVALID_OPTION if no change with this hash is held; WRONG_STATE during a freeze, or if the change
   * has become another one meanwhile, which needs its own approval
   */
  approve(content: Hash, { by, why }: { readonly by: string; readonly why?: string }): Promise<void> {
    return this.alone(async () => {
      const held = this.heldChange;
      if (!held || content.length < 8 || !held.content.startsWith(content))
        throw new XdsError(
          "INVALID_OPTION",
          `no change with the hash ${content} is held; ${held ? `the held change is ${held.content.slice(0, 12)}` : "nothing is held"}`,
        );
      if (this.revisions.isFrozen)
        throw new XdsError(
          "WRONG_STATE",
          "changes are frozen; end the freeze with `xds unfreeze`, then approve the change",
        );
      await this.revisions.noteApproval({ by, ...(why !== undefined && { why }) }, held.content, held.reasons);
      this.approved = held.content;
      try {
        await this.publishOrdered({ by, message: `approved: ${held.reasons.join("; ")}` });
      } finally {
        this.approved = undefined;
      }
      const now = this.heldChange;
      if (now)
        throw new XdsError("WRONG_STATE", `another change is held now: approve ${now.content.slice(0, 12)} instead`);
    });
  }

  /** Stops publishing. Resolves when a publishing that has begun is over. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.stopListening();
    clearTimeout(this.thaw);
    await this.last;
  }

  /** Publishes the held change when a freeze ends by itself. */
  private awaitThaw(until: number | undefined): void {
    clearTimeout(this.thaw);
    if (until === undefined) return;
    const waitMs = Math.min(Math.max(0, until - this.now()), longestTimerMs);
    this.thaw = setTimeout(() => {
      if (this.revisions.isFrozen) this.awaitThaw(until);
      else if (this.heldChange) void this.again();
    }, waitMs).unref();
  }

  private async publishAlone(
    wanted: Wanted,
    authorship: Authorship = { by: "server" },
    after?: number,
  ): Promise<PublishedChange> {
    const startedAt = performance.now();
    const { source, watch } = this.options;
    if (this.isBehind && this.before === nothingBefore) this.before = (await this.stable()) ?? nothingBefore;
    const groupsBefore = [...this.before.configuration.groups.keys()];
    const { counts, emptied, ...change } = await inTurns(comparing(this.before, wanted));
    const { layers, live: wantedLive, rules } = stored(wanted.configuration, wanted.rules, this.options.liveTypes);
    const views = await inTurns(viewing(wanted.configuration));
    const groupOf = this.options.hasRules ? nodeGroupIn(rules) : undefined;
    await inTurns(checkingVersions(views, this.follower.served));
    const { live, keeps, hasLost } = await this.liveToServe(wanted.configuration, wantedLive);
    const prepared: Prepared = { layers, live, hasLost, views, groupOf };
    this.follower.rememberLive(live);
    const isSeenBefore = wanted === this.wanted && this.heldChange !== undefined;
    let reasons: readonly string[] = [];
    const liveBefore = this.revisions.head.live;
    await this.options.lookAtNodes?.();
    const published = await this.revisions.publish(layers, {
      ...authorship,
      ...(source !== undefined && { source }),
      rules,
      live,
      after,
      onContent: (content) => {
        this.content = content;
        this.follower.remember(content, layers);
      },
      isHeld: async (hashes, isOnlyLive): Promise<Held> => {
        const rest = isOnlyLive ? [] : [...this.freezeReasons(), ...(await this.restReasons(hashes, prepared))];
        const ofLive = await this.liveReasons(hashes, prepared);
        reasons = [...new Set([...rest, ...ofLive])];
        return ofLive.length > 0 ? "all" : rest.length > 0 && "rest";
      },
      gradually: () => (this.options.isGradual() ? this.affected(prepared) : undefined),
    });
    this.wanted = wanted;
    const areLiveNew = this.revisions.head.live !== liveBefore;
    const isServed = published.result !== "held" && published.result !== "barred";
    if (isServed) this.before = wanted;
    else this.isBehind = true;
    if (published.result !== "held") this.isStarted = true;
    if (published.result === "held") this.hold(published.content, reasons);
    else this.heldChange = undefined;
    if (isServed || areLiveNew) {
      this.live = live;
      this.keepsLive = keeps;
    }
    await this.open();
    await this.follower.applied();
    const isSame = !isServed || (published.result === "unchanged" && !areLiveNew);
    const told = isSame ? noChange : counts;
    if (isServed) watch?.()?.apply(() => told, startedAt);
    else if (published.result === "held" && !isSeenBefore) watch?.()?.notServed();
    this.barred = undefined;
    this.noteBar(this.revisions.head);
    if (this.keepsLive && published.result === "served") await this.republishLive();
    const hasOtherRules = change.hasOtherRules && published.result !== "unchanged";
    return { configuration: wanted.configuration, published, counts: told, hasOtherRules, emptied, groupsBefore };
  }

  /** Publishes the wanted configuration after an order or the end of a freeze. */
  private async publishOrdered(authorship?: Authorship): Promise<void> {
    const wasHeld = this.heldChange !== undefined;
    const change = await this.publishAlone(this.wanted, authorship);
    if (change.published.result !== "unchanged") this.options.onOrdered?.(change);
    else if (wasHeld) this.logger.info({}, "no change is held any more: what is served is what the files have");
  }

  /** Publishes the wanted configuration once more if the head's move allows it. Otherwise it updates live resources. */
  private again(): Promise<void> {
    return this.alone(async () => {
      try {
        await this.follower.applied();
        if (this.heldChange || this.mayAgain(this.revisions.head)) await this.publishOrdered();
        else if (this.keepsLive) await this.republishLive();
      } catch (error) {
        this.logger.error(
          { error: messageOf(error) },
          "the configuration could not be published after an order or the end of a freeze",
        );
      }
    }).catch(() => {}); // the publisher is closed
  }

  /** Remembers whether the wanted configuration is barred. An order or a rollback can bar it at any time. */
  private noteBar(head: Head): void {
    const barred = this.content === undefined ? undefined : barredAs(head, this.content);
    if (!barred || this.barred === this.content) return;
    this.barred = this.content;
    const text = barredText(barred);
    this.logger.warn({ revision: barred.revision }, text);
    this.options.watch?.()?.failed(text);
  }

  /** Whether the wanted configuration was barred, and is no longer barred. */
  private mayAgain(head: Head): boolean {
    return this.barred !== undefined && this.barred === this.content && !barredAs(head, this.barred);
  }

  /** Stops serving the removed live resources that no node needs any more. */
  private async republishLive(): Promise<void> {
    const { configuration, rules } = this.wanted;
    const { live, keeps } = await this.liveToServe(
      configuration,
      stored(configuration, rules, this.options.liveTypes).live,
    );
    this.follower.rememberLive(live);
    await this.revisions.publishLive(live);
    this.keepsLive = keeps;
    this.live = live;
    await this.follower.applied();
  }

  /** Notes that a change is held. The same change can be held for other reasons than before. Then they are logged. */
  private hold(content: Hash, reasons: readonly string[]): void {
    const before = this.heldChange?.content === content ? this.heldChange : undefined;
    if (before && isDeepStrictEqual(before.reasons, reasons)) return;
    this.heldChange = { content, reasons, at: before?.at ?? this.now() };
    for (const reason of reasons) this.logger.warn({ content }, reason);
    const remedy = this.revisions.isFrozen
      ? "it waits for the end of the freeze"
      : `\`xds approve ${content.slice(0, 12)}\` serves it`;
    this.logger.warn({ content }, `a change is held; ${remedy}`);
  }

  private freezeReasons(): readonly string[] {
    const { frozen, stable } = this.revisions.head;
    if (!frozen || !this.revisions.isFrozen || stable === 0) return [];
    return [`${frozen.by} has frozen changes: ${frozen.why}`];
  }

  private isApproved(hash: Hash): boolean {
    return this.approved !== undefined && hash.startsWith(this.approved);
  }

  /** The reasons of the guards to hold all but the live resources. Empty if they can be published. */
  private async restReasons({ content, whole }: ContentHashes, { views, groupOf }: Prepared) {
    const { removalShare: share, servesOthers, nodes } = this.options;
    const isApproved = this.isApproved(content) || this.isApproved(whole);
    if (this.revisions.head.stable === 0 || isApproved || share === undefined) return [];
    await this.open();
    const served = this.follower.served?.stable ?? new Map();
    const removals = removalReasons({ served, views: [views], share, servesOthers });
    return groupOf ? [...removals, ...moveReasons({ nodes: nodes(), served, views, groupOf, share })] : removals;
  }

  /**
   * The reasons of the guards to hold the live resources too. Nodes with the stable revision would lose too many of
   * them, and the wanted configuration does not have them either.
   */
  private async liveReasons({ whole }: ContentHashes, { views, live, hasLost }: Prepared) {
    const { removalShare: share, servesOthers, liveTypes } = this.options;
    const { served, servedRevisions } = this.follower;
    const [stable] = servedRevisions;
    if (!hasLost || !served || !stable || this.isApproved(whole) || share === undefined) return [];
    const withStable = await inTurns(viewing(configurationIn(withLive(stable.layers, live), stable.rules)));
    const given = { served: served.stable, views: [withStable, views], share, servesOthers, only: liveTypes };
    return removalReasons(given);
  }

  /**
   * The ids of the affected nodes: connected nodes that the configuration changes. undefined if there are none, so that
   * nothing has to be rolled out. The list is empty if affected nodes may still connect, or have no id. A node without
   * an id cannot be the first node of a rollout, nor can a command such as `xds watch`.
   */
  private affected({ views, groupOf }: Prepared): readonly string[] | undefined {
    const { served } = this.follower;
    if (!served || !this.isStarted) return [];
    const { liveTypes, servesOthers } = this.options;
    const nodes = this.options.nodes();
    const affected = affectedNodes({ nodes, served: served.stable, views, groupOf, liveTypes, servesOthers });
    if (affected.length === 0 && !this.mayHaveMore(nodes)) return undefined;
    return affected.filter((node) => node.id !== "" && !isOwnCommand(node)).map(({ id }) => id);
  }

  /** Whether nodes that have a configuration of this store may be disconnected now, or connected elsewhere. */
  private mayHaveMore(connected: readonly NodeStatus[]): boolean {
    const { restartedAt } = this;
    if (this.options.hasOthers?.()) return true;
    if (restartedAt !== undefined && this.now() - restartedAt < returnMs) return true;
    const hadNodes = restartedAt !== undefined || (this.options.hadNodes?.() ?? true);
    return hadNodes && connected.every(({ node }) => isOwnCommand(node));
  }

  /** The live resources to serve: the wanted ones `live`, and the removed ones that nodes still need. */
  private async liveToServe(wanted: Configuration, live: Groups) {
    this.live ??= await this.revisions.live();
    const gone = await inTurns(lacking(this.live, live));
    if (gone.length === 0 || this.lastGood === 0) return { live, keeps: false, hasLost: false };
    await this.open();
    const served = this.follower.servedRevisions.map(({ layers, rules }) =>
      configurationIn(withLive(layers, live), rules),
    );
    const kept = await inTurns(keeping({ live, gone, wanted, served }));
    return { live: kept ?? live, keeps: kept !== undefined, hasLost: true };
  }

  private alone<T>(act: () => Promise<T>): Promise<T> {
    const result = this.last.then(() => {
      if (this.isClosed) throw new XdsError("WRONG_STATE", "the publisher is closed");
      return act();
    });
    this.last = result.catch(() => {});
    return result;
  }
}

const barredText = ({ revision, why }: { readonly revision: number; readonly why: string }) =>
  `the configuration in the files was served as @${revision} and is now barred: ${why}`;
