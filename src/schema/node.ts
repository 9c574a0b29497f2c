import { create } from "@bufbuild/protobuf";
import type { Node } from "../../gen/envoy/config/core/v3/base_pb.js";
import { envoyRegistry } from "./registry.js";

/** The client as it describes itself in its first request (envoy.config.core.v3.Node). */
export type { Node };

/** A node that says nothing of itself. */
export function anonymousNode(): Node {
  const schema = envoyRegistry().getMessage("envoy.config.core.v3.Node");
  if (!schema) throw new Error("the descriptors lack envoy.config.core.v3.Node");
  return create(schema) as Node;
}
