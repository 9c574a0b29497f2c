import { type Command, InvalidArgumentError, Option } from "commander";
import {
  addControlOptions,
  type ControlOptions,
  orderedOf,
  servedPathsHelp,
  type WhyOptions,
  whyOption,
} from "../remote/control.js";
import { until } from "../terminal/ages.js";
import { addExamples, type Exit, type OutputOptions, outputOption, parseDuration } from "../terminal/command.js";
import { print } from "../terminal/output.js";

interface FreezeOptions extends ControlOptions, WhyOptions, OutputOptions {
  readonly until?: number;
}

/** `xds freeze`. */
export function addFreeze(program: Command, exit: Exit): void {
  const command = program
    .command("freeze")
    .summary("hold changes and rollouts")
    .description(
      "Freeze a running server: changes of the files are held, and no rollout goes forward. Live resources, which are endpoints and secrets, still change. Going back stays possible: a rollout that fails is rolled back, and `xds undo` works. When the freeze ends, the held change is published, unless it needs an approval.",
    )
    .argument("[path...]", servedPathsHelp)
    .addOption(whyOption())
    .addOption(
      new Option("--until <time>", "when it ends by itself: 2h, or 2030-01-31T12:00:00Z").argParser(parseUntil),
    );
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds freeze --why 'sale until Monday' --until 48h", "for two days"],
    ["xds freeze --why incident", "until xds unfreeze"],
  ]);
  command.action(async (paths: string[], options: FreezeOptions) => {
    const client = await orderedOf(paths, options, command);
    const report = await client.freeze(options.why, options.until);
    const end = report.frozen?.until;
    print(options.output, report, () =>
      end === undefined
        ? "frozen until `xds unfreeze`: changes are held, and no rollout goes forward"
        : `frozen until ${end} (${until(end, Date.now())}): changes are held, and no rollout goes forward`,
    );
    exit(0);
  });
}

/** `xds unfreeze`. */
export function addUnfreeze(program: Command, exit: Exit): void {
  const command = program
    .command("unfreeze")
    .summary("end a freeze")
    .description(
      "End a freeze: the held change is published, unless it needs an approval, and rollouts go forward again.",
    )
    .argument("[path...]", servedPathsHelp)
    .addOption(whyOption());
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [["xds unfreeze --why 'the sale is over'", "changes and rollouts go on"]]);
  command.action(async (paths: string[], options: ControlOptions & WhyOptions & OutputOptions) => {
    const client = await orderedOf(paths, options, command);
    const report = await client.unfreeze(options.why);
    print(options.output, report, () => "the freeze is over: changes and rollouts go on");
    exit(0);
  });
}

/** A duration from now, or a time in ISO 8601, in milliseconds since 1970. */
function parseUntil(text: string): number {
  if (/^\d{4}-\d\d-\d\dT/.test(text)) {
    const time = Date.parse(text);
    if (time > Date.now()) return time;
  } else if (/^\d/.test(text)) return Date.now() + parseDuration(text);
  throw new InvalidArgumentError("expected a time in the future: 30m, 2h, or 2030-01-31T12:00:00Z");
}
