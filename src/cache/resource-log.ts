import { canonicalName, collectionOf, isGlob } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { duplicateName, mustBeDistinct, SetHash } from "../resource/resource-set.js";
import { versionInUse } from "../resource/version-in-use.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { Changes, Replaced, ResourceView, Watcher } from "./config-watcher.js";
import type { Differing, PastVersions } from "./past-versions.js";

const noneReplaced: readonly Replaced[] = [];

/** The state of a name since one change. `before` leads to earlier states, as far back as a reader needs them. */
interface Entry {
  readonly name: string;
  /** undefined if this change removed the resource. */
  resource: Resource | undefined;
  readonly position: number;
  before: Entry | undefined;
}

/**
 * How many of the latest removed resources are remembered. An unanswered response can refer to one, and the client then
 * asks for it.
 */
const mostRemoved = 256;

/** How many entries the log gets before superseded ones are swept out. Amortized, a change costs O(1). */
const sweepAfter = 256;

/**
 * The resources of one type for one group of nodes, and the log of their changes.
 *
 * A reader of all resources remembers only its position in the log, not a map of its resources. Memory: one entry for
 * each resource, and while readers lag behind, one more for each resource changed or removed since their position.
 */
export class ResourceLog implements ResourceView {
  private readonly entries = new Map<string, Entry>();
  /** Ascending by position. It has all entries later than the earliest retained position. */
  private log: Entry[] = [];
  private sweepAt = sweepAfter;
  private readonly retained = new Map<number, number>();
  /** The key of the resource with each alias. Aliases are canonical. */
  private readonly aliases = new Map<string, string>();
  /** The keys of the members of each glob collection. */
  private readonly collections = new Map<string, Set<string>>();
  /** The resources with a TTL, by key. */
  private readonly withTtls = new Map<string, Resource>();
  private readonly removed = new Map<string, Resource>();
  private readonly followers = new Map<string, Set<Watcher>>();
  private readonly followersOfAll = new Set<Watcher>();
  private readonly hash = new SetHash();
  private readonly memo = new Map<number, Changes>();
  private lists = new WeakMap<readonly string[], readonly Resource[]>();
  position = 0;
  serving = false;
  private ownVersion: string | undefined;

  constructor(
    readonly type: ResourceType,
    readonly versionPrefix = "",
    /** Called when resources with a TTL, or readers of them, may have been added. */
    private readonly onTtl: (log: ResourceLog) => void = () => {},
    /** Where earlier versions are remembered. Several logs of the same nodes can share it. Default: nowhere. */
    private readonly past?: PastVersions,
  ) {}

  get version(): string {
    return this.ownVersion ?? this.versionPrefix + this.hash.toString();
  }

  get versionIsContent(): boolean {
    return this.ownVersion === undefined;
  }

  get(name: string): Resource | undefined {
    // The entry of a removed resource may still exist while another resource has the name as its alias.
    return this.entries.get(name)?.resource ?? this.entries.get(this.aliases.get(name) ?? "")?.resource;
  }

  listed(names: readonly string[]): readonly Resource[] {
    let listed = this.lists.get(names);
    if (!listed) {
      const found = names.flatMap((name) => this.entries.get(name)?.resource ?? []);
      listed = found.length === names.length ? found : [];
      this.lists.set(names, listed);
    }
    return listed;
  }

  *members(glob: string): Iterable<Resource> {
    for (const key of this.collections.get(glob) ?? []) {
      const resource = this.get(key);
      if (resource) yield resource;
    }
  }

  withTtl(): Iterable<Resource> {
    return this.withTtls.values();
  }

  /** The interval between heartbeats in milliseconds: half of the shortest TTL. undefined: no resource has a TTL. */
  get beatMs(): number | undefined {
    let shortest: number | undefined;
    for (const { ttlMs } of this.withTtls.values())
      if (ttlMs !== undefined && !(shortest !== undefined && shortest <= ttlMs)) shortest = ttlMs;
    return shortest === undefined ? undefined : shortest / 2;
  }

  /** Whether the log has a reader. */
  get isFollowed(): boolean {
    return this.followersOfAll.size > 0 || this.followers.size > 0;
  }

  /** Asks the readers to send heartbeats for the resources with a TTL. */
  beat(): void {
    const watchers = new Set(this.followersOfAll);
    for (const resource of this.withTtls.values())
      for (const name of followableNames(resource))
        for (const watcher of this.followers.get(name) ?? []) watchers.add(watcher);
    for (const watcher of watchers) watcher.beat();
  }

