import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  checkingVersions,
  withLive
} from "./chunk-QDUVZKKI.js";
import {
  lineOf
} from "./chunk-QD7ISA5E.js";
import {
  configurationIn,
  nodeGroupIn,
  stored,
  storedRules,
  viewing
} from "./chunk-UHTHQG76.js";
import {
  barredAs
} from "./chunk-U7CKKRTO.js";
import {
  commonGroup
} from "./chunk-4DK7NEUR.js";
import {
  referencesOf
} from "./chunk-2FHVCSGV.js";
import {
  emptyConfiguration,
  layerNamesOf,
  layersOf,
  merging
} from "./chunk-BWU6O4MA.js";
import {
  resourceType
} from "./chunk-C24J2H5X.js";
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
  canonicalName
} from "./chunk-342YQNNX.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/serving/revision-publisher.js
import { isDeepStrictEqual as isDeepStrictEqual2 } from "node:util";

// dist/serving/change-counts.js
import { isDeepStrictEqual } from "node:util";

// dist/serving/emptied-directories.js
import { dirname } from "node:path";
var keyOf = ({ type, key }) => `${type.typeUrl} ${key}`;
function* emptiedDirectories(before, after) {
  const kept = /* @__PURE__ */ new Set();
  const filled = /* @__PURE__ */ new Set();
  for (const [resource, { file }] of after) {
    kept.add(keyOf(resource));
    filled.add(dirname(file));
    yield;
  }
  const emptied = /* @__PURE__ */ new Map();
  for (const [resource, { file }] of before) {
    const directory = dirname(file);
    if (!filled.has(directory) && !kept.has(keyOf(resource)))
      emptied.set(directory, (emptied.get(directory) ?? 0) + 1);
    yield;
  }
  return emptied;
}

// dist/serving/change-counts.js
function* comparing(before, after) {
  const changes = { added: /* @__PURE__ */ new Set(), changed: /* @__PURE__ */ new Set(), removed: /* @__PURE__ */ new Set() };
  const [was, is] = [before.configuration, after.configuration];
  for (const group of /* @__PURE__ */ new Set([void 0, ...was.groups.keys(), ...is.groups.keys()])) {
    const layers = [layersOf(was, group), layersOf(is, group)];
    if (hasSameLayers(...layers))
      continue;
    const [old, now] = [yield* merging(layers[0]), yield* merging(layers[1])];
    const { added: added2, changed: changed2, removed: removed2 } = yield* differing(old, now);
    for (const one of changed2)
      changes.changed.add(one);
    if (group === void 0 || is.groups.has(group))
      for (const one of added2)
        changes.added.add(one);
    if (group === void 0 || was.groups.has(group))
      for (const one of removed2)
        changes.removed.add(one);
  }
  const { added, changed, removed } = changes;
  const counts = { added: added.size, changed: changed.size, removed: removed.size };
  const rules = [before, after].map((one) => storedRules(one.configuration, one.rules));
  const hasOtherRules = !isDeepStrictEqual(rules[0], rules[1]);
  const hasLost = removed.size > 0;
  const emptied = hasLost ? yield* emptiedDirectories(before.places, after.places) : /* @__PURE__ */ new Map();
  return { counts, hasOtherRules, emptied };
}
var hasSameLayers = (a, b) => a.length === b.length && a.every(({ resources, removes }, at) => resources === b[at]?.resources && hasSameRemovals(removes, b[at].removes));
var hasSameRemovals = (a, b) => a.length === b.length && a.every(({ typeUrl, key }, at) => typeUrl === b[at]?.typeUrl && key === b[at].key);
function* differing(before, after) {
  const added = [];
  const changed = [];
  const gone = /* @__PURE__ */ new Map();
  if (before === after)
    return { added, changed, removed: [] };
  for (const resource of before) {
    gone.set(keyOf(resource), resource);
    yield;
  }
  for (const resource of after) {
    yield;
    const old = gone.get(keyOf(resource));
    gone.delete(keyOf(resource));
    if (!old)
      added.push(resource);
    else if (old !== resource)
      changed.push(resource);
  }
  return { added, changed, removed: [...gone.values()] };
}

