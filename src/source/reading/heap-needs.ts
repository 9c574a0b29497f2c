import { referencesOf } from "../../resource/references/references.js";
import type { LayerFile, LayersOfGroups } from "./configuration.js";
import { commonLayer } from "./layers.js";
import type { ResourceFile } from "./resource-file.js";

/** The heap of this thread, as a source sees it. A share is a fraction of it, such as 0.6. */
export interface HeapRoom {
  /** The limit of the heap, in bytes. */
  readonly size: number;
  /** The bytes that can be added until this share is used. */
  room(share: number): number;
  /** Whether the heap stays within this share if it grows by these bytes, after a garbage collection. */
  willHold(bytes: number, share: number): Promise<boolean>;
}

/**
 * Bytes of heap that serving needs: for a resource, in addition to its message; for each group of nodes that gets it;
 * for each of its references and findings. Measured with Node 20 and rounded up.
 */
export const needs = { resource: 600, served: 180, finding: 550 };

/**
 * Shares of the heap. All resources together may use the first one; from 75 % on, new streams are refused. During a
 * change, the old and the new resources may use the second one. The rest is for temporary needs of the change.
 */
const shares = { resources: 0.6, change: 0.85 };

/** A need of at most this many bytes is always allowed, because the program itself can fill a small heap. */
const alwaysTaken = 4 * 2 ** 20;

/** The bytes of heap to serve one resource of a layer, which is in the snapshot of each group that has the layer. */
export function servedBytes({ groups }: Pick<LayersOfGroups, "groups">): (layer: string) => number {
  const counts = new Map([[commonLayer, 1]]);
  for (const names of groups.values()) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (layer) => needs.served * (counts.get(layer) ?? 1);
}

/** The bytes of heap for the resources of these files. For `served` see {@link servedBytes}. */
export function needsOf(files: readonly LayerFile[], served: (layer: string) => number): HeapNeeds {
  let [read, all] = [0, 0];
  const seen = new Set<ResourceFile>();
  for (const { layer, file } of files) {
    if (!seen.has(file)) read += known.get(file) ?? measured(file);
    seen.add(file);
    all += file.resources.length * served(layer);
  }
  return { all: read + all, served: all };
}

interface HeapNeeds {
  readonly all: number;
  readonly served: number;
}

const known = new WeakMap<ResourceFile, number>();

function measured(file: ResourceFile): number {
  let bytes = 0;
  for (const { resource } of file.resources)
    bytes += needs.resource + resource.size + resource.name.length + needs.finding * referencesOf(resource).length;
  known.set(file, bytes);
  return bytes;
}

/**
 * Why there is no room for `count` resources, which need `bytes` bytes, or undefined if there is room. `all` is what
 * all resources together would need.
 */
export async function whyNoRoom(
  heap: HeapRoom | undefined,
  count: number,
  { bytes, all }: { readonly bytes: number; readonly all: number },
): Promise<string | undefined> {
  if (!heap || bytes <= 0 || all <= alwaysTaken) return undefined;
  const left = shares.resources * heap.size - (all - bytes);
  if (bytes <= left && (await heap.willHold(bytes, shares.change))) return undefined;
  const room = Math.max(0, Math.floor(Math.min(left, heap.room(shares.change)) / 2 ** 20));
  return (
    `${count} resources need ${Math.ceil(bytes / 2 ** 20)} MiB of this program's heap, which has room for ${room} MiB; ` +
    "give it more memory (NODE_OPTIONS=--max-old-space-size=<MB>), or serve fewer resources"
  );
}
