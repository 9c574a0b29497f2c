import { randomBytes } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../../errors.js";
import {
  type AuditEntry,
  type Away,
  checkKeys,
  type Hash,
  type Lease,
  lostLease,
  type Move,
  mostPresent,
  type Store,
  type StoredHead,
} from "../store.js";
import { Announcement } from "./announcement.js";
import { EtcdBlobs } from "./etcd-blobs.js";
import { EtcdClient } from "./etcd-client.js";
import { HeldLease } from "./held-lease.js";
import { type KeyValue, KeyWatch } from "./key-watch.js";
import { bytesOf, Keys, mostOperations, pages, requestBytes } from "./keys.js";
import { compareTarget, type EtcdInit, newestFirst } from "./messages.js";
import { type EtcdSettings, type EtcdStoreOptions, readOptions } from "./options.js";
import { decodeValue, encodeValue } from "./values.js";

/** The most audit entries that are kept. */
const mostAudit = 10_000;
/** The most ids of moves in a head. */
const mostMoves = 16;

/** The value of `head`. */
interface HeadValue {
  /** The ids of the last moves, newest last. A process that got no answer finds its id here if its move was made. */
  readonly moves: readonly string[];
  readonly head: JsonValue;
}

/** The newest head that is known. */
interface Seen {
  readonly stored: StoredHead;
  readonly moves: readonly string[];
}

type Operation = EtcdInit<"RequestOp">;

/**
 * A store in etcd, for several processes on several machines. Each process watches the head, so it sees the moves of
 * the others.
 *
 *     /xds/v1/<configuration>/head                 the head, and the ids of the last moves
 *                            /record/<kind>/<id>
 *                            /blob/<hash>          that there is a blob, and since when
 *                            /part/<hash>/<n>      gzip of a part of a blob, at most 512 KiB
 *                            /audit/<time>-<id>
 *                            /lease/<name>         who has the lease, for as long as it is kept
 *                            /replica/<id>         what a process announces, for as long as it renews it
 *
 * Values are JSON. Those longer than 4 KiB are compressed with gzip. The version of a head is etcd's version of its
 * key: how often the key was changed.
 */
export class EtcdStore implements Store {
  private readonly client: EtcdClient;
  private readonly keys: Keys;
  private readonly blobs: EtcdBlobs;
  private readonly listeners = new Set<(head: StoredHead) => void>();
  private readonly leases = new Set<HeldLease>();
  private readonly announcements = new Map<string, Announcement>();
  private seen: Seen = { stored: { version: 0, head: undefined }, moves: [] };
  private watch: KeyWatch | undefined;
  private closing: Promise<void> | undefined;

  private constructor(private readonly settings: EtcdSettings) {
    this.client = new EtcdClient(settings.client);
    this.keys = new Keys(settings.prefix);
    this.blobs = new EtcdBlobs(this.client, this.keys, settings.unusedBlobsMs);
  }

  /**
   * Connects to etcd, reads the head and watches it from then on.
   * @throws XdsError INVALID_OPTION; STORE_AWAY if etcd gives no answer; STORE_FAILED if it refuses the user or the
   * certificate; STORE_DAMAGED if the head cannot be read
   */
  static async open(options: EtcdStoreOptions): Promise<EtcdStore> {
    const store = new EtcdStore(readOptions(options));
    try {
      const revision = await store.look(store.settings.openTimeoutMs);
      store.watch = new KeyWatch(store.client, store.watchOptions(), revision + 1n);
      return store;
    } catch (error) {
      store.client.close();
      throw error;
    }
  }

  /** Set while no member of etcd answers. */
  get away(): Away | undefined {
    return this.watch?.away;
  }

  private watchOptions() {
    const { lookMs, logger } = this.settings;
    const read = () => this.look();
    const changed = (kv: KeyValue | undefined) => {
      if (kv) this.see(kv);
      else logger.error({ key: this.keys.text("head") }, "somebody has deleted the head of the store");
    };
    return { key: this.keys.of("head"), read, changed, lookMs, logger };
  }

  async putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Hash[]> {
    return this.blobs.put(blobs);
  }

  async keepBlobs(hashes: readonly Hash[]): Promise<readonly Hash[]> {
    return this.blobs.keep(hashes);
  }

  async readBlob(hash: Hash): Promise<Uint8Array> {
    return this.blobs.read(hash);
  }

