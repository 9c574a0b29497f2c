import type { ConfigWatcher } from "../cache/config-watcher.js";
import { Resource } from "../resource/resource.js";
import { resourceType } from "../resource/types.js";
import { glance } from "./fetch.js";
import type { Subscription } from "./subscription.js";

/**
 * What SotW answers for names that do not exist, if the type's row has something: a message with nothing but the name, so that
 * the client's start does not wait for it in vain (P56).
 */
export function placeholderFor(
  { type, node }: Subscription,
  watcher: ConfigWatcher,
  related: () => readonly Subscription[],
): ((name: string) => Resource | undefined) | undefined {
  const row = type.placeholder;
  if (!row) return undefined;
  const { afterTypeUrl } = row;
  if (!afterTypeUrl) return (name) => Resource.placeholder(type, name);
  const after = resourceType(afterTypeUrl);
  // The other resource may be gone already, but on the client, which waits for this one.
  const onClient = (name: string) =>
    related().some(
      (other) =>
        other.type.typeUrl === afterTypeUrl &&
        (other.has(name)?.version !== undefined || other.inFlight?.changed.some((resource) => resource.key === name)),
    );
  const served = (name: string) => glance(watcher, { node, type: after })?.get(name) !== undefined;
  return (name) => (onClient(name) || served(name) ? Resource.placeholder(type, name) : undefined);
}
