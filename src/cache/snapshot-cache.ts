import type { Caller } from "../caller.js";
import { XdsError } from "../errors.js";
import { checkOptions, type OptionNames } from "../options.js";
import { isOwnCommand } from "../own-command.js";
import { Snapshot } from "../resource/snapshot.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { ConfigWatcher, Watch, Watcher, WatchRequest } from "./config-watcher.js";
import { Heartbeat } from "./heartbeat.js";
import { byId, type Node, type NodeGroup } from "./node-group.js";
import { PastVersions } from "./past-versions.js";
import { ResourceLog } from "./resource-log.js";

/** How a `SnapshotCache` groups nodes. */
export interface SnapshotCacheOptions {
  /**
   * Returns the group that a node belongs to; by default its id. An exception ends the stream.
   *
   * A node is a client's own description of itself. Use only what `XdsServerOptions.authorize` has verified, or the
   * names in the caller's certificate; otherwise any client can claim to be in any group.
   */
  readonly nodeGroup?: NodeGroup;
  /** The group whose snapshot nodes get while their own group has none. By default such nodes wait for a snapshot. */
  readonly fallbackGroup?: string;
  /**
   * Whether streams may wait before the first snapshot is set. By default they end with UNAVAILABLE until then, so that
   * clients try another replica or try again (P13).
   *
   * Set it if the first snapshot is made only after a node has connected.
   */
  readonly readyWhenEmpty?: boolean;
}

const optionNames: OptionNames<SnapshotCacheOptions> = {
  nodeGroup: true,
  fallbackGroup: true,
  readyWhenEmpty: true,
};

/** The status of a connected node. Times are in milliseconds since 1970; 0: none yet. */
export interface NodeStatus {
  readonly node: Node;
  /** The client of its oldest stream; undefined for one that was not opened by a client. */
  readonly caller?: Caller | undefined;
  readonly group: string;
  /** The type URLs that the node has requested. */
  readonly typeUrls: readonly string[];
  readonly lastRequestAt: number;
  readonly lastResponseAt: number;
}

/** A snapshot as streams read it: a log for each type that is asked for. */
interface Served {
  snapshot: Snapshot | undefined;
  /** By type URL. */
  logs: Map<string, ResourceLog>;
  /** The versions that the group's nodes had before, by type URL. Its own snapshot and its candidate share it. */
  readonly past: Map<string, PastVersions>;
}

/** A snapshot that only some nodes of a group are served. */
interface Candidate extends Served {
  readonly snapshot: Snapshot;
  pick: (node: Node) => boolean;
}

/** A group with its snapshot, if any, and the watches of its nodes. A group without both is forgotten. */
interface Group extends Served {
  readonly key: string;
  candidate: Candidate | undefined;
  readonly watches: Set<GroupWatch>;
  /** When its last watch was closed, or its snapshot was set. */
  idleSince: Moment;
}

/**
 * A moment on two clocks: in milliseconds since 1970, and by `performance.now()`, which clock changes do not affect.
 */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

const thisMoment = (): Moment => ({ wall: Date.now(), steady: performance.now() });

interface GroupWatch extends Watch {
  readonly caller: Caller | undefined;
  group: Group;
  view: ResourceLog;
  readonly watcher: Watcher;
}

/** A cache with a snapshot for each group of nodes. Setting a snapshot wakes only the streams that see a difference. */
export class SnapshotCache implements ConfigWatcher {
  private readonly groups = new Map<string, Group>();
  private nodeGroup: NodeGroup;
  private readonly fallbackGroup: string | undefined;
  private readonly heartbeat = new Heartbeat();
  /** Whether a snapshot has been set, or none is needed. */
  private isReady: boolean;

  /** @throws XdsError INVALID_OPTION */
  constructor(options: SnapshotCacheOptions = {}) {
    checkOptions("SnapshotCache", options, optionNames);
    if (options.nodeGroup !== undefined && typeof options.nodeGroup !== "function")
      throw new XdsError("INVALID_OPTION", "nodeGroup must be a function of a node");
    this.nodeGroup = options.nodeGroup ?? byId;
    this.fallbackGroup = options.fallbackGroup;
    this.isReady = options.readyWhenEmpty ?? false;
  }

