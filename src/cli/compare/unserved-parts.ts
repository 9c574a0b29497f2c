import { findResourceType } from "../../resource/default-api.js";
import { placeOf } from "../../serving/findings.js";
import type { Problem } from "../../source/files/problem.js";
import type { ComparedConfiguration } from "./compared-configuration.js";

/** The most names in a note. */
const mostNames = 20;

/** The notes about parts of files that are not served. What dumps lack is reported elsewhere. */
const notesOf = ({ notes, dump, dumps }: ComparedConfiguration) =>
  dump ? [] : notes.filter(({ file }) => !dumps?.has(file));

/** The parts of files that are not served: name → hash of the content. */
const unservedOf = (operand: ComparedConfiguration): Map<string, string> =>
  new Map(notesOf(operand).flatMap((note) => (note.leftOut ? [[nameOf(note), note.leftOut.content]] : [])));

/**
 * A line with the parts of two configurations that are not served and, if both have such parts, which of them differ.
 * It is undefined if both have the same parts.
 */
export function unservedLine(before: ComparedConfiguration, after: ComparedConfiguration): string | undefined {
  const [was, is] = [unservedOf(before), unservedOf(after)];
  const names = [...new Set([...was.keys(), ...is.keys()])];
  const differing = names.filter((name) => was.get(name) !== is.get(name));
  if (differing.length === 0) return undefined;
  const result = `; of these, ${listed(differing)} differ${differing.length > 1 ? "" : "s"}`;
  return `not compared, because it is not served: ${listed(names)}${was.size > 0 && is.size > 0 ? result : ""}`;
}

/** A line with the resources of a configuration that are not served, or undefined if there are none. */
export function unservedNote(operand: ComparedConfiguration): string | undefined {
  const names = [...new Set(notesOf(operand).flatMap((note) => (note.leftOut?.resource ? [nameOf(note)] : [])))];
  return names.length > 0 ? `left out, because it is not served: ${listed(names)}` : undefined;
}

/** A line for each resource of this name that is not served: where it is, and why it is not served. */
export function unservedLines({ notes }: ComparedConfiguration, wanted: string): string[] {
  return notes.flatMap((note) => {
    const { resource, why } = note.leftOut ?? {};
    if (!resource) return [];
    const type = findResourceType(resource.typeUrl)?.name;
    const isWanted = [resource.name, `${type}/${resource.name}`].includes(wanted);
    return isWanted ? [`${nameOf(note)} is at ${placeOf(note)}, but it is not served: ${why}`] : [];
  });
}

/** Whether a resource is in the files, but is not served. */
export const isUnserved = ({ notes }: ComparedConfiguration, typeUrl: string, name: string): boolean =>
  notes.some(({ leftOut }) => leftOut?.resource?.typeUrl === typeUrl && leftOut.resource.name === name);

function nameOf({ path, leftOut }: Problem): string {
  if (!leftOut?.resource) return path;
  const { typeUrl, name } = leftOut.resource;
  return `${findResourceType(typeUrl)?.name ?? typeUrl} ${JSON.stringify(name)}`;
}

const listed = (names: readonly string[]) =>
  names.slice(0, mostNames).join(", ") + (names.length > mostNames ? `, and ${names.length - mostNames} more` : "");