  lastRemoved(name: string): Resource | undefined {
    return this.removed.get(name) ?? (this.get(name) ? undefined : this.past?.last(name));
  }

  earlier(version: string): ReadonlyMap<string, Resource | undefined> | undefined {
    if (!this.past || !this.versionIsContent) return undefined;
    const was = this.past.between(version, this.version);
    if (!was || was.size === 0) return was;
    return new Map([...was].filter(([name, had]) => had?.version !== this.entries.get(name)?.resource?.version));
  }

  replaced(name: string, version: string): Resource | undefined {
    return this.past?.replaced(name, version);
  }

  get replacedLately(): readonly Replaced[] {
    return this.past?.replacedLately ?? noneReplaced;
  }

  /**
   * @internal Notes that the nodes of another log are moved to this one now. Both logs share their earlier versions.
   */
  noteMoved(other: ResourceLog): void {
    if (this.versionIsContent && other.versionIsContent) this.past?.renew(other.version, this.version, this.size);
  }

  /** @internal Remembers that the same nodes were, or can be, served these resources. The map is by key. */
  noteOther(resources: ReadonlyMap<string, Resource>): void {
    if (!this.past) {
      for (const [name, resource] of resources) if (!this.entries.get(name)?.resource) this.noteRemoved(name, resource);
      return;
    }
    if (!this.versionIsContent) return;
    const hash = new SetHash();
    const names: Differing[] = [];
    for (const [name, resource] of resources) {
      hash.add(resource);
      const own = this.entries.get(name)?.resource;
      if (own?.version !== resource.version) names.push([name, resource, own]);
    }
    for (const { name, resource } of this.entries.values())
      if (resource && !resources.has(name)) names.push([name, undefined, resource]);
    this.past.note(this.versionPrefix + hash.toString(), this.version, names, this.size);
  }

  at(name: string, position: number): Resource | undefined {
    let entry = this.entries.get(name);
    while (entry && entry.position > position) entry = entry.before;
    return entry?.resource;
  }

  all(): readonly Resource[] {
    return this.since(-1).changed;
  }

  allAt(position: number): Iterable<Resource> {
    return position === this.position ? this.all() : this.resourcesAt(position);
  }

  private *resourcesAt(position: number): Iterable<Resource> {
    for (const name of this.entries.keys()) {
      const resource = this.at(name, position);
      if (resource) yield resource;
    }
  }

  since(position: number): Changes {
    let changes = this.memo.get(position);
    if (!changes) {
      changes = position < 0 ? this.everything() : this.difference(position);
      this.memo.set(position, changes);
    }
    return changes;
  }

  private everything(): Changes {
    const changed: Resource[] = [];
    for (const { resource } of this.entries.values()) if (resource) changed.push(resource);
    return { changed, removed: [] };
  }

  private difference(position: number): Changes {
    const changed: Resource[] = [];
    const removed: string[] = [];
    for (let i = this.firstAfter(position); i < this.log.length; i++) {
      const entry = this.log[i] as Entry;
      if (this.entries.get(entry.name) !== entry) continue; // a later entry has replaced it
      const had = this.at(entry.name, position);
      if (entry.resource) {
        // A version given by the user may return with other content.
        if (had?.version !== entry.resource.version || !had.hasContentOf(entry.resource)) changed.push(entry.resource);
      } else if (had) removed.push(entry.name);
    }
    return { changed, removed };
  }

  private firstAfter(position: number): number {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.log[middle] as Entry).position > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * Replaces all resources by these, as one change. The map is by key. Returns whether readers see a difference.
   * @throws XdsError DUPLICATE_NAME, VERSION_IN_USE; then nothing changes
   */
  replace(resources: ReadonlyMap<string, Resource>, ownVersion?: string): boolean {
    mustBeDistinct(this.type, resources);
    this.checkVersions(resources);
    return this.replaceChecked(resources, ownVersion);
  }

  /**
   * @internal {@link ResourceLog.replace} without checks: the resources come from a set, and `checkVersions` accepted
   * them.
   */
  replaceChecked(resources: ReadonlyMap<string, Resource>, ownVersion?: string): boolean {
    return this.change(ownVersion, (put) => {
      let stillPresent = 0;
      for (const [name, resource] of resources) {
        const old = this.entries.get(name);
        if (old?.resource) stillPresent++;
        if (old?.resource !== resource) put(name, resource);
      }
      if (stillPresent < this.size)
        for (const { name, resource } of [...this.entries.values()])
          if (resource && !resources.has(name)) put(name, undefined);
    });
  }

