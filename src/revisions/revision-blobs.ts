import { inTurns } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import type { Hash, Store } from "../store/store.js";
import { chunksOf, type Packed, packing, unpack, unpackChunk } from "./packing.js";

/** The resources of each group of nodes. */
export type Groups = ReadonlyMap<string, readonly Resource[]>;

/** The chunks that were read from a store, by hash. */
export type KnownChunks = Map<Hash, readonly Resource[]>;

/** The hash of each group's manifest. */
type Manifests = { readonly [group: string]: Hash };

/** Keeps the resources of groups as blobs of a store. */
export class RevisionBlobs {
  /** The latest resources that were put under each name of a group. Their blobs are in the store. */
  private readonly packed = new Map<string, Packed>();

  constructor(private readonly store: Store) {}

  /**
   * Writes the blobs that are new. `counts` are the resources of each type in all groups together, by type URL. `kind`
   * separates two series of calls whose groups have the same names, such as layers and live resources.
   */
  async put(groups: Groups, kind = ""): Promise<{ manifests: Record<string, Hash>; counts: Record<string, number> }> {
    const manifests: [string, Hash][] = [];
    const counts: Record<string, number> = {};
    for (const [group, resources] of groups) {
      const name = `${kind} ${group}`;
      let packed = await inTurns(packing(resources, this.packed.get(name)));
      const reused = packed.chunks.flatMap(({ hash, bytes }) => (bytes ? [] : [hash]));
      // Another process may have removed some since.
      if ((await this.store.keepBlobs(reused)).length > 0) packed = await inTurns(packing(resources));
      const bytes = packed.chunks.flatMap((chunk) => chunk.bytes ?? []);
      const [manifest] = await this.store.putBlobs([packed.manifest, ...bytes]);
      const chunks = packed.chunks.map((chunk) => ({ ...chunk, bytes: undefined })); // the store has them
      this.packed.set(name, { ...packed, chunks });
      manifests.push([group, manifest as Hash]);
      for (const { type } of resources) counts[type.typeUrl] = (counts[type.typeUrl] ?? 0) + 1;
    }
    for (const name of this.packed.keys())
      if (name.startsWith(`${kind} `) && !groups.has(name.slice(kind.length + 1))) this.packed.delete(name);
    return { manifests: Object.fromEntries(manifests.sort(byGroup)), counts };
  }

  /** Reads groups. It takes chunks from `known` if they are there, and adds the chunks that it reads. */
  async unpack(manifests: Manifests, known: KnownChunks): Promise<Map<string, readonly Resource[]>> {
    const read = async (chunk: Hash) => {
      const resources = known.get(chunk) ?? unpackChunk(await this.store.readBlob(chunk));
      known.set(chunk, resources);
      return resources;
    };
    const groups = new Map<string, readonly Resource[]>();
    for (const [group, manifest] of Object.entries(manifests))
      groups.set(group, await unpack(await this.store.readBlob(manifest), read));
    return groups;
  }

  /** Removes all blobs but those of these manifests. */
  async collect(manifests: ReadonlySet<Hash>): Promise<void> {
    const used = new Set(manifests);
    for (const manifest of manifests)
      for (const chunk of chunksOf(await this.store.readBlob(manifest))) used.add(chunk);
    await this.store.collect(used);
    for (const [name, { chunks }] of this.packed)
      if (!chunks.every(({ hash }) => used.has(hash))) this.packed.delete(name);
  }
}

const byGroup = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
