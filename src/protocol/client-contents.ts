import type { ResourceView } from "../cache/config-watcher.js";
import { Resource } from "../resource/resource.js";
import { contentsOf } from "./changes.js";
import { type ClientCopy, type Delivery, ReportedVersion } from "./delivery.js";
import { LazyMap } from "./lazy.js";
import type { OpenChange } from "./open-change.js";
import type { Refused, RemovedInUse } from "./refused.js";

/** The part of its subscription that a client state reads. */
export interface SubscriptionScope {
  readonly view: ResourceView;
  readonly wildcard: boolean;
  /** Names that are subscribed explicitly. */
  readonly names: ReadonlySet<string>;
  covers(name: string): boolean;
  /** The names by which a resource is subscribed: its own, or aliases. */
  keysOf(resource: Resource): readonly string[];
  /** Whether the client keeps a name as it is for now (P53, P54). */
  isWithheld(name: string): boolean;
  /** Whether the client keeps a name only because an old listener may still use it (P54). */
  isDraining(name: string): boolean;
}

const noRefusals: ReadonlyMap<string, Refused> = new Map();
const noneRemoved: ReadonlyMap<string, RemovedInUse> = new Map();
const noNames: ReadonlySet<string> = new Set();

/**
 * What one client may have of one type. This class holds the data and answers questions; subclasses change the data.
 */
export class ClientContents {
  /** Everything up to this position was offered and answered. */
  position = -1;
  protected readonly entries = new LazyMap<string, ClientCopy>();
  // The next maps are made when they are needed: an empty Map takes 200 bytes, and few clients need them.
  protected refusals: Map<string, Refused> | undefined;
  /** Changes that were refused together, or are sent in pieces. Oldest first; at most four of them are refused. */
  readonly open: OpenChange[] = [];
  /** Names of older refused changes, which are too many to remember. The client may have any version of them. */
  protected uncertainNames: Set<string> | undefined;
  /** Unanswered responses, oldest first; normally one at most. */
  readonly inFlight: Delivery[] = [];
  protected removedInUseByName: Map<string, RemovedInUse> | undefined;
  protected deferredNames: Set<string> | undefined;

  constructor(protected readonly scope: SubscriptionScope) {}

  /** Content that was refused by itself, by name. There are at most as many as served or subscribed names. */
  get refused(): ReadonlyMap<string, Refused> {
    return this.refusals ?? noRefusals;
  }

  /**
   * Removed resources that the client may still use, by name. For example, Envoy goes on using a removed route
   * configuration. Only names that the client still subscribes are here.
   */
  get removedInUse(): ReadonlyMap<string, RemovedInUse> {
    return this.removedInUseByName ?? noneRemoved;
  }

  /** Names that were left out of their piece of a change because they were replaced meanwhile or have to wait. */
  get deferred(): ReadonlySet<string> {
    return this.deferredNames ?? noNames;
  }

  /** The position up to which everything was offered; the last part may be unanswered. */
  get offered(): number {
    for (let i = this.inFlight.length - 1; i >= 0; i--) {
      const to = this.inFlight[i]?.to;
      if (to !== undefined) return Math.max(to, this.position);
    }
    return this.position;
  }

  /** The last position at which it is certain what the client had. */
  get certainPosition(): number {
    return this.open.find((one) => one.isRefused)?.before ?? this.position;
  }

  /** Whether the position alone shows what the client has. Unanswered responses do not count. */
  get isPositionOnly(): boolean {
    return this.isShared && this.open.length === 0;
  }

  /** Whether shared positions and changes show what the client has, without an entry for any name. */
  get isShared(): boolean {
    if (this.entries.size + this.refused.size + this.deferred.size > 0 || !this.hasNoUncertainNames) return false;
    return this.open.length === 0 || this.open.every(({ isPassed }) => isPassed);
  }

  /**
   * Whether every unanswered response leads to a position. A response does not if it answers only some names, or if
   * another view has answered since.
   */
  get allInFlightHavePositions(): boolean {
    return this.inFlight.every(({ to }) => to !== undefined);
  }

  /** Whether no name is uncertain because its refused change was forgotten. */
  get hasNoUncertainNames(): boolean {
    return (this.uncertainNames?.size ?? 0) === 0;
  }

  /** Whether no refused content is left. Changes that are still sent in pieces do not count. */
  get hasNoOpenRefusal(): boolean {
    return (
      this.refused.size === 0 && (this.open.length === 0 || !this.open.some((one) => one.isRefused && !one.isSplitting))
    );
  }

  /** Whether something that was refused is not replaced yet. */
  get hasRefused(): boolean {
    return this.refused.size > 0 || (this.open.length > 0 && this.open.some((one) => one.isRefused));
  }

  /** Whether the client has taken or reported anything. */
  get hasAnything(): boolean {
    if (this.position >= 0) return true;
    for (const has of this.entries.values()) if (has) return true;
    return false;
  }

