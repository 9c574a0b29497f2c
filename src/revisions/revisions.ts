import { hash } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import { XdsError } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import {
  atOnceOf,
  bar,
  barredAs,
  emptyHead,
  type Freeze,
  freeze,
  type Head,
  isFrozen,
  pause,
  resume,
  revert,
  rollOut,
  serveToAll,
  settle,
  unbar,
  unfreeze,
} from "../rollout/head.js";
import type { Outcome } from "../rollout/rollout.js";
import type { AuditEntry, Hash, Lease, Store } from "../store/store.js";
import type { Authorship, CheckRevision, Published, PublishOptions, Revision, Why } from "./revision.js";
import { type Groups, type KnownChunks, RevisionBlobs } from "./revision-blobs.js";

/** Options of {@link Revisions}. */
export interface RevisionsOptions {
  /**
   * How many revisions are kept. Candidates that another edit replaced go first, then the oldest ones. The revisions
   * that are served are always kept, and the one before the stable revision. Default 50.
   */
  readonly keep?: number;
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** How often a change of the head is tried. It fails only if somebody else moves the head at the same time. */
const mostTries = 20;
/** How many sets of live resources are kept besides the one that is served. */
const livesKept = 3;
/** The number of changes after which unused blobs are removed. They are also removed when a revision is removed. */
const collectEvery = 32;

/** The revisions in a store, and the head, which decides which nodes have which revision. */
export class Revisions {
  private readonly listeners = new Set<(head: Head) => void>();
  private readonly blobs: RevisionBlobs;
  private readonly stopListening: () => void;
  /** Calls that write or remove blobs run one after the other. So a new blob is not removed before it has a record. */
  private last: Promise<unknown> = Promise.resolve();
  /** How many changes have been published since unused blobs were removed. */
  private untidy = 0;
  private readonly keep: number;
  private readonly now: () => number;

  private constructor(
    private readonly store: Store,
    private version: number,
    private current: Head,
    { keep = 50, now = Date.now }: RevisionsOptions,
  ) {
    this.blobs = new RevisionBlobs(store);
    this.keep = keep;
    this.now = now;
    this.stopListening = store.onMove(({ version, head }) => this.moved(version, head as unknown as Head));
  }

  /** Reads the head of a store. @throws XdsError as the store's calls do */
  static async open(store: Store, options: RevisionsOptions = {}): Promise<Revisions> {
    const { version, head } = await store.readHead();
    return new Revisions(store, version, (head as unknown as Head | undefined) ?? emptyHead, options);
  }

  /** The present head. */
  get head(): Head {
    return this.current;
  }

