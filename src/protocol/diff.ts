import type { Changes, ResourceView } from "../cache/config-watcher.js";
import { isGlob } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import { SetHash } from "../resource/resource-set.js";
import { contentsOf, union, withoutRemovals } from "./changes.js";
import type { ClientState, Has } from "./client-state.js";
import type { OpenChange } from "./open-change.js";
import type { Subscription } from "./subscription.js";
import type { Withheld } from "./withheld.js";

/** What a client lacks of what it subscribes. The lists may be shared: not to be changed. */
export interface Difference {
  readonly changes: Changes;
  /** What was not offered before: less than `changes` where a full state repeats what was refused. */
  readonly fresh: Changes;
  /** The removed names that were asked for and do not exist. */
  readonly unresolved: readonly string[];
  /** What stays on the client for now, though no longer served (P54) or served otherwise (P53). */
  readonly withheld: ReadonlyMap<string, Withheld>;
  /** Refused names of which the client has what is served again (P18). */
  readonly healed: readonly string[];
  /** Under a wildcard, the position that the client reaches with it. */
  readonly to: number | undefined;
  /** The change that this is a piece of. */
  readonly piece: OpenChange | undefined;
}

/** Which parts of a difference have to wait, and what is answered for names that do not exist. */
export interface References {
  /** Why a removal has to wait (P54); undefined: it need not. */
  holdsRemoval(name: string): Withheld | undefined;
  /** Why a resource stays as the client has it, whatever it may have of it (P53); undefined: it is sent. */
  holdsChange(now: Resource): Withheld | undefined;
  /** Nothing that a change may refer to is unanswered, refused or yet to come: no change is held. */
  readonly holdsNoChange: boolean;
  /** A removal goes in a response of its own, after the rest of its change (P54). */
  readonly removedLast: boolean;
  /** Why such a removal waits now. */
  waitsForRest(name: string): Withheld;
  /**
   * A removed resource that what the client has still refers to, if the client has all that this one refers to (P40,
   * P54).
   */
  asItWas(name: string): Resource | undefined;
  /** What is answered for a name that never existed on this client: a resource, a removal, or nothing (P40, P56). */
  missing(name: string): Resource | "removed" | "silence";
}

const none: readonly never[] = [];
const nothing: ReadonlyMap<string, Withheld> = new Map();

/**
 * Compares what the client has with what is served, in time proportional to what has changed or was asked for. `whole`:
 * a response repeats all there is, also what was refused before. `partial`: only what was asked for.
 */
export function diff(
  subscription: Subscription,
  references: References,
  { whole, partial }: { readonly whole: boolean; readonly partial: boolean },
): Difference {
  const { view, wildcard, state, asked, retried } = subscription;
  const to = wildcard && !partial ? view.position : undefined;
  const difference = (changes: Changes, withheld = nothing, fresh = changes): Difference => {
    return { changes, fresh, unresolved: none, withheld, healed: none, to, piece: undefined };
  };
  if (wildcard && !partial && asked.size === 0 && retried.size === 0 && state.leadsOn) {
    const isPlain = state.isPlain || (!whole && isBesideRefused(subscription));
    const shared = isPlain || (whole && state.isShared) ? sharedDifference(subscription, references) : undefined;
    if (shared && isPlain) {
      // Its answer stands for an older full state too, if that is unanswered. The way back is a change, although it
      // leads to what the client had.
      const repeats = whole && state.inFlight.length > 0 && shared.withheld.size === 0 && !isEmpty(shared.changes);
      const all = repeats ? union(view.since(state.position), shared.changes) : shared.changes;
      return difference(all, shared.withheld, shared.changes);
    }
    if (shared && shared.withheld.size === 0) {
      // A full state repeats what was refused, and its answer is about that too.
      const isNew = !isEmpty(shared.changes) || subscription.mustAnswer;
      // Where what it had before is served again, it may still have something else.
      const all = isNew ? union(view.since(state.certainPosition), shared.changes) : shared.changes;
      return difference(all, nothing, shared.changes);
    }
  }
  // All that name the same are sent the same list, so that it is encoded once.
  const list = subscription.unansweredList;
  if (list) {
    const changed = view.listed(list);
    if (changed.length === list.length) return difference(listed(changed));
  }
  return new Comparison(subscription, references, whole).compare(partial, to);
}

/** The client differs from its position only in what it has refused, and all of that is served as it was refused. */
function isBesideRefused({ view, state, waiting }: Subscription): boolean {
  const { exceptions, refused, open } = state;
  if (open.length > 0 || waiting.size > 0 || exceptions.size !== refused.size || !state.isKnown) return false;
  const contents = contentsOf(view.since(state.offered));
  for (const [name, { resource }] of refused)
    if (!exceptions.has(name) || contents.has(name) || view.get(name)?.version !== resource?.version) return false;
  return true;
}

