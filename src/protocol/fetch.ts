import type { ConfigWatcher, Node, ResourceView, WatchRequest } from "../cache/config-watcher.js";
import { XdsError } from "../errors.js";
import { canonicalName } from "../resource/names.js";
import type { ResourceType } from "../resource/types.js";
import { covered, versionOf } from "./diff.js";
import type { DiscoveryRequest, Response } from "./messages.js";

/** Nothing that only streams know of. */
const plain = { heartbeats: [], unresolved: [], ttl: false, spellings: new Map<string, string>() };

/** The view that answers a request, for one look. */
export function glance(watcher: ConfigWatcher, request: WatchRequest): ResourceView | undefined {
  const ignore = () => {};
  const passing = {
    node: request.node,
    lastRequestAt: Date.now(),
    lastResponseAt: 0,
    wake: ignore,
    beat: ignore,
    move: ignore,
  };
  const watch = watcher.watch(request, passing);
  watch?.close();
  return watch?.view;
}

/**
 * One request, one answer (REST and the unary methods, P66–P69): all that it asks for, as it is now. undefined: the client has
 * this version already.
 * @throws XdsError NOT_READY, NO_CONFIGURATION
 */
export function fetchOnce(
  watcher: ConfigWatcher,
  type: ResourceType,
  node: Node,
  { resourceNames, versionInfo }: Pick<DiscoveryRequest, "resourceNames" | "versionInfo">,
): Response | undefined {
  if (!watcher.ready({ node, type }))
    throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
  const view = glance(watcher, { node, type });
  if (!view?.serving)
    throw new XdsError(
      "NO_CONFIGURATION",
      `there is no configuration of ${type.typeUrl} for node ${JSON.stringify(node.id)}`,
    );
  const names = new Set(resourceNames.map(canonicalName));
  const wildcard = names.delete("*") || (resourceNames.length === 0 && type.emptyIsWildcard);
  const resources = covered({ view, wildcard, names });
  const version = versionOf(view, resources);
  if (version === versionInfo) return undefined;
  return { typeUrl: type.typeUrl, versionInfo: version, nonce: "", resources, removedResources: [], ...plain };
}
