import type { JsonValue } from "@bufbuild/protobuf";
import { XdsError } from "../../errors.js";
import type { Calls } from "../../ipc/calls.js";
import {
  type AuditEntry,
  type Away,
  type Hash,
  type Lease,
  lostLease,
  type Move,
  type Store,
  type StoredHead,
} from "../store.js";
import type { SentMove } from "./served-store.js";

/**
 * A store of another process, which has called `serveStore()`. If that process is gone, calls reject with STORE_AWAY,
 * and all leases are lost.
 */
export class IpcStore implements Store {
  private readonly listeners = new Set<(head: StoredHead) => void>();
  /** The leases that are held here, and the ends of their signals, by the numbers that the other process gave them. */
  private readonly leases = new Map<number, AbortController>();
  private readonly ids = new WeakMap<Lease, number>();
  /** The head of the last message about it. */
  private newest: StoredHead | undefined;
  private goneAt: number | undefined;
  private isClosed = false;

  private constructor(private readonly calls: Calls) {
    calls.serve({
      "store.moved": (head: StoredHead) => {
        this.newest = head;
        for (const listener of [...this.listeners]) listener(head);
      },
      "store.lost": (id: number) => this.lost(id),
    });
    calls.gone.addEventListener("abort", this.gone);
  }

  /** Opens the store of the other process of these calls. @throws XdsError STORE_AWAY if that process is gone */
  static async open(calls: Calls): Promise<IpcStore> {
    const store = new IpcStore(calls);
    await calls.call("store.follow");
    return store;
  }

  /** Set when the process that has the store is gone. It does not come back. */
  get away(): Away | undefined {
    return this.goneAt === undefined
      ? undefined
      : { since: this.goneAt, error: "the process that has the store is gone" };
  }

  async putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Hash[]> {
    return this.call("putBlobs", blobs);
  }

  async keepBlobs(hashes: readonly Hash[]): Promise<readonly Hash[]> {
    return this.call("keepBlobs", hashes);
  }

  async readBlob(hash: Hash): Promise<Uint8Array> {
    return this.call("readBlob", hash);
  }

  async collect(used: ReadonlySet<Hash>): Promise<number> {
    return this.call("collect", used);
  }

  /** As {@link Store.readHead}. */
  async readHead(): Promise<StoredHead> {
    const read = await this.call<StoredHead>("readHead");
    // A message that came together with the answer was heard before the caller could listen.
    return this.newest && this.newest.version > read.version ? this.newest : read;
  }

  async moveHead(from: number, { lease, ...move }: Move): Promise<number | undefined> {
    const id = lease && this.ids.get(lease);
    if (lease && (id === undefined || lease.lost.aborted)) throw lostLease();
    const sent: SentMove = { ...move, ...(id !== undefined && { lease: id }) };
    return this.call("moveHead", from, sent);
  }

  onMove(listener: (head: StoredHead) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async readRecord(key: string): Promise<JsonValue | undefined> {
    return this.call("readRecord", key);
  }

  async listRecords(kind: string): Promise<readonly string[]> {
    return this.call("listRecords", kind);
  }

  async putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    return this.call("putRecords", records);
  }

  /** As {@link Store.removeRecords}. */
  async removeRecords(keys: readonly string[]): Promise<void> {
    return this.call("removeRecords", keys);
  }

  /** As {@link Store.audit}. */
  async audit(entry: AuditEntry): Promise<void> {
    return this.call("audit", entry);
  }

  async readAudit(most: number): Promise<readonly AuditEntry[]> {
    return this.call("readAudit", most);
  }

  async lease(name: string): Promise<Lease | undefined> {
    const id = await this.call<number | undefined>("lease", name);
    if (id === undefined) return undefined;
    const controller = new AbortController();
    this.leases.set(id, controller);
    const release = async () => {
      if (!this.leases.has(id)) return;
      this.lost(id);
      if (!this.calls.gone.aborted) await this.calls.call("store.release", [id]);
    };
    const lease = { lost: controller.signal, release };
    this.ids.set(lease, id);
    return lease;
  }

  /** Releases the leases, and follows the head no more. The store of the other process stays open. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.listeners.clear();
    this.calls.gone.removeEventListener("abort", this.gone);
    this.loseAll();
    if (!this.calls.gone.aborted) await this.calls.call("store.end").catch(() => {}); // a process that is gone has none
  }

  private readonly gone = () => {
    this.goneAt = Date.now();
    this.loseAll();
  };

  private async call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    if (this.isClosed) throw new XdsError("WRONG_STATE", "the store is closed");
    return this.calls.call<T>(`store.${method}`, args);
  }

  private lost(id: number): void {
    this.leases.get(id)?.abort();
    this.leases.delete(id);
  }

  private loseAll(): void {
    for (const id of [...this.leases.keys()]) this.lost(id);
  }
}
