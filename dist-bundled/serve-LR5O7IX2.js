import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  envoyVerdict,
  rolloutOptions
} from "./chunk-6JPJUG6T.js";
import {
  entriesOf,
  formatEntry,
  locatedBy,
  printReport,
  readingThread,
  reportOf
} from "./chunk-DSS3NJDI.js";
import {
  DirectorySource,
  pathsHelp
} from "./chunk-ATRFV6ZO.js";
import {
  CertificateError,
  MemoryStore,
  ReplicaStore,
  ServerCertificates,
  isCopy,
  isEmpty,
  nothingServed,
  sanMatchesNode
} from "./chunk-KQSCUK7L.js";
import {
  Heap
} from "./chunk-BVPH6CDF.js";
import {
  FileFollower
} from "./chunk-PZFUJURE.js";
import {
  RationedLog
} from "./chunk-DU6SCORG.js";
import {
  Revisions
} from "./chunk-ISRY64JR.js";
import "./chunk-22CGKJEQ.js";
import {
  createLog,
  defaultStateDirectory,
  plainLog
} from "./chunk-YDSDQWQI.js";
import {
  etcdOptions,
  openEtcd,
  storePlace
} from "./chunk-UWRNQDM4.js";
import {
  logWritten
} from "./chunk-Q7XJEDFK.js";
import "./chunk-K7FWRZOE.js";
import {
  addSettings,
  checkPaths,
  configOption,
  groupField,
  readCall
} from "./chunk-R5576SU6.js";
import {
  settingNames,
  settings
} from "./chunk-LDT72UKC.js";
import {
  useApi
} from "./chunk-H5AN4Y5K.js";
import {
  NoConfiguration,
  UsageError,
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import "./chunk-R2MMVVGI.js";
import {
  SanPattern,
  loopbackOrSan
} from "./chunk-4V4LNO3N.js";
import "./chunk-UUDCD6VN.js";
import {
  isLoopback
} from "./chunk-UYRQJDKN.js";
import {
  mostLines
} from "./chunk-LZZ3K5Q7.js";
import "./chunk-UYUWU3HF.js";
import {
  lineOf,
  located
} from "./chunk-P2PIW5AR.js";
import "./chunk-HCKWFFCM.js";
import "./chunk-UHTHQG76.js";
import "./chunk-KZCVAWTX.js";
import "./chunk-U7CKKRTO.js";
import {
  fieldsOfGroups
} from "./chunk-4DK7NEUR.js";
import {
  endOnHangup,
  ending,
  onHangup
} from "./chunk-3HUGTRVO.js";
import {
  signatureOf
} from "./chunk-V3U6TY2X.js";
import "./chunk-J5PPFYCF.js";
import "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import {
  allResources
} from "./chunk-BWU6O4MA.js";
import {
  findResourceType
} from "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import {
  checkKeys,
  hashOf,
  lostLease
} from "./chunk-R3YROBDM.js";
import "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-ENVTCLV6.js";
import "./chunk-ZCNRJYSX.js";
import "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import {
  secretType
} from "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import "./chunk-4IMF5HEM.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-LOQZ6ZLP.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/serve/certificate-flags.js
var withFlags = (tls) => (error) => {
  if (!tls || !(error instanceof CertificateError))
    throw error;
  const flags = { "--tls-cert": tls.certFile, "--tls-key": tls.keyFile, "--tls-client-ca": tls.clientCaFile };
  const given = Object.entries(flags).flatMap(([flag, file]) => file === void 0 ? [] : [`${flag} ${file}`]);
  throw new XdsError(error.code, `${error.message}
${given.join(", ")}`);
};

// dist/cli/serve/open-store.js
import { resolve } from "node:path";

// dist/store/directory-store.js
import { chmod, stat as stat2 } from "node:fs/promises";
import { join as join2 } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

