import { type Command, Option } from "commander";
import type { AuditReport } from "../../control/reports.js";
import { addControlOptions, type ControlOptions, orderedOf, servedPathsHelp } from "../remote/control.js";
import { addExamples, type Exit, type OutputOptions, outputOption, parseCount } from "../terminal/command.js";
import { print, table } from "../terminal/output.js";

interface AuditOptions extends ControlOptions, OutputOptions {
  readonly limit: number;
}

/** `xds audit`. */
export function addAudit(program: Command, exit: Exit): void {
  const command = program
    .command("audit")
    .summary("show who published and ordered what, and why")
    .description(
      "Show the audit log of a running server, the newest first: who published or ordered what, and why.\n\n" +
        'BY is "server", what a token proves ("token deploy"), or what the caller claims to be ("claimed uid 1000 (alice)"): only the ' +
        "server's user and root can use the socket in the state directory, but they can claim any name.",
    )
    .argument("[path...]", servedPathsHelp)
    .addOption(new Option("--limit <count>", "how many entries").argParser(parseCount).default(50));
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds audit", "the last 50 entries"],
    ["xds audit --limit 1000 -o json | jq '.entries[] | select(.what == \"undo\")'", "what was undone"],
  ]);
  command.action(async (paths: string[], options: AuditOptions) => {
    const client = await orderedOf(paths, options, command);
    const report = await client.audit(options.limit);
    print(options.output, report, () => auditTable(report));
    exit(0);
  });
}

const auditTable = ({ entries }: AuditReport): string =>
  table(
    ["time", "by", "what", "details", "why"],
    entries.map(({ at, by, what, details = {}, why = "-" }) => [at, by, what, detailsText(details), why]),
    "nothing was published or ordered yet",
  );

/** Hashes are cut: twelve digits are enough to know them again. */
const detailsText = (details: object): string =>
  Object.entries(details)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return `${name} ${/^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text}`;
    })
    .join(", ") || "-";
