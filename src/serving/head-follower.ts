import type { JsonValue } from "@bufbuild/protobuf";
import type { Node, NodeGroup } from "../cache/node-group.js";
import type { SnapshotCache } from "../cache/snapshot-cache.js";
import type { Caller } from "../caller.js";
import { messageOf, XdsError } from "../errors.js";
import { inTurns } from "../in-turns.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Snapshot } from "../resource/snapshot.js";
import type { Groups } from "../revisions/revision-blobs.js";
import type { Revisions } from "../revisions/revisions.js";
import type { Head } from "../rollout/head.js";
import type { Rollout } from "../rollout/rollout.js";
import { choosingCandidates, makingSnapshots, type Snapshots, type Views, withLive } from "./head-snapshots.js";
import { LayerMemory, type Layers } from "./layer-memory.js";
import { type GroupsOfNode, picking, type ServedHead } from "./served-head.js";

/** Options of a {@link HeadFollower}. */
export interface HeadFollowerOptions {
  /**
   * Makes the resources of each cache group from the layers and the rules of a revision. The layers include the live
   * resources. It is called for the stable revision and for the candidate, and must be a pure function. Other work has
   * its turn at each `yield`.
   */
  viewing(layers: Groups, rules: JsonValue | undefined): Generator<void, Views>;
  /**
   * Makes a function that returns a node's cache group by these rules. By default the cache's groups stay as they are.
   */
  groupsOf?(rules: JsonValue | undefined): NodeGroup;
  /**
   * The cache's own `fallbackGroup`. It is needed for a group that only the stable revision or only the candidate has:
   * for the other of the two, such a group gets the resources of `fallbackGroup`. Without this option, such a group has
   * no candidate.
   */
  readonly fallbackGroup?: string;
  readonly logger?: Logger;
  /** Called in the same turn in which the cache has begun to show a head. It must not throw. */
  readonly onServed?: (served: ServedHead) => void;
}

/** A revision of a head: the stable one, or the candidate. */
interface Side {
  readonly layers: Layers;
  /** The hash of the revision's content. */
  readonly content: string;
  readonly rules: JsonValue | undefined;
}

/** A head that is ready to be shown. */
interface Prepared extends ServedHead {
  readonly stableContent: string;
  readonly candidateContent: string | undefined;
  /** The snapshots of the stable revision's own groups, without groups that only the candidate has. */
  readonly own: Snapshots;
  readonly stableRules: JsonValue | undefined;
  readonly candidateRules: JsonValue | undefined;
  /** The layers that it was made from. */
  readonly loaded: readonly Layers[];
}

/** The wait before a head that could not be shown is tried again, in milliseconds. It doubles after each failure. */
const firstRetryMs = 1_000;
/** The longest such wait. */
const longestRetryMs = 30_000;
/** The number of earlier revisions that the cache always gets, even if they are old. */
const leastEarlier = 5;
/** It is also given the revisions that were replaced within this time, in milliseconds. */
const earlierMs = 3_600_000;
/** The most resources of all these revisions together, because each costs time at the start. */
const mostEarlierResources = 500_000;
/** The number of outdated prepared heads after which an intermediate head is shown. */
const mostSkipped = 3;

/**
 * Makes a cache show the head of a store: the stable revision for all nodes, and the candidate of a rollout for its
 * nodes. Both have the live resources. All groups change in one step.
 *
 * If several heads come while one is prepared, only the newest of them is prepared next. If a head cannot be read, or
 * the cache refuses it, the cache stays as it is. The head is then tried again until there is a newer one.
 */
export class HeadFollower {
  private readonly memory: LayerMemory;
  private readonly logger: Logger;
  private stopListening: (() => void) | undefined;
  private current: Prepared | undefined;
  private running: Promise<void> | undefined;
  private readonly waits = new Set<{ done(): void; failed(error: unknown): void }>();
  private retry: NodeJS.Timeout | undefined;
  private retryMs = firstRetryMs;
  private isClosed = false;
  /**
   * The rules by which the cache groups nodes now, as text. If the candidate has other rules, the text includes them
   * and the rollout.
   */
  private groupedBy = "";

  constructor(
    private readonly revisions: Revisions,
    private readonly cache: SnapshotCache,
    private readonly options: HeadFollowerOptions,
  ) {
    this.memory = new LayerMemory(revisions);
    this.logger = options.logger ?? silentLogger;
  }

