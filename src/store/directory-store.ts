import { chmod, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { JsonValue } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import { type Disk, disk as machine, replaceFile } from "./disk.js";
import { FolderLock } from "./folder-lock.js";
import { MemoryStore } from "./memory-store.js";
import {
  type AuditEntry,
  checkKeys,
  type Hash,
  hashOf,
  type Lease,
  lostLease,
  type Move,
  type Store,
  type StoredHead,
} from "./store.js";

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The content of the file `format`. A later format gets another number. */
const format = "ts-control-plane state 1\n";
/** Above this size, in bytes, a new audit log is begun. The previous one is kept. */
const auditBytes = 1 << 20;
/** How many files are written at the same time. */
const atOnce = 16;

/** Options of a {@link DirectoryStore}. */
export interface DirectoryStoreOptions {
  /** @internal */
  readonly disk?: Disk;
  /** @internal After this silence, in milliseconds, an owner on another machine counts as dead. */
  readonly lockSilentMs?: number;
}

/**
 * Takes the rights to a folder from all other users. A folder of another user, such as a volume's, stays as it is; it
 * is refused if every user can write it.
 */
async function makePrivate(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder);
  if ((mode & 0o077) === 0 || process.platform === "win32") return;
  const isOwn = uid === process.geteuid?.(); // root could change the mode, but the folder stays the other user's
  if (isOwn) await chmod(folder, 0o700);
  else if ((mode & 0o002) !== 0)
    throw new XdsError(
      "STORE_FAILED",
      `${folder} belongs to another user, and every user can write it; use a folder in it`,
    );
}

/**
 * A store in a folder, for one process at a time. Folders have mode 0700 and files 0600, because resources can contain
 * private keys.
 *
 *     format                the version of this format
 *     lock                  the process that has the folder open
 *     head.json             {version, head}
 *     blob/<2 digits>/<hash>   a blob, as gzip
 *     record/<kind>/<id>.json
 *     audit.log, audit.1.log   a JSON object on each line
 *
 * A file is written under another name, synced and renamed. Then its folder is synced. The head is written last. So
 * after a crash at any moment, the store has either the state before a call or the state after it.
 */
export class DirectoryStore implements Store {
  private readonly listeners = new Set<(head: StoredHead) => void>();
  private readonly leases = new MemoryStore();
  /** The blobs that exist on the disk. */
  private readonly known = new Set<Hash>();
  private stored: StoredHead = { version: 0, head: undefined };
  private auditSize = 0;
  /** Changes are made one after the other. */
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  private constructor(
    private readonly folder: string,
    private readonly disk: Disk,
    private readonly lock: FolderLock | undefined,
  ) {}

  /**
   * Opens a folder. If there is none, it makes one.
   * @throws XdsError STORE_LOCKED while another process has the folder open; STORE_FAILED if the folder cannot be read
   * or written, if every user can write it, or if it belongs to another program or format; STORE_DAMAGED if its head is
   * not JSON
   */
  static async open(folder: string, options: DirectoryStoreOptions = {}): Promise<DirectoryStore> {
    const { disk, lockSilentMs } = options;
    const on = disk ?? machine;
    return failing(folder, async () => {
      await on.makeFolder(folder);
      const lock = disk ? undefined : await FolderLock.take(folder, lockSilentMs);
      try {
        const store = new DirectoryStore(folder, on, lock);
        await store.load();
        if (!disk) await makePrivate(folder);
        return store;
      } catch (error) {
        await lock?.release();
        throw error;
      }
    });
  }

