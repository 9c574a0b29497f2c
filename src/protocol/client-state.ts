import type { Changes } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import { contentsOf, halvesOf, onlyIn } from "./changes.js";
import { ClientRecord } from "./client-record.js";
import type { Delivery } from "./delivery.js";
import type { NackEntry } from "./ledger.js";
import { OpenChange } from "./open-change.js";
import type { NackOptions, Refused } from "./refused.js";

const none: readonly never[] = [];
const noNames: ReadonlySet<string> = new Set();

/** How many refused changes are remembered with their contents. */
const maxRefusedChanges = 4;

/** How many NACKs the search for the bad resources of one change may cost, the first included (P17). */
const maxNacks = 64;

/** Follows what one client has of one type, response by response: sent, ACKed, refused. */
export class ClientState extends ClientRecord {
  /** A response is sent. */
  send(delivery: Delivery): void {
    if (delivery.to !== undefined) this.scope.view.retain(delivery.to);
    this.inFlight.push(delivery);
    if (this.deferredNames && this.deferredNames.size > 0)
      for (const name of contentsOf(delivery.changes).keys()) this.deferredNames.delete(name);
  }

  /** The number of the last unanswered response; 0 if there is none. */
  private get lastSent(): number {
    return Number(this.inFlight.at(-1)?.nonce ?? 0);
  }

  /** A change will be sent in pieces, each after the ACK of the one before. Nothing of the change is sent yet. */
  sendInPieces(pieces: readonly Changes[], to: number | undefined): void {
    const { view, wildcard } = this.scope;
    if (wildcard) view.retain(this.position);
    this.open.push(new OpenChange([...pieces], wildcard ? this.position : undefined, to !== undefined, this.lastSent));
    if (to === undefined) return;
    for (const one of this.inFlight) this.retainPositionBefore(one);
    view.retain(to);
    this.moveTo(to);
  }

  /** The client has ACKed a response. */
  ack(answered: Delivery): void {
    const [delivery, older] = this.takeAnswered(answered);
    const { changes, to, whole, piece } = delivery;
    if (whole) {
      // The full state is all that the client has, so earlier refusals no longer matter.
      for (const change of this.open.splice(0)) this.releasePositions(change);
      this.refusals?.clear();
      this.uncertainNames?.clear();
      if (to !== undefined)
        for (const name of [...this.entries.keys()]) if (!this.scope.isWithheld(name)) this.entries.delete(name);
    }
    this.advance(delivery, older, true);
    if (to !== undefined) this.prune();
    for (const old of delivery.repeated.changed) if (this.scope.covers(old.key)) this.noteCopy(old.key, old);
    const { open } = this;
    const isShared = this.scope.wildcard && this.isShared && this.inFlight.length === 0;
    // For nearly every ACK, the position alone now says what the client has.
    if (!(isShared && (to === undefined ? piece?.isPassed && open.length === 1 : open.length === 0)))
      for (const [name, resource] of this.answeredNames(changes))
        if (!delivery.newer?.has(name)) {
          this.noteTaken(name, resource, delivery);
          // The removal of this name was withheld while the response was unanswered. The position must not remove the
          // name.
          if (this.scope.wildcard && this.scope.isWithheld(name)) this.withhold(name);
        } else if (!this.isReplaced(delivery, name)) this.noteCopy(name, resource); // the later response was refused
    if (piece?.remove(changes)) this.drop(piece);
  }

  /**
   * The client has refused a response. Returns the resources and removals that are known to be refused. Undefined: the
   * search for the bad ones goes on (P17).
   */
  nack(answered: Delivery, options: NackOptions): Changes | undefined {
    const passed = answered.whole ? this.inFlight.slice(0, this.inFlight.indexOf(answered)) : none;
    const [delivery, older] = this.takeAnswered(answered);
    const { piece, whole, to } = delivery;
    let refused: Changes | undefined;
    let good: readonly [string, Resource | undefined][] = none;
    if (piece) refused = this.nackPiece(delivery, piece, options);
    else if (whole) [refused, good] = this.nackWhole(delivery, options);
    else refused = this.nackAny(delivery, options);
    for (const [name, resource] of good) if (!delivery.newer?.has(name)) options.taking(name, resource);
    this.advance(delivery, older, false);
    for (const [name, resource] of good) if (!delivery.newer?.has(name)) this.noteTaken(name, resource, delivery);
    // Older full states will not be answered any more. The client may have a refused name as an older one had it.
    for (const { changes } of passed)
      for (const name of contentsOf(changes).keys()) if (this.refused.has(name)) this.noteUncertain(name);
    if (to !== undefined) this.prune();
    this.forgetOldest();
    return refused;
  }

