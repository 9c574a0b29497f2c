import type { Command } from "commander";
import { nearest } from "../../nearest.js";
import { printable } from "../../printable.js";
import { resourceTypes } from "../../resource/default-api.js";
import { findTypeNamed } from "../../resource/type-spellings.js";
import { XdsApi } from "../../resource/xds-api.js";
import { placeOf } from "../../serving/findings.js";
import { configurationHelp, loadOperands, unreadLines } from "../compare/compared-configuration.js";
import { type Branch, type Explanation, ReferenceTrees } from "../compare/reference-tree.js";
import { unservedLines, unservedNote } from "../compare/unserved-parts.js";
import { addRemoteOptions, type RemoteOptions } from "../remote/remote.js";
import { typeOption } from "../schema/resource-type-name.js";
import { type ApiOptions, addApiOptions, useApiFor } from "../settings/api-options.js";
import {
  addGroupOptions,
  checkPaths,
  chosenGroup,
  configOption,
  type GroupOptions,
  readFilesCall,
} from "../settings/call.js";
import { addExamples, type Exit, NoConfiguration, type OutputOptions, outputOption } from "../terminal/command.js";
import { type Cell, complain, paint, print, table } from "../terminal/output.js";

interface ExplainOptions extends Omit<RemoteOptions, "server">, ApiOptions, OutputOptions, GroupOptions {
  readonly config?: string;
  readonly all?: boolean;
}

/** `xds explain`. */
export function addExplain(program: Command, exit: Exit): void {
  const command = program
    .command("explain")
    .summary("show what refers to a resource, and what the resource refers to")
    .description(
      "Show what refers to a resource, and what the resource refers to, in all steps up and down. Each step has the field that refers and " +
        "its place in the file. NAME alone means the resources of all types with this name. TYPE/NAME, as in clusters/backend, means one.\n\n" +
        `WHERE can be ${configurationHelp}. Several files and directories can be given. An Envoy's dump has endpoints only with ` +
        "?include_eds. Exit code 1 if no resource has the name.",
    )
    .argument("<name>", "the name of a resource, or type/name")
    .argument("[where...]", "the configuration; by default the files that xds.yaml or XDS_PATHS names")
    .addOption(configOption())
    .option("--all", "print all lines, even more than a hundred")
    .addOption(typeOption())
    .addOption(outputOption());
  addGroupOptions(command);
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds explain backend config/", "the resources named backend in config/: a cluster, its endpoints, …"],
    [
      "xds explain secrets/server-cert 127.0.0.1:18000 --node-id edge-1",
      "what uses this secret, among the resources of node edge-1",
    ],
    ["xds explain listeners/ingress config/ -o json", "the same as JSON, always complete"],
  ]);
  command.action(async (name: string, where: string[], options: ExplainOptions) =>
    exit(await explain(name, where, options, command)),
  );
}

async function explain(
  wanted: string,
  given: readonly string[],
  options: ExplainOptions,
  command: Command,
): Promise<number> {
  const { all = false, output, config } = options;
  const call = await readFilesCall(given, config, command);
  checkPaths(call, `explain ${wanted}`);
  await useApiFor(call.paths, call.api, options.timeout);
  const operand = await loadOperands(call.paths, options, call.files);
  const chosen = chosenGroup(call, options, operand.configuration);
  for (const line of unreadLines(operand.dump?.unread ?? [])) complain(line);
  const trees = new ReferenceTrees(operand, chosen);
  const [, before = "", after = ""] = /^([^/]+)\/(.+)$/s.exec(wanted) ?? [];
  const type = findTypeNamed(before, XdsApi.default);
  const explained = [
    ...resourceTypes().flatMap(({ typeUrl }) => trees.explain(typeUrl, wanted)),
    ...(type ? trees.explain(type.typeUrl, after) : []),
  ];
  const types = explained.map((one) => findTypeNamed(one.type, XdsApi.default)?.typeUrl ?? one.type);
  const notes = [...trees.notes(explained.length > 0 ? types : resourceTypes().map(({ typeUrl }) => typeUrl))];
  const isThere = explained.some(({ mark }) => mark === undefined);
  const unserved = isThere ? [] : unservedLines(operand, wanted);
  if (explained.length === 0)
    throw new NoConfiguration([...(unserved.length > 0 ? unserved : [nothingOf(wanted, trees)]), ...notes].join("\n"));
  const nothing =
    notes.length > 0 ? `nothing in what the ${operand.unanswered ? "server sent" : "dump has"}` : "nothing";
  print(output, { explained }, () => explained.map((one) => text(one, all, nothing)).join("\n"));
  const leftOut = unservedNote(operand);
  for (const note of [...unserved, ...notes, ...(leftOut === undefined ? [] : [leftOut])]) complain(note);
  return isThere ? 0 : 1;
}

/** The most names in a suggestion. */
const mostNames = 5;

function nothingOf(wanted: string, trees: ReferenceTrees): string {
  const names = trees.names().map(({ type, name }) => ({ name, full: `${type}/${name}` }));
  const known = names.flatMap(({ name, full }) => [name, full]);
  // In TYPE/NAME, the type can be wrong or unknown.
  const meant = nearest(wanted, known) ?? nearest(wanted.replace(/^[^/]+\//, ""), known);
  const near = names.filter(({ name, full }) => name === meant || full === meant).map(({ full }) => full);
  const advice =
    meant === undefined
      ? "the configuration has no similar name"
      : `did you mean ${near.slice(0, mostNames).map(printable).join(", ")}?`;
  return `no resource is called ${JSON.stringify(wanted)}; ${advice}`;
}

/** Above this number of lines, branches are cut. */
const mostLines = 100;

/** Limits for the branches of one resource. The largest one that keeps to {@link mostLines} is used. */
const widths = [Number.POSITIVE_INFINITY, 20, 10, 5, 2, 1];

type Row = readonly [resource: Cell, where: string, field: string];

function text(explanation: Explanation, all: boolean, nothing: string): string {
  let rows: Row[] = [];
  for (const width of all ? widths.slice(0, 1) : widths) {
    rows = rowsOf(explanation, width, nothing);
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

function rowsOf(explanation: Explanation, width: number, nothing: string): Row[] {
  const { referredToBy, refersTo } = explanation;
  const part = (title: string, branches: readonly Branch[]): Row[] => [
    [{ text: title, paint: paint.strong }, "", ""],
    ...(branches.length > 0 ? rowsBelow(branches, "  ", width) : [[`  ${nothing}`, "", ""] as const]),
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
  unserved: { words: "not served", paint: paint.warn },
  not_in_dump: { words: "not in the dump", paint: paint.faint },
  unanswered: { words: "not answered by the server", paint: paint.faint },
  cycle: { words: "cycle", paint: paint.warn },
  above: { words: "see above", paint: paint.faint },
  deep: { words: "not followed further", paint: paint.warn },
} as const;

function cell({ type, name, group, layer, mark }: Branch | Explanation, indent: string): Cell {
  const of = group === undefined ? (layer === undefined ? "" : `layer ${layer}`) : `group ${group}`;
  const words = [of, mark ? marks[mark].words : ""].filter(Boolean);
  const text = `${indent}${type}/${name}${words.length > 0 ? ` (${words.join(", ")})` : ""}`;
  return { text, paint: mark ? marks[mark].paint : String };
}

const whereOf = ({ file, line, column }: Branch | Explanation): string =>
  file === undefined
    ? ""
    : placeOf({ file, ...(line !== undefined && { line }), ...(column !== undefined && { column }) });
