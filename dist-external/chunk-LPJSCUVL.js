import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  decodeDeltaDiscoveryResponse
} from "./chunk-NRBZXTYV.js";
import {
  atOnceOf,
  bar,
  barredAs,
  emptyHead,
  freeze,
  isFrozen,
  pause,
  resume,
  revert,
  rollOut,
  serveToAll,
  settle,
  unbar,
  unfreeze
} from "./chunk-U7CKKRTO.js";
import {
  inTurns
} from "./chunk-IDIDKZNG.js";
import {
  hashOf
} from "./chunk-R3YROBDM.js";
import {
  Resource
} from "./chunk-AKMKR4LC.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/revisions/revisions.js
import { hash } from "node:crypto";

// dist/revisions/packing.js
var chunkBytes = 64 << 10;
function* packing(resources, before) {
  let bytes = 0;
  for (const { entryBytes } of resources)
    bytes += entryBytes;
  const bits = Math.max(0, Math.ceil(Math.log2(bytes / chunkBytes)));
  const buckets = Array.from({ length: 2 ** bits }, () => []);
  for (const resource of resources) {
    buckets[bucketOf(resource, bits)]?.push(resource);
    yield;
  }
  const same = before?.chunks.length === buckets.length ? before.chunks : [];
  const chunks = [];
  for (const [at, members] of buckets.entries()) {
    const old = same[at];
    chunks.push(old && areSame(old.members, members) ? { ...old, bytes: void 0 } : chunkOf(members));
    yield;
  }
  const manifest = { resources: resources.length, chunks: chunks.map(({ hash: hash2 }) => hash2) };
  return { manifest: Buffer.from(JSON.stringify(manifest)), chunks };
}
function chunkOf(members) {
  const sorted = [...members].sort(byTypeAndKey);
  const bytes = Buffer.concat(sorted.map((resource) => resource.deltaEntry(true)));
  return { hash: hashOf(bytes), members, bytes };
}
var areSame = (a, b) => a.length === b.length && a.every((resource, at) => resource === b[at]);
function byTypeAndKey(a, b) {
  if (a.type !== b.type)
    return a.type.typeUrl < b.type.typeUrl ? -1 : 1;
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
function bucketOf({ type, key }, bits) {
  if (bits === 0)
    return 0;
  let hash2 = 2166136261;
  for (const text of [type.typeUrl, key])
    for (let at = 0; at < text.length; at++)
      hash2 = Math.imul(hash2 ^ text.charCodeAt(at), 16777619);
  hash2 = Math.imul(hash2 ^ hash2 >>> 16, 2246822507);
  hash2 = Math.imul(hash2 ^ hash2 >>> 13, 3266489909);
  return (hash2 ^ hash2 >>> 16) >>> 0 >>> 32 - bits;
}
var chunksOf = (manifest) => readManifest(manifest).chunks;
async function unpack(manifest, read) {
  const { resources: count, chunks } = readManifest(manifest);
  const resources = [];
  for (const chunk of chunks)
    resources.push(...await read(chunk));
  if (resources.length !== count)
    throw new XdsError("STORE_DAMAGED", `a manifest of ${count} resources has ${resources.length} in its chunks`);
  return resources;
}
function unpackChunk(chunk) {
  try {
    return decodeDeltaDiscoveryResponse(chunk).resources.map(({ typeUrl, body, name, version, ttlMs, aliases }) => Resource.fromBytes(typeUrl, body ?? new Uint8Array(), {
      name,
      version,
      aliases,
      ...ttlMs !== void 0 && { ttlMs }
    }));
  } catch (cause) {
    throw new XdsError("STORE_DAMAGED", `a chunk of a revision cannot be read: ${messageOf(cause)}`, { cause });
  }
}
function readManifest(bytes) {
  try {
    const { resources, chunks } = JSON.parse(Buffer.from(bytes).toString());
    if (Number.isInteger(resources) && chunks.every((chunk) => /^[0-9a-f]{64}$/.test(chunk)))
      return { resources, chunks };
  } catch {
  }
  throw new XdsError("STORE_DAMAGED", "a manifest of a revision cannot be read");
}

// dist/revisions/revision-blobs.js
var RevisionBlobs = class {
  store;
  /** The latest resources that were put under each name of a group. Their blobs are in the store. */
  packed = /* @__PURE__ */ new Map();
  constructor(store) {
    this.store = store;
  }
  /**
   * Writes the blobs that are new. `counts` are the resources of each type in all groups together, by type URL. `kind`
   * separates two series of calls whose groups have the same names, such as layers and live resources.
   */
  async put(groups, kind = "") {
    const manifests = [];
    const counts = {};
    for (const [group, resources] of groups) {
      const name = `${kind} ${group}`;
      let packed = await inTurns(packing(resources, this.packed.get(name)));
      const reused = packed.chunks.flatMap(({ hash: hash2, bytes: bytes2 }) => bytes2 ? [] : [hash2]);
      if ((await this.store.keepBlobs(reused)).length > 0)
        packed = await inTurns(packing(resources));
      const bytes = packed.chunks.flatMap((chunk) => chunk.bytes ?? []);
      const [manifest] = await this.store.putBlobs([packed.manifest, ...bytes]);
      const chunks = packed.chunks.map((chunk) => ({ ...chunk, bytes: void 0 }));
      this.packed.set(name, { ...packed, chunks });
      manifests.push([group, manifest]);
      for (const { type } of resources)
        counts[type.typeUrl] = (counts[type.typeUrl] ?? 0) + 1;
    }
    for (const name of this.packed.keys())
      if (name.startsWith(`${kind} `) && !groups.has(name.slice(kind.length + 1)))
        this.packed.delete(name);
    return { manifests: Object.fromEntries(manifests.sort(byGroup)), counts };
  }
  /** Reads groups. It takes chunks from `known` if they are there, and adds the chunks that it reads. */
  async unpack(manifests, known) {
    const read = async (chunk) => {
      const resources = known.get(chunk) ?? unpackChunk(await this.store.readBlob(chunk));
      known.set(chunk, resources);
      return resources;
    };
    const groups = /* @__PURE__ */ new Map();
    for (const [group, manifest] of Object.entries(manifests))
      groups.set(group, await unpack(await this.store.readBlob(manifest), read));
    return groups;
  }
  /** Removes all blobs but those of these manifests. */
  async collect(manifests) {
    const used = new Set(manifests);
    for (const manifest of manifests)
      for (const chunk of chunksOf(await this.store.readBlob(manifest)))
        used.add(chunk);
    await this.store.collect(used);
    for (const [name, { chunks }] of this.packed)
      if (!chunks.every(({ hash: hash2 }) => used.has(hash2)))
        this.packed.delete(name);
  }
};
var byGroup = ([a], [b]) => a < b ? -1 : 1;

// dist/revisions/revisions.js
var mostTries = 20;
var livesKept = 3;
var collectEvery = 32;
var Revisions = class _Revisions {
  store;
  version;
  current;
  listeners = /* @__PURE__ */ new Set();
  blobs;
  stopListening;
  /** Calls that write or remove blobs run one after the other. So a new blob is not removed before it has a record. */
  last = Promise.resolve();
  /** How many changes have been published since unused blobs were removed. */
  untidy = 0;
  keep;
  now;
  constructor(store, version, current, { keep = 50, now = Date.now }) {
    this.store = store;
    this.version = version;
    this.current = current;
    this.blobs = new RevisionBlobs(store);
    this.keep = keep;
    this.now = now;
    this.stopListening = store.onMove(({ version: version2, head }) => this.moved(version2, head));
  }
  /** Reads the head of a store. @throws XdsError as the store's calls do */
  static async open(store, options = {}) {
    const { version, head } = await store.readHead();
    return new _Revisions(store, version, head ?? emptyHead, options);
  }
  /** The present head. */
  get head() {
    return this.current;
  }
  /** Calls the listener after each move of the head, until the returned function is called. */
  onMove(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  /** Stops following the store. */
  close() {
    this.stopListening();
    this.listeners.clear();
  }
  /**
   * Publishes a configuration. `groups` has no live resources. The result is durable when the promise resolves.
   * @throws XdsError WRONG_STATE as {@link PublishOptions.after} says
   */
  publish(groups, options) {
    return this.alone(() => this.publishAlone(groups, options));
  }
  async publishAlone(groups, options) {
    const { rules, gradually, live, onContent, isHeld, after, ...authorship } = options;
    const { manifests, counts } = await this.blobs.put(groups);
    const liveManifests = live && (await this.blobs.put(live, "live")).manifests;
    const content = contentOf(manifests, rules);
    onContent?.(content);
    const whole = liveManifests ? contentOf({ content, ...liveManifests }, rules) : content;
    let published;
    await this.change(async (head) => {
      const stable = head.stable > 0 ? await this.read(head.stable) : void 0;
      const candidate = head.rollout && await this.read(head.rollout.revision);
      const change = await this.liveChange(head, liveManifests);
      const only = (result2) => {
        published = result2;
        return change;
      };
      const isWanted = (candidate ?? stable)?.content === content;
      if (isWanted && !change)
        return only({ result: "unchanged", revision: candidate ?? stable });
      if (after !== void 0 && head.next - 1 > after)
        throw await this.conflict(head);
      const barred = barredAs(head, content);
      const isOnlyLive = barred !== void 0 || candidate?.content === content || stable?.content === content;
      const held = await isHeld?.({ content, whole }, isOnlyLive) ?? false;
      if (held === "all") {
        published = { result: "held", content: whole };
        return void 0;
      }
      const result = barred ? { result: "barred", barred } : { result: "held", content };
      if (candidate?.content === content)
        return only({ result: "unchanged", revision: candidate });
      if (stable?.content === content) {
        if (!head.rollout)
          return only({ result: "unchanged", revision: stable });
        published = { result: "reverted", revision: stable };
        const audit = this.note("revert", authorship, { revision: stable.number });
        return { ...change, head: revert(change?.head ?? head), audit };
      }
      const number = head.next;
      const revision = {
        ...authorship,
        number,
        parent: head.stable,
        at: this.now(),
        content,
        groups: manifests,
        ...rules !== void 0 && { rules },
        counts
      };
      if (barred || held)
        return only(result);
      const atOnce = atOnceOf(head, this.now());
      const affected = stable && !atOnce ? gradually?.(revision, groups) : void 0;
      const isGradual = affected !== void 0;
      const id = hash("sha256", `${number} ${content}`, "hex").slice(0, 12);
      const from = change?.head ?? head;
      const next = isGradual ? rollOut(from, number, id, affected, this.now()) : serveToAll(from, number);
      published = { result: isGradual ? "started" : "served", revision };
      const put = { ...change?.put, [`revision/${number}`]: revision };
      const details = { revision: number, content, ...atOnce && { "at once": `${atOnce.by}: ${atOnce.why}` } };
      return { head: next, put, audit: this.note("publish", authorship, details) };
    });
    await this.tidy();
    return published;
  }
  /** The error for a publisher that does not know the newest revision. */
  async conflict(head) {
    const number = head.next - 1;
    const { by, message } = await this.read(number);
    const who = `${by}${message === void 0 ? "" : ` (${message})`}`;
    return new XdsError("WRONG_STATE", `@${number} was published meanwhile, by ${who}, so this change is not published: look at what it has changed, then publish again`);
  }
  /** Makes a change of the head to these live resources. Returns undefined if the head has them already. */
  async liveChange(head, manifests) {
    if (!manifests)
      return void 0;
    const before = head.live > 0 ? await this.store.readRecord(`live/${head.live}`) : {};
    if (JSON.stringify(before) === JSON.stringify(manifests))
      return void 0;
    const live = head.live + 1;
    return { head: { ...head, live }, put: { [`live/${live}`]: manifests } };
  }
  /** Removes the records of old live resources. There are several if an earlier removal has failed. */
  async forgetLive() {
    const first = this.current.live - livesKept;
    const old = (await this.store.listRecords("live")).filter((id) => Number(id) < first);
    if (old.length > 0)
      await this.store.removeRecords(old.map((id) => `live/${id}`));
  }
  /** Serves these live resources to all nodes, even during a rollout. They are durable when the promise resolves. */
  publishLive(groups) {
    return this.alone(() => this.publishLiveAlone(groups));
  }
  async publishLiveAlone(groups) {
    const { manifests } = await this.blobs.put(groups, "live");
    await this.change((head) => this.liveChange(head, manifests));
    await this.tidy();
  }
  /**
   * Serves the content of an older revision to all nodes, as a new revision. Without `to`, that is the revision before
   * the stable one. The content that was stable is barred, so files that still have it are not served again. Live
   * resources stay as they are. `check` is called before the head moves. It throws if the older revision cannot be
   * served now.
   * @throws XdsError INVALID_OPTION if there is no such revision, or its content is stable already; WRONG_STATE without
   * `to` if the stable revision is an undo, because the revision before it is the undone one; what `check` throws
   */
  undo(to, { check, ...authorship }) {
    return this.alone(() => this.undoAlone(to, authorship, check));
  }
  async undoAlone(to, authorship, check) {
    let made;
    await this.change(async (head) => {
      const stable = head.stable > 0 ? await this.read(head.stable) : void 0;
      const candidate = head.rollout && await this.read(head.rollout.revision);
      if (to === void 0 && stable?.undoTo !== void 0)
        throw undoneAlready(stable);
      const number = to ?? stable?.parent ?? 0;
      if (number === 0)
        throw new XdsError("INVALID_OPTION", "there is no revision before the one that is served");
      const old = await this.read(number);
      if (old.content === stable?.content && !candidate)
        throw new XdsError("INVALID_OPTION", `revision ${number} is served already`);
      await check?.(old);
      const { why, ...by } = authorship;
      const at = this.now();
      const because = why === void 0 ? "" : `: ${why}`;
      const message = by.message ?? `undo to @${number}${because}`;
      made = { ...old, ...by, number: head.next, parent: head.stable, undoTo: number, at, message };
      let next = unbar(serveToAll(head, made.number), old.content);
      for (const undone of [stable, candidate])
        if (undone && undone.content !== old.content)
          next = bar(next, {
            content: undone.content,
            revision: undone.number,
            why: `undone by ${by.by}${because}`,
            at
          });
      const put = { [`revision/${made.number}`]: made };
      return {
        head: next,
        put,
        audit: this.note("undo", { ...by, ...why && { why } }, { to: number, revision: made.number })
      };
    });
    return made;
  }
  /**
   * Stores a result of `step()`. It does nothing if rollout `id` has ended meanwhile. With a lease, it does so only
   * while that is held.
   * @throws XdsError WRONG_STATE if the lease is lost
   */
  async settle(id, outcome, lease) {
    await this.change(async (head) => {
      if (head.rollout?.id !== id)
        return void 0;
      const { content, number } = await this.read(head.rollout.revision);
      const next = settle(head, outcome, content, this.now());
      if (next === head)
        return void 0;
      if (!("end" in outcome))
        return { head: next, ...lease && { lease } };
      const authorship = { by: "server", ..."why" in outcome && { why: outcome.why } };
      const what = outcome.end === "done" ? "rollout done" : "roll back";
      return { head: next, ...lease && { lease }, audit: this.note(what, authorship, { revision: number }) };
    });
  }
  /** All nodes have the candidate from now on. @throws XdsError WRONG_STATE without a rollout, or while it is frozen */
  promote(authorship) {
    return this.command("promote", authorship, (head) => {
      const { revision } = rolloutOf(head);
      this.mustNotBeFrozen(head);
      return serveToAll(head, revision);
    });
  }
  /**
   * The next published change is served to all nodes at once, if it comes before `until` (milliseconds since 1970).
   * Checks and guards still apply. @throws XdsError WRONG_STATE during a freeze
   */
  promoteNext({ by, why }, until) {
    const act = (head) => {
      this.mustNotBeFrozen(head);
      return { ...head, atOnce: { by, why, until } };
    };
    return this.command("promote next", { by, why }, act, () => ({ until: isoTime(until) }));
  }
  mustNotBeFrozen(head) {
    const { frozen } = head;
    if (!frozen || !isFrozen(head, this.now()))
      return;
    throw new XdsError("WRONG_STATE", `${frozen.by} has frozen changes: ${frozen.why}; end the freeze with \`xds unfreeze\`, then promote`);
  }
  /** Rolls back to the stable revision, and bars the candidate. @throws XdsError WRONG_STATE without a rollout */
  async abort(authorship) {
    const { id } = rolloutOf(this.current);
    await this.change(async (head) => {
      if (head.rollout?.id !== id)
        throw noRollout();
      const { content, number } = await this.read(head.rollout.revision);
      const why = `aborted by ${authorship.by}: ${authorship.why}`;
      const next = settle(head, { end: "rolledBack", why }, content, this.now());
      return { head: next, audit: this.note("abort", authorship, { revision: number }) };
    });
  }
  /** Pauses the rollout. It can still go back. @throws XdsError WRONG_STATE without a rollout */
  pause(authorship) {
    return this.command("pause", authorship, (head) => {
      rolloutOf(head);
      return pause(head, authorship.by, authorship.why);
    });
  }
  /** Ends a pause. @throws XdsError WRONG_STATE without a rollout */
  resume(authorship) {
    return this.command("resume", authorship, (head) => {
      rolloutOf(head);
      return resume(head);
    });
  }
  /** Holds changes and rollouts, but not live resources. It ends with `unfreeze()` or at `until`, in ms since 1970. */
  freeze(authorship, until) {
    const { by, why } = authorship;
    const frozen = { by, why, at: this.now(), ...until !== void 0 && { until } };
    const details = until === void 0 ? {} : { until: isoTime(until) };
    return this.command("freeze", authorship, (head) => freeze(head, frozen), () => details);
  }
  /** Ends a freeze. */
  unfreeze(authorship) {
    return this.command("unfreeze", authorship, unfreeze, () => ({}));
  }
  /** Allows a barred content to be published again. @throws XdsError INVALID_OPTION if it is not barred */
  again(content, authorship) {
    return this.change(async (head) => {
      const barred = barredAs(head, content);
      if (!barred)
        throw new XdsError("INVALID_OPTION", `the content ${content} is not barred`);
      const audit = this.note("again", authorship, { revision: barred.revision, content });
      return { head: unbar(head, content), audit };
    });
  }
  /**
   * Records that somebody approves a held change. `content` is the approved hash, and `held` has the reasons why the
   * change was held. Publishing has an entry of its own, but only if there is a new revision.
   */
  noteApproval(authorship, content, held) {
    return this.store.audit(this.note("approve", authorship, { content, held: held.join("; ") }));
  }
  /** Whether a freeze is in force now. */
  get isFrozen() {
    return isFrozen(this.current, this.now());
  }
  /** Reads a revision. @throws XdsError INVALID_OPTION if there is no such revision, or it is no longer kept */
  async read(number) {
    const record = await this.store.readRecord(`revision/${number}`);
    if (record)
      return record;
    throw new XdsError("INVALID_OPTION", `there is no revision ${number}; \`xds history\` lists those that are kept`);
  }
  /** The revisions that are kept, the newest first. */
  async list() {
    const numbers = await this.numbers();
    return Promise.all(numbers.sort((a, b) => b - a).map((number) => this.read(number)));
  }
  async numbers() {
    return (await this.store.listRecords("revision")).map(Number).filter((number) => number < this.current.next);
  }
  /** The resources of a revision. Calls with the same `known` share the resources of equal chunks. */
  groupsOf({ groups }, known = /* @__PURE__ */ new Map()) {
    return this.blobs.unpack(groups, known);
  }
  /**
   * The live resources that are served, or earlier ones by their number. `known` is the parameter of
   * {@link Revisions.groupsOf}.
   * @throws XdsError STORE_FAILED if they are no longer kept
   */
  async live(known = /* @__PURE__ */ new Map(), live = this.current.live) {
    const record = live > 0 ? await this.store.readRecord(`live/${live}`) : {};
    if (!record)
      throw new XdsError("STORE_FAILED", `the live resources ${live} are no longer kept`);
    return this.blobs.unpack(record, known);
  }
  /** The entries of the audit log, newest first, at most `most`. */
  readAudit(most) {
    return this.store.readAudit(most);
  }
  /** Changes the head by an order. By default, the audit entry has the revision that is rolled out. */
  command(what, authorship, act, details = (head) => ({ revision: head.rollout?.revision })) {
    return this.change(async (head) => ({ head: act(head), audit: this.note(what, authorship, details(head)) }));
  }
  /** Moves the head by compare-and-swap. `make` returns undefined if the head stays as it is. */
  async change(make) {
    for (let tries = 0; tries < mostTries; tries++) {
      const { version } = this;
      const change = await make(this.current);
      if (!change)
        return;
      const { head, ...more } = change;
      const moved = await this.store.moveHead(version, { head, ...more });
      if (moved !== void 0)
        return this.moved(moved, head);
      const read = await this.store.readHead();
      this.moved(read.version, read.head ?? emptyHead);
    }
    throw new XdsError("STORE_FAILED", `others moved the head of the store during all ${mostTries} tries; try again`);
  }
  moved(version, head) {
    if (version <= this.version)
      return;
    this.version = version;
    this.current = head;
    for (const listener of [...this.listeners])
      listener(head);
  }
  note(what, { by, message, why = message }, details = {}) {
    return { at: this.now(), by, what, ...why !== void 0 && { why }, details };
  }
  alone(act) {
    const result = this.last.then(act);
    this.last = result.catch(() => {
    });
    return result;
  }
  /**
   * Removes old records, and from time to time unused blobs. A failure here does not make the publishing fail. The next
   * publishing tries again.
   */
  async tidy() {
    try {
      await this.forgetLive();
      this.untidy++;
      await this.removeOld();
    } catch {
    }
  }
  async removeOld() {
    const excess = (await this.numbers()).length - this.keep;
    if (excess <= 0 && this.untidy < collectEvery)
      return;
    const all = await this.list();
    const old = excess <= 0 ? [] : removable(all, this.current).slice(0, excess);
    if (old.length > 0)
      await this.store.removeRecords(old.map(({ number }) => `revision/${number}`));
    if (old.length === 0 && this.untidy < collectEvery)
      return;
    this.untidy = 0;
    const used = /* @__PURE__ */ new Set();
    for (const revision of all)
      if (!old.includes(revision))
        for (const manifest of Object.values(revision.groups))
          used.add(manifest);
    for (const live of await this.store.listRecords("live"))
      for (const manifest of Object.values(await this.store.readRecord(`live/${live}`) ?? {}))
        used.add(manifest);
    await this.blobs.collect(used);
  }
};
var contentOf = (manifests, rules) => hash("sha256", JSON.stringify([manifests, rules ?? null]), "hex");
function removable(all, { stable, rollout, barred }) {
  const parents = new Map(all.map(({ number, parent }) => [number, parent]));
  const pinned = /* @__PURE__ */ new Set([stable, parents.get(stable), rollout?.revision]);
  const wereStable = /* @__PURE__ */ new Set();
  for (let number = stable; number; number = parents.get(number))
    wereStable.add(number);
  const isReplaced = ({ number }) => !wereStable.has(number) && !barred.some(({ revision }) => revision === number);
  const old = all.filter(({ number }) => !pinned.has(number)).reverse();
  return [...old.filter(isReplaced), ...old.filter((revision) => !isReplaced(revision))];
}
var isoTime = (time) => new Date(time).toISOString();
var undoneAlready = ({ number, undoTo, by }) => new XdsError("WRONG_STATE", `revision ${number}, which is served, is an undo already: ${by} went back to @${undoTo}. A second undo would bring back what was undone. Name the revision to serve with \`--to\`; \`xds history\` lists them`);
var noRollout = () => new XdsError("WRONG_STATE", "no rollout is going on");
function rolloutOf({ rollout }) {
  if (!rollout)
    throw noRollout();
  return rollout;
}

export {
  chunksOf,
  Revisions
};
