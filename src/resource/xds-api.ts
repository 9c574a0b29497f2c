import { XdsError } from "../errors.js";
import { checkOptions } from "../options.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { builtInApi, type EnvoyApi, type PostedApi, postedApi, readApi, takenApi } from "../schema/registry.js";
import { builtInTypes, type ResourceTypeRow } from "./types.js";

/** A resource type: a row of the table of one {@link XdsApi}. */
export interface ResourceType extends ResourceTypeRow {
  /** The API whose table has the row. Resources of the type are encoded, decoded and checked by it. */
  readonly api: XdsApi;
}

/** What an API begins with. */
export interface XdsApiOptions {
  /**
   * A serialized FileDescriptorSet with all imports, such as `extractDescriptors()` reads out of an Envoy. Default: the
   * built-in Envoy API, from which this package was generated.
   */
  readonly descriptors?: Uint8Array;
}

/**
 * Which messages and which resource types there are: the Envoy API, and a table of resource types. The table has
 * Envoy's types, and those that are registered.
 *
 * A server, a snapshot, a resource, a cache and a client can be given one as the option `api`. Without the option they
 * have {@link XdsApi.default}, which the whole process shares. Two APIs in one process do not affect each other.
 */
export class XdsApi {
  /** The API of all that is not given another one. {@link useEnvoyApi} and {@link registerResourceType} change it. */
  static readonly default = new XdsApi();

  private envoy: EnvoyApi | undefined;
  private readonly types = new Map<string, ResourceType>();

  /** @throws XdsError INVALID_OPTION for descriptors that are not a complete Envoy API */
  constructor(options: XdsApiOptions = {}) {
    checkOptions("XdsApi", options, { descriptors: true });
    if (options.descriptors) this.envoy = readApi(options.descriptors);
    for (const row of builtInTypes) this.registerResourceType(row);
  }

  /**
   * The types of the Envoy API. The built-in API is unpacked at the first use.
   *
   * Messages of the server's own services (CSDS, which no Envoy contains, LRS, config dumps) come from the built-in API
   * if the descriptors lack them.
   */
  get registry(): SchemaRegistry {
    return this.inUse.registry;
  }

  /** Returns the rows of the table, in the order in which a change is sent. */
  resourceTypes(): ResourceType[] {
    return [...this.types.values()].sort((a, b) => a.order - b.order);
  }

  /** Returns the row of a type URL; undefined if there is none. */
  findResourceType(typeUrl: string): ResourceType | undefined {
    return this.types.get(typeUrl);
  }

  /**
   * Returns the row of a type URL.
   * @throws XdsError UNKNOWN_TYPE
   */
  resourceType(typeUrl: string): ResourceType {
    const type = this.types.get(typeUrl);
    if (type) return type;
    throw new XdsError(
      "UNKNOWN_TYPE",
      `no resource type has the type URL ${JSON.stringify(typeUrl)}; registerResourceType() adds one`,
    );
  }

  /** Returns the short name of a type, such as `clusters`; the type URL if the table does not have it. */
  typeName(typeUrl: string): string {
    return this.types.get(typeUrl)?.name ?? typeUrl;
  }

  /**
   * Adds a row for a type to the table; the type need not be Envoy's. Returns the new row.
   *
   * Caches accept the type from then on. Servers that are made later offer its service and its REST path.
   * @throws XdsError INVALID_OPTION if the type URL, the service or the path is taken or unusable
   */
  registerResourceType(row: ResourceTypeRow): ResourceType {
    const refuse = (why: string) =>
      new XdsError("INVALID_OPTION", `cannot register ${JSON.stringify(row.typeUrl)}: ${why}`);
    if (!/^[^/\s]+\/[^/\s]+$/.test(row.typeUrl)) throw refuse("a type URL is <authority>/<message's full name>");
    if (!row.name) throw refuse("it has no short name");
    if (!Number.isFinite(row.order)) throw refuse("its order is not a number");
    for (const other of this.types.values()) {
      if (other.typeUrl === row.typeUrl) throw refuse("that type URL is in the table already");
      if (other.name === row.name) throw refuse(`${other.typeUrl} has the short name ${row.name}`);
      if (row.service && other.service?.name === row.service.name)
        throw refuse(`${other.typeUrl} has the service ${row.service.name}`);
      if (row.restPath && other.restPath === row.restPath)
        throw refuse(`${other.typeUrl} has the REST path ${row.restPath}`);
    }
    // Not enumerable: a type in a log line or in a message to another thread has only what the row says.
    const type = Object.defineProperty({ ...row }, "api", { value: this }) as ResourceType;
    this.types.set(type.typeUrl, type);
    return type;
  }

  /** @internal Takes this Envoy API, which is possible until one is in use. */
  useEnvoyApi(descriptors: Uint8Array): SchemaRegistry {
    if (this.envoy)
      throw new XdsError(
        "WRONG_STATE",
        "an Envoy API is in use already; call useEnvoyApi() once, before any resource is made and any server started",
      );
    this.envoy = readApi(descriptors);
    return this.envoy.registry;
  }

  /** @internal The serialized FileDescriptorSet of the Envoy API. */
  get descriptors(): Uint8Array {
    return this.inUse.descriptors;
  }

  /** @internal Returns the Envoy API in a form in which another thread can take it. */
  posted(): PostedApi {
    return postedApi(this.inUse);
  }

  /** @internal Takes another thread's Envoy API. Call it before any other use. */
  take(posted: PostedApi): void {
    this.envoy = takenApi(posted);
  }

  /** @internal Returns the registered rows that are not this package's own. */
  registeredTypes(): ResourceType[] {
    const own = new Set(builtInTypes.map(({ typeUrl }) => typeUrl));
    return [...this.types.values()].filter(({ typeUrl }) => !own.has(typeUrl));
  }

  private get inUse(): EnvoyApi {
    this.envoy ??= builtInApi();
    return this.envoy;
  }
}
