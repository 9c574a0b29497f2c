import type { Caller } from "../caller.js";
import type { Node } from "../schema/node.js";

export type { Node };

/**
 * Returns the group of a node, which decides its snapshot. It can depend on the names in the caller's certificate,
 * which TLS has verified, and on the caller's address. Use only parts of the node that `authorize` has verified. The
 * same node and caller must always give the same group.
 *
 * Each connection of a node is a caller of its own, with its own port in the address. `caller` is undefined only where
 * a cache is asked about a node without one, as by `SnapshotCache.snapshotOf(node)`.
 */
export type NodeGroup = (node: Node, caller?: Caller) => string;

/** The default: every node is its own group. */
export const byId: NodeGroup = (node) => node.id;