// dist/revisions/removal-guard.js
var fewRemoved = 10;
function removalsIn(served, wanted, share = 0.5) {
  return [...served].flatMap(([group, counts]) => {
    const after = wanted.get(group);
    return Array.from(counts, ([typeUrl, before]) => ({
      group,
      typeUrl,
      before,
      after: after?.get(typeUrl) ?? 0
    })).filter((removal) => isTooMuch(removal, share));
  });
}
var isTooMuch = ({ before, after }, share) => before > 0 && (after === 0 || before - after >= fewRemoved && before - after > share * before);
var removalText = ({ group, typeUrl, before, after }, common = "") => `${group === common ? "" : `group ${group}: `}${before - after} of ${before} ${resourceType(typeUrl).name} would be removed${after === 0 ? ", and none would be left" : ""}`;

// dist/serving/change-guards.js
function removalReasons({ served, views, share, servesOthers, only }) {
  const now = new Map(Array.from(served, ([group, snapshot]) => [group, countsOf(snapshot)]));
  const then = /* @__PURE__ */ new Map();
  for (const one of views)
    for (const group of now.keys()) {
      const counts = then.get(group) ?? /* @__PURE__ */ new Map();
      const view = one.get(group) ?? (servesOthers ? one.get(commonGroup) : void 0);
      for (const [typeUrl, count] of counted(view ?? []))
        counts.set(typeUrl, Math.max(count, counts.get(typeUrl) ?? 0));
      then.set(group, counts);
    }
  return removalsIn(now, then, share).filter(({ typeUrl }) => only?.has(typeUrl) ?? true).map((removal) => removalText(removal, commonGroup));
}
function moveReasons({ nodes, served, views, groupOf, share }) {
  const isMoved = ({ node, caller, group }) => servedGroup(served, group) !== servedGroup(views, groupOf(node, caller));
  const moved = nodes.filter(isMoved).length;
  if (moved < fewRemoved || moved <= share * nodes.length)
    return [];
  return [`${moved} of ${nodes.length} connected nodes would move to another group`];
}
function affectedNodes({ nodes, served, views, groupOf, liveTypes, servesOthers }) {
  const known = /* @__PURE__ */ new Map();
  const isAffected = ({ node, caller, group }) => {
    const next = groupOf ? groupOf(node, caller) : group;
    const isInBoth = served.has(group) && served.has(next) && views.has(next);
    if (!servesOthers && !isInBoth)
      return false;
    const [was, is] = [servedGroup(served, group), servedGroup(views, next)];
    const key = `${was}\0${is}`;
    const differs = known.get(key) ?? isOther(served.get(was), views.get(is) ?? [], was === is ? liveTypes : noTypes);
    known.set(key, differs);
    return differs;
  };
  return nodes.filter(isAffected).map(({ node }) => node);
}
var servedGroup = (all, group) => all.has(group) ? group : commonGroup;
var countsOf = (snapshot) => new Map(snapshot.typeUrls().map((typeUrl) => [typeUrl, snapshot.resources(typeUrl).size]));
function counted(resources) {
  const counts = /* @__PURE__ */ new Map();
  for (const { type } of resources)
    counts.set(type.typeUrl, (counts.get(type.typeUrl) ?? 0) + 1);
  return counts;
}
var noTypes = /* @__PURE__ */ new Set();
function isOther(snapshot, view, ignored) {
  if (!snapshot)
    return true;
  let count = 0;
  for (const { type, key, version } of view) {
    if (ignored.has(type.typeUrl))
      continue;
    count++;
    if (snapshot.resources(type.typeUrl).get(key)?.version !== version)
      return true;
  }
  const ofSnapshot = snapshot.typeUrls().filter((typeUrl) => !ignored.has(typeUrl));
  return count !== ofSnapshot.reduce((sum, typeUrl) => sum + snapshot.resources(typeUrl).size, 0);
}

