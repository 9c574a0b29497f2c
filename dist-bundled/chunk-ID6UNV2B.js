import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Snapshot
} from "./chunk-HCKWFFCM.js";
import {
  configurationIn,
  viewing
} from "./chunk-UHTHQG76.js";
import {
  SetHash,
  duplicateName,
  mustBeDistinct
} from "./chunk-KZCVAWTX.js";
import {
  isIn
} from "./chunk-U7CKKRTO.js";
import {
  inTurns
} from "./chunk-IDIDKZNG.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  isOwnCommand
} from "./chunk-BXRIZRRP.js";
import {
  canonicalName,
  collectionOf,
  isGlob
} from "./chunk-7P7SAT7Z.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cache/heartbeat.js
var Heartbeat = class {
  /** The time of each log's last heartbeat, by `performance.now()`. */
  logs = /* @__PURE__ */ new Map();
  timer;
  /** Sends heartbeats for a log from now on, until it has no resource with a TTL or no reader. */
  watch = (log) => {
    if (!this.logs.has(log))
      this.logs.set(log, performance.now());
    this.schedule();
  };
  schedule() {
    clearTimeout(this.timer);
    let next = Number.POSITIVE_INFINITY;
    for (const [log, last] of this.logs)
      next = Math.min(next, last + (log.beatMs ?? Number.POSITIVE_INFINITY));
    if (next === Number.POSITIVE_INFINITY)
      return;
    this.timer = setTimeout(this.beat, Math.min(Math.max(1, next - performance.now()), 2 ** 31 - 1)).unref();
  }
  beat = () => {
    const now = performance.now();
    for (const [log, last] of this.logs) {
      const { beatMs } = log;
      if (beatMs === void 0 || !log.isFollowed)
        this.logs.delete(log);
      else if (now >= last + beatMs) {
        this.logs.set(log, now);
        log.beat();
      }
    }
    this.schedule();
  };
};

// dist/cache/node-group.js
var byId = (node) => node.id;

// dist/resource/mixed-version.js
var mostMarks = 1e3;
function mixedVersion(version, copies) {
  if (copies.length === 0)
    return version;
  const marks = [...new Set(copies.map(markOf))].sort().slice(0, mostMarks);
  return `${version}+${marks.join("")}`;
}
function partsOf(version) {
  const [, base, marks] = /^(.*)\+((?:[0-9a-f]{8})+)$/s.exec(version) ?? [];
  if (base === void 0 || marks === void 0)
    return { base: version, marks: [] };
  return { base, marks: marks.match(/.{8}/g)?.slice(0, mostMarks) ?? [] };
}
var markOf = (resource) => new SetHash().add(resource).toString().slice(0, 8);

// dist/cache/past-versions.js
var mostSteps = 64;
var fewestNames = 256;
var mostNames = 1e4;
var mostFound = 8;
var PastVersions = class {
  /** Oldest first. A step can be followed in both directions. */
  steps = [];
  names = 0;
  found = /* @__PURE__ */ new Map();
  byName;
  byMark;
  replacedOnes;
  /**
   * Remembers the difference between two versions that the same nodes had or have. `size` is the number of resources of
   * `to`. It limits the memory: earlier versions take at most about as much as `to`.
   */
  note(from, to, names, size, at = performance.now()) {
    if (from === to)
      return;
    const known = this.steps.findIndex((step) => isBetween(step, from, to));
    if (known >= 0)
      this.names -= this.steps.splice(known, 1)[0]?.names.length ?? 0;
    this.steps.push({ from, to, names, at });
    this.names += names.length;
    const most = Math.min(Math.max(size, fewestNames), mostNames);
    while (this.steps.length > mostSteps || this.names > most && this.steps.length > 1)
      this.names -= this.steps.shift()?.names.length ?? 0;
    this.found.clear();
    this.byName = this.byMark = this.replacedOnes = void 0;
  }
  /** Notes that `to` replaces `from` now, if their difference is remembered. */
  renew(from, to, size) {
    const [had, has] = [this.path(from, to), this.path(to, from)];
    if (had && has)
      this.note(from, to, Array.from(had, ([name, resource]) => [name, resource, has.get(name)]), size);
  }
  /**
   * The resources of a version under all names that can differ in the version `now`. A name that the version does not
   * have is mapped to `undefined`. Returns undefined for a version that is not remembered. The version can have marks
   * (`mixedVersion()`).
   */
  between(version, now) {
    const { base, marks } = partsOf(version);
    const was = this.path(base, now);
    if (!was || marks.length === 0)
      return was;
    const mixed = new Map(was);
    for (const mark of marks) {
      const resource = this.marked(mark);
      if (resource)
        mixed.set(resource.key, resource);
    }
    return mixed;
  }
  /** A replaced or removed resource with this name and version. */
  replaced(name, version) {
    return this.named(name).find((resource) => resource.version === version);
  }
  /** The newest resource with this name. */
  last(name) {
    return this.named(name)[0];
  }
  /**
   * The replaced and removed resources, newest first. A resource that is served again can be among them. It is the same
   * array until the next change.
   */
  get replacedLately() {
    if (this.replacedOnes)
      return this.replacedOnes;
    const all = [];
    for (const { names, at } of this.newestFirst())
      for (const [, from, to] of names) {
        if (from)
          all.push({ resource: from, at });
        if (to)
          all.push({ resource: to, at });
      }
    this.replacedOnes = all;
    return all;
  }
  path(version, now) {
    const key = `${version} ${now}`;
    const known = this.found.get(key);
    if (known)
      return known;
    const steps = this.stepsBetween(version, now);
    if (!steps)
      return void 0;
    const was = /* @__PURE__ */ new Map();
    for (const [{ names }, isForward] of steps)
      for (const [name, from, to] of names)
        if (!was.has(name))
          was.set(name, isForward ? from : to);
    for (const oldest of this.found.keys())
      if (this.found.size >= mostFound)
        this.found.delete(oldest);
    this.found.set(key, was);
    return was;
  }
  /** The fewest steps that lead from a version to another, each with its direction. */
  stepsBetween(version, now) {
    const next = /* @__PURE__ */ new Map([[now, void 0]]);
    for (const here of next.keys())
      for (const step of this.newestFirst()) {
        if (step.to === here && !next.has(step.from))
          next.set(step.from, [step, true]);
        else if (step.from === here && !next.has(step.to))
          next.set(step.to, [step, false]);
      }
    if (!next.has(version))
      return void 0;
    const way = [];
    for (let at = next.get(version); at; at = next.get(at[1] ? at[0].to : at[0].from))
      way.push(at);
    return way;
  }
  named(name) {
    this.byName ??= this.index();
    return this.byName.get(name) ?? [];
  }
  marked(mark) {
    if (!this.byMark) {
      this.byName ??= this.index();
      this.byMark = /* @__PURE__ */ new Map();
      for (const resources of this.byName.values())
        for (const resource of resources)
          this.byMark.set(markOf(resource), resource);
    }
    return this.byMark.get(mark);
  }
  index() {
    const index = /* @__PURE__ */ new Map();
    for (const { names } of this.newestFirst())
      for (const [name, from, to] of names)
        for (const resource of [to, from]) {
          const known = index.get(name) ?? [];
          index.set(name, known);
          if (resource && !known.some(({ version }) => version === resource.version))
            known.push(resource);
        }
    return index;
  }
  *newestFirst() {
    for (let i = this.steps.length - 1; i >= 0; i--)
      yield this.steps[i];
  }
};
var isBetween = (step, a, b) => step.from === a && step.to === b || step.from === b && step.to === a;

