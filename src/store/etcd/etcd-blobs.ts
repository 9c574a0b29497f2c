import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { XdsError } from "../../errors.js";
import { type Hash, hashOf } from "../store.js";
import type { EtcdClient } from "./etcd-client.js";
import { bytesOf, type Keys, mostOperations, pages, requestBytes } from "./keys.js";
import { compareTarget, type EtcdInit } from "./messages.js";
import { decodeValue, encodeValue } from "./values.js";

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The most bytes of a part before compression. A part that cannot be compressed still has at most 512 KiB. */
const partBytes = 511 << 10;
/** The most parts of a blob. */
const mostParts = 1_000;
/** The most blobs that this process remembers. */
const mostKnown = 1 << 16;
/** How often a call is tried while others change the same blobs. */
const mostRounds = 10;
/** How many blobs are removed at the same time. */
const atOnce = 8;

/** The value of `blob/<hash>`. */
interface BlobInfo {
  /** When it was put last, in milliseconds since 1970, by the clock of the process that put it. */
  readonly at: number;
  /** The number of its parts. 0 while they are being written. */
  readonly parts: number;
}

/** A blob's info as it was read. */
interface Found extends BlobInfo {
  readonly hash: Hash;
  readonly modRevision: bigint;
}

type Operation = EtcdInit<"RequestOp">;

/**
 * Blobs in etcd. The key `blob/<hash>` shows that a blob exists. The keys `part/<hash>/<number>` have its content.
 *
 * Several processes put and remove blobs. A process does not know to which blobs another one is about to refer. So a
 * blob is removed only if nobody has put it for `unusedMs`. If an existing blob is put again after more than half of
 * that time, its time is renewed.
 */
export class EtcdBlobs {
  /** When blobs were put last, as far as this process knows. */
  private readonly known = new Map<Hash, number>();

  constructor(
    private readonly client: EtcdClient,
    private readonly keys: Keys,
    private readonly unusedMs: number,
  ) {}

  async put(blobs: readonly Uint8Array[]): Promise<readonly Hash[]> {
    const hashes = blobs.map(hashOf);
    const byHash = new Map(hashes.map((hash, at) => [hash, blobs[at] as Uint8Array]));
    await this.write((await this.keep([...byHash.keys()])).map((hash) => [hash, byHash.get(hash) as Uint8Array]));
    return hashes;
  }

  async read(hash: Hash): Promise<Uint8Array> {
    const { responses } = await this.client.call("Txn", {
      success: [{ requestRange: { key: this.infoKey(hash) } }, { requestRange: { key: this.partKey(hash, 0) } }],
    });
    const [info, first] = responses.map(({ responseRange }) => responseRange?.kvs[0]);
    const { parts } = info ? (decodeValue(info.key, info.value) as unknown as BlobInfo) : { parts: 0 };
    const pieces = [first && (await unpacked(first.value))];
    for (let part = 1; part < Math.min(parts, mostParts); part++) {
      const { kvs } = await this.client.call("Range", { key: this.partKey(hash, part) });
      pieces.push(kvs[0] && (await unpacked(kvs[0].value)));
    }
    if (parts === 0) throw new XdsError("STORE_DAMAGED", `etcd has no blob ${this.keys.text(`blob/${hash}`)}`);
    const bytes = Buffer.concat(pieces.map((piece) => piece ?? new Uint8Array()));
    if (hashOf(bytes) !== hash)
      throw new XdsError(
        "STORE_DAMAGED",
        `the content of ${this.keys.text(`part/${hash}/`)} in etcd is not what its name says`,
      );
    return bytes;
  }

  /** Removes the blobs that are not in `used` and that nobody has put for `unusedMs`. Returns their number. */
  async collect(used: ReadonlySet<Hash>): Promise<number> {
    const before = Date.now() - this.unusedMs;
    let removed = 0;
    for await (const kvs of pages(this.client, this.keys.below("blob/"))) {
      const unused = kvs
        .map(({ key, value, modRevision }) => ({
          ...(decodeValue(key, value) as unknown as BlobInfo),
          hash: this.keys.idIn("blob/", key),
          modRevision,
        }))
        .filter(({ hash, at }) => !used.has(hash) && at <= before);
      const remove = async () => {
        for (let next = unused.pop(); next; next = unused.pop()) if (await this.remove(next)) removed++;
      };
      await Promise.all(Array.from({ length: atOnce }, remove));
    }
    return removed;
  }

