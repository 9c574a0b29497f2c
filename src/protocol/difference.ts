import type { Changes } from "../cache/config-watcher.js";
import type { OpenChange } from "./open-change.js";
import type { Withheld } from "./withheld.js";

/** What a client lacks of what it subscribes. Do not change the lists: streams share them. */
export interface Difference {
  readonly changes: Changes;
  /** The part of `changes` that was not offered before. A full state also repeats what was refused. */
  readonly fresh: Changes;
  /** The requested names among the removed ones that do not exist. */
  readonly unresolved: readonly string[];
  /** Names that stay on the client although something else (P53) or nothing (P54) is served, each with the reason. */
  readonly withheld: ReadonlyMap<string, Withheld>;
  /** Refused names for which the client has what is served again (P18). */
  readonly healed: readonly string[];
  /** Under a wildcard, the position that the client reaches with this difference. */
  readonly to: number | undefined;
  /** The change that this is a piece of. */
  readonly piece: OpenChange | undefined;
}
