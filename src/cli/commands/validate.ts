import { type Command, Option } from "commander";
import type { Severity } from "../../resource/findings.js";
import { Heap } from "../../server/admission/heap.js";
import { inOrder, located } from "../../serving/findings.js";
import { configurationOf, viewOf } from "../../source/reading/layers.js";
import type { GoodReading, Reading } from "../../source/reading/source.js";
import { DumpParts } from "../compare/dump-parts.js";
import { EnvoyValidator, type EnvoyVerdict } from "../envoy/verdict.js";
import { pathsHelp, useConfiguration } from "../report/load-configuration.js";
import {
  entriesOf,
  fromRemark,
  ownCodes,
  printReport,
  type ReportEntry,
  reportOf,
  severities,
  type Tally,
} from "../report/report.js";
import { sarifOf } from "../report/sarif.js";
import { typeOption } from "../schema/resource-type-name.js";
import { addApiOptions, apiHelp, useApi } from "../settings/api-options.js";
import {
  addGroupOptions,
  checkPaths,
  chosenGroup,
  configOption,
  type GroupOptions,
  readFilesCall,
} from "../settings/call.js";
import { locatedBy, readingThread } from "../settings/reading.js";
import { addExamples, type Exit, outputOption } from "../terminal/command.js";
import { type OutputFormat, print } from "../terminal/output.js";

interface Options extends GroupOptions {
  readonly config?: string;
  readonly output: OutputFormat | "sarif";
  readonly strict: boolean;
  readonly severity: Severity;
}

const description = `Check resources in files. Three things are checked: the files can be read, the fields keep the API's rules, and \
the referenced resources exist. Nothing is served, and no Envoy is needed. With --envoy, an Envoy checks the resources as well.

The files are the same as for \`xds serve\`. By default they are those that xds.yaml or XDS_PATHS names. An xds.yaml also chooses the \
API, and whether nodes without a group are served. The files in <directory>/groups/<group>/ are checked together with those for all \
nodes. Each finding is one line: \`file:line:column severity CODE message\`. docs/validation.md explains the codes. Exit codes: 0 \
no error, 1 at least one error, 2 wrong usage.`;

/** `xds validate`; `exit` is given the exit code. */
export function addValidate(program: Command, exit: Exit): void {
  const command = program
    .command("validate")
    .summary("check files: the API's rules, and whether referenced resources exist")
    .description(description)
    .argument("[path...]", pathsHelp)
    .addOption(configOption())
    .addOption(typeOption())
    .option(
      "--strict",
      "make errors of references that lead out of these files, and of fields and types that this API does not know",
      false,
    )
    .addOption(
      new Option("--severity <least>", "the least severity that is printed").choices([...severities]).default("info"),
    )
    .addOption(outputOption("sarif"))
    .action(async (paths: string[], options: Options) => exit(await validate(paths, options, command)));
  addGroupOptions(command);
  addApiOptions(
    command,
    `${apiHelp.envoy}; this Envoy also checks the resources, with its --mode validate; a script that runs an Envoy has no API, so ` +
      "give the API with --descriptors",
  );
  addExamples(command, [
    ["xds validate config/", "prints what Envoy would refuse in config/, and probable mistakes"],
    ["xds validate config/ --envoy /usr/bin/envoy", "also prints what this Envoy refuses"],
    ["istioctl proxy-config clusters POD -o json | xds validate -", "checks the clusters of a proxy, without a file"],
    ["xds validate --group edge", "checks what the nodes of group edge of xds.yaml are served"],
    [
      "xds validate config/ --strict -o sarif > findings.sarif",
      "for a CI system; config/ must contain everything that it refers to",
    ],
  ]);
}

/** Returns the exit code. */
async function validate(
  given: readonly string[],
  { output, strict, severity, config, ...groupOptions }: Options,
  command: Command,
): Promise<number> {
  const call = await readFilesCall(given, config, command);
  checkPaths(call, "validate");
  const { paths, api, files, settings } = call;
  const validator = api.envoy === undefined ? undefined : await EnvoyValidator.find(api.envoy);
  // A script that runs an Envoy has no API in it.
  await useApi(api.descriptors === undefined ? api : { descriptors: api.descriptors });
  const thread = readingThread(settings);
  const options = { ...files, ...(thread && { thread }), heap: new Heap(), checks: true };
  return await useConfiguration(paths, options, async (whole) => {
    const reading = "problems" in whole ? whole : onlyOf(whole, chosenGroup(call, groupOptions, whole.configuration));
    const verdict = "problems" in reading ? undefined : await validator?.ask(reading.configuration);
    const servesOthers = settings.unmatchedNodes === "default";
    const parts = new DumpParts(reading);
    const found = entriesOf(reading, { strict, servesOthers }, (finding) => strict || !parts.leavesOpen(finding));
    const locate = thread && locatedBy(thread);
    const all = inOrder([
      ...(await located(found, locate)),
      ...parts.entries(),
      ...entriesOfEnvoy(verdict, reading, paths),
    ]);
    const shown = all.filter((entry) => severities.indexOf(entry.severity) <= severities.indexOf(severity));
    const report = { ...reportOf(all, reading), findings: shown, envoy: verdict && tallyOf(verdict) };
    if (output === "sarif") print("json", sarifOf(shown, command.parent?.version() ?? "", report.envoy), String);
    else printReport(output, report);
    return report.counts.error > 0 ? 1 : 0;
  });
}

/** What the nodes of the chosen group are served, or everything if none is chosen. */
function onlyOf(reading: GoodReading, chosen: ReturnType<typeof chosenGroup>): GoodReading {
  if (chosen === undefined) return reading;
  const view = viewOf(reading.configuration, chosen === "none" ? undefined : chosen.group);
  const places = new Map(
    view.flatMap((resource) => {
      const place = reading.places.get(resource);
      return place ? [[resource, place] as const] : [];
    }),
  );
  return { ...reading, configuration: configurationOf(view), places };
}

function entriesOfEnvoy(verdict: EnvoyVerdict | undefined, reading: Reading, paths: readonly string[]): ReportEntry[] {
  if (!verdict || "problems" in reading) return [];
  const { partly: message } = verdict;
  return [
    ...verdict.refused.map((remark) => fromRemark(remark, reading, "ENVOY")),
    ...verdict.notTried.map((remark) => fromRemark(remark, reading, "NOT_TRIED")),
    ...(message !== undefined
      ? [{ file: paths.join(", "), severity: ownCodes.NOT_TRIED, code: "NOT_TRIED" as const, path: "", message }]
      : []),
  ];
}

const tallyOf = ({ version, refused, notTried }: EnvoyVerdict): Tally => ({
  version,
  refused: refused.length,
  notTried: notTried.length,
});
