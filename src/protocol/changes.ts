import type { Changes } from "../cache/config-watcher.js";
import { canonicalName } from "../resource/names.js";
import { referencesOf } from "../resource/references/references.js";
import type { Resource } from "../resource/resource.js";
import { lastField } from "../schema/wire-reader.js";

// All streams that are sent the same changes share one `Changes` object. Everything that is computed from it is kept in
// maps beside it, so it is computed once for all streams, and collected together with the object.

const none: readonly never[] = [];

/** A change without contents. */
export const noChanges: Changes = { changed: none, removed: none };

/** The names in a change, each with its new resource, or undefined for a removal. */
export function contentsOf(changes: Changes): ReadonlyMap<string, Resource | undefined> {
  let contents = contentsMemo.get(changes);
  if (!contents) {
    const made = new Map<string, Resource | undefined>();
    for (const resource of changes.changed) {
      made.set(resource.key, resource);
      for (const alias of resource.aliasKeys) made.set(alias, resource);
    }
    for (const name of changes.removed) made.set(name, undefined);
    contents = made;
    contentsMemo.set(changes, contents);
  }
  return contents;
}
const contentsMemo = new WeakMap<Changes, ReadonlyMap<string, Resource | undefined>>();

/** The names that are in a change and not in another. Computed once for all streams. */
export function onlyIn(changes: Changes, other: Changes): readonly string[] {
  const known = onlyInMemo.get(changes);
  if (known?.other.deref() === other) return known.names;
  const contents = contentsOf(other);
  const names = [...contentsOf(changes).keys()].filter((name) => !contents.has(name));
  onlyInMemo.set(changes, { other: new WeakRef(other), names });
  return names;
}
/** Weak in both directions, so that no change keeps another in memory. */
const onlyInMemo = new WeakMap<Changes, { readonly other: WeakRef<Changes>; readonly names: readonly string[] }>();

/** A change together with what only another change has. The same two changes give the same object. */
export function union(changes: Changes, other: Changes): Changes {
  const known = unionMemo.get(changes)?.get(other);
  if (known) return known;
  const contents = contentsOf(changes);
  const changed = other.changed.filter(({ key }) => !contents.has(key));
  const removed = other.removed.filter((name) => !contents.has(name));
  let all: Changes = { changed: [...changes.changed, ...changed], removed: [...changes.removed, ...removed] };
  if (contents.size === 0) all = other;
  else if (changed.length + removed.length === 0) all = changes;
  const unions = unionMemo.get(changes) ?? new WeakMap<Changes, Changes>();
  unionMemo.set(changes, unions.set(other, all));
  return all;
}
const unionMemo = new WeakMap<Changes, WeakMap<Changes, Changes>>();

/** The same change without its removals. */
export function withoutRemovals(changes: Changes): Changes {
  if (changes.removed.length === 0) return changes;
  let rest = additionsMemo.get(changes);
  if (!rest) {
    rest = { changed: changes.changed, removed: none };
    additionsMemo.set(changes, rest);
  }
  return rest;
}
const additionsMemo = new WeakMap<Changes, Changes>();

/**
 * What must stay in one response: an added resource with the removed one whose address it takes, or one removed name.
 */
interface Unit {
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
}

/**
 * A change in two halves, to find what a client refuses in it. The first half refers to nothing that only the second
 * has, except in a circle of references. Removals are in the second half. `old` is what the client had of a removed
 * name. undefined: there is only one unit.
 */
export function halvesOf(
  changes: Changes,
  old: (name: string) => Resource | undefined,
): readonly [Changes, Changes] | undefined {
  let halves = halvesMemo.get(changes);
  if (!halves) {
    const units = unitsOf(changes, old);
    if (units.length < 2) return undefined;
    const middle = Math.ceil(units.length / 2);
    halves = [join(units.slice(0, middle)), join(units.slice(middle))];
    halvesMemo.set(changes, halves);
  }
  return halves;
}
const halvesMemo = new WeakMap<Changes, readonly [Changes, Changes]>();

