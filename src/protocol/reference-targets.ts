import { canonicalName } from "../resource/names.js";
import type { Reference } from "../resource/reference.js";
import { isCollection, referencesOf } from "../resource/references/references.js";
import type { Resource } from "../resource/resource.js";

/** The canonical names of one type that a resource refers to, without collections. */
export function* targetsOf(resource: Resource, typeUrl: string): Iterable<string> {
  for (const reference of referencesOf(resource))
    if (reference.typeUrl === typeUrl && !isCollection(reference.name)) yield canonicalName(reference.name);
}

/** Whether a resource refers to a name of a type. */
export function refersTo(resource: Resource, typeUrl: string, name: string): boolean {
  for (const target of targetsOf(resource, typeUrl)) if (target === name) return true;
  return false;
}

/** The references of an old resource that its replacement `now` does not have. Without a replacement: all of them. */
export function releasedBy(old: Resource, now: Resource | undefined): readonly Reference[] {
  const before = referencesOf(old);
  if (!now || before.length === 0) return before;
  const known = releasedMemo.get(now);
  if (known?.old.deref() === old) return known.released;
  const released = beside(old, now);
  releasedMemo.set(now, { old: new WeakRef(old), released });
  return released;
}

/** The references of one resource that another one does not have. */
export function beside(one: Resource, other: Resource): readonly Reference[] {
  const others = new Set(referencesOf(other).map(({ typeUrl, name }) => `${typeUrl} ${name}`));
  return referencesOf(one).filter(({ typeUrl, name }) => !others.has(`${typeUrl} ${name}`));
}

/** Weak in both directions, so that no version of a resource keeps another in memory. */
const releasedMemo = new WeakMap<
  Resource,
  { readonly old: WeakRef<Resource>; readonly released: readonly Reference[] }
>();
