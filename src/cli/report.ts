import { printable } from "../printable.js";
import type { FindingCode, Severity } from "../resource/findings.js";
import { findResourceType } from "../resource/types.js";
import { type CheckOptions, checkConfiguration, type ResourceFinding } from "../source/check-configuration.js";
import { Locator } from "../source/locator.js";
import type { Problem } from "../source/problem.js";
import type { GoodReading, Reading } from "../source/source.js";
import type { Remark } from "./envoy-verdict.js";
import { type OutputFormat, paint, print } from "./output.js";

/** What is told beside the findings of resources, with its severity. docs/validation.md explains each. */
export const ownCodes = {
  UNREADABLE: "error",
  INVALID: "error",
  NOT_SERVED: "info",
  ENVOY: "error",
  NOT_TRIED: "info",
} as const satisfies Record<string, Severity>;

/** One thing that is told of a configuration, and where. */
export interface ReportEntry {
  readonly file: string;
  /** Counted from 1; absent where the whole file is meant. */
  readonly line?: number;
  /** Counted from 1, in UTF-16 units; absent with `line`. */
  readonly column?: number;
  readonly severity: Severity;
  readonly code: FindingCode | keyof typeof ownCodes;
  /** The type's short name; absent where no resource was read. */
  readonly type?: string;
  readonly resource?: string;
  readonly path: string;
  readonly message: string;
}

/** What a source says itself, of files that it could not take or did not take all of; by default an error. */
export function fromProblem(problem: Problem, given?: keyof typeof ownCodes): ReportEntry {
  const { file, line, column = 1, path, message } = problem;
  const code = given ?? (line === undefined ? "UNREADABLE" : "INVALID");
  return { file, ...(line !== undefined && { line, column }), severity: ownCodes[code], code, path, message };
}

/** A finding with its place, which is looked for in the file as it is now. */
export function fromFinding(
  finding: ResourceFinding,
  { places }: GoodReading,
  locator: Pick<Locator, "locate"> = new Locator(),
): ReportEntry {
  const { code, severity, typeUrl, resource, path, message, of } = finding;
  const place = places.get(of);
  const found = place ? locator.locate(place, path) : { file: "" };
  return { ...found, severity, code, type: findResourceType(typeUrl)?.name ?? typeUrl, resource, path, message };
}

/** What an Envoy said, or was not asked, of a resource. */
export function fromRemark({ of, message }: Remark, { places }: GoodReading, code: "ENVOY" | "NOT_TRIED"): ReportEntry {
  const place = places.get(of) ?? { file: "" };
  return { ...place, severity: ownCodes[code], code, type: of.type.name, resource: of.name, path: "", message };
}

/** What is said after the place: `clusters/backend: health_checks[0].timeout must be more than 0s, is 0s`. */
export function wordsOf({ type, resource, path, message }: ReportEntry): string {
  if (type === undefined) return printable(path === "" ? message : `${path}: ${message}`);
  return printable(`${type}/${resource}: ${path === "" ? message : `${path} ${message}`}`);
}

/** Where it is: `file:line:column`, or the file. */
export const placeOf = ({ file, line, column }: Pick<ReportEntry, "file" | "line" | "column">): string =>
  printable(line === undefined ? file : `${file}:${line}:${column ?? 1}`);

/** `file:line:column severity CODE message`. */
export function formatEntry(entry: ReportEntry): string {
  const colour = { error: paint.bad, warning: paint.warn, info: paint.faint }[entry.severity];
  return `${placeOf(entry)} ${colour(entry.severity)} ${entry.code} ${wordsOf(entry)}`;
}

/** The same for a log, which has severity and code beside it. */
export const lineOf = (entry: ReportEntry): string => `${placeOf(entry)}: ${wordsOf(entry)}`;

/** In the order of the files' names, and in a file from top to bottom. */
export function inOrder(entries: readonly ReportEntry[]): ReportEntry[] {
  return [...entries].sort((a, b) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1;
    return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
  });
}

/** From the worst on. */
export const severities = ["error", "warning", "info"] as const satisfies readonly Severity[];

/** How many there are of each severity. */
export function countsOf(entries: readonly ReportEntry[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of entries) counts[severity]++;
  return counts;
}

/** What came of asking an Envoy, in numbers. */
export interface Tally {
  readonly version: string;
  readonly refused: number;
  readonly notTried: number;
}

/** All that is told of a configuration. */
export interface Report {
  readonly findings: readonly ReportEntry[];
  /** Of all that was found, also of what is not shown. */
  readonly counts: Readonly<Record<Severity, number>>;
  /** How many there are; undefined: the files cannot be read. */
  readonly resources: number | undefined;
  /** undefined: none was asked. */
  readonly envoy?: Tally | undefined;
}

/** What is to be said of a reading; `options` undefined: the resources are not checked. */
export function entriesOf(reading: Reading, options: CheckOptions | undefined): ReportEntry[] {
  if ("problems" in reading) return reading.problems.map((problem) => fromProblem(problem));
  const locator = new Locator();
  const findings = options ? checkConfiguration(reading.configuration, options) : [];
  return inOrder([
    ...reading.notes.map((note) => fromProblem(note, "NOT_SERVED")),
    ...findings.map((finding) => fromFinding(finding, reading, locator)),
  ]);
}

export const reportOf = (findings: readonly ReportEntry[], reading: Reading): Report => ({
  findings,
  counts: countsOf(findings),
  resources: "problems" in reading ? undefined : reading.places.size,
});

/** Prints a report as data, or a line for each finding and one that counts them. */
export function printReport(output: OutputFormat, report: Report): void {
  print(output, report, () => [...report.findings.map(formatEntry), summary(report)].join("\n"));
}

function summary({ counts: { error, warning, info }, resources, envoy }: Report): string {
  const counts = [count(error, "error"), count(warning, "warning"), count(info, "info")].join(", ");
  if (resources === undefined) return `${counts}; the rules are checked when the files can be read`;
  const asked = envoy
    ? `; Envoy ${envoy.version} refuses ${envoy.refused}, and was not asked about ${envoy.notTried}`
    : "";
  return `${counts} in ${count(resources, "resource")}${asked}`;
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
