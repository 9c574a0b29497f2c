import type { Subscription } from "../../protocol/subscription.js";
import type { Withheld } from "../../protocol/withheld.js";
import { Resource } from "../../resource/resource.js";
import type { XdsApi } from "../../resource/xds-api.js";

/** A resource whose change or removal waits, for one type and one node. */
export interface Waiting {
  readonly name: string;
  /** What it waits for, as a word for programs. `draining` does not count as lagging behind (P54). */
  readonly why: Withheld["why"];
  /** The same in a sentence. */
  readonly reason: string;
  /**
   * When the server checks again at the latest, in milliseconds since 1970. undefined if it checks only after the
   * client's next answer.
   */
  readonly until: number | undefined;
}

/** How many waiting resources of one type are listed. */
export const waitsShown = 100;

const none: readonly never[] = [];

/** The first hundred resources of a type that wait. */
export function waitsOf({ type, waiting, spellings }: Subscription): readonly Waiting[] {
  if (waiting.size === 0) return none;
  const all: Waiting[] = [];
  for (const [name, { why, on, until }] of waiting) {
    if (all.length === waitsShown) break;
    const at = until === undefined ? undefined : Math.round(performance.timeOrigin + until);
    all.push({ name: spellings.get(name) ?? name, why, reason: reasons[why](on && nameOf(on, type.api)), until: at });
  }
  return all;
}

const reasons: Readonly<Record<Withheld["why"], (on: string | undefined) => string>> = {
  reference: (on = "something") => `it is removed when ${on}, which the client still has, no longer refers to it`,
  reported: () => "it is removed when the client has reported what it still uses from an earlier stream",
  draining: () => "it is removed when the old listeners that may use it have drained",
  left: () => "it is removed when the client no longer names it",
  unseen: () => "it is removed when the client has answered the rest of the change",
  unanswered: (on = "something") => `it is changed when the client has answered for ${on}`,
  refused: (on = "something") => `it is changed when the client has taken ${on}, which it has refused`,
};

function nameOf(on: NonNullable<Withheld["on"]>, api: XdsApi): string {
  const typeUrl = on instanceof Resource ? on.type.typeUrl : on.typeUrl;
  return `${api.typeName(typeUrl)} ${JSON.stringify(on.name)}`;
}
