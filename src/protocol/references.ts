import type { Resource } from "../resource/resource.js";
import type { Withheld } from "./withheld.js";

/** Decides which changes have to wait so that references hold, and what is answered for missing names. */
export interface References {
  /** Why a removal has to wait (P54). Undefined: it can be sent. */
  whyRemovalWaits(name: string): Withheld | undefined;
  /** Why a resource stays as the client has it (P53). Undefined: it can be sent. */
  whyChangeWaits(now: Resource): Withheld | undefined;
  /** Whether no change waits: everything that a change can refer to is answered and accepted. */
  readonly noChangeWaits: boolean;
  /** Whether removals go in a response of their own, after the rest of their change (P54). */
  readonly removedLast: boolean;
  /** The reason for which a removal waits for the rest of its change. */
  waitForRestOfChange(name: string): Withheld;
  /**
   * The last version of a removed resource, if the client still has a reference to it and has everything that it refers
   * to (P40, P54).
   */
  removedButReferenced(name: string): Resource | undefined;
  /**
   * The answer for a name that does not exist and that the client never had: a resource, a removal, or none (P40, P56).
   */
  answerForMissing(name: string): Resource | "removed" | "silence";
}

/** References without make-before-break: nothing waits. */
export function unorderedReferences(ordered: References): References {
  return {
    whyRemovalWaits: () => undefined,
    whyChangeWaits: () => undefined,
    noChangeWaits: true,
    removedLast: false,
    waitForRestOfChange: () => unordered,
    removedButReferenced: () => undefined,
    answerForMissing: (name) => ordered.answerForMissing(name),
  };
}

const unordered: Withheld = { why: "unseen", since: 0 };
