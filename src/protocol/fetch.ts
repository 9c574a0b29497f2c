import type { ConfigWatcher, Node, ResourceView, WatchRequest } from "../cache/config-watcher.js";
import { type Caller, callerOf } from "../caller.js";
import { XdsError } from "../errors.js";
import { canonicalName } from "../resource/names.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { DiscoveryRequest } from "../wire/messages.js";
import type { AccountedCaller } from "./caller.js";
import { covered, versionOf } from "./full-state.js";
import { counted } from "./name-count.js";
import type { Response } from "./response.js";

/** A request with one answer. Reading and writing are done in turns of the caller's account. */
export interface Exchange<T> {
  readonly caller: AccountedCaller;
  /** Aborted when the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** @throws XdsError if the request is bad */
  read(): DiscoveryRequest;
  write(response: Response): Generator<void, T>;
}

/** The parts of a response that only streams use. */
const plain = { heartbeats: [], unresolved: [], ttl: false, spellings: new Map<string, string>() };

/** The view that answers a request, for one look. */
export function viewOf(watcher: ConfigWatcher, request: WatchRequest): ResourceView | undefined {
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
 * Answers one request once, in steps (REST and the unary methods, P66–P69). The answer has all requested resources as
 * they are in the last step. Undefined: the client has this version already.
 * @throws XdsError NOT_READY, NO_CONFIGURATION
 */
export function* fetchOnce(
  watcher: ConfigWatcher,
  type: ResourceType,
  node: Node,
  caller: Caller,
  { resourceNames, versionInfo }: Pick<DiscoveryRequest, "resourceNames" | "versionInfo">,
): Generator<void, Response | undefined> {
  const names = new Set<string>();
  let count = 0;
  for (const name of resourceNames) {
    names.add(canonicalName(name));
    count = counted(count, name);
    if (count === 0) yield;
  }
  const request = { node, type, caller: callerOf(caller) };
  if (!watcher.ready(request)) throw new XdsError("NOT_READY", "no configuration has been loaded yet; try again later");
  const view = viewOf(watcher, request);
  if (!view?.serving)
    throw new XdsError(
      "NO_CONFIGURATION",
      `there is no configuration of ${type.typeUrl} for node ${JSON.stringify(node.id)}`,
    );
  const wildcard = names.delete("*") || (resourceNames.length === 0 && type.emptyIsWildcard);
  const resources = covered({ view, wildcard, names });
  const version = versionOf(view, resources);
  if (version === versionInfo) return undefined;
  return { typeUrl: type.typeUrl, versionInfo: version, nonce: "", resources, removedResources: [], ...plain };
}