  /**
   * Removes some resources and sets others, as one change. Returns whether readers see a difference.
   * @throws XdsError DUPLICATE_NAME, VERSION_IN_USE; then nothing changes
   */
  update(set: Iterable<Resource>, remove: Iterable<string>): boolean {
    const last = new Map<string, Resource | undefined>();
    for (const name of remove) last.set(canonicalName(name), undefined);
    for (const resource of set) last.set(resource.key, resource);
    this.checkNames(last);
    this.checkVersions(last);
    return this.change(undefined, (put) => {
      for (const [name, resource] of last) put(name, resource);
    });
  }

  /** Checks that no name or alias in a change belongs to another resource, in the change or outside of it. */
  private checkNames(change: ReadonlyMap<string, Resource | undefined>): void {
    mustBeDistinct(this.type, change);
    for (const [key, resource] of change) {
      if (!resource) continue;
      for (const name of [key, ...resource.aliasKeys]) {
        const owners = [this.entries.get(name)?.resource?.key, this.aliases.get(name)];
        if (owners.some((owner) => owner !== undefined && owner !== key && !change.has(owner)))
          throw duplicateName(this.type, name);
      }
    }
  }

  /**
   * @internal Checks that no resource has other content under its current version. Readers compare versions, so some of
   * them would not receive the new content.
   * @throws XdsError VERSION_IN_USE
   */
  checkVersions(resources: ReadonlyMap<string, Resource | undefined>): void {
    for (const [key, resource] of resources) {
      const error = resource && versionInUse(this.entries.get(key)?.resource, resource);
      if (error) throw error;
    }
  }

  /** Stops serving. The log still knows what readers have, so serving again sends only the difference. */
  stop(): void {
    this.serving = false;
  }

  /** The number of resources. */
  size = 0;

  private change(
    ownVersion: string | undefined,
    make: (put: (name: string, resource?: Resource) => void) => void,
  ): boolean {
    const started = !this.serving;
    const next = this.position + 1;
    const touched = new Set<string>(); // names and aliases that readers may follow
    let isTouched = false;
    const collections = new Map<string, Set<string>>(); // the keys of the changed members, by glob collection
    // The first resources replace no earlier version.
    const past = !started && this.versionIsContent && ownVersion === undefined ? this.past : undefined;
    const from = past && this.version;
    const differing: Differing[] = [];
    this.serving = true;
    this.ownVersion = ownVersion;
    make((name, resource) => {
      const old = this.entries.get(name)?.resource;
      if (!this.put(name, resource, next)) return;
      isTouched = true;
      if (past) differing.push([name, old, resource]);
      if (this.followers.size === 0) return; // no reader follows names
      for (const touch of [...followableNames(old), ...followableNames(resource)]) {
        if (!isGlob(touch)) touched.add(touch);
        else collections.set(touch, (collections.get(touch) ?? new Set()).add(name));
      }
    });
    if (past && from !== undefined) past.note(from, this.version, differing, this.size);
    if (isTouched) {
      this.position = next;
      this.memo.clear();
      this.lists = new WeakMap();
      if (this.log.length >= this.sweepAt) this.sweep();
    }
    if (started) {
      for (const watcher of this.followersOfAll) watcher.wake();
      for (const [name, watchers] of this.followers) for (const watcher of watchers) watcher.wake(name);
    } else if (isTouched) {
      for (const watcher of this.followersOfAll) watcher.wake();
      for (const name of touched) for (const watcher of this.followers.get(name) ?? []) watcher.wake(name);
      for (const [glob, keys] of collections)
        for (const watcher of this.followers.get(glob) ?? []) for (const key of keys) watcher.wake(key);
    }
    if (this.withTtls.size > 0) this.onTtl(this);
    return started || isTouched;
  }

  private put(name: string, resource: Resource | undefined, position: number): boolean {
    const old = this.entries.get(name);
    if (resource && old?.resource?.version === resource.version) {
      old.resource = resource; // the content is the same, so nothing is sent (P11), and the old bytes are freed
      return false;
    }
    if (!resource && !old?.resource) return false;
    this.index(old?.resource, resource);
    this.removed.delete(name);
    if (!resource && old?.resource) this.noteRemoved(name, old.resource);
    if (old?.resource) this.hash.remove(old.resource);
    if (resource) this.hash.add(resource);
    this.size += (resource ? 1 : 0) - (old?.resource ? 1 : 0);
    const before = this.needed(old);
    const entry: Entry = { name, resource, position, before };
    if (resource || before) this.entries.set(name, entry);
    else this.entries.delete(name); // the resource is removed, and no reader has it
    if (this.retained.size > 0 && (resource || before)) this.log.push(entry);
    return true;
  }