  /** Calls the listener after each move of the head, until the returned function is called. */
  onMove(listener: (head: Head) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Stops following the store. */
  close(): void {
    this.stopListening();
    this.listeners.clear();
  }

  /**
   * Publishes a configuration. `groups` has no live resources. The result is durable when the promise resolves.
   * @throws XdsError WRONG_STATE as {@link PublishOptions.after} says
   */
  publish(groups: Groups, options: PublishOptions): Promise<Published> {
    return this.alone(() => this.publishAlone(groups, options));
  }

  private async publishAlone(groups: Groups, options: PublishOptions): Promise<Published> {
    const { rules, gradually, live, onContent, isHeld, after, ...authorship } = options;
    const { manifests, counts } = await this.blobs.put(groups);
    const liveManifests = live && (await this.blobs.put(live, "live")).manifests;
    const content = contentOf(manifests, rules);
    onContent?.(content);
    const whole = liveManifests ? contentOf({ content, ...liveManifests }, rules) : content;
    let published: Published | undefined;
    await this.change(async (head) => {
      const stable = head.stable > 0 ? await this.read(head.stable) : undefined;
      const candidate = head.rollout && (await this.read(head.rollout.revision));
      const change = await this.liveChange(head, liveManifests);
      const only = (result: Published): Change | undefined => {
        published = result;
        return change;
      };
      const isWanted = (candidate ?? stable)?.content === content;
      if (isWanted && !change) return only({ result: "unchanged", revision: (candidate ?? stable) as Revision });
      if (after !== undefined && head.next - 1 > after) throw await this.conflict(head);
      const barred = barredAs(head, content);
      const isOnlyLive = barred !== undefined || candidate?.content === content || stable?.content === content;
      const held = (await isHeld?.({ content, whole }, isOnlyLive)) ?? false;
      if (held === "all") {
        published = { result: "held", content: whole };
        return undefined;
      }
      const result: Published = barred ? { result: "barred", barred } : { result: "held", content };
      if (candidate?.content === content) return only({ result: "unchanged", revision: candidate });
      if (stable?.content === content) {
        if (!head.rollout) return only({ result: "unchanged", revision: stable });
        published = { result: "reverted", revision: stable };
        const audit = this.note("revert", authorship, { revision: stable.number });
        return { ...change, head: revert(change?.head ?? head), audit };
      }
      const number = head.next;
      const revision: Revision = {
        ...authorship,
        number,
        parent: head.stable,
        at: this.now(),
        content,
        groups: manifests,
        ...(rules !== undefined && { rules }),
        counts,
      };
      if (barred || held) return only(result);
      const atOnce = atOnceOf(head, this.now());
      const affected = stable && !atOnce ? gradually?.(revision, groups) : undefined;
      const isGradual = affected !== undefined;
      const id = hash("sha256", `${number} ${content}`, "hex").slice(0, 12);
      const from = change?.head ?? head;
      const next = isGradual ? rollOut(from, number, id, affected, this.now()) : serveToAll(from, number);
      published = { result: isGradual ? "started" : "served", revision };
      const put = { ...change?.put, [`revision/${number}`]: revision as unknown as JsonValue };
      const details = { revision: number, content, ...(atOnce && { "at once": `${atOnce.by}: ${atOnce.why}` }) };
      return { head: next, put, audit: this.note("publish", authorship, details) };
    });
    await this.tidy();
    return published as Published;
  }

  /** The error for a publisher that does not know the newest revision. */
  private async conflict(head: Head): Promise<XdsError> {
    const number = head.next - 1;
    const { by, message } = await this.read(number);
    const who = `${by}${message === undefined ? "" : ` (${message})`}`;
    return new XdsError(
      "WRONG_STATE",
      `@${number} was published meanwhile, by ${who}, so this change is not published: look at what it has changed, then publish again`,
    );
  }

  /** Makes a change of the head to these live resources. Returns undefined if the head has them already. */
  private async liveChange(head: Head, manifests: Record<string, Hash> | undefined): Promise<Change | undefined> {
    if (!manifests) return undefined;
    const before = head.live > 0 ? await this.store.readRecord(`live/${head.live}`) : {};
    if (JSON.stringify(before) === JSON.stringify(manifests)) return undefined;
    const live = head.live + 1;
    return { head: { ...head, live }, put: { [`live/${live}`]: manifests } };
  }

  /** Removes the records of old live resources. There are several if an earlier removal has failed. */
  private async forgetLive(): Promise<void> {
    const first = this.current.live - livesKept;
    const old = (await this.store.listRecords("live")).filter((id) => Number(id) < first);
    if (old.length > 0) await this.store.removeRecords(old.map((id) => `live/${id}`));
  }

  /** Serves these live resources to all nodes, even during a rollout. They are durable when the promise resolves. */
  publishLive(groups: Groups): Promise<void> {
    return this.alone(() => this.publishLiveAlone(groups));
  }

  private async publishLiveAlone(groups: Groups): Promise<void> {
    const { manifests } = await this.blobs.put(groups, "live");
    await this.change((head) => this.liveChange(head, manifests));
    await this.tidy();
  }

  /**
   * Serves the content of an older revision to all nodes, as a new revision. Without `to`, that is the revision before
   * the stable one. The content that was stable is barred, so files that still have it are not served again. Live
   * resources stay as they are. `check` is called before the head moves. It throws if the older revision cannot be
   * served now.
   * @throws XdsError INVALID_OPTION if there is no such revision, or its content is stable already; WRONG_STATE without
   * `to` during a rollout, and if the stable revision is an undo, because the revision before it is the undone one;
   * what `check` throws
   */
  undo(
    to: number | undefined,
    { check, ...authorship }: Authorship & { readonly why?: string; readonly check?: CheckRevision },
  ): Promise<Revision> {
    return this.alone(() => this.undoAlone(to, authorship, check));
  }

  private async undoAlone(
    to: number | undefined,
    authorship: Authorship & { readonly why?: string },
    check: CheckRevision | undefined,
  ): Promise<Revision> {
    let made: Revision | undefined;
    await this.change(async (head) => {
      const stable = head.stable > 0 ? await this.read(head.stable) : undefined;
      const candidate = head.rollout && (await this.read(head.rollout.revision));
      if (to === undefined && candidate) throw whichUndo(candidate, stable);
      if (to === undefined && stable?.undoTo !== undefined) throw undoneAlready(stable);
      const number = to ?? stable?.parent ?? 0;
      if (number === 0) throw new XdsError("INVALID_OPTION", "there is no revision before the one that is served");
      const old = await this.read(number);
      if (old.content === stable?.content && !candidate)
        throw new XdsError("INVALID_OPTION", `revision ${number} is served already`);
      await check?.(old);
      const { why, ...by } = authorship;
      const at = this.now();
      const because = why === undefined ? "" : `: ${why}`;
      const message = by.message ?? `undo to @${number}${because}`;
      made = { ...old, ...by, number: head.next, parent: head.stable, undoTo: number, at, message };
      let next = unbar(serveToAll(head, made.number), old.content);
      for (const undone of [stable, candidate])
        if (undone && undone.content !== old.content)
          next = bar(next, {
            content: undone.content,
            revision: undone.number,
            why: `undone by ${by.by}${because}`,
            by: by.by,
            at,
          });
      const put = { [`revision/${made.number}`]: made as unknown as JsonValue };
      return {
        head: next,
        put,
        audit: this.note("undo", { ...by, ...(why && { why }) }, { to: number, revision: made.number }),
      };
    });
    return made as Revision;
  }

  /**
   * Stores a result of `step()`. It does nothing if rollout `id` has ended meanwhile. With a lease, it does so only
   * while that is held. Returns whether the head has moved.
   * @throws XdsError WRONG_STATE if the lease is lost
   */
  async settle(id: string, outcome: Outcome, lease?: Lease): Promise<boolean> {
    let isMoved = false;
    await this.change(async (head) => {
      isMoved = false; // another server may have moved it since the last try
      if (head.rollout?.id !== id) return undefined;
      const { content, number } = await this.read(head.rollout.revision);
      const next = settle(head, outcome, content, this.now());
      if (next === head) return undefined;
      isMoved = true;
      if (!("end" in outcome)) return { head: next, ...(lease && { lease }) };
      const authorship = { by: "server", ...("why" in outcome && { why: outcome.why }) };
      const what = outcome.end === "done" ? "rollout done" : "roll back";
      return { head: next, ...(lease && { lease }), audit: this.note(what, authorship, { revision: number }) };
    });
    return isMoved;
  }

  /** All nodes have the candidate from now on. @throws XdsError WRONG_STATE without a rollout, or while it is frozen */
  promote(authorship: Why): Promise<void> {
    return this.command("promote", authorship, (head) => {
      const { revision } = rolloutOf(head);
      this.mustNotBeFrozen(head);
      return serveToAll(head, revision);
    });
  }

  /**
   * The next published change is served to all nodes at once, if it comes before `until` (milliseconds since 1970).
   * Checks and guards still apply. @throws XdsError WRONG_STATE during a freeze
   */
  promoteNext({ by, why }: Why, until: number): Promise<void> {
    const act = (head: Head): Head => {
      this.mustNotBeFrozen(head);
      return { ...head, atOnce: { by, why, until } };
    };
    return this.command("promote next", { by, why }, act, () => ({ until: isoTime(until) }));
  }

  private mustNotBeFrozen(head: Head): void {
    const { frozen } = head;
    if (!frozen || !isFrozen(head, this.now())) return;
    throw new XdsError(
      "WRONG_STATE",
      `${frozen.by} has frozen changes: ${frozen.why}; end the freeze with \`xds unfreeze\`, then promote`,
    );
  }

  /** Rolls back to the stable revision, and bars the candidate. @throws XdsError WRONG_STATE without a rollout */
  async abort(authorship: Why): Promise<void> {
    const { id } = rolloutOf(this.current);
    await this.change(async (head) => {
      if (head.rollout?.id !== id) throw noRollout();
      const { content, number } = await this.read(head.rollout.revision);
      const why = `aborted by ${authorship.by}: ${authorship.why}`;
      const next = bar(revert(head), { content, revision: number, why, by: authorship.by, at: this.now() });
      return { head: next, audit: this.note("abort", authorship, { revision: number }) };
    });
  }

  /** Pauses the rollout. It can still go back. @throws XdsError WRONG_STATE without a rollout */
  pause(authorship: Why): Promise<void> {
    return this.command("pause", authorship, (head) => {
      rolloutOf(head);
      return pause(head, authorship.by, authorship.why);
    });
  }

  /** Ends a pause. @throws XdsError WRONG_STATE without a rollout */
  resume(authorship: Why): Promise<void> {
    return this.command("resume", authorship, (head) => {
      rolloutOf(head);
      return resume(head);
    });
  }

  /** Holds changes and rollouts, but not live resources. It ends with `unfreeze()` or at `until`, in ms since 1970. */
  freeze(authorship: Why, until?: number): Promise<void> {
    const { by, why } = authorship;
    const frozen: Freeze = { by, why, at: this.now(), ...(until !== undefined && { until }) };
    const details = until === undefined ? {} : { until: isoTime(until) };
    return this.command(
      "freeze",
      authorship,
      (head) => freeze(head, frozen),
      () => details,
    );
  }

  /** Ends a freeze. */
  unfreeze(authorship: Why): Promise<void> {
    return this.command("unfreeze", authorship, unfreeze, () => ({}));
  }

  /** Allows a barred content to be published again. @throws XdsError INVALID_OPTION if it is not barred */
  again(content: Hash, authorship: Why): Promise<void> {
    return this.change(async (head) => {
      const barred = barredAs(head, content);
      if (!barred) throw new XdsError("INVALID_OPTION", `the content ${content} is not barred`);
      const audit = this.note("again", authorship, { revision: barred.revision, content });
      return { head: unbar(head, content), audit };
    });
  }

  /**
   * Records that somebody approves a held change. `content` is the approved hash, and `held` has the reasons why the
   * change was held. Publishing has an entry of its own, but only if there is a new revision.
   */
  noteApproval(authorship: Omit<Why, "why"> & Partial<Why>, content: Hash, held: readonly string[]): Promise<void> {
    return this.store.audit(this.note("approve", authorship, { content, held: held.join("; ") }));
  }

  /** Whether a freeze is in force now. */
  get isFrozen(): boolean {
    return isFrozen(this.current, this.now());
  }

  /** Reads a revision. @throws XdsError INVALID_OPTION if there is no such revision, or it is no longer kept */
  async read(number: number): Promise<Revision> {
    const record = await this.store.readRecord(`revision/${number}`);
    if (record) return record as unknown as Revision;
    throw new XdsError("INVALID_OPTION", `there is no revision ${number}; \`xds history\` lists those that are kept`);
  }

  /** The revisions that are kept, the newest first. */
  async list(): Promise<readonly Revision[]> {
    const numbers = await this.numbers();
    return Promise.all(numbers.sort((a, b) => b - a).map((number) => this.read(number)));
  }

  private async numbers(): Promise<number[]> {
    return (await this.store.listRecords("revision")).map(Number).filter((number) => number < this.current.next);
  }

  /** The resources of a revision. Calls with the same `known` share the resources of equal chunks. */
  groupsOf(
    { groups }: Pick<Revision, "groups">,
    known: KnownChunks = new Map(),
  ): Promise<Map<string, readonly Resource[]>> {
    return this.blobs.unpack(groups, known);
  }

  /**
   * The live resources that are served, or earlier ones by their number. `known` is the parameter of
   * {@link Revisions.groupsOf}.
   * @throws XdsError STORE_FAILED if they are no longer kept
   */
  async live(
    known: KnownChunks = new Map(),
    live: number = this.current.live,
  ): Promise<Map<string, readonly Resource[]>> {
    const record = live > 0 ? await this.store.readRecord(`live/${live}`) : {};
    // Newer live resources may have replaced this record. An empty result would remove all endpoints everywhere.
    if (!record) throw new XdsError("STORE_FAILED", `the live resources ${live} are no longer kept`);
    return this.blobs.unpack(record as Record<string, Hash>, known);
  }

  /** The entries of the audit log, newest first, at most `most`. */
  readAudit(most: number): Promise<readonly AuditEntry[]> {
    return this.store.readAudit(most);
  }

  /** Changes the head by an order. By default, the audit entry has the revision that is rolled out. */
  private command(
    what: string,
    authorship: Why,
    act: (head: Head) => Head,
    details: (head: Head) => object = (head) => ({ revision: head.rollout?.revision }),
  ): Promise<void> {
    return this.change(async (head) => ({ head: act(head), audit: this.note(what, authorship, details(head)) }));
  }

  /** Moves the head by compare-and-swap. `make` returns undefined if the head stays as it is. */
  private async change(make: (head: Head) => Promise<Change | undefined>): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) {
      const { version } = this;
      const change = await make(this.current);
      if (!change) return;
      const { head, ...more } = change;
      const moved = await this.store.moveHead(version, { head: head as unknown as JsonValue, ...more });
      if (moved !== undefined) return this.moved(moved, head);
      const read = await this.store.readHead();
      this.moved(read.version, (read.head as unknown as Head | undefined) ?? emptyHead);
    }
    throw new XdsError("STORE_FAILED", `others moved the head of the store during all ${mostTries} tries; try again`);
  }

