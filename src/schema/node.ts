import { create } from "@bufbuild/protobuf";
import type { Node } from "../../gen/envoy/config/core/v3/base_pb.js";
import { apiMessage } from "./registry.js";

/** The client as it describes itself in its first request (envoy.config.core.v3.Node). */
export type { Node };

/** A node that says nothing of itself. */
export function anonymousNode(): Node {
  return create(apiMessage("envoy.config.core.v3.Node")) as Node;
}
