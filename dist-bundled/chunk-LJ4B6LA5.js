import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  addControlOptions,
  controlOf,
  servedPathsHelp
} from "./chunk-3P6YG6D3.js";
import {
  ago
} from "./chunk-4RDZYBRZ.js";
import {
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  paint,
  print,
  table
} from "./chunk-R2MMVVGI.js";

// dist/cli/commands/history.js
function addHistory(program, exit) {
  const command = program.command("history").summary("list the revisions of a running server").description("List the revisions that a running `xds serve` keeps, the newest first: what was published, when, and by whom.\n\nstable: nodes are served this revision. candidate: it is being rolled out. barred: it was rolled back or undone, so it is not served again. held: a change that needs an approval before it is published; it has a hash instead of a number.").argument("[path...]", servedPathsHelp);
  addControlOptions(command).addOption(outputOption());
  addExamples(command, [
    ["xds history config/", "the revisions of `xds serve config/`"],
    ["xds history --state-dir /var/lib/xds", "those of the server with this state directory"],
    ["xds history -o json | jq '.revisions[0].content'", "the hash of the newest"]
  ]);
  command.action(async (paths, options) => {
    const client = await controlOf(paths, options, command);
    const report = await client.history();
    print(options.output, report, () => historyTable(report, Date.now()));
    exit(0);
  });
}
var paints = {
  stable: paint.good,
  candidate: paint.warn,
  barred: paint.bad
};
function historyTable({ revisions, held }, now) {
  const rows = revisions.map((one) => revisionRow(one, now));
  return table(["revision", "state", "when", "by", "resources", "message"], held ? [heldRow(held, now), ...rows] : rows, "nothing was published yet");
}
var heldRow = ({ content, at, reasons }, now) => [
  content.slice(0, 12),
  { text: "held", paint: paint.warn },
  ago(at, now),
  "-",
  "-",
  reasons.join("; ")
];
function revisionRow({ revision, state, at, by, counts, message, why }, now) {
  return [
    `@${revision}`,
    state ? { text: state, paint: paints[state] } : "-",
    ago(at, now),
    by,
    countsText(counts),
    [message, why].filter((text) => text !== void 0).join("; ") || "-"
  ];
}
var countsText = (counts) => Object.entries(counts).map(([type, count]) => `${count} ${count === 1 ? type.replace(/s$/, "") : type}`).join(", ") || "-";

export {
  addHistory,
  countsText
};
