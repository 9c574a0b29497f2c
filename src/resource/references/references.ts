import { collectionOf, isGlob } from "../names.js";
import type { Reference } from "../reference.js";
import type { Resource } from "../resource.js";
import { scanReferences } from "./scan.js";

/**
 * Returns the references of a resource, each name once.
 *
 * Only resources from a server count, not inline ones or ones from a file. The content of an Any counts if its type is
 * known. References are read from the encoded bytes at the first call; other fields are not decoded.
 */
export function referencesOf(resource: Resource): readonly Reference[] {
  resource.references ??= resource.error
    ? none
    : scanReferences(resource.type.typeUrl, resource.body, resource.registry);
  return resource.references;
}

const none: readonly Reference[] = [];

/** Whether a canonical name in a reference is a pattern for many resources. */
export const isCollection = (name: string): boolean =>
  name.startsWith("xdstp:") ? isGlob(name) : name === "*" || name.endsWith("/*");

/**
 * Whether the name in a reference is equal to a resource's name, or is a collection that contains it (P60, P63). Both
 * names are canonical.
 */
export function covers(reference: string, name: string): boolean {
  if (reference === name || reference === "*") return true;
  if (name.startsWith("xdstp:")) return collectionOf(name) === reference;
  return name.length >= reference.length && `${name.slice(0, name.lastIndexOf("/") + 1)}*` === reference;
}