  /**
   * Serves this snapshot to a group from now on. Unchanged resources are not sent again.
   * @throws XdsError VERSION_IN_USE if a resource has new content under its current user-given version; INVALID_OPTION
   * for a value that is not a Snapshot. Then nothing changes
   */
  set(group: string, snapshot: Snapshot): void {
    this.check(group, snapshot);
    const state = this.group(group);
    const first = state.snapshot === undefined;
    state.snapshot = snapshot;
    state.idleSince = thisMoment();
    this.isReady = true;
    this.applyAll(state, snapshot);
    if (first) this.reattachAll(state);
  }

  /**
   * Serves a snapshot, the candidate, to those nodes of a group for which `pick` returns true. The others are served
   * the group's own snapshot. Call it again with another `pick` to serve the candidate to more or fewer nodes, or with
   * another snapshot to replace it. While there is a candidate, {@link SnapshotCache.set} changes only what the other
   * nodes are served, and {@link SnapshotCache.clear} drops the candidate.
   *
   * A node that moves between the two gets the difference as an ordinary change: in order, and what the node still uses
   * is removed last (docs/protocol.md, P53–P55).
   *
   * `pick` is called for each stream of the group, and for each new stream. It must be quick, and its answer for a node
   * must not change.
   * @throws XdsError INVALID_OPTION if the group has no snapshot of its own, or `pick` is no function; VERSION_IN_USE
   * as {@link SnapshotCache.set}; what `pick` throws for a connected node. Then nothing changes
   */
  setCandidate(group: string, snapshot: Snapshot, pick: (node: Node) => boolean): void {
    this.check(group, snapshot);
    const state = this.groups.get(group);
    if (!state?.snapshot)
      throw new XdsError(
        "INVALID_OPTION",
        `group ${JSON.stringify(group)} has no snapshot, so there is none for the nodes that are not picked; call set() first`,
      );
    if (typeof pick !== "function") throw new XdsError("INVALID_OPTION", "pick must be a function of a node");
    for (const { watcher } of state.watches) pick(watcher.node);
    const known = state.candidate?.logs;
    state.candidate = { snapshot, pick, logs: known ?? new Map(), past: state.past };
    this.applyAll(state.candidate, snapshot);
    if (!known) for (const [typeUrl, log] of state.candidate.logs) log.noteOther(state.snapshot.resources(typeUrl));
    this.reattachAll(state);
  }

  /**
   * Makes a group's candidate the snapshot of all its nodes. Those that have it already are sent nothing. Does nothing
   * without a candidate.
   */
  promote(group: string): void {
    const state = this.groups.get(group);
    if (!state?.candidate) return;
    const { snapshot, logs } = state.candidate;
    const old = state.logs;
    state.candidate = undefined;
    state.snapshot = snapshot;
    state.logs = logs;
    for (const log of old.values()) this.log(state, log.type).noteMoved(log);
    this.reattachAll(state);
    for (const log of old.values()) log.stop();
  }

  /** Takes a group's candidate away. Its nodes are moved back to the group's snapshot. Does nothing without one. */
  dropCandidate(group: string): void {
    const state = this.groups.get(group);
    if (!state?.candidate) return;
    const { logs } = state.candidate;
    state.candidate = undefined;
    for (const log of logs.values()) this.log(state, log.type).noteMoved(log);
    this.reattachAll(state);
    for (const log of logs.values()) log.stop();
  }

  /**
   * Remembers a snapshot that a group's nodes were served before, for example by an earlier process. A client that
   * comes back with one of its versions gets the difference in order, as if it had not been away (docs/protocol.md, P36
   * and P49). The cache remembers by itself what it has served, some 64 changes. Call this method after {@link
   * SnapshotCache.set}. Resources with versions that a user gave are left out. It does nothing for a group without a
   * snapshot.
   * @throws XdsError INVALID_OPTION for a value that is not a Snapshot
   */
  noteEarlier(group: string, snapshot: Snapshot): void {
    const state = this.groups.get(group);
    if (!(snapshot instanceof Snapshot)) throw notASnapshot(group);
    if (!state?.snapshot) return;
    for (const type of snapshot.types()) this.log(state, type);
    for (const [typeUrl, log] of state.logs)
      if (snapshot.ownVersion(typeUrl) === undefined) {
        const resources = snapshot.resources(typeUrl);
        log.noteOther(resources);
        // The logs of a group have their earlier versions in common.
        if (!log.type.remembered) state.candidate?.logs.get(typeUrl)?.noteOther(resources);
      }
  }

