import type { ConfigWatcher, Watch, Watcher, WatchRequest } from "./config-watcher.js";

/** Sends each request to the cache that a function of the user's picks; undefined: nothing is served for it. */
export class MuxCache implements ConfigWatcher {
  constructor(private readonly pick: (request: WatchRequest) => ConfigWatcher | undefined) {}

  ready(request: WatchRequest): boolean {
    return this.pick(request)?.ready(request) ?? true;
  }

  watch(request: WatchRequest, watcher: Watcher): Watch | undefined {
    return this.pick(request)?.watch(request, watcher);
  }
}
