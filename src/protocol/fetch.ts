import type { ConfigWatcher, Node } from "../cache/config-watcher.js";
import { XdsError } from "../errors.js";
import type { ResourceType } from "../resource/types.js";
import { covered, versionOf } from "./diff.js";
import type { DiscoveryRequest, Response } from "./messages.js";

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
  const passing = { node, lastRequestAt: Date.now(), lastResponseAt: 0, wake: () => {}, move: () => {} };
  const watch = watcher.watch({ node, type }, passing);
  watch?.close();
  if (!watch?.view.serving)
    throw new XdsError(
      "NO_CONFIGURATION",
      `there is no configuration of ${type.typeUrl} for node ${JSON.stringify(node.id)}`,
    );
  const { view } = watch;
  const names = new Set(resourceNames);
  const wildcard = names.delete("*") || (resourceNames.length === 0 && type.emptyIsWildcard);
  const resources = covered({ view, wildcard, names });
  const version = versionOf(view, resources);
  if (version === versionInfo) return undefined;
  return { typeUrl: type.typeUrl, versionInfo: version, nonce: "", resources, removedResources: [] };
}
