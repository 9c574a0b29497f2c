import { XdsError } from "../errors.js";
import type { ConfigWatcher, Watch, Watcher, WatchRequest } from "./config-watcher.js";

/**
 * A cache that forwards each request to another cache.
 *
 * The user's function picks the cache. If it returns undefined, the request is not served.
 */
export class MuxCache implements ConfigWatcher {
  /** @throws XdsError INVALID_OPTION */
  constructor(private readonly pick: (request: WatchRequest) => ConfigWatcher | undefined) {
    if (typeof pick !== "function")
      throw new XdsError("INVALID_OPTION", "MuxCache takes a function that returns a cache for a request");
  }

  ready(request: WatchRequest): boolean {
    return this.pick(request)?.ready(request) ?? true;
  }

  watch(request: WatchRequest, watcher: Watcher): Watch | undefined {
    return this.pick(request)?.watch(request, watcher);
  }
}
