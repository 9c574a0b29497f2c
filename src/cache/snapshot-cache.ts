import { XdsError } from "../errors.js";
import { Snapshot } from "../resource/snapshot.js";
import { resourceType } from "../resource/types.js";
import type { ConfigWatcher, Watch, Watcher, WatchRequest } from "./config-watcher.js";
import { Heartbeat } from "./heartbeat.js";
import { byId, type Node, type NodeGroup } from "./node-group.js";
import { ResourceLog } from "./resource-log.js";

export interface SnapshotCacheOptions {
  /**
   * Which group a node belongs to; by default its id. A throw ends the stream that asked. A node is what the client
   * says of itself: use only what `XdsServerOptions.authorize` has proven, or any client may claim to be of any
   * group.
   */
  readonly nodeGroup?: NodeGroup;
  /** Nodes of a group without a snapshot of its own read this group's. By default they wait for one. */
  readonly fallbackGroup?: string;
  /**
   * Whether streams are taken on before the first snapshot is set: they wait for one. By default they end with
   * UNAVAILABLE until then, so that clients go to another replica or try again (P13). Set it where the first snapshot
   * is made only when a node has come.
   */
  readonly readyWhenEmpty?: boolean;
}

/** A connected node, as the cache sees it. Times in milliseconds since 1970; 0: not yet. */
export interface NodeStatus {
  readonly node: Node;
  readonly group: string;
  /** The type URLs that it asks for. */
  readonly typeUrls: readonly string[];
  readonly lastRequestAt: number;
  readonly lastResponseAt: number;
}

/** One group: its snapshot if it has one, and the streams of its nodes. Without either it is forgotten. */
interface Group {
  readonly key: string;
  snapshot: Snapshot | undefined;
  readonly logs: Map<string, ResourceLog>;
  readonly watches: Set<GroupWatch>;
  /** When the last of its watches was closed, or the snapshot set. */
  idleSince: Moment;
}

/** One moment on two clocks: as milliseconds since 1970, and as of `performance.now()`, which nobody sets. */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

const thisMoment = (): Moment => ({ wall: Date.now(), steady: performance.now() });

interface GroupWatch extends Watch {
  view: ResourceLog;
  readonly watcher: Watcher;
}

/** A snapshot for each group of nodes. Setting one wakes the streams that see a difference, and only those. */
export class SnapshotCache implements ConfigWatcher {
  private readonly groups = new Map<string, Group>();
  private readonly nodeGroup: NodeGroup;
  private readonly fallbackGroup: string | undefined;
  private readonly heartbeat = new Heartbeat();
  /** A snapshot has been set, or none is needed. */
  private isReady: boolean;

  constructor(options: SnapshotCacheOptions = {}) {
    this.nodeGroup = options.nodeGroup ?? byId;
    this.fallbackGroup = options.fallbackGroup;
    this.isReady = options.readyWhenEmpty ?? false;
  }

  /**
   * Serves this snapshot to a group from now on. Resources that are the same as before are not sent again.
   * @throws XdsError VERSION_IN_USE where a resource has other content under a version of its own that the group is
   * served already; nothing is changed then
   */
  set(group: string, snapshot: Snapshot): void {
    this.check(group, snapshot);
    const state = this.group(group);
    const first = state.snapshot === undefined;
    state.snapshot = snapshot;
    state.idleSince = thisMoment();
    this.isReady = true;
    for (const typeUrl of snapshot.typeUrls()) this.log(state, typeUrl);
    for (const [typeUrl, log] of state.logs) apply(log, snapshot, typeUrl);
    if (first) this.reattach(state);
  }

  /**
   * @internal Throws what {@link SnapshotCache.set} would throw, and changes nothing: for several groups that change
   * together.
   */
  check(group: string, snapshot: Snapshot): void {
    if (!(snapshot instanceof Snapshot))
      throw new XdsError(
        "INVALID_OPTION",
        `group ${JSON.stringify(group)}: not a Snapshot; make one with Snapshot.of()`,
      );
    for (const [typeUrl, log] of this.groups.get(group)?.logs ?? []) log.checkVersions(snapshot.resources(typeUrl));
  }

  /** The snapshot of a group, if it has one of its own. */
  get(group: string): Snapshot | undefined {
    return this.groups.get(group)?.snapshot;
  }

  /**
   * Takes a group's snapshot away. Its connected nodes keep what they have, and are sent the difference to the next snapshot
   * set, or to the fallback group's.
   */
  clear(group: string): void {
    const state = this.groups.get(group);
    if (!state?.snapshot) return;
    state.snapshot = undefined;
    for (const log of state.logs.values()) log.stop();
    this.reattach(state);
    this.forgetIfEmpty(state);
  }

