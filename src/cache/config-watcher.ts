import type { Resource } from "../resource/resource.js";
import type { ResourceType } from "../resource/types.js";
import type { Node } from "./node-group.js";

export type { Node };

/**
 * Where streams look for configuration: the interface between `protocol/` and every cache.
 *
 * A stream calls `ready` at its first request of a type, then `watch` once for that type; it reads the view whenever it is
 * free to send, and closes the watch when it ends. A cache never pushes: it wakes.
 */
export interface ConfigWatcher {
  /** False until a first configuration is there; streams that ask before that end with UNAVAILABLE (P13). */
  ready(request: WatchRequest): boolean;
  /** Opens the view that answers this request; undefined: this cache has nothing to say of it, ever. */
  watch(request: WatchRequest, watcher: Watcher): Watch | undefined;
  /** Whether a node is served this group's configuration: what a group's name means to a server. Only where there are groups. */
  inGroup?(node: Node, group: string): boolean;
}

/** Who asks for what. */
export interface WatchRequest {
  readonly node: Node;
  readonly type: ResourceType;
}

/** The side of the reader, called by the cache. Neither call may throw or read the view before it returns. */
export interface Watcher {
  readonly node: Node;
  /** Milliseconds since 1970 of the reader's last request and of the last response to it; 0: none yet. */
  readonly lastRequestAt: number;
  readonly lastResponseAt: number;
  /** Something that this reader follows has changed: this name, or (undefined) anything. */
  wake(name?: string): void;
  /** The resources that have a TTL are to be heard of again (P58). */
  beat(): void;
  /** From now on another view answers; the reader leaves the old one and follows the same names on the new one. */
  move(view: ResourceView): void;
}

/** A reader's hold on a cache. */
export interface Watch {
  /** The view at the moment of the call; later ones come through {@link Watcher.move}. */
  readonly view: ResourceView;
  /** Ends it; the cache forgets the reader. */
  close(): void;
}

/** What is to be sent to bring a reader from one position to another. Shared between readers: not to be changed. */
export interface Changes {
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
}

/**
 * The resources of one type as one group of nodes sees them, now and at the earlier positions that readers still hold.
 * {@link ResourceLog} implements it.
 */
export interface ResourceView {
  readonly type: ResourceType;
  /** False while nothing is configured here: then nothing is answered, and what clients have stays theirs. */
  readonly serving: boolean;
  /** `version_info` of the whole. */
  readonly version: string;
  /** Put before every version that is made of content. */
  readonly versionPrefix: string;
  /** Whether equal versions mean equal content. */
  readonly versionIsContent: boolean;
  /** Grows with every change; -1 is before everything. */
  readonly position: number;
  /** By name or alias. Names here and below are canonical (see {@link Resource.key}). */
  get(name: string): Resource | undefined;
  /**
   * The resources of these names, in this order; none unless each is there under its own name. The same array for the same one until
   * something changes.
   */
  listed(names: readonly string[]): readonly Resource[];
  /** The members of a glob collection (P63). */
  members(glob: string): Iterable<Resource>;
  /** The resources that have a TTL. */
  withTtl(): Iterable<Resource>;
  /** A resource that is gone, as it was when it was removed; undefined: never there, there again, or gone for long. */
  lately(name: string): Resource | undefined;
  /** All resources, in the order in which they were given. The same array until something changes. */
  all(): readonly Resource[];
  /** The resource as it was at a position that is retained. */
  at(name: string, position: number): Resource | undefined;
  /** All resources as they were at a position that is retained. */
  allAt(position: number): Iterable<Resource>;
  /** The difference between a retained position (or -1) and now. The same object for all who ask until something changes. */
  since(position: number): Changes;

  /** Keeps a position readable until it is released; each call needs its release. */
  retain(position: number): void;
  release(position: number): void;
  /** Wakes the watcher when this name, alias or member of this glob collection changes. */
  follow(watcher: Watcher, name: string): void;
  unfollow(watcher: Watcher, name: string): void;
  /** Wakes the watcher whenever anything changes. */
  followAll(watcher: Watcher): void;
  unfollowAll(watcher: Watcher): void;
}
