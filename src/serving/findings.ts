import { printable, printableCut } from "../printable.js";
import { findResourceType } from "../resource/default-api.js";
import type { FindingCode, Severity } from "../resource/findings.js";
import { Locator } from "../source/documents/locator.js";
import type { Place, Problem } from "../source/files/problem.js";
import type { ResourceFinding } from "../source/reading/check-configuration.js";
import type { GoodReading } from "../source/reading/source.js";

/** The codes of findings about files. Findings about resources have other codes. docs/validation.md explains all. */
export type SourceCode = "UNREADABLE" | "INVALID" | "NOT_SERVED" | "BOOTSTRAP";

/** The severity of each {@link SourceCode}. */
export const sourceCodes = {
  UNREADABLE: "error",
  INVALID: "error",
  NOT_SERVED: "info",
  BOOTSTRAP: "warning",
} as const satisfies Record<SourceCode, Severity>;

/** Something found in a configuration, and its place. */
export interface ConfigurationFinding<Code extends string = FindingCode | SourceCode> {
  readonly file: string;
  /** Counted from 1. Absent if the finding is about the whole file. */
  readonly line?: number;
  /** Counted from 1, in UTF-16 units. Absent if `line` is. */
  readonly column?: number;
  readonly severity: Severity;
  readonly code: Code;
  /** The type's short name, such as `clusters`. Absent if no resource was read. */
  readonly type?: string;
  /** The resource's name. */
  readonly resource?: string;
  /** The field, such as `health_checks[0].timeout`. Empty if the finding is about the whole resource or file. */
  readonly path: string;
  readonly message: string;
}

/** The finding for a problem of a source. A problem keeps files, or parts of them, from being served. */
export function fromProblem(problem: Problem, given?: SourceCode): ConfigurationFinding {
  const { file, line, column = 1, path, message } = problem;
  const code = given ?? problem.code ?? (line === undefined ? "UNREADABLE" : "INVALID");
  return { file, ...(line !== undefined && { line, column }), severity: sourceCodes[code], code, path, message };
}

/** The finding for a source's note about something that is not served. */
export const fromNote = (note: Problem): ConfigurationFinding => fromProblem(note, note.code ?? "NOT_SERVED");

/** A finding with the place of its resource. {@link located} finds the place of its field. */
export function fromResource(finding: ResourceFinding, { places, unserved = [] }: GoodReading): ConfigurationFinding {
  const { code, severity, typeUrl, resource, path, message, of } = finding;
  const place = places.get(of) ?? { file: "" };
  const isInOwn = code === "RELATIVE_FILE" && unserved.some(({ file }) => file === place.file);
  const words = isInOwn ? `${message}. ${inResources}` : message;
  return { ...place, severity, code, type: findResourceType(typeUrl)?.name ?? typeUrl, resource, path, message: words };
}
const inResources = "In a `resources:` list, this server would read the file and watch it";

/** Finds the places of fields in files. Each field is given by its path and by the place of its resource. */
export type Locate = (
  asked: readonly { readonly resource: Place; readonly path: string }[],
) => Promise<readonly Place[]>;

const here: Locate = async (asked) => {
  const locator = new Locator();
  return asked.map(({ resource, path }) => locator.locate(resource, path));
};

/** Sorts findings, and replaces the places of their resources by those of their fields. */
export async function located<Finding extends ConfigurationFinding<string>>(
  findings: readonly Finding[],
  locate: Locate = here,
): Promise<Finding[]> {
  const asked = findings.flatMap((finding) => {
    const { file, line, column, path, type } = finding;
    // Findings of the source already have their places.
    if (type === undefined || line === undefined || column === undefined) return [];
    return [{ finding, resource: { file, line, column }, path }];
  });
  const places = await locate(asked.map(({ resource, path }) => ({ resource, path })));
  const found = new Map(asked.map(({ finding }, index) => [finding, places[index]]));
  return inOrder(findings.map((finding) => ({ ...finding, ...found.get(finding) })));
}

/** Findings in the order of the files' names, and within a file from top to bottom. */
export function inOrder<Finding extends ConfigurationFinding<string>>(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1;
    return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
  });
}

/** The words after the place: `clusters/backend: health_checks[0].timeout must be more than 0s, is 0s`. */
export function wordsOf({ type, resource, path, message }: ConfigurationFinding<string>): string {
  if (type === undefined) return printable(path === "" ? message : `${path}: ${message}`);
  return printable(`${type}/${resource}: ${path === "" ? message : `${path} ${message}`}`);
}

/** The place: `file:line:column`, or the file. */
export const placeOf = ({ file, line, column }: Pick<ConfigurationFinding, "file" | "line" | "column">): string =>
  printable(line === undefined ? file : `${file}:${line}:${column ?? 1}`);

/** A finding in one line for a log, without severity and code. The line has at most 2,000 characters of words. */
export function lineOf(finding: ConfigurationFinding<string>): string {
  const { resource } = finding;
  const words = wordsOf(resource === undefined ? finding : { ...finding, resource: printableCut(resource) });
  return `${placeOf(finding)}: ${printableCut(words, longestWords)}`;
}

/** The longest words of a finding. Only messages that quote names can be longer. */
const longestWords = 2_000;