  /** A piece of a change is refused. Its halves are sent next, unless it cannot be divided (P17). */
  private nackPiece({ changes }: Delivery, piece: OpenChange, options: NackOptions): Changes | undefined {
    piece.nacks++;
    const isEnough = piece.nacks >= maxNacks;
    const halves = halvesOf(changes, this.oldOf);
    if (halves && !isEnough) {
      piece.split(changes, halves);
      return undefined;
    }
    if (!halves) {
      this.refuseAlone(changes, options.entry(changes), options);
      if (piece.remove(changes)) this.drop(piece);
      if (!isEnough || !piece.next) return changes;
    }
    const refused = piece.all;
    piece.giveUp(options.entry(refused));
    return refused;
  }

  /** A response is refused that is neither a piece nor a full state. It is divided, if that is possible (P17). */
  private nackAny(delivery: Delivery, options: NackOptions): Changes | undefined {
    const { changes } = delivery;
    const halves = halvesOf(changes, this.oldOf);
    if (!halves) {
      this.refuseAlone(changes, options.entry(changes), options, delivery);
      return changes;
    }
    this.leaveOpen([...halves], delivery, delivery.before ?? this.position);
    return undefined;
  }

  /**
   * A full state is refused. The first of these rules that fits says what is bad in it:
   * - If it has one change only, or only content that was refused before, all of it is bad.
   * - If the client took nothing, all changes are refused together.
   * - If the client's message names resources, those are bad.
   * - If the response repeats content that was refused before, that content is bad.
   * - Otherwise all changes are refused together.
   * Resources that are not bad count as taken, because nothing may wait for an ACK that will not come (P53).
   */
  private nackWhole(
    delivery: Delivery,
    options: NackOptions,
  ): [refused: Changes, good: readonly [string, Resource | undefined][]] {
    const { to } = delivery;
    const changes = this.withSuspects(delivery, options);
    const count = changes.changed.length + changes.removed.length;
    const known = this.refusedBefore(changes);
    const open = this.open.filter((change) => change.isRefused);
    if (count === known.length || (count === 1 && open.length === 0)) {
      this.refuseAlone(changes, options.entry(changes), options);
      return [changes, none];
    }
    const leaveAll = (): [Changes, readonly [string, Resource | undefined][]] => {
      this.leaveOpen([changes], delivery, this.certainPosition).giveUp(options.entry(changes));
      return [changes, none];
    };
    if (options.tookNothing) return leaveAll();
    const mentioned = options.mentioned(changes);
    if (mentioned.size > 0) {
      const bad = { changed: changes.changed.filter(({ key }) => mentioned.has(key)), removed: none };
      this.refuseAlone(bad, options.entry(bad), options);
      for (const change of open) this.takeGoodOf(change, mentioned, options);
      return [bad, this.goodContents(delivery, mentioned)];
    }
    if (known.length > 0) {
      for (const name of known) this.noteAnotherTry(name, options);
      const bad = new Set(known);
      return [
        { changed: changes.changed.filter(({ key }) => bad.has(key)), removed: none },
        this.goodContents(delivery, bad),
      ];
    }
    const before = open.find((change) =>
      change.explains((name) => (to === undefined ? contentsOf(changes).get(name) : this.scope.view.at(name, to))),
    );
    if (before) return [before.all, this.goodContents(delivery, noNames)];
    return leaveAll();
  }

  /**
   * The changes of a full state that can be bad. They include repeated resources that were refused before or that the
   * client's message names.
   */
  private withSuspects({ changes, repeated }: Delivery, { mentioned, tookNothing }: NackOptions): Changes {
    if (repeated.changed.length === 0 || tookNothing) return changes;
    const named = mentioned(repeated);
    const suspects = repeated.changed.filter(
      ({ key, version }) => named.has(key) || this.refused.get(key)?.resource?.version === version,
    );
    if (suspects.length === 0) return changes;
    return { changed: [...changes.changed, ...suspects], removed: changes.removed };
  }

  /** The contents of a full state, changed and repeated, without the bad names. */
  private goodContents(
    { fresh, repeated }: Delivery,
    bad: ReadonlySet<string>,
  ): readonly [string, Resource | undefined][] {
    const kept = repeated.changed.filter(({ key }) => this.scope.covers(key));
    return [...kept.map((old): [string, Resource] => [old.key, old]), ...this.answeredNames(fresh)].filter(
      ([name]) => !bad.has(name),
    );
  }

  /**
   * Remembers a change of which it is not known which resources are bad. Until that is known, the client may have any
   * of them.
   */
  private leaveOpen(pieces: Changes[], { newer, nonce, to }: Delivery, before: number): OpenChange {
    const { wildcard, view } = this.scope;
    if (wildcard) view.retain(before);
    const change = new OpenChange(pieces, wildcard ? before : undefined, to !== undefined, Number(nonce));
    change.isRefused = true;
    change.nacks = 1;
    // the refusals were about other content
    if (this.refusals) for (const name of change.names()) this.refusals.delete(name);
    this.open.push(change);
    for (const name of newer?.keys() ?? none) this.resolve(change, name);
    const names = wildcard ? change.all.removed : [...change.names()];
    for (const name of names) if (!this.isWanted(change, name)) this.resolve(change, name);
    return change;
  }

