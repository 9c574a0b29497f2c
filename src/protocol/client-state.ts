import type { Changes, ResourceView } from "../cache/config-watcher.js";
import { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/types.js";
import { contentsOf, halvesOf, onlyIn } from "./changes.js";
import { LazyMap } from "./lazy.js";
import type { NackEntry } from "./ledger.js";
import { OpenChange } from "./open-change.js";

/** A version that the client reported when it connected. Its content is unknown, unless it is what is served. */
export class Reported {
  constructor(readonly version: string) {}
}

/** What a client has of a name; undefined: nothing. */
export type Has = Resource | Reported | undefined;

/** A response that the client has not answered yet. */
export interface Delivery {
  /** What is new in it. Shared between streams. */
  readonly changes: Changes;
  /** What was not offered before: less than `changes` where a full state repeats what was refused. */
  readonly fresh: Changes;
  readonly nonce: string;
  readonly version: string;
  /** `performance.now()` when it was sent. */
  readonly at: number;
  /** Under a wildcard, the position that the client reaches with it. */
  to: number | undefined;
  /** It answers a request for names, or is one piece of a change: more has changed than it says. */
  readonly partial: boolean;
  /** It has the full state: what it lacks does not exist, and what it repeats is offered once more. */
  readonly whole: boolean;
  /** The change that it is a piece of. */
  readonly piece: OpenChange | undefined;
  /** What a full state repeats as it was, though it is served otherwise or no longer. */
  readonly repeated: Changes;
  /** Set when a later response was answered first: a retained position where it is known what the client had. */
  before: number | undefined;
  /** Names that a later response, answered first, has as well; true: one that was ACKed. */
  newer: Map<string, boolean> | undefined;
}

/**
 * A name whose content was refused in a response that offered nothing else. What the client had before is still in
 * force.
 */
export interface Refused {
  /** undefined: its removal was refused. */
  readonly resource: Resource | undefined;
  /** When, and why. */
  readonly nack: NackEntry;
  /** A removal of it was refused. A client may have taken that all the same, as Envoy does. */
  readonly mayBeGone: boolean;
  /** Names that the same response said do not exist. */
  readonly missing: readonly string[];
  /** How often this content was refused. */
  readonly tries: number;
  /** `performance.now()` when it is offered again (P16); undefined: never. */
  readonly retryAt: number | undefined;
}

/** What a client may still use of a name that it was told is gone; `at` is `performance.now()` when it took that. */
export interface Gone {
  readonly inUse: readonly Resource[];
  readonly at: number;
}

/** What a refused response comes to. */
export interface Verdict {
  /** The resources and removals that are known to be refused; undefined: they are still looked for (P17). */
  readonly refused: Changes | undefined;
}

/** How a refusal is written down. */
interface Refuse {
  entry(refused: Changes): NackEntry;
  readonly options: NackOptions;
}

/** What the state has to know of the subscription that it belongs to. */
export interface Wants {
  readonly type: ResourceType;
  readonly view: ResourceView;
  readonly wildcard: boolean;
  /** Names subscribed explicitly. */
  readonly names: ReadonlySet<string>;
  covers(name: string): boolean;
  /** The names by which a resource is subscribed: its own, or aliases. */
  keysOf(resource: Resource): readonly string[];
  /** The client keeps this as it has it for now (P53, P54). */
  isWithheld(name: string): boolean;
  /** It keeps this only because an old listener may still use it (P54). */
  isDraining(name: string): boolean;
}

const noRefusals: ReadonlyMap<string, Refused> = new Map();
const noneGone: ReadonlyMap<string, Gone> = new Map();

/** How many versions of a name that is gone are taken for perhaps in use: the latest ones. */
const inUseKept = 4;

const none: readonly never[] = [];
const noNames: ReadonlySet<string> = new Set();

/** How many refused responses are remembered with what they offered. */
const refusedKept = 4;

/** How many NACKs finding the bad resources of one change may cost, the first included (P17). */
export const mostNacks = 64;

/**
 * What one client may have of one type.
 *
 * What it certainly has is the view at `position` under a wildcard, and `entries` by name: without a wildcard all of
 * it, under one only where the client differs from the view there. Two things can make it uncertain: responses on their
 * way (`inFlight`), and changes that it has refused without a word about which of their resources are bad (`open`).
 * Both hold objects that all streams share.
 */
export class ClientState {
  /** Everything up to here was offered and answered. */
  position = -1;
  private readonly entries = new LazyMap<string, Has>();
  // A Map takes 200 bytes even when it is empty, so those that few clients need are made when they are needed.
  private refusals: Map<string, Refused> | undefined;
  /** Changes that were refused together, or are sent in pieces. Oldest first; at most four of them refused. */
  readonly open: OpenChange[] = [];
  /** Served names of refused responses that were too many to remember. */
  private unknown: Set<string> | undefined;
  /** Oldest first; normally one at most. */
  readonly inFlight: Delivery[] = [];
  private goneNames: Map<string, Gone> | undefined;
  private skipped: Set<string> | undefined;

  constructor(private readonly wants: Wants) {}

  // Questions

  /** What was refused alone, by name. Bounded by the names that are served or subscribed. */
  get refused(): ReadonlyMap<string, Refused> {
    return this.refusals ?? noRefusals;
  }

  /**
   * Names that the client still subscribes, with what it may still use although it was told that they are gone: an
   * Envoy goes on using a route configuration that is removed.
   */
  get gone(): ReadonlyMap<string, Gone> {
    return this.goneNames ?? noneGone;
  }

  /** Names that were left out of their piece of a change: they were replaced meanwhile, or have to wait. */
  get deferred(): ReadonlySet<string> {
    return this.skipped ?? noNames;
  }

  /** Everything up to here was offered, and may still be unanswered. */
  get offered(): number {
    for (let i = this.inFlight.length - 1; i >= 0; i--) {
      const to = this.inFlight[i]?.to;
      if (to !== undefined) return Math.max(to, this.position);
    }
    return this.position;
  }

  /** The last position where it is certain what the client had. */
  get certainPosition(): number {
    return this.open.find((one) => one.isRefused)?.before ?? this.position;
  }

  /** Nothing is known but the position. */
  get isPlain(): boolean {
    return this.isShared && this.open.length === 0;
  }

  /** Nothing is known by name: positions and changes that all streams share say it all. */
  get isShared(): boolean {
    if (this.entries.size + this.refused.size + this.deferred.size > 0 || !this.isKnown) return false;
    return this.open.length === 0 || this.open.every(({ isPassed }) => isPassed);
  }

  /** All that is unanswered leads to a position: nothing of it answers for names only, or is of another view. */
  get leadsOn(): boolean {
    return this.inFlight.every(({ to }) => to !== undefined);
  }

  /** No name is left of refused responses that were too many to remember. */
  get isKnown(): boolean {
    return (this.unknown?.size ?? 0) === 0;
  }

  /** Nothing that was refused is left. */
  get isClean(): boolean {
    return (
      this.refused.size === 0 && (this.open.length === 0 || !this.open.some((one) => one.isRefused && !one.isSplitting))
    );
  }

  /** Something that was refused is not replaced yet. */
  get hasRefused(): boolean {
    return this.refused.size > 0 || (this.open.length > 0 && this.open.some((one) => one.isRefused));
  }

  /** It has taken or brought something. */
  get hasAnything(): boolean {
    if (this.position >= 0) return true;
    for (const has of this.entries.values()) if (has) return true;
    return false;
  }

  /** What the client last certainly had of a name. Where it has refused a change since, it may have more than that. */
  last(name: string): Has {
    if (this.entries.has(name)) return this.entries.get(name);
    const { view, wildcard } = this.wants;
    if (!wildcard) return undefined;
    for (const change of this.open)
      if (change.before !== undefined && change.has(name)) return view.at(name, change.before);
    for (const { before, changes } of this.inFlight)
      if (before !== undefined && contentsOf(changes).has(name)) return view.at(name, before);
    return view.at(name, this.position);
  }

  /** Whether the client certainly has what {@link last} says, but for what is on its way. */
  isCertain(name: string): boolean {
    return (
      !this.unknown?.has(name) &&
      !this.refused.get(name)?.mayBeGone &&
      !this.open.some((change) => change.isRefused && change.has(name))
    );
  }

  /** What the unanswered responses say of a name: `resource` undefined: its removal. */
  coming(name: string): { readonly resource: Resource | undefined } | undefined {
    for (let i = this.inFlight.length - 1; i >= 0; i--) {
      const delivery = this.inFlight[i] as Delivery;
      // Only a later response that repeats it as it was takes back what an earlier one says.
      const again = i > 0 ? contentsOf(delivery.repeated).get(name) : undefined;
      if (again && this.inFlight.slice(0, i).some(({ changes }) => contentsOf(changes).has(name)))
        return { resource: again };
      const contents = contentsOf(delivery.changes);
      if (contents.has(name) && !this.isReplaced(delivery, name)) return { resource: contents.get(name) };
    }
    return undefined;
  }

  /** An unanswered full state repeats a name as it was: its refusal may be about that. */
  isRepeated(name: string): boolean {
    return this.inFlight.some(({ repeated }) => contentsOf(repeated).has(name));
  }

  /** A later response was answered first, and says what the client has of a name: it was not refused. */
  private isReplaced({ newer }: Delivery, name: string): boolean {
    const isTaken = newer?.get(name);
    return isTaken === true || (isTaken === false && !this.refused.has(name) && !this.openWith(name));
  }

  /** The newest open change with this name. */
  openWith(name: string): OpenChange | undefined {
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]?.has(name)) return this.open[i];
    return undefined;
  }

  /** The response with this nonce, if it is unanswered. */
  unanswered(nonce: string): Delivery | undefined {
    for (const delivery of this.inFlight) if (delivery.nonce === nonce) return delivery;
    return undefined;
  }

  /** Every resource of a name that the client may be using. */
  possible(name: string): Resource[] {
    const found: Resource[] = [];
    const last = this.last(name);
    if (last instanceof Resource) found.push(last);
    for (const change of this.open) {
      const content = change.isRefused && change.has(name) ? change.content(name) : undefined;
      if (content) found.push(content);
    }
    for (const delivery of this.inFlight) {
      const content = contentsOf(delivery.changes).get(name);
      if (content && !this.isReplaced(delivery, name)) found.push(content);
    }
    return found;
  }

  /** What to repeat of a name that stays as it is on the client: what it certainly has, else what it may have taken. */
  repeatable(name: string): Resource | undefined {
    const last = this.last(name);
    return last instanceof Resource ? last : this.possible(name).at(-1);
  }

  /** Whether the client may have any version of a name. */
  mayHave(name: string): boolean {
    return this.last(name) !== undefined || this.possible(name).length > 0;
  }

  /**
   * Whether something new may come to refer to a name: the client has it. "unanswered": that is not known yet. After a
   * refusal an older version counts; of a response that was refused because of others, the rest counts as taken (P53).
   */
  availability(name: string): "there" | "unanswered" | "missing" {
    if (this.coming(name)) return this.coming(name)?.resource ? "unanswered" : "missing";
    const last = this.last(name);
    const refused = this.refused.get(name);
    if (refused) return last && !refused.mayBeGone ? "there" : "missing";
    for (let i = this.open.length - 1; i >= 0; i--) {
      const change = this.open[i] as OpenChange;
      if (!change.has(name)) continue;
      if (change.isSplitting) return "unanswered";
      if (!change.content(name)) return "missing"; // it may have taken the removal
      if (change.isDeferred(name)) continue;
      if (!change.blames(name)) return "there";
    }
    return last ? "there" : "missing";
  }

  /** What the client last certainly had of each name that differs from the view at its position. */
  get exceptions(): ReadonlyMap<string, Has> {
    return this.entries;
  }

  /** A version that the client reported is not served: nobody knows what it refers to (P49). */
  get hasUnservedVersions(): boolean {
    for (const [name, has] of this.entries)
      if (has instanceof Reported && this.wants.view.get(name)?.version !== has.version) return true;
    return false;
  }

  /**
   * Every resource that the client may be using and that is not what is served now, but for what only drains. `touched`
   * are the names that may have changed since they were last looked at, where there is no wildcard.
   */
  *outdated(touched: Iterable<string>): Iterable<Resource> {
    const { view, wildcard } = this.wants;
    const names = new Set<string>();
    const isOld = (resource: Resource) => view.get(resource.key)?.version !== resource.version;
    if (wildcard) {
      const { changed, removed } = view.since(this.position);
      for (const { key } of changed) names.add(key);
      for (const name of removed) names.add(name);
      for (const name of this.entries.keys()) names.add(name);
    } else {
      for (const name of touched) names.add(name);
      for (const name of this.refused.keys()) names.add(name);
    }
    for (const change of this.open) for (const name of change.names()) names.add(name);
    for (const { changes } of this.inFlight) for (const name of contentsOf(changes).keys()) names.add(name);
    for (const name of names)
      if (!this.wants.isDraining(name))
        for (const resource of this.possible(name)) if (isOld(resource) && !resource.isPlaceholder) yield resource;
  }

  /** Every resource that the client may be using. */
  *inUse(): Iterable<Resource> {
    const { view, wildcard, names } = this.wants;
    const all = new Set<string>(this.entries.keys());
    if (wildcard) for (const { key } of view.allAt(this.position)) all.add(key);
    else for (const name of names) all.add(name);
    for (const change of this.open) for (const name of change.names()) all.add(name);
    for (const { changes } of this.inFlight) for (const name of contentsOf(changes).keys()) all.add(name);
    for (const name of all) yield* this.possible(name);
  }

  // What happens

  /** The client takes up the wildcard: that it lacks what it has refused is not what the position will say. */
  keepRefused(): void {
    const keep = (name: string) => {
      if (!this.entries.has(name)) this.entries.set(name, undefined);
    };
    for (const name of this.refused.keys()) keep(name);
    for (const change of this.open) for (const name of change.names()) keep(name);
  }

  /** The client has reported a version (P49). */
  report(name: string, has: Has): void {
    this.entries.set(name, has);
  }

  /** The client keeps this although its position moves on. */
  withhold(name: string): void {
    const last = this.last(name);
    if (last) this.entries.set(name, last);
    else if (this.coming(name)) this.defer(name); // it is known with the answer
  }

  /** A response goes out. */
  send(delivery: Delivery): void {
    if (delivery.to !== undefined) this.wants.view.retain(delivery.to);
    this.inFlight.push(delivery);
    if (this.skipped && this.skipped.size > 0)
      for (const name of contentsOf(delivery.changes).keys()) this.skipped.delete(name);
  }

  /** A name is left out of its piece of a change, and is to be looked at again. */
  defer(name: string): void {
    this.skipped ??= new Set();
    this.skipped.add(name);
  }

  /** The number of the last unanswered response. */
  private get lastSent(): number {
    return Number(this.inFlight.at(-1)?.nonce ?? 0);
  }

  /** A change goes out in pieces, each after the ACK of the one before. Nothing of it is sent yet. */
  sendInPieces(pieces: readonly Changes[], to: number | undefined): void {
    const { view, wildcard } = this.wants;
    if (wildcard) view.retain(this.position);
    this.open.push(new OpenChange([...pieces], wildcard ? this.position : undefined, to !== undefined, this.lastSent));
    if (to === undefined) return;
    for (const one of this.inFlight) this.passBy(one);
    view.retain(to);
    this.moveTo(to);
  }

  /** The client has all that is served at a position (P36), or cannot be told of the difference. */
  reach(position: number): void {
    this.wants.view.retain(position);
    this.moveTo(position);
  }

  /** The client has taken a response. */
  ack(answered: Delivery): void {
    const [delivery, older] = this.answer(answered);
    const { changes, to, whole, piece } = delivery;
    if (whole) {
      // The full state is all that the client has: what came before does not matter any more.
      for (const change of this.open.splice(0)) this.letGo(change);
      this.refusals?.clear();
      this.unknown?.clear();
      if (to !== undefined)
        for (const name of [...this.entries.keys()]) if (!this.wants.isWithheld(name)) this.entries.delete(name);
    }
    this.advance(delivery, older, true);
    if (to !== undefined) this.prune();
    for (const old of delivery.repeated.changed) if (this.wants.covers(old.key)) this.note(old.key, old);
    const { open } = this;
    const isShared = this.wants.wildcard && this.isShared && this.inFlight.length === 0;
    // The position says it all, as it does for nearly every ACK.
    if (!(isShared && (to === undefined ? piece?.isPassed && open.length === 1 : open.length === 0)))
      for (const [name, resource] of this.answeredNames(changes))
        if (!delivery.newer?.has(name)) {
          this.take(name, resource, delivery);
          // Its removal was held back while this was unanswered, and the position moves on without it.
          if (this.wants.wildcard && this.wants.isWithheld(name)) this.withhold(name);
        } else if (!this.isReplaced(delivery, name)) this.note(name, resource); // what came later was refused
    if (piece?.remove(changes)) this.drop(piece);
  }

  /** The client has refused a response. `entry` makes the NACK as it is remembered. */
  nack(answered: Delivery, entry: (refused: Changes) => NackEntry, options: NackOptions): Verdict {
    const passed = answered.whole ? this.inFlight.slice(0, this.inFlight.indexOf(answered)) : none;
    const [delivery, older] = this.answer(answered);
    const { piece, whole, to } = delivery;
    const refuse = { entry, options };
    let refused: Changes | undefined;
    let good: readonly [string, Resource | undefined][] = none;
    if (piece) refused = this.nackPiece(delivery, piece, refuse);
    else if (whole) [refused, good] = this.nackWhole(delivery, refuse);
    else refused = this.nackAny(delivery, refuse);
    for (const [name, resource] of good) if (!delivery.newer?.has(name)) options.taking(name, resource);
    this.advance(delivery, older, false);
    for (const [name, resource] of good) if (!delivery.newer?.has(name)) this.take(name, resource, delivery);
    // Older full states will not be answered any more. The client may have a refused name as they had it.
    for (const { changes } of passed)
      for (const name of contentsOf(changes).keys()) if (this.refused.has(name)) this.noteUnknown(name);
    if (to !== undefined) this.prune();
    this.forgetOldest();
    return { refused };
  }

  /** A piece of a change is refused: its halves are sent next, or it is known to be bad (P17). */
  private nackPiece({ changes }: Delivery, piece: OpenChange, { entry, options }: Refuse): Changes | undefined {
    piece.nacks++;
    const isEnough = piece.nacks >= mostNacks;
    const halves = halvesOf(changes, this.oldOf);
    if (halves && !isEnough) {
      piece.split(changes, halves);
      return undefined;
    }
    if (!halves) {
      this.refuseAlone(changes, entry(changes), options);
      if (piece.remove(changes)) this.drop(piece);
      if (!isEnough || !piece.next) return changes;
    }
    const refused = piece.all;
    piece.giveUp(entry(refused));
    return refused;
  }

  /** A response that can be divided is refused. */
  private nackAny(delivery: Delivery, { entry, options }: Refuse): Changes | undefined {
    const { changes } = delivery;
    const halves = halvesOf(changes, this.oldOf);
    if (!halves) {
      this.refuseAlone(changes, entry(changes), options, delivery);
      return changes;
    }
    this.leaveOpen([...halves], delivery, delivery.before ?? this.position);
    return undefined;
  }

  /**
   * A full state is refused. What is bad in it is what the client's message names; else what it refused before and is
   * offered again, or repeated: that explains the refusal, and the rest counts as taken, for nothing may wait for an
   * ACK that will not come (P53). Where nothing tells, or where the client took nothing, all of it is refused together.
   */
  private nackWhole(
    delivery: Delivery,
    { entry, options }: Refuse,
  ): [refused: Changes, good: readonly [string, Resource | undefined][]] {
    const { to } = delivery;
    const changes = this.withSuspects(delivery, options);
    const count = changes.changed.length + changes.removed.length;
    const known = this.refusedBefore(changes);
    const open = this.open.filter((change) => change.isRefused);
    if (count === known.length || (count === 1 && open.length === 0)) {
      this.refuseAlone(changes, entry(changes), options);
      return [changes, none];
    }
    const leaveAll = (): [Changes, readonly [string, Resource | undefined][]] => {
      this.leaveOpen([changes], delivery, this.certainPosition).giveUp(entry(changes));
      return [changes, none];
    };
    if (options.tookNothing) return leaveAll();
    const mentioned = options.mentioned(changes);
    if (mentioned.size > 0) {
      const bad = { changed: changes.changed.filter(({ key }) => mentioned.has(key)), removed: none };
      this.refuseAlone(bad, entry(bad), options);
      for (const change of open) this.takeOpen(change, mentioned, options);
      return [bad, this.others(delivery, mentioned)];
    }
    if (known.length > 0) {
      for (const name of known) this.again(name, options);
      const bad = new Set(known);
      return [
        { changed: changes.changed.filter(({ key }) => bad.has(key)), removed: none },
        this.others(delivery, bad),
      ];
    }
    const before = open.find((change) =>
      change.explains((name) => (to === undefined ? contentsOf(changes).get(name) : this.wants.view.at(name, to))),
    );
    if (before) return [before.all, this.others(delivery, noNames)];
    return leaveAll();
  }

  /** What is new in a full state, and what it repeats though it was refused before or is named by the refusal. */
  private withSuspects({ changes, repeated }: Delivery, { mentioned, tookNothing }: NackOptions): Changes {
    if (repeated.changed.length === 0 || tookNothing) return changes;
    const named = mentioned(repeated);
    const suspects = repeated.changed.filter(
      ({ key, version }) => named.has(key) || this.refused.get(key)?.resource?.version === version,
    );
    if (suspects.length === 0) return changes;
    return { changed: [...changes.changed, ...suspects], removed: changes.removed };
  }

  /** What is new in a full state, and what it repeats as it was, but for what is bad. */
  private others({ fresh, repeated }: Delivery, bad: ReadonlySet<string>): readonly [string, Resource | undefined][] {
    const kept = repeated.changed.filter(({ key }) => this.wants.covers(key));
    return [...kept.map((old): [string, Resource] => [old.key, old]), ...this.answeredNames(fresh)].filter(
      ([name]) => !bad.has(name),
    );
  }

  /** Which resources of a change are bad is not known. Until it is, the client may have any of them. */
  private leaveOpen(pieces: Changes[], { newer, nonce, to }: Delivery, before: number): OpenChange {
    const { wildcard, view } = this.wants;
    if (wildcard) view.retain(before);
    const change = new OpenChange(pieces, wildcard ? before : undefined, to !== undefined, Number(nonce));
    change.isRefused = true;
    change.nacks = 1;
    if (this.refusals) for (const name of change.names()) this.refusals.delete(name); // that was about other content
    this.open.push(change);
    for (const name of newer?.keys() ?? none) this.resolve(change, name);
    const names = wildcard ? change.all.removed : [...change.names()];
    for (const name of names) if (!this.isWanted(change, name)) this.resolve(change, name);
    return change;
  }

  /** It is known now what is bad of a change that was refused together: the client has taken the rest. */
  private takeOpen(change: OpenChange, bad: ReadonlySet<string>, options: NackOptions): void {
    for (const name of change.names()) if (!bad.has(name)) options.taking(name, change.content(name));
    if (!this.wants.wildcard)
      for (const name of [...change.names()])
        if (!bad.has(name) && this.wants.covers(name)) this.take(name, change.content(name), undefined);
    this.drop(change);
  }

  private readonly oldOf = (name: string): Resource | undefined => this.possible(name)[0];

  /** The resource that the client has of a name is served again. */
  heal(name: string): void {
    const gone = this.gone.get(name);
    const last = this.last(name); // as it is while what was not sent of it is known
    this.settle(name);
    if (gone) this.noteGone(name, gone);
    if (this.wants.wildcard && !this.wants.isWithheld(name)) this.note(name, last);
  }

  /** The client no longer has this, or cannot be told that it has not. */
  lose(name: string, answered?: Delivery): void {
    const { wildcard, names } = this.wants;
    if (!wildcard && names.has(name)) {
      const before = this.gone.get(name)?.inUse ?? [];
      const inUse = [...before, ...this.possible(name).filter(({ isPlaceholder }) => !isPlaceholder)].slice(-inUseKept);
      this.settleWith(name, undefined, answered);
      this.entries.delete(name);
      if (inUse.length > 0) this.noteGone(name, { inUse, at: performance.now() });
      return;
    }
    this.settleWith(name, undefined, answered);
    this.note(name, undefined);
  }

  /** The client no longer subscribes this. */
  forget(name: string): void {
    this.settleName(name);
    for (const change of [...this.open])
      if (change.has(name) && !this.isWanted(change, name)) this.resolve(change, name);
    if (!this.wants.wildcard) this.entries.delete(name); // else the position would say that the client has it
  }

  /** The client subscribes what a change has of a name, by this name or another. */
  private isWanted(change: OpenChange, name: string): boolean {
    const content = change.content(name);
    return content ? this.wants.keysOf(content).length > 0 : this.wants.covers(name) && !this.isMoot(name);
  }

  /** That a name does not exist is nothing that a client refuses which has dropped it. */
  private isMoot(name: string): boolean {
    return this.wants.wildcard && !this.wants.names.has(name) && !this.mayHave(name);
  }

  /** From now on all that the client has stands in `entries`, for these names; of others nothing is known any more. */
  flatten(names: Iterable<string>, covers: (name: string) => boolean): void {
    const all = new Set(names);
    for (const name of this.entries.keys()) all.add(name);
    for (const change of this.open) for (const name of change.names()) all.add(name);
    const has = new Map<string, Has>();
    for (const name of all) if (covers(name)) has.set(name, this.last(name));
    this.leave();
    for (const known of [this.refusals, this.goneNames, this.skipped])
      for (const name of known?.keys() ?? []) if (!covers(name)) known?.delete(name);
    for (const change of [...this.open])
      for (const name of [...change.names()]) if (!covers(name)) this.resolve(change, name);
    this.entries.clear();
    for (const name of this.refused.keys()) if (!has.has(name)) has.set(name, undefined);
    const isRefused = (name: string) => this.refused.has(name) || this.openWith(name) !== undefined;
    for (const [name, last] of has) if (last || (this.wants.wildcard && isRefused(name))) this.entries.set(name, last);
  }

  /** Lets go of all positions. */
  leave(): void {
    const { view } = this.wants;
    for (const change of this.open) {
      if (change.before !== undefined) view.release(change.before);
      change.before = undefined;
      change.isPassed = false;
    }
    for (const delivery of this.inFlight) {
      if (delivery.before !== undefined) view.release(delivery.before);
      if (delivery.to !== undefined) view.release(delivery.to);
      delivery.before = delivery.to = undefined;
    }
    view.release(this.position);
    this.position = -1;
  }

  // Inside

  /**
   * Takes an answered response out of those on their way; and gives those that were sent before it and are not
   * answered.
   */
  private answer({ nonce }: Delivery): [delivery: Delivery, older: readonly Delivery[]] {
    const { inFlight } = this;
    if (inFlight.length === 1) return [inFlight.pop() as Delivery, none]; // nearly always
    const index = inFlight.findIndex((one) => one.nonce === nonce);
    const [delivery] = inFlight.splice(index, 1) as [Delivery];
    if (!delivery.whole) return [delivery, inFlight.slice(0, index)];
    for (const one of this.inFlight.splice(0, index)) this.letGo(one); // it repeats all that they say
    return [delivery, []];
  }

  /** The position moves on with an answer; responses that were sent before and are not answered yet stay uncertain. */
  private advance({ changes, to, before }: Delivery, older: readonly Delivery[], isAck: boolean): void {
    const { view } = this.wants;
    for (const one of older) {
      for (const name of contentsOf(changes).keys())
        if (contentsOf(one.changes).has(name)) {
          one.newer ??= new Map();
          one.newer.set(name, isAck || one.newer.get(name) === true);
        }
      if (to !== undefined) this.passBy(one);
    }
    if (to === undefined) return;
    if (before === undefined) this.moveTo(to);
    else {
      view.release(before);
      view.release(to);
    }
  }

  /** The position moves on, past a response that is unanswered. */
  private passBy(delivery: Delivery): void {
    if (delivery.to === undefined || delivery.before !== undefined) return;
    delivery.before = this.position;
    this.wants.view.retain(this.position);
  }

  private letGo({ to, before }: { to?: number | undefined; readonly before: number | undefined }): void {
    if (to !== undefined) this.wants.view.release(to);
    if (before !== undefined) this.wants.view.release(before);
  }

  /** Takes over a retained position. */
  private moveTo(position: number): void {
    this.wants.view.release(this.position);
    this.position = position;
  }

  /** Forgets the entries that say the same as the view at the position, once the position says all of the rest. */
  private prune(): void {
    if (this.entries.size === 0 || this.inFlight.length > 0) return;
    const { wants } = this;
    for (const [name, has] of [...this.entries]) {
      if (wants.view.at(name, this.position)?.version !== has?.version) continue;
      const isNeeded =
        wants.isWithheld(name) ||
        this.refused.has(name) ||
        this.deferred.has(name) ||
        this.openWith(name) ||
        this.coming(name) !== undefined;
      if (!isNeeded) this.entries.delete(name);
    }
  }

  /** The names of a change that the client subscribes, each with its resource. */
  private *answeredNames({ changed, removed }: Changes): Iterable<[string, Resource | undefined]> {
    for (const resource of changed) for (const name of this.wants.keysOf(resource)) yield [name, resource];
    for (const name of removed) if (this.wants.covers(name)) yield [name, undefined];
  }

  private take(name: string, resource: Resource | undefined, answered: Delivery | undefined): void {
    if (!resource) {
      this.lose(name, answered);
      return;
    }
    this.settleWith(name, resource, answered);
    this.note(name, resource);
  }

  /** The client has taken this, or the removal. A later content of it may be yet to come, in a piece. */
  private settleWith(name: string, resource: Resource | undefined, answered: Delivery | undefined): void {
    this.settleName(name);
    for (const change of [...this.open]) {
      const isNewer = !answered || Number(answered.nonce) > change.origin;
      const isSame = () => change.content(name)?.version === resource?.version && !this.isOvertaken(name, answered);
      if (isNewer || !change.isPending(name) || isSame()) this.resolve(change, name);
    }
  }

  /** A response that was sent after this one, and is not answered, says something of a name. */
  private isOvertaken(name: string, answered: Delivery | undefined): boolean {
    if (!answered || this.inFlight.length === 0) return false;
    return this.inFlight.some(
      ({ nonce, changes }) => Number(nonce) > Number(answered.nonce) && contentsOf(changes).has(name),
    );
  }

  /** Writes down what the client certainly has. */
  private note(name: string, has: Has): void {
    const { view, wildcard } = this.wants;
    // While something is unanswered, the position may move on past this, or the name be looked for in older responses.
    const isSaid = wildcard
      ? this.inFlight.length === 0 && view.at(name, this.position)?.version === has?.version
      : !has;
    if (isSaid) this.entries.delete(name);
    else this.entries.set(name, has);
  }

  private noteUnknown(name: string): void {
    this.unknown ??= new Set();
    this.unknown.add(name);
  }

  private noteRefused(name: string, refused: Refused): void {
    this.refusals ??= new Map();
    this.refusals.set(name, refused);
  }

  private noteGone(name: string, gone: Gone): void {
    this.goneNames ??= new Map();
    this.goneNames.set(name, gone);
  }

  /** Nothing is uncertain of a name any more. */
  private settle(name: string): void {
    this.settleName(name);
    for (const change of [...this.open]) this.resolve(change, name);
  }

  private settleName(name: string): void {
    this.refusals?.delete(name);
    this.goneNames?.delete(name);
    this.unknown?.delete(name);
    this.skipped?.delete(name);
  }

  private resolve(change: OpenChange, name: string): void {
    if (change.resolve(name)) this.drop(change);
  }

  /** An unanswered response says what this change has of a name. What the client has until then stays known. */
  saidElsewhere(change: OpenChange, name: string): void {
    if (this.wants.wildcard) this.entries.set(name, this.last(name));
    this.resolve(change, name);
  }

  private drop(change: OpenChange): void {
    const index = this.open.indexOf(change);
    if (index < 0) return;
    this.open.splice(index, 1);
    this.letGo(change);
    if (this.wants.wildcard) this.prune();
  }

  /** `delivery`: the response, where later ones may have been answered before it. */
  private refuseAlone(changes: Changes, nack: NackEntry, options: NackOptions, delivery?: Delivery): void {
    const { wildcard, view } = this.wants;
    const before = delivery?.before;
    const missing = changes.changed.length > 0 ? changes.removed.filter((name) => !this.mayHave(name)) : [];
    const isMissing = new Set(missing);
    for (const [name, resource] of this.answeredNames(changes)) {
      if (isMissing.has(name) || delivery?.newer?.has(name)) continue;
      const isPassed = before !== undefined && !this.entries.has(name) && !this.openWith(name);
      const last = isPassed ? view.at(name, before) : this.last(name);
      if (!resource && !last && this.isMoot(name)) continue;
      const tries = this.triesOf(name, resource) + 1;
      const inUse = this.gone.get(name);
      const mayBeGone = last !== undefined && (!resource || this.refused.get(name)?.mayBeGone === true);
      this.settleWith(name, resource, delivery);
      if (inUse) this.noteGone(name, inUse);
      if (wildcard || last) this.entries.set(name, last);
      this.noteRefused(name, { resource, nack, mayBeGone, missing, tries, retryAt: options.retryAt(tries) });
    }
  }

  private triesOf(name: string, resource: Resource | undefined): number {
    const refused = this.refused.get(name);
    return refused && refused.resource?.version === resource?.version ? refused.tries : 0;
  }

  /** A name that was refused alone has been offered once more, in company. */
  private again(name: string, options: NackOptions): void {
    const refused = this.refused.get(name);
    if (!refused) return;
    const tries = refused.tries + 1;
    this.noteRefused(name, { ...refused, tries, retryAt: options.retryAt(tries) });
  }

  /** The names of a change that were refused alone before, with the same content. */
  private refusedBefore(changes: Changes): string[] {
    if (this.refused.size === 0) return [];
    const contents = contentsOf(changes);
    const isSame = ([name, { resource }]: [string, Refused]) =>
      contents.has(name) && contents.get(name)?.version === resource?.version;
    return [...this.refused].filter(isSame).map(([name]) => name);
  }

  private forgetOldest(): void {
    const refused = this.open.filter((change) => change.isRefused && !change.isSplitting);
    const [oldest] = refused;
    const newest = refused.at(-1);
    if (!oldest || !newest || refused.length <= refusedKept) return;
    for (const name of onlyIn(oldest.all, newest.all))
      if (this.wants.view.get(name) && !refused.some((one) => one !== oldest && one.has(name))) this.noteUnknown(name);
    for (const name of oldest.deferredNames()) {
      if (this.wants.wildcard) this.entries.set(name, this.last(name));
      this.noteUnknown(name);
    }
    this.drop(oldest);
  }
}

export interface NackOptions {
  /** The client says that it took nothing of the response. */
  readonly tookNothing: boolean;
  /** The names of a change that the client's message mentions. */
  mentioned(changes: Changes): ReadonlySet<string>;
  /** Called before this counts as taken, although the response is refused. */
  taking(name: string, now: Resource | undefined): void;
  /** `performance.now()` when a content that was refused so often is offered again. */
  retryAt(tries: number): number | undefined;
}
