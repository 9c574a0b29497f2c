import type { Command } from "commander";
import type { HeldReport, HistoryReport, RevisionReport, RevisionState } from "../../control/reports.js";
import { addControlOptions, type ControlOptions, orderedOf, servedPathsHelp } from "../remote/control.js";
import { ago } from "../terminal/ages.js";
import { addExamples, type Exit, type OutputOptions, outputOption } from "../terminal/command.js";
import { type Cell, paint, print, table } from "../terminal/output.js";

interface HistoryOptions extends ControlOptions, OutputOptions {}

/** `xds history`. */
export function addHistory(program: Command, exit: Exit): void {
  const command = program
    .command("history")
    .summary("list the revisions of a running server")
    .description(
      "List the revisions that a running `xds serve` keeps, the newest first: what was published, when, and by whom.\n\n" +
        "stable: nodes are served this revision. candidate: it is being rolled out. barred: it was rolled back or undone, so it is not " +
        "served again. held: a change that needs an approval before it is published; it has a hash instead of a number.",
    )
    .argument("[path...]", servedPathsHelp);
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds history config/", "the revisions of `xds serve config/`"],
    ["xds history --state-dir /var/lib/xds", "those of the server with this state directory"],
    ["xds history -o json | jq '.revisions[0].content'", "the hash of the newest"],
  ]);
  command.action(async (paths: string[], options: HistoryOptions) => {
    const client = await orderedOf(paths, options, command);
    const report = await client.history();
    print(options.output, report, () => historyTable(report, Date.now()));
    exit(0);
  });
}

const paints: Readonly<Record<RevisionState, (text: string) => string>> = {
  stable: paint.good,
  candidate: paint.warn,
  barred: paint.bad,
};

function historyTable({ revisions, held }: HistoryReport, now: number): string {
  const rows = revisions.map((one) => revisionRow(one, now));
  return table(
    ["revision", "state", "when", "by", "resources", "message"],
    held ? [heldRow(held, now), ...rows] : rows,
    "nothing was published yet",
  );
}

const heldRow = ({ content, at, reasons }: HeldReport, now: number): Cell[] => [
  content.slice(0, 12),
  { text: "held", paint: paint.warn },
  ago(at, now),
  "-",
  "-",
  reasons.join("; "),
];

function revisionRow({ revision, state, at, by, counts, message, why }: RevisionReport, now: number): Cell[] {
  return [
    `@${revision}`,
    state ? { text: state, paint: paints[state] } : "-",
    ago(at, now),
    by,
    countsText(counts),
    [message, why].filter((text) => text !== undefined).join("; ") || "-",
  ];
}

/** The counts as a text, such as `3 clusters, 1 listener`. */
export const countsText = (counts: RevisionReport["counts"]): string =>
  Object.entries(counts)
    .map(([type, count]) => `${count} ${count === 1 ? type.replace(/s$/, "") : type}`)
    .join(", ") || "-";