  /** As {@link Store.collect}. Removes the oldest audit entries, too. */
  async collect(used: ReadonlySet<Hash>): Promise<number> {
    const removed = await this.blobs.collect(used);
    await this.trimAudit();
    return removed;
  }

  /** As {@link Store.readHead}. */
  async readHead(): Promise<StoredHead> {
    await this.look();
    return this.seen.stored;
  }

  async moveHead(from: number, { head, put = {}, audit, lease }: Move): Promise<number | undefined> {
    this.checkOpen();
    checkKeys(Object.keys(put));
    const held = lease && this.heldLease(lease);
    if (this.seen.stored.version < from) await this.look();
    if (this.seen.stored.version !== from) return undefined;
    const move = randomBytes(8).toString("hex");
    const value: HeadValue = { moves: [...this.seen.moves.slice(1 - mostMoves), move], head };
    const key = this.keys.of("head");
    const success = [
      ...this.putsOf(put),
      ...(audit ? [this.noteOf(audit)] : []),
      { requestPut: { key, value: encodeValue(value) } },
    ];
    checkSize(success);
    const { succeeded, responses } = await this.client.call("Txn", {
      compare: [
        { target: compareTarget.version, key, version: BigInt(from) },
        ...(held ? [{ target: compareTarget.createRevision, key: held.key, createRevision: held.createRevision }] : []),
      ],
      success,
      failure: [{ requestRange: { key } }, ...(held ? [{ requestRange: { key: held.key } }] : [])],
    });
    if (succeeded) {
      this.moved({ stored: { version: from + 1, head: structuredClone(head) }, moves: value.moves });
      return from + 1;
    }
    const [now, holder] = responses.map(({ responseRange }) => responseRange?.kvs[0]);
    if (now) this.see(now);
    // An earlier try has made the move, and its answer was lost.
    if (this.seen.moves.includes(move)) return from + 1;
    if (held && holder?.createRevision !== held.createRevision) {
      held.lose();
      throw lostLease();
    }
    return undefined;
  }

  onMove(listener: (head: StoredHead) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async readRecord(key: string): Promise<JsonValue | undefined> {
    checkKeys([key]);
    const { kvs } = await this.client.call("Range", { key: this.keys.of(`record/${key}`) });
    return kvs[0] && decodeValue(kvs[0].key, kvs[0].value);
  }

  async listRecords(kind: string): Promise<readonly string[]> {
    const path = `record/${kind}/`;
    const ids: string[] = [];
    for await (const kvs of pages(this.client, this.keys.below(path), true))
      for (const { key } of kvs) ids.push(this.keys.idIn(path, key));
    return ids;
  }

  async putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    checkKeys(Object.keys(records));
    const success = this.putsOf(records);
    checkSize(success);
    await this.client.call("Txn", { success });
  }

  /** As {@link Store.removeRecords}. It removes at most 100 records in one transaction. */
  async removeRecords(keys: readonly string[]): Promise<void> {
    checkKeys(keys);
    const all = keys.map((key) => ({ requestDeleteRange: { key: this.keys.of(`record/${key}`) } }));
    for (let at = 0; at < all.length; at += mostOperations)
      await this.client.call("Txn", { success: all.slice(at, at + mostOperations) });
  }

  /** As {@link Store.audit}. */
  async audit(entry: AuditEntry): Promise<void> {
    const success = [this.noteOf(entry)];
    checkSize(success);
    await this.client.call("Txn", { success });
  }

  async readAudit(most: number): Promise<readonly AuditEntry[]> {
    this.checkOpen();
    if (most < 1) return [];
    const limit = BigInt(Math.min(most, mostAudit));
    const { kvs } = await this.client.call("Range", { ...this.keys.below("audit/"), limit, ...newestFirst });
    return kvs.map(({ key, value }) => decodeValue(key, value) as unknown as AuditEntry);
  }

  async lease(name: string): Promise<Lease | undefined> {
    checkKeys([`lease/${name}`]);
    const key = this.keys.of(`lease/${name}`);
    const onLost = (lost: HeldLease) => void this.leases.delete(lost);
    const lease = await HeldLease.take(this.client, key, this.settings.leaseSeconds, onLost);
    if (lease && !lease.lost.aborted) this.leases.add(lease);
    return lease;
  }