  /** The candidate of a group, if it has one. */
  candidate(group: string): Snapshot | undefined {
    return this.groups.get(group)?.candidate?.snapshot;
  }

  /**
   * The snapshot that a node is served now, if there is one: its group's candidate or own, or the fallback group's.
   * Give the caller where the group depends on it.
   */
  snapshotOf(node: Node, caller?: Caller): Snapshot | undefined {
    const key = this.nodeGroup(node, caller);
    const own = this.groups.get(key);
    const source = own?.snapshot || this.fallbackGroup === undefined ? own : this.groups.get(this.fallbackGroup);
    return source && servedTo(source, node).snapshot;
  }

  /** @internal The group whose snapshot a node is served: its own, or the fallback group while its own has none. */
  servedGroup(node: Node, caller?: Caller): string {
    const own = this.nodeGroup(node, caller);
    return this.fallbackGroup === undefined || this.groups.get(own)?.snapshot ? own : this.fallbackGroup;
  }

  /**
   * @internal Throws what {@link SnapshotCache.set} would throw, without a change. It allows several groups to change
   * together.
   */
  check(group: string, snapshot: Snapshot): void {
    if (!(snapshot instanceof Snapshot)) throw notASnapshot(group);
    const { logs, candidate } = this.groups.get(group) ?? {};
    for (const served of [logs, candidate?.logs])
      for (const [typeUrl, log] of served ?? []) log.checkVersions(snapshot.resources(typeUrl));
  }

  private applyAll(served: Served, snapshot: Snapshot): void {
    for (const type of snapshot.types()) this.log(served, type);
    for (const log of served.logs.values()) apply(log, snapshot);
  }

  /** Returns the group's own snapshot. */
  get(group: string): Snapshot | undefined {
    return this.groups.get(group)?.snapshot;
  }

  /**
   * Removes a group's snapshot. Connected nodes keep their resources. Later they receive the difference to the group's
   * next snapshot, or to the fallback group's.
   */
  clear(group: string): void {
    const state = this.groups.get(group);
    if (!state?.snapshot) return;
    this.dropCandidate(group);
    state.snapshot = undefined;
    for (const log of state.logs.values()) log.stop();
    this.reattachAll(state);
    this.forgetIfEmpty(state);
  }

  /** Returns the groups that have their own snapshot. */
  keys(): string[] {
    return [...this.groups.values()].filter((group) => group.snapshot).map((group) => group.key);
  }

  /** Returns the connected nodes of one group, or of all. A node with several streams appears once. */
  status(group?: string): NodeStatus[] {
    const groups = group === undefined ? [...this.groups.values()] : [this.groups.get(group)];
    return groups.flatMap((state) => (state ? statusOf(state) : []));
  }

  /**
   * Removes the snapshots of groups without a connected node for at least `idleMs` milliseconds, except the fallback
   * group's. Returns the names of these groups.
   *
   * Changes of the machine's clock do not affect a group's age. With `now`, in milliseconds since 1970, the age is
   * taken from the machine's clock instead.
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

  watch({ node, type, caller }: WatchRequest, watcher: Watcher): Watch {
    const group = this.group(this.nodeGroup(node, caller));
    const watch: GroupWatch = {
      watcher,
      caller,
      group,
      view: this.log(servedTo(this.sourceOf(group), node), type),
      close: () => this.leave(watch),
    };
    group.watches.add(watch);
    return watch;
  }

  private leave(watch: GroupWatch): void {
    const { group } = watch;
    group.watches.delete(watch);
    group.idleSince = thisMoment();
    this.forgetIfEmpty(group);
  }

  /**
   * Groups nodes by another function from now on. Connected nodes whose group changes get the difference as an ordinary
   * change.
   * @throws XdsError INVALID_OPTION for a value that is not a function, or returns no string for a connected node; what
   * the function throws for a connected node. Then nothing changes
   */
  regroup(nodeGroup: NodeGroup): void {
    if (typeof nodeGroup !== "function") throw new XdsError("INVALID_OPTION", "nodeGroup must be a function of a node");
    const moves: [GroupWatch, string][] = [];
    for (const group of this.groups.values())
      for (const watch of group.watches) {
        const key = nodeGroup(watch.watcher.node, watch.caller);
        checkKey(key);
        if (key !== group.key) moves.push([watch, key]);
      }
    this.nodeGroup = nodeGroup;
    const groups = new Set<Group>();
    for (const [watch, key] of moves) {
      const group = this.group(key);
      this.leave(watch);
      watch.group = group;
      group.watches.add(watch);
      groups.add(group);
    }
    for (const group of groups) this.reattach(group);
  }

