import { type InSteps, inTurns } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { Revision } from "../revisions/revision.js";
import type { Groups, KnownChunks } from "../revisions/revision-blobs.js";
import type { Revisions } from "../revisions/revisions.js";

/** The most revisions that are remembered before they are in use. */
const mostRemembered = 3;

/** The layers of one revision, or the live resources. */
export interface Layers {
  readonly layers: Groups;
  /** The revision's content, or the number of the live resources. Equal values mean equal layers. */
  readonly source: string;
  /**
   * The origin of the objects. `given`: the caller gave them. `read`: they were read from the store. `shared`: they
   * were read, and objects of the caller have replaced equal ones.
   */
  readonly objects: "given" | "shared" | "read";
}

/** The fields of {@link LayerMemory} that have chunks. */
type ChunksField = "chunks" | "liveChunks";

/**
 * Loads the layers of revisions and the live resources, and keeps those that are in use. An unchanged resource is the
 * same object in all revisions. If a caller has given the resource, its object is used, because the caller keeps it in
 * memory anyway.
 */
export class LayerMemory {
  /** Layers that {@link LayerMemory.remember} got, by the content of their revision. The newest are kept. */
  private readonly remembered = new Map<string, Groups>();
  /** The live resources that {@link LayerMemory.rememberLive} got. They replace equal ones from the store. */
  private rememberedLive: Groups = new Map();
  private inUse: readonly Layers[] = [];
  /** Chunks of the last layers that were read. */
  private chunks: KnownChunks = new Map();
  private liveChunks: KnownChunks = new Map();

  constructor(private readonly revisions: Revisions) {}

  remember(content: string, layers: Groups): void {
    this.remembered.delete(content);
    this.remembered.set(content, layers);
    for (const oldest of this.remembered.keys())
      if (this.remembered.size > mostRemembered) this.remembered.delete(oldest);
  }

  rememberLive(layers: Groups): void {
    this.rememberedLive = layers;
  }

  /** The layers of a revision. @throws XdsError as the store's calls do */
  async ofRevision(revision: Revision): Promise<Layers> {
    const source = `revision ${revision.content}`;
    const layers = this.remembered.get(revision.content);
    if (layers) return { layers, source, objects: "given" };
    const used = this.inUse.filter(isOfRevision);
    const [given, read] = [used.filter(hasGiven), used.filter((one) => !hasGiven(one))];
    const pools = [...this.remembered.values(), ...given.map((one) => one.layers)];
    return this.load(source, pools, read, "chunks", (chunks) => this.revisions.groupsOf(revision, chunks));
  }

  /** The live resources that are served now. @throws XdsError as the store's calls do */
  async ofLive(): Promise<Layers> {
    const source = `live ${this.revisions.head.live}`;
    const pools = this.rememberedLive.size > 0 ? [this.rememberedLive] : [];
    const used = this.inUse.filter((one) => !isOfRevision(one));
    return this.load(source, pools, used, "liveChunks", (chunks) => this.revisions.live(chunks));
  }

  /** Sets the layers that are in use. All others are dropped. */
  use(layers: readonly Layers[]): void {
    this.inUse = layers;
    for (const { source } of layers) this.remembered.delete(source.replace(/^revision /, ""));
    if (layers.every((one) => one.objects === "given" || !isOfRevision(one))) this.chunks = new Map();
  }

  /**
   * Returns layers that are in use, or reads them from the store. Equal objects are taken from `pools`, then from
   * `others`.
   */
  private async load(
    source: string,
    pools: readonly Groups[],
    others: readonly Layers[],
    field: ChunksField,
    read: (chunks: KnownChunks) => Promise<Groups>,
  ): Promise<Layers> {
    const known = this.inUse.find((one) => one.source === source);
    if (known && (known.objects !== "read" || pools.length === 0)) return known;
    const chunks = new UsedChunks(this[field]);
    const layers = known?.layers ?? (await read(chunks));
    const all = [...pools, ...others.map((one) => one.layers)];
    const { shared, instead } = await inTurns(sharing(layers, all));
    // Only the chunks of this call are kept for the next one. They share the objects of the layers.
    this[field] = await inTurns(replacing(known ? this[field] : chunks, instead));
    return { layers: shared, source, objects: pools.length > 0 ? "shared" : "read" };
  }
}

const isOfRevision = ({ source }: Layers): boolean => source.startsWith("revision ");
const hasGiven = ({ objects }: Layers): boolean => objects !== "read";

interface Shared {
  readonly shared: Groups;
  /** The replaced objects, each with its replacement. */
  readonly instead: ReadonlyMap<Resource, Resource>;
}

/**
 * Makes the same layers with shared objects. An equal resource in the same layer of a pool replaces the layer's own.
 * The first pool that has one is used.
 */
function* sharing(layers: Groups, pools: readonly Groups[]): InSteps<Shared> {
  const shared = new Map<string, readonly Resource[]>();
  const instead = new Map<Resource, Resource>();
  for (const [layer, resources] of layers) {
    const places = new Map<ResourceType, Map<string, number>>();
    for (const [at, { type, key }] of resources.entries()) {
      const ofType = places.get(type);
      if (ofType) ofType.set(key, at);
      else places.set(type, new Map([[key, at]]));
      yield;
    }
    const own = [...resources];
    for (const pool of pools)
      for (const known of pool.get(layer) ?? []) {
        const at = places.get(known.type)?.get(known.key);
        const resource = at === undefined ? undefined : resources[at];
        if (at !== undefined && resource && own[at] === resource && known !== resource && isSame(known, resource)) {
          own[at] = known;
          instead.set(resource, known);
        }
        yield;
      }
    shared.set(layer, own);
  }
  return { shared, instead };
}

/** Makes the same chunks with the replacements. */
function* replacing(chunks: KnownChunks, instead: ReadonlyMap<Resource, Resource>): InSteps<KnownChunks> {
  const replaced: KnownChunks = new Map();
  for (const [hash, resources] of chunks) {
    const own: Resource[] = [];
    for (const resource of resources) {
      own.push(instead.get(resource) ?? resource);
      yield;
    }
    replaced.set(hash, own);
  }
  return replaced;
}

const isSame = (a: Resource, b: Resource): boolean => a.version === b.version && a.hasContentOf(b);

/** A view of another map of chunks. It collects the chunks that were used or added. */
class UsedChunks extends Map<string, readonly Resource[]> {
  constructor(private readonly others: KnownChunks) {
    super();
  }

  override get(chunk: string): readonly Resource[] | undefined {
    return super.get(chunk) ?? this.others.get(chunk);
  }
}
