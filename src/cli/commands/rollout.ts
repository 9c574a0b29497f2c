import { Argument, type Command } from "commander";
import type { CandidateReport, RolloutReport, WaveReport } from "../../control/reports.js";
import { printable } from "../../printable.js";
import {
  addControlOptions,
  type ControlOptions,
  orderedOf,
  servedPathsHelp,
  type WhyOptions,
  whyOption,
} from "../remote/control.js";
import { ago, until } from "../terminal/ages.js";
import {
  addExamples,
  completedWith,
  type Exit,
  type OutputOptions,
  outputOption,
  unknownWords,
} from "../terminal/command.js";
import { paint, print } from "../terminal/output.js";

/** `xds rollout`. */
export function addRollout(program: Command, exit: Exit): void {
  const rollout = program
    .command("rollout")
    .summary("show and steer how a new revision reaches the nodes")
    .description(
      "Show and steer the rollout of a running `xds serve`. A rollout brings a new revision to one node first, and then, wave by wave, to all nodes. " +
        "It is rolled back at once if a node refuses a resource of it, or if a gate fails.",
    );
  addExamples(rollout, [
    ["xds rollout status", "what is rolled out, and how far it is"],
    ["xds rollout pause --why 'looking at it'", "it goes no further; a failure still rolls it back"],
    ["xds rollout abort --why 'wrong timeout'", "all nodes get the stable revision again"],
  ]);
  addRolloutStatus(rollout, exit);
  for (const order of orders) addOrder(rollout, exit, order);
  addAgain(rollout, exit);
}

function addRolloutStatus(rollout: Command, exit: Exit): void {
  const command = rollout
    .command("status")
    .summary("show what is served, rolled out, held and barred")
    .description("Show what is served, what is rolled out and how far it is, and what keeps changes back.")
    .argument("[path...]", servedPathsHelp);
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds rollout status -o json | jq .candidate", "the rollout, for programs; null if there is none"],
  ]);
  command.action(async (paths: string[], options: ControlOptions & OutputOptions) => {
    const client = await orderedOf(paths, options, command);
    const report = await client.rollout();
    print(options.output, report, () => statusText(report, Date.now()));
    exit(0);
  });
}

interface NextOptions {
  readonly next?: boolean;
}

interface OrderOfRollout {
  readonly name: "pause" | "resume" | "promote" | "abort";
  readonly summary: string;
  readonly description: string;
  readonly example: readonly [call: string, does: string];
  readonly done: (report: RolloutReport) => string;
  /** What the order does with `--next`. Without it, the command has no such option. */
  readonly next?: {
    readonly order: "promote-next";
    readonly help: string;
    readonly example: readonly [call: string, does: string];
    readonly done: (report: RolloutReport) => string;
  };
}

const candidateOf = ({ candidate }: RolloutReport) => (candidate ? `@${candidate.revision}` : "the candidate");

const orders: readonly OrderOfRollout[] = [
  {
    name: "pause",
    summary: "stop the rollout where it is",
    description:
      "Stop the rollout where it is. It is still rolled back if a node refuses a resource of it, or if a gate fails.",
    example: ["xds rollout pause --why 'looking at it'", "it stays in its wave until xds rollout resume"],
    done: (report) => `the rollout of ${candidateOf(report)} is paused`,
  },
  {
    name: "resume",
    summary: "continue a paused rollout",
    description: "Have a paused rollout go on.",
    example: ["xds rollout resume --why 'looks good'", "ends xds rollout pause"],
    done: (report) => `the rollout of ${candidateOf(report)} goes on${report.frozen ? " when it is unfrozen" : ""}`,
  },
  {
    name: "promote",
    summary: "serve the candidate to all nodes now",
    description: "Serve the candidate to all nodes now, and ignore its gates. This fails during a freeze.",
    example: ["xds rollout promote --why 'urgent fix'", "skips the waves and gates that are left"],
    done: ({ stable }) => `@${stable} is served to all nodes`,
    next: {
      order: "promote-next",
      help: "not the candidate, but the next change, if it comes within 10 minutes; checks and guards still apply",
      example: [
        "xds rollout promote --next --why 'fix for the outage'",
        "then edit the files: all nodes get it at once",
      ],
      done: ({ atOnce }) =>
        atOnce
          ? `the next change is served to all nodes at once, if it comes before ${atOnce.until} (${until(atOnce.until, Date.now())})`
          : "the next change has come already, and is served to all nodes",
    },
  },
  {
    name: "abort",
    summary: "roll the candidate back",
    description:
      "Roll the candidate back: all nodes get the stable revision again. The candidate's content is barred: files that still have it " +
      "are not served again, unless `xds rollout again` allows it.",
    example: ["xds rollout abort --why 'wrong timeout'", "as when a gate fails"],
    done: ({ stable }) => `the rollout is aborted; all nodes are served @${stable}`,
  },
];

