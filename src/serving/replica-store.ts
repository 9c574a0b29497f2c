import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import type { AuditEntry, Away, Hash, Lease, Move, Store, StoredHead } from "../store/store.js";
import { LocalCopy } from "./local-copy.js";

/** Options of a {@link ReplicaStore}. */
export interface ReplicaStoreOptions {
  /** Connects to the store. It is called again, less and less often, until it succeeds. */
  readonly connect: () => Promise<Store>;
  /** The name of the configuration in the store. */
  readonly configuration: string;
  /** A store for the local copy, such as a `DirectoryStore`. By default there is no copy. */
  readonly copy?: Store | undefined;
  readonly logger?: Logger;
}

/** The waits between two tries to connect, in milliseconds. */
const [firstWaitMs, longestWaitMs] = [500, 5_000];

/** This record is about the clients of one process. It is in its copy only. */
const ownRecord = "refused/marks";

/**
 * A store over a network, and a local copy of what is served. It can be opened and read while the store is away: it
 * then has the head of the copy, and the revisions of that head. It cannot be written then. When the store answers, its
 * head counts.
 */
export class ReplicaStore implements Store {
  private readonly logger: Logger;
  private readonly closing = new AbortController();
  private readonly listeners = new Set<(head: StoredHead) => void>();
  /** {@link ownRecord}, where there is no copy. */
  private own: JsonValue | undefined;
  private seen: StoredHead;
  private remote: Store | undefined;
  private connecting: Promise<void> | undefined;
  /** Set until the store has answered for the first time. */
  private unconnected: Away | undefined;
  /** Our versions are by so much larger than those of the store. See {@link ReplicaStore.attach}. */
  private offset = 0;

  private constructor(
    private readonly options: ReplicaStoreOptions,
    private readonly copy: LocalCopy | undefined,
  ) {
    this.logger = options.logger ?? silentLogger;
    this.seen = copy?.head ?? { version: 0, head: undefined };
  }

  /**
   * Opens the copy, and connects to the store. If the store does not answer, it is tried again until it does.
   * @throws XdsError as `connect` does, if that is not STORE_AWAY and there is nothing in the copy to serve;
   * STORE_FAILED if `copy` has something else; as the calls of `copy` do
   */
  static async open(options: ReplicaStoreOptions): Promise<ReplicaStore> {
    const { copy, configuration, logger = silentLogger } = options;
    const store = new ReplicaStore(options, copy && (await LocalCopy.open(copy, configuration, logger)));
    try {
      await store.connect();
    } catch (error) {
      const isAway = error instanceof XdsError && error.code === "STORE_AWAY";
      if (!isAway && store.seen.head === undefined) {
        await store.close();
        throw error;
      }
      store.failed(error);
      store.connecting = store.reconnect();
    }
    return store;
  }

  get away(): Away | undefined {
    return this.unconnected ?? this.remote?.away;
  }

  /** Saves the present head in the copy. Call it with a head that is served now. */
  served(head: unknown): void {
    // A head that is not the present one is about to be replaced.
    if (head !== this.seen.head || !this.copy) return;
    this.copy.save({ version: this.seen.version - this.offset, head: this.seen.head as JsonValue }, this);
  }

  private async connect(): Promise<void> {
    const remote = await this.options.connect();
    try {
      this.attach(remote, await remote.readHead());
    } catch (error) {
      await remote.close();
      throw error;
    }
    if (this.closing.signal.aborted) await remote.close();
  }

  private async reconnect(): Promise<void> {
    let waitMs = firstWaitMs;
    while (!this.closing.signal.aborted) {
      await sleep(waitMs, undefined, { signal: this.closing.signal }).catch(() => {});
      if (this.closing.signal.aborted) return;
      waitMs = Math.min(waitMs * 2, longestWaitMs);
      try {
        await this.connect();
        return;
      } catch (error) {
        this.failed(error);
      }
    }
  }

  private failed(error: unknown): void {
    if (this.closing.signal.aborted) return;
    const text = messageOf(error);
    const isServing = this.seen.head !== undefined;
    const what = `the store is away: ${isServing ? "the local copy is served" : "nothing is served"} until it answers`;
    if (this.unconnected?.error === text) this.logger.debug({ error: text }, what);
    else this.logger.warn({ error: text }, what);
    this.unconnected = { since: this.unconnected?.since ?? Date.now(), error: text };
  }

