import type { Changes } from "../cache/config-watcher.js";
import { isGlob } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import { contentsOf, union, withoutRemovals } from "./changes.js";
import type { ClientContents } from "./client-contents.js";
import type { ClientCopy } from "./delivery.js";
import type { Difference } from "./difference.js";
import type { OpenChange } from "./open-change.js";
import type { References } from "./references.js";
import type { Subscription } from "./subscription.js";
import type { Withheld } from "./withheld.js";

const none: readonly never[] = [];
const nothing: ReadonlyMap<string, Withheld> = new Map();

/**
 * Compares what the client has with what is served. The time is proportional to what has changed or was asked for. With
 * `whole`, the response is a full state, which also repeats what was refused. With `partial`, only requested names are
 * compared.
 */
export function diff(
  subscription: Subscription,
  references: References,
  { whole, partial }: { readonly whole: boolean; readonly partial: boolean },
): Difference {
  const { view, wildcard, state, namesToAnswer, dueRetries } = subscription;
  const to = wildcard && !partial ? view.position : undefined;
  const difference = (changes: Changes, withheld = nothing, fresh = changes): Difference => {
    return { changes, fresh, unresolved: none, withheld, healed: none, to, piece: undefined };
  };
  if (wildcard && !partial && namesToAnswer.size === 0 && dueRetries.size === 0 && state.allInFlightHavePositions) {
    const isPlain = state.isPositionOnly || (!whole && isBesideRefused(subscription));
    const shared = isPlain || (whole && state.isShared) ? sharedDifference(subscription, references) : undefined;
    if (shared && isPlain) {
      // The answer also stands for older full states that are unanswered. Going back to what the client had is a change
      // too.
      const repeats = whole && state.inFlight.length > 0 && shared.withheld.size === 0 && !isEmpty(shared.changes);
      const all = repeats ? union(view.since(state.position), shared.changes) : shared.changes;
      return difference(all, shared.withheld, shared.changes);
    }
    if (shared && shared.withheld.size === 0) {
      // A full state repeats what was refused, so its answer is about that too.
      const isNew = !isEmpty(shared.changes) || subscription.mustAnswer;
      // If what the client had before is served again, it may still have something else.
      const all = isNew ? union(view.since(state.certainPosition), shared.changes) : shared.changes;
      return difference(all, nothing, shared.changes);
    }
  }
  // All clients that ask for the same names get the same list, so it is encoded once.
  const list = unansweredList(subscription);
  if (list) {
    const changed = view.listed(list);
    if (changed.length === list.length) return difference(listed(changed));
  }
  return new Comparison(subscription, references, whole).compare(partial, to);
}

/** The subscribed names as one list, if the client has none of them and exactly these must be answered. */
function unansweredList({ listedNames, wildcard, namesToAnswer, state }: Subscription) {
  if (!listedNames || wildcard || state.hasAnything) return undefined;
  if (listedNames.length !== namesToAnswer.size || !state.isPositionOnly || state.inFlight.length > 0) return undefined;
  return listedNames.every((name) => namesToAnswer.has(name)) ? listedNames : undefined;
}

/** Whether the client differs from its position only by content that it has refused and that is still served. */
function isBesideRefused({ view, state, waiting }: Subscription): boolean {
  const { exceptions, refused, open } = state;
  if (open.length > 0 || waiting.size > 0 || exceptions.size !== refused.size || !state.hasNoUncertainNames)
    return false;
  const contents = contentsOf(view.since(state.offered));
  for (const [name, { resource }] of refused)
    if (!exceptions.has(name) || contents.has(name) || view.get(name)?.version !== resource?.version) return false;
  return true;
}

/**
 * The log's own difference, which all clients at this position get. Undefined if something in it must be decided by
 * name.
 */