  /** What the client last certainly had of a name. If it has refused a change since, it may have a newer version. */
  lastCertain(name: string): ClientCopy {
    if (this.entries.has(name)) return this.entries.get(name);
    const { view, wildcard } = this.scope;
    if (!wildcard) return undefined;
    for (const change of this.open)
      if (change.before !== undefined && change.has(name)) return view.at(name, change.before);
    for (const { before, changes } of this.inFlight)
      if (before !== undefined && contentsOf(changes).has(name)) return view.at(name, before);
    return view.at(name, this.position);
  }

  /** Whether the client certainly has what {@link lastCertain} says. Unanswered responses do not count. */
  isCertain(name: string): boolean {
    return (
      !this.uncertainNames?.has(name) &&
      !this.refused.get(name)?.mayBeGone &&
      !this.open.some((change) => change.isRefused && change.has(name))
    );
  }

  /**
   * The content that unanswered responses have for a name; `resource` is undefined for a removal. Undefined: they do
   * not have the name.
   */
  coming(name: string): { readonly resource: Resource | undefined } | undefined {
    for (let i = this.inFlight.length - 1; i >= 0; i--) {
      const delivery = this.inFlight[i] as Delivery;
      // A response that repeats the name as it was takes back what an earlier unanswered response says.
      const again = i > 0 ? contentsOf(delivery.repeated).get(name) : undefined;
      if (again && this.inFlight.slice(0, i).some(({ changes }) => contentsOf(changes).has(name)))
        return { resource: again };
      const contents = contentsOf(delivery.changes);
      if (contents.has(name) && !this.isReplaced(delivery, name)) return { resource: contents.get(name) };
    }
    return undefined;
  }

  /** Whether an unanswered full state repeats a name as it was. Its refusal may be about that name. */
  isRepeated(name: string): boolean {
    return this.inFlight.some(({ repeated }) => contentsOf(repeated).has(name));
  }

  /** Whether a response that was sent later, and answered first, already says what the client has of a name. */
  protected isReplaced({ newer }: Delivery, name: string): boolean {
    const isTaken = newer?.get(name);
    return isTaken === true || (isTaken === false && !this.refused.has(name) && !this.openWith(name));
  }

  /** The newest open change that contains a name. */
  openWith(name: string): OpenChange | undefined {
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]?.has(name)) return this.open[i];
    return undefined;
  }

  /** The change of which a piece must be sent next (P17). */
  get nextPiece(): OpenChange | undefined {
    if (this.open.length === 0) return undefined;
    for (const change of this.open)
      if (!change.nack && change.next && !this.inFlight.some(({ piece }) => piece === change)) return change;
    return undefined;
  }

  /** The unanswered response with this nonce. */
  unanswered(nonce: string): Delivery | undefined {
    for (const delivery of this.inFlight) if (delivery.nonce === nonce) return delivery;
    return undefined;
  }

  /** Every resource of a name that the client may be using. */
  possible(name: string): Resource[] {
    const found: Resource[] = [];
    const last = this.lastCertain(name);
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

  /**
   * The resource to repeat for a name that stays as it is on the client: the one it certainly has, else one that it may
   * have.
   */
  repeatable(name: string): Resource | undefined {
    const last = this.lastCertain(name);
    return last instanceof Resource ? last : this.possible(name).at(-1);
  }

  /** Whether the client may have any version of a name. */
  mayHave(name: string): boolean {
    return this.lastCertain(name) !== undefined || this.possible(name).length > 0;
  }

  /**
   * Whether a resource can start to refer to a name, because the client has the name (P53). "unanswered": that is not
   * known yet. After a refusal, an older version counts. If a response was refused because of other resources, this one
   * counts as taken.
   */
  availability(name: string): "there" | "unanswered" | "missing" {
    if (this.coming(name)) return this.coming(name)?.resource ? "unanswered" : "missing";
    const last = this.lastCertain(name);
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
  get exceptions(): ReadonlyMap<string, ClientCopy> {
    return this.entries;
  }

  /** Whether the client has reported a version that is not served. Its references are not known (P49). */
  get hasUnservedVersions(): boolean {
    for (const [name, has] of this.entries)
      if (has instanceof ReportedVersion && this.scope.view.get(name)?.version !== has.version) return true;
    return false;
  }

  /**
   * Every resource that the client may be using and that is not served now, without those that only drain. Without a
   * wildcard, `touched` are the names that may have changed since the last look.
   */
  *outdated(touched: Iterable<string>): Iterable<Resource> {
    const { view, wildcard } = this.scope;
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
      if (!this.scope.isDraining(name))
        for (const resource of this.possible(name)) if (isOld(resource) && !resource.isPlaceholder) yield resource;
  }

  /** Every resource that the client may be using. */
  *inUse(): Iterable<Resource> {
    const { view, wildcard, names } = this.scope;
    const all = new Set<string>(this.entries.keys());
    if (wildcard) for (const { key } of view.allAt(this.position)) all.add(key);
    else for (const name of names) all.add(name);
    for (const change of this.open) for (const name of change.names()) all.add(name);
    for (const { changes } of this.inFlight) for (const name of contentsOf(changes).keys()) all.add(name);
    for (const name of all) yield* this.possible(name);
  }
}
