import type { Node } from "../cache/node-group.js";
import type { SnapshotCache } from "../cache/snapshot-cache.js";
import { type Caller, callerOf } from "../caller.js";
import { cutText } from "../cut-text.js";
import type { Silent } from "../fleet/ask-peers.js";
import { isOwnCommand } from "../own-command.js";
import { findResourceType } from "../resource/default-api.js";
import type { Resource } from "../resource/resource.js";
import type { Snapshot } from "../resource/snapshot.js";
import type { CandidateNode, Rollout } from "../rollout/rollout.js";
import type { Callbacks, StreamNack } from "../server/callbacks.js";
import type { NodeLoads } from "../server/lrs/node-loads.js";
import type { ConnectedNode } from "../server/status/connected-node.js";
import { FactTable } from "./fact-table.js";
import { changesOf } from "./head-snapshots.js";
import type { Elsewhere, EvidenceLine, NodeFact } from "./other-evidence.js";
import { type GroupsOfNode, hasCandidate, hasSameNodes, picking, type ServedHead } from "./served-head.js";

/** Options of {@link RolloutEvidence}. */
export interface RolloutEvidenceOptions {
  /** Returns what the cache shows, like `HeadFollower.served`. */
  served(): ServedHead | undefined;
  /** Returns the selected nodes, like `XdsServer.nodes`. */
  nodes(selector: (node: Node, caller: Caller) => boolean): readonly ConnectedNode[];
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** How long a node can be disconnected before it is lost, in milliseconds. Default 30,000. */
  readonly lostAfterMs?: number;
  /**
   * Lost nodes count only if they are more than this share of the nodes that have the candidate. Some nodes come and go
   * even if all is well. With the default, 0.05, the only node of the first wave counts.
   */
  readonly lostShare?: number;
  /** What other processes know of their nodes. By default there are no others. */
  readonly elsewhere?: (rollout: Rollout) => Elsewhere;
  /** The loads that nodes have reported to this server. */
  readonly loads?: () => NodeLoads | undefined;
}

/** What is known of the nodes at one moment: those of this server, and those of other processes. */
export interface Observed {
  /** The ids of the affected nodes: connected nodes for which candidate and stable revision differ. */
  readonly affected: readonly string[];
  /** The ids of the affected nodes that have the candidate. */
  readonly candidates: readonly string[];
  /** The ids of all other connected nodes. */
  readonly others: readonly string[];
  /** The nodes in the waves so far, as `step()` needs them. */
  readonly nodes: readonly CandidateNode[];
  /** The processes whose nodes are not known well enough. While there are any, a rollout does not go forward. */
  readonly silent: readonly Silent[];
}

/** A node in the waves so far. Times are in milliseconds since 1970. */
interface Seen {
  /** When the node was given the candidate. undefined once the node has applied it. */
  pendingSince: number | undefined;
  /** Whether the node has ever applied the candidate. */
  hasTaken: boolean;
  /** What the node has refused, and its error message. */
  refused: string | undefined;
  /** How often it has refused each changed resource of the candidate, by type and name. */
  refusals: Map<string, number> | undefined;
  mostRefusals: number;
  /** When the node disconnected. undefined while it is connected. */
  goneSince: number | undefined;
  /** When its last streams ended, newest last. */
  ends: readonly number[];
}

/** A node whose streams end this often within `loopMs` is in a loop, and counts as lost. */
const loopEnds = 3;
const loopMs = 600_000;
/** Streams of a node that end within this time, in milliseconds, count as one end. */
const togetherMs = 1_000;
/** The most refused names in a reason. */
const mostNames = 3;
/** The most characters of a reason that another process gets. */
const longestReason = 2_000;
/** How old the facts for other processes may be, in milliseconds. */
const tableMs = 500;

/**
 * Watches the nodes that have the candidate of a rollout, at this server and at others that share its store. It knows
 * which of them have not applied it yet, have refused it, or are lost. A node that has left one server and is connected
 * to another is not lost. It keeps an entry for each node in the waves so far. Commands of this program, such as `xds
 * watch`, do not count: they end at any time, and take everything.
 */