// dist/store/disk.js
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
var disk = {
  read: (path) => readFile(path).catch((error) => {
    if (error.code === "ENOENT")
      return void 0;
    throw error;
  }),
  list: (path) => readdir(path).catch((error) => {
    if (error.code === "ENOENT")
      return [];
    throw error;
  }),
  makeFolder: async (path) => void await mkdir(path, { recursive: true, mode: 448 }),
  write: (path, bytes) => writeWith("w", path, bytes),
  append: (path, bytes) => writeWith("a", path, bytes),
  sync: (path) => syncWith("r+", path),
  rename,
  syncFolder: (path) => syncWith("r", path).catch((error) => {
    if (!["EPERM", "EISDIR", "EACCES"].includes(error.code ?? "") || process.platform !== "win32")
      throw error;
  }),
  remove: (path) => rm(path, { force: true })
};
async function writeWith(flags, path, bytes) {
  const file = await open(path, flags, 384);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
async function syncWith(flags, path) {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
async function replaceFile(on, path, bytes) {
  const next = `${path}.new`;
  await on.write(next, bytes);
  await on.sync(next);
  await on.rename(next, path);
}

// dist/store/folder-lock.js
import { link, readFile as readFile2, readlink, rename as rename2, rm as rm2, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
var beatMs = 1e3;
var longestSilenceMs = 5e3;
var FolderLock = class _FolderLock {
  path;
  content;
  timer;
  constructor(path, content) {
    this.path = path;
    this.content = content;
    const beat = () => void utimes(path, /* @__PURE__ */ new Date(), /* @__PURE__ */ new Date()).catch(() => {
    });
    this.timer = setInterval(beat, beatMs).unref();
  }
  /** Takes the lock of a folder. @throws XdsError STORE_LOCKED while another process has it */
  static async take(folder, silentMs = longestSilenceMs) {
    const path = join(folder, "lock");
    const content = JSON.stringify({ ...await thisProcess(), token: Math.random() });
    const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    await writeFile(mine, content, { mode: 384 });
    try {
      for (let tries = 0; tries < 10; tries++) {
        if (await linked(mine, path))
          return new _FolderLock(path, content);
        const other = await readFile2(path, "utf8").catch(() => void 0);
        if (other === void 0)
          continue;
        if (await isAlive(path, other, silentMs)) {
          const owner = parseOwner(other);
          throw new XdsError("STORE_LOCKED", `${folder} is in use by ${owner ? `process ${owner.pid}` : "another process"}; end that process, or use another state directory`);
        }
        await takeAway(path, other, mine);
      }
      throw new XdsError("STORE_LOCKED", `other processes are opening ${folder} at the same time; try again`);
    } finally {
      await rm2(mine, { force: true });
    }
  }
  /**
   * Checks that this process still has the lock.
   * @throws XdsError STORE_LOCKED if another process has taken it, which can happen when this one stopped for seconds;
   * STORE_FAILED if the file is gone, usually because somebody removed the folder
   */
  async check() {
    const found = await readFile2(this.path, "utf8").catch(() => void 0);
    if (found === void 0)
      throw new XdsError("STORE_FAILED", `the lock ${this.path} is gone or cannot be read; restart this program to make a new one`);
    if (found !== this.content)
      throw new XdsError("STORE_LOCKED", `another process has taken the lock ${this.path}; this process no longer writes`);
  }
  async release() {
    clearInterval(this.timer);
    const isMine = await this.check().then(() => true, () => false);
    if (isMine)
      await rm2(this.path, { force: true });
  }
};
async function linked(from, to) {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST")
      return false;
    throw error;
  }
}
async function takeAway(path, content, unique) {
  const aside = `${unique}.old`;
  try {
    await rename2(path, aside);
  } catch (error) {
    if (error.code === "ENOENT")
      return;
    throw error;
  }
  if (await readFile2(aside, "utf8") !== content)
    await linked(aside, path);
  await rm2(aside, { force: true });
}
async function isAlive(path, content, silentMs) {
  const owner = parseOwner(content);
  const { place } = await thisProcess();
  if (owner && owner.place === place && owner.started !== "")
    return owner.started === await startOf(owner.pid);
  const before = await touchedAt(path);
  const until = Date.now() + silentMs;
  while (Date.now() < until) {
    await sleep(Math.min(200, silentMs / 4));
    const now = await touchedAt(path);
    if (now === void 0)
      return false;
    if (now !== before)
      return true;
  }
  return false;
}
var touchedAt = (path) => stat(path).then(({ mtimeMs }) => mtimeMs, () => void 0);
function parseOwner(content) {
  try {
    const { pid, started, place } = JSON.parse(content);
    return typeof pid === "number" && typeof started === "string" && typeof place === "string" ? { pid, started, place } : void 0;
  } catch {
    return void 0;
  }
}
async function thisProcess() {
  const read = (path) => readFile2(path, "utf8").catch(() => "");
  const boot = (await read("/proc/sys/kernel/random/boot_id")).trim();
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return { pid: process.pid, started: await startOf(process.pid), place: `${hostname()} ${boot} ${namespace}` };
}
async function startOf(pid) {
  const text = await readFile2(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "" : fields[19] ?? "";
}

// dist/store/directory-store.js
var compress = promisify(gzip);
var decompress = promisify(gunzip);
var format = "ts-control-plane state 1\n";
var auditBytes = 1 << 20;
var atOnce = 16;
async function makePrivate(folder) {
  const { mode } = await stat2(folder);
  if ((mode & 63) === 0 || process.platform === "win32")
    return;
  try {
    await chmod(folder, 448);
  } catch (error) {
    if (error.code !== "EPERM")
      throw error;
    if ((mode & 2) === 0)
      return;
    throw new XdsError("STORE_FAILED", `${folder} belongs to another user, and every user can write it; use a folder in it`);
  }
}
var DirectoryStore = class _DirectoryStore {
  folder;
  disk;
  lock;
  listeners = /* @__PURE__ */ new Set();
  leases = new MemoryStore();
  /** The blobs that exist on the disk. */
  known = /* @__PURE__ */ new Set();
  stored = { version: 0, head: void 0 };
  auditSize = 0;
  /** Changes are made one after the other. */
  last = Promise.resolve();
  isClosed = false;
  constructor(folder, disk2, lock) {
    this.folder = folder;
    this.disk = disk2;
    this.lock = lock;
  }
  /**
   * Opens a folder. If there is none, it makes one.
   * @throws XdsError STORE_LOCKED while another process has the folder open; STORE_FAILED if the folder cannot be read
   * or written, if every user can write it, or if it belongs to another program or format; STORE_DAMAGED if its head is
   * not JSON
   */
  static async open(folder, options = {}) {
    const { disk: disk2, lockSilentMs } = options;
    const on = disk2 ?? disk;
    return failing(folder, async () => {
      await on.makeFolder(folder);
      const lock = disk2 ? void 0 : await FolderLock.take(folder, lockSilentMs);
      try {
        const store = new _DirectoryStore(folder, on, lock);
        await store.load();
        if (!disk2)
          await makePrivate(folder);
        return store;
      } catch (error) {
        await lock?.release();
        throw error;
      }
    });
  }
  async load() {
    const { disk: disk2, folder } = this;
    const found = await disk2.read(join2(folder, "format"));
    if (!found) {
      const others = (await disk2.list(folder)).filter((name) => !/^(lock|format)(\.|$)/.test(name));
      if (others.length > 0)
        throw new XdsError("STORE_FAILED", `${folder} has files of another program; use an empty or a new folder`);
      await replaceFile(disk2, join2(folder, "format"), Buffer.from(format));
      await disk2.syncFolder(folder);
    } else if (Buffer.from(found).toString() !== format)
      throw new XdsError("STORE_FAILED", `${join2(folder, "format")} is ${JSON.stringify(Buffer.from(found).toString().slice(0, 60))}, not ${JSON.stringify(format)}: another version of this program wrote the folder; use that version, or another folder`);
    const head = await disk2.read(join2(folder, "head.json"));
    if (head)
      this.stored = parse(join2(folder, "head.json"), head);
    this.auditSize = (await disk2.read(join2(folder, "audit.log")))?.length ?? 0;
    for (const part of await disk2.list(join2(folder, "blob")))
      for (const name of await disk2.list(join2(folder, "blob", part)))
        if (/^[0-9a-f]{64}$/.test(name))
          this.known.add(name);
  }
  putBlobs(blobs) {
    return this.change(async () => {
      const hashes = blobs.map(hashOf);
      const missing = new Map(hashes.flatMap((hash, at) => this.known.has(hash) ? [] : [[hash, blobs[at]]]));
      const folders = new Set(Array.from(missing.keys(), (hash) => this.blobFolder(hash)));
      if (folders.size > 0)
        await this.makeFolders(...folders);
      const todo = [...missing];
      const write = async () => {
        for (let next = todo.pop(); next; next = todo.pop())
          await replaceFile(this.disk, join2(this.blobFolder(next[0]), next[0]), await compress(next[1], { level: 1 }));
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, todo.length) }, write));
      for (const folder of folders)
        await this.disk.syncFolder(folder);
      for (const hash of missing.keys())
        this.known.add(hash);
      return hashes;
    });
  }
  async keepBlobs(hashes) {
    this.check();
    return hashes.filter((hash) => !this.known.has(hash));
  }
  async readBlob(hash) {
    this.check();
    const path = join2(this.blobFolder(hash), hash);
    const found = await failing(this.folder, () => this.disk.read(path));
    if (!found)
      throw new XdsError("STORE_DAMAGED", `there is no blob ${path}`);
    const bytes = await decompress(found).catch(() => void 0);
    if (!bytes || hashOf(bytes) !== hash)
      throw new XdsError("STORE_DAMAGED", `the blob ${path} is damaged: its content does not have the hash in its name`);
    return bytes;
  }
  collect(used) {
    return this.change(async () => {
      const unused = [...this.known].filter((hash) => !used.has(hash));
      for (const hash of unused) {
        this.known.delete(hash);
        await this.disk.remove(join2(this.blobFolder(hash), hash));
      }
      return unused.length;
    });
  }
  /** As {@link Store.readHead}. */
  async readHead() {
    this.check();
    return this.stored;
  }
  moveHead(from, { head, put = {}, audit, lease }) {
    return this.change(async () => {
      if (lease?.lost.aborted)
        throw lostLease();
      if (from !== this.stored.version)
        return void 0;
      await this.write(put);
      if (audit)
        await this.note(audit);
      const stored = { version: from + 1, head };
      await replaceFile(this.disk, join2(this.folder, "head.json"), Buffer.from(JSON.stringify(stored)));
      await this.disk.syncFolder(this.folder);
      this.stored = structuredClone(stored);
      for (const listener of [...this.listeners])
        listener(this.stored);
      return stored.version;
    });
  }
  onMove(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async readRecord(key) {
    this.check();
    checkKeys([key]);
    const path = this.recordPath(key);
    const found = await failing(this.folder, () => this.disk.read(path));
    return found && parse(path, found);
  }
  async listRecords(kind) {
    this.check();
    const names = await failing(this.folder, () => this.disk.list(join2(this.folder, "record", kind)));
    return names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
  }
  putRecords(records) {
    return this.change(() => this.write(records));
  }
  /** As {@link Store.removeRecords}. */
  removeRecords(keys) {
    return this.change(async () => {
      checkKeys(keys);
      for (const key of keys)
        await this.disk.remove(this.recordPath(key));
    });
  }
  /** As {@link Store.audit}. */
  audit(entry) {
    return this.change(() => this.note(entry));
  }
  async readAudit(most) {
    this.check();
    const entries = [];
    for (const name of ["audit.log", "audit.1.log"]) {
      if (entries.length >= most)
        break;
      const found = await failing(this.folder, () => this.disk.read(join2(this.folder, name)));
      const lines = Buffer.from(found ?? []).toString().split("\n").reverse();
      for (const line of lines) {
        if (entries.length >= most)
          break;
        if (isJson(line))
          entries.push(JSON.parse(line));
      }
    }
    return entries;
  }
  lease(name) {
    return this.leases.lease(name);
  }
  async close() {
    if (this.isClosed)
      return;
    this.isClosed = true;
    this.listeners.clear();
    await this.last.catch(() => {
    });
    await this.leases.close();
    await this.lock?.release();
  }
  async write(records) {
    const keys = Object.keys(records);
    checkKeys(keys);
    const folders = new Set(keys.map((key) => join2(this.folder, "record", key.slice(0, key.indexOf("/")))));
    if (folders.size > 0)
      await this.makeFolders(...folders);
    for (const [key, value] of Object.entries(records))
      await replaceFile(this.disk, this.recordPath(key), Buffer.from(JSON.stringify(value)));
    for (const folder of folders)
      await this.disk.syncFolder(folder);
  }
  async note(entry) {
    const { disk: disk2, folder } = this;
    const path = join2(folder, "audit.log");
    if (this.auditSize > auditBytes) {
      await disk2.rename(path, join2(folder, "audit.1.log"));
      this.auditSize = 0;
    }
    const line = Buffer.from(`${this.auditSize > 0 ? "\n" : ""}${JSON.stringify(entry)}`);
    await disk2.append(path, line);
    await disk2.sync(path);
    await disk2.syncFolder(folder);
    this.auditSize += line.length;
  }
  /** Makes folders, and makes their names durable. */
  async makeFolders(...folders) {
    for (const folder of folders) {
      if (this.made.has(folder))
        continue;
      await this.disk.makeFolder(folder);
      for (let above = join2(folder, ".."); above.length >= this.folder.length; above = join2(above, ".."))
        await this.disk.syncFolder(above);
      this.made.add(folder);
    }
  }
  made = /* @__PURE__ */ new Set();
  blobFolder = (hash) => join2(this.folder, "blob", hash.slice(0, 2));
  recordPath = (key) => `${join2(this.folder, "record", key)}.json`;
  change(act) {
    const result = this.last.then(async () => {
      this.check();
      return failing(this.folder, async () => {
        await this.lock?.check();
        return act();
      });
    });
    this.last = result.catch(() => {
    });
    return result;
  }
  check() {
    if (this.isClosed)
      throw new XdsError("WRONG_STATE", "the store is closed");
  }
};
function isJson(line) {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
function parse(path, bytes) {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new XdsError("STORE_DAMAGED", `${path} is not JSON: ${messageOf(cause)}`, { cause });
  }
}
async function failing(folder, act) {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof XdsError)
      throw cause;
    throw new XdsError("STORE_FAILED", `the state directory ${folder} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

// dist/cli/serve/open-store.js
async function openDirectory(directory) {
  const store = await DirectoryStore.open(directory);
  try {
    if (isCopy((await store.readHead()).head))
      throw new XdsError("STORE_FAILED", `the state directory ${directory} is the copy of a store: give --store too, or use another directory`);
    const revisions = await Revisions.open(store);
    const { stable, rollout } = revisions.head;
    for (const number of [stable, rollout?.revision ?? 0])
      if (number > 0)
        await revisions.groupsOf(await revisions.read(number));
    await revisions.live();
    revisions.close();
    return store;
  } catch (error) {
    await store.close();
    if (!(error instanceof XdsError) || error.code !== "STORE_DAMAGED")
      throw error;
    const remedy = "restore it from a backup, or move it away and start again, without its history";
    throw new XdsError(error.code, `the state directory ${directory} is damaged: ${error.message}; ${remedy}`);
  }
}
var firstTryMs = 3e3;
async function openStore(settings2, paths, log) {
  const etcd = etcdOptions(settings2);
  if (!etcd) {
    const { store, directory: directory2 } = await openState(settings2.stateDir, paths, log, openDirectory);
    return { store: store ?? new MemoryStore(), directory: directory2 };
  }
  const { configuration } = etcd;
  const places = [storePlace(etcd), ...paths];
  const { store: copy, directory } = await openState(settings2.stateDir, places, log, DirectoryStore.open);
  const connect = () => openEtcd({ ...etcd, openTimeoutMs: firstTryMs }, log);
  return { store: await ReplicaStore.open({ connect, configuration, copy, logger: log }), directory };
}
async function openState(given, paths, log, open2) {
  if (given === "memory")
    return { store: void 0, directory: void 0 };
  const directory = given === void 0 ? defaultStateDirectory(paths) : resolve(given);
  try {
    return { store: await open2(directory), directory };
  } catch (error) {
    if (given !== void 0)
      throw error;
    log.warn({ directory, error: messageOf(error) }, "revisions are kept in memory only, because the default state directory cannot be used; --state-dir names another one");
    return { store: void 0, directory: void 0 };
  }
}

// dist/cli/serve/rereading.js
import { isDeepStrictEqual } from "node:util";

// dist/cli/terminal/stream-log.js
function streamLog(log) {
  const open2 = /* @__PURE__ */ new Map();
  const onRequest = (stream) => {
    if (open2.has(stream.id))
      return;
    open2.set(stream.id, performance.now());
    log.info(fieldsOf(stream), "stream opened");
  };
  const onClosed = (stream) => {
    const since = open2.get(stream.id);
    if (since === void 0)
      return;
    open2.delete(stream.id);
    log.info({ ...fieldsOf(stream), seconds: Math.round((performance.now() - since) / 1e3) }, "stream closed");
  };
  return {
    onStreamRequest: onRequest,
    onStreamDeltaRequest: onRequest,
    onStreamClosed: onClosed,
    onDeltaStreamClosed: onClosed,
    onStreamNack: (nack) => log.warn(nackFields(nack), "the client NACKed a response and keeps what it had")
  };
}
var typeName = (typeUrl) => findResourceType(typeUrl)?.name ?? typeUrl;
function fieldsOf({ id, variant, typeUrl, peer, node }) {
  const service = typeUrl === "" ? "ads" : typeName(typeUrl);
  return { stream: id, node: node?.id, cluster: node?.cluster, service, variant, peer };
}
var mostNames = 5;
function nackFields({ stream, typeUrl, version, nonce, resources, removedResources, error }) {
  return {
    stream: stream.id,
    peer: stream.peer,
    node: stream.node?.id,
    type: typeName(typeUrl),
    version,
    nonce,
    resources: resources.slice(0, mostNames).map(({ name }) => name),
    ...resources.length > mostNames && { more: resources.length - mostNames },
    ...removedResources.length > 0 && { removed: removedResources.slice(0, mostNames) },
    error: error.message.trim()
  };
}

// dist/cli/settings/server-options.js
function serverOptions(settings2, log, rationedLog, room = Number.POSITIVE_INFINITY) {
  const { loadReports, maxConnectionAge, tlsNodeSan, tlsCsdsSan } = settings2;
  return {
    logger: log,
    callbacks: streamLog(rationedLog),
    limits: {
      streams: settings2.maxStreams,
      streamsPerPeer: settings2.maxStreamsPerPeer,
      newStreamsPerSecond: settings2.newStreamsPerSecond,
      requestsPerSecond: settings2.requestsPerSecond,
      requestBytes: settings2.maxRequestBytes,
      nodeBytes: settings2.maxNodeBytes,
      names: settings2.maxNames,
      ...settings2.maxUnsentBytes !== void 0 && { responseBytes: settings2.maxUnsentBytes },
      heapPercent: settings2.maxHeapPercent,
      connections: Math.min(settings2.maxConnections, room),
      ...settings2.maxConnectionsPerPeer !== "off" && { connectionsPerPeer: settings2.maxConnectionsPerPeer },
      streamsPerConnection: settings2.maxStreamsPerConnection,
      headerBytes: settings2.maxHeaderBytes,
      continuationFrames: settings2.maxContinuationFrames,
      controlFrames: settings2.controlFrames,
      handshakeMs: settings2.handshakeTime,
      messageMs: settings2.messageTime,
      idleConnectionMs: settings2.idleConnectionTime,
      ...settings2.maxReceivingBytes !== void 0 && { receivingBytes: settings2.maxReceivingBytes }
    },
    drainTimeMs: settings2.envoyDrainTime,
    retryRefused: settings2.retryRefused === "on",
    maxResponseBytes: settings2.maxResponseBytes,
    csds: loopbackOrSan(tlsCsdsSan),
    ...tlsNodeSan !== void 0 && { authorize: sanMatchesNode(tlsNodeSan) },
    ...maxConnectionAge !== "off" && { maxConnectionAgeMs: maxConnectionAge },
    ...loadReports !== "off" && { loadReporting: { intervalMs: loadReports } }
  };
}
function tlsFilePaths(settings2) {
  const { tlsCert, tlsKey, tlsClientCa, tlsNodeSan, tlsCsdsSan } = settings2;
  for (const [flag, pattern] of [
    ["--tls-node-san", tlsNodeSan],
    ["--tls-csds-san", tlsCsdsSan]
  ])
    if (pattern !== void 0 && tlsClientCa === void 0)
      throw new UsageError(`${flag} needs clients' certificates; give their authorities with --tls-client-ca`);
  if (tlsCert !== void 0 && tlsKey !== void 0)
    return { certFile: tlsCert, keyFile: tlsKey, ...tlsClientCa !== void 0 && { clientCaFile: tlsClientCa } };
  if (tlsCert !== void 0 || tlsKey !== void 0 || tlsClientCa !== void 0)
    throw new UsageError("TLS needs a certificate and its key; give --tls-cert and --tls-key");
  return void 0;
}
function checkSettings(call, isReplica = false) {
  checkReach(call.settings);
  checkPorts(call.settings);
  if (!isReplica)
    checkGroups(call);
}
var checkGroups = (call) => checkRules(call.settings, { rules: call.groupRules, field: groupField(call) });
function checkRules({ tlsNodeSan, allowUnprovenGroups }, { rules, field }) {
  if (tlsNodeSan === void 0 || allowUnprovenGroups)
    return;
  const { proves } = new SanPattern(tlsNodeSan);
  const isProven = ({ field: field2 }) => [...proves].some((proven2) => proven2 === field2);
  const unproven = fieldsOfGroups(rules, field).filter((used) => !isProven(used));
  if (unproven.length === 0)
    return;
  const told = unproven.slice(0, mostTold).map(({ use }) => use);
  if (unproven.length > mostTold)
    told.push(`${unproven.length - mostTold} more`);
  const lacking = ["id", "cluster"].filter((name) => unproven.some(({ field: field2 }) => field2 === name));
  const extended = lacking.map((name) => `{${name}}`).join(" and ");
  const proven = [...proves].join(" and ");
  throw new UsageError(`--tls-node-san ${tlsNodeSan} proves only a node's ${proven}, but groups are computed from more, which any client may claim: ${told.join(", ")}; compute groups from ${proven} alone${extended && `, add ${extended} to --tls-node-san`}, or accept it with --allow-unproven-groups (xds.yaml: allow_unproven_groups: true)`);
}
var mostTold = 10;
function checkReach(settings2) {
  const { host, adminHost, adminPort, adminInsecure, insecure } = settings2;
  const open2 = "can be reached from other machines, and anyone there can read the configuration";
  if (!insecure && !tlsFilePaths(settings2) && !isLoopback(host))
    throw new UsageError(`--host ${host} ${open2}; give --tls-cert and --tls-key, or allow it with --insecure`);
  if (!adminInsecure && adminPort !== "off" && !isLoopback(adminHost))
    throw new UsageError(`--admin-host ${adminHost} ${open2}, because it has no TLS; --admin-insecure allows it`);
}
function exposure(settings2, configuration) {
  const { host, tlsClientCa, tlsNodeSan } = settings2;
  const hasSecrets = !configuration || [...configuration.layers.values()].some(({ resources }) => resources.some(({ type }) => type.typeUrl === secretType));
  const hasGroups = configuration !== void 0 && configuration.groups.size > 0;
  if (isLoopback(host) || tlsNodeSan !== void 0 || !(hasSecrets || hasGroups))
    return void 0;
  const what = hasSecrets ? "all that is served, private keys included" : "what any group is served";
  return tlsClientCa === void 0 ? `every client that can connect to ${host} can read ${what}; with --tls-client-ca and --tls-node-san, a client reads only what is for the node in its certificate` : `every client with a certificate can read ${what}, because a client may claim to be any node; --tls-node-san binds nodes to certificates`;
}
function checkPorts({ host, port, restPort, adminHost, adminPort }) {
  const taken = /* @__PURE__ */ new Map();
  for (const [flag, on, number] of [
    ["--port", host, port],
    ["--rest-port", host, restPort],
    ["--admin-port", adminHost, adminPort]
  ]) {
    if (number === 0 || number === "off")
      continue;
    const other = taken.get(`${on} ${number}`);
    if (other)
      throw new UsageError(`${other} and ${flag} are both ${number} on ${on}; give each its own`);
    taken.set(`${on} ${number}`, flag);
  }
}

// dist/cli/serve/rereading.js
var liveSettings = /* @__PURE__ */ new Set(["logLevel", "validation", "drainTime"]);
var Rereading = class {
  read;
  /** The paths and settings in use. */
  call;
  program;
  isAsked = false;
  isAtWork = false;
  /** `read` resolves the paths and settings again. */
  constructor(call, read) {
    this.read = read;
    this.call = call;
  }
  get settings() {
    return this.call.settings;
  }
  /** Starts to act on {@link ask}, also on a call that came before. */
  start(program) {
    this.program = program;
    if (this.isAsked)
      this.ask();
  }
  /** Requests that everything is read again. A request during a reading makes one more reading follow. */
  ask() {
    this.isAsked = true;
    if (!this.isAtWork && this.program)
      void this.work(this.program);
  }
  async work(program) {
    this.isAtWork = true;
    while (this.isAsked) {
      this.isAsked = false;
      program.log.info({}, "reading everything again: settings, certificates and configuration");
      try {
        await this.takeSettings(program);
        await program.serving.certificates?.reread();
        const { paths, layered, groupRules } = this.call;
        const rules = { rules: groupRules, field: groupField(this.call) };
        await program.source?.reread(paths, layered, () => program.serving.use({ rules }));
      } catch (error) {
        program.log.error({ error: messageOf(error) }, "not everything could be read again");
      }
    }
    this.isAtWork = false;
  }
  async takeSettings({ source, serving, log }) {
    let next;
    try {
      next = await this.read();
      if (source)
        this.checkGroups(next);
    } catch (error) {
      const isExpected = error instanceof UsageError || error instanceof NoConfiguration;
      log.error({ error: isExpected ? messageOf(error) : String(error) }, "the new settings cannot be used; the old ones stay in use");
      return;
    }
    const live = [];
    const others = [];
    for (const name of Object.keys(settings))
      if (!isDeepStrictEqual(this.settings[name], next.settings[name]))
        (liveSettings.has(name) ? live : others).push(settings[name].key);
    if (!isDeepStrictEqual(this.call.paths, next.paths))
      live.push("paths");
    const groupsOf = ({ groupRules: groupRules2, layered: layered2 }) => ({ groupRules: groupRules2, layered: layered2 });
    if (!isDeepStrictEqual(groupsOf(this.call), groupsOf(next)))
      live.push(next.layered.length > 0 ? "groups" : "node_groups");
    const { logLevel, validation, drainTime } = next.settings;
    const { paths, groupRules, layered } = next;
    const settings2 = { ...this.settings, logLevel, validation, drainTime };
    this.call = { ...this.call, paths, groupRules, layered, settings: settings2 };
    log.level = logLevel;
    serving.use({ validation });
    if (live.length > 0)
      log.info({ settings: live }, "these settings changed and are in use now");
    if (others.length > 0)
      log.warn({ settings: others }, "these settings changed; restart the program to use them");
    if (live.length + others.length === 0)
      log.info({}, "settings read again; nothing changed");
  }
  /**
   * Checks new groups against the certificates' rule in use. New groups are used at once, a new rule only after a
   * restart.
   * @throws UsageError if the rule does not prove what the new groups are computed from
   */
  checkGroups({ groupRules, layered }) {
    try {
      checkGroups({ settings: this.settings, groupRules, layered });
    } catch (error) {
      throw new UsageError(`${messageOf(error)}; until a restart, the certificate's rule is the one that the program was started with`);
    }
  }
};

// dist/cli/serve/settings-watch.js
import { stat as stat3 } from "node:fs/promises";
var SettingsWatch = class {
  file;
  changed;
  follower;
  signature = "";
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    const owner = { looksChanged: () => this.looksChanged(), reload: () => this.reload() };
    this.follower = new FileFollower({ quietMs: 200, maxWaitMs: 1e3, pollMs: 1e3, useEvents: false }, owner);
  }
  async start() {
    this.signature = await this.look();
    this.follower.start();
  }
  close() {
    return this.follower.close();
  }
  async looksChanged() {
    return await this.look() !== this.signature;
  }
  async reload() {
    const signature = await this.look();
    if (signature === this.signature)
      return;
    this.signature = signature;
    this.changed();
  }
  async look() {
    return signatureOf(await stat3(this.file, { bigint: true }).catch(() => void 0));
  }
};

