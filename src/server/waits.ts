import type { Subscription } from "../protocol/subscription.js";
import type { Withheld } from "../protocol/withheld.js";
import { Resource } from "../resource/resource.js";
import { findResourceType } from "../resource/types.js";

/** A resource whose change or removal waits, on one type of one node. */
export interface Waiting {
  readonly name: string;
  /** What it waits for, as a word for programs; `draining` is no lag (P54). */
  readonly why: Withheld["why"];
  /** The same in a sentence. */
  readonly reason: string;
  /** When it is looked at again at the latest, in milliseconds since 1970; undefined: at an answer of the client. */
  readonly until: number | undefined;
}

/** How many of one type are listed. */
export const waitsShown = 100;

const none: readonly never[] = [];

/** The first hundred resources of a type that wait. */
export function waitsOf({ waiting, spellings }: Subscription): readonly Waiting[] {
  if (waiting.size === 0) return none;
  const all: Waiting[] = [];
  for (const [name, { why, on, until }] of waiting) {
    if (all.length === waitsShown) break;
    const at = until === undefined ? undefined : Math.round(performance.timeOrigin + until);
    all.push({ name: spellings.get(name) ?? name, why, reason: reasons[why](on && nameOf(on)), until: at });
  }
  return all;
}

const reasons: Readonly<Record<Withheld["why"], (on: string | undefined) => string>> = {
  reference: (on = "something") => `it is removed when ${on}, which the client still has, no longer refers to it`,
  reported: () => "it is removed when it is known what the client still uses from an earlier stream",
  draining: () => "it is removed when the old listeners that may use it have drained",
  left: () => "it is removed when the client no longer names it",
  unseen: () => "it is removed when the client has answered the rest of the change",
  unanswered: (on = "something") => `it is changed when the client has answered for ${on}`,
  refused: (on = "something") => `it is changed when the client has taken ${on}, which it has refused`,
};

function nameOf(on: NonNullable<Withheld["on"]>): string {
  const typeUrl = on instanceof Resource ? on.type.typeUrl : on.typeUrl;
  return `${findResourceType(typeUrl)?.name ?? typeUrl} ${JSON.stringify(on.name)}`;
}
