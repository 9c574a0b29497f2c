import type { Reference } from "../resource/reference.js";
import type { Resource } from "../resource/resource.js";

/** Why something stays on a client as it is for now. */
export interface Withheld {
  /**
   * A removal waits (P54) for one of these reasons:
   * - `reference`: the client still has a resource that refers to the name.
   * - `reported`: a client that came back has not yet reported enough of what it has (P49).
   * - `draining`: only a draining listener, or a removed resource, may still use the name.
   * - `left`: the client has not dropped the name yet.
   * - `unseen`: the client has not answered the rest of the change yet.
   * A change waits (P53) for one of these reasons:
   * - `unanswered`: it refers to something that the client has not answered yet.
   * - `refused`: it refers to something that the client has refused and does not have.
   */
  readonly why: "reference" | "reported" | "draining" | "left" | "unseen" | "unanswered" | "refused";
  /** The resource that refers to the name, or the reference of the change, if known. */
  readonly on?: Reference | Resource | undefined;
  /** Since when it waits, as `performance.now()`. */
  readonly since: number;
  /** When to look again at the latest, as `performance.now()`. Undefined: at the next answer. */
  readonly until?: number | undefined;
  /**
   * Since when only `draining`, `left` or `unseen` makes it wait, as `performance.now()`. The longest of these waits
   * counts.
   */
  readonly freeAt?: number | undefined;
  /** The rest of the change that a removal belongs to. */
  readonly restOfChange?: RestOfChange | undefined;
}

/** The rest of a change, for which a removal waits. */
export interface RestOfChange {
  /** The number of the stream's looks when the wait began. */
  readonly startedAtLook: number;
  /** The number of the last response that belongs to the change. Undefined: not all of the change is sent. */
  lastNonce: number | undefined;
  /** When everything was sent, or found to wait, as `performance.now()`. */
  sentAt: number;
}
