import { Argument, type Command } from "commander";
import { addControlOptions, type ControlOptions, orderedOf, servedPathsHelp } from "../remote/control.js";
import {
  addExamples,
  completedWith,
  type Exit,
  type OutputOptions,
  outputOption,
  unknownWords,
} from "../terminal/command.js";
import { print } from "../terminal/output.js";

interface ApproveOptions extends ControlOptions, OutputOptions {
  readonly why?: string;
}

/** `xds approve`. */
export function addApprove(program: Command, exit: Exit): void {
  const command = program
    .command("approve")
    .summary("publish a change that is held")
    .description(
      "Publish a change that a running server holds, for example because it removes most clusters. HASH is the hash of this content: the " +
        "files as they are now. If the files are edited again, the new content needs its own approval. `xds history` and `xds rollout status` " +
        "show what is held, and why.",
    )
    .addArgument(
      completedWith(new Argument("<hash>", "hash of the content; its first 8 digits are enough"), unknownWords),
    )
    .argument("[path...]", servedPathsHelp)
    .option("--why <text>", "the reason, for the audit log");
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [["xds approve 4f1d9a2bc0de", "publishes the change with this hash"]]);
  command.action(async (hash: string, paths: string[], options: ApproveOptions) => {
    const client = await orderedOf(paths, options, command, true);
    const approved = await client.approve(hash.toLowerCase(), options.why);
    print(options.output, approved, () => `${approved.content.slice(0, 12)} is approved`);
    exit(0);
  });
}