  /** What the cache shows. undefined before the first head. */
  get served(): ServedHead | undefined {
    return this.current;
  }

  /** The revisions that the cache shows, without live resources: the stable one, and the candidate if there is one. */
  get servedRevisions(): readonly { readonly layers: Groups; readonly rules: JsonValue | undefined }[] {
    const { loaded = [], stableRules, candidateRules } = this.current ?? {};
    return loaded.slice(1).map(({ layers }, at) => ({ layers, rules: at === 0 ? stableRules : candidateRules }));
  }

  /**
   * Shows the present head, and follows the head from then on. Resolves after the first try, even if that has failed.
   * Then the log has the reason, and {@link HeadFollower.applied} rejects.
   */
  async open(): Promise<void> {
    if (this.isClosed || this.stopListening)
      throw new XdsError("WRONG_STATE", "open() of a HeadFollower can be called only once");
    this.stopListening = this.revisions.onMove(() => this.moved());
    this.run();
    await this.running;
  }

  /**
   * Keeps the layers of a revision, so that they need not be read from the store. `content` is
   * {@link Revision.content}. With it, layers are never used for another revision that got the same number. Call it
   * before the revision is published, for example in `gradually`. Later, the follower may have read the layers already.
   */
  remember(content: string, layers: Groups): void {
    this.memory.remember(content, layers);
  }

  /** Keeps live resources. Equal ones from the store are then replaced by these. Call it before they are published. */
  rememberLive(layers: Groups): void {
    this.memory.rememberLive(layers);
  }

  /**
   * Resolves when the cache shows the head that is present then.
   * @throws XdsError (as a rejection) WRONG_STATE if the follower is closed; the first error that keeps a head from
   * being shown
   */
  applied(): Promise<void> {
    if (this.isClosed) return Promise.reject(closed());
    if (this.isUpToDate) return Promise.resolve();
    return new Promise((done, failed) => {
      this.waits.add({ done, failed });
      this.run();
    });
  }

  /** Stops following the head. The cache stays as it is. */
  close(): void {
    this.isClosed = true;
    this.stopListening?.();
    clearTimeout(this.retry);
    this.settle(({ failed }) => failed(closed()));
  }

  private moved(): void {
    this.goBackAtOnce();
    this.run();
  }

  private get isUpToDate(): boolean {
    return this.current?.head === this.revisions.head || (!this.current && this.revisions.head.stable === 0);
  }

  /**
   * Shows a rollback at once. Nothing has to be loaded for it. The preparation of another head can take seconds, and
   * the rollback does not wait for it.
   */
  private goBackAtOnce(): void {
    const { current } = this;
    const { head } = this.revisions;
    const isInRollout = current !== undefined && (current.candidates.size > 0 || current.groupsOf !== undefined);
    if (!current || head.rollout || !isInRollout || head.stable !== current.head.stable) return;
    for (const group of current.candidates.keys()) this.cache.dropCandidate(group);
    const { rollout: _, ...stable } = current.head;
    this.group(current, undefined);
    const loaded = current.loaded.slice(0, 2); // live and stable
    const none = { candidates: new Map(), candidateContent: undefined, groupsOf: undefined };
    this.becomes({ ...current, head: stable, loaded, ...none });
  }

  private run(): void {
    if (this.running || this.isClosed) return;
    clearTimeout(this.retry);
    this.running = this.follow().finally(() => {
      this.running = undefined;
      // The head may have moved between the end of the loop and here.
      if (!this.isUpToDate && !this.retry) this.run();
    });
  }

  private async follow(): Promise<void> {
    this.retry = undefined;
    let skipped = 0;
    while (!this.isClosed && !this.isUpToDate) {
      const { head } = this.revisions;
      try {
        const prepared = await this.prepare(head);
        if (this.isClosed) return;
        const present = this.revisions.head;
        if (!mayShow(head, present, skipped++ >= mostSkipped)) continue;
        skipped = 0;
        this.show(prepared, present);
        this.retryMs = firstRetryMs;
      } catch (error) {
        if (this.isClosed) return;
        this.logger.error({ error: messageOf(error), revision: head.stable }, notShown);
        if (this.revisions.head !== head) continue;
        this.retry = setTimeout(() => this.run(), this.retryMs);
        this.retryMs = Math.min(this.retryMs * 2, longestRetryMs);
        this.settle(({ failed }) => failed(error));
        return;
      }
    }
    if (!this.isClosed) this.settle(({ done }) => done());
  }

