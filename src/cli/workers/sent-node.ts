import type { NodeStatus } from "../../cache/snapshot-cache.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { anonymousNode, type Node } from "../../schema/node.js";

/** The fields of a node that decide its group, or what counts in a rollout. */
type SentNode = Pick<Node, "id" | "cluster" | "locality" | "metadata" | "userAgentName">;

/** A node of a worker, as the main process gets it. */
export type SentStatus = Pick<NodeStatus, "caller" | "group"> & { readonly node: SentNode };

/** Leaves out what is long in a node, such as the extensions of an Envoy. */
export function sentNode({ node, caller, group }: NodeStatus): SentStatus {
  const { id, cluster, locality, metadata, userAgentName } = node;
  const sentCaller = caller && { peer: caller.peer, certificateNames: caller.certificateNames };
  return {
    node: { id, cluster, userAgentName, ...(locality && { locality }), ...(metadata && { metadata }) },
    group,
    ...(sentCaller && { caller: sentCaller }),
  };
}

export const receivedNode = ({ node, caller, group }: SentStatus): NodeStatus => ({
  node: Object.assign(anonymousNode(envoyRegistry()), node),
  ...{ caller, group, typeUrls: [], lastRequestAt: 0, lastResponseAt: 0 },
});