  private moved(version: number, head: Head): void {
    if (version <= this.version) return;
    this.version = version;
    this.current = head;
    for (const listener of [...this.listeners]) listener(head);
  }

  private note(what: string, { by, message, why = message }: Authorship & { why?: string }, details = {}): AuditEntry {
    return { at: this.now(), by, what, ...(why !== undefined && { why }), details };
  }

  private alone<T>(act: () => Promise<T>): Promise<T> {
    const result = this.last.then(act);
    this.last = result.catch(() => {});
    return result;
  }

  /**
   * Removes old records, and from time to time unused blobs. A failure here does not make the publishing fail. The next
   * publishing tries again.
   */
  private async tidy(): Promise<void> {
    try {
      await this.forgetLive();
      this.untidy++;
      await this.removeOld();
    } catch {
      // The store does not work now. Old records stay in it.
    }
  }

  private async removeOld(): Promise<void> {
    const excess = (await this.numbers()).length - this.keep;
    if (excess <= 0 && this.untidy < collectEvery) return;
    const all = await this.list();
    const old = excess <= 0 ? [] : removable(all, this.current).slice(0, excess);
    if (old.length > 0) await this.store.removeRecords(old.map(({ number }) => `revision/${number}`));
    if (old.length === 0 && this.untidy < collectEvery) return;
    this.untidy = 0;
    const used = new Set<Hash>();
    for (const revision of all)
      if (!old.includes(revision)) for (const manifest of Object.values(revision.groups)) used.add(manifest);
    for (const live of await this.store.listRecords("live"))
      for (const manifest of Object.values((await this.store.readRecord(`live/${live}`)) ?? {})) used.add(manifest);
    await this.blobs.collect(used);
  }
}