  /** Protects existing blobs from removal for a while. Returns the hashes of the others. */
  async keep(hashes: readonly Hash[]): Promise<readonly Hash[]> {
    const since = Date.now() - this.unusedMs / 2;
    const missing: Hash[] = [];
    let open = hashes.filter((hash) => (this.known.get(hash) ?? Number.NEGATIVE_INFINITY) <= since);
    for (let round = 0; open.length > 0; round++) {
      if (round === mostRounds)
        throw new XdsError("STORE_FAILED", "other processes keep changing the same blobs in etcd; try again");
      const changed: Hash[] = [];
      for (let at = 0; at < open.length; at += mostOperations) {
        const batch = open.slice(at, at + mostOperations);
        const found = await this.find(batch);
        for (const [index, hash] of batch.entries()) if (!found[index]?.parts) missing.push(hash);
        const whole = found.filter((blob) => blob !== undefined && blob.parts > 0) as Found[];
        for (const blob of whole) if (blob.at > since) this.remember(blob.hash, blob.at);
        const old = whole.filter((blob) => blob.at <= since);
        if (old.length > 0 && !(await this.touch(old))) changed.push(...old.map(({ hash }) => hash));
      }
      open = changed;
    }
    return missing;
  }

  private async find(hashes: readonly Hash[]): Promise<readonly (Found | undefined)[]> {
    const success = hashes.map((hash) => ({ requestRange: { key: this.infoKey(hash) } }));
    const { responses } = await this.client.call("Txn", { success });
    return hashes.map((hash, index) => {
      const kv = responses[index]?.responseRange?.kvs[0];
      if (!kv) return undefined;
      return { ...(decodeValue(kv.key, kv.value) as unknown as BlobInfo), hash, modRevision: kv.modRevision };
    });
  }

  /** Renews the time of all these blobs, or of none. Returns false if one of them was changed meanwhile. */
  private async touch(blobs: readonly Found[]): Promise<boolean> {
    const at = Date.now();
    const { succeeded } = await this.client.call("Txn", {
      compare: blobs.map(({ hash, modRevision }) => this.unchanged(hash, modRevision)),
      success: blobs.map(({ hash, parts }) => this.putInfo(hash, { at, parts })),
    });
    if (succeeded) for (const { hash } of blobs) this.remember(hash, at);
    return succeeded;
  }

  private async write(blobs: readonly (readonly [Hash, Uint8Array])[]): Promise<void> {
    const at = Date.now();
    let batch: Operation[] = [];
    let size = 0;
    const flush = async () => {
      if (batch.length > 0) await this.client.call("Txn", { success: batch });
      batch = [];
      size = 0;
    };
    for (const [hash, bytes] of blobs) {
      const parts = await this.partsOf(hash, bytes);
      const info = this.putInfo(hash, { at, parts: parts.length });
      const own = parts.reduce((sum, part) => sum + bytesOf(part), bytesOf(info));
      const isLarge = own > requestBytes || parts.length + 1 > mostOperations;
      if (isLarge || size + own > requestBytes || batch.length + parts.length + 1 > mostOperations) await flush();
      if (isLarge) {
        // If the process stops in the middle, `collect` removes the rest like any unused blob.
        await this.client.call("Txn", { success: [this.putInfo(hash, { at, parts: 0 })] });
        for (const part of parts) await this.client.call("Txn", { success: [part] });
        batch.push(info);
      } else batch.push(...parts, info);
      size += isLarge ? bytesOf(info) : own;
    }
    await flush();
    for (const [hash] of blobs) this.remember(hash, at);
  }

  private async partsOf(hash: Hash, bytes: Uint8Array): Promise<readonly Operation[]> {
    const count = Math.max(1, Math.ceil(bytes.length / partBytes));
    if (count > mostParts)
      throw new XdsError("INVALID_OPTION", `a blob of ${bytes.length} bytes is too large for etcd; divide it`);
    const parts: Operation[] = [];
    for (let part = 0; part < count; part++) {
      const value = await compress(bytes.subarray(part * partBytes, (part + 1) * partBytes), { level: 1 });
      parts.push({ requestPut: { key: this.partKey(hash, part), value: new Uint8Array(value) } });
    }
    return parts;
  }

  private async remove({ hash, modRevision }: Found): Promise<boolean> {
    const { succeeded } = await this.client.call("Txn", {
      compare: [this.unchanged(hash, modRevision)],
      success: [
        { requestDeleteRange: { key: this.infoKey(hash) } },
        { requestDeleteRange: this.keys.below(`part/${hash}/`) },
      ],
    });
    if (succeeded) this.known.delete(hash);
    return succeeded;
  }

  private remember(hash: Hash, at: number): void {
    this.known.delete(hash);
    this.known.set(hash, at);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= mostKnown) return;
      this.known.delete(oldest);
    }
  }

  private unchanged(hash: Hash, modRevision: bigint) {
    return { target: compareTarget.modRevision, key: this.infoKey(hash), modRevision };
  }

  private putInfo(hash: Hash, info: BlobInfo): Operation {
    return { requestPut: { key: this.infoKey(hash), value: encodeValue(info) } };
  }

  private infoKey(hash: Hash): Uint8Array {
    return this.keys.of(`blob/${hash}`);
  }

  private partKey(hash: Hash, part: number): Uint8Array {
    return this.keys.of(`part/${hash}/${String(part).padStart(4, "0")}`);
  }
}

/** Unpacks a part. Returns undefined for a damaged one. */
const unpacked = (part: Uint8Array): Promise<Uint8Array | undefined> =>
  decompress(part, { maxOutputLength: partBytes }).catch(() => undefined);