  async announce(id: string, value: JsonValue): Promise<void> {
    this.checkOpen();
    checkKeys([`replica/${id}`]);
    let announcement = this.announcements.get(id);
    announcement ??= new Announcement(this.client, this.keys.of(`replica/${id}`), this.settings.leaseSeconds);
    this.announcements.set(id, announcement);
    await announcement.put(encodeValue(value as JsonValue));
  }

  async present(): Promise<ReadonlyMap<string, JsonValue>> {
    const path = "replica/";
    const { kvs } = await this.client.call("Range", { ...this.keys.below(path), limit: BigInt(mostPresent) });
    return new Map(kvs.map(({ key, value }) => [this.keys.idIn(path, key), decodedOrNull(key, value)]));
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.listeners.clear();
    const watching = this.watch?.close();
    const kept = [...this.leases, ...this.announcements.values()];
    await Promise.all(kept.map((lease) => lease.release()));
    this.client.close();
    await watching;
  }

  /** Reads the head now. Returns etcd's revision at that moment. */
  private async look(timeoutMs?: number): Promise<bigint> {
    const before = this.seen.stored.version;
    const { kvs, header } = await this.client.call("Range", { key: this.keys.of("head") }, timeoutMs);
    const version = Number(kvs[0]?.version ?? 0n);
    if (version < before)
      throw new XdsError(
        "STORE_DAMAGED",
        `${this.keys.text("head")} in etcd has gone back from version ${before} to ${version}: it was deleted, or restored from a backup; start again to go on from what is there`,
      );
    if (kvs[0]) this.see(kvs[0]);
    return header?.revision ?? 0n;
  }

  /** Takes a head from etcd. It can be older than the one that is known. */
  private see({ key, version, value }: KeyValue): void {
    if (Number(version) <= this.seen.stored.version) return;
    const { moves, head } = decodeValue(key, value) as unknown as HeadValue;
    this.moved({ stored: { version: Number(version), head }, moves });
  }

  private moved(seen: Seen): void {
    if (this.closing || seen.stored.version <= this.seen.stored.version) return;
    this.seen = seen;
    for (const listener of [...this.listeners])
      try {
        listener(seen.stored);
      } catch (error) {
        this.settings.logger.error({ error: messageOf(error) }, "a listener for moves of the head has failed");
      }
  }

  private putsOf(records: Readonly<Record<string, JsonValue>>): Operation[] {
    return Object.entries(records).map(([key, value]) => ({
      requestPut: { key: this.keys.of(`record/${key}`), value: encodeValue(value as JsonValue) },
    }));
  }

  private noteOf(entry: AuditEntry): Operation {
    const key = this.keys.of(`audit/${String(entry.at).padStart(15, "0")}-${randomBytes(4).toString("hex")}`);
    return { requestPut: { key, value: encodeValue(entry) } };
  }

  private async trimAudit(): Promise<void> {
    const all = this.keys.below("audit/");
    const { count } = await this.client.call("Range", { ...all, countOnly: true });
    const limit = count - BigInt(mostAudit);
    if (limit <= 0n) return;
    const { kvs } = await this.client.call("Range", { ...all, limit, keysOnly: true });
    const last = kvs.at(-1);
    if (!last) return;
    const old = { key: all.key, rangeEnd: new Uint8Array([...last.key, 0]) };
    await this.client.call("Txn", { success: [{ requestDeleteRange: old }] });
  }

  private heldLease(lease: Lease): HeldLease {
    if (lease.lost.aborted) throw lostLease();
    if (lease instanceof HeldLease && this.leases.has(lease)) return lease;
    throw new XdsError("INVALID_OPTION", "the lease of a move must be one of the same store");
  }

  private checkOpen(): void {
    if (this.closing) throw new XdsError("WRONG_STATE", "the store is closed");
  }
}

function decodedOrNull(key: Uint8Array, value: Uint8Array): JsonValue {
  try {
    return decodeValue(key, value);
  } catch {
    return null;
  }
}

/** Checks that operations fit into one transaction of etcd. @throws XdsError INVALID_OPTION */
function checkSize(operations: readonly Operation[]): void {
  const bytes = operations.reduce((sum, operation) => sum + bytesOf(operation), 0);
  if (operations.length > mostOperations)
    throw new XdsError(
      "INVALID_OPTION",
      `etcd takes at most ${mostOperations} values at once, not ${operations.length}`,
    );
  if (bytes > requestBytes)
    throw new XdsError("INVALID_OPTION", `etcd takes at most ${requestBytes} bytes at once, compressed, not ${bytes}`);
}
