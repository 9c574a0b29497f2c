import type { Node, NodeGroup } from "../cache/node-group.js";
import type { NodeStatus } from "../cache/snapshot-cache.js";
import type { Resource } from "../resource/resource.js";
import type { Snapshot } from "../resource/snapshot.js";
import { type Counts, fewRemoved, removalsIn, removalText } from "../revisions/removal-guard.js";
import type { Snapshots, Views } from "./head-snapshots.js";
import { commonGroup } from "./node-groups.js";

/** The input of {@link removalReasons}. */
interface Removing {
  readonly served: Snapshots;
  /** What nodes would have. With several, only what is missing in all of them counts as removed. */
  readonly views: readonly Views[];
  readonly share: number;
  /** Whether nodes of a removed group are served the resources for nodes without a group. */
  readonly servesOthers: boolean;
  /** Only removals of these types count. By default all do. */
  readonly only?: ReadonlySet<string>;
}

/** The removals that are too large, a line for each type and group. */
export function removalReasons({ served, views, share, servesOthers, only }: Removing): readonly string[] {
  const now = new Map(Array.from(served, ([group, snapshot]) => [group, countsOf(snapshot)] as const));
  const then = new Map<string, Map<string, number>>();
  for (const one of views)
    for (const group of now.keys()) {
      const counts = then.get(group) ?? new Map<string, number>();
      const view = one.get(group) ?? (servesOthers ? one.get(commonGroup) : undefined);
      for (const [typeUrl, count] of counted(view ?? []))
        counts.set(typeUrl, Math.max(count, counts.get(typeUrl) ?? 0));
      then.set(group, counts);
    }
  return removalsIn(now, then, share)
    .filter(({ typeUrl }) => only?.has(typeUrl) ?? true)
    .map((removal) => removalText(removal, commonGroup));
}

/** The input of {@link moveReasons}. */
interface Moving {
  readonly nodes: readonly NodeStatus[];
  readonly served: Snapshots;
  readonly views: Views;
  /** The group of a node after the change. */
  readonly groupOf: NodeGroup;
  readonly share: number;
}

/**
 * A line if a change of rules moves too many of the connected nodes to another group. Empty if it does not. A node
 * whose group has no layers has the resources for nodes without a group. So it counts as one of them.
 */
export function moveReasons({ nodes, served, views, groupOf, share }: Moving): readonly string[] {
  const isMoved = ({ node, caller, group }: NodeStatus) =>
    servedGroup(served, group) !== servedGroup(views, groupOf(node, caller));
  const moved = nodes.filter(isMoved).length;
  if (moved < fewRemoved || moved <= share * nodes.length) return [];
  return [`${moved} of ${nodes.length} connected nodes would move to another group`];
}

/** The input of {@link affectedNodes}. */
interface Affecting {
  readonly nodes: readonly NodeStatus[];
  readonly served: Snapshots;
  readonly views: Views;
  /** The group of a node after the change. undefined if no node changes its group. */
  readonly groupOf: NodeGroup | undefined;
  /** Resources of these types, by URL, are not part of a rollout. */
  readonly liveTypes: ReadonlySet<string>;
  /**
   * Whether nodes of a group without layers are served the resources for nodes without a group. If not, a group that is
   * only in one of the two revisions cannot be rolled out, and its nodes do not count.
   */
  readonly servesOthers: boolean;
}

/**
 * The connected nodes for which a change adds, changes or removes resources. Live resources count only for a node that
 * moves to another group, because the other group can have other live resources.
 */
export function affectedNodes({ nodes, served, views, groupOf, liveTypes, servesOthers }: Affecting): readonly Node[] {
  const known = new Map<string, boolean>();
  const isAffected = ({ node, caller, group }: NodeStatus) => {
    const next = groupOf ? groupOf(node, caller) : group;
    const isInBoth = served.has(group) && served.has(next) && views.has(next);
    if (!servesOthers && !isInBoth) return false;
    const [was, is] = [servedGroup(served, group), servedGroup(views, next)];
    const key = `${was}\0${is}`;
    const differs = known.get(key) ?? isOther(served.get(was), views.get(is) ?? [], was === is ? liveTypes : noTypes);
    known.set(key, differs);
    return differs;
  };
  return nodes.filter(isAffected).map(({ node }) => node);
}

/** The group whose resources the nodes of a group are served. */
const servedGroup = (all: ReadonlyMap<string, unknown>, group: string) => (all.has(group) ? group : commonGroup);

const countsOf = (snapshot: Snapshot): Counts =>
  new Map(snapshot.typeUrls().map((typeUrl) => [typeUrl, snapshot.resources(typeUrl).size]));

function counted(resources: readonly Resource[]): Counts {
  const counts = new Map<string, number>();
  for (const { type } of resources) counts.set(type.typeUrl, (counts.get(type.typeUrl) ?? 0) + 1);
  return counts;
}

const noTypes: ReadonlySet<string> = new Set();

/** Whether a view differs from what is served. Resources of the types `ignored` do not count. */
function isOther(snapshot: Snapshot | undefined, view: readonly Resource[], ignored: ReadonlySet<string>): boolean {
  if (!snapshot) return true;
  let count = 0;
  for (const { type, key, version } of view) {
    if (ignored.has(type.typeUrl)) continue;
    count++;
    if (snapshot.resources(type.typeUrl).get(key)?.version !== version) return true;
  }
  const ofSnapshot = snapshot.typeUrls().filter((typeUrl) => !ignored.has(typeUrl));
  return count !== ofSnapshot.reduce((sum, typeUrl) => sum + snapshot.resources(typeUrl).size, 0);
}