  private async load(): Promise<void> {
    const { disk, folder } = this;
    const found = await disk.read(join(folder, "format"));
    if (!found) {
      const others = (await disk.list(folder)).filter((name) => !/^(lock|format)(\.|$)/.test(name));
      if (others.length > 0)
        throw new XdsError("STORE_FAILED", `${folder} has files of another program; use an empty or a new folder`);
      await replaceFile(disk, join(folder, "format"), Buffer.from(format));
      await disk.syncFolder(folder);
    } else if (Buffer.from(found).toString() !== format)
      throw new XdsError(
        "STORE_FAILED",
        `${join(folder, "format")} is ${JSON.stringify(Buffer.from(found).toString().slice(0, 60))}, not ${JSON.stringify(format)}: another version of this program wrote the folder; use that version, or another folder`,
      );
    const head = await disk.read(join(folder, "head.json"));
    if (head) this.stored = parse(join(folder, "head.json"), head) as unknown as StoredHead;
    this.auditSize = (await disk.read(join(folder, "audit.log")))?.length ?? 0;
    for (const part of await disk.list(join(folder, "blob")))
      for (const name of await disk.list(join(folder, "blob", part)))
        if (/^[0-9a-f]{64}$/.test(name)) this.known.add(name);
  }

  putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Hash[]> {
    return this.change(async () => {
      const hashes = blobs.map(hashOf);
      const missing = new Map(hashes.flatMap((hash, at) => (this.known.has(hash) ? [] : [[hash, blobs[at]]])));
      const folders = new Set(Array.from(missing.keys(), (hash) => this.blobFolder(hash)));
      if (folders.size > 0) await this.makeFolders(...folders);
      const todo = [...missing] as [Hash, Uint8Array][];
      const write = async () => {
        for (let next = todo.pop(); next; next = todo.pop())
          await replaceFile(this.disk, join(this.blobFolder(next[0]), next[0]), await compress(next[1], { level: 1 }));
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, todo.length) }, write));
      for (const folder of folders) await this.disk.syncFolder(folder);
      for (const hash of missing.keys()) this.known.add(hash);
      return hashes;
    });
  }

  async keepBlobs(hashes: readonly Hash[]): Promise<readonly Hash[]> {
    this.check();
    return hashes.filter((hash) => !this.known.has(hash));
  }

  async readBlob(hash: Hash): Promise<Uint8Array> {
    this.check();
    const path = join(this.blobFolder(hash), hash);
    const found = await failing(this.folder, () => this.disk.read(path));
    if (!found) throw new XdsError("STORE_DAMAGED", `there is no blob ${path}`);
    const bytes = await decompress(found).catch(() => undefined);
    if (!bytes || hashOf(bytes) !== hash)
      throw new XdsError(
        "STORE_DAMAGED",
        `the blob ${path} is damaged: its content does not have the hash in its name`,
      );
    return bytes;
  }

  collect(used: ReadonlySet<Hash>): Promise<number> {
    return this.change(async () => {
      const unused = [...this.known].filter((hash) => !used.has(hash));
      for (const hash of unused) {
        this.known.delete(hash);
        await this.disk.remove(join(this.blobFolder(hash), hash));
      }
      return unused.length;
    });
  }

  /** As {@link Store.readHead}. */
  async readHead(): Promise<StoredHead> {
    this.check();
    return this.stored;
  }

  moveHead(from: number, { head, put = {}, audit, lease }: Move): Promise<number | undefined> {
    return this.change(async () => {
      if (lease?.lost.aborted) throw lostLease();
      if (from !== this.stored.version) return undefined;
      await this.write(put);
      if (audit) await this.note(audit);
      const stored: StoredHead = { version: from + 1, head };
      await replaceFile(this.disk, join(this.folder, "head.json"), Buffer.from(JSON.stringify(stored)));
      await this.disk.syncFolder(this.folder);
      this.stored = structuredClone(stored);
      for (const listener of [...this.listeners]) listener(this.stored);
      return stored.version;
    });
  }

  onMove(listener: (head: StoredHead) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async readRecord(key: string): Promise<JsonValue | undefined> {
    this.check();
    checkKeys([key]);
    const path = this.recordPath(key);
    const found = await failing(this.folder, () => this.disk.read(path));
    return found && parse(path, found);
  }

  async listRecords(kind: string): Promise<readonly string[]> {
    this.check();
    const names = await failing(this.folder, () => this.disk.list(join(this.folder, "record", kind)));
    return names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
  }

  putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    return this.change(() => this.write(records));
  }

  /** As {@link Store.removeRecords}. */
  removeRecords(keys: readonly string[]): Promise<void> {
    return this.change(async () => {
      checkKeys(keys);
      for (const key of keys) await this.disk.remove(this.recordPath(key));
    });
  }

  /** As {@link Store.audit}. */
  audit(entry: AuditEntry): Promise<void> {
    return this.change(() => this.note(entry));
  }

  async readAudit(most: number): Promise<readonly AuditEntry[]> {
    this.check();
    const entries: AuditEntry[] = [];
    for (const name of ["audit.log", "audit.1.log"]) {
      if (entries.length >= most) break;
      const found = await failing(this.folder, () => this.disk.read(join(this.folder, name)));
      const lines = Buffer.from(found ?? [])
        .toString()
        .split("\n")
        .reverse();
      for (const line of lines) {
        if (entries.length >= most) break;
        // A crash can have cut a line.
        if (isJson(line)) entries.push(JSON.parse(line) as AuditEntry);
      }
    }
    return entries;
  }

  lease(name: string): Promise<Lease | undefined> {
    return this.leases.lease(name);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.listeners.clear();
    await this.last.catch(() => {});
    await this.leases.close();
    await this.lock?.release();
  }

  private async write(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    const keys = Object.keys(records);
    checkKeys(keys);
    const folders = new Set(keys.map((key) => join(this.folder, "record", key.slice(0, key.indexOf("/")))));
    if (folders.size > 0) await this.makeFolders(...folders);
    for (const [key, value] of Object.entries(records))
      await replaceFile(this.disk, this.recordPath(key), Buffer.from(JSON.stringify(value)));
    for (const folder of folders) await this.disk.syncFolder(folder);
  }

  private async note(entry: AuditEntry): Promise<void> {
    const { disk, folder } = this;
    const path = join(folder, "audit.log");
    if (this.auditSize > auditBytes) {
      await disk.rename(path, join(folder, "audit.1.log"));
      this.auditSize = 0;
    }
    // The line break stands before the entry, because a crash can have cut the previous line.
    const line = Buffer.from(`${this.auditSize > 0 ? "\n" : ""}${JSON.stringify(entry)}`);
    await disk.append(path, line);
    await disk.sync(path);
    await disk.syncFolder(folder);
    this.auditSize += line.length;
  }

  /** Makes folders, and makes their names durable. */
  private async makeFolders(...folders: string[]): Promise<void> {
    for (const folder of folders) {
      if (this.made.has(folder)) continue;
      await this.disk.makeFolder(folder);
      for (let above = join(folder, ".."); above.length >= this.folder.length; above = join(above, ".."))
        await this.disk.syncFolder(above);
      this.made.add(folder);
    }
  }
  private readonly made = new Set<string>();

  private readonly blobFolder = (hash: Hash) => join(this.folder, "blob", hash.slice(0, 2));
  private readonly recordPath = (key: string) => `${join(this.folder, "record", key)}.json`;

  private change<T>(act: () => Promise<T>): Promise<T> {
    const result = this.last.then(async () => {
      this.check();
      return failing(this.folder, async () => {
        await this.lock?.check();
        return act();
      });
    });
    this.last = result.catch(() => {});
    return result;
  }

  private check(): void {
    if (this.isClosed) throw new XdsError("WRONG_STATE", "the store is closed");
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parse(path: string, bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as JsonValue;
  } catch (cause) {
    throw new XdsError(
      "STORE_DAMAGED",
      `${path} is not JSON: ${messageOf(cause)}; move the folder away to start without the earlier revisions`,
      { cause },
    );
  }
}

/** Turns errors of the disk into XdsErrors that name the folder. */
async function failing<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("STORE_FAILED", `the state directory ${folder} cannot be used: ${messageOf(cause)}`, { cause });
  }
}
