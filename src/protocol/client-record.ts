import type { Resource } from "../resource/resource.js";
import { contentsOf } from "./changes.js";
import { ClientContents } from "./client-contents.js";
import type { ClientCopy, Delivery } from "./delivery.js";
import type { OpenChange } from "./open-change.js";
import type { Refused, RemovedInUse } from "./refused.js";

/** How many versions of a removed name can count as still in use. The latest ones do. */
const maxInUse = 4;

/** Keeps the record of what one client has, name by name and position by position. */
export class ClientRecord extends ClientContents {
  /** The client has reported a version (P49). */
  report(name: string, has: ClientCopy): void {
    this.entries.set(name, has);
  }

  /**
   * The client subscribes the wildcard. Refused names are noted as missing, because the position will say that the
   * client has them.
   */
  noteRefusedAsMissing(): void {
    const keep = (name: string) => {
      if (!this.entries.has(name)) this.entries.set(name, undefined);
    };
    for (const name of this.refused.keys()) keep(name);
    for (const change of this.open) for (const name of change.names()) keep(name);
  }

  /** The client keeps a name as it is, although its position moves on. */
  withhold(name: string): void {
    const last = this.lastCertain(name);
    if (last) this.entries.set(name, last);
    else if (this.coming(name)) this.defer(name); // the answer will say what the client has
  }

  /** A name is left out of its piece of a change, and must be looked at again. */
  defer(name: string): void {
    this.deferredNames ??= new Set();
    this.deferredNames.add(name);
  }

  /**
   * The client has everything that is served at a position (P36). Differences that cannot be sent to it are ignored.
   */
  reach(position: number): void {
    this.scope.view.retain(position);
    this.moveTo(position);
  }

  /** The resource that the client has of a name is served again. */
  heal(name: string): void {
    const gone = this.removedInUse.get(name);
    const last = this.lastCertain(name); // read while the open changes of the name are known
    this.settle(name);
    if (gone) this.noteRemovedInUse(name, gone);
    if (this.scope.wildcard && !this.scope.isWithheld(name)) this.noteCopy(name, last);
  }

  /** The client no longer has a name, or cannot be sent the removal. */
  lose(name: string, answered?: Delivery): void {
    const { wildcard, names } = this.scope;
    if (!wildcard && names.has(name)) {
      const before = this.removedInUse.get(name)?.inUse ?? [];
      const inUse = [...before, ...this.possible(name).filter(({ isPlaceholder }) => !isPlaceholder)].slice(-maxInUse);
      this.settleWith(name, undefined, answered);
      this.entries.delete(name);
      if (inUse.length > 0) this.noteRemovedInUse(name, { inUse, at: performance.now() });
      return;
    }
    this.settleWith(name, undefined, answered);
    this.noteCopy(name, undefined);
  }

  /** The client no longer subscribes a name. */
  forget(name: string): void {
    this.settleName(name);
    for (const change of [...this.open])
      if (change.has(name) && !this.isWanted(change, name)) this.resolve(change, name);
    // under a wildcard the position would say that the client has the name
    if (!this.scope.wildcard) this.entries.delete(name);
  }

  /** Moves all that is known into `entries`, for these names. Everything else is forgotten. */
  flatten(names: Iterable<string>, covers: (name: string) => boolean): void {
    const all = new Set(names);
    for (const name of this.entries.keys()) all.add(name);
    for (const change of this.open) for (const name of change.names()) all.add(name);
    const has = new Map<string, ClientCopy>();
    for (const name of all) if (covers(name)) has.set(name, this.lastCertain(name));
    this.leave();
    for (const known of [this.refusals, this.removedInUseByName, this.deferredNames])
      for (const name of known?.keys() ?? []) if (!covers(name)) known?.delete(name);
    for (const change of [...this.open])
      for (const name of [...change.names()]) if (!covers(name)) this.resolve(change, name);
    this.entries.clear();
    for (const name of this.refused.keys()) if (!has.has(name)) has.set(name, undefined);
    const isRefused = (name: string) => this.refused.has(name) || this.openWith(name) !== undefined;
    for (const [name, last] of has) if (last || (this.scope.wildcard && isRefused(name))) this.entries.set(name, last);
  }