// dist/serving/kept-live.js
function* lacking(before, after) {
  const gone = [];
  for (const [layer, resources] of before) {
    const now = after.get(layer);
    if (now === resources)
      continue;
    const keys = /* @__PURE__ */ new Set();
    for (const resource of now ?? []) {
      keys.add(keyOf(resource));
      yield;
    }
    for (const resource of resources) {
      if (!keys.has(keyOf(resource)))
        gone.push([layer, resource]);
      yield;
    }
  }
  return gone;
}
function* keeping({ live, gone, wanted, served }) {
  const keys = new Set(gone.map(([, resource]) => keyOf(resource)));
  const missingInWanted = memoized((group) => missing(keys, wanted, group));
  const kept = /* @__PURE__ */ new Set();
  for (const configuration of served)
    for (const group of [void 0, ...configuration.groups.keys()]) {
      const layers = layerNamesOf(configuration, group);
      const own = gone.filter((placed) => layers.includes(placed[0]) && !kept.has(placed));
      if (own.length === 0)
        continue;
      const needed = yield* missing(new Set(own.map(([, resource]) => keyOf(resource))), configuration, group);
      if (needed.size === 0)
        continue;
      const removed = yield* missingInWanted(group);
      for (const placed of own) {
        const key = keyOf(placed[1]);
        if (needed.has(key) && !removed.has(key))
          kept.add(placed);
      }
    }
  if (kept.size === 0)
    return void 0;
  const all = new Map(live);
  for (const [layer, resource] of kept)
    all.set(layer, [...all.get(layer) ?? [], resource]);
  return all;
}
function* missing(keys, configuration, group) {
  const view = yield* merging(layersOf(configuration, group));
  const found = /* @__PURE__ */ new Set();
  for (const resource of view) {
    yield;
    for (const { typeUrl, name } of referencesOf(resource)) {
      const key = `${typeUrl} ${canonicalName(name)}`;
      if (keys.has(key))
        found.add(key);
    }
  }
  if (found.size > 0)
    for (const resource of view)
      found.delete(keyOf(resource));
  return found;
}
function memoized(make) {
  const known = /* @__PURE__ */ new Map();
  return function* (group) {
    if (!known.has(group))
      known.set(group, yield* make(group));
    return known.get(group);
  };
}

