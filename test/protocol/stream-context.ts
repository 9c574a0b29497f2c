import type { ConfigWatcher } from "../../src/cache/config-watcher.js";
import type { StreamContext } from "../../src/protocol/stream-context.js";
import { XdsServer } from "../../src/server/xds-server.js";
import type { XdsServerOptions } from "../../src/server/xds-server-options.js";

/**
 * What the streams of a server share, as a server with these options makes it, but for `changes`: streams without
 * sockets.
 */
export function streamContext(
  cache: ConfigWatcher,
  variant: "sotw" | "delta",
  changes: Partial<StreamContext> = {},
  options: XdsServerOptions = {},
): StreamContext {
  const server = new XdsServer(cache, options) as unknown as { contexts: Record<typeof variant, StreamContext> };
  return { ...server.contexts[variant], ...changes };
}