// dist/cli/serve/startup-message.js
import { existsSync } from "node:fs";
import { basename, dirname, join as join3, relative } from "node:path";
var examplePort = 18e3;
function startupMessage(paths, grpc, { rest, admin, tls, from } = {}) {
  const lines = [`xDS over gRPC  ${written(grpc)}`];
  if (rest)
    lines.push(`xDS over REST  http${tls ? "s" : ""}://${written(rest)}/v3/discovery:<type>`);
  if (admin)
    lines.push(`Admin port     http://${written(admin)}`);
  lines.push("", "Point an Envoy at it:", "", ...envoyCommand(paths, grpc, tls, from).map((line) => `  ${line}`), "");
  return `${lines.join("\n")}
`;
}
function envoyCommand(paths, grpc, tls, from) {
  const bootstrap = join3(dirname(paths[0] ?? ""), "envoy.yaml");
  const isExample = paths.length === 1 && basename(paths[0] ?? "") === "quickstart" && existsSync(bootstrap);
  if (isExample && grpc.port === examplePort && !tls)
    return [`envoy -c ${relative("", bootstrap)}`, "curl http://127.0.0.1:10000   # once it runs"];
  const server = written({ ...grpc, host: anyAddress.has(grpc.host) ? "127.0.0.1" : grpc.host });
  const kept = from === void 0 ? "" : ` --from ${from}`;
  return [
    `${calledAs()} bootstrap${kept} --server ${server}${tlsFlags(tls)} > bootstrap.yaml`,
    "envoy -c bootstrap.yaml"
  ];
}
function tlsFlags(tls) {
  if (!tls)
    return "";
  const own = tls.clientCaFile === void 0 ? "" : " --tls-cert client.pem --tls-key client-key.pem";
  return ` --tls-ca ca.pem${own}`;
}
var anyAddress = /* @__PURE__ */ new Set(["0.0.0.0", "::"]);
function calledAs() {
  if (process.env.npm_command === "exec")
    return "npx ts-control-plane";
  const script = process.argv[1] ?? "xds";
  return basename(script) === "xds" ? "xds" : `node ${relative("", script)}`;
}
var written = ({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`;

// dist/cli/terminal/open-files.js
import { readdirSync, readFileSync } from "node:fs";
var spare = 64;
function connectionRoom() {
  const files = mostOpenFiles();
  const all = Number.isFinite(files) ? files - readdirSync("/proc/self/fd").length - spare : files;
  const admin = Math.max(1, Math.min(100, Math.floor(all / 4)));
  return { files, clients: Math.max(1, Math.floor((all - admin) / 2)), admin };
}
function mostOpenFiles() {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(soft ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

// dist/cli/commands/serve.js
var fewConnections = 500;
var description = `Serve resources from files to Envoys and gRPC clients, and follow changes of the files.

Files end in .yaml, .yml or .json. A document is an object with a list \`resources:\` of objects with \`@type\`; or one such object; or an Envoy's own configuration: a static bootstrap or a /config_dump. Some parts of an Envoy's own configuration cannot be served; the others are served. docs/configuration.md has the details.

Every node gets all files, except those in <directory>/groups/<group>/. These are served in addition, only to the nodes of that group.

At the first start, the program exits with code 1 if a file has a mistake, or if Envoy would refuse a resource (see \`xds validate\`). Later, such a problem is reported, and the last good configuration stays served. Configurations are kept as revisions in a state directory, so a restart serves the last good one too (docs/rollouts.md). SIGTERM and SIGINT drain. A second one ends the program at once. SIGHUP makes the program read everything again.

An option with "env:" below can also be set by that variable, and in the file xds.yaml. Example: --tls-cert is \`tls: {cert: \u2026}\` in the file. The paths can also come from XDS_PATHS, with ":" between them, or from \`paths:\` in the file. Rules for groups are in the file only. The first matching rule decides: \`node_groups: [{group: edge, id: "edge-*"}, {group: eu, locality: {region: "eu-*"}}]\`. A flag overrides the environment, and the environment overrides the file.`;
function addServe(program, exit) {
  const command = program.command("serve").summary("serve resources from files to Envoys and gRPC clients, and follow changes of the files").description(description).argument("[path...]", pathsHelp).addOption(configOption()).option("--check", "check the configuration without serving it: print errors and notes as `xds validate` does, and exit with 0 or 1").addOption(outputOption());
  addSettings(command);
  addExamples(command, [
    ["xds serve config/", "serves the files in config/ on 127.0.0.1:18000"],
    ["xds serve envoy.yaml", "serves the listeners and clusters of an Envoy's static configuration"],
    [
      "xds serve config/ --node-group cluster --port 0",
      "nodes with --service-cluster edge also get the files in config/groups/edge/"
    ],
    ["xds serve config/ --envoy /usr/bin/envoy", "also accepts fields that this Envoy has and the built-in API lacks"]
  ]);
  command.action(async (paths, options) => exit(await serve(paths, options, command)));
}
async function serve(given, options, command) {
  const { config, check, output } = options;
  if (!check && command.getOptionValueSource("output") !== "default")
    throw new UsageError("--output is the format of the report of --check; --log-format is that of the log");
  const call = await readCall(given, config, command, settingNames);
  const { paths, settings: settings2, groupRules, file } = call;
  const isReplica = settings2.store !== void 0 && paths.length + call.layered.length === 0 && !check;
  if (!isReplica)
    checkPaths(call, check ? "check" : "serve");
  const rereading = new Rereading(call, async () => {
    const again = await readCall(given, file ?? config, command, settingNames);
    if (!isReplica)
      checkPaths(again, "serve");
    checkSettings(again, isReplica);
    return again;
  });
  if (check)
    endOnHangup();
  else
    onHangup(() => rereading.ask());
  checkSettings(call, isReplica);
  const rollout = rolloutOptions(settings2);
  const tls = tlsFilePaths(settings2);
  await useApi(settings2);
  const { validation, unmatchedNodes, descriptors, envoy, resourceType } = settings2;
  const ownLog = createLog(settings2.logLevel, settings2.logFormat);
  const log = check ? plainLog : ownLog;
  if (file !== void 0)
    log.info({ file }, "settings read");
  const api = descriptors ?? envoy;
  if (api !== void 0)
    log.info({ file: api }, "using the API of this file");
  const thread = isReplica ? void 0 : readingThread(settings2, log);
  thread?.rest();
  const source = isReplica ? void 0 : new DirectorySource(paths, {
    except: file === void 0 ? [] : [file],
    groups: call.layered,
    checks: validation !== "off",
    resourceType,
    ...thread && { thread },
    heap: new Heap()
  });
  const { SourceServer } = await import("./source-server-37F7PDOH.js");
  const locate = thread && locatedBy(thread);
  const rationedLog = new RationedLog(log);
  const room = connectionRoom();
  if (room.clients < fewConnections)
    log.warn(room, "few clients can connect, because the process may open few files; raise the limit, for example with ulimit -n");
  const { adminHost, adminPort, allowedHosts = [] } = settings2;
  const opened = check ? void 0 : await openStore(settings2, call.statePaths, log);
  const canOrder = opened?.directory !== void 0 || settings2.adminTokenFile !== void 0;
  if (opened && source && !canOrder && settings2.stateDir !== "memory" && settings2.removalGuard !== "off")
    log.warn({}, "changes that remove much are not held, because nobody could approve them without --admin-token-file");
  const serving = new SourceServer(source, {
    rules: isReplica ? { rules: [] } : { rules: groupRules, field: groupField(call) },
    ...settings2.store && { checkRules: (rules) => checkRules(settings2, rules) },
    store: opened?.store,
    sourceName: paths.join(", "),
    keepRevisions: settings2.keepRevisions,
    guards: { removal: canOrder ? settings2.removalGuard : "off" },
    liveTypes: settings2.liveTypes,
    checks: {
      missingTarget: settings2.missingTarget,
      knownClusters: settings2.knownClusters,
      verdict: settings2.checkEnvoy === void 0 ? void 0 : await envoyVerdict(settings2.checkEnvoy)
    },
    rollout: rollout ?? (settings2.store && {}),
    isGradual: rollout !== void 0,
    control: { stateDirectory: opened?.directory, tokenFile: settings2.adminTokenFile },
    unmatchedNodes,
    validation,
    server: serverOptions(settings2, log, rationedLog, room.clients),
    tls,
    admin: adminPort === "off" ? void 0 : { host: adminHost, port: adminPort, allowedHosts, connections: room.admin },
    logger: log,
    locate
  });
  const warn = (reading) => {
    if ("problems" in reading)
      return;
    warnOfGroups(groupRules, reading.configuration, log);
    const exposed2 = exposure(settings2, reading.configuration);
    if (exposed2 !== void 0)
      log.warn({}, exposed2);
  };
  if (check) {
    if (tls)
      await (await ServerCertificates.open(tls, serving.server, log).catch(withFlags(tls))).close();
    const reading = await source.open(() => {
    });
    warn(reading);
    const report = await checkReport(reading, { validation, servesOthers: unmatchedNodes === "default" }, locate);
    await serving.close();
    printReport(output, report);
    return report.counts.error > 0 ? 1 : 0;
  }
  const first = await serving.open(warn).catch(withFlags(tls)).catch(withAdvice('choose another port with --admin-port, or "off"'));
  if ("problems" in first && first.lastGood === void 0)
    return reportProblems(first.problems);
  if ("problems" in first)
    reportLastGood(first, log);
  const exposed = isReplica ? exposure(settings2, void 0) : void 0;
  if (exposed !== void 0)
    log.warn({}, exposed);
  if (isReplica && groupRules.length > 0)
    log.warn({ file }, "node_groups has no effect: a replica has its groups from the store");
  rereading.start({ source, serving, log: ownLog });
  const watch = file === void 0 ? void 0 : new SettingsWatch(file, () => rereading.ask());
  await watch?.start();
  const ended = ending();
  try {
    const { grpc, rest } = await listen(serving, settings2);
    const revision = serving.revisions?.head.stable;
    const isServed = "published" in first && "revision" in first.published;
    if ("follows" in first)
      reportFollowed(first.follows, settings2.store?.text ?? "", log);
    else if ("problems" in first || !isServed)
      log.info({ revision }, "serving the last good revision");
    else if (isEmpty(first.configuration))
      log.warn({ paths }, nothingServed);
    else
      log.info(summary(first.configuration), "serving");
    await logWritten(logOrderMs);
    const [own, ...others] = "unserved" in first ? first.unserved ?? [] : [];
    const from = others.length === 0 ? own?.file : void 0;
    process.stdout.write(startupMessage(paths, grpc, { rest, admin: serving.admin?.address, tls, from }));
  } catch (error) {
    await Promise.all([serving.close(), watch?.close()]);
    throw error;
  }
  const signal = await ended;
  await watch?.close();
  log.info({ signal }, "draining; a second signal ends the program at once");
  await serving.drain({ timeoutMs: rereading.settings.drainTime });
  rationedLog.close();
  log.info({}, "drained");
  return 0;
}
function warnOfGroups(rules, { groups }, log) {
  for (const group of new Set(rules.map((rule) => rule.group)))
    if (!groups.has(group))
      log.warn({ group }, `a rule names this group, but no directory groups/${group} has files for it`);
}
var logOrderMs = 1e3;
function listen(serving, { host, port, restPort, allowedHosts = [] }) {
  const listens = serving.listen({ host, port, allowedHosts, ...restPort !== "off" && { restPort } });
  return listens.catch(withAdvice("choose other ports with --port and --rest-port"));
}
var withAdvice = (advice) => (error) => {
  if (!(error instanceof XdsError) || error.code !== "CANNOT_LISTEN")
    throw error;
  throw new XdsError(error.code, `${messageOf(error)}
${advice}`);
};
function reportLastGood({ problems, lastGood }, log) {
  for (const problem of problems.slice(0, mostLines))
    log.error({ code: problem.code }, lineOf(problem));
  log.error({ problems: problems.length, revision: lastGood }, "the configuration cannot be served; the last good revision is served until it can be");
}
function reportFollowed(revision, store, log) {
  if (revision > 0)
    log.info({ revision, store }, "serving what is published in the store");
  else
    log.warn({ store }, "nothing is served until the store has a revision; /ready says why");
}
async function checkReport(reading, { validation, servesOthers }, locate) {
  const options = validation === "off" ? void 0 : { strict: validation === "strict", servesOthers };
  return reportOf(await located(entriesOf(reading, options), locate), reading);
}
function reportProblems(problems) {
  const lines = problems.slice(0, mostLines).map(formatEntry);
  if (problems.length > mostLines)
    lines.push(`\u2026 and ${problems.length - mostLines} more; xds validate prints all`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  process.stderr.write(`${lines.join("\n")}
xds: ${count}; nothing is served
`);
  return 1;
}
function summary(configuration) {
  const { groups } = configuration;
  const counts = {};
  for (const { type } of allResources(configuration))
    counts[type.name] = (counts[type.name] ?? 0) + 1;
  return { ...counts, ...groups.size > 0 && { groups: [...groups.keys()] } };
}
export {
  addServe
};
