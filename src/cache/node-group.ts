import type { Node } from "../schema/node.js";

export type { Node };

/** Which group of nodes, and so which snapshot, a node belongs to. */
export type NodeGroup = (node: Node) => string;

/** The default: every node is a group of its own. */
export const byId: NodeGroup = (node) => node.id;