interface Change {
  readonly head: Head;
  readonly put?: Readonly<Record<string, JsonValue>>;
  readonly audit?: AuditEntry;
  readonly lease?: Lease;
}

/** The hash of the groups' manifests and the rules. Equal configurations have equal hashes. */
const contentOf = (manifests: Record<string, Hash>, rules: JsonValue | undefined): Hash =>
  hash("sha256", JSON.stringify([manifests, rules ?? null]), "hex");

/**
 * The revisions that can be removed, in the order in which they go: candidates that another edit replaced, then the
 * oldest. `all` has the newest first. The revision before the stable one is kept, because `undo` goes back to it.
 */
function removable(all: readonly Revision[], { stable, rollout, barred }: Head): readonly Revision[] {
  const parents = new Map(all.map(({ number, parent }) => [number, parent]));
  const pinned = new Set([stable, parents.get(stable), rollout?.revision]);
  const wereStable = new Set<number>();
  for (let number: number | undefined = stable; number; number = parents.get(number)) wereStable.add(number);
  const isReplaced = ({ number }: Revision) =>
    !wereStable.has(number) && !barred.some(({ revision }) => revision === number);
  const old = all.filter(({ number }) => !pinned.has(number)).reverse();
  return [...old.filter(isReplaced), ...old.filter((revision) => !isReplaced(revision))];
}

const isoTime = (time: number): string => new Date(time).toISOString();

const whichUndo = ({ number }: Revision, stable: Revision | undefined) =>
  new XdsError(
    "WRONG_STATE",
    `@${number} is being rolled out: \`xds rollout abort\` goes back to ${stable ? `@${stable.number}` : "what was served"}, which is stable; to go further back, name the revision with --to`,
  );

const undoneAlready = ({ number, undoTo, by }: Revision) =>
  new XdsError(
    "WRONG_STATE",
    `revision ${number}, which is served, is an undo already: ${by} went back to @${undoTo}. A second undo would bring back what was undone. Name the revision to serve with \`--to\`; \`xds history\` lists them`,
  );

const noRollout = () => new XdsError("WRONG_STATE", "no rollout is going on");

function rolloutOf({ rollout }: Head) {
  if (!rollout) throw noRollout();
  return rollout;
}
