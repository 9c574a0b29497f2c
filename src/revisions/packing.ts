import { messageOf, XdsError } from "../errors.js";
import type { InSteps } from "../in-turns.js";
import { Resource } from "../resource/resource.js";
import type { Hash } from "../store/store.js";
import { hashOf } from "../store/store.js";
import { decodeDeltaDiscoveryResponse } from "../wire/response-decoding.js";

/** The average size of a chunk before compression, in bytes. A change of one resource writes one new chunk. */
const chunkBytes = 64 << 10;

/** Resources as blobs: chunks, and a manifest that lists the chunks. A chunk without changes keeps its hash. */
export interface Packed {
  readonly manifest: Uint8Array;
  readonly chunks: readonly PackedChunk[];
}

interface PackedChunk {
  readonly hash: Hash;
  /** The resources of the chunk, in the order of the caller. */
  readonly members: readonly Resource[];
  /** The encoded chunk. undefined if the chunk has not changed. */
  readonly bytes: Uint8Array | undefined;
}

interface Manifest {
  readonly resources: number;
  readonly chunks: readonly Hash[];
}

/**
 * Packs resources into chunks by a hash of type and name. The order of the resources does not matter: the same
 * resources give the same bytes. A chunk is encoded like the field `resources` of an
 * `envoy.service.discovery.v3.DeltaDiscoveryResponse`. A chunk with the same members as in `before` is not encoded
 * again, and has no bytes.
 */
export function* packing(resources: readonly Resource[], before?: Packed): InSteps<Packed> {
  let bytes = 0;
  for (const { entryBytes } of resources) bytes += entryBytes;
  const bits = Math.max(0, Math.ceil(Math.log2(bytes / chunkBytes)));
  const buckets: Resource[][] = Array.from({ length: 2 ** bits }, () => []);
  for (const resource of resources) {
    buckets[bucketOf(resource, bits)]?.push(resource);
    yield;
  }
  const same = before?.chunks.length === buckets.length ? before.chunks : [];
  const chunks: PackedChunk[] = [];
  for (const [at, members] of buckets.entries()) {
    const old = same[at];
    chunks.push(old && areSame(old.members, members) ? { ...old, bytes: undefined } : chunkOf(members));
    yield;
  }
  const manifest: Manifest = { resources: resources.length, chunks: chunks.map(({ hash }) => hash) };
  return { manifest: Buffer.from(JSON.stringify(manifest)), chunks };
}

function chunkOf(members: readonly Resource[]): PackedChunk {
  const sorted = [...members].sort(byTypeAndKey);
  const bytes = Buffer.concat(sorted.map((resource) => resource.deltaEntry(true)));
  return { hash: hashOf(bytes), members, bytes };
}

const areSame = (a: readonly Resource[], b: readonly Resource[]) =>
  a.length === b.length && a.every((resource, at) => resource === b[at]);

function byTypeAndKey(a: Resource, b: Resource): number {
  if (a.type !== b.type) return a.type.typeUrl < b.type.typeUrl ? -1 : 1;
  return a.key < b.key ? -1 : Number(a.key > b.key);
}

/** The first bits of a hash of type and name. So with twice as many buckets, each bucket is split in two. */
function bucketOf({ type, key }: Resource, bits: number): number {
  if (bits === 0) return 0;
  // This is FNV-1a, mixed as in MurmurHash3. Alone, the first bits of FNV depend too little on the last characters.
  let hash = 0x811c9dc5;
  for (const text of [type.typeUrl, key])
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) >>> (32 - bits);
}

/** The hashes of the chunks that a manifest lists. */
export const chunksOf = (manifest: Uint8Array): readonly Hash[] => readManifest(manifest).chunks;

/**
 * The resources of a manifest. `read` returns a chunk by its hash. Calls can share these chunks.
 * @throws XdsError STORE_DAMAGED if {@link packing} has not made this manifest
 */
export async function unpack(
  manifest: Uint8Array,
  read: (chunk: Hash) => Promise<readonly Resource[]>,
): Promise<Resource[]> {
  const { resources: count, chunks } = readManifest(manifest);
  const resources: Resource[] = [];
  for (const chunk of chunks) resources.push(...(await read(chunk)));
  if (resources.length !== count)
    throw new XdsError("STORE_DAMAGED", `a manifest of ${count} resources has ${resources.length} in its chunks`);
  return resources;
}

/** The resources of a chunk. @throws XdsError STORE_DAMAGED if {@link packing} has not made it */
export function unpackChunk(chunk: Uint8Array): readonly Resource[] {
  try {
    return decodeDeltaDiscoveryResponse(chunk).resources.map(({ typeUrl, body, name, version, ttlMs, aliases }) =>
      Resource.fromBytes(typeUrl, body ?? new Uint8Array(), {
        name,
        version,
        aliases,
        ...(ttlMs !== undefined && { ttlMs }),
      }),
    );
  } catch (cause) {
    throw new XdsError("STORE_DAMAGED", `a chunk of a revision cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function readManifest(bytes: Uint8Array): Manifest {
  try {
    const { resources, chunks } = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
    if (Number.isInteger(resources) && chunks.every((chunk) => /^[0-9a-f]{64}$/.test(chunk)))
      return { resources, chunks };
  } catch {
    // The error below covers this case too.
  }
  throw new XdsError("STORE_DAMAGED", "a manifest of a revision cannot be read");
}
