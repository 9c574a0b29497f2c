import type { Reference } from "../resource/references.js";
import type { Resource } from "../resource/resource.js";

/** Why something stays on a client as it is for now. */
export interface Withheld {
  /**
   * A removal: `reference`: what the client has still refers to it; `reported`: a client that came back has not said
   * enough of what it has (P49); `draining`: only a listener that drains, or a resource that is gone and may still be
   * in use; `left`: the client has not dropped the name yet; `unseen`: the rest of the change is not answered yet (all
   * P54). A change: `unanswered`: it refers to something that is not answered yet; `refused`: to something that the
   * client has refused and does not have (P53).
   */
  readonly why: "reference" | "reported" | "draining" | "left" | "unseen" | "unanswered" | "refused";
  /** What refers to it, or what it refers to, where that is known. */
  readonly on?: Reference | Resource | undefined;
  /** `performance.now()` since when. */
  readonly since: number;
  /** When to look again at the latest, as `performance.now()`; undefined: at the next answer. */
  readonly until?: number | undefined;
  /** Since when nothing holds it but `draining`, `left` or `unseen`: the longest of these waits counts. */
  readonly freeAt?: number | undefined;
  /** The change that it belongs to. */
  readonly round?: Round | undefined;
}

/** The rest of a change, for which a removal waits. */
export interface Round {
  /** The stream's looks when it began. */
  readonly look: number;
  /** The number of the last response that belongs to it; undefined: not all of it is sent. */
  last: number | undefined;
  /** `performance.now()` when all of it was sent, or found to wait. */
  sentAt: number;
}
