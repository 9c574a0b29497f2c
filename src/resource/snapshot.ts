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
  private constructor(
    private readonly sets: ReadonlyMap<string, ResourceSet>,
    /** The user's version of each type that the snapshot has no set of. */
    private readonly versionOfOthers: string | undefined,
  ) {}

  static readonly empty = new Snapshot(new Map(), undefined);

  /**
   * Encodes and sorts by type. A {@link Resource} is taken as it is, so what did not change need not be encoded again.
   * A type with a version and without resources is an empty set of that version.
   * @throws XdsError DUPLICATE_NAME, MISSING_NAME, UNKNOWN_TYPE, INVALID_RESOURCE, naming the resource; UNKNOWN_TYPE
   * for a version of a type that is not in the table; INVALID_OPTION for an unknown option, or a version that is no
   * string or empty
   */
  static of(inputs: Iterable<ResourceInput>, options: SnapshotOptions = {}): Snapshot {
    const { ofAll, ofTypes } = readVersions(options);
    const byType = new Map<string, Resource[]>(Array.from(ofTypes.keys(), (typeUrl) => [typeUrl, []]));
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
    const sets = new Map<string, ResourceSet>();
    for (const [typeUrl, list] of byType)
      sets.set(typeUrl, ResourceSet.of(resourceType(typeUrl), list, ofTypes.get(typeUrl) ?? ofAll));
    return new Snapshot(sets, ofAll);
  }

  /**
   * This snapshot with all resources of one type replaced; the other types are shared.
   * @throws XdsError as {@link Snapshot.of}, and WRONG_TYPE
   */
  with(typeUrl: string, inputs: Iterable<ResourceInput>, version?: string): Snapshot {
    const set = ResourceSet.of(resourceType(typeUrl), inputs, version);
    return new Snapshot(new Map(this.sets).set(typeUrl, set), this.versionOfOthers);
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

  /**
   * @internal The user's version of a type, also of one that the snapshot has nothing of; undefined: the hash of its
   * content.
   */
  ownVersion(typeUrl: string): string | undefined {
    const set = this.sets.get(typeUrl);
    return set ? set.ownVersion : this.versionOfOthers;
  }

  /** The type URLs that the snapshot says anything of. */
  typeUrls(): string[] {
    return [...this.sets.keys()];
  }
}

/** Checks the options, and takes the versions from them. */
function readVersions(options: SnapshotOptions): { ofAll: string | undefined; ofTypes: ReadonlyMap<string, string> } {
  for (const name of Object.keys(options))
    if (name !== "version")
      throw new XdsError("INVALID_OPTION", `a snapshot has no option ${JSON.stringify(name)}; the only one is version`);
  const { version } = options;
  const refuse = (what: string, got: unknown) =>
    new XdsError("INVALID_OPTION", `${what} is ${JSON.stringify(got)}; it has to be a string that is not empty`);
  if (version === undefined) return { ofAll: undefined, ofTypes: new Map() };
  if (typeof version === "object" && version !== null && !Array.isArray(version)) {
    const ofTypes = Object.entries(version).filter((entry) => entry[1] !== undefined);
    for (const [typeUrl, own] of ofTypes) {
      resourceType(typeUrl);
      if (typeof own !== "string" || own === "") throw refuse(`the version of ${typeUrl}`, own);
    }
    return { ofAll: undefined, ofTypes: new Map(ofTypes) };
  }
  if (typeof version !== "string" || version === "") throw refuse("the version of a snapshot", version);
  return { ofAll: version, ofTypes: new Map() };
}

const none: ReadonlyMap<string, Resource> = new Map();
