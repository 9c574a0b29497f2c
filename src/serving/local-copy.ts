import type { JsonValue } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { Logger } from "../logger.js";
import { chunksOf } from "../revisions/packing.js";
import type { Revision } from "../revisions/revision.js";
import type { Head } from "../rollout/head.js";
import type { Hash, Store, StoredHead } from "../store/store.js";

/** Reads what is not in the copy yet. */
type Reader = Pick<Store, "readBlob" | "readRecord">;

/** The head of a copy. It says of which configuration it is a copy, and which version its head has there. */
type CopiedHead = Head & { readonly copyOf?: { readonly configuration: string; readonly version: number } };

/** So many of the newest revisions are copied, even if they are not served: reconnecting clients may have them. */
const earlierCopied = 5;
/** So many of the newest revisions stay in the copy once they are there. */
const revisionsKept = 20;
/** So many sets of live resources stay in the copy. */
const livesKept = 4;
/** The most bytes of blobs that were read and are not in the copy yet. Further blobs are read again. */
const unsavedBytes = 32 << 20;
/** How many blobs are written at once. */
const blobsAtOnce = 64;
/** Unused blobs are removed after so many saved heads. */
const collectEvery = 32;
const retryMs = 10_000;

/** Whether a head in a state directory belongs to a copy of a store. */
export const isCopy = (head: JsonValue | undefined): boolean =>
  (head as unknown as CopiedHead | undefined)?.copyOf !== undefined;

/**
 * What a replica needs to serve the last head without the store: the head, its revisions, the live resources, and a few
 * earlier ones. It is in a store of its own, usually a directory.
 */
export class LocalCopy {
  /** Blobs that were read from the store, until they are in the copy. */
  private readonly unsaved = new Map<Hash, Uint8Array>();
  private unsavedSize = 0;
  private wanted: { readonly stored: StoredHead; readonly from: Reader } | undefined;
  private saving: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private saves = 0;
  private isBroken = false;
  private isClosed = false;

  private constructor(
    private readonly store: Store,
    private readonly configuration: string,
    /** The head that the copy had at the start, with its version in the store. */
    readonly head: StoredHead,
    private readonly logger: Logger,
  ) {}

  /**
   * Opens a copy of a configuration. The copy owns `store` from then on.
   * @throws XdsError STORE_FAILED if it has other content; as the store's calls do
   */
  static async open(store: Store, configuration: string, logger: Logger): Promise<LocalCopy> {
    const { head } = await store.readHead();
    const { copyOf, ...rest } = (head ?? {}) as unknown as CopiedHead;
    if (head !== undefined && copyOf?.configuration !== configuration)
      throw new XdsError(
        "STORE_FAILED",
        `the state directory ${copyOf ? `is a copy of the configuration ${copyOf.configuration}` : "has revisions of its own"}, so it cannot be a copy of the configuration ${configuration} in the store; use another one (--state-dir)`,
      );
    const before = copyOf ? { version: copyOf.version, head: rest as unknown as JsonValue } : undefined;
    return new LocalCopy(store, configuration, before ?? { version: 0, head: undefined }, logger);
  }

  /** A blob. undefined if the copy does not have it, or has it damaged. */
  async readBlob(hash: Hash): Promise<Uint8Array | undefined> {
    const unsaved = this.unsaved.get(hash);
    if (unsaved) return unsaved;
    if ((await this.store.keepBlobs([hash])).length > 0) return undefined;
    return this.store.readBlob(hash).catch(() => undefined);
  }

  /** A record. undefined if the copy does not have it. */
  readRecord(key: string): Promise<JsonValue | undefined> {
    return this.store.readRecord(key);
  }

  /** Keeps records of this process, which are in no other store. */
  putRecords(records: Readonly<Record<string, JsonValue>>): Promise<void> {
    return this.store.putRecords(records);
  }

  /** Takes a blob that was read from the store, so that saving it does not read it again. */
  take(hash: Hash, bytes: Uint8Array): void {
    if (this.unsavedSize + bytes.length > unsavedBytes || this.unsaved.has(hash)) return;
    this.unsaved.set(hash, bytes);
    this.unsavedSize += bytes.length;
  }

  /** Saves a head that is served, and what it needs. Returns at once. Of several heads the newest is saved. */
  save(stored: StoredHead, from: Reader): void {
    if (this.isClosed) return;
    clearTimeout(this.retry);
    this.wanted = { stored, from };
    this.saving ??= this.work();
  }