/**
 * Divides a change into parts of at most `maxBytes` bytes each. A larger unit is a part of its own. The same change
 * gives the same parts.
 */
export function partsOf(
  changes: Changes,
  maxBytes: number,
  old: (name: string) => Resource | undefined,
): readonly Changes[] {
  if (changes.changed.length < 2 && changes.removed.length < mostUnmeasured) return [changes];
  const known = partsMemo.get(changes);
  if (known?.maxBytes === maxBytes) return known.parts;
  const parts: Changes[] = [];
  if (sizeOf(changes) <= maxBytes) parts.push(changes);
  else {
    let units: Unit[] = [];
    let bytes = 0;
    for (const unit of unitsOf(changes, old)) {
      const size = sizeOf(unit);
      if (units.length > 0 && bytes + size > maxBytes) {
        parts.push(join(units));
        [units, bytes] = [[], 0];
      }
      units.push(unit);
      bytes += size;
    }
    parts.push(join(units));
  }
  partsMemo.set(changes, { maxBytes, parts });
  return parts;
}
/** Fewer removed names than this are not measured. */
const mostUnmeasured = 1_000;

const partsMemo = new WeakMap<Changes, { readonly maxBytes: number; readonly parts: readonly Changes[] }>();

/** The most bytes that a change takes in a response, without the envelope. */
function sizeOf({ changed, removed }: Changes): number {
  let bytes = 0;
  for (const resource of changed) bytes += resource.entryBytes;
  for (const name of removed) bytes += 3 * name.length + 8;
  return bytes;
}

const join = (units: readonly Unit[]): Changes => ({
  changed: units.flatMap(({ changed }) => changed),
  removed: units.flatMap(({ removed }) => removed),
});

/** The units of a change. A resource comes after those that it refers to. Removals come last. */
function unitsOf({ changed, removed }: Changes, old: (name: string) => Resource | undefined): Unit[] {
  const places = new Map<string, string[]>(); // address → the removed names that had it
  const field = changed[0]?.type.addressField;
  const unpaired = new Set(removed);
  if (field !== undefined)
    for (const name of removed) {
      const before = old(name);
      const place = before && placeOf(before, field);
      if (place) places.set(place, [...(places.get(place) ?? []), name]);
    }
  const units: Unit[] = [];
  for (const resource of inOrder(changed)) {
    const place = places.size > 0 && field !== undefined ? placeOf(resource, field) : undefined;
    const freed = place ? (places.get(place) ?? none) : none;
    if (place) places.delete(place);
    for (const name of freed) unpaired.delete(name);
    units.push({ changed: [resource], removed: freed });
  }
  // The answer that a name does not exist goes with the first unit. No client refuses that.
  const [first] = units;
  const missing = first ? [...unpaired].filter((name) => !old(name)) : [];
  if (first && missing.length > 0) units[0] = { ...first, removed: [...first.removed, ...missing] };
  for (const name of missing) unpaired.delete(name);
  for (const name of unpaired) units.push({ changed: none, removed: [name] });
  return units;
}

/** The encoded address of a resource. A client has only one resource with an address at a time. */
const placeOf = (resource: Resource, field: number): string | undefined => {
  const bytes = resource.error ? undefined : lastField(resource.body, field);
  return bytes && Buffer.from(bytes).toString("latin1");
};

/** Sorts resources: each comes after those in the list that it refers to. */
function inOrder(changed: readonly Resource[]): readonly Resource[] {
  const byName = new Map(changed.map((resource) => [resource.key, resource]));
  const ordered = new Set<Resource>();
  const visit = (resource: Resource, open: Set<Resource>): void => {
    if (ordered.has(resource) || open.has(resource)) return;
    open.add(resource);
    for (const { typeUrl, name } of referencesOf(resource)) {
      const target = typeUrl === resource.type.typeUrl ? byName.get(canonicalName(name)) : undefined;
      if (target && open.size < deepest) visit(target, open);
    }
    open.delete(resource);
    ordered.add(resource);
  };
  for (const resource of changed) visit(resource, new Set());
  return [...ordered];
}

/** How far a chain of references is followed. */
const deepest = 1_000;