export class RolloutEvidence {
  /** Called after an event that can change the decision. `isUrgent` is true if a node has refused the candidate. */
  onChange: (isUrgent: boolean) => void = () => {};
  private rollout: Rollout | undefined;
  private isIn: (node: Node) => boolean = () => false;
  private readonly seen = new Map<string, Seen>();
  /** The groups of each node, as {@link RolloutEvidence.groupsFor} shows them. */
  private groups = new WeakMap<Node, GroupsOfNode>();
  private groupsFor: ServedHead | undefined;
  private readonly now: () => number;
  /** What this process knows of its own nodes. */
  private readonly table = new FactTable();
  private observedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly cache: SnapshotCache,
    private readonly options: RolloutEvidenceOptions,
  ) {
    this.now = options.now ?? Date.now;
  }

  /** The server whose nodes are watched must call these. `joinedCallbacks()` combines them with other callbacks. */
  readonly callbacks: Callbacks = {
    onStreamAck: ({ stream }) => {
      if (stream.node && this.seen.get(stream.node.id)?.pendingSince !== undefined) this.onChange(false);
    },
    onStreamNack: (nack) => this.refused(nack),
    onStreamClosed: ({ node }) => this.ended(node),
    onDeltaStreamClosed: ({ node }) => this.ended(node),
  };

  /** What the cache shows. */
  get served(): ServedHead | undefined {
    return this.options.served();
  }

  /** How many nodes have an entry. */
  get size(): number {
    return this.seen.size;
  }

  /** Looks at all connected nodes. Without a rollout all lists are empty, and all entries are dropped. */
  observe(): Observed {
    const { served } = this;
    const now = this.now();
    const affected: string[] = [];
    const candidates: string[] = [];
    const others: string[] = [];
    const rollout = served?.head.rollout;
    this.follow(rollout);
    this.observedAt = performance.now();
    if (!served || !rollout) return { affected, candidates, others, nodes: [], silent: [] };
    const own = new Map<string, NonNullable<NodeFact["is"]>>();
    const pending = this.options.nodes((node, caller) => {
      const { id } = node;
      if (id === "" || isOwnCommand(node)) return false;
      const [stable, candidate] = this.sidesOf(node, caller, served);
      const isAffected = changesOf(stable, candidate).size > 0;
      own.set(id, !isAffected ? "other" : this.isIn(node) ? "pending" : "affected");
      return own.get(id) === "pending" && this.connectedNow(id, now).pendingSince !== undefined;
    });
    const isPending = new Set<string>();
    for (const node of pending) if (!this.hasApplied(node, served)) isPending.add(node.node.id);
    for (const [id, is] of own) if (is === "pending" && !isPending.has(id)) own.set(id, "taken");
    const { facts, silent } = this.options.elsewhere?.(rollout) ?? { facts: [], silent: [] };
    if (this.options.elsewhere) this.table.set(this.ownFacts(own));
    const connected = joined(own, facts);
    for (const [id, is] of connected) {
      if (is !== "other") affected.push(id);
      if (is === "pending" || is === "taken") {
        candidates.push(id);
        const seen = this.connectedNow(id, now);
        if (is === "pending") seen.pendingSince ??= now;
        else {
          seen.pendingSince = undefined;
          seen.hasTaken = true;
        }
      } else {
        others.push(id);
        this.seen.delete(id);
      }
    }
    for (const fact of facts) this.takeRefusals(fact);
    for (const [id, seen] of this.seen) {
      if (connected.has(id)) continue;
      seen.goneSince ??= now;
      if (!hasCandidate(rollout, { id }) || now - seen.goneSince >= loopMs) this.seen.delete(id);
    }
    return { affected, candidates, others, nodes: this.candidateNodes(now, facts), silent };
  }

  /**
   * What has changed about the nodes of this server since a mark, for other processes. It is at most half a second old.
   */
  changesSince(rollout: string, mark: string | undefined): Omit<EvidenceLine, "by"> {
    if (performance.now() - this.observedAt > tableMs) this.observe();
    const shows = this.served?.head.rollout;
    if (!shows || shows.id !== rollout) return { mark: "", isWhole: true, entries: [] };
    const { id, share, first } = shows;
    return { ...this.table.since(mark), shows: { id, share, first } };
  }

  /** The entry of a node that is connected. If it was gone, it has to apply the candidate again. */
  private connectedNow(id: string, now: number): Seen {
    const seen = this.seenOf(id, now);
    if (seen.goneSince !== undefined) {
      seen.goneSince = undefined;
      seen.pendingSince = now;
    }
    return seen;
  }

  /** The facts of this server, in JSON by node id: of its own nodes, and of others that were here or report loads. */
  private ownFacts(own: ReadonlyMap<string, NonNullable<NodeFact["is"]>>): Map<string, string> {
    const loads = this.options.loads?.();
    const ids = new Set([...own.keys(), ...(loads?.ids() ?? [])]);
    for (const [id, { ends }] of this.seen) if (ends.length > 0) ids.add(id);
    const facts = new Map<string, string>();
    for (const id of ids) {
      const { refused, mostRefusals = 0, ends = [] } = this.seen.get(id) ?? {};
      const is = own.get(id);
      const load = loads?.get(id);
      const fact: NodeFact = {
        ...(is && { is }),
        ...(is && refused !== undefined && { refused: [cutText(refused, longestReason), Math.min(mostRefusals, 1e9)] }),
        ...(ends.length > 0 && { ends }),
        ...(load && { load: { total: load.total, recent: load.recent } }),
      };
      facts.set(id, JSON.stringify(fact));
    }
    return facts;
  }

  /** Takes over what nodes of another process have refused. */
  private takeRefusals(facts: ReadonlyMap<string, NodeFact>): void {
    for (const [id, { refused: [text, refusals] = [] }] of facts) {
      const seen = this.seen.get(id);
      if (!seen || text === undefined || refusals === undefined || refusals <= seen.mostRefusals) continue;
      seen.refused = text;
      seen.mostRefusals = refusals;
    }
  }

  private candidateNodes(now: number, facts: Elsewhere["facts"]): CandidateNode[] {
    const { lostAfterMs = 30_000, lostShare = 0.05 } = this.options;
    const lost = new Map<string, string>();
    for (const [id, { goneSince, hasTaken, ends: own }] of this.seen) {
      const ends = allEnds(
        own,
        facts.flatMap((theirs) => theirs.get(id)?.ends ?? []),
      );
      if (goneSince !== undefined && now - goneSince >= lostAfterMs)
        lost.set(
          id,
          hasTaken ? "has gone away after it took the candidate" : "has gone away before it took the candidate",
        );
      else if (ends.length >= loopEnds && now - (ends[0] as number) < loopMs)
        lost.set(id, `has connected again ${loopEnds} times since it was given the candidate`);
    }
    const isMany = lost.size > lostShare * this.seen.size;
    const nodes: CandidateNode[] = [];
    for (const [id, { pendingSince, goneSince, refused, mostRefusals }] of this.seen) {
      const why = lost.get(id);
      // Few nodes are lost, and this one is disconnected. So the rollout does not wait for it.
      if (why !== undefined && goneSince !== undefined && !isMany && refused === undefined) continue;
      const since = goneSince ?? pendingSince;
      nodes.push({
        id,
        ...(since !== undefined && { pendingSince: since }),
        ...(refused !== undefined && { refused, refusals: mostRefusals }),
        ...(why !== undefined && isMany && { lost: why }),
      });
    }
    return nodes;
  }

  private refused({ stream, typeUrl, resources, removedResources, error }: StreamNack): void {
    const { served } = this;
    const { node } = stream;
    const rollout = served?.head.rollout;
    if (!rollout || !node || node.id === "" || isOwnCommand(node)) return;
    this.follow(rollout);
    if (!this.isIn(node)) return;
    const [stable, candidate] = this.sidesOf(node, callerOf(stream), served);
    if (!stable || !candidate) return;
    // Only what the candidate changes counts. A node can also refuse a live resource, or something that the stable
    // revision has too.
    const versionIn = (snapshot: Snapshot, name: string) => snapshot.get(typeUrl, name)?.version;
    const isNew = ({ name, version }: Resource) =>
      versionIn(candidate, name) === version && versionIn(stable, name) !== version;
    const isRemoved = (name: string) =>
      versionIn(candidate, name) === undefined && versionIn(stable, name) !== undefined;
    const changed = resources.filter(isNew);
    const names = [...changed.map(({ name }) => name), ...removedResources.filter(isRemoved)];
    if (names.length === 0) return;
    const shown = names.slice(0, mostNames).map((name) => JSON.stringify(name));
    if (names.length > mostNames) shown.push(`${names.length - mostNames} more`);
    const type = findResourceType(typeUrl)?.name ?? typeUrl;
    const now = this.now();
    const seen = this.seenOf(node.id, now);
    seen.pendingSince ??= now;
    seen.refusals ??= new Map();
    let most = names.length > changed.length ? Number.POSITIVE_INFINITY : 0;
    for (const { key } of changed) {
      const refusals = (seen.refusals.get(`${typeUrl} ${key}`) ?? 0) + 1;
      seen.refusals.set(`${typeUrl} ${key}`, refusals);
      most = Math.max(most, refusals);
    }
    if (most > seen.mostRefusals) seen.refused = `${type} ${shown.join(", ")}: ${error.message.trim()}`;
    seen.mostRefusals = Math.max(most, seen.mostRefusals);
    this.onChange(true);
  }

  private ended(node: Node | undefined): void {
    const seen = node && !isOwnCommand(node) && this.seen.get(node.id);
    if (!seen) return;
    const now = this.now();
    seen.pendingSince ??= now;
    if (now - (seen.ends.at(-1) ?? Number.NEGATIVE_INFINITY) < togetherMs) return;
    seen.ends = [...seen.ends, now].slice(-loopEnds);
    this.onChange(false);
  }

  /** Forgets everything about another rollout. */
  private follow(rollout: Rollout | undefined): void {
    const before = this.rollout;
    this.rollout = rollout;
    if (!hasSameNodes(before, rollout)) this.isIn = rollout ? picking(rollout) : () => false;
    if (rollout?.id === before?.id) return;
    this.seen.clear();
    this.table.clear();
  }

  private seenOf(id: string, now: number): Seen {
    let seen = this.seen.get(id);
    if (!seen) {
      seen = {
        ...{ pendingSince: now, hasTaken: false, goneSince: undefined, ends: [] },
        ...{ refused: undefined, refusals: undefined, mostRefusals: 0 },
      };
      this.seen.set(id, seen);
    }
    return seen;
  }

  /**
   * What a node is served without the candidate, and with it. The candidate's rules can move the node to another group.
   */
  private sidesOf(node: Node, caller: Caller, served: ServedHead) {
    if (this.groupsFor !== served) this.groups = new WeakMap();
    this.groupsFor = served;
    let groups = this.groups.get(node);
    if (!groups) {
      const group = served.groupsOf ? "" : this.cache.servedGroup(node, caller);
      groups = served.groupsOf?.(node, caller) ?? [group, group];
      this.groups.set(node, groups);
    }
    const [without, having] = groups;
    return [served.stable.get(without), served.candidates.get(having) ?? served.stable.get(having)] as const;
  }

  /** Whether a node has every changed resource that it subscribes to. */
  private hasApplied(connected: ConnectedNode, served: ServedHead): boolean {
    const [stable, candidate] = this.sidesOf(connected.node, connected.caller, served);
    const changes = changesOf(stable, candidate);
    if (connected.types.length === 0) return false;
    return connected.types.every(({ typeUrl, state }) => {
      const changed = changes.get(typeUrl);
      if (!changed || state === "SYNCED" || state === "DRAINING") return true;
      // The node can be waiting for something, or refuse something, that the candidate does not change.
      return state !== "STALE" && hasAll(connected, typeUrl, changed);
    });
  }
}