  /**
   * Gives the cache the earlier revisions that the store still has. A client can come back from another process, such
   * as the one before a restart. With these revisions it gets the difference in order (P36). Call this method after the
   * first head is shown. A revision that cannot be read is left out.
   */
  async noteEarlier(): Promise<void> {
    const { current, cache, revisions } = this;
    if (!current) return;
    const known = new Set([current.stableContent, current.candidateContent]);
    const earlier: [string, Snapshot][] = [];
    const lives = await this.earlierLives();
    const note = async (layers: Groups, rules: JsonValue | undefined) => {
      const live = lives.shift() ?? new Map();
      const views = await inTurns(this.options.viewing(withLive(layers, live), rules));
      earlier.push(...(await inTurns(makingSnapshots(views, current.stable))));
    };
    const leftOut = (error: unknown, what: object) =>
      this.logger.debug({ error: messageOf(error), ...what }, "an earlier revision is not remembered");
    let room = mostEarlierResources;
    let replacedAt = Date.now();
    for (let number = revisions.head.next - 1; number > 0 && room > 0 && !this.isClosed; number--) {
      const isNeeded = number >= revisions.head.next - leastEarlier || Date.now() - replacedAt < earlierMs;
      if (!isNeeded) break;
      try {
        const revision = await revisions.read(number);
        replacedAt = revision.at;
        if (known.has(revision.content)) continue;
        known.add(revision.content);
        const { layers } = await this.memory.ofRevision(revision);
        for (const resources of layers.values()) room -= resources.length;
        await note(layers, revision.rules);
      } catch (error) {
        leftOut(error, { revision: number });
      }
    }
    // Live resources have versions of their own, so it does not matter with which revision they were served.
    while (lives.length > 0 && !this.isClosed)
      await note(current.loaded[1]?.layers ?? new Map(), current.stableRules).catch((error) => leftOut(error, {}));
    // The newest revision comes last, because the last one is remembered longest.
    for (const [group, snapshot] of earlier.reverse())
      if (!this.isClosed && cache.get(group) !== snapshot) cache.noteEarlier(group, snapshot);
  }

  /** The earlier live resources that are still kept, newest first. */
  private async earlierLives(): Promise<Groups[]> {
    const lives: Groups[] = [];
    for (let number = this.revisions.head.live - 1; number > 0 && !this.isClosed; number--) {
      const live = await this.revisions.live(new Map(), number).catch(() => undefined);
      if (!live) break;
      lives.push(live);
    }
    return lives;
  }

  private async prepare(head: Head): Promise<Prepared> {
    const { current } = this;
    const live = await this.memory.ofLive();
    const stableSide = await this.side(head.stable);
    const candidateSide = head.rollout && (await this.side(head.rollout.revision));
    const loaded = [live, stableSide.layers, ...(candidateSide ? [candidateSide.layers] : [])];
    const isSame = current?.loaded.length === loaded.length && loaded.every((one, at) => one === current.loaded[at]);
    const [stableRules, candidateRules] = [stableSide.rules, candidateSide?.rules];
    const contents = { stableContent: stableSide.content, candidateContent: candidateSide?.content };
    const common = { head, loaded, ...contents, stableRules, candidateRules };
    const withGroups = (shown: Pick<ServedHead, "stable" | "candidates">) => {
      const groupsOf = candidateSide && this.groupsBetween(stableRules, candidateRules, shown.stable);
      return { ...shown, ...(groupsOf && { groupsOf }) };
    };
    if (current && isSame) {
      const { own, candidates } = current;
      return { ...common, own, ...withGroups({ stable: candidateSide ? current.stable : own, candidates }) };
    }
    const views = (side: Side) => inTurns(this.options.viewing(withLive(side.layers.layers, live.layers), side.rules));
    const isPromoted = current?.candidateContent === stableSide.content;
    const before = new Map([...(current?.stable ?? []), ...(isPromoted ? current.candidates : [])]);
    const own = await inTurns(makingSnapshots(await views(stableSide), before));
    if (!candidateSide) return { ...common, own, stable: own, candidates: new Map() };
    const candidates = await inTurns(makingSnapshots(await views(candidateSide), current?.candidates ?? new Map()));
    const chosen = await inTurns(choosingCandidates(own, candidates, this.options.fallbackGroup));
    return { ...common, own, ...withGroups(chosen) };
  }

