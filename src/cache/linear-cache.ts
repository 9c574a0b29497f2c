import { checkOptions, type OptionNames } from "../options.js";
import type { Resource } from "../resource/resource.js";
import { type ResourceInput, ResourceSet } from "../resource/resource-set.js";
import type { ResourceType } from "../resource/xds-api.js";
import { XdsApi } from "../resource/xds-api.js";
import type { ConfigWatcher, ResourceView, Watch, Watcher, WatchRequest } from "./config-watcher.js";
import { Heartbeat } from "./heartbeat.js";
import { PastVersions } from "./past-versions.js";
import { ResourceLog } from "./resource-log.js";

/** How a `LinearCache` begins. */
export interface LinearCacheOptions {
  /** The initial resources. Without them, streams end with UNAVAILABLE until resources are set (P13). */
  readonly resources?: Iterable<ResourceInput>;
  /** The prefix of every `version_info`, to distinguish this cache's versions from another's. */
  readonly versionPrefix?: string;
  /** Has the type of the resources and of their messages. Default: {@link XdsApi.default}. */
  readonly api?: XdsApi;
}

const optionNames: OptionNames<LinearCacheOptions> = {
  resources: true,
  versionPrefix: true,
  api: true,
};

/**
 * A cache with resources of one type, which are the same for all nodes.
 *
 * Resources can change one by one. The cost of a change does not depend on the number of resources.
 */
export class LinearCache implements ConfigWatcher {
  private readonly log: ResourceLog;

  /**
   * Makes a cache for one type.
   * @throws XdsError UNKNOWN_TYPE, INVALID_OPTION, and the errors of {@link LinearCache.replace}
   */
  constructor(typeUrl: string, options: LinearCacheOptions = {}) {
    checkOptions("LinearCache", options, optionNames);
    const { api = XdsApi.default } = options;
    const type = api.resourceType(typeUrl);
    const past = type.remembered ? new PastVersions() : undefined;
    this.log = new ResourceLog(type, options.versionPrefix, new Heartbeat().watch, past);
    if (options.resources) this.replace(options.resources);
  }

  /** The type of all its resources. */
  get type(): ResourceType {
    return this.log.type;
  }

  /**
   * Adds a resource, or replaces the one with the same name.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME, VERSION_IN_USE, MISSING_NAME, INVALID_RESOURCE; then nothing changes
   */
  set(input: ResourceInput): void {
    this.update({ set: [input] });
  }

  /** Removes a resource. A name that does not exist is not an error. */
  delete(name: string): void {
    this.update({ delete: [name] });
  }

  /**
   * Sets and removes several resources as one change, which clients never see in part. A name in both lists is set.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME, VERSION_IN_USE, MISSING_NAME, INVALID_RESOURCE; then nothing changes
   */
  update(change: { readonly set?: Iterable<ResourceInput>; readonly delete?: Iterable<string> }): void {
    const set = ResourceSet.of(this.type, change.set ?? []);
    this.log.update(set.resources.values(), change.delete ?? []);
  }

  /**
   * Replaces all resources by these, as one change. Unchanged resources are not sent again.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME, VERSION_IN_USE, MISSING_NAME, INVALID_RESOURCE; then nothing changes
   */
  replace(inputs: Iterable<ResourceInput>): void {
    this.log.replace(ResourceSet.of(this.type, inputs).resources);
  }

  /** The resource of a name or of an alias, if there is one. */
  get(name: string): Resource | undefined {
    return this.log.get(name);
  }

  /** Returns all resources, in the order in which their names were first set. */
  resources(): readonly Resource[] {
    return this.log.all();
  }

  /** How many resources there are. */
  get size(): number {
    return this.log.size;
  }

  ready(): boolean {
    return this.log.serving;
  }

  watch({ type }: WatchRequest, _watcher: Watcher): Watch | undefined {
    if (type.typeUrl !== this.type.typeUrl) return undefined;
    const view: ResourceView = this.log;
    return { view, close: () => {} };
  }
}
