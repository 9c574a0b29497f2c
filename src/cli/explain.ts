import type { Command } from "commander";
import { printable } from "../printable.js";
import { resourceTypes } from "../resource/types.js";
import { nearest } from "../source/nearest.js";
import { type ApiOptions, addApiOptions, useApi } from "./api-options.js";
import { addExamples, type Exit, NoConfiguration, type OutputOptions, outputOption } from "./command.js";
import { checkGroup, loadOperands, operandHelp } from "./operand.js";
import { type Cell, paint, print, table } from "./output.js";
import { type Branch, type Explanation, ReferenceTrees } from "./reference-tree.js";
import { addRemoteOptions, type RemoteOptions } from "./remote.js";
import { placeOf } from "./report.js";
import { findTypeNamed } from "./resource-type-name.js";

interface ExplainOptions extends Omit<RemoteOptions, "server">, ApiOptions, OutputOptions {
  readonly group?: string;
  readonly all?: boolean;
}

/** `xds explain`. */
export function addExplain(program: Command, exit: Exit): void {
  const command = program
    .command("explain")
    .summary("show who refers to a resource, and what it refers to")
    .description(
      "Show who refers to a resource, and what it refers to, all the way up and down, with the field and the place that say so. " +
        "NAME alone means everything of this name; TYPE/NAME, as in clusters/backend, one type's.\n\n" +
        `WHERE is ${operandHelp}; there may be several files and directories. An Envoy's dump tells endpoints with ?include_eds only. ` +
        "Exit code 1 when there is nothing of the name.",
    )
    .argument("<name>", "a resource's name, or type/name")
    .argument("<where...>", "where the configuration is")
    .option("--group <group>", "of a directory, only what the nodes of this group are served; by default all groups")
    .option("--all", "all lines, where there are more than a hundred")
    .addOption(outputOption());
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds explain backend config/", "what is called backend in the files in config/: a cluster, its endpoints, …"],
    [
      "xds explain secrets/server-cert 127.0.0.1:18000 --node-id edge-1",
      "who uses this secret of what edge-1 is served",
    ],
    ["xds explain listeners/ingress config/ -o json", "the same as data; always all"],
  ]);
  command.action(async (name: string, where: string[], options: ExplainOptions) =>
    exit(await explain(name, where, options)),
  );
}

async function explain(wanted: string, where: readonly string[], options: ExplainOptions): Promise<number> {
  const { group, all = false, output } = options;
  await useApi(options);
  const operand = await loadOperands(where, options);
  checkGroup(group, operand);
  const trees = new ReferenceTrees(operand, group);
  const [, before = "", after = ""] = /^([^/]+)\/(.+)$/s.exec(wanted) ?? [];
  const type = findTypeNamed(before);
  const explained = [
    ...resourceTypes().flatMap(({ typeUrl }) => trees.explain(typeUrl, wanted)),
    ...(type ? trees.explain(type.typeUrl, after) : []),
  ];
  if (explained.length === 0) throw new NoConfiguration(nothingOf(wanted, trees));
  print(output, { explained }, () => explained.map((one) => text(one, all)).join("\n"));
  return explained.every(({ mark }) => mark === "missing" || mark === "untold") ? 1 : 0;
}

/** Names enough to see what was meant. */
const mostNames = 5;

function nothingOf(wanted: string, trees: ReferenceTrees): string {
  const names = trees.names().map(({ type, name }) => ({ name, full: `${type}/${name}` }));
  const known = names.flatMap(({ name, full }) => [name, full]);
  // Of TYPE/NAME the type may be none, or another one's.
  const meant = nearest(wanted, known) ?? nearest(wanted.replace(/^[^/]+\//, ""), known);
  const near = names.filter(({ name, full }) => name === meant || full === meant).map(({ full }) => full);
  const advice =
    meant === undefined
      ? "the configuration has nothing like it"
      : `did you mean ${near.slice(0, mostNames).map(printable).join(", ")}?`;
  return `nothing is called ${JSON.stringify(wanted)}; ${advice}`;
}

/** More lines than this at once help nobody. */
const mostLines = 100;

/** How many branches of one resource to show: the most of these with which it comes to no more than so many lines. */
const widths = [Number.POSITIVE_INFINITY, 20, 10, 5, 2, 1];

type Row = readonly [resource: Cell, where: string, field: string];

function text(explanation: Explanation, all: boolean): string {
  let rows: Row[] = [];
  for (const width of all ? widths.slice(0, 1) : widths) {
    rows = rowsOf(explanation, width);
    if (rows.length <= mostLines) break;
  }
  const hasPlaces = rows.some(([, where]) => where !== "");
  return hasPlaces
    ? table(["resource", "where", "field"], rows, "")
    : table(
        ["resource", "field"],
        rows.map(([resource, , field]) => [resource, field]),
        "",
      );
}

function rowsOf(explanation: Explanation, width: number): Row[] {
  const { referredToBy, refersTo } = explanation;
  const part = (title: string, branches: readonly Branch[]): Row[] => [
    [{ text: title, paint: paint.strong }, "", ""],
    ...(branches.length > 0 ? rowsBelow(branches, "  ", width) : [["  nothing", "", ""] as const]),
  ];
  return [
    [cell(explanation, ""), whereOf(explanation), ""],
    ...part("referred to by", referredToBy),
    ...part("refers to", refersTo),
  ];
}

function rowsBelow(branches: readonly Branch[], indent: string, width: number): Row[] {
  const rows = branches
    .slice(0, width)
    .flatMap((branch): Row[] => [
      [cell(branch, indent), whereOf(branch), branch.path],
      ...rowsBelow(branch.branches, `${indent}  `, width),
    ]);
  const more = branches.length - width;
  if (more > 0) rows.push([{ text: `${indent}… and ${more} more; --all shows them`, paint: paint.faint }, "", ""]);
  return rows;
}

const marks = {
  missing: { words: "missing", paint: paint.bad },
  untold: { words: "not told by the dump", paint: paint.faint },
  cycle: { words: "cycle", paint: paint.warn },
  above: { words: "see above", paint: paint.faint },
  deep: { words: "not followed further", paint: paint.warn },
} as const;

function cell({ type, name, group, mark }: Branch | Explanation, indent: string): Cell {
  const words = [group === undefined ? "" : `group ${group}`, mark ? marks[mark].words : ""].filter(Boolean);
  const text = `${indent}${type}/${name}${words.length > 0 ? ` (${words.join(", ")})` : ""}`;
  return { text, paint: mark ? marks[mark].paint : String };
}

const whereOf = ({ file, line, column }: Branch | Explanation): string =>
  file === undefined
    ? ""
    : placeOf({ file, ...(line !== undefined && { line }), ...(column !== undefined && { column }) });
