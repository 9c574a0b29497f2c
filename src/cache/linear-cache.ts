import type { Resource } from "../resource/resource.js";
import { type ResourceInput, ResourceSet } from "../resource/resource-set.js";
import { type ResourceType, resourceType } from "../resource/types.js";
import type { ConfigWatcher, ResourceView, Watch, Watcher, WatchRequest } from "./config-watcher.js";
import { Heartbeat } from "./heartbeat.js";
import { ResourceLog } from "./resource-log.js";

export interface LinearCacheOptions {
  /** The first resources. Without it streams end with UNAVAILABLE until something is written (P13). */
  readonly resources?: Iterable<ResourceInput>;
  /** Put before every `version_info`, to tell this cache's versions from another's. */
  readonly versionPrefix?: string;
}

/** The resources of one type, the same for all nodes, changed one by one. The cost of a change does not grow with their number. */
export class LinearCache implements ConfigWatcher {
  private readonly log: ResourceLog;

  /** @throws XdsError UNKNOWN_TYPE, and what {@link LinearCache.replace} throws */
  constructor(typeUrl: string, options: LinearCacheOptions = {}) {
    this.log = new ResourceLog(resourceType(typeUrl), options.versionPrefix, new Heartbeat().watch);
    if (options.resources) this.replace(options.resources);
  }

  get type(): ResourceType {
    return this.log.type;
  }

  /**
   * Adds a resource, or replaces the one of its name.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME, VERSION_IN_USE, MISSING_NAME, INVALID_RESOURCE; then nothing changes
   */
  set(input: ResourceInput): void {
    this.update({ set: [input] });
  }

  /** Removes a resource; a name that is not there is no error. */
  delete(name: string): void {
    this.update({ delete: [name] });
  }

  /**
   * Several at once, as one change: nobody sees a part of it. A name in both lists is set.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME, VERSION_IN_USE, MISSING_NAME, INVALID_RESOURCE; then nothing changes
   */
  update(change: { readonly set?: Iterable<ResourceInput>; readonly delete?: Iterable<string> }): void {
    const set = ResourceSet.of(this.type, change.set ?? []);
    this.log.update(set.resources.values(), change.delete ?? []);
  }

  /**
   * Makes these all the resources there are, as one change. What is among the old ones too is not sent again.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME, VERSION_IN_USE, MISSING_NAME, INVALID_RESOURCE; then nothing changes
   */
  replace(inputs: Iterable<ResourceInput>): void {
    this.log.replace(ResourceSet.of(this.type, inputs).resources);
  }

  get(name: string): Resource | undefined {
    return this.log.get(name);
  }

  /** All resources, in the order in which their names first came. */
  resources(): readonly Resource[] {
    return this.log.all();
  }

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
