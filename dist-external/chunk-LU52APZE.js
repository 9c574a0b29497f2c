import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  FileFollower
} from "./chunk-PZFUJURE.js";
import {
  chunksOf
} from "./chunk-LPJSCUVL.js";
import {
  SanPattern
} from "./chunk-4V4LNO3N.js";
import {
  mostLines
} from "./chunk-7IRCBLBE.js";
import {
  lineOf
} from "./chunk-QD7ISA5E.js";
import {
  expiryNotice
} from "./chunk-JFHIICP2.js";
import {
  checkKeys,
  hashOf,
  lostLease
} from "./chunk-R3YROBDM.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/serving/server-certificates.js
import { X509Certificate } from "node:crypto";

// dist/source/secrets/tls-files.js
import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
var pathNames = {
  certFile: true,
  keyFile: true,
  clientCaFile: true
};
var optionNames = {
  logger: true,
  quietMs: true,
  maxWaitMs: true,
  pollMs: true,
  useEvents: true
};
var attempts = 3;
var TlsFiles = class {
  /** How often changed files were taken into use, and how often that failed. A lasting failure counts once. */
  reloads = 0;
  failures = 0;
  paths;
  logger;
  follower;
  take;
  /** The certificates in use. */
  taken = [];
  /** The signature of the files when they were last read. It is empty if they must be read again. */
  signature = "";
  /** Why the current files cannot be used, and since when (milliseconds since 1970). Undefined if they are in use. */
  failure;
  isClosed = false;
  /** @throws XdsError INVALID_OPTION */
  constructor(paths, options = {}) {
    checkOptions("TlsFiles", paths, pathNames);
    checkOptions("TlsFiles", options, optionNames);
    const { certFile, keyFile, clientCaFile } = paths;
    const { logger = silentLogger, quietMs = 100, maxWaitMs = 500, pollMs = 1e3, useEvents = true } = options;
    this.paths = [certFile, keyFile, ...clientCaFile === void 0 ? [] : [clientCaFile]];
    this.logger = logger;
    this.follower = new FileFollower({ quietMs, maxWaitMs, pollMs, useEvents }, {
      looksChanged: async () => await this.look() !== this.signature,
      reload: () => this.reload()
    });
  }
  /**
   * Reads the files, and then calls `take` whenever their content has changed. If `take` throws, as `server.setTls()`
   * does for a certificate whose key is not written yet, the error is logged, and `take` is called again after the next
   * change. Does not keep the process running.
   * @throws XdsError INVALID_OPTION for a file that cannot be read, WRONG_STATE when it is opened again
   */
  async open(take) {
    if (this.take || this.isClosed)
      throw new XdsError("WRONG_STATE", "certificate files can be opened only once");
    this.take = take;
    const contents = await this.read();
    this.taken = contents;
    this.follower.start();
    return named(contents);
  }
  /**
   * Reads the files again, even if they seem unchanged. The log has the result, also if nothing has changed.
   */
  async reread() {
    await this.follower.do(() => this.reload(true));
  }
  /** Stops. Resolves when no timer, watcher or open file is left. Can be called at any time, and again. */
  async close() {
    this.isClosed = true;
    await this.follower.close();
  }
  /** Like {@link TlsFiles.close}, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
  async reload(isAsked = false) {
    try {
      const contents = await this.read();
      if (this.isClosed)
        return;
      const isSame = contents.every((content, i) => content.equals(this.taken[i]));
      if (!isSame)
        this.take?.(named(contents));
      this.failure = void 0;
      if (isSame && isAsked)
        this.logger.info({ files: this.paths }, "certificates read again; nothing changed");
      if (isSame)
        return;
      this.taken = contents;
      this.reloads++;
      this.logger.info({ files: this.paths }, "serving the changed certificates");
    } catch (error) {
      this.signature = "";
      const message = messageOf(error);
      const isNew = message !== this.failure?.message;
      if (!isNew && !isAsked)
        return;
      this.failure = { since: this.failure?.since ?? Date.now(), message };
      if (isNew)
        this.failures++;
      this.logger.error({ files: this.paths, error: message }, "the new certificates cannot be used; still serving the old ones");
    }
  }
  /** The content of all files at one moment, if they stop changing. */
  async read() {
    for (let attempt = 1; ; attempt++) {
      await this.watch();
      const before = await this.look();
      const contents = await Promise.all(this.paths.map(readOne));
      this.signature = before;
      if (attempt === attempts || await this.look() === before)
        return contents;
    }
  }
  /** The file system's data about the files, without their contents. */
  async look() {
    const each = this.paths.map(async (path) => {
      const stats = await stat(path, { bigint: true }).catch(() => void 0);
      return stats ? [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(":") : "";
    });
    return (await Promise.all(each)).join(" ");
  }
  /** Watches the directories of the files, and those that links lead to. */
  async watch() {
    const directories = /* @__PURE__ */ new Map();
    for (const path of this.paths)
      for (const place of [resolve(path), await realpath(path).catch(() => path)]) {
        const stats = await stat(dirname(place), { bigint: true }).catch(() => void 0);
        if (stats)
          directories.set(dirname(place), { identity: `${stats.dev}:${stats.ino}` });
      }
    this.follower.watch(directories);
  }
};
async function readOne(path) {
  try {
    return await readGiven(path);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
var named = ([cert, key, clientCa]) => ({
  cert,
  key,
  ...clientCa && { clientCa }
});

// dist/serving/server-certificates.js
var day = 24 * 60 * 60 * 1e3;
var CertificateError = class extends XdsError {
  constructor(message, cause) {
    super("INVALID_OPTION", message, { cause });
  }
};
var ServerCertificates = class _ServerCertificates {
  paths;
  server;
  log;
  /** When the certificate expires, in milliseconds since 1970. */
  expiresAt = 0;
  validFrom = 0;
  daily = setInterval(() => this.warn(), day).unref();
  files;
  constructor(paths, server, log) {
    this.paths = paths;
    this.server = server;
    this.log = log;
    this.files = new TlsFiles(paths, { logger: log });
  }
  /**
   * Reads the files, gives their content to the server, and follows changes.
   * @throws XdsError INVALID_OPTION for files that cannot be read or used
   */
  static async open(paths, server, log) {
    const certificates = new _ServerCertificates(paths, server, log);
    try {
      certificates.take(await certificates.files.open((contents) => certificates.take(contents)));
    } catch (error) {
      await certificates.close();
      if (!(error instanceof XdsError) || error.code !== "INVALID_OPTION")
        throw error;
      throw new CertificateError(error.message, error);
    }
    return certificates;
  }
  /** Reads the files again. The log has the result. */
  reread() {
    return this.files.reread();
  }
  /** How often the server has begun to use changed files. */
  get reloads() {
    return this.files.reloads;
  }
  /** How often changed files could not be used. */
  get failures() {
    return this.files.failures;
  }
  /** Why the current files cannot be used. Undefined if they are in use. */
  get failure() {
    return this.files.failure;
  }
  /** Stops following the files. */
  close() {
    clearInterval(this.daily);
    return this.files.close();
  }
  take(contents) {
    this.server.setTls(contents);
    const { validFrom, validTo } = new X509Certificate(contents.cert);
    this.validFrom = Date.parse(validFrom);
    this.expiresAt = Date.parse(validTo);
    if (!this.warn())
      this.log.info(this.fields(), "TLS certificate");
  }
  /** Warns about a certificate that clients refuse or will soon refuse. Returns whether there was a warning. */
  warn() {
    const now = Date.now();
    const isExpired = this.expiresAt < now;
    const isEarly = this.validFrom > now;
    if (!isExpired && !isEarly && this.expiresAt - now > expiryNotice)
      return false;
    const why = isExpired ? "has expired; clients will refuse it" : isEarly ? "is not valid yet; clients will refuse it" : `expires in ${Math.floor((this.expiresAt - now) / day)} days; replace its file, which needs no restart`;
    this.log.warn(this.fields(), `the TLS certificate ${why}`);
    return true;
  }
  fields() {
    const iso = (time) => new Date(time).toISOString();
    return { file: this.paths.certFile, from: iso(this.validFrom), expires: iso(this.expiresAt) };
  }
};

// dist/serving/serving-log.js
var ServingLog = class {
  logger;
  constructor(logger) {
    this.logger = logger;
  }
  /** Logs warnings and notes on a configuration that passed. */
  findings = (findings, more) => {
    for (const finding of findings) {
      const { severity, code } = finding;
      if (severity === "warning")
        this.logger.warn({ code }, lineOf(finding));
      else
        this.logger.info({ code }, lineOf(finding));
    }
    if (more > 0)
      this.logger.warn({ more }, "more findings; xds validate prints all");
  };
  /** Logs that a configuration did not pass. */
  refused(problems) {
    for (const problem of problems.slice(0, mostLines))
      this.logger.error({ code: problem.code }, lineOf(problem));
    this.logger.error({ problems: problems.length }, stillServed);
  }
  /** Logs that a configuration passed, but could not be served. */
  failed(error) {
    this.logger.error({ error: messageOf(error) }, stillServed);
  }
  /** Logs the result of publishing a configuration. */
  published({ configuration, published, counts, hasOtherRules, emptied, groupsBefore }) {
    const { logger } = this;
    if (published.result === "held")
      return;
    for (const [directory, resources] of [...emptied].slice(0, mostLines))
      logger.warn({ directory, resources }, directoryEmptied);
    for (const group of groupsBefore)
      if (!configuration.groups.has(group))
        logger.warn({ group }, groupGone);
    const isSame = counts.added + counts.changed + counts.removed === 0;
    const fields = { ...counts, ...isSame && hasOtherRules && { rules: "changed" } };
    if (published.result === "barred")
      this.revision(published);
    else if (published.result === "started")
      logger.info({ ...fields, revision: published.revision.number }, "rolling out the changed configuration");
    else
      logger.info({ ...fields, revision: published.revision.number }, isSame && !hasOtherRules ? "configuration read again; nothing changed" : "serving the changed configuration");
    if (!isSame && isEmpty(configuration))
      logger.warn({}, nothingServed);
  }
  /** Logs why a configuration is barred, if it is. */
  revision(published) {
    if (published.result !== "barred")
      return;
    const { revision, why } = published.barred;
    this.logger.error({ revision, why }, "this configuration is barred: it was rolled back or undone before; edit it, or allow it with `xds rollout again`");
  }
};
var stillServed = "still serving the last good configuration";
var groupGone = "this node group's directory is gone; its nodes are served like nodes without a group";
var directoryEmptied = "this directory has no resources any more; its resources are removed";
var nothingServed = "the files hold no resources; nothing is served until they do";
var isEmpty = ({ layers }) => [...layers.values()].every(({ resources }) => resources.length === 0);

// dist/serving/replica-store.js
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

// dist/serving/local-copy.js
var earlierCopied = 5;
var revisionsKept = 20;
var livesKept = 4;
var unsavedBytes = 32 << 20;
var blobsAtOnce = 64;
var collectEvery = 32;
var retryMs = 1e4;
var isCopy = (head) => head?.copyOf !== void 0;
var LocalCopy = class _LocalCopy {
  store;
  configuration;
  head;
  logger;
  /** Blobs that were read from the store, until they are in the copy. */
  unsaved = /* @__PURE__ */ new Map();
  unsavedSize = 0;
  wanted;
  saving;
  retry;
  saves = 0;
  isBroken = false;
  isClosed = false;
  constructor(store, configuration, head, logger) {
    this.store = store;
    this.configuration = configuration;
    this.head = head;
    this.logger = logger;
  }
  /**
   * Opens a copy of a configuration. The copy owns `store` from then on.
   * @throws XdsError STORE_FAILED if it has other content; as the store's calls do
   */
  static async open(store, configuration, logger) {
    const { head } = await store.readHead();
    const { copyOf, ...rest } = head ?? {};
    if (head !== void 0 && copyOf?.configuration !== configuration)
      throw new XdsError("STORE_FAILED", `the state directory ${copyOf ? `is a copy of the configuration ${copyOf.configuration}` : "has revisions of its own"}, so it cannot be a copy of the configuration ${configuration} in the store; use another one (--state-dir)`);
    const before = copyOf ? { version: copyOf.version, head: rest } : void 0;
    return new _LocalCopy(store, configuration, before ?? { version: 0, head: void 0 }, logger);
  }
  /** A blob. undefined if the copy does not have it, or has it damaged. */
  async readBlob(hash) {
    const unsaved = this.unsaved.get(hash);
    if (unsaved)
      return unsaved;
    if ((await this.store.keepBlobs([hash])).length > 0)
      return void 0;
    return this.store.readBlob(hash).catch(() => void 0);
  }
  /** A record. undefined if the copy does not have it. */
  readRecord(key) {
    return this.store.readRecord(key);
  }
  /** Keeps records of this process, which are in no other store. */
  putRecords(records) {
    return this.store.putRecords(records);
  }
  /** Takes a blob that was read from the store, so that saving it does not read it again. */
  take(hash, bytes) {
    if (this.unsavedSize + bytes.length > unsavedBytes || this.unsaved.has(hash))
      return;
    this.unsaved.set(hash, bytes);
    this.unsavedSize += bytes.length;
  }
  /** Saves a head that is served, and what it needs. Returns at once. Of several heads the newest is saved. */
  save(stored, from) {
    if (this.isClosed)
      return;
    clearTimeout(this.retry);
    this.wanted = { stored, from };
    this.saving ??= this.work();
  }
  /** Stops. Resolves when a saving that has begun is over. */
  async close() {
    this.isClosed = true;
    clearTimeout(this.retry);
    await this.saving;
    await this.store.close();
  }
  async work() {
    while (this.wanted) {
      const { stored, from } = this.wanted;
      this.wanted = void 0;
      try {
        await this.write(stored, from);
        if (this.isBroken)
          this.logger.info({}, "the local copy of the store is written again");
        this.isBroken = false;
      } catch (error) {
        this.failed(error, stored, from);
      }
    }
    this.saving = void 0;
  }
  failed(error, stored, from) {
    if (this.isClosed || this.wanted)
      return;
    const text = "the local copy of the store could not be written: a restart while the store is away serves an older one";
    if (!this.isBroken)
      this.logger.warn({ error: messageOf(error) }, text);
    this.isBroken = true;
    this.retry = setTimeout(() => this.save(stored, from), retryMs).unref();
  }
  async write({ version, head }, from) {
    const { stable, rollout, next, live } = head;
    const needed = [`revision/${stable}`, ...rollout ? [`revision/${rollout.revision}`] : [], `live/${live}`];
    const put = {};
    for (const key of /* @__PURE__ */ new Set([
      ...needed,
      ...newest("revision", next - 1, earlierCopied),
      ...newest("live", live, livesKept)
    ])) {
      const isNeeded = needed.includes(key);
      if (key.endsWith("/0") || !isNeeded && await this.store.readRecord(key) !== void 0)
        continue;
      try {
        const record = await from.readRecord(key);
        if (record === void 0)
          throw new XdsError("STORE_DAMAGED", `the head refers to ${key}, which is not in the store`);
        for (const manifest of manifestsOf(key, record))
          await this.copyGroup(manifest, from);
        put[key] = record;
      } catch (error) {
        if (isNeeded)
          throw error;
      }
    }
    const { version: own } = await this.store.readHead();
    const { configuration } = this;
    const copied = { ...head, copyOf: { configuration, version } };
    await this.store.moveHead(own, { head: copied, put });
    this.unsaved.clear();
    this.unsavedSize = 0;
    await this.prune(head);
  }
  /** Copies the blobs of a group: its manifest last, so that a manifest in the copy has all its chunks there. */
  async copyGroup(manifest, from) {
    const bytes = await from.readBlob(manifest);
    const missing = await this.store.keepBlobs(chunksOf(bytes));
    for (let at = 0; at < missing.length; at += blobsAtOnce) {
      const blobs = [];
      for (const hash of missing.slice(at, at + blobsAtOnce))
        blobs.push(await from.readBlob(hash));
      await this.store.putBlobs(blobs);
    }
    await this.store.putBlobs([bytes]);
  }
  /** Removes what is too old to be needed. */
  async prune({ stable, rollout, next, live }) {
    const served = [stable, rollout?.revision];
    const numbers = async (kind) => (await this.store.listRecords(kind)).map(Number);
    const revisions = (await numbers("revision")).filter((one) => one < next - revisionsKept && !served.includes(one));
    const lives = (await numbers("live")).filter((one) => one <= live - livesKept);
    await this.store.removeRecords([
      ...revisions.map((one) => `revision/${one}`),
      ...lives.map((one) => `live/${one}`)
    ]);
    if (++this.saves % collectEvery !== 0 && revisions.length === 0)
      return;
    const used = /* @__PURE__ */ new Set();
    for (const kind of ["revision", "live"])
      for (const number of await numbers(kind)) {
        const record = await this.store.readRecord(`${kind}/${number}`);
        for (const manifest of record === void 0 ? [] : manifestsOf(`${kind}/`, record)) {
          used.add(manifest);
          for (const chunk of chunksOf(await this.store.readBlob(manifest)))
            used.add(chunk);
        }
      }
    await this.store.collect(used);
  }
};
var newest = (kind, last, count) => Array.from({ length: Math.max(0, Math.min(last, count)) }, (_, at) => `${kind}/${last - at}`);
var manifestsOf = (key, record) => Object.values(key.startsWith("live/") ? record : record.groups);

// dist/serving/replica-store.js
var [firstWaitMs, longestWaitMs] = [500, 5e3];
var ownRecord = "refused/marks";
var ReplicaStore = class _ReplicaStore {
  options;
  copy;
  logger;
  closing = new AbortController();
  listeners = /* @__PURE__ */ new Set();
  /** {@link ownRecord}, where there is no copy. */
  own;
  seen;
  remote;
  connecting;
  /** Set until the store has answered for the first time. */
  unconnected;
  /** Our versions are by so much larger than those of the store. See {@link ReplicaStore.attach}. */
  offset = 0;
  constructor(options, copy) {
    this.options = options;
    this.copy = copy;
    this.logger = options.logger ?? silentLogger;
    this.seen = copy?.head ?? { version: 0, head: void 0 };
  }
  /**
   * Opens the copy, and connects to the store. If the store does not answer, it is tried again until it does.
   * @throws XdsError as `connect` does, if that is not STORE_AWAY and there is nothing in the copy to serve;
   * STORE_FAILED if `copy` has something else; as the calls of `copy` do
   */
  static async open(options) {
    const { copy, configuration, logger = silentLogger } = options;
    const store = new _ReplicaStore(options, copy && await LocalCopy.open(copy, configuration, logger));
    try {
      await store.connect();
    } catch (error) {
      const isAway = error instanceof XdsError && error.code === "STORE_AWAY";
      if (!isAway && store.seen.head === void 0) {
        await store.close();
        throw error;
      }
      store.failed(error);
      store.connecting = store.reconnect();
    }
    return store;
  }
  get away() {
    return this.unconnected ?? this.remote?.away;
  }
  /** Saves the present head in the copy. Call it with a head that is served now. */
  served(head) {
    if (head !== this.seen.head || !this.copy)
      return;
    this.copy.save({ version: this.seen.version - this.offset, head: this.seen.head }, this);
  }
  async connect() {
    const remote = await this.options.connect();
    try {
      this.attach(remote, await remote.readHead());
    } catch (error) {
      await remote.close();
      throw error;
    }
    if (this.closing.signal.aborted)
      await remote.close();
  }
  async reconnect() {
    let waitMs = firstWaitMs;
    while (!this.closing.signal.aborted) {
      await sleep(waitMs, void 0, { signal: this.closing.signal }).catch(() => {
      });
      if (this.closing.signal.aborted)
        return;
      waitMs = Math.min(waitMs * 2, longestWaitMs);
      try {
        await this.connect();
        return;
      } catch (error) {
        this.failed(error);
      }
    }
  }
  failed(error) {
    if (this.closing.signal.aborted)
      return;
    const text = messageOf(error);
    const isServing = this.seen.head !== void 0;
    const what = `the store is away: ${isServing ? "the local copy is served" : "nothing is served"} until it answers`;
    if (this.unconnected?.error === text)
      this.logger.debug({ error: text }, what);
    else
      this.logger.warn({ error: text }, what);
    this.unconnected = { since: this.unconnected?.since ?? Date.now(), error: text };
  }
  /**
   * Follows the store from now on. Its head counts, even if the copy has a newer one: then the store was restored from
   * a backup. Our versions must not go back, so an offset is added to those of the store. If the store is empty, the
   * copy stays served until something is published.
   */
  attach(remote, stored) {
    const { version, head } = this.seen;
    const isOther = stored.version === version && !isDeepStrictEqual(stored.head, head);
    if (stored.head === void 0 && head !== void 0) {
      this.offset = version;
      this.logger.error({}, "the store is empty: the local copy is served until something is published");
    } else if (stored.version < version || isOther) {
      this.offset = version + 1 - stored.version;
      this.logger.warn({}, "the head of the store is older than the local copy: the store was restored from a backup");
    }
    if (this.unconnected)
      this.logger.info({}, "the store answers");
    this.unconnected = void 0;
    this.remote = remote;
    remote.onMove((moved) => this.moved(moved));
    this.moved(stored);
  }
  ours = ({ version, head }) => ({ version: version + this.offset, head });
  moved(stored) {
    const ours = this.ours(stored);
    if (ours.version <= this.seen.version)
      return;
    this.seen = ours;
    for (const listener of [...this.listeners])
      listener(ours);
  }
  /** @throws XdsError STORE_AWAY before the store has answered for the first time */
  connected() {
    if (this.closing.signal.aborted)
      throw new XdsError("WRONG_STATE", "the store is closed");
    if (this.remote)
      return this.remote;
    throw new XdsError("STORE_AWAY", `the store has not answered yet: ${this.unconnected?.error ?? "no connection"}`);
  }
  async readHead() {
    if (!this.remote || this.remote.away)
      return this.seen;
    this.moved(await this.remote.readHead());
    return this.seen;
  }
  async moveHead(from, move) {
    const moved = await this.connected().moveHead(from - this.offset, move);
    return moved === void 0 ? void 0 : moved + this.offset;
  }
  onMove(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async readBlob(hash) {
    const copied = await this.copy?.readBlob(hash);
    if (copied)
      return copied;
    const bytes = await this.connected().readBlob(hash);
    this.copy?.take(hash, bytes);
    return bytes;
  }
  /** Reads a record of the store. If the store is away, or has no such record any more, it reads that of the copy. */
  async readRecord(key) {
    if (key === ownRecord)
      return this.copy ? this.copy.readRecord(key) : this.own;
    try {
      if (this.remote && !this.remote.away)
        return await this.remote.readRecord(key) ?? await this.copy?.readRecord(key);
    } catch (error) {
      const copied = await this.copy?.readRecord(key);
      if (copied === void 0)
        throw error;
      return copied;
    }
    return await this.copy?.readRecord(key) ?? this.connected().readRecord(key);
  }
  async putRecords(records) {
    const { [ownRecord]: own, ...others } = records;
    if (own !== void 0 && this.copy)
      await this.copy.putRecords({ [ownRecord]: own });
    else if (own !== void 0)
      this.own = own;
    if (Object.keys(others).length > 0)
      await this.connected().putRecords(others);
  }
  // What follows needs the store.
  async putBlobs(blobs) {
    return this.connected().putBlobs(blobs);
  }
  async keepBlobs(hashes) {
    return this.connected().keepBlobs(hashes);
  }
  async collect(used) {
    return this.connected().collect(used);
  }
  async listRecords(kind) {
    return this.connected().listRecords(kind);
  }
  async removeRecords(keys) {
    return this.connected().removeRecords(keys);
  }
  async audit(entry) {
    return this.connected().audit(entry);
  }
  async readAudit(most) {
    return this.connected().readAudit(most);
  }
  async lease(name) {
    return this.connected().lease(name);
  }
  /** Closes the store and the copy. */
  async close() {
    if (this.closing.signal.aborted)
      return;
    this.closing.abort();
    this.listeners.clear();
    await this.remote?.close();
    await this.connecting;
    await this.copy?.close();
  }
};

// dist/store/memory-store.js
var mostAudit = 1e4;
var MemoryStore = class {
  blobs = /* @__PURE__ */ new Map();
  records = /* @__PURE__ */ new Map();
  listeners = /* @__PURE__ */ new Set();
  leases = /* @__PURE__ */ new Map();
  log = [];
  stored = { version: 0, head: void 0 };
  isClosed = false;
  async putBlobs(blobs) {
    this.check();
    return blobs.map((bytes) => {
      const hash = hashOf(bytes);
      if (!this.blobs.has(hash))
        this.blobs.set(hash, bytes.slice());
      return hash;
    });
  }
  async keepBlobs(hashes) {
    this.check();
    return hashes.filter((hash) => !this.blobs.has(hash));
  }
  async readBlob(hash) {
    this.check();
    const bytes = this.blobs.get(hash);
    if (!bytes)
      throw new XdsError("STORE_DAMAGED", `the store has no blob ${hash}`);
    return bytes;
  }
  async collect(used) {
    this.check();
    const unused = [...this.blobs.keys()].filter((hash) => !used.has(hash));
    for (const hash of unused)
      this.blobs.delete(hash);
    return unused.length;
  }
  /** As {@link Store.readHead}. */
  async readHead() {
    this.check();
    return this.stored;
  }
  async moveHead(from, { head, put = {}, audit, lease }) {
    this.check();
    if (lease?.lost.aborted)
      throw lostLease();
    if (from !== this.stored.version)
      return void 0;
    this.put(put);
    if (audit)
      this.note(audit);
    this.stored = { version: from + 1, head: structuredClone(head) };
    for (const listener of [...this.listeners])
      listener(this.stored);
    return this.stored.version;
  }
  onMove(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async readRecord(key) {
    this.check();
    return this.records.get(key);
  }
  async listRecords(kind) {
    this.check();
    const start = `${kind}/`;
    return [...this.records.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
  }
  async putRecords(records) {
    this.check();
    this.put(records);
  }
  /** As {@link Store.removeRecords}. */
  async removeRecords(keys) {
    this.check();
    for (const key of keys)
      this.records.delete(key);
  }
  /** As {@link Store.audit}. */
  async audit(entry) {
    this.check();
    this.note(entry);
  }
  async readAudit(most) {
    this.check();
    return this.log.slice(-most).reverse();
  }
  async lease(name) {
    this.check();
    if (this.leases.has(name))
      return void 0;
    const controller = new AbortController();
    this.leases.set(name, controller);
    const release = async () => {
      if (this.leases.get(name) === controller)
        this.leases.delete(name);
      controller.abort();
    };
    return { lost: controller.signal, release };
  }
  async close() {
    this.isClosed = true;
    for (const controller of this.leases.values())
      controller.abort();
    this.leases.clear();
    this.listeners.clear();
  }
  put(records) {
    checkKeys(Object.keys(records));
    for (const [key, value] of Object.entries(records))
      this.records.set(key, structuredClone(value));
  }
  note(entry) {
    this.log.push(structuredClone(entry));
    if (this.log.length > mostAudit)
      this.log.shift();
  }
  check() {
    if (this.isClosed)
      throw new XdsError("WRONG_STATE", "the store is closed");
  }
};

// dist/server/access/authorize.js
async function authorizeClient(authorize, client) {
  const decision = await authorize(client);
  if (decision === true)
    return;
  const { node, certificateNames: names } = client;
  const who = node ? `node ${quoted(node.id)}` : "a client that names no node";
  const proof = names.length > 0 ? `a certificate of ${names.map(quoted).join(", ")}` : "no URI or DNS name (SAN) in a client certificate";
  const why = typeof decision === "string" ? `: ${decision}` : "";
  throw new XdsError("PERMISSION_DENIED", `${who} with ${proof} is refused (${client.service})${why}`);
}
var quoted = (name) => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}\u2026` : name);
function sanMatchesNode(pattern = "{id}") {
  const names = new SanPattern(pattern);
  return ({ node, certificateNames, service }) => {
    if (service === "csds")
      return "this rule allows no node to use the client status service; the option csds sets who may";
    if (!node)
      return "the request has no node";
    if (certificateNames.some((name) => names.matches(name, node)))
      return true;
    return names.excludes(node) ?? `its certificate needs the name ${quoted(names.nameOf(node))} (rule: ${pattern})`;
  };
}

export {
  CertificateError,
  ServerCertificates,
  ServingLog,
  nothingServed,
  isEmpty,
  isCopy,
  ReplicaStore,
  MemoryStore,
  authorizeClient,
  sanMatchesNode
};