  /** The bad names of a change that was refused together are known now. The client has taken the rest. */
  private takeGoodOf(change: OpenChange, bad: ReadonlySet<string>, options: NackOptions): void {
    for (const name of change.names()) if (!bad.has(name)) options.taking(name, change.content(name));
    if (!this.scope.wildcard)
      for (const name of [...change.names()])
        if (!bad.has(name) && this.scope.covers(name)) this.noteTaken(name, change.content(name), undefined);
    this.drop(change);
  }

  /**
   * Notes each content of a change as refused by itself. `delivery` is its response, if later responses may have been
   * answered first.
   */
  private refuseAlone(changes: Changes, nack: NackEntry, options: NackOptions, delivery?: Delivery): void {
    const { wildcard, view } = this.scope;
    const before = delivery?.before;
    const missing = changes.changed.length > 0 ? changes.removed.filter((name) => !this.mayHave(name)) : [];
    const isMissing = new Set(missing);
    for (const [name, resource] of this.answeredNames(changes)) {
      if (isMissing.has(name) || delivery?.newer?.has(name)) continue;
      const isPassed = before !== undefined && !this.entries.has(name) && !this.openWith(name);
      const last = isPassed ? view.at(name, before) : this.lastCertain(name);
      if (!resource && !last && this.isIrrelevantRemoval(name)) continue;
      const tries = this.triesOf(name, resource) + 1;
      const inUse = this.removedInUse.get(name);
      const mayBeGone = last !== undefined && (!resource || this.refused.get(name)?.mayBeGone === true);
      this.settleWith(name, resource, delivery);
      if (inUse) this.noteRemovedInUse(name, inUse);
      if (wildcard || last) this.entries.set(name, last);
      this.noteRefused(name, { resource, nack, mayBeGone, missing, tries, retryAt: options.retryAt(tries) });
    }
  }

  private triesOf(name: string, resource: Resource | undefined): number {
    const refused = this.refused.get(name);
    return refused && refused.resource?.version === resource?.version ? refused.tries : 0;
  }

  /** A name that was refused before was offered and refused once more, together with other resources. */
  private noteAnotherTry(name: string, options: NackOptions): void {
    const refused = this.refused.get(name);
    if (!refused) return;
    const tries = refused.tries + 1;
    this.noteRefused(name, { ...refused, tries, retryAt: options.retryAt(tries) });
  }

  /** The names of a change that were refused before with the same content. */
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
    if (!oldest || !newest || refused.length <= maxRefusedChanges) return;
    for (const name of onlyIn(oldest.all, newest.all))
      if (this.scope.view.get(name) && !refused.some((one) => one !== oldest && one.has(name)))
        this.noteUncertain(name);
    for (const name of oldest.deferredNames()) {
      if (this.scope.wildcard) this.entries.set(name, this.lastCertain(name));
      this.noteUncertain(name);
    }
    this.drop(oldest);
  }

  /**
   * Takes an answered response out of those in flight. Returns it with the older responses that are still unanswered.
   */
  private takeAnswered({ nonce }: Delivery): [delivery: Delivery, older: readonly Delivery[]] {
    const { inFlight } = this;
    if (inFlight.length === 1) return [inFlight.pop() as Delivery, none]; // nearly always
    const index = inFlight.findIndex((one) => one.nonce === nonce);
    const [delivery] = inFlight.splice(index, 1) as [Delivery];
    if (!delivery.whole) return [delivery, inFlight.slice(0, index)];
    // the full state repeats all that they say
    for (const one of this.inFlight.splice(0, index)) this.releasePositions(one);
    return [delivery, []];
  }

  /** Moves the position on with an answer. Older responses that are still unanswered stay uncertain. */
  private advance({ changes, to, before }: Delivery, older: readonly Delivery[], isAck: boolean): void {
    const { view } = this.scope;
    for (const one of older) {
      for (const name of contentsOf(changes).keys())
        if (contentsOf(one.changes).has(name)) {
          one.newer ??= new Map();
          one.newer.set(name, isAck || one.newer.get(name) === true);
        }
      if (to !== undefined) this.retainPositionBefore(one);
    }
    if (to === undefined) return;
    if (before === undefined) this.moveTo(to);
    else {
      view.release(before);
      view.release(to);
    }
  }

  /** The names of a change that the client subscribes, each with its resource, or undefined for a removal. */
  private *answeredNames({ changed, removed }: Changes): Iterable<[string, Resource | undefined]> {
    for (const resource of changed) for (const name of this.scope.keysOf(resource)) yield [name, resource];
    for (const name of removed) if (this.scope.covers(name)) yield [name, undefined];
  }

  private readonly oldOf = (name: string): Resource | undefined => this.possible(name)[0];
}
