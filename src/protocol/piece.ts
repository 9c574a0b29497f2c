import { Resource } from "../resource/resource.js";
import type { ClientCopy } from "./delivery.js";
import type { Difference } from "./difference.js";
import type { OpenChange } from "./open-change.js";
import type { References } from "./references.js";
import type { Subscription } from "./subscription.js";
import type { Withheld } from "./withheld.js";

const none: readonly never[] = [];

const hasOlderVersion = (last: ClientCopy): boolean =>
  last !== undefined && !(last instanceof Resource && last.isPlaceholder);

/**
 * The next piece of a change. Undefined if nothing is left of it. A resource that was replaced meanwhile, or has to
 * wait, is left out and comes with the next difference.
 */
export function pieceOf(
  subscription: Subscription,
  change: OpenChange,
  references: References,
): Difference | undefined {
  const { view, state, waiting } = subscription;
  const whyPieceWaits = (name: string, now: Resource | undefined): Withheld | undefined => {
    if (!now) {
      // The answer that a name does not exist never waits. A removal in a piece does not wait for its own change.
      const why = state.mayHave(name) ? references.whyRemovalWaits(name) : undefined;
      return why?.why === "unseen" ? undefined : why;
    }
    return references.noChangeWaits || !hasOlderVersion(state.lastCertain(name))
      ? undefined
      : references.whyChangeWaits(now);
  };
  for (let piece = change.next; piece; piece = change.next) {
    const later = new Map<string, Resource | undefined>();
    const stays = (name: string, now: Resource | undefined): boolean => {
      if (!change.has(name)) return false;
      const coming = state.coming(name);
      if (coming && coming.resource?.version === now?.version) {
        state.resolveInFlight(change, name); // another response has it
        return false;
      }
      const isServed = view.get(name)?.version === now?.version;
      const why = isServed ? whyPieceWaits(name, now) : undefined;
      if (!isServed || why) {
        later.set(name, now);
        subscription.defer(name, why);
      }
      return isServed && !why;
    };
    const changed = piece.changed.filter((now) => stays(now.key, now));
    const removed = piece.removed.filter((name) => stays(name, undefined));
    const isAll = changed.length === piece.changed.length && removed.length === piece.removed.length;
    const now = isAll ? piece : { changed, removed };
    if (!isAll) change.defer(piece, now, later);
    if (changed.length + removed.length > 0)
      return {
        changes: now,
        fresh: now,
        unresolved: none,
        withheld: waiting,
        healed: none,
        to: undefined,
        piece: change,
      };
  }
  return undefined;
}
