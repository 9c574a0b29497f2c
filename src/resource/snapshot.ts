import { messageOf, XdsError } from "../errors.js";
import { canonicalName } from "./names.js";
import type { Resource } from "./resource.js";
import { type ResourceInput, ResourceSet, toResource } from "./resource-set.js";
import { resourceType } from "./types.js";

export interface SnapshotOptions {
  /** The version of every type in SotW responses, or of each by its type URL; by default the hash of its content. */
  readonly version?: string | Readonly<Record<string, string>>;
}

/** All that one group of nodes is served: a set of resources of each type. Never changes; `with` makes the next one. */
export class Snapshot {
  private constructor(private readonly sets: ReadonlyMap<string, ResourceSet>) {}

  static readonly empty = new Snapshot(new Map());

  /**
   * Encodes and sorts by type. A {@link Resource} is taken as it is, so what did not change need not be encoded again.
   * @throws XdsError DUPLICATE_NAME, MISSING_NAME, UNKNOWN_TYPE, INVALID_RESOURCE, naming the resource
   */
  static of(inputs: Iterable<ResourceInput>, options: SnapshotOptions = {}): Snapshot {
    const byType = new Map<string, Resource[]>();
    let index = 0;
    for (const input of inputs) {
      let resource: Resource;
      try {
        resource = toResource(input);
      } catch (error) {
        if (!(error instanceof XdsError)) throw error;
        throw new XdsError(error.code, `resource ${index} of the snapshot: ${messageOf(error)}`, { cause: error });
      }
      const list = byType.get(resource.type.typeUrl);
      if (list) list.push(resource);
      else byType.set(resource.type.typeUrl, [resource]);
      index++;
    }
    const { version } = options;
    const sets = new Map<string, ResourceSet>();
    for (const [typeUrl, list] of byType)
      sets.set(
        typeUrl,
        ResourceSet.of(resourceType(typeUrl), list, typeof version === "string" ? version : version?.[typeUrl]),
      );
    return new Snapshot(sets);
  }

  /**
   * This snapshot with all resources of one type replaced; the other types are shared.
   * @throws XdsError as {@link Snapshot.of}, and WRONG_TYPE
   */
  with(typeUrl: string, inputs: Iterable<ResourceInput>, version?: string): Snapshot {
    const set = ResourceSet.of(resourceType(typeUrl), inputs, version);
    return new Snapshot(new Map(this.sets).set(typeUrl, set));
  }

  /** The resources of a type, by name. */
  resources(typeUrl: string): ReadonlyMap<string, Resource> {
    return this.sets.get(typeUrl)?.resources ?? none;
  }

  get(typeUrl: string, name: string): Resource | undefined {
    return this.sets.get(typeUrl)?.resources.get(canonicalName(name));
  }

  /** The set of a type, if the snapshot says anything of that type. */
  set(typeUrl: string): ResourceSet | undefined {
    return this.sets.get(typeUrl);
  }

  /** The type URLs that the snapshot says anything of. */
  typeUrls(): string[] {
    return [...this.sets.keys()];
  }
}

const none: ReadonlyMap<string, Resource> = new Map();
