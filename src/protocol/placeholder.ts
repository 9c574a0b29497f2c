import type { ConfigWatcher } from "../cache/config-watcher.js";
import { Resource } from "../resource/resource.js";
import { resourceType } from "../resource/types.js";
import { glance } from "./fetch.js";
import type { Subscription } from "./subscription.js";

/**
 * What is answered for a name that does not exist, and that the client never had (P40, P56). A removal where the
 * variant has them, but for types of which a client would take that for an answer and then wait for ever: their row
 * says what they get. In SotW, silence, unless the row has a placeholder.
 */
export function answerForMissing(
  { type, node, names }: Subscription,
  name: string,
  tellsRemovals: boolean,
  watcher: ConfigWatcher,
  related: () => Iterable<Subscription>,
): Resource | "removed" | "silence" {
  const otherwise = tellsRemovals || type.fullStateInSotw ? "removed" : "silence";
  const row = type.placeholder;
  if (tellsRemovals && names.has(name) && type.missingIsSilent) return "silence";
  if (!row || (tellsRemovals && !(row.inDelta && names.has(name)))) return otherwise;
  const { afterTypeUrl } = row;
  if (!afterTypeUrl) return Resource.placeholder(type, name);
  // The other resource may be gone already, but on the client, which waits for this one.
  for (const other of related())
    if (other.type.typeUrl === afterTypeUrl && other.state.mayHave(name)) return Resource.placeholder(type, name);
  const served = glance(watcher, { node, type: resourceType(afterTypeUrl) })?.get(name);
  return served ? Resource.placeholder(type, name) : otherwise;
}
