import { collectionOf, isGlob } from "./names.js";
import { scanReferences } from "./reference-scan.js";
import type { Resource } from "./resource.js";

/** That a resource needs another one, which a discovery service serves, by its name. */
export interface Reference {
  readonly typeUrl: string;
  /** A resource's name; or, of a collection, `*` (everything of the type) or what ends in `/*` (see {@link covers}). */
  readonly name: string;
  /** The field that says so (the first, if several do), such as `virtual_hosts[0].routes[2].route.cluster`. */
  readonly path: string;
}

/**
 * What a resource refers to, each name once. Only what comes from a server counts: neither what is written inline nor what
 * comes from a file. Looks into Any too, skipping what is of no known type. Read from the encoded bytes, at the first
 * call; fields that lead to no reference are not decoded.
 */
export function referencesOf(resource: Resource): readonly Reference[] {
  resource.references ??= resource.error ? none : scanReferences(resource.type.typeUrl, resource.body);
  return resource.references;
}

const none: readonly Reference[] = [];

/** Whether a reference's name, in canonical form, is a pattern that stands for many resources. */
export const isCollection = (name: string): boolean =>
  name.startsWith("xdstp:") ? isGlob(name) : name === "*" || name.endsWith("/*");

/** Whether the name in a reference is that of a resource, or a collection that it belongs to (P60, P63); both canonical. */
export function covers(reference: string, name: string): boolean {
  if (reference === name || reference === "*") return true;
  if (name.startsWith("xdstp:")) return collectionOf(name) === reference;
  return name.length >= reference.length && `${name.slice(0, name.lastIndexOf("/") + 1)}*` === reference;
}