  /**
   * Follows the store from now on. Its head counts, even if the copy has a newer one: then the store was restored from
   * a backup. Our versions must not go back, so an offset is added to those of the store. If the store is empty, the
   * copy stays served until something is published.
   */
  private attach(remote: Store, stored: StoredHead): void {
    const { version, head } = this.seen;
    const isOther = stored.version === version && !isDeepStrictEqual(stored.head, head);
    if (stored.head === undefined && head !== undefined) {
      this.offset = version;
      this.logger.error({}, "the store is empty: the local copy is served until something is published");
    } else if (stored.version < version || isOther) {
      this.offset = version + 1 - stored.version;
      this.logger.warn({}, "the head of the store is older than the local copy: the store was restored from a backup");
    }
    if (this.unconnected) this.logger.info({}, "the store answers");
    this.unconnected = undefined;
    this.remote = remote;
    remote.onMove((moved) => this.moved(moved));
    this.moved(stored);
  }

  private ours = ({ version, head }: StoredHead): StoredHead => ({ version: version + this.offset, head });

  private moved(stored: StoredHead): void {
    const ours = this.ours(stored);
    if (ours.version <= this.seen.version) return;
    this.seen = ours;
    for (const listener of [...this.listeners]) listener(ours);
  }

  /** @throws XdsError STORE_AWAY before the store has answered for the first time */
  private connected(): Store {
    if (this.closing.signal.aborted) throw new XdsError("WRONG_STATE", "the store is closed");
    if (this.remote) return this.remote;
    throw new XdsError("STORE_AWAY", `the store has not answered yet: ${this.unconnected?.error ?? "no connection"}`);
  }

  async readHead(): Promise<StoredHead> {
    if (!this.remote || this.remote.away) return this.seen;
    this.moved(await this.remote.readHead());
    return this.seen;
  }

  async moveHead(from: number, move: Move): Promise<number | undefined> {
    const moved = await this.connected().moveHead(from - this.offset, move);
    return moved === undefined ? undefined : moved + this.offset;
  }

  onMove(listener: (head: StoredHead) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async readBlob(hash: Hash): Promise<Uint8Array> {
    const copied = await this.copy?.readBlob(hash);
    if (copied) return copied;
    const bytes = await this.connected().readBlob(hash);
    this.copy?.take(hash, bytes);
    return bytes;
  }

  /** Reads a record of the store. If the store is away, or has no such record any more, it reads that of the copy. */
  async readRecord(key: string): Promise<JsonValue | undefined> {
    if (key === ownRecord) return this.copy ? this.copy.readRecord(key) : this.own;
    try {
      if (this.remote && !this.remote.away)
        return (await this.remote.readRecord(key)) ?? (await this.copy?.readRecord(key));
    } catch (error) {
      const copied = await this.copy?.readRecord(key);
      if (copied === undefined) throw error;
      return copied;
    }
    return (await this.copy?.readRecord(key)) ?? this.connected().readRecord(key);
  }

  async putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    const { [ownRecord]: own, ...others } = records;
    if (own !== undefined && this.copy) await this.copy.putRecords({ [ownRecord]: own });
    else if (own !== undefined) this.own = own;
    if (Object.keys(others).length > 0) await this.connected().putRecords(others);
  }

  // What follows needs the store.

  async putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Hash[]> {
    return this.connected().putBlobs(blobs);
  }

  async keepBlobs(hashes: readonly Hash[]): Promise<readonly Hash[]> {
    return this.connected().keepBlobs(hashes);
  }

  async collect(used: ReadonlySet<Hash>): Promise<number> {
    return this.connected().collect(used);
  }

  async listRecords(kind: string): Promise<readonly string[]> {
    return this.connected().listRecords(kind);
  }

  async removeRecords(keys: readonly string[]): Promise<void> {
    return this.connected().removeRecords(keys);
  }

  async audit(entry: AuditEntry): Promise<void> {
    return this.connected().audit(entry);
  }

  async readAudit(most: number): Promise<readonly AuditEntry[]> {
    return this.connected().readAudit(most);
  }

  async lease(name: string): Promise<Lease | undefined> {
    return this.connected().lease(name);
  }

  async announce(id: string, value: JsonValue): Promise<void> {
    return this.connected().announce?.(id, value);
  }

  async present(): Promise<ReadonlyMap<string, JsonValue>> {
    return (await this.connected().present?.()) ?? new Map();
  }

  /** Closes the store and the copy. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    this.listeners.clear();
    await this.remote?.close();
    await this.connecting;
    await this.copy?.close();
  }
}