/**
 * The log's own difference, as all clients in this position get it; undefined: something in it has to be decided by
 * name.
 */
function sharedDifference(
  { view, state, waiting }: Subscription,
  references: References,
): { changes: Changes; withheld: ReadonlyMap<string, Withheld> } | undefined {
  const changes = view.since(state.offered);
  if (!references.holdsNoChange)
    for (const now of changes.changed) if (references.holdsChange(now) && state.mayHave(now.key)) return undefined;
  if (changes.removed.length === 0) return waiting.size === 0 ? { changes, withheld: nothing } : undefined;
  const withheld = new Map<string, Withheld>();
  const last = references.removedLast && changes.changed.length > 0;
  for (const name of changes.removed) {
    const waitsNow = last && !waiting.get(name)?.round;
    const why = references.holdsRemoval(name) ?? (waitsNow ? references.waitsForRest(name) : undefined);
    if (why) withheld.set(name, why);
  }
  if (withheld.size === 0 && waiting.size === 0) return { changes, withheld: nothing };
  return withheld.size === changes.removed.length ? { changes: withoutRemovals(changes), withheld } : undefined;
}

class Comparison {
  private readonly changed = new Map<string, Resource>();
  private readonly removed = new Set<string>();
  private readonly unresolved: string[] = [];
  private readonly withheld = new Map<string, Withheld>();
  private readonly healed: string[] = [];
  /** What was refused and is served still. */
  private readonly refused: [name: string, now: Resource | undefined, change: OpenChange | undefined][] = [];
  /** What an unanswered response says already. */
  private readonly onItsWay: [name: string, now: Resource | undefined][] = [];
  /** Changes that were refused together, of which something differs now. */
  private readonly touched = new Set<OpenChange>();
  private readonly seen = new Set<string>();
  private readonly state: ClientState;

  constructor(
    private readonly subscription: Subscription,
    private readonly references: References,
    private readonly whole: boolean,
  ) {
    this.state = subscription.state;
  }

  compare(partial: boolean, to: number | undefined): Difference {
    const { subscription, state, references, changed, removed } = this;
    for (const name of partial ? subscription.asked : this.candidates()) this.look(name);
    if (references.removedLast && changed.size > 0)
      // One that has waited already goes with what is newer: changes may never end.
      for (const name of removed)
        if (state.last(name) && !subscription.asked.has(name) && !subscription.waiting.get(name)?.round) {
          removed.delete(name);
          this.withheld.set(name, references.waitsForRest(name));
        }
    const fresh = this.changes();
    const repeats = this.whole && (changed.size + removed.size > 0 || subscription.mustAnswer);
    if (repeats) {
      for (const change of state.open) for (const name of change.names()) this.look(name);
      for (const name of state.refused.keys()) this.look(name);
      // Its answer stands for the older full states too.
      for (const delivery of state.inFlight) for (const name of contentsOf(delivery.changes).keys()) this.look(name);
      for (const [name, now] of this.onItsWay)
        if (now) changed.set(now.key, now);
        else removed.add(name);
    } else for (const change of this.touched) for (const name of change.names()) this.look(name);
    for (const [name, now, change] of this.refused)
      if (repeats || (change && this.touched.has(change))) this.put(name, now);
    const changes = { changed: [...changed.values()], removed: removed.size > 0 ? [...removed] : none };
    return {
      changes,
      fresh,
      unresolved: this.unresolved,
      withheld: this.withheld,
      healed: this.healed,
      to,
      piece: undefined,
    };
  }

  private changes(): Changes {
    return { changed: [...this.changed.values()], removed: this.removed.size > 0 ? [...this.removed] : none };
  }

  /** The names that may differ; some may come twice. */
  private *candidates(): Iterable<string> {
    const { asked, retried, names, wildcard, view, allStale, stale, waiting } = this.subscription;
    const { state } = this;
    yield* asked;
    yield* retried;
    yield* state.deferred;
    yield* waiting.keys();
    if (wildcard) {
      const { changed, removed } = view.since(state.offered);
      for (const { key } of changed) yield key;
      yield* removed;
      yield* state.exceptions.keys();
    } else if (allStale) {
      yield* names;
      yield* state.exceptions.keys();
    } else yield* stale;
  }

