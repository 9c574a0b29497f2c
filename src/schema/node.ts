import { create, type Registry } from "@bufbuild/protobuf";
import type { Node } from "../../gen/envoy/config/core/v3/base_pb.js";
import { apiMessage } from "./registry.js";

/**
 * A client's description of itself in its first request (`envoy.config.core.v3.Node`). A long list of extensions is
 * frozen, and may be shared with other nodes.
 */
export type { Node };

/** Returns a node without any fields set. */
export function anonymousNode(registry: Registry): Node {
  return create(apiMessage(registry, "envoy.config.core.v3.Node")) as Node;
}

/** Returns the version in the node's user agent; "" if the node gives none. */
export function userAgentVersion({ userAgentVersionType: { case: kind, value } }: Node): string {
  if (kind === "userAgentVersion") return value;
  const version = value?.version;
  return version ? `${version.majorNumber}.${version.minorNumber}.${version.patch}` : "";
}
