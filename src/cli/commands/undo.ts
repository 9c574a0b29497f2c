import { type Command, Option } from "commander";
import { addControlOptions, type ControlOptions, orderedOf, servedPathsHelp, whyOption } from "../remote/control.js";
import { addExamples, type Exit, type OutputOptions, outputOption } from "../terminal/command.js";
import { print } from "../terminal/output.js";
import { parseRevision } from "../terminal/revision.js";
import { countsText } from "./history.js";

interface UndoOptions extends ControlOptions, OutputOptions {
  readonly to?: number;
  readonly why: string;
  readonly message?: string;
}

/** `xds undo`. */
export function addUndo(program: Command, exit: Exit): void {
  const command = program
    .command("undo")
    .summary("serve the content of an older revision again")
    .description(
      "Serve the content of an older revision to all nodes at once, as a new revision. A running rollout ends. The content that was served before is barred: " +
        "files that still have it are not served again, unless `xds rollout again` allows it. Live resources, which are endpoints and secrets, stay as they are.",
    )
    .argument("[path...]", servedPathsHelp)
    .addOption(
      new Option(
        "--to <revision>",
        "the revision to serve; by default the one before the stable revision; during a rollout and after an undo there is no default",
      ).argParser(parseRevision),
    )
    .addOption(whyOption())
    .option("--message <text>", "message of the new revision");
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds undo --why 'errors since 10:05'", "serves the revision before to all nodes at once"],
    ["xds undo --to @12 --why 'the last one that worked'", "serves revision 12; `xds history` lists the revisions"],
  ]);
  command.action(async (paths: string[], options: UndoOptions) => {
    const client = await orderedOf(paths, options, command);
    const { to, why, message, output } = options;
    const report = await client.undo({ to, why, message });
    const { revision, undoTo, counts } = report;
    const content = undoTo === undefined ? "" : `, which has the content of @${undoTo},`;
    print(output, report, () => `@${revision}${content} is served to all nodes (${countsText(counts)})`);
    exit(0);
  });
}