  private async side(number: number): Promise<Side> {
    const revision = await this.revisions.read(number);
    return { layers: await this.memory.ofRevision(revision), content: revision.content, rules: revision.rules };
  }

  /** Shows all of a head, or nothing of it. @throws XdsError as {@link SnapshotCache.check} */
  private show(prepared: Prepared, present: Head): void {
    const { cache, current } = this;
    const { stable, candidates } = prepared;
    for (const snapshots of [stable, candidates])
      for (const [group, snapshot] of snapshots) cache.check(group, snapshot);
    const isPromoted = current?.candidateContent !== undefined && current.candidateContent === prepared.stableContent;
    if (isPromoted) for (const group of current.candidates.keys()) cache.promote(group);
    for (const [group, snapshot] of stable) if (cache.get(group) !== snapshot) cache.set(group, snapshot);
    for (const group of current?.candidates.keys() ?? []) if (!candidates.has(group)) cache.dropCandidate(group);
    // A newer wave of the same revision can have begun while this head was prepared.
    const rollout =
      present.rollout?.revision === prepared.head.rollout?.revision ? present.rollout : prepared.head.rollout;
    if (rollout) {
      const pick = picking(rollout);
      for (const [group, snapshot] of candidates) cache.setCandidate(group, snapshot, pick);
    }
    this.group(prepared, rollout);
    for (const group of current?.stable.keys() ?? []) if (!stable.has(group)) cache.clear(group);
    this.memory.use(prepared.loaded);
    const { rollout: _, ...head } = prepared.head;
    const isPresent = rollout === present.rollout && present.stable === head.stable && present.live === head.live;
    this.becomes({ ...prepared, head: isPresent ? present : { ...head, ...(rollout && { rollout }) } });
  }

  /** Puts each node into its group: by the candidate's rules if the node has the candidate, else by the stable ones. */
  private group({ stableRules, candidateRules, groupsOf: moves }: Prepared, rollout: Rollout | undefined): void {
    const { groupsOf } = this.options;
    const key = JSON.stringify([stableRules, ...(moves && rollout ? [candidateRules, rollout] : [])]);
    if (!groupsOf || key === this.groupedBy) return;
    const ofStable = groupsOf(stableRules);
    const ofCandidate = moves && rollout ? groupsOf(candidateRules) : ofStable;
    const hasIt = rollout ? picking(rollout) : () => false;
    this.cache.regroup((node, caller) => (hasIt(node) ? ofCandidate : ofStable)(node, caller));
    this.groupedBy = key;
  }

  /**
   * Makes a function that returns a node's group by the stable rules and by the candidate's. undefined if the rules are
   * equal. `shown` has the groups that the cache has: the others are served the fallback group's resources.
   */
  private groupsBetween(stable: JsonValue | undefined, candidate: JsonValue | undefined, shown: Snapshots) {
    const { groupsOf, fallbackGroup } = this.options;
    if (!groupsOf || JSON.stringify(stable) === JSON.stringify(candidate)) return undefined;
    const [ofStable, ofCandidate] = [groupsOf(stable), groupsOf(candidate)];
    const servedGroup = (group: string) => (shown.has(group) ? group : (fallbackGroup ?? group));
    return (node: Node, caller: Caller): GroupsOfNode => [
      servedGroup(ofStable(node, caller)),
      servedGroup(ofCandidate(node, caller)),
    ];
  }

  private becomes(served: Prepared): void {
    this.current = served;
    this.options.onServed?.(served);
  }

  private settle(how: (wait: { done(): void; failed(error: unknown): void }) => void): void {
    const waits = [...this.waits];
    this.waits.clear();
    for (const wait of waits) how(wait);
  }
}

const notShown = "the head of the store cannot be served; nodes keep what they have, and it is tried again";
const closed = () => new XdsError("WRONG_STATE", "the HeadFollower is closed");

/**
 * Whether a prepared head can be shown although the present head is a newer one. A candidate that was rolled back is
 * never shown, nor is the old stable revision after a promotion. With `isLate`, an intermediate head can be shown, so
 * that the cache changes even if heads come faster than they can be prepared.
 */
function mayShow(prepared: Head, present: Head, isLate: boolean): boolean {
  const isSameStable = prepared.stable === present.stable;
  if (isSameStable && prepared.rollout?.revision === present.rollout?.revision) return true;
  if (!isLate) return false;
  return isSameStable ? !prepared.rollout || present.rollout !== undefined : !prepared.rollout && !present.rollout;
}