// dist/resource/version-in-use.js
function versionInUse(old, resource) {
  if (!old || old === resource || old.version !== resource.version || old.hasContentOf(resource))
    return void 0;
  const what = `${resource.type.name} resource ${JSON.stringify(resource.name)} (${resource.type.typeUrl})`;
  return new XdsError("VERSION_IN_USE", `${what} has new content under its current version ${JSON.stringify(resource.version)}; give it a new version, or none to have one made from its content`);
}

// dist/cache/resource-log.js
var noneReplaced = [];
var mostRemoved = 256;
var sweepAfter = 256;
var ResourceLog = class {
  type;
  versionPrefix;
  onTtl;
  past;
  entries = /* @__PURE__ */ new Map();
  /** Ascending by position. It has all entries later than the earliest retained position. */
  log = [];
  sweepAt = sweepAfter;
  retained = /* @__PURE__ */ new Map();
  /** The key of the resource with each alias. Aliases are canonical. */
  aliases = /* @__PURE__ */ new Map();
  /** The keys of the members of each glob collection. */
  collections = /* @__PURE__ */ new Map();
  /** The resources with a TTL, by key. */
  withTtls = /* @__PURE__ */ new Map();
  removed = /* @__PURE__ */ new Map();
  followers = /* @__PURE__ */ new Map();
  followersOfAll = /* @__PURE__ */ new Set();
  hash = new SetHash();
  memo = /* @__PURE__ */ new Map();
  lists = /* @__PURE__ */ new WeakMap();
  position = 0;
  serving = false;
  ownVersion;
  constructor(type, versionPrefix = "", onTtl = () => {
  }, past) {
    this.type = type;
    this.versionPrefix = versionPrefix;
    this.onTtl = onTtl;
    this.past = past;
  }
  get version() {
    return this.ownVersion ?? this.versionPrefix + this.hash.toString();
  }
  get versionIsContent() {
    return this.ownVersion === void 0;
  }
  get(name) {
    return this.entries.get(name)?.resource ?? this.entries.get(this.aliases.get(name) ?? "")?.resource;
  }
  listed(names) {
    let listed = this.lists.get(names);
    if (!listed) {
      const found = names.flatMap((name) => this.entries.get(name)?.resource ?? []);
      listed = found.length === names.length ? found : [];
      this.lists.set(names, listed);
    }
    return listed;
  }
  *members(glob) {
    for (const key of this.collections.get(glob) ?? []) {
      const resource = this.get(key);
      if (resource)
        yield resource;
    }
  }
  withTtl() {
    return this.withTtls.values();
  }
  /** The interval between heartbeats in milliseconds: half of the shortest TTL. undefined: no resource has a TTL. */
  get beatMs() {
    let shortest;
    for (const { ttlMs } of this.withTtls.values())
      if (ttlMs !== void 0 && !(shortest !== void 0 && shortest <= ttlMs))
        shortest = ttlMs;
    return shortest === void 0 ? void 0 : shortest / 2;
  }
  /** Whether the log has a reader. */
  get isFollowed() {
    return this.followersOfAll.size > 0 || this.followers.size > 0;
  }
  /** Asks the readers to send heartbeats for the resources with a TTL. */
  beat() {
    const watchers = new Set(this.followersOfAll);
    for (const resource of this.withTtls.values())
      for (const name of followableNames(resource))
        for (const watcher of this.followers.get(name) ?? [])
          watchers.add(watcher);
    for (const watcher of watchers)
      watcher.beat();
  }
  lastRemoved(name) {
    return this.removed.get(name) ?? (this.get(name) ? void 0 : this.past?.last(name));
  }
  earlier(version) {
    if (!this.past || !this.versionIsContent)
      return void 0;
    const was = this.past.between(version, this.version);
    if (!was || was.size === 0)
      return was;
    return new Map([...was].filter(([name, had]) => had?.version !== this.entries.get(name)?.resource?.version));
  }
  replaced(name, version) {
    return this.past?.replaced(name, version);
  }
  get replacedLately() {
    return this.past?.replacedLately ?? noneReplaced;
  }
  /**
   * @internal Notes that the nodes of another log are moved to this one now. Both logs share their earlier versions.
   */
  noteMoved(other) {
    if (this.versionIsContent && other.versionIsContent)
      this.past?.renew(other.version, this.version, this.size);
  }
  /** @internal Remembers that the same nodes were, or can be, served these resources. The map is by key. */
  noteOther(resources) {
    if (!this.past) {
      for (const [name, resource] of resources)
        if (!this.entries.get(name)?.resource)
          this.noteRemoved(name, resource);
      return;
    }
    if (!this.versionIsContent)
      return;
    const hash = new SetHash();
    const names = [];
    for (const [name, resource] of resources) {
      hash.add(resource);
      const own = this.entries.get(name)?.resource;
      if (own?.version !== resource.version)
        names.push([name, resource, own]);
    }
    for (const { name, resource } of this.entries.values())
      if (resource && !resources.has(name))
        names.push([name, void 0, resource]);
    this.past.note(this.versionPrefix + hash.toString(), this.version, names, this.size);
  }
  at(name, position) {
    let entry = this.entries.get(name);
    while (entry && entry.position > position)
      entry = entry.before;
    return entry?.resource;
  }
  all() {
    return this.since(-1).changed;
  }
  allAt(position) {
    return position === this.position ? this.all() : this.resourcesAt(position);
  }
  *resourcesAt(position) {
    for (const name of this.entries.keys()) {
      const resource = this.at(name, position);
      if (resource)
        yield resource;
    }
  }
  since(position) {
    let changes = this.memo.get(position);
    if (!changes) {
      changes = position < 0 ? this.everything() : this.difference(position);
      this.memo.set(position, changes);
    }
    return changes;
  }
  everything() {
    const changed = [];
    for (const { resource } of this.entries.values())
      if (resource)
        changed.push(resource);
    return { changed, removed: [] };
  }
  difference(position) {
    const changed = [];
    const removed = [];
    for (let i = this.firstAfter(position); i < this.log.length; i++) {
      const entry = this.log[i];
      if (this.entries.get(entry.name) !== entry)
        continue;
      const had = this.at(entry.name, position);
      if (entry.resource) {
        if (had?.version !== entry.resource.version || !had.hasContentOf(entry.resource))
          changed.push(entry.resource);
      } else if (had)
        removed.push(entry.name);
    }
    return { changed, removed };
  }
  firstAfter(position) {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = low + high >>> 1;
      if (this.log[middle].position > position)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
  /**
   * Replaces all resources by these, as one change. The map is by key. Returns whether readers see a difference.
   * @throws XdsError DUPLICATE_NAME, VERSION_IN_USE; then nothing changes
   */
  replace(resources, ownVersion) {
    mustBeDistinct(this.type, resources);
    this.checkVersions(resources);
    return this.replaceChecked(resources, ownVersion);
  }
  /**
   * @internal {@link ResourceLog.replace} without checks: the resources come from a set, and `checkVersions` accepted
   * them.
   */
  replaceChecked(resources, ownVersion) {
    return this.change(ownVersion, (put) => {
      let stillPresent = 0;
      for (const [name, resource] of resources) {
        const old = this.entries.get(name);
        if (old?.resource)
          stillPresent++;
        if (old?.resource !== resource)
          put(name, resource);
      }
      if (stillPresent < this.size) {
        for (const { name, resource } of [...this.entries.values()])
          if (resource && !resources.has(name))
            put(name, void 0);
      }
    });
  }
  /**
   * Removes some resources and sets others, as one change. Returns whether readers see a difference.
   * @throws XdsError DUPLICATE_NAME, VERSION_IN_USE; then nothing changes
   */
  update(set, remove) {
    const last = /* @__PURE__ */ new Map();
    for (const name of remove)
      last.set(canonicalName(name), void 0);
    for (const resource of set)
      last.set(resource.key, resource);
    this.checkNames(last);
    this.checkVersions(last);
    return this.change(void 0, (put) => {
      for (const [name, resource] of last)
        put(name, resource);
    });
  }
  /** Checks that no name or alias in a change belongs to another resource, in the change or outside of it. */
  checkNames(change) {
    mustBeDistinct(this.type, change);
    for (const [key, resource] of change) {
      if (!resource)
        continue;
      for (const name of [key, ...resource.aliasKeys]) {
        const owners = [this.entries.get(name)?.resource?.key, this.aliases.get(name)];
        if (owners.some((owner) => owner !== void 0 && owner !== key && !change.has(owner)))
          throw duplicateName(this.type, name);
      }
    }
  }
  /**
   * @internal Checks that no resource has other content under its current version. Readers compare versions, so some of
   * them would not receive the new content.
   * @throws XdsError VERSION_IN_USE
   */
  checkVersions(resources) {
    for (const [key, resource] of resources) {
      const error = resource && versionInUse(this.entries.get(key)?.resource, resource);
      if (error)
        throw error;
    }
  }
  /** Stops serving. The log still knows what readers have, so serving again sends only the difference. */
  stop() {
    this.serving = false;
  }
  /** The number of resources. */
  size = 0;
  change(ownVersion, make) {
    const started = !this.serving;
    const next = this.position + 1;
    const touched = /* @__PURE__ */ new Set();
    let isTouched = false;
    const collections = /* @__PURE__ */ new Map();
    const past = !started && this.versionIsContent && ownVersion === void 0 ? this.past : void 0;
    const from = past && this.version;
    const differing2 = [];
    this.serving = true;
    this.ownVersion = ownVersion;
    make((name, resource) => {
      const old = this.entries.get(name)?.resource;
      if (!this.put(name, resource, next))
        return;
      isTouched = true;
      if (past)
        differing2.push([name, old, resource]);
      if (this.followers.size === 0)
        return;
      for (const touch of [...followableNames(old), ...followableNames(resource)]) {
        if (!isGlob(touch))
          touched.add(touch);
        else
          collections.set(touch, (collections.get(touch) ?? /* @__PURE__ */ new Set()).add(name));
      }
    });
    if (past && from !== void 0)
      past.note(from, this.version, differing2, this.size);
    if (isTouched) {
      this.position = next;
      this.memo.clear();
      this.lists = /* @__PURE__ */ new WeakMap();
      if (this.log.length >= this.sweepAt)
        this.sweep();
    }
    if (started) {
      for (const watcher of this.followersOfAll)
        watcher.wake();
      for (const [name, watchers] of this.followers)
        for (const watcher of watchers)
          watcher.wake(name);
    } else if (isTouched) {
      for (const watcher of this.followersOfAll)
        watcher.wake();
      for (const name of touched)
        for (const watcher of this.followers.get(name) ?? [])
          watcher.wake(name);
      for (const [glob, keys] of collections)
        for (const watcher of this.followers.get(glob) ?? [])
          for (const key of keys)
            watcher.wake(key);
    }
    if (this.withTtls.size > 0)
      this.onTtl(this);
    return started || isTouched;
  }
  put(name, resource, position) {
    const old = this.entries.get(name);
    if (resource && old?.resource?.version === resource.version) {
      old.resource = resource;
      return false;
    }
    if (!resource && !old?.resource)
      return false;
    this.index(old?.resource, resource);
    this.removed.delete(name);
    if (!resource && old?.resource)
      this.noteRemoved(name, old.resource);
    if (old?.resource)
      this.hash.remove(old.resource);
    if (resource)
      this.hash.add(resource);
    this.size += (resource ? 1 : 0) - (old?.resource ? 1 : 0);
    const before = this.needed(old);
    const entry = { name, resource, position, before };
    if (resource || before)
      this.entries.set(name, entry);
    else
      this.entries.delete(name);
    if (this.retained.size > 0 && (resource || before))
      this.log.push(entry);
    return true;
  }
  noteRemoved(name, resource) {
    this.removed.set(name, resource);
    for (const first of this.removed.keys()) {
      if (this.removed.size <= mostRemoved)
        break;
      this.removed.delete(first);
    }
  }
  /** Updates the indexes by alias, by TTL and by collection. */
  index(old, now) {
    if (old) {
      for (const alias of old.aliasKeys)
        if (this.aliases.get(alias) === old.key)
          this.aliases.delete(alias);
      this.withTtls.delete(old.key);
      const glob2 = now ? void 0 : collectionOf(old.key);
      const members2 = glob2 !== void 0 ? this.collections.get(glob2) : void 0;
      if (glob2 !== void 0 && members2?.delete(old.key) && members2.size === 0)
        this.collections.delete(glob2);
    }
    if (!now)
      return;
    for (const alias of now.aliasKeys)
      this.aliases.set(alias, now.key);
    if (now.ttlMs !== void 0)
      this.withTtls.set(now.key, now);
    const glob = collectionOf(now.key);
    if (glob === void 0)
      return;
    const members = this.collections.get(glob);
    if (members)
      members.add(now.key);
    else
      this.collections.set(glob, /* @__PURE__ */ new Set([now.key]));
  }
  /** Returns the newest of an entry and its predecessors that a retained position can read. */
  needed(entry) {
    let latest = -1;
    for (const position of this.retained.keys())
      if (position > latest)
        latest = position;
    let found = entry;
    while (found && found.position > latest)
      found = found.before;
    return found;
  }
  /** Removes the entries that no retained position needs from the log and from the chains. */
  sweep() {
    const positions = [...this.retained.keys()].sort((a, b) => a - b);
    const earliest = positions[0] ?? this.position;
    const remaining = [];
    for (const entry of this.log) {
      if (this.entries.get(entry.name) !== entry)
        continue;
      if (entry.position <= earliest)
        entry.before = void 0;
      else {
        remaining.push(entry);
        trim(entry, positions);
      }
      if (!entry.resource && !entry.before)
        this.entries.delete(entry.name);
    }
    this.log = remaining.filter((entry) => this.entries.get(entry.name) === entry);
    this.sweepAt = Math.max(sweepAfter, 2 * this.log.length);
  }
  retain(position) {
    if (position < 0)
      return;
    this.retained.set(position, (this.retained.get(position) ?? 0) + 1);
  }
  release(position) {
    const count = this.retained.get(position);
    if (count === void 0)
      return;
    if (count > 1)
      this.retained.set(position, count - 1);
    else {
      this.retained.delete(position);
      this.memo.delete(position);
      if (this.retained.size === 0)
        this.sweep();
    }
  }
  follow(watcher, name) {
    if (this.withTtls.size > 0)
      this.onTtl(this);
    const watchers = this.followers.get(name);
    if (watchers)
      watchers.add(watcher);
    else
      this.followers.set(name, /* @__PURE__ */ new Set([watcher]));
  }
  unfollow(watcher, name) {
    const watchers = this.followers.get(name);
    if (watchers?.delete(watcher) && watchers.size === 0)
      this.followers.delete(name);
  }
  followAll(watcher) {
    if (this.withTtls.size > 0)
      this.onTtl(this);
    this.followersOfAll.add(watcher);
  }
  unfollowAll(watcher) {
    this.followersOfAll.delete(watcher);
  }
  /**
   * The number of followed names, retained positions, and readers of everything. All are 0 when all readers have gone.
   */
  get readers() {
    return { names: this.followers.size, positions: this.retained.size, all: this.followersOfAll.size };
  }
};
function followableNames(resource) {
  if (!resource)
    return [];
  const { key, aliasKeys } = resource;
  const glob = collectionOf(key);
  if (aliasKeys.length === 0 && glob === void 0)
    return [key];
  return [key, ...aliasKeys, ...glob === void 0 ? [] : [glob]];
}
function trim(entry, positions) {
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
  newer.before = void 0;
}

// dist/cache/snapshot-cache.js
var optionNames = {
  nodeGroup: true,
  fallbackGroup: true,
  readyWhenEmpty: true
};
var thisMoment = () => ({ wall: Date.now(), steady: performance.now() });
var SnapshotCache = class {
  groups = /* @__PURE__ */ new Map();
  nodeGroup;
  fallbackGroup;
  heartbeat = new Heartbeat();
  /** Whether a snapshot has been set, or none is needed. */
  isReady;
  /** @throws XdsError INVALID_OPTION */
  constructor(options = {}) {
    checkOptions("SnapshotCache", options, optionNames);
    if (options.nodeGroup !== void 0 && typeof options.nodeGroup !== "function")
      throw new XdsError("INVALID_OPTION", "nodeGroup must be a function of a node");
    this.nodeGroup = options.nodeGroup ?? byId;
    this.fallbackGroup = options.fallbackGroup;
    this.isReady = options.readyWhenEmpty ?? false;
  }
  /**
   * Serves this snapshot to a group from now on. Unchanged resources are not sent again.
   * @throws XdsError VERSION_IN_USE if a resource has new content under its current user-given version; INVALID_OPTION
   * for a value that is not a Snapshot. Then nothing changes
   */
  set(group, snapshot) {
    this.check(group, snapshot);
    const state = this.group(group);
    const first = state.snapshot === void 0;
    state.snapshot = snapshot;
    state.idleSince = thisMoment();
    this.isReady = true;
    this.applyAll(state, snapshot);
    if (first)
      this.reattachAll(state);
  }
  /**
   * Serves a snapshot, the candidate, to those nodes of a group for which `pick` returns true. The others are served
   * the group's own snapshot. Call it again with another `pick` to serve the candidate to more or fewer nodes, or with
   * another snapshot to replace it. While there is a candidate, {@link SnapshotCache.set} changes only what the other
   * nodes are served, and {@link SnapshotCache.clear} drops the candidate.
   *
   * A node that moves between the two gets the difference as an ordinary change: in order, and what the node still uses
   * is removed last (docs/protocol.md, P53–P55).
   *
   * `pick` is called for each stream of the group, and for each new stream. It must be quick, and its answer for a node
   * must not change.
   * @throws XdsError INVALID_OPTION if the group has no snapshot of its own, or `pick` is no function; VERSION_IN_USE
   * as {@link SnapshotCache.set}; what `pick` throws for a connected node. Then nothing changes
   */
  setCandidate(group, snapshot, pick) {
    this.check(group, snapshot);
    const state = this.groups.get(group);
    if (!state?.snapshot)
      throw new XdsError("INVALID_OPTION", `group ${JSON.stringify(group)} has no snapshot, so there is none for the nodes that are not picked; call set() first`);
    if (typeof pick !== "function")
      throw new XdsError("INVALID_OPTION", "pick must be a function of a node");
    for (const { watcher } of state.watches)
      pick(watcher.node);
    const known = state.candidate?.logs;
    state.candidate = { snapshot, pick, logs: known ?? /* @__PURE__ */ new Map(), past: state.past };
    this.applyAll(state.candidate, snapshot);
    if (!known)
      for (const [typeUrl, log] of state.candidate.logs)
        log.noteOther(state.snapshot.resources(typeUrl));
    this.reattachAll(state);
  }
  /**
   * Makes a group's candidate the snapshot of all its nodes. Those that have it already are sent nothing. Does nothing
   * without a candidate.
   */
  promote(group) {
    const state = this.groups.get(group);
    if (!state?.candidate)
      return;
    const { snapshot, logs } = state.candidate;
    const old = state.logs;
    state.candidate = void 0;
    state.snapshot = snapshot;
    state.logs = logs;
    for (const log of old.values())
      this.log(state, log.type).noteMoved(log);
    this.reattachAll(state);
    for (const log of old.values())
      log.stop();
  }
  /** Takes a group's candidate away. Its nodes are moved back to the group's snapshot. Does nothing without one. */
  dropCandidate(group) {
    const state = this.groups.get(group);
    if (!state?.candidate)
      return;
    const { logs } = state.candidate;
    state.candidate = void 0;
    for (const log of logs.values())
      this.log(state, log.type).noteMoved(log);
    this.reattachAll(state);
    for (const log of logs.values())
      log.stop();
  }
  /**
   * Remembers a snapshot that a group's nodes were served before, for example by an earlier process. A client that
   * comes back with one of its versions gets the difference in order, as if it had not been away (docs/protocol.md, P36
   * and P49). The cache remembers by itself what it has served, some 64 changes. Call this method after {@link
   * SnapshotCache.set}. Resources with versions that a user gave are left out. It does nothing for a group without a
   * snapshot.
   * @throws XdsError INVALID_OPTION for a value that is not a Snapshot
   */
  noteEarlier(group, snapshot) {
    const state = this.groups.get(group);
    if (!(snapshot instanceof Snapshot))
      throw notASnapshot(group);
    if (!state?.snapshot)
      return;
    for (const type of snapshot.types())
      this.log(state, type);
    for (const [typeUrl, log] of state.logs)
      if (snapshot.ownVersion(typeUrl) === void 0) {
        const resources = snapshot.resources(typeUrl);
        log.noteOther(resources);
        if (!log.type.remembered)
          state.candidate?.logs.get(typeUrl)?.noteOther(resources);
      }
  }
  /** The candidate of a group, if it has one. */
  candidate(group) {
    return this.groups.get(group)?.candidate?.snapshot;
  }
  /**
   * The snapshot that a node is served now, if there is one: its group's candidate or own, or the fallback group's.
   * Give the caller where the group depends on it.
   */
  snapshotOf(node, caller) {
    const key = this.nodeGroup(node, caller);
    const own = this.groups.get(key);
    const source = own?.snapshot || this.fallbackGroup === void 0 ? own : this.groups.get(this.fallbackGroup);
    return source && servedTo(source, node).snapshot;
  }
  /** @internal The group whose snapshot a node is served: its own, or the fallback group while its own has none. */
  servedGroup(node, caller) {
    const own = this.nodeGroup(node, caller);
    return this.fallbackGroup === void 0 || this.groups.get(own)?.snapshot ? own : this.fallbackGroup;
  }
  /**
   * @internal Throws what {@link SnapshotCache.set} would throw, without a change. It allows several groups to change
   * together.
   */
  check(group, snapshot) {
    if (!(snapshot instanceof Snapshot))
      throw notASnapshot(group);
    const { logs, candidate } = this.groups.get(group) ?? {};
    for (const served of [logs, candidate?.logs])
      for (const [typeUrl, log] of served ?? [])
        log.checkVersions(snapshot.resources(typeUrl));
  }
  applyAll(served, snapshot) {
    for (const type of snapshot.types())
      this.log(served, type);
    for (const log of served.logs.values())
      apply(log, snapshot);
  }
  /** Returns the group's own snapshot. */
  get(group) {
    return this.groups.get(group)?.snapshot;
  }
  /**
   * Removes a group's snapshot. Connected nodes keep their resources. Later they receive the difference to the group's
   * next snapshot, or to the fallback group's.
   */
  clear(group) {
    const state = this.groups.get(group);
    if (!state?.snapshot)
      return;
    this.dropCandidate(group);
    state.snapshot = void 0;
    for (const log of state.logs.values())
      log.stop();
    this.reattachAll(state);
    this.forgetIfEmpty(state);
  }
  /** Returns the groups that have their own snapshot. */
  keys() {
    return [...this.groups.values()].filter((group) => group.snapshot).map((group) => group.key);
  }
  /** Returns the connected nodes of one group, or of all. A node with several streams appears once. */
  status(group) {
    const groups = group === void 0 ? [...this.groups.values()] : [this.groups.get(group)];
    return groups.flatMap((state) => state ? statusOf(state) : []);
  }
  /**
   * Removes the snapshots of groups without a connected node for at least `idleMs` milliseconds, except the fallback
   * group's. Returns the names of these groups.
   *
   * Changes of the machine's clock do not affect a group's age. With `now`, in milliseconds since 1970, the age is
   * taken from the machine's clock instead.
   */
  collectIdle(idleMs, now) {
    const steady = performance.now();
    const age = ({ idleSince }) => now === void 0 ? steady - idleSince.steady : now - idleSince.wall;
    const idle = [...this.groups.values()].filter((group) => group.key !== this.fallbackGroup && group.watches.size === 0 && age(group) >= idleMs);
    for (const { key } of idle)
      this.groups.delete(key);
    return idle.map(({ key }) => key);
  }
  ready() {
    return this.isReady;
  }
  watch({ node, type, caller }, watcher) {
    const group = this.group(this.nodeGroup(node, caller));
    const watch = {
      watcher,
      caller,
      group,
      view: this.log(servedTo(this.sourceOf(group), node), type),
      close: () => this.leave(watch)
    };
    group.watches.add(watch);
    return watch;
  }
  leave(watch) {
    const { group } = watch;
    group.watches.delete(watch);
    group.idleSince = thisMoment();
    this.forgetIfEmpty(group);
  }
  /**
   * Groups nodes by another function from now on. Connected nodes whose group changes get the difference as an ordinary
   * change.
   * @throws XdsError INVALID_OPTION for a value that is not a function, or returns no string for a connected node; what
   * the function throws for a connected node. Then nothing changes
   */
  regroup(nodeGroup) {
    if (typeof nodeGroup !== "function")
      throw new XdsError("INVALID_OPTION", "nodeGroup must be a function of a node");
    const moves = [];
    for (const group of this.groups.values())
      for (const watch of group.watches) {
        const key = nodeGroup(watch.watcher.node, watch.caller);
        checkKey(key);
        if (key !== group.key)
          moves.push([watch, key]);
      }
    this.nodeGroup = nodeGroup;
    const groups = /* @__PURE__ */ new Set();
    for (const [watch, key] of moves) {
      const group = this.group(key);
      this.leave(watch);
      watch.group = group;
      group.watches.add(watch);
      groups.add(group);
    }
    for (const group of groups)
      this.reattach(group);
  }
  /**
   * Returns whether a node is served this group's snapshot: as a member, or through the fallback while its own group
   * has none. Give the caller where the group depends on it.
   */
  inGroup(node, group, caller) {
    const own = this.nodeGroup(node, caller);
    return own === group || group === this.fallbackGroup && !this.groups.get(own)?.snapshot;
  }
  group(key) {
    checkKey(key);
    let group = this.groups.get(key);
    if (!group) {
      group = {
        key,
        snapshot: void 0,
        logs: /* @__PURE__ */ new Map(),
        past: /* @__PURE__ */ new Map(),
        candidate: void 0,
        watches: /* @__PURE__ */ new Set(),
        idleSince: thisMoment()
      };
      this.groups.set(key, group);
    }
    return group;
  }
  /** Returns the group whose resources this group's nodes receive. */
  sourceOf(group) {
    if (group.snapshot || this.fallbackGroup === void 0)
      return group;
    return this.group(this.fallbackGroup);
  }
  log(served, type) {
    let log = served.logs.get(type.typeUrl);
    if (!log) {
      log = new ResourceLog(type, "", this.heartbeat.watch, pastOf(served, type));
      served.logs.set(type.typeUrl, log);
      if (served.snapshot)
        apply(log, served.snapshot);
    }
    return log;
  }
  /** Moves the streams of all groups that read this one's snapshot to what they are served now. */
  reattachAll(group) {
    this.reattach(group);
    if (group.key !== this.fallbackGroup)
      return;
    for (const reader of this.groups.values())
      if (!reader.snapshot)
        this.reattach(reader);
  }
  /** Moves the streams of a group to what they are served now. */
  reattach(group) {
    const source = this.sourceOf(group);
    for (const watch of group.watches) {
      const log = this.log(servedTo(source, watch.watcher.node), watch.view.type);
      if (log === watch.view)
        continue;
      watch.view = log;
      watch.watcher.move(log);
    }
  }
  forgetIfEmpty(group) {
    if (group.watches.size === 0 && !group.snapshot && group.key !== this.fallbackGroup)
      this.groups.delete(group.key);
  }
};
var notASnapshot = (group) => new XdsError("INVALID_OPTION", `group ${JSON.stringify(group)}: not a Snapshot; make one with Snapshot.of()`);
function checkKey(key) {
  if (typeof key !== "string")
    throw new XdsError("INVALID_OPTION", `nodeGroup must return a string, returned ${JSON.stringify(key)}`);
}
var servedTo = (group, node) => group.candidate?.pick(node) ? group.candidate : group;
function pastOf({ past }, { typeUrl, remembered }) {
  if (!remembered)
    return void 0;
  const known = past.get(typeUrl) ?? new PastVersions();
  past.set(typeUrl, known);
  return known;
}
function apply(log, snapshot) {
  const { typeUrl } = log.type;
  log.replaceChecked(snapshot.resources(typeUrl), snapshot.ownVersion(typeUrl));
}
function statusOf(group) {
  const byNode = /* @__PURE__ */ new Map();
  for (const watch of group.watches) {
    const { id } = watch.watcher.node;
    const known = byNode.get(id);
    if (known)
      known.push(watch);
    else
      byNode.set(id, [watch]);
  }
  const describing = (watches) => {
    const { watcher, caller } = watches.find(({ watcher: watcher2 }) => !isOwnCommand(watcher2.node)) ?? watches[0];
    return { node: watcher.node, caller };
  };
  return [...byNode.values()].map((watches) => ({
    ...describing(watches),
    group: group.key,
    typeUrls: [...new Set(watches.map(({ view }) => view.type.typeUrl))],
    lastRequestAt: watches.reduce((latest, { watcher }) => Math.max(latest, watcher.lastRequestAt), 0),
    lastResponseAt: watches.reduce((latest, { watcher }) => Math.max(latest, watcher.lastResponseAt), 0)
  }));
}

// dist/serving/head-snapshots.js
function withLive(layers, live) {
  if (live.size === 0)
    return layers;
  const all = new Map(layers);
  for (const [layer, resources] of live)
    all.set(layer, [...layers.get(layer) ?? [], ...resources]);
  return all;
}
function* makingSnapshots(views, before) {
  const snapshots = /* @__PURE__ */ new Map();
  for (const [group, resources] of views) {
    const old = before.get(group);
    const made = yield* Snapshot.making(resources);
    snapshots.set(group, old && !(yield* differing(old, made, isIdentical)) ? old : made);
  }
  return snapshots;
}
function* choosingCandidates(stable, candidates, fallback) {
  const [ofStable, ofCandidates] = [stable, candidates].map((all2) => fallback === void 0 ? void 0 : all2.get(fallback));
  const all = new Map(stable);
  const chosen = /* @__PURE__ */ new Map();
  for (const group of /* @__PURE__ */ new Set([...stable.keys(), ...candidates.keys()])) {
    const own = stable.get(group) ?? ofStable;
    const candidate = candidates.get(group) ?? ofCandidates;
    if (!own || !candidate || !(yield* differing(own, candidate)))
      continue;
    all.set(group, own);
    chosen.set(group, candidate);
  }
  return { stable: all, candidates: chosen };
}
function* differing(a, b, isEqual = isSame) {
  if (a === b)
    return false;
  for (const typeUrl of /* @__PURE__ */ new Set([...a.typeUrls(), ...b.typeUrls()])) {
    const [ofA, ofB] = [a.resources(typeUrl), b.resources(typeUrl)];
    if (ofA.size !== ofB.size)
      return true;
    for (const [key, resource] of ofA) {
      const other = ofB.get(key);
      if (other !== resource && !(other && isEqual(resource, other)))
        return true;
      yield;
    }
  }
  return false;
}
var isSame = (a, b) => a.version === b.version && a.hasContentOf(b);
var isIdentical = (a, b) => a === b;
var changesMemo = /* @__PURE__ */ new WeakMap();
var noChanges = /* @__PURE__ */ new Map();
function changesOf(stable, candidate) {
  if (!stable || !candidate)
    return noChanges;
  if (stable === candidate)
    return noChanges;
  const ofCandidate = changesMemo.get(candidate) ?? /* @__PURE__ */ new WeakMap();
  changesMemo.set(candidate, ofCandidate);
  const known = ofCandidate.get(stable);
  if (known)
    return known;
  const changes = /* @__PURE__ */ new Map();
  for (const typeUrl of /* @__PURE__ */ new Set([...stable.typeUrls(), ...candidate.typeUrls()])) {
    const [before, after] = [stable.resources(typeUrl), candidate.resources(typeUrl)];
    const changed = [...after].filter(([key, one]) => before.get(key)?.version !== one.version).map(([, one]) => one);
    const isLess = [...before.keys()].some((key) => !after.has(key));
    if (changed.length > 0 || isLess)
      changes.set(typeUrl, changed);
  }
  ofCandidate.set(stable, changes);
  return changes;
}

// dist/serving/layer-memory.js
var mostRemembered = 3;
var LayerMemory = class {
  revisions;
  /** Layers that {@link LayerMemory.remember} got, by the content of their revision. The newest are kept. */
  remembered = /* @__PURE__ */ new Map();
  /** The live resources that {@link LayerMemory.rememberLive} got. They replace equal ones from the store. */
  rememberedLive = /* @__PURE__ */ new Map();
  inUse = [];
  /** Chunks of the last layers that were read. */
  chunks = /* @__PURE__ */ new Map();
  liveChunks = /* @__PURE__ */ new Map();
  constructor(revisions) {
    this.revisions = revisions;
  }
  remember(content, layers) {
    this.remembered.delete(content);
    this.remembered.set(content, layers);
    for (const oldest of this.remembered.keys())
      if (this.remembered.size > mostRemembered)
        this.remembered.delete(oldest);
  }
  rememberLive(layers) {
    this.rememberedLive = layers;
  }
  /** The layers of a revision. @throws XdsError as the store's calls do */
  async ofRevision(revision) {
    const source = `revision ${revision.content}`;
    const layers = this.remembered.get(revision.content);
    if (layers)
      return { layers, source, objects: "given" };
    const used = this.inUse.filter(isOfRevision);
    const [given, read] = [used.filter(hasGiven), used.filter((one) => !hasGiven(one))];
    const pools = [...this.remembered.values(), ...given.map((one) => one.layers)];
    return this.load(source, pools, read, "chunks", (chunks) => this.revisions.groupsOf(revision, chunks));
  }
  /** The live resources that are served now. @throws XdsError as the store's calls do */
  async ofLive() {
    const source = `live ${this.revisions.head.live}`;
    const pools = this.rememberedLive.size > 0 ? [this.rememberedLive] : [];
    const used = this.inUse.filter((one) => !isOfRevision(one));
    return this.load(source, pools, used, "liveChunks", (chunks) => this.revisions.live(chunks));
  }
  /** Sets the layers that are in use. All others are dropped. */
  use(layers) {
    this.inUse = layers;
    for (const { source } of layers)
      this.remembered.delete(source.replace(/^revision /, ""));
    if (layers.every((one) => one.objects === "given" || !isOfRevision(one)))
      this.chunks = /* @__PURE__ */ new Map();
  }
  /**
   * Returns layers that are in use, or reads them from the store. Equal objects are taken from `pools`, then from
   * `others`.
   */
  async load(source, pools, others, field, read) {
    const known = this.inUse.find((one) => one.source === source);
    if (known && (known.objects !== "read" || pools.length === 0))
      return known;
    const chunks = new UsedChunks(this[field]);
    const layers = known?.layers ?? await read(chunks);
    const all = [...pools, ...others.map((one) => one.layers)];
    const { shared, instead } = await inTurns(sharing(layers, all));
    this[field] = await inTurns(replacing(known ? this[field] : chunks, instead));
    return { layers: shared, source, objects: pools.length > 0 ? "shared" : "read" };
  }
};
var isOfRevision = ({ source }) => source.startsWith("revision ");
var hasGiven = ({ objects }) => objects !== "read";
function* sharing(layers, pools) {
  const shared = /* @__PURE__ */ new Map();
  const instead = /* @__PURE__ */ new Map();
  for (const [layer, resources] of layers) {
    const places = /* @__PURE__ */ new Map();
    for (const [at, { type, key }] of resources.entries()) {
      const ofType = places.get(type);
      if (ofType)
        ofType.set(key, at);
      else
        places.set(type, /* @__PURE__ */ new Map([[key, at]]));
      yield;
    }
    const own = [...resources];
    for (const pool of pools)
      for (const known of pool.get(layer) ?? []) {
        const at = places.get(known.type)?.get(known.key);
        const resource = at === void 0 ? void 0 : resources[at];
        if (at !== void 0 && resource && own[at] === resource && known !== resource && isSame2(known, resource)) {
          own[at] = known;
          instead.set(resource, known);
        }
        yield;
      }
    shared.set(layer, own);
  }
  return { shared, instead };
}
function* replacing(chunks, instead) {
  const replaced = /* @__PURE__ */ new Map();
  for (const [hash, resources] of chunks) {
    const own = [];
    for (const resource of resources) {
      own.push(instead.get(resource) ?? resource);
      yield;
    }
    replaced.set(hash, own);
  }
  return replaced;
}
var isSame2 = (a, b) => a.version === b.version && a.hasContentOf(b);
var UsedChunks = class extends Map {
  others;
  constructor(others) {
    super();
    this.others = others;
  }
  get(chunk) {
    return super.get(chunk) ?? this.others.get(chunk);
  }
};

// dist/serving/served-head.js
var hasCandidate = (rollout, { id }) => id === "" ? rollout.share >= 1 : isIn(rollout, id);
function picking(rollout) {
  const known = /* @__PURE__ */ new WeakMap();
  return (node) => {
    let has = known.get(node);
    if (has === void 0) {
      has = hasCandidate(rollout, node);
      known.set(node, has);
    }
    return has;
  };
}
var hasSameNodes = (a, b) => a === b || a !== void 0 && b !== void 0 && a.id === b.id && a.share === b.share && a.first.length === b.first.length && a.first.every((id, at) => id === b.first[at]);

// dist/serving/head-follower.js
var firstRetryMs = 1e3;
var longestRetryMs = 3e4;
var leastEarlier = 5;
var earlierMs = 36e5;
var mostEarlierResources = 5e5;
var mostSkipped = 3;
var HeadFollower = class {
  revisions;
  cache;
  options;
  memory;
  logger;
  stopListening;
  current;
  running;
  waits = /* @__PURE__ */ new Set();
  retry;
  retryMs = firstRetryMs;
  isClosed = false;
  /**
   * The rules by which the cache groups nodes now, as text. If the candidate has other rules, the text includes them
   * and the rollout.
   */
  groupedBy = "";
  constructor(revisions, cache, options) {
    this.revisions = revisions;
    this.cache = cache;
    this.options = options;
    this.memory = new LayerMemory(revisions);
    this.logger = options.logger ?? silentLogger;
  }
  /** What the cache shows. undefined before the first head. */
  get served() {
    return this.current;
  }
  /** The revisions that the cache shows, without live resources: the stable one, and the candidate if there is one. */
  get servedRevisions() {
    const { loaded = [], stableRules, candidateRules } = this.current ?? {};
    return loaded.slice(1).map(({ layers }, at) => ({ layers, rules: at === 0 ? stableRules : candidateRules }));
  }
  /**
   * Shows the present head, and follows the head from then on. Resolves after the first try, even if that has failed.
   * Then the log has the reason, and {@link HeadFollower.applied} rejects.
   */
  async open() {
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
  remember(content, layers) {
    this.memory.remember(content, layers);
  }
  /** Keeps live resources. Equal ones from the store are then replaced by these. Call it before they are published. */
  rememberLive(layers) {
    this.memory.rememberLive(layers);
  }
  /**
   * Resolves when the cache shows the head that is present then.
   * @throws XdsError (as a rejection) WRONG_STATE if the follower is closed; the first error that keeps a head from
   * being shown
   */
  applied() {
    if (this.isClosed)
      return Promise.reject(closed());
    if (this.isUpToDate)
      return Promise.resolve();
    return new Promise((done, failed) => {
      this.waits.add({ done, failed });
      this.run();
    });
  }
  /** Stops following the head. The cache stays as it is. */
  close() {
    this.isClosed = true;
    this.stopListening?.();
    clearTimeout(this.retry);
    this.settle(({ failed }) => failed(closed()));
  }
  moved() {
    this.goBackAtOnce();
    this.run();
  }
  get isUpToDate() {
    return this.current?.head === this.revisions.head || !this.current && this.revisions.head.stable === 0;
  }
  /**
   * Shows a rollback at once. Nothing has to be loaded for it. The preparation of another head can take seconds, and
   * the rollback does not wait for it.
   */
  goBackAtOnce() {
    const { current } = this;
    const { head } = this.revisions;
    const isInRollout = current !== void 0 && (current.candidates.size > 0 || current.groupsOf !== void 0);
    if (!current || head.rollout || !isInRollout || head.stable !== current.head.stable)
      return;
    for (const group of current.candidates.keys())
      this.cache.dropCandidate(group);
    const { rollout: _, ...stable } = current.head;
    this.group(current, void 0);
    const loaded = current.loaded.slice(0, 2);
    const none = { candidates: /* @__PURE__ */ new Map(), candidateContent: void 0, groupsOf: void 0 };
    this.becomes({ ...current, head: stable, loaded, ...none });
  }
  run() {
    if (this.running || this.isClosed)
      return;
    clearTimeout(this.retry);
    this.running = this.follow().finally(() => {
      this.running = void 0;
      if (!this.isUpToDate && !this.retry)
        this.run();
    });
  }
  async follow() {
    this.retry = void 0;
    let skipped = 0;
    while (!this.isClosed && !this.isUpToDate) {
      const { head } = this.revisions;
      try {
        const prepared = await this.prepare(head);
        if (this.isClosed)
          return;
        const present = this.revisions.head;
        if (!mayShow(head, present, skipped++ >= mostSkipped))
          continue;
        skipped = 0;
        this.show(prepared, present);
        this.retryMs = firstRetryMs;
      } catch (error) {
        if (this.isClosed)
          return;
        this.logger.error({ error: messageOf(error), revision: head.stable }, notShown);
        if (this.revisions.head !== head)
          continue;
        this.retry = setTimeout(() => this.run(), this.retryMs);
        this.retryMs = Math.min(this.retryMs * 2, longestRetryMs);
        this.settle(({ failed }) => failed(error));
        return;
      }
    }
    if (!this.isClosed)
      this.settle(({ done }) => done());
  }
  /**
   * Gives the cache the earlier revisions that the store still has. A client can come back from another process, such
   * as the one before a restart. With these revisions it gets the difference in order (P36). Call this method after the
   * first head is shown. A revision that cannot be read is left out.
   */
  async noteEarlier() {
    const { current, cache, revisions } = this;
    if (!current)
      return;
    const known = /* @__PURE__ */ new Set([current.stableContent, current.candidateContent]);
    const earlier = [];
    const lives = await this.earlierLives();
    const note = async (layers, rules) => {
      const live = lives.shift() ?? /* @__PURE__ */ new Map();
      const views = await inTurns(this.options.viewing(withLive(layers, live), rules));
      earlier.push(...await inTurns(makingSnapshots(views, current.stable)));
    };
    const leftOut = (error, what) => this.logger.debug({ error: messageOf(error), ...what }, "an earlier revision is not remembered");
    let room = mostEarlierResources;
    let replacedAt = Date.now();
    for (let number = revisions.head.next - 1; number > 0 && room > 0 && !this.isClosed; number--) {
      const isNeeded = number >= revisions.head.next - leastEarlier || Date.now() - replacedAt < earlierMs;
      if (!isNeeded)
        break;
      try {
        const revision = await revisions.read(number);
        replacedAt = revision.at;
        if (known.has(revision.content))
          continue;
        known.add(revision.content);
        const { layers } = await this.memory.ofRevision(revision);
        for (const resources of layers.values())
          room -= resources.length;
        await note(layers, revision.rules);
      } catch (error) {
        leftOut(error, { revision: number });
      }
    }
    while (lives.length > 0 && !this.isClosed)
      await note(current.loaded[1]?.layers ?? /* @__PURE__ */ new Map(), current.stableRules).catch((error) => leftOut(error, {}));
    for (const [group, snapshot] of earlier.reverse())
      if (!this.isClosed && cache.get(group) !== snapshot)
        cache.noteEarlier(group, snapshot);
  }
  /** The earlier live resources that are still kept, newest first. */
  async earlierLives() {
    const lives = [];
    for (let number = this.revisions.head.live - 1; number > 0 && !this.isClosed; number--) {
      const live = await this.revisions.live(/* @__PURE__ */ new Map(), number).catch(() => void 0);
      if (!live)
        break;
      lives.push(live);
    }
    return lives;
  }
  async prepare(head) {
    const { current } = this;
    const live = await this.memory.ofLive();
    const stableSide = await this.side(head.stable);
    const candidateSide = head.rollout && await this.side(head.rollout.revision);
    const loaded = [live, stableSide.layers, ...candidateSide ? [candidateSide.layers] : []];
    const isSame3 = current?.loaded.length === loaded.length && loaded.every((one, at) => one === current.loaded[at]);
    const [stableRules, candidateRules] = [stableSide.rules, candidateSide?.rules];
    const contents = { stableContent: stableSide.content, candidateContent: candidateSide?.content };
    const common = { head, loaded, ...contents, stableRules, candidateRules };
    const withGroups = (shown) => {
      const groupsOf = candidateSide && this.groupsBetween(stableRules, candidateRules, shown.stable);
      return { ...shown, ...groupsOf && { groupsOf } };
    };
    if (current && isSame3) {
      const { own: own2, candidates: candidates2 } = current;
      return { ...common, own: own2, ...withGroups({ stable: candidateSide ? current.stable : own2, candidates: candidates2 }) };
    }
    const views = (side) => inTurns(this.options.viewing(withLive(side.layers.layers, live.layers), side.rules));
    const isPromoted = current?.candidateContent === stableSide.content;
    const before = new Map([...current?.stable ?? [], ...isPromoted ? current.candidates : []]);
    const own = await inTurns(makingSnapshots(await views(stableSide), before));
    if (!candidateSide)
      return { ...common, own, stable: own, candidates: /* @__PURE__ */ new Map() };
    const candidates = await inTurns(makingSnapshots(await views(candidateSide), current?.candidates ?? /* @__PURE__ */ new Map()));
    const chosen = await inTurns(choosingCandidates(own, candidates, this.options.fallbackGroup));
    return { ...common, own, ...withGroups(chosen) };
  }
  async side(number) {
    const revision = await this.revisions.read(number);
    return { layers: await this.memory.ofRevision(revision), content: revision.content, rules: revision.rules };
  }
  /** Shows all of a head, or nothing of it. @throws XdsError as {@link SnapshotCache.check} */
  show(prepared, present) {
    const { cache, current } = this;
    const { stable, candidates } = prepared;
    for (const snapshots of [stable, candidates])
      for (const [group, snapshot] of snapshots)
        cache.check(group, snapshot);
    const isPromoted = current?.candidateContent !== void 0 && current.candidateContent === prepared.stableContent;
    if (isPromoted)
      for (const group of current.candidates.keys())
        cache.promote(group);
    for (const [group, snapshot] of stable)
      if (cache.get(group) !== snapshot)
        cache.set(group, snapshot);
    for (const group of current?.candidates.keys() ?? [])
      if (!candidates.has(group))
        cache.dropCandidate(group);
    const rollout = present.rollout?.revision === prepared.head.rollout?.revision ? present.rollout : prepared.head.rollout;
    if (rollout) {
      const pick = picking(rollout);
      for (const [group, snapshot] of candidates)
        cache.setCandidate(group, snapshot, pick);
    }
    this.group(prepared, rollout);
    for (const group of current?.stable.keys() ?? [])
      if (!stable.has(group))
        cache.clear(group);
    this.memory.use(prepared.loaded);
    const { rollout: _, ...head } = prepared.head;
    const isPresent = rollout === present.rollout && present.stable === head.stable && present.live === head.live;
    this.becomes({ ...prepared, head: isPresent ? present : { ...head, ...rollout && { rollout } } });
  }
  /** Puts each node into its group: by the candidate's rules if the node has the candidate, else by the stable ones. */
  group({ stableRules, candidateRules, groupsOf: moves }, rollout) {
    const { groupsOf } = this.options;
    const key = JSON.stringify([stableRules, ...moves && rollout ? [candidateRules, rollout] : []]);
    if (!groupsOf || key === this.groupedBy)
      return;
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
  groupsBetween(stable, candidate, shown) {
    const { groupsOf, fallbackGroup } = this.options;
    if (!groupsOf || JSON.stringify(stable) === JSON.stringify(candidate))
      return void 0;
    const [ofStable, ofCandidate] = [groupsOf(stable), groupsOf(candidate)];
    const servedGroup = (group) => shown.has(group) ? group : fallbackGroup ?? group;
    return (node, caller) => [
      servedGroup(ofStable(node, caller)),
      servedGroup(ofCandidate(node, caller))
    ];
  }
  becomes(served) {
    this.current = served;
    this.options.onServed?.(served);
  }
  settle(how) {
    const waits = [...this.waits];
    this.waits.clear();
    for (const wait of waits)
      how(wait);
  }
};
var notShown = "the head of the store cannot be served; nodes keep what they have, and it is tried again";
var closed = () => new XdsError("WRONG_STATE", "the HeadFollower is closed");
function mayShow(prepared, present, isLate) {
  const isSameStable = prepared.stable === present.stable;
  if (isSameStable && prepared.rollout?.revision === present.rollout?.revision)
    return true;
  if (!isLate)
    return false;
  return isSameStable ? !prepared.rollout || present.rollout !== void 0 : !prepared.rollout && !present.rollout;
}

// dist/serving/undo-check.js
async function checkUndo(revision, revisions, follower) {
  await follower.applied().catch(() => {
  });
  const layers = await revisions.groupsOf(revision);
  const views = await inTurns(viewing(configurationIn(layers, revision.rules)));
  try {
    await inTurns(checkingVersions(views, follower.served));
  } catch (cause) {
    const what = `@${revision.number} cannot be served again as it was: ${messageOf(cause)}`;
    throw new XdsError("VERSION_IN_USE", `${what}. To go back, put the old content into the files`, { cause });
  }
}
function* checkingVersions(views, served) {
  if (!served)
    return;
  for (const [group, view] of views)
    for (const snapshots of [served.stable, served.candidates])
      for (const resource of view) {
        yield;
        const old = snapshots.get(group)?.resources(resource.type.typeUrl).get(resource.key);
        const error = versionInUse(old, resource);
        if (error)
          throw error;
      }
}

export {
  mixedVersion,
  SnapshotCache,
  withLive,
  changesOf,
  hasCandidate,
  picking,
  hasSameNodes,
  HeadFollower,
  checkUndo,
  checkingVersions
};