  /** The groups that have a snapshot. */
  keys(): string[] {
    return [...this.groups.values()].filter((group) => group.snapshot).map((group) => group.key);
  }

  /** The connected nodes, of one group or of all. A node with several streams is one row. */
  status(group?: string): NodeStatus[] {
    const groups = group === undefined ? [...this.groups.values()] : [this.groups.get(group)];
    return groups.flatMap((state) => (state ? statusOf(state) : []));
  }

  /**
   * Forgets the snapshots of groups that no node has been connected to for this long, in milliseconds, but never the
   * fallback group's. Returns their keys. Setting the machine's clock makes no group older or younger. With `now`, in
   * milliseconds since 1970, groups are as old as they are at that time of the machine's clock.
   */
  collectIdle(idleMs: number, now?: number): string[] {
    const steady = performance.now();
    const age = ({ idleSince }: Group) => (now === undefined ? steady - idleSince.steady : now - idleSince.wall);
    const idle = [...this.groups.values()].filter(
      (group) => group.key !== this.fallbackGroup && group.watches.size === 0 && age(group) >= idleMs,
    );
    for (const { key } of idle) this.groups.delete(key);
    return idle.map(({ key }) => key);
  }

  ready(): boolean {
    return this.isReady;
  }

  watch({ node, type }: WatchRequest, watcher: Watcher): Watch {
    const group = this.group(this.nodeGroup(node));
    const watch: GroupWatch = {
      watcher,
      view: this.log(this.sourceOf(group), type.typeUrl),
      close: () => {
        group.watches.delete(watch);
        group.idleSince = thisMoment();
        this.forgetIfEmpty(group);
      },
    };
    group.watches.add(watch);
    return watch;
  }

  /** Whether a node reads this group's snapshot: as one of the group or, lacking a snapshot of its own, of the fallback group. */
  inGroup(node: Node, group: string): boolean {
    const own = this.nodeGroup(node);
    return own === group || (group === this.fallbackGroup && !this.groups.get(own)?.snapshot);
  }

  private group(key: string): Group {
    if (typeof key !== "string")
      throw new XdsError("INVALID_OPTION", `a node group is a string, not ${JSON.stringify(key)}; see nodeGroup`);
    let group = this.groups.get(key);
    if (!group) {
      group = { key, snapshot: undefined, logs: new Map(), watches: new Set(), idleSince: thisMoment() };
      this.groups.set(key, group);
    }
    return group;
  }

  /** The group whose resources the nodes of this one read. */
  private sourceOf(group: Group): Group {
    if (group.snapshot || this.fallbackGroup === undefined) return group;
    return this.group(this.fallbackGroup);
  }

  private log(group: Group, typeUrl: string): ResourceLog {
    let log = group.logs.get(typeUrl);
    if (!log) {
      log = new ResourceLog(resourceType(typeUrl), "", this.heartbeat.watch);
      group.logs.set(typeUrl, log);
      if (group.snapshot) apply(log, group.snapshot, typeUrl);
    }
    return log;
  }

  /** Moves the streams of a group to the group that answers for it now. */
  private reattach(group: Group): void {
    const source = this.sourceOf(group);
    for (const watch of group.watches) {
      const log = this.log(source, watch.view.type.typeUrl);
      if (log === watch.view) continue;
      watch.view = log;
      watch.watcher.move(log);
    }
  }

  private forgetIfEmpty(group: Group): void {
    if (group.watches.size === 0 && !group.snapshot && group.key !== this.fallbackGroup) this.groups.delete(group.key);
  }
}

function apply(log: ResourceLog, snapshot: Snapshot, typeUrl: string): void {
  log.replaceChecked(snapshot.resources(typeUrl), snapshot.ownVersion(typeUrl));
}

function statusOf(group: Group): NodeStatus[] {
  const byNode = new Map<string, GroupWatch[]>();
  for (const watch of group.watches) {
    const { id } = watch.watcher.node;
    const known = byNode.get(id);
    if (known) known.push(watch);
    else byNode.set(id, [watch]);
  }
  return [...byNode.values()].map((watches) => ({
    node: (watches[0] as GroupWatch).watcher.node,
    group: group.key,
    typeUrls: [...new Set(watches.map(({ view }) => view.type.typeUrl))],
    lastRequestAt: watches.reduce((latest, { watcher }) => Math.max(latest, watcher.lastRequestAt), 0),
    lastResponseAt: watches.reduce((latest, { watcher }) => Math.max(latest, watcher.lastResponseAt), 0),
  }));
}