  /** Stops. Resolves when a saving that has begun is over. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    await this.saving;
    await this.store.close();
  }

  private async work(): Promise<void> {
    while (this.wanted) {
      const { stored, from } = this.wanted;
      this.wanted = undefined;
      try {
        await this.write(stored, from);
        if (this.isBroken) this.logger.info({}, "the local copy of the store is written again");
        this.isBroken = false;
      } catch (error) {
        this.failed(error, stored, from);
      }
    }
    this.saving = undefined;
  }

  private failed(error: unknown, stored: StoredHead, from: Reader): void {
    if (this.isClosed || this.wanted) return;
    const text =
      "the local copy of the store could not be written: a restart while the store is away serves an older one";
    if (!this.isBroken) this.logger.warn({ error: messageOf(error) }, text);
    this.isBroken = true;
    this.retry = setTimeout(() => this.save(stored, from), retryMs).unref();
  }

  private async write({ version, head }: StoredHead, from: Reader): Promise<void> {
    const { stable, rollout, next, live } = head as unknown as Head;
    const needed = [`revision/${stable}`, ...(rollout ? [`revision/${rollout.revision}`] : []), `live/${live}`];
    const put: Record<string, JsonValue> = {};
    for (const key of new Set([
      ...needed,
      ...newest("revision", next - 1, earlierCopied),
      ...newest("live", live, livesKept),
    ])) {
      const isNeeded = needed.includes(key);
      if (key.endsWith("/0") || (!isNeeded && (await this.store.readRecord(key)) !== undefined)) continue;
      try {
        const record = await from.readRecord(key);
        if (record === undefined)
          throw new XdsError("STORE_DAMAGED", `the head refers to ${key}, which is not in the store`);
        for (const manifest of manifestsOf(key, record)) await this.copyGroup(manifest, from);
        put[key] = record;
      } catch (error) {
        if (isNeeded) throw error; // an earlier revision may have been removed, or the store is away
      }
    }
    const { version: own } = await this.store.readHead();
    const { configuration } = this;
    const copied = { ...(head as object), copyOf: { configuration, version } } as unknown as JsonValue;
    await this.store.moveHead(own, { head: copied, put });
    this.unsaved.clear();
    this.unsavedSize = 0;
    await this.prune(head as unknown as Head);
  }

  /** Copies the blobs of a group: its manifest last, so that a manifest in the copy has all its chunks there. */
  private async copyGroup(manifest: Hash, from: Reader): Promise<void> {
    const bytes = await from.readBlob(manifest);
    const missing = await this.store.keepBlobs(chunksOf(bytes));
    for (let at = 0; at < missing.length; at += blobsAtOnce) {
      const blobs: Uint8Array[] = [];
      for (const hash of missing.slice(at, at + blobsAtOnce)) blobs.push(await from.readBlob(hash));
      await this.store.putBlobs(blobs);
    }
    await this.store.putBlobs([bytes]);
  }

  /** Removes what is too old to be needed. */
  private async prune({ stable, rollout, next, live }: Head): Promise<void> {
    const served = [stable, rollout?.revision];
    const numbers = async (kind: string) => (await this.store.listRecords(kind)).map(Number);
    const revisions = (await numbers("revision")).filter((one) => one < next - revisionsKept && !served.includes(one));
    const lives = (await numbers("live")).filter((one) => one <= live - livesKept);
    await this.store.removeRecords([
      ...revisions.map((one) => `revision/${one}`),
      ...lives.map((one) => `live/${one}`),
    ]);
    if (++this.saves % collectEvery !== 0 && revisions.length === 0) return;
    const used = new Set<Hash>();
    for (const kind of ["revision", "live"])
      for (const number of await numbers(kind)) {
        const record = await this.store.readRecord(`${kind}/${number}`);
        for (const manifest of record === undefined ? [] : manifestsOf(`${kind}/`, record)) {
          used.add(manifest);
          for (const chunk of chunksOf(await this.store.readBlob(manifest))) used.add(chunk);
        }
      }
    await this.store.collect(used);
  }
}

const newest = (kind: string, last: number, count: number): string[] =>
  Array.from({ length: Math.max(0, Math.min(last, count)) }, (_, at) => `${kind}/${last - at}`);

const manifestsOf = (key: string, record: JsonValue): Hash[] =>
  Object.values(key.startsWith("live/") ? (record as Record<string, Hash>) : (record as unknown as Revision).groups);
