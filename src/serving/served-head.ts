import type { Node } from "../cache/node-group.js";
import type { Caller } from "../caller.js";
import type { Head } from "../rollout/head.js";
import { isIn, type Rollout } from "../rollout/rollout.js";
import type { Snapshots } from "./head-snapshots.js";

/** The head that a cache shows now, with the snapshots of its groups. */
export interface ServedHead {
  readonly head: Head;
  /** By cache group. */
  readonly stable: Snapshots;
  /** By cache group. It has only the groups for which the candidate differs from the stable revision. */
  readonly candidates: Snapshots;
  /**
   * The group of a node by the stable rules, and by the candidate's. undefined if both have the same rules: then the
   * cache's group of a node is its group in both.
   */
  readonly groupsOf?: ((node: Node, caller: Caller) => GroupsOfNode) | undefined;
}

/** The cache groups whose snapshots a node is served without the candidate, and with it. */
export type GroupsOfNode = readonly [stable: string, candidate: string];

/**
 * Whether a node has the candidate of a rollout. The node's id alone decides. So a node that connects again has the
 * same revision as before. The rollout has a list of the ids of the first wave. So a new node that connects during the
 * first wave gets the stable revision. A node without an id is in the last wave, because it cannot be followed.
 */
export const hasCandidate = (rollout: Rollout, { id }: Pick<Node, "id">): boolean =>
  id === "" ? rollout.share >= 1 : isIn(rollout, id);

/** Like {@link hasCandidate}, but keeps each node's answer, because it is called for each type of each stream. */
export function picking(rollout: Rollout): (node: Node) => boolean {
  const known = new WeakMap<Node, boolean>();
  return (node) => {
    let has = known.get(node);
    if (has === undefined) {
      has = hasCandidate(rollout, node);
      known.set(node, has);
    }
    return has;
  };
}

/** Whether the same nodes have the candidate in both states of a rollout. */
export const hasSameNodes = (a: Rollout | undefined, b: Rollout | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.id === b.id &&
    a.share === b.share &&
    a.first.length === b.first.length &&
    a.first.every((id, at) => id === b.first[at]));