// dist/serving/revision-publisher.js
var longestTimerMs = 2 ** 31 - 1;
var returnMs = 3e4;
var noChange = { added: 0, changed: 0, removed: 0 };
var RevisionPublisher = class {
  revisions;
  follower;
  options;
  wanted = { configuration: emptyConfiguration, rules: { rules: [] }, places: /* @__PURE__ */ new Map() };
  /** The last wanted configuration that was not held or barred. */
  before = this.wanted;
  heldChange;
  /** The hash of the change that is being approved. */
  approved;
  /** The live resources that are served. undefined until they are read from the store. */
  live;
  /** Whether removed live resources are still served because nodes need them. */
  keepsLive = false;
  last = Promise.resolve();
  /** The content of the wanted configuration. */
  content;
  /** The content of the wanted configuration while it is barred. */
  barred;
  /** Whether a configuration has been published since the start. */
  isStarted = false;
  /** When the nodes of an earlier process may first have connected. undefined if the store had no revision. */
  restartedAt;
  opened;
  thaw;
  isClosed = false;
  stopListening;
  logger;
  now;
  constructor(revisions, follower, options) {
    this.revisions = revisions;
    this.follower = follower;
    this.options = options;
    this.logger = options.logger ?? silentLogger;
    this.now = options.now ?? Date.now;
    let { frozen, stable } = revisions.head;
    this.restartedAt = stable > 0 ? this.now() : void 0;
    this.stopListening = revisions.onMove((head) => {
      this.noteBar(head);
      const isOther2 = head.frozen !== frozen || head.stable !== stable;
      if (this.keepsLive || this.heldChange && isOther2 || this.mayAgain(head))
        void this.again();
      if (head.frozen !== frozen)
        this.awaitThaw(head.frozen?.until);
      ({ frozen, stable } = head);
    });
    this.awaitThaw(frozen?.until);
  }
  /** The change that is held now, if there is one. */
  held() {
    return this.heldChange;
  }
  /** The number of the stable revision. 0 if there is none. */
  get lastGood() {
    return this.revisions.head.stable;
  }
  /** The stable configuration, with the live resources. undefined if there is none. */
  async served() {
    if (this.lastGood === 0)
      return void 0;
    const revision = await this.revisions.read(this.lastGood);
    const layers = await this.revisions.groupsOf(revision);
    return configurationIn(withLive(layers, await this.revisions.live()), revision.rules);
  }
  /** Makes the cache follow the store, if it does not do so yet. The first `publish` calls it too. */
  open() {
    this.opened ??= this.follower.open();
    return this.opened;
  }
  /** Reports a configuration that did not pass the gate: its first problem, and the number of the others. */
  failed(problems) {
    const [first, ...others] = problems;
    const line = first ? lineOf(first) : "";
    this.options.watch?.()?.failed(others.length > 0 ? `${line} (and ${others.length} more)` : line);
  }
  /** Reports a configuration that passed the gate, and could not be published. */
  failedWith(error) {
    this.options.watch?.()?.failed(messageOf(error));
  }
  /**
   * Publishes a configuration. When the promise resolves, the cache shows the result.
   * @throws XdsError the errors of the store and of the cache, after which nodes keep what they have; WRONG_STATE after
   * {@link RevisionPublisher.close}, and as {@link PublishedBy.after} says
   */
  publish(configuration, rules, places = /* @__PURE__ */ new Map(), { authorship, approved, after } = {}) {
    return this.alone(async () => {
      this.approved = approved;
      try {
        return await this.publishAlone({ configuration, rules, places }, authorship, after);
      } finally {
        this.approved = void 0;
      }
    });
  }
  /**
   * Publishes the held change. `content` is its hash, or at least the first 8 digits of it. The audit log has an entry
   * for it, even if it changes only live resources, or nothing any more.
   * @throws XdsError INVALID_OPTION if no change with this hash is held; WRONG_STATE during a freeze, or if the change
   * has become another one meanwhile, which needs its own approval
   */
  approve(content, { by, why }) {
    return this.alone(async () => {
      const held = this.heldChange;
      if (!held || content.length < 8 || !held.content.startsWith(content))
        throw new XdsError("INVALID_OPTION", `no change with the hash ${content} is held; ${held ? `the held change is ${held.content.slice(0, 12)}` : "nothing is held"}`);
      if (this.revisions.isFrozen)
        throw new XdsError("WRONG_STATE", "changes are frozen; end the freeze with `xds unfreeze`, then approve the change");
      await this.revisions.noteApproval({ by, ...why !== void 0 && { why } }, held.content, held.reasons);
      this.approved = held.content;
      try {
        await this.publishOrdered({ by, message: `approved: ${held.reasons.join("; ")}` });
      } finally {
        this.approved = void 0;
      }
      const now = this.heldChange;
      if (now)
        throw new XdsError("WRONG_STATE", `another change is held now: approve ${now.content.slice(0, 12)} instead`);
    });
  }
  /** Stops publishing. Resolves when a publishing that has begun is over. */
  async close() {
    this.isClosed = true;
    this.stopListening();
    clearTimeout(this.thaw);
    await this.last;
  }
  /** Publishes the held change when a freeze ends by itself. */
  awaitThaw(until) {
    clearTimeout(this.thaw);
    if (until === void 0)
      return;
    const waitMs = Math.min(Math.max(0, until - this.now()), longestTimerMs);
    this.thaw = setTimeout(() => {
      if (this.revisions.isFrozen)
        this.awaitThaw(until);
      else if (this.heldChange)
        void this.again();
    }, waitMs).unref();
  }
  async publishAlone(wanted, authorship = { by: "server" }, after) {
    const startedAt = performance.now();
    const { source, watch } = this.options;
    const groupsBefore = [...this.before.configuration.groups.keys()];
    const { counts, emptied, ...change } = await inTurns(comparing(this.before, wanted));
    const { layers, live: wantedLive, rules } = stored(wanted.configuration, wanted.rules, this.options.liveTypes);
    const views = await inTurns(viewing(wanted.configuration));
    const groupOf = this.options.hasRules ? nodeGroupIn(rules) : void 0;
    await inTurns(checkingVersions(views, this.follower.served));
    const { live, keeps, hasLost } = await this.liveToServe(wanted.configuration, wantedLive);
    const prepared = { layers, live, hasLost, views, groupOf };
    this.follower.rememberLive(live);
    const isSeenBefore = wanted === this.wanted && this.heldChange !== void 0;
    let reasons = [];
    const liveBefore = this.revisions.head.live;
    const published = await this.revisions.publish(layers, {
      ...authorship,
      ...source !== void 0 && { source },
      rules,
      live,
      after,
      onContent: (content) => {
        this.content = content;
        this.follower.remember(content, layers);
      },
      isHeld: async (hashes, isOnlyLive) => {
        const rest = isOnlyLive ? [] : [...this.freezeReasons(), ...await this.restReasons(hashes, prepared)];
        const ofLive = await this.liveReasons(hashes, prepared);
        reasons = [.../* @__PURE__ */ new Set([...rest, ...ofLive])];
        return ofLive.length > 0 ? "all" : rest.length > 0 && "rest";
      },
      gradually: () => this.options.isGradual() ? this.affected(prepared) : void 0
    });
    this.wanted = wanted;
    const areLiveNew = this.revisions.head.live !== liveBefore;
    const isServed = published.result !== "held" && published.result !== "barred";
    if (isServed)
      this.before = wanted;
    if (published.result !== "held")
      this.isStarted = true;
    if (published.result === "held")
      this.hold(published.content, reasons);
    else
      this.heldChange = void 0;
    if (isServed || areLiveNew) {
      this.live = live;
      this.keepsLive = keeps;
    }
    await this.open();
    await this.follower.applied();
    const isSame = !isServed || published.result === "unchanged" && !areLiveNew;
    const told = isSame ? noChange : counts;
    if (isServed)
      watch?.()?.apply(() => told, startedAt);
    else if (published.result === "held" && !isSeenBefore)
      watch?.()?.notServed();
    this.barred = void 0;
    this.noteBar(this.revisions.head);
    if (this.keepsLive && published.result === "served")
      await this.republishLive();
    const hasOtherRules = change.hasOtherRules && published.result !== "unchanged";
    return { configuration: wanted.configuration, published, counts: told, hasOtherRules, emptied, groupsBefore };
  }
  /** Publishes the wanted configuration after an order or the end of a freeze. */
  async publishOrdered(authorship) {
    const wasHeld = this.heldChange !== void 0;
    const change = await this.publishAlone(this.wanted, authorship);
    if (change.published.result !== "unchanged")
      this.options.onOrdered?.(change);
    else if (wasHeld)
      this.logger.info({}, "no change is held any more: what is served is what the files have");
  }
  /** Publishes the wanted configuration once more if the head's move allows it. Otherwise it updates live resources. */
  again() {
    return this.alone(async () => {
      try {
        await this.follower.applied();
        if (this.heldChange || this.mayAgain(this.revisions.head))
          await this.publishOrdered();
        else if (this.keepsLive)
          await this.republishLive();
      } catch (error) {
        this.logger.error({ error: messageOf(error) }, "the configuration could not be published after an order or the end of a freeze");
      }
    }).catch(() => {
    });
  }
  /** Remembers whether the wanted configuration is barred. An order or a rollback can bar it at any time. */
  noteBar(head) {
    const barred = this.content === void 0 ? void 0 : barredAs(head, this.content);
    if (!barred || this.barred === this.content)
      return;
    this.barred = this.content;
    this.options.watch?.()?.failed(barredText(barred));
  }
  /** Whether the wanted configuration was barred, and is no longer barred. */
  mayAgain(head) {
    return this.barred !== void 0 && this.barred === this.content && !barredAs(head, this.barred);
  }
  /** Stops serving the removed live resources that no node needs any more. */
  async republishLive() {
    const { configuration, rules } = this.wanted;
    const { live, keeps } = await this.liveToServe(configuration, stored(configuration, rules, this.options.liveTypes).live);
    this.follower.rememberLive(live);
    await this.revisions.publishLive(live);
    this.keepsLive = keeps;
    this.live = live;
    await this.follower.applied();
  }
  /** Notes that a change is held. The same change can be held for other reasons than before. Then they are logged. */
  hold(content, reasons) {
    const before = this.heldChange?.content === content ? this.heldChange : void 0;
    if (before && isDeepStrictEqual2(before.reasons, reasons))
      return;
    this.heldChange = { content, reasons, at: before?.at ?? this.now() };
    for (const reason of reasons)
      this.logger.warn({ content }, reason);
    const remedy = this.revisions.isFrozen ? "it waits for the end of the freeze" : `\`xds approve ${content.slice(0, 12)}\` serves it`;
    this.logger.warn({ content }, `a change is held; ${remedy}`);
  }
  freezeReasons() {
    const { frozen, stable } = this.revisions.head;
    if (!frozen || !this.revisions.isFrozen || stable === 0)
      return [];
    return [`${frozen.by} has frozen changes: ${frozen.why}`];
  }
  isApproved(hash) {
    return this.approved !== void 0 && hash.startsWith(this.approved);
  }
  /** The reasons of the guards to hold all but the live resources. Empty if they can be published. */
  async restReasons({ content, whole }, { views, groupOf }) {
    const { removalShare: share, servesOthers, nodes } = this.options;
    const isApproved = this.isApproved(content) || this.isApproved(whole);
    if (this.revisions.head.stable === 0 || isApproved || share === void 0)
      return [];
    await this.open();
    const served = this.follower.served?.stable ?? /* @__PURE__ */ new Map();
    const removals = removalReasons({ served, views: [views], share, servesOthers });
    return groupOf ? [...removals, ...moveReasons({ nodes: nodes(), served, views, groupOf, share })] : removals;
  }
  /**
   * The reasons of the guards to hold the live resources too. Nodes with the stable revision would lose too many of
   * them, and the wanted configuration does not have them either.
   */
  async liveReasons({ whole }, { views, live, hasLost }) {
    const { removalShare: share, servesOthers, liveTypes } = this.options;
    const { served, servedRevisions } = this.follower;
    const [stable] = servedRevisions;
    if (!hasLost || !served || !stable || this.isApproved(whole) || share === void 0)
      return [];
    const withStable = await inTurns(viewing(configurationIn(withLive(stable.layers, live), stable.rules)));
    const given = { served: served.stable, views: [withStable, views], share, servesOthers, only: liveTypes };
    return removalReasons(given);
  }
  /**
   * The ids of the affected nodes: connected nodes that the configuration changes. undefined if there are none, so that
   * nothing has to be rolled out. The list is empty if affected nodes may still connect, or have no id. A node without
   * an id cannot be the first node of a rollout, nor can a command such as `xds watch`.
   */
  affected({ views, groupOf }) {
    const { served } = this.follower;
    if (!served || !this.isStarted)
      return [];
    const { liveTypes, servesOthers } = this.options;
    const nodes = this.options.nodes();
    const affected = affectedNodes({ nodes, served: served.stable, views, groupOf, liveTypes, servesOthers });
    if (affected.length === 0 && !this.mayHaveMore(nodes))
      return void 0;
    return affected.filter((node) => node.id !== "" && !isOwnCommand(node)).map(({ id }) => id);
  }
  /** Whether nodes that have a configuration of this server may be disconnected now. */
  mayHaveMore(connected) {
    const { restartedAt } = this;
    if (restartedAt !== void 0 && this.now() - restartedAt < returnMs)
      return true;
    const hadNodes = restartedAt !== void 0 || (this.options.hadNodes?.() ?? true);
    return hadNodes && connected.every(({ node }) => isOwnCommand(node));
  }
  /** The live resources to serve: the wanted ones `live`, and the removed ones that nodes still need. */
  async liveToServe(wanted, live) {
    this.live ??= await this.revisions.live();
    const gone = await inTurns(lacking(this.live, live));
    if (gone.length === 0 || this.lastGood === 0)
      return { live, keeps: false, hasLost: false };
    await this.open();
    const served = this.follower.servedRevisions.map(({ layers, rules }) => configurationIn(withLive(layers, live), rules));
    const kept = await inTurns(keeping({ live, gone, wanted, served }));
    return { live: kept ?? live, keeps: kept !== void 0, hasLost: true };
  }
  alone(act) {
    const result = this.last.then(() => {
      if (this.isClosed)
        throw new XdsError("WRONG_STATE", "the publisher is closed");
      return act();
    });
    this.last = result.catch(() => {
    });
    return result;
  }
};
var barredText = ({ revision, why }) => `the configuration in the files was served as @${revision} and is now barred: ${why}`;

export {
  RevisionPublisher
};
