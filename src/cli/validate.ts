import { type Command, Option } from "commander";
import type { Severity } from "../resource/findings.js";
import type { Reading } from "../source/source.js";
import { type ApiOptions, addApiOptions, apiHelp, useApi } from "./api-options.js";
import { addExamples, type Exit, outputOption } from "./command.js";
import { EnvoyValidator, type EnvoyVerdict, mostRefused } from "./envoy-verdict.js";
import { loadConfiguration } from "./load-configuration.js";
import { type OutputFormat, print } from "./output.js";
import {
  entriesOf,
  fromProblem,
  fromRemark,
  inOrder,
  printReport,
  type ReportEntry,
  reportOf,
  severities,
  type Tally,
} from "./report.js";
import { sarifOf } from "./sarif.js";

interface Options extends ApiOptions {
  readonly output: OutputFormat | "sarif";
  readonly strict: boolean;
  readonly severity: Severity;
}

const description = `Check resources in files: that they can be read, that they keep the rules that the API has for its fields, and \
that what they refer to is there. Nothing is served, and no Envoy is needed; with --envoy one is asked as well.

The files are those that \`xds serve\` takes; what is in <directory>/groups/<group>/ is checked together with what is for all nodes. \
A line is \`file:line:column severity CODE message\`; docs/validation.md explains the codes. Exit codes: 0 \
no error, 1 an error, 2 called in a way that cannot be.`;

/** `xds validate`; `exit` is given the exit code. */
export function addValidate(program: Command, exit: Exit): void {
  const command = program
    .command("validate")
    .summary("check files: the API's rules, and that what they refer to is there")
    .description(description)
    .argument("<path...>", "files, and directories with all that is below them but hidden names")
    .option("--strict", "take for an error what leads out of these files, and what this API does not know", false)
    .addOption(new Option("--severity <least>", "what to print").choices([...severities]).default("info"))
    .addOption(outputOption("sarif"))
    .action(async (paths: string[], options: Options) => exit(await validate(paths, options, program.version() ?? "")));
  addApiOptions(
    command,
    `${apiHelp.envoy}, and have it check the resources as well, by its --mode validate; of a script that runs one, give the API by ` +
      "--descriptors",
  );
  addExamples(command, [
    ["xds validate config/", "prints what Envoy would refuse in the files in config/, and what may be a mistake"],
    ["xds validate config/ --envoy /usr/bin/envoy", "prints what that Envoy refuses besides"],
    ["xds validate config/ --strict -o sarif > findings.sarif", "for the CI system, where config/ has to be whole"],
  ]);
}

/** Returns the exit code. */
async function validate(
  paths: readonly string[],
  { output, strict, severity, ...api }: Options,
  version: string,
): Promise<number> {
  const validator = api.envoy === undefined ? undefined : await EnvoyValidator.find(api.envoy);
  // A script that runs an Envoy has no API in it.
  await useApi(api.descriptors === undefined ? api : { descriptors: api.descriptors });
  const reading = await loadConfiguration(paths);
  const verdict = "problems" in reading ? undefined : await validator?.ask(reading.configuration);
  const all = inOrder([...entriesOf(reading, { strict }), ...entriesOfEnvoy(verdict, reading, paths)]);
  const shown = all.filter((entry) => severities.indexOf(entry.severity) <= severities.indexOf(severity));
  const report = { ...reportOf(all, reading), findings: shown, envoy: verdict && tallyOf(verdict) };
  if (output === "sarif") print("json", sarifOf(shown, version, report.envoy), String);
  else printReport(output, report);
  return report.counts.error > 0 ? 1 : 0;
}

function entriesOfEnvoy(verdict: EnvoyVerdict | undefined, reading: Reading, paths: readonly string[]): ReportEntry[] {
  if (!verdict || "problems" in reading) return [];
  const message = `Envoy refused ${mostRefused} resources and was not asked about the others; mend these first`;
  return [
    ...verdict.refused.map((remark) => fromRemark(remark, reading, "ENVOY")),
    ...verdict.notTried.map((remark) => fromRemark(remark, reading, "NOT_TRIED")),
    ...(verdict.isPartial ? [fromProblem({ file: paths.join(", "), path: "", message }, "NOT_TRIED")] : []),
  ];
}

const tallyOf = ({ version, refused, notTried }: EnvoyVerdict): Tally => ({
  version,
  refused: refused.length,
  notTried: notTried.length,
});
