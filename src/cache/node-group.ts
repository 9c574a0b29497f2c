import type { Node } from "../schema/node.js";

export type { Node };

/**
 * Which group of nodes, and so which snapshot, a node belongs to. Computed from what is proven of it; see
 * `authorize`.
 */
export type NodeGroup = (node: Node) => string;

/** The default: every node is a group of its own. */
export const byId: NodeGroup = (node) => node.id;
