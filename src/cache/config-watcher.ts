import type { Caller } from "../caller.js";
import type { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { Node } from "./node-group.js";

export type { Node };

/**
 * What every cache implements for `protocol/`: where streams find their configuration.
 *
 * A stream calls `ready` at its first request of a type, then `watch` once for that type. It reads the view whenever it
 * can send, and closes the watch when it ends. A cache never pushes resources; it only wakes the stream.
 */
export interface ConfigWatcher {
  /** Returns whether the cache has a configuration yet. While it returns false, streams end with UNAVAILABLE (P13). */
  ready(request: WatchRequest): boolean;
  /** Opens the view for this request; undefined if this cache will never serve it. */
  watch(request: WatchRequest, watcher: Watcher): Watch | undefined;
  /**
   * Returns whether a node is served this group's configuration. A server uses it to find the nodes of a group. Only
   * caches with groups have it.
   */
  inGroup?(node: Node, group: string, caller?: Caller): boolean;
  /** The groups that have a configuration. Only caches with groups have this method. */
  keys?(): readonly string[];
}

/** The node and the type of a request, and who sends it. */
export interface WatchRequest {
  readonly node: Node;
  readonly type: ResourceType;
  /** Undefined only in requests that no client has sent. */
  readonly caller?: Caller;
}

/**
 * The reader's side of a watch. The cache calls it. A method must not throw, and must not read the view before it
 * returns.
 */
export interface Watcher {
  readonly node: Node;
  /**
   * When the reader's last request came, and when the last response was sent to it, in milliseconds since 1970. 0 if
   * there is none yet.
   */
  readonly lastRequestAt: number;
  readonly lastResponseAt: number;
  /** Tells the reader that something it follows has changed: this name, or anything if `name` is undefined. */
  wake(name?: string): void;
  /** Asks the reader to send heartbeats for the resources with a TTL (P58). */
  beat(): void;
  /** Moves the reader to another view. It leaves the old view, and follows the same names on the new one. */
  move(view: ResourceView): void;
}

/** An open watch of a reader on a cache. */
export interface Watch {
  /** The view when the watch was opened. Later views come through {@link Watcher.move}. */
  readonly view: ResourceView;
  /** Ends the watch. The cache forgets the reader. */
  close(): void;
}

/** A resource that was replaced or removed, and when, as `performance.now()`. */
export interface Replaced {
  readonly resource: Resource;
  readonly at: number;
}

/** The changes that bring a reader from one position to another. Readers share them, so never change them. */
export interface Changes {
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
}

/**
 * The resources of one type for one group of nodes, now and at the earlier positions that readers retain. {@link
 * ResourceLog} implements it.
 */
export interface ResourceView {
  readonly type: ResourceType;
  /** Whether there is a configuration. While there is none, nothing is answered, and clients keep what they have. */
  readonly serving: boolean;
  /** The `version_info` of all resources together. */
  readonly version: string;
  /** The prefix of every version that is made from content. */
  readonly versionPrefix: string;
  /** Whether equal versions mean equal content. */
  readonly versionIsContent: boolean;
  /** The current position, which grows with every change. -1 stands for the time before all changes. */
  readonly position: number;
  /** Returns a resource by its name or alias. Names here and below are canonical (see {@link Resource.key}). */
  get(name: string): Resource | undefined;
  /**
   * Returns the resources with these names, in this order; an empty array if one of them is missing or has another own
   * name.
   *
   * It returns the same array for the same array of names until something changes.
   */
  listed(names: readonly string[]): readonly Resource[];
  /** Returns the members of a glob collection (P63). */
  members(glob: string): Iterable<Resource>;
  /** Returns the resources that have a TTL. */
  withTtl(): Iterable<Resource>;
  /**
   * Returns a removed resource as it was before its removal; undefined if the name never existed, exists now, or was
   * removed too long ago.
   */
  lastRemoved(name: string): Resource | undefined;
  /**
   * Returns the resources of an earlier version of the view, under each name that differs now. A name that the version
   * did not have is mapped to `undefined`. The version can have marks of older resources (P36). Returns undefined for a
   * version that is not remembered.
   *
   * This member and the next two are for clients that come back. Without them, the server does not know what such a
   * client has.
   */
  earlier?(version: string): ReadonlyMap<string, Resource | undefined> | undefined;
  /** Returns a replaced or removed resource with this name and this version, if it is remembered. */
  replaced?(name: string, version: string): Resource | undefined;
  /**
   * The replaced and removed resources that are remembered, newest first. A resource that is served again can be among
   * them. It is the same array until something changes.
   */
  readonly replacedLately?: readonly Replaced[];
  /** Returns all resources, in the order in which they were given. It is the same array until something changes. */
  all(): readonly Resource[];
  /** Returns the resource as it was at a retained position. */
  at(name: string, position: number): Resource | undefined;
  /** Returns all resources as they were at a retained position. */
  allAt(position: number): Iterable<Resource>;
  /**
   * Returns the changes from a retained position (or -1) until now. It is the same object for all callers until
   * something changes.
   */
  since(position: number): Changes;

  /** Keeps a position readable until it is released. Each call needs its own `release`. */
  retain(position: number): void;
  /** Gives back one hold of a position that {@link ResourceView.retain} took. */
  release(position: number): void;
  /** Wakes the watcher when this name, this alias, or a member of this glob collection changes. */
  follow(watcher: Watcher, name: string): void;
  /** Ends what {@link ResourceView.follow} began. */
  unfollow(watcher: Watcher, name: string): void;
  /** Wakes the watcher whenever anything changes. */
  followAll(watcher: Watcher): void;
  /** Ends what {@link ResourceView.followAll} began. */
  unfollowAll(watcher: Watcher): void;
}