  private noteRemoved(name: string, resource: Resource): void {
    this.removed.set(name, resource);
    for (const first of this.removed.keys()) {
      if (this.removed.size <= mostRemoved) break;
      this.removed.delete(first);
    }
  }

  /** Updates the indexes by alias, by TTL and by collection. */
  private index(old: Resource | undefined, now: Resource | undefined): void {
    if (old) {
      for (const alias of old.aliasKeys) if (this.aliases.get(alias) === old.key) this.aliases.delete(alias);
      this.withTtls.delete(old.key);
      const glob = now ? undefined : collectionOf(old.key);
      const members = glob !== undefined ? this.collections.get(glob) : undefined;
      if (glob !== undefined && members?.delete(old.key) && members.size === 0) this.collections.delete(glob);
    }
    if (!now) return;
    for (const alias of now.aliasKeys) this.aliases.set(alias, now.key);
    if (now.ttlMs !== undefined) this.withTtls.set(now.key, now);
    const glob = collectionOf(now.key);
    if (glob === undefined) return;
    const members = this.collections.get(glob);
    if (members) members.add(now.key);
    else this.collections.set(glob, new Set([now.key]));
  }

  /** Returns the newest of an entry and its predecessors that a retained position can read. */
  private needed(entry: Entry | undefined): Entry | undefined {
    let latest = -1;
    for (const position of this.retained.keys()) if (position > latest) latest = position;
    let found = entry;
    while (found && found.position > latest) found = found.before;
    return found;
  }

  /** Removes the entries that no retained position needs from the log and from the chains. */
  private sweep(): void {
    const positions = [...this.retained.keys()].sort((a, b) => a - b);
    const earliest = positions[0] ?? this.position;
    const remaining: Entry[] = [];
    for (const entry of this.log) {
      if (this.entries.get(entry.name) !== entry) continue;
      if (entry.position <= earliest) entry.before = undefined;
      else {
        remaining.push(entry);
        trim(entry, positions);
      }
      if (!entry.resource && !entry.before) this.entries.delete(entry.name);
    }
    this.log = remaining.filter((entry) => this.entries.get(entry.name) === entry);
    this.sweepAt = Math.max(sweepAfter, 2 * this.log.length);
  }

  retain(position: number): void {
    if (position < 0) return;
    this.retained.set(position, (this.retained.get(position) ?? 0) + 1);
  }

  release(position: number): void {
    const count = this.retained.get(position);
    if (count === undefined) return;
    if (count > 1) this.retained.set(position, count - 1);
    else {
      this.retained.delete(position);
      this.memo.delete(position);
      if (this.retained.size === 0) this.sweep();
    }
  }

  follow(watcher: Watcher, name: string): void {
    if (this.withTtls.size > 0) this.onTtl(this);
    const watchers = this.followers.get(name);
    if (watchers) watchers.add(watcher);
    else this.followers.set(name, new Set([watcher]));
  }

  unfollow(watcher: Watcher, name: string): void {
    const watchers = this.followers.get(name);
    if (watchers?.delete(watcher) && watchers.size === 0) this.followers.delete(name);
  }

  followAll(watcher: Watcher): void {
    if (this.withTtls.size > 0) this.onTtl(this);
    this.followersOfAll.add(watcher);
  }

  unfollowAll(watcher: Watcher): void {
    this.followersOfAll.delete(watcher);
  }

  /**
   * The number of followed names, retained positions, and readers of everything. All are 0 when all readers have gone.
   */
  get readers(): { names: number; positions: number; all: number } {
    return { names: this.followers.size, positions: this.retained.size, all: this.followersOfAll.size };
  }
}

/** All canonical names by which a resource may be followed: its key, its aliases, its collection. */
function followableNames(resource: Resource | undefined): string[] {
  if (!resource) return [];
  const { key, aliasKeys } = resource;
  const glob = collectionOf(key);
  if (aliasKeys.length === 0 && glob === undefined) return [key];
  return [key, ...aliasKeys, ...(glob === undefined ? [] : [glob])];
}

/** Unlinks the predecessors that no position needs. Positions are ascending. */
function trim(entry: Entry, positions: readonly number[]): void {
  let until = entry.position;
  let newer = entry;
  for (let older = entry.before; older; older = older.before) {
    const { position } = older;
    const end = until;
    if (positions.some((p) => p >= position && p < end)) {
      newer.before = older;
      newer = older;
    }
    until = position;
  }
  newer.before = undefined;
}
