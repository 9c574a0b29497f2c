import { XdsError } from "../errors.js";
import { canonicalName, collectionOf, isGlob } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { duplicateName, mustBeDistinct, SetHash } from "../resource/resource-set.js";
import type { ResourceType } from "../resource/types.js";
import type { Changes, ResourceView, Watcher } from "./config-watcher.js";

/** What a name was from one change on; `before` leads to what it was earlier, as far back as some reader needs. */
interface Entry {
  readonly name: string;
  /** undefined: removed by this change. */
  resource: Resource | undefined;
  readonly position: number;
  before: Entry | undefined;
}

/** How many removed resources are remembered, the latest: a client may yet ask for what an answer on its way refers to. */
const removedKept = 256;

/** How long the log may grow before superseded entries are swept out; amortized, so that a change costs O(1). */
const sweepAfter = 256;

/**
 * The resources of one type that a group of nodes is served, and the log of their changes.
 *
 * A reader of everything remembers one number, its position in the log, and never a map of what it has. Memory: one
 * entry a resource, and for readers that lag behind, one more for each resource changed or removed since their position.
 */
export class ResourceLog implements ResourceView {
  private readonly entries = new Map<string, Entry>();
  /** Ascending by position; holds all entries later than the earliest retained position. */
  private log: Entry[] = [];
  private sweepAt = sweepAfter;
  private readonly retained = new Map<number, number>();
  /** Alias, canonical → key. */
  private readonly aliases = new Map<string, string>();
  /** Glob collection → the keys of its members. */
  private readonly collections = new Map<string, Set<string>>();
  /** What has a TTL, by key. */
  private readonly mortal = new Map<string, Resource>();
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
    /** Called when resources with a TTL, or readers, may have come. */
    private readonly onMortal: (log: ResourceLog) => void = () => {},
  ) {}

  get version(): string {
    return this.ownVersion ?? this.versionPrefix + this.hash.toString();
  }

  get versionIsContent(): boolean {
    return this.ownVersion === undefined;
  }

  get(name: string): Resource | undefined {
    // A removed resource's entry may outlive it, while another resource has its name for an alias.
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
    return this.mortal.values();
  }

  /** Half of the shortest TTL, in milliseconds: how often its readers are to hear of what has one. undefined: nothing has. */
  get beatMs(): number | undefined {
    let shortest: number | undefined;
    for (const { ttlMs } of this.mortal.values())
      if (ttlMs !== undefined && !(shortest !== undefined && shortest <= ttlMs)) shortest = ttlMs;
    return shortest === undefined ? undefined : shortest / 2;
  }

  /** Whether anyone reads. */
  get isFollowed(): boolean {
    return this.followersOfAll.size > 0 || this.followers.size > 0;
  }

  /** Tells the readers to speak of what has a TTL. */
  beat(): void {
    const watchers = new Set(this.followersOfAll);
    for (const resource of this.mortal.values())
      for (const name of namesOf(resource)) for (const watcher of this.followers.get(name) ?? []) watchers.add(watcher);
    for (const watcher of watchers) watcher.beat();
  }

  lately(name: string): Resource | undefined {
    return this.removed.get(name);
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
    return position === this.position ? this.all() : this.earlier(position);
  }

  private *earlier(position: number): Iterable<Resource> {
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
      if (this.entries.get(entry.name) !== entry) continue; // superseded later
      const had = this.at(entry.name, position);
      if (entry.resource) {
        // A version of the user's own may come back with other content.
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
   * Makes exactly these the resources, by key, as one change. Returns whether anything that readers see is different.
   * @throws XdsError DUPLICATE_NAME, VERSION_IN_USE; nothing is changed then
   */
  replace(resources: ReadonlyMap<string, Resource>, ownVersion?: string): boolean {
    mustBeDistinct(this.type, resources);
    this.checkVersions(resources);
    return this.replaceChecked(resources, ownVersion);
  }

  /** @internal {@link ResourceLog.replace} with the resources of a set, of which `checkVersions` has thrown nothing. */
  replaceChecked(resources: ReadonlyMap<string, Resource>, ownVersion?: string): boolean {
    return this.change(ownVersion, (put) => {
      let kept = 0;
      for (const [name, resource] of resources) {
        const old = this.entries.get(name);
        if (old?.resource) kept++;
        if (old?.resource !== resource) put(name, resource);
      }
      if (kept < this.size)
        for (const { name, resource } of [...this.entries.values()])
          if (resource && !resources.has(name)) put(name, undefined);
    });
  }

  /**
   * Removes some and sets some, as one change. Returns whether anything that readers see is different.
   * @throws XdsError DUPLICATE_NAME, VERSION_IN_USE; nothing is changed then
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

  /** No name or alias of a change may be one of another resource, be that in the change or untouched by it. */
  private checkNames(change: ReadonlyMap<string, Resource | undefined>): void {
    mustBeDistinct(this.type, change);
    for (const [key, resource] of change) {
      if (!resource) continue;
      for (const name of [key, ...resource.aliasKeys]) {
        const bearers = [this.entries.get(name)?.resource?.key, this.aliases.get(name)];
        if (bearers.some((bearer) => bearer !== undefined && bearer !== key && !change.has(bearer)))
          throw duplicateName(this.type, name);
      }
    }
  }

  /**
   * @internal Readers compare versions: other content under the version that is served would reach some of them and not
   * others.
   * @throws XdsError VERSION_IN_USE
   */
  checkVersions(resources: ReadonlyMap<string, Resource | undefined>): void {
    for (const [key, resource] of resources) {
      if (!resource) continue;
      const old = this.entries.get(key)?.resource;
      if (!old || old === resource || old.version !== resource.version || old.hasContentOf(resource)) continue;
      const what = `${this.type.name} resource ${JSON.stringify(resource.name)} (${this.type.typeUrl})`;
      const version = JSON.stringify(resource.version);
      throw new XdsError(
        "VERSION_IN_USE",
        `${what} has other content than what is served under its version ${version}; give it a new version, or none to have one made from its content`,
      );
    }
  }

  /** Stops answering; what readers hold stays known, so that serving again sends only what differs from it. */
  stop(): void {
    this.serving = false;
  }

  /** How many resources there are. */
  size = 0;

  private change(
    ownVersion: string | undefined,
    make: (put: (name: string, resource?: Resource) => void) => void,
  ): boolean {
    const started = !this.serving;
    const next = this.position + 1;
    const touched = new Set<string>(); // names and aliases
    const collections = new Map<string, Set<string>>(); // glob collection → the keys of the members touched
    this.serving = true;
    this.ownVersion = ownVersion;
    make((name, resource) => {
      const old = this.entries.get(name)?.resource;
      if (!this.put(name, resource, next)) return;
      for (const touch of [...namesOf(old), ...namesOf(resource)]) {
        if (!isGlob(touch)) touched.add(touch);
        else collections.set(touch, (collections.get(touch) ?? new Set()).add(name));
      }
    });
    if (touched.size > 0) {
      this.position = next;
      this.memo.clear();
      this.lists = new WeakMap();
      if (this.log.length >= this.sweepAt) this.sweep();
    }
    if (started) {
      for (const watcher of this.followersOfAll) watcher.wake();
      for (const [name, watchers] of this.followers) for (const watcher of watchers) watcher.wake(name);
    } else if (touched.size > 0) {
      for (const watcher of this.followersOfAll) watcher.wake();
      for (const name of touched) for (const watcher of this.followers.get(name) ?? []) watcher.wake(name);
      for (const [glob, keys] of collections)
        for (const watcher of this.followers.get(glob) ?? []) for (const key of keys) watcher.wake(key);
    }
    if (this.mortal.size > 0) this.onMortal(this);
    return started || touched.size > 0;
  }

  private put(name: string, resource: Resource | undefined, position: number): boolean {
    const old = this.entries.get(name);
    if (resource && old?.resource?.version === resource.version) {
      old.resource = resource; // the same content, as was checked: silence (P11), and the old bytes can go
      return false;
    }
    if (!resource && !old?.resource) return false;
    this.index(old?.resource, resource);
    this.removed.delete(name);
    if (!resource && old?.resource) {
      this.removed.set(name, old.resource);
      for (const first of this.removed.keys()) {
        if (this.removed.size <= removedKept) break;
        this.removed.delete(first);
      }
    }
    if (old?.resource) this.hash.remove(old.resource);
    if (resource) this.hash.add(resource);
    this.size += (resource ? 1 : 0) - (old?.resource ? 1 : 0);
    const before = this.needed(old);
    const entry: Entry = { name, resource, position, before };
    if (resource || before) this.entries.set(name, entry);
    else this.entries.delete(name); // removed, and no reader has it
    if (this.retained.size > 0 && (resource || before)) this.log.push(entry);
    return true;
  }

  /** Keeps the indexes of what is found by other ways than its name. */
  private index(old: Resource | undefined, now: Resource | undefined): void {
    if (old) {
      for (const alias of old.aliasKeys) if (this.aliases.get(alias) === old.key) this.aliases.delete(alias);
      this.mortal.delete(old.key);
      const glob = now ? undefined : collectionOf(old.key);
      const members = glob !== undefined ? this.collections.get(glob) : undefined;
      if (glob !== undefined && members?.delete(old.key) && members.size === 0) this.collections.delete(glob);
    }
    if (!now) return;
    for (const alias of now.aliasKeys) this.aliases.set(alias, now.key);
    if (now.ttlMs !== undefined) this.mortal.set(now.key, now);
    const glob = collectionOf(now.key);
    if (glob === undefined) return;
    const members = this.collections.get(glob);
    if (members) members.add(now.key);
    else this.collections.set(glob, new Set([now.key]));
  }

  /** The newest of an entry and its predecessors that a retained position can read. */
  private needed(entry: Entry | undefined): Entry | undefined {
    let latest = -1;
    for (const position of this.retained.keys()) if (position > latest) latest = position;
    let found = entry;
    while (found && found.position > latest) found = found.before;
    return found;
  }

  /** Drops from log and chains what no retained position needs. */
  private sweep(): void {
    const positions = [...this.retained.keys()].sort((a, b) => a - b);
    const earliest = positions[0] ?? this.position;
    const kept: Entry[] = [];
    for (const entry of this.log) {
      if (this.entries.get(entry.name) !== entry) continue;
      if (entry.position <= earliest) entry.before = undefined;
      else {
        kept.push(entry);
        trim(entry, positions);
      }
      if (!entry.resource && !entry.before) this.entries.delete(entry.name);
    }
    this.log = kept.filter((entry) => this.entries.get(entry.name) === entry);
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
    if (this.mortal.size > 0) this.onMortal(this);
    const watchers = this.followers.get(name);
    if (watchers) watchers.add(watcher);
    else this.followers.set(name, new Set([watcher]));
  }

  unfollow(watcher: Watcher, name: string): void {
    const watchers = this.followers.get(name);
    if (watchers?.delete(watcher) && watchers.size === 0) this.followers.delete(name);
  }

  followAll(watcher: Watcher): void {
    if (this.mortal.size > 0) this.onMortal(this);
    this.followersOfAll.add(watcher);
  }

  unfollowAll(watcher: Watcher): void {
    this.followersOfAll.delete(watcher);
  }

  /** How many names are followed and positions retained, and whether anyone follows everything: nothing when all have gone. */
  get readers(): { names: number; positions: number; all: number } {
    return { names: this.followers.size, positions: this.retained.size, all: this.followersOfAll.size };
  }
}

/** All by which a resource may be followed, canonical: its key, its aliases, its collection. */
function namesOf(resource: Resource | undefined): string[] {
  if (!resource) return [];
  const { key, aliasKeys } = resource;
  const glob = collectionOf(key);
  if (aliasKeys.length === 0 && glob === undefined) return [key];
  return [key, ...aliasKeys, ...(glob === undefined ? [] : [glob])];
}

/** Unlinks the predecessors that none of the positions (ascending) falls to. */
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