  private look(name: string): void {
    const { seen, subscription, state } = this;
    const { view, asked, retried, waiting } = subscription;
    if (seen.has(name)) return;
    seen.add(name);
    if (isGlob(name)) {
      this.lookAtMembers(name);
      return;
    }
    const isAsked = asked.has(name);
    if (!isAsked && !subscription.covers(name)) return;
    const last = state.last(name);
    const now = view.get(name) ?? (last instanceof Resource && last.isPlaceholder ? last : undefined);
    if (isAsked || retried.has(name)) {
      this.put(name, now);
      return;
    }
    const refused = state.refused.get(name);
    const isRefused = refused !== undefined && refused.resource?.version === now?.version;
    const coming = isRefused ? undefined : state.coming(name);
    if (coming) {
      if (coming.resource?.version !== now?.version) this.put(name, now);
      else this.onItsWay.push([name, now]);
      return;
    }
    const isSame = isSameContent(last, now);
    const change = state.openWith(name);
    if (refused) {
      if (isRefused) this.refused.push([name, now, undefined]);
      // It refused this first, and may have another from an earlier stream.
      else if (this.whole && !now && !last && subscription.hasEarlier) this.removed.add(name);
      else if (isSame && state.isCertain(name) && !state.isRepeated(name)) this.healed.push(name);
      else {
        this.put(name, now);
        if (this.changed.has(name) || this.removed.has(name))
          for (const missing of refused.missing) this.tellMissing(missing);
      }
    } else if (change && change.content(name)?.version === now?.version) {
      if (change.isPending(name)) return; // a piece will say it
      // It may be good, and what it waited for may have come.
      if (!change.isRefused || change.isDeferred(name) || (now && waiting.has(name))) this.put(name, now);
      else this.refused.push([name, now, change]);
    } else if (!state.isCertain(name)) {
      this.put(name, now);
      if (change && !change.isSplitting) this.touched.add(change);
    } else if (!isSame) this.put(name, now);
    else if (change || state.deferred.has(name)) {
      this.healed.push(name);
      // It was not sent yet, and is gone already: the client may wait for an answer (P40, P42).
      if (!now && change && subscription.names.has(name)) this.answerMissing(name);
    }
  }

  /** The members speak for a glob collection; where there are none, it is answered itself (P63). */
  private lookAtMembers(glob: string): void {
    const { view, asked } = this.subscription;
    let isEmpty = true;
    for (const { key } of view.members(glob)) {
      isEmpty = false;
      this.look(key);
    }
    if (isEmpty && asked.has(glob)) this.removed.add(glob);
  }

  /** The client is to have this, unless it has to wait. */
  private put(name: string, now: Resource | undefined): void {
    const { state, references, subscription, changed, removed } = this;
    const isAsked = subscription.asked.has(name);
    if (now) {
      const old = isAsked ? lastResource(state, name) : state.repeatable(name);
      // A placeholder is no older version that the client could go on with.
      const hasOlder = old ? !old.isPlaceholder : !isAsked && state.mayHave(name);
      const why = hasOlder ? references.holdsChange(now) : undefined;
      if (!why) changed.set(now.key, now);
      else this.withhold(name, why, isAsked);
    } else if (state.mayHave(name)) {
      const why = references.holdsRemoval(name);
      // A wait for the rest of a change is for what the client certainly has, and does not ask for.
      const isMoot = why?.why === "unseen" && (isAsked || !state.last(name));
      if (why && !isMoot) this.withhold(name, why, isAsked);
      else {
        removed.add(name);
        if (isAsked && !lastResource(state, name)) this.unresolved.push(name);
      }
    } else if (isAsked) this.answerMissing(name);
    else if (state.openWith(name)) this.healed.push(name); // it was not sent yet, and is gone already
  }

  private withhold(name: string, why: Withheld, isAsked: boolean): void {
    this.withheld.set(name, why);
    const old = isAsked ? lastResource(this.state, name) : undefined;
    if (old) this.changed.set(old.key, old);
  }

  /** The answer that a name does not exist went with what was refused, and goes again with what replaces that. */
  private tellMissing(name: string): void {
    const { subscription, state, removed, unresolved } = this;
    if (!subscription.names.has(name) || subscription.view.get(name) || state.mayHave(name)) return;
    removed.add(name);
    unresolved.push(name);
  }

  private answerMissing(name: string): void {
    const { references, changed, withheld, removed, unresolved, state } = this;
    const old = references.asItWas(name);
    if (old) {
      changed.set(old.key, old);
      withheld.set(name, { why: "reference", since: performance.now() });
      return;
    }
    const answer = state.gone.has(name) ? "removed" : references.missing(name);
    if (answer instanceof Resource) changed.set(name, answer);
    else {
      if (answer === "removed") removed.add(name);
      unresolved.push(name);
    }
  }
}