function sharedDifference(
  { view, state, waiting }: Subscription,
  references: References,
): { changes: Changes; withheld: ReadonlyMap<string, Withheld> } | undefined {
  const changes = view.since(state.offered);
  if (!references.noChangeWaits)
    for (const now of changes.changed) if (references.whyChangeWaits(now) && state.mayHave(now.key)) return undefined;
  if (changes.removed.length === 0) return waiting.size === 0 ? { changes, withheld: nothing } : undefined;
  const withheld = new Map<string, Withheld>();
  const last = references.removedLast && changes.changed.length > 0;
  for (const name of changes.removed) {
    const waitsNow = last && !waiting.get(name)?.restOfChange;
    const why = references.whyRemovalWaits(name) ?? (waitsNow ? references.waitForRestOfChange(name) : undefined);
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
  /** Content that was refused and is still served. */
  private readonly refused: [name: string, now: Resource | undefined, change: OpenChange | undefined][] = [];
  /** Content that an unanswered response already has. */
  private readonly onItsWay: [name: string, now: Resource | undefined][] = [];
  /** Changes that were refused together and of which something is served otherwise now. */
  private readonly touched = new Set<OpenChange>();
  private readonly seen = new Set<string>();
  private readonly state: ClientContents;

  constructor(
    private readonly subscription: Subscription,
    private readonly references: References,
    private readonly whole: boolean,
  ) {
    this.state = subscription.state;
  }

  compare(partial: boolean, to: number | undefined): Difference {
    const { subscription, state, references, changed, removed } = this;
    for (const name of partial ? subscription.namesToAnswer : this.candidates()) this.look(name);
    if (references.removedLast && changed.size > 0)
      // A removal that has waited once is sent together with newer changes. Otherwise it could wait for ever, because
      // there can always be newer changes.
      for (const name of removed)
        if (
          state.lastCertain(name) &&
          !subscription.namesToAnswer.has(name) &&
          !subscription.waiting.get(name)?.restOfChange
        ) {
          removed.delete(name);
          this.withheld.set(name, references.waitForRestOfChange(name));
        }
    const fresh = this.changes();
    const repeats = this.whole && (changed.size + removed.size > 0 || subscription.mustAnswer);
    if (repeats) {
      for (const change of state.open) for (const name of change.names()) this.look(name);
      for (const name of state.refused.keys()) this.look(name);
      // The answer to a full state also stands for older ones.
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

  /** The names that may differ. Some may come twice. */
  private *candidates(): Iterable<string> {
    const { namesToAnswer, dueRetries, names, wildcard, view, allStale, stale, waiting } = this.subscription;
    const { state } = this;
    yield* namesToAnswer;
    yield* dueRetries;
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
    const { view, namesToAnswer, dueRetries, waiting } = subscription;
    if (seen.has(name)) return;
    seen.add(name);
    if (isGlob(name)) {
      this.lookAtMembers(name);
      return;
    }
    const isAsked = namesToAnswer.has(name);
    if (!isAsked && !subscription.covers(name)) return;
    const last = state.lastCertain(name);
    const now = view.get(name) ?? (last instanceof Resource && last.isPlaceholder ? last : undefined);
    if (isAsked || dueRetries.has(name)) {
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
      // The client refused this in its first response, and may have another version from an earlier stream.
      else if (this.whole && !now && !last && subscription.hasEarlierState) this.removed.add(name);
      else if (isSame && state.isCertain(name) && !state.isRepeated(name)) this.healed.push(name);
      else {
        this.put(name, now);
        if (this.changed.has(name) || this.removed.has(name))
          for (const missing of refused.missing) this.tellMissing(missing);
      }
    } else if (change && change.content(name)?.version === now?.version) {
      if (change.isPending(name)) return; // a piece will have it
      // The content may be good, and what it waited for may have come.
      if (!change.isRefused || change.isDeferred(name) || (now && waiting.has(name))) this.put(name, now);
      else this.refused.push([name, now, change]);
    } else if (!state.isCertain(name)) {
      this.put(name, now);
      if (change && !change.isSplitting) this.touched.add(change);
    } else if (!isSame) this.put(name, now);
    else if (change || state.deferred.has(name)) {
      this.healed.push(name);
      // It was not sent yet and is removed already. The client may wait for an answer (P40, P42).
      if (!now && change && subscription.names.has(name)) this.answerMissing(name);
    }
  }

  /** Looks at the members of a glob collection. If it has none, the collection itself is answered (P63). */
  private lookAtMembers(glob: string): void {
    const { view, namesToAnswer } = this.subscription;
    let isEmpty = true;
    for (const { key } of view.members(glob)) {
      isEmpty = false;
      this.look(key);
    }
    if (isEmpty && namesToAnswer.has(glob)) this.removed.add(glob);
  }

  /** Adds what the client should have of a name, unless that has to wait. */
  private put(name: string, now: Resource | undefined): void {
    const { state, references, subscription, changed, removed } = this;
    const isAsked = subscription.namesToAnswer.has(name);
    if (now) {
      const old = isAsked ? lastResource(state, name) : state.repeatable(name);
      // A placeholder is not an older version that the client could go on using.
      const hasOlder = old ? !old.isPlaceholder : !isAsked && state.mayHave(name);
      const why = hasOlder ? references.whyChangeWaits(now) : undefined;
      if (!why) changed.set(now.key, now);
      else this.withhold(name, why, isAsked);
    } else if (state.mayHave(name)) {
      const why = references.whyRemovalWaits(name);
      // A removal waits for the rest of its change only if the client certainly has the resource and does not ask for
      // it.
      const isMoot = why?.why === "unseen" && (isAsked || !state.lastCertain(name));
      if (why && !isMoot) this.withhold(name, why, isAsked);
      else {
        removed.add(name);
        if (isAsked && !lastResource(state, name)) this.unresolved.push(name);
      }
    } else if (isAsked) this.answerMissing(name);
    else if (state.openWith(name)) this.healed.push(name); // it was not sent yet and is removed already
  }

  private withhold(name: string, why: Withheld, isAsked: boolean): void {
    this.withheld.set(name, why);
    const old = isAsked ? lastResource(this.state, name) : undefined;
    if (old) this.changed.set(old.key, old);
  }

  /** Repeats the answer that a name does not exist. Its first response was refused because of other content. */
  private tellMissing(name: string): void {
    const { subscription, state, removed, unresolved } = this;
    if (!subscription.names.has(name) || subscription.view.get(name) || state.mayHave(name)) return;
    removed.add(name);
    unresolved.push(name);
  }

  private answerMissing(name: string): void {
    const { references, changed, withheld, removed, unresolved, state } = this;
    const old = references.removedButReferenced(name);
    if (old) {
      changed.set(old.key, old);
      withheld.set(name, { why: "reference", since: performance.now() });
      return;
    }
    const answer = state.removedInUse.has(name) ? "removed" : references.answerForMissing(name);
    if (answer instanceof Resource) changed.set(name, answer);
    else {
      if (answer === "removed") removed.add(name);
      unresolved.push(name);
    }
  }
}

/** Whether the client has what is served. A user may give the same version to other content. */
const isSameContent = (last: ClientCopy, now: Resource | undefined): boolean =>
  last === now ||
  (last?.version === now?.version && !(last instanceof Resource && now !== undefined && !last.hasContentOf(now)));

const lastResource = (state: ClientContents, name: string): Resource | undefined => {
  const last = state.lastCertain(name);
  return last instanceof Resource ? last : undefined;
};

const isEmpty = ({ changed, removed }: Changes): boolean => changed.length + removed.length === 0;

/** A list of resources as a change. The same list gives the same object. */
function listed(changed: readonly Resource[]): Changes {
  let changes = listedMemo.get(changed);
  if (!changes) {
    changes = { changed, removed: none };
    listedMemo.set(changed, changes);
  }
  return changes;
}
const listedMemo = new WeakMap<readonly Resource[], Changes>();
