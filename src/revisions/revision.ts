import type { JsonValue } from "@bufbuild/protobuf";
import type { Barred } from "../rollout/head.js";
import type { Hash } from "../store/store.js";
import type { Groups } from "./revision-blobs.js";

/** Who publishes a configuration, and where it comes from. */
export interface Authorship {
  /** A user id, the name of a token, or `server`. */
  readonly by: string;
  readonly message?: string;
  /** Where the configuration came from, such as a path. */
  readonly source?: string;
}

/** Who gives an order, and why. */
export interface Why {
  readonly by: string;
  readonly why: string;
}

/** A configuration that was published, without its live resources. It is immutable. */
export interface Revision extends Authorship {
  readonly number: number;
  /** The revision that was stable before it. 0 if there was none. */
  readonly parent: number;
  /** The revision whose content it serves again. Only an undo has it. */
  readonly undoTo?: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** A hash of the groups and the rules. Equal configurations have equal hashes. */
  readonly content: Hash;
  /** The hash of each group's manifest. */
  readonly groups: { readonly [group: string]: Hash };
  /** The rules that decide each node's group, as the publisher gave them. */
  readonly rules?: JsonValue;
  /** How many resources of each type there are in all groups together, by type URL. */
  readonly counts: { readonly [typeUrl: string]: number };
}

/** A check that throws if a revision cannot be served now. */
export type CheckRevision = (revision: Revision) => Promise<void>;

/** The result of publishing a configuration. */
export type Published =
  | {
      /**
       * - `served`: it is served to all nodes.
       * - `started`: its rollout has begun.
       * - `unchanged`: it is served or rolled out already.
       * - `reverted`: it is the stable one already. The rollout of another one has ended.
       */
      readonly result: "served" | "started" | "unchanged" | "reverted";
      readonly revision: Revision;
    }
  /** It is not served, because it was rolled back or undone before. */
  | { readonly result: "barred"; readonly barred: Barred }
  /**
   * It is not served before somebody approves it, as {@link PublishOptions.isHeld} has decided. `content` is the hash
   * of the part that is held.
   */
  | { readonly result: "held"; readonly content: Hash };

/** The hashes of a configuration. */
export interface ContentHashes {
  /** The hash without the live resources. */
  readonly content: Hash;
  /** The hash with the live resources. */
  readonly whole: Hash;
}

/** How much of a configuration is held: nothing, all of it, or all but its live resources. */
export type Held = false | "all" | "rest";

/** How a configuration is published, and by whom. */
export interface PublishOptions extends Authorship {
  readonly rules?: JsonValue;
  /**
   * The live resources. They are served to all nodes at once, even if the rest is rolled out or barred. Without this
   * option, the previous live resources stay.
   */
  readonly live?: Groups;
  /**
   * The number of the newest revision that the publisher knows. If there is a newer one, and this configuration differs
   * from it, publishing throws WRONG_STATE. By default a newer one is replaced.
   */
  readonly after?: number | undefined;
  /** Called first, with the hash of the content without its live resources. */
  readonly onContent?: (content: Hash) => void;
  /**
   * Decides how much of a configuration waits for approval. It is called only for a configuration that differs from
   * the one that is served. `isOnlyLive` is true if publishing would change live resources only.
   */
  readonly isHeld?: (hashes: ContentHashes, isOnlyLive: boolean) => Held | Promise<Held>;
  /**
   * Decides whether the configuration is rolled out gradually. If it returns ids, a rollout begins: they are the ids of
   * the connected nodes that the configuration changes. With an empty list, the rollout waits for such a node. If it
   * returns undefined, all nodes get the configuration at once.
   */
  readonly gradually?: (revision: Revision, groups: Groups) => readonly string[] | undefined;
}