/** Whether what a client has is what is served. A version of the user's own may come back with other content. */
const isSameContent = (last: Has, now: Resource | undefined): boolean =>
  last === now ||
  (last?.version === now?.version && !(last instanceof Resource && now !== undefined && !last.hasContentOf(now)));

const lastResource = (state: ClientState, name: string): Resource | undefined => {
  const last = state.last(name);
  return last instanceof Resource ? last : undefined;
};

const hasOlderVersion = (last: Has): boolean => last !== undefined && !(last instanceof Resource && last.isPlaceholder);

/**
 * The next piece of a change. A resource that was replaced meanwhile, or has to wait, is left out: it comes with the
 * next difference. undefined: nothing of the piece is left.
 */
export function pieceOf(
  subscription: Subscription,
  change: OpenChange,
  references: References,
): Difference | undefined {
  const { view, state, waiting } = subscription;
  const whyPieceWaits = (name: string, now: Resource | undefined): Withheld | undefined => {
    if (!now) {
      // That a name does not exist waits for nothing; and a removal that is in a piece does not wait for its own
      // change.
      const why = state.mayHave(name) ? references.holdsRemoval(name) : undefined;
      return why?.why === "unseen" ? undefined : why;
    }
    return references.holdsNoChange || !hasOlderVersion(state.last(name)) ? undefined : references.holdsChange(now);
  };
  for (let piece = change.next; piece; piece = change.next) {
    const later = new Map<string, Resource | undefined>();
    const stays = (name: string, now: Resource | undefined): boolean => {
      if (!change.has(name)) return false;
      const coming = state.coming(name);
      if (coming && coming.resource?.version === now?.version) {
        state.saidElsewhere(change, name); // another response says it
        return false;
      }
      const isServed = view.get(name)?.version === now?.version;
      const why = isServed ? whyPieceWaits(name, now) : undefined;
      if (!isServed || why) {
        later.set(name, now);
        subscription.defer(name, why);
      }
      return isServed && !why;
    };
    const changed = piece.changed.filter((now) => stays(now.key, now));
    const removed = piece.removed.filter((name) => stays(name, undefined));
    const isAll = changed.length === piece.changed.length && removed.length === piece.removed.length;
    const now = isAll ? piece : { changed, removed };
    if (!isAll) change.defer(piece, now, later);
    if (changed.length + removed.length > 0)
      return {
        changes: now,
        fresh: now,
        unresolved: none,
        withheld: waiting,
        healed: none,
        to: undefined,
        piece: change,
      };
  }
  return undefined;
}

const isEmpty = ({ changed, removed }: Changes): boolean => changed.length + removed.length === 0;

/** A list of resources as a change: the same object for the same list. */
function listed(changed: readonly Resource[]): Changes {
  let changes = listedMemo.get(changed);
  if (!changes) {
    changes = { changed, removed: none };
    listedMemo.set(changed, changes);
  }
  return changes;
}
const listedMemo = new WeakMap<readonly Resource[], Changes>();

/** The resources that a subscription covers, in the view's order or, without a wildcard, in the order named. */
export function covered(
  subscription: Pick<Subscription, "view" | "wildcard"> & { readonly names: ReadonlySet<string> },
): readonly Resource[] {
  const { view, wildcard, names } = subscription;
  if (wildcard) return view.all();
  return [...names].flatMap((name) => view.get(name) ?? []);
}

/** `resources` with `old` in the place of those of the same names: the same list for all streams that keep the same. */
export function withOld(resources: readonly Resource[], old: readonly Resource[]): readonly Resource[] {
  if (old.length === 0) return resources;
  const key = old.map(({ name, version }) => `${name} ${version}`).join("\n");
  const lists = joined.get(resources) ?? new Map<string, readonly Resource[]>();
  joined.set(resources, lists);
  const names = new Set(old.map((resource) => resource.key));
  const list = lists.get(key) ?? [...resources.filter((resource) => !names.has(resource.key)), ...old];
  lists.set(key, list);
  return list;
}
const joined = new WeakMap<readonly Resource[], Map<string, readonly Resource[]>>();

/** `version_info` of a part of a view: of its content, unless the user gave the whole a version. */
export function versionOf(view: ResourceView, part: readonly Resource[]): string {
  if (part === view.all() || !view.versionIsContent) return view.version;
  let version = versions.get(part);
  if (version === undefined) {
    const hash = new SetHash();
    for (const resource of part) hash.add(resource);
    version = hash.toString();
    versions.set(part, version);
  }
  return view.versionPrefix + version;
}
const versions = new WeakMap<readonly Resource[], string>();