/** From the least to the most that others know of a node: one that is pending anywhere is pending. */
const ranks = ["other", "affected", "taken", "pending"] as const;

/** All connected nodes, of this process and of others. */
function joined(
  own: ReadonlyMap<string, NonNullable<NodeFact["is"]>>,
  facts: Elsewhere["facts"],
): Map<string, NonNullable<NodeFact["is"]>> {
  const all = new Map(own);
  for (const theirs of facts)
    for (const [id, { is }] of theirs) {
      const known = all.get(id);
      if (is && (!known || ranks.indexOf(is) > ranks.indexOf(known))) all.set(id, is);
    }
  return all;
}

/** The last times when streams of a node ended, newest last. */
function allEnds(own: readonly number[], elsewhere: readonly number[]): readonly number[] {
  if (elsewhere.length === 0) return own;
  const ends: number[] = [];
  for (const at of [...own, ...elsewhere].sort((a, b) => a - b))
    if (at - (ends.at(-1) ?? Number.NEGATIVE_INFINITY) >= togetherMs) ends.push(at);
  return ends.slice(-loopEnds);
}

/** Whether a node has each of these resources that it subscribes to. */
function hasAll(connected: ConnectedNode, typeUrl: string, changed: readonly Resource[]): boolean {
  const resourcesIn = (state: "served" | "acked") =>
    connected.resources(state).find((one) => one.typeUrl === typeUrl)?.resources;
  const [wanted, has] = [resourcesIn("served"), resourcesIn("acked")];
  return changed.every(({ name, version }) => !wanted?.has(name) || has?.get(name)?.version === version);
}
