import type { JsonValue } from "@bufbuild/protobuf";
import { XdsError } from "../errors.js";
import {
  type AuditEntry,
  checkKeys,
  type Hash,
  hashOf,
  type Lease,
  lostLease,
  type Move,
  mostPresent,
  type Store,
  type StoredHead,
} from "./store.js";

/** The most audit entries that are kept. */
const mostAudit = 10_000;

/** A store in memory. Its content is lost when the process ends. */
export class MemoryStore implements Store {
  private readonly blobs = new Map<Hash, Uint8Array>();
  private readonly records = new Map<string, JsonValue>();
  private readonly listeners = new Set<(head: StoredHead) => void>();
  private readonly leases = new Map<string, AbortController>();
  private readonly announced = new Map<string, JsonValue>();
  private readonly log: AuditEntry[] = [];
  private stored: StoredHead = { version: 0, head: undefined };
  private isClosed = false;

  async putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Hash[]> {
    this.check();
    return blobs.map((bytes) => {
      const hash = hashOf(bytes);
      if (!this.blobs.has(hash)) this.blobs.set(hash, bytes.slice());
      return hash;
    });
  }

  async keepBlobs(hashes: readonly Hash[]): Promise<readonly Hash[]> {
    this.check();
    return hashes.filter((hash) => !this.blobs.has(hash));
  }

  async readBlob(hash: Hash): Promise<Uint8Array> {
    this.check();
    const bytes = this.blobs.get(hash);
    if (!bytes) throw new XdsError("STORE_DAMAGED", `the store has no blob ${hash}`);
    return bytes;
  }

  async collect(used: ReadonlySet<Hash>): Promise<number> {
    this.check();
    const unused = [...this.blobs.keys()].filter((hash) => !used.has(hash));
    for (const hash of unused) this.blobs.delete(hash);
    return unused.length;
  }

  /** As {@link Store.readHead}. */
  async readHead(): Promise<StoredHead> {
    this.check();
    return this.stored;
  }

  async moveHead(from: number, { head, put = {}, audit, lease }: Move): Promise<number | undefined> {
    this.check();
    if (lease?.lost.aborted) throw lostLease();
    if (from !== this.stored.version) return undefined;
    this.put(put);
    if (audit) this.note(audit);
    this.stored = { version: from + 1, head: structuredClone(head) };
    for (const listener of [...this.listeners]) listener(this.stored);
    return this.stored.version;
  }

  onMove(listener: (head: StoredHead) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async readRecord(key: string): Promise<JsonValue | undefined> {
    this.check();
    return this.records.get(key);
  }

  async listRecords(kind: string): Promise<readonly string[]> {
    this.check();
    const start = `${kind}/`;
    return [...this.records.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
  }

  async putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    this.check();
    this.put(records);
  }

  /** As {@link Store.removeRecords}. */
  async removeRecords(keys: readonly string[]): Promise<void> {
    this.check();
    for (const key of keys) this.records.delete(key);
  }

  /** As {@link Store.audit}. */
  async audit(entry: AuditEntry): Promise<void> {
    this.check();
    this.note(entry);
  }

  async readAudit(most: number): Promise<readonly AuditEntry[]> {
    this.check();
    return this.log.slice(-most).reverse();
  }

  async lease(name: string): Promise<Lease | undefined> {
    this.check();
    if (this.leases.has(name)) return undefined;
    const controller = new AbortController();
    this.leases.set(name, controller);
    const release = async () => {
      if (this.leases.get(name) === controller) this.leases.delete(name);
      controller.abort();
    };
    return { lost: controller.signal, release };
  }

  /** As {@link Store.announce}. All processes of a store in memory are this one, so they stay present. */
  async announce(id: string, value: JsonValue): Promise<void> {
    this.check();
    checkKeys([`replica/${id}`]);
    this.announced.set(id, structuredClone(value));
  }

  async present(): Promise<ReadonlyMap<string, JsonValue>> {
    this.check();
    return new Map([...this.announced].slice(0, mostPresent));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const controller of this.leases.values()) controller.abort();
    this.leases.clear();
    this.listeners.clear();
  }

  private put(records: Readonly<Record<string, JsonValue>>): void {
    checkKeys(Object.keys(records));
    for (const [key, value] of Object.entries(records)) this.records.set(key, structuredClone(value));
  }

  private note(entry: AuditEntry): void {
    this.log.push(structuredClone(entry));
    if (this.log.length > mostAudit) this.log.shift();
  }

  private check(): void {
    if (this.isClosed) throw new XdsError("WRONG_STATE", "the store is closed");
  }
}
