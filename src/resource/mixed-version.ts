import type { Resource } from "./resource.js";
import { SetHash } from "./resource-set.js";

/** The most old resources that a mixed version has marks for. */
const mostMarks = 1_000;

/**
 * The version of what a client has after a response: the resources of `version`, but older copies of some, or removed
 * ones. It has a mark for each copy. So a server to which the client comes back knows them (P36). The order of the
 * copies does not matter.
 */
export function mixedVersion(version: string, copies: readonly Resource[]): string {
  if (copies.length === 0) return version; // nearly always
  const marks = [...new Set(copies.map(markOf))].sort().slice(0, mostMarks);
  return `${version}+${marks.join("")}`;
}

/** The version without its marks, and the marks. */
export function partsOf(version: string): { readonly base: string; readonly marks: readonly string[] } {
  const [, base, marks] = /^(.*)\+((?:[0-9a-f]{8})+)$/s.exec(version) ?? [];
  if (base === undefined || marks === undefined) return { base: version, marks: [] };
  return { base, marks: marks.match(/.{8}/g)?.slice(0, mostMarks) ?? [] };
}

/** The mark of a resource: eight hexadecimal digits that stand for its name and version. */
export const markOf = (resource: Resource): string => new SetHash().add(resource).toString().slice(0, 8);
