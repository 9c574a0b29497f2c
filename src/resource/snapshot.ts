import { messageOf, XdsError } from "../errors.js";
import { allAtOnce, type InSteps } from "../in-turns.js";
import { checkOptions } from "../options.js";
import { canonicalName } from "./names.js";
import type { Resource } from "./resource.js";
import { type ResourceInput, ResourceSet, toResource } from "./resource-set.js";
import type { ResourceType } from "./xds-api.js";
import { XdsApi } from "./xds-api.js";

/** What may be given beside a snapshot's resources. */
export interface SnapshotOptions {
  /**
   * The version of all types in SotW responses, or a version for each type URL. The default is a hash of the type's
   * content.
   */
  readonly version?: string | Readonly<Record<string, string>>;
  /** Makes resources of messages. A {@link Resource} keeps its own. Default: {@link XdsApi.default}. */
  readonly api?: XdsApi;
}

/**
 * The configuration of one group of nodes: a set of resources for each type. It never changes; `with` makes a new one.
 */
export class Snapshot {
  private constructor(
    private readonly sets: ReadonlyMap<string, ResourceSet>,
    /** The user's version of types without a set. */
    private readonly versionOfOthers: string | undefined,
    /** Makes resources of the messages that `with` is given. */
    private readonly api: XdsApi,
  ) {}

  /** A snapshot without resources, with the default API. */
  static readonly empty = new Snapshot(new Map(), undefined, XdsApi.default);

  /**
   * Makes a snapshot of resources of any types.
   *
   * A {@link Resource} is used as it is, so unchanged resources need no new encoding. A type with a version and without
   * resources becomes an empty set of that version.
   * @throws XdsError DUPLICATE_NAME, MISSING_NAME, UNKNOWN_TYPE, INVALID_RESOURCE with the resource's position;
   * UNKNOWN_TYPE for a version of an unknown type; INVALID_OPTION for an unknown option, and for a version that is not
   * a non-empty string
   */
  static of(inputs: Iterable<ResourceInput>, options: SnapshotOptions = {}): Snapshot {
    return allAtOnce(Snapshot.making(inputs, options));
  }

  /** @internal {@link Snapshot.of} in steps. */
  static *making(inputs: Iterable<ResourceInput>, options: SnapshotOptions = {}): InSteps<Snapshot> {
    const { api = XdsApi.default } = options;
    const { ofAll, ofTypes } = readVersions(options);
    const byType = new Map<string, { readonly type: ResourceType; readonly resources: Resource[] }>();
    for (const typeUrl of ofTypes.keys()) byType.set(typeUrl, { type: api.resourceType(typeUrl), resources: [] });
    let index = 0;
    for (const input of inputs) {
      let resource: Resource;
      try {
        resource = toResource(input, api);
      } catch (error) {
        if (!(error instanceof XdsError)) throw error;
        throw new XdsError(error.code, `resource ${index} of the snapshot: ${messageOf(error)}`, { cause: error });
      }
      const { type } = resource;
      const known = byType.get(type.typeUrl);
      if (known) known.resources.push(resource);
      else byType.set(type.typeUrl, { type, resources: [resource] });
      index++;
      yield;
    }
    const sets = new Map<string, ResourceSet>();
    for (const [typeUrl, { type, resources }] of byType)
      sets.set(typeUrl, yield* ResourceSet.making(type, resources, ofTypes.get(typeUrl) ?? ofAll));
    return new Snapshot(sets, ofAll, api);
  }

  /**
   * Returns a copy of this snapshot with other resources of one type. The copy shares the other types.
   * @throws XdsError as {@link Snapshot.of}, and WRONG_TYPE
   */
  with(typeUrl: string, inputs: Iterable<ResourceInput>, version?: string): Snapshot {
    const type = this.sets.get(typeUrl)?.type ?? this.api.resourceType(typeUrl);
    const set = ResourceSet.of(type, inputs, version);
    return new Snapshot(new Map(this.sets).set(typeUrl, set), this.versionOfOthers, this.api);
  }

  /** Returns the resources of a type, by name. */
  resources(typeUrl: string): ReadonlyMap<string, Resource> {
    return this.sets.get(typeUrl)?.resources ?? none;
  }

  /** The resource of a type with this name, if there is one. */
  get(typeUrl: string, name: string): Resource | undefined {
    return this.sets.get(typeUrl)?.resources.get(canonicalName(name));
  }

  /** Returns the set of a type; undefined if the snapshot has none. */
  set(typeUrl: string): ResourceSet | undefined {
    return this.sets.get(typeUrl);
  }

  /**
   * @internal Returns the user's version of a type, also of one without a set; undefined if the version is the hash of
   * the content.
   */
  ownVersion(typeUrl: string): string | undefined {
    const set = this.sets.get(typeUrl);
    return set ? set.ownVersion : this.versionOfOthers;
  }

  /** Returns the types of all sets. */
  types(): ResourceType[] {
    return Array.from(this.sets.values(), ({ type }) => type);
  }

  /** Returns the type URLs of all sets. */
  typeUrls(): string[] {
    return [...this.sets.keys()];
  }
}

/** Checks the options, and returns the versions in them. */
function readVersions(options: SnapshotOptions): { ofAll: string | undefined; ofTypes: ReadonlyMap<string, string> } {
  checkOptions("Snapshot", options, { version: true, api: true });
  const { version } = options;
  const invalid = (what: string, got: unknown) =>
    new XdsError("INVALID_OPTION", `${what} must be a non-empty string, is ${JSON.stringify(got)}`);
  if (version === undefined) return { ofAll: undefined, ofTypes: new Map() };
  if (typeof version === "object" && version !== null && !Array.isArray(version)) {
    const ofTypes = Object.entries(version).filter((entry) => entry[1] !== undefined);
    for (const [typeUrl, own] of ofTypes) {
      if (typeof own !== "string" || own === "") throw invalid(`the version of ${typeUrl}`, own);
    }
    return { ofAll: undefined, ofTypes: new Map(ofTypes) };
  }
  if (typeof version !== "string" || version === "") throw invalid("the version of a snapshot", version);
  return { ofAll: version, ofTypes: new Map() };
}

const none: ReadonlyMap<string, Resource> = new Map();