  /**
   * Returns whether a node is served this group's snapshot: as a member, or through the fallback while its own group
   * has none. Give the caller where the group depends on it.
   */
  inGroup(node: Node, group: string, caller?: Caller): boolean {
    const own = this.nodeGroup(node, caller);
    return own === group || (group === this.fallbackGroup && !this.groups.get(own)?.snapshot);
  }

  private group(key: string): Group {
    checkKey(key);
    let group = this.groups.get(key);
    if (!group) {
      group = {
        key,
        snapshot: undefined,
        logs: new Map(),
        past: new Map(),
        candidate: undefined,
        watches: new Set(),
        idleSince: thisMoment(),
      };
      this.groups.set(key, group);
    }
    return group;
  }

  /** Returns the group whose resources this group's nodes receive. */
  private sourceOf(group: Group): Group {
    if (group.snapshot || this.fallbackGroup === undefined) return group;
    return this.group(this.fallbackGroup);
  }

  private log(served: Served, type: ResourceType): ResourceLog {
    let log = served.logs.get(type.typeUrl);
    if (!log) {
      log = new ResourceLog(type, "", this.heartbeat.watch, pastOf(served, type));
      served.logs.set(type.typeUrl, log);
      if (served.snapshot) apply(log, served.snapshot);
    }
    return log;
  }

  /** Moves the streams of all groups that read this one's snapshot to what they are served now. */
  private reattachAll(group: Group): void {
    this.reattach(group);
    if (group.key !== this.fallbackGroup) return;
    for (const reader of this.groups.values()) if (!reader.snapshot) this.reattach(reader);
  }

  /** Moves the streams of a group to what they are served now. */
  private reattach(group: Group): void {
    const source = this.sourceOf(group);
    for (const watch of group.watches) {
      const log = this.log(servedTo(source, watch.watcher.node), watch.view.type);
      if (log === watch.view) continue;
      watch.view = log;
      watch.watcher.move(log);
    }
  }

  private forgetIfEmpty(group: Group): void {
    if (group.watches.size === 0 && !group.snapshot && group.key !== this.fallbackGroup) this.groups.delete(group.key);
  }
}

const notASnapshot = (group: string) =>
  new XdsError("INVALID_OPTION", `group ${JSON.stringify(group)}: not a Snapshot; make one with Snapshot.of()`);

function checkKey(key: unknown): void {
  if (typeof key !== "string")
    throw new XdsError("INVALID_OPTION", `nodeGroup must return a string, returned ${JSON.stringify(key)}`);
}

/** What a node of this group is served: the candidate, if it is picked. */
const servedTo = (group: Group, node: Node): Served => (group.candidate?.pick(node) ? group.candidate : group);

/** The memory for earlier versions of a type. `undefined` for a type whose earlier versions are not remembered. */
function pastOf({ past }: Served, { typeUrl, remembered }: ResourceType): PastVersions | undefined {
  if (!remembered) return undefined;
  const known = past.get(typeUrl) ?? new PastVersions();
  past.set(typeUrl, known);
  return known;
}

function apply(log: ResourceLog, snapshot: Snapshot): void {
  const { typeUrl } = log.type;
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
  const describing = (watches: readonly GroupWatch[]) => {
    const { watcher, caller } =
      watches.find(({ watcher }) => !isOwnCommand(watcher.node)) ?? (watches[0] as GroupWatch);
    return { node: watcher.node, caller };
  };
  return [...byNode.values()].map((watches) => ({
    ...describing(watches),
    group: group.key,
    typeUrls: [...new Set(watches.map(({ view }) => view.type.typeUrl))],
    lastRequestAt: watches.reduce((latest, { watcher }) => Math.max(latest, watcher.lastRequestAt), 0),
    lastResponseAt: watches.reduce((latest, { watcher }) => Math.max(latest, watcher.lastResponseAt), 0),
  }));
}
