import type { FindingCode, Severity } from "../../resource/findings.js";
import {
  type ConfigurationFinding,
  fromNote,
  fromProblem,
  fromResource,
  inOrder,
  placeOf,
  sourceCodes,
  wordsOf,
} from "../../serving/findings.js";
import {
  type CheckOptions,
  checkConfiguration,
  type ResourceFinding,
} from "../../source/reading/check-configuration.js";
import type { GoodReading, Reading } from "../../source/reading/source.js";
import type { Remark } from "../envoy/verdict.js";
import { type OutputFormat, paint, print } from "../terminal/output.js";

/**
 * The codes of entries that are no findings about resources, with their severity. docs/validation.md explains each.
 */
export const ownCodes = {
  ...sourceCodes,
  ENVOY: "error",
  NOT_TRIED: "info",
  NOT_CHECKED: "info",
} as const satisfies Record<string, Severity>;

/** One line of a report. */
export type ReportEntry = ConfigurationFinding<FindingCode | keyof typeof ownCodes>;

/** What an Envoy reported about a resource, or why the Envoy could not check the resource. */
export function fromRemark({ of, message }: Remark, { places }: GoodReading, code: "ENVOY" | "NOT_TRIED"): ReportEntry {
  const place = places.get(of) ?? { file: "" };
  return { ...place, severity: ownCodes[code], code, type: of.type.name, resource: of.name, path: "", message };
}

/** `file:line:column severity CODE message`. */
export function formatEntry(entry: ReportEntry): string {
  const colour = { error: paint.bad, warning: paint.warn, info: paint.faint }[entry.severity];
  return `${placeOf(entry)} ${colour(entry.severity)} ${entry.code} ${wordsOf(entry)}`;
}

/** The worst comes first. */
export const severities = ["error", "warning", "info"] as const satisfies readonly Severity[];

/** The number of entries of each severity. */
export function countsOf(entries: readonly ReportEntry[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of entries) counts[severity]++;
  return counts;
}

/** How many resources an Envoy refused, and how many it could not check. */
export interface Tally {
  readonly version: string;
  readonly refused: number;
  readonly notTried: number;
}

/** The report on a configuration. */
export interface Report {
  readonly findings: readonly ReportEntry[];
  /** The counts of all entries, also of those that are not shown. */
  readonly counts: Readonly<Record<Severity, number>>;
  /** The number of resources, or undefined if the files cannot be read. */
  readonly resources: number | undefined;
  /** The result of an Envoy, if one was asked. */
  readonly envoy?: Tally | undefined;
}

/**
 * The entries of a report on a reading. A finding has the place of its resource, not yet that of its field. Without
 * `options` the resources are not checked. `isTold` picks the findings that are reported.
 */
export function entriesOf(
  reading: Reading,
  options: CheckOptions | undefined,
  isTold: (finding: ResourceFinding) => boolean = () => true,
): ReportEntry[] {
  if ("problems" in reading) return reading.problems.map((problem) => fromProblem(problem));
  const findings = options ? checkConfiguration(reading.configuration, options).filter(isTold) : [];
  return inOrder([...reading.notes.map(fromNote), ...findings.map((finding) => fromResource(finding, reading))]);
}

export const reportOf = (findings: readonly ReportEntry[], reading: Reading): Report => ({
  findings,
  counts: countsOf(findings),
  resources: "problems" in reading ? undefined : reading.places.size,
});

/** Prints a report as data, or as a line for each finding and a line with their number. */
export function printReport(output: OutputFormat, report: Report): void {
  print(output, report, () => [...report.findings.map(formatEntry), summary(report)].join("\n"));
}

function summary({ counts: { error, warning, info }, resources, envoy }: Report): string {
  const counts = [count(error, "error"), count(warning, "warning"), count(info, "info")].join(", ");
  if (resources === undefined) return `${counts}; the API's rules were not checked, because files cannot be read`;
  const asked = envoy ? `; Envoy ${envoy.version} refuses ${envoy.refused}, and ${envoy.notTried} were not tried` : "";
  return `${counts} in ${count(resources, "resource")}${asked}`;
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
