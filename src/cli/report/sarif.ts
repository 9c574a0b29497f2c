import { isAbsolute, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { wordsOf } from "../../serving/findings.js";
import type { ReportEntry, Tally } from "./report.js";

const levels = { error: "error", warning: "warning", info: "note" } as const;

/**
 * A report as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which CI systems and editors show beside
 * the lines. Files have the names that were given: relative to the working directory, or absolute. An Envoy that was
 * asked is an extension of the tool.
 */
export function sarifOf(entries: readonly ReportEntry[], version: string, envoy: Tally | undefined): object {
  const codes = [...new Set(entries.map(({ code }) => code))].sort();
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "xds", version, rules: codes.map((id) => ({ id })) },
          ...(envoy && { extensions: [{ name: "envoy", version: envoy.version }] }),
        },
        columnKind: "utf16CodeUnits",
        results: entries.map((entry) => ({
          ruleId: entry.code,
          ruleIndex: codes.indexOf(entry.code),
          level: levels[entry.severity],
          message: { text: wordsOf(entry) },
          locations: [locationOf(entry)],
        })),
      },
    ],
  };
}

function locationOf({ file, line, column, type, resource, path }: ReportEntry): object {
  const uri = isAbsolute(file) ? pathToFileURL(file).href : file.split(sep).map(encodeURIComponent).join("/");
  const artifactLocation = { uri };
  const region = line === undefined ? {} : { region: { startLine: line, startColumn: column } };
  const logicalLocation = {
    name: resource,
    fullyQualifiedName: `${type}/${resource}${path && `: ${path}`}`,
    kind: "object",
  };
  return {
    physicalLocation: { artifactLocation, ...region },
    ...(resource !== undefined && { logicalLocations: [logicalLocation] }),
  };
}
