import { create } from "@bufbuild/protobuf";
import type { Node } from "../../gen/envoy/config/core/v3/base_pb.js";
import { apiMessage } from "./registry.js";

/**
 * The client as it describes itself in its first request (envoy.config.core.v3.Node). A long list of its extensions is frozen, and
 * may be shared with other nodes.
 */
export type { Node };

/** A node that says nothing of itself. */
export function anonymousNode(): Node {
  return create(apiMessage("envoy.config.core.v3.Node")) as Node;
}

/** Which version the node says it is of; "": it does not say. */
export function userAgentVersion({ userAgentVersionType: { case: kind, value } }: Node): string {
  if (kind === "userAgentVersion") return value;
  const version = value?.version;
  return version ? `${version.majorNumber}.${version.minorNumber}.${version.patch}` : "";
}