function addOrder(rollout: Command, exit: Exit, order: OrderOfRollout): void {
  const { name, summary, description, example, done, next } = order;
  const command = rollout
    .command(name)
    .summary(summary)
    .description(description)
    .argument("[path...]", servedPathsHelp)
    .addOption(whyOption());
  if (next) command.option("--next", next.help);
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [example, ...(next ? [next.example] : [])]);
  command.action(async (paths: string[], options: ControlOptions & WhyOptions & OutputOptions & NextOptions) => {
    const client = await orderedOf(paths, options, command);
    const chosen = options.next && next ? next : { order: name, done };
    const report = await client.onRollout(chosen.order, options.why);
    print(options.output, report, () => chosen.done(report));
    exit(0);
  });
}

function addAgain(rollout: Command, exit: Exit): void {
  const command = rollout
    .command("again")
    .summary("allow content that was rolled back to be served again")
    .description(
      "Allow content that was rolled back, aborted or undone to be served again. REVISION is one that `xds history` shows as barred, such " +
        "as @12, or the hash of its content. If the files still have this content, it is published at once, with its own rollout.",
    )
    .addArgument(
      completedWith(new Argument("<revision>", "such as @12, or at least the first 8 digits of a hash"), unknownWords),
    )
    .argument("[path...]", servedPathsHelp)
    .addOption(whyOption());
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [["xds rollout again @12 --why 'the backend is up again'", "tries revision 12 once more"]]);
  command.action(async (of: string, paths: string[], options: ControlOptions & WhyOptions & OutputOptions) => {
    const client = await orderedOf(paths, options, command);
    const again = await client.again(of, options.why);
    print(options.output, again, () => `the content of @${again.revision} may be served again`);
    exit(0);
  });
}

function statusText({ stable, candidate, frozen, atOnce, held, barred }: RolloutReport, now: number): string {
  const facts: [name: string, value: string][] = [["stable", stable === 0 ? "-" : `@${stable}`]];
  if (candidate) facts.push(...candidateFacts(candidate, now));
  else facts.push(["candidate", "-"]);
  if (frozen) {
    const end = frozen.until === undefined ? "" : `, ends ${until(frozen.until, now)}`;
    facts.push(["frozen", `${ago(frozen.at, now)} by ${frozen.by}${end}: ${frozen.why}`]);
  }
  if (atOnce) {
    const { by, why, until: end } = atOnce;
    facts.push(["at once", `the next change, by order of ${by}, which ends ${until(end, now)}: ${why}`]);
  }
  const lines = facts.map(([name, value]) => `${`${name}:`.padEnd(11)}${printable(value)}\n`);
  if (held) {
    const { content, at, reasons } = held;
    lines.push(`\n${paint.warn(`a change is held, since ${ago(at, now)}`)}:\n`);
    lines.push(...reasons.map((reason) => `  ${printable(reason)}\n`));
    const remedy = frozen
      ? "it waits for the end of the freeze"
      : `\`xds approve ${printable(content.slice(0, 12))}\` publishes it`;
    lines.push(`${remedy}\n`);
  }
  if (barred.length > 0) lines.push("\nbarred:\n");
  for (const { revision, content, why } of barred.slice(-mostBarred))
    lines.push(`  @${revision} ${printable(content.slice(0, 12))}: ${printable(why)}\n`);
  if (barred.length > mostBarred) lines.push(`  and ${barred.length - mostBarred} older ones\n`);
  return lines.join("");
}

const mostBarred = 10;

function candidateFacts(candidate: CandidateReport, now: number): [name: string, value: string][] {
  const { revision, startedAt, wave, share, first, state, since, waitsFor, paused, evidence } = candidate;
  const others = share === 0 ? "" : `, and ${Math.round(share * 100)} % of the other nodes`;
  return [
    ["candidate", `@${revision}, started ${ago(startedAt, now)}`],
    ["wave", `${wave}: ${first.join(", ") || "no node"}${others}`],
    ["state", `${state}, ${ago(since, now)}`],
    ...(waitsFor === undefined ? [] : [["waits for", waitsFor] as [string, string]]),
    ...(paused ? [["paused", `by ${paused.by}: ${paused.why}`] as [string, string]] : []),
    ...(evidence ? evidenceFacts(evidence, now) : []),
  ];
}

function evidenceFacts(
  { affected, candidates, pending, bakeEndsAt, gates, unknown = [] }: WaveReport,
  now: number,
): [name: string, value: string][] {
  return [
    ...(bakeEndsAt !== undefined && Date.parse(bakeEndsAt) > now
      ? [["bake", `ends ${until(bakeEndsAt, now)}`] as [string, string]]
      : []),
    ["nodes", `${candidates} of ${affected} affected nodes have it`],
    ...(pending.length > 0 ? [["pending", pending.join(", ")] as [string, string]] : []),
    ...unknown.map(({ replica, why }): [string, string] => ["waits for", `replica ${replica}: ${why}`]),
    ...gates.map(({ gate, verdict, text }): [string, string] => ["gate", `${gate}: ${verdict}, ${text}`]),
  ];
}
