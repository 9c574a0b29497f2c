import type { ConfigWatcher, Node } from "../cache/config-watcher.js";
import { Resource } from "../resource/resource.js";
import { type ResourceType, resourceType } from "../resource/types.js";

/**
 * What SotW answers for names that do not exist, if the type's row has something: a message with nothing but the name, so that
 * the client's start does not wait for it in vain (P56).
 */
export function placeholderFor(
  type: ResourceType,
  watcher: ConfigWatcher,
  node: Node,
): ((name: string) => Resource | undefined) | undefined {
  const row = type.placeholder;
  if (!row) return undefined;
  const { afterTypeUrl } = row;
  return (name) => {
    if (afterTypeUrl && !exists(watcher, node, resourceType(afterTypeUrl), name)) return undefined;
    return Resource.placeholder(type, name);
  };
}

function exists(watcher: ConfigWatcher, node: Node, type: ResourceType, name: string): boolean {
  const passing = { node, lastRequestAt: 0, lastResponseAt: 0, wake: () => {}, move: () => {} };
  const watch = watcher.watch({ node, type }, passing);
  watch?.close();
  return watch?.view.get(name) !== undefined;
}