  /** Releases all positions. */
  leave(): void {
    const { view } = this.scope;
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

  /**
   * An unanswered response already has this change's content of a name. What the client has until its answer stays
   * known.
   */
  resolveInFlight(change: OpenChange, name: string): void {
    if (this.scope.wildcard) this.entries.set(name, this.lastCertain(name));
    this.resolve(change, name);
  }

  /** Whether the client subscribes a change's content of a name, by this name or an alias. */
  protected isWanted(change: OpenChange, name: string): boolean {
    const content = change.content(name);
    return content ? this.scope.keysOf(content).length > 0 : this.scope.covers(name) && !this.isIrrelevantRemoval(name);
  }

  /** Whether the removal of a name does not concern the client, because the client has dropped the name. */
  protected isIrrelevantRemoval(name: string): boolean {
    return this.scope.wildcard && !this.scope.names.has(name) && !this.mayHave(name);
  }

  /** The position moves past a response that is unanswered. Retains the position before it. */
  protected retainPositionBefore(delivery: Delivery): void {
    if (delivery.to === undefined || delivery.before !== undefined) return;
    delivery.before = this.position;
    this.scope.view.retain(this.position);
  }

  protected releasePositions({ to, before }: { to?: number | undefined; readonly before: number | undefined }): void {
    if (to !== undefined) this.scope.view.release(to);
    if (before !== undefined) this.scope.view.release(before);
  }

  /** Moves to a position that is retained already. */
  protected moveTo(position: number): void {
    this.scope.view.release(this.position);
    this.position = position;
  }

  /** Deletes entries that equal the view at the position. Entries that other data needs stay. */
  protected prune(): void {
    if (this.entries.size === 0 || this.inFlight.length > 0) return;
    const { scope } = this;
    for (const [name, has] of [...this.entries]) {
      if (scope.view.at(name, this.position)?.version !== has?.version) continue;
      const isNeeded =
        scope.isWithheld(name) ||
        this.refused.has(name) ||
        this.deferred.has(name) ||
        this.openWith(name) ||
        this.coming(name) !== undefined;
      if (!isNeeded) this.entries.delete(name);
    }
  }

  protected noteTaken(name: string, resource: Resource | undefined, answered: Delivery | undefined): void {
    if (!resource) {
      this.lose(name, answered);
      return;
    }
    this.settleWith(name, resource, answered);
    this.noteCopy(name, resource);
  }

  /** The client has taken a content, or the removal. A newer content may still come in a piece. */
  protected settleWith(name: string, resource: Resource | undefined, answered: Delivery | undefined): void {
    this.settleName(name);
    for (const change of [...this.open]) {
      const isNewer = !answered || Number(answered.nonce) > change.origin;
      const isSame = () => change.content(name)?.version === resource?.version && !this.isOvertaken(name, answered);
      if (isNewer || !change.isPending(name) || isSame()) this.resolve(change, name);
    }
  }

  /** Whether a response that was sent later, and is unanswered, has the name. */
  protected isOvertaken(name: string, answered: Delivery | undefined): boolean {
    if (!answered || this.inFlight.length === 0) return false;
    return this.inFlight.some(
      ({ nonce, changes }) => Number(nonce) > Number(answered.nonce) && contentsOf(changes).has(name),
    );
  }

  /** Notes what the client certainly has of a name. */
  protected noteCopy(name: string, has: ClientCopy): void {
    const { view, wildcard } = this.scope;
    // While a response is unanswered, the entry is kept. The position can move past the name, and older responses can
    // be asked about the name.
    const isSaid = wildcard
      ? this.inFlight.length === 0 && view.at(name, this.position)?.version === has?.version
      : !has;
    if (isSaid) this.entries.delete(name);
    else this.entries.set(name, has);
  }

  protected noteUncertain(name: string): void {
    this.uncertainNames ??= new Set();
    this.uncertainNames.add(name);
  }

  protected noteRefused(name: string, refused: Refused): void {
    this.refusals ??= new Map();
    this.refusals.set(name, refused);
  }

  protected noteRemovedInUse(name: string, gone: RemovedInUse): void {
    this.removedInUseByName ??= new Map();
    this.removedInUseByName.set(name, gone);
  }

  /** Nothing is uncertain about a name any more. */
  protected settle(name: string): void {
    this.settleName(name);
    for (const change of [...this.open]) this.resolve(change, name);
  }

  protected settleName(name: string): void {
    this.refusals?.delete(name);
    this.removedInUseByName?.delete(name);
    this.uncertainNames?.delete(name);
    this.deferredNames?.delete(name);
  }

  protected resolve(change: OpenChange, name: string): void {
    if (change.resolve(name)) this.drop(change);
  }

  protected drop(change: OpenChange): void {
    const index = this.open.indexOf(change);
    if (index < 0) return;
    this.open.splice(index, 1);
    this.releasePositions(change);
    if (this.scope.wildcard) this.prune();
  }
}
