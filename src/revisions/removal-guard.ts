import { resourceType } from "../resource/default-api.js";

/** How many resources of each type there are, by type URL. */
export type Counts = ReadonlyMap<string, number>;

/** A removal that is too large: one type in one group. */
export interface Removal {
  readonly group: string;
  readonly typeUrl: string;
  /** How many resources of the type the group is served now. */
  readonly before: number;
  /** How many it would be served after the change. */
  readonly after: number;
}

/** A change that removes fewer resources of a type than this is held only if nothing of the type is left. */
export const fewRemoved = 10;

/**
 * Finds what a change removes too much of. For a type in a group, that is either of these:
 * - The change leaves nothing of the type.
 * - The change removes at least ten resources, and more than `share` of them.
 *
 * Added resources count against removed ones. So a rename is not a removal. A group that no longer exists has nothing
 * left. `share` is from 0 to 1.
 */
export function removalsIn(
  served: ReadonlyMap<string, Counts>,
  wanted: ReadonlyMap<string, Counts>,
  share = 0.5,
): readonly Removal[] {
  return [...served].flatMap(([group, counts]) => {
    const after = wanted.get(group);
    return Array.from(counts, ([typeUrl, before]) => ({
      group,
      typeUrl,
      before,
      after: after?.get(typeUrl) ?? 0,
    })).filter((removal) => isTooMuch(removal, share));
  });
}

const isTooMuch = ({ before, after }: Removal, share: number): boolean =>
  before > 0 && (after === 0 || (before - after >= fewRemoved && before - after > share * before));

/** Describes a removal to the person who decides. `common` is the name of the group for nodes without a group. */
export const removalText = ({ group, typeUrl, before, after }: Removal, common = ""): string =>
  `${group === common ? "" : `group ${group}: `}${before - after} of ${before} ${resourceType(typeUrl).name} would be removed${after === 0 ? ", and none would be left" : ""}`;
