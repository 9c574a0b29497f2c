import { type Command, Option } from "commander";
import type { EntryReport, NodeReport, StatusReport, TypeReport } from "../admin/node-report.js";
import { messageOf } from "../errors.js";
import { printable } from "../printable.js";
import type { SyncState } from "../server/status.js";
import { addExamples, type Exit, type OutputOptions, outputOption, UsageError } from "./command.js";
import { type Cell, complain, paint, print, table } from "./output.js";
import { refusalIn } from "./refusal.js";

interface StatusOptions extends OutputOptions {
  readonly admin: string;
}

/** How long, in milliseconds, the server may take to answer. */
const patienceMs = 10_000;

/** The admin port, as commands that ask it are told of it. */
export function adminOption(): Option {
  return new Option("--admin <url>", "admin port of the server").default("http://127.0.0.1:18002").env("XDS_ADMIN");
}

/** `xds status`. */
export function addStatus(program: Command, exit: Exit): void {
  const command = program
    .command("status")
    .summary("show what every node was sent, took and refused")
    .description(
      "Show every node of a running `xds serve`, a line for each type that it asks for; with NODE, that one in detail, with its own " +
        "words where it has refused something.\n\nSYNCED: it has taken all that is to be sent. DRAINING: it has too, and it still keeps what only its old " +
        "listeners may use; that goes when their drain time is over. STALE: a response is unanswered, or something " +
        "changed since. NOT_SENT: nothing was sent yet. ERROR: something was refused, and what replaces it has not been taken " +
        "yet. Nodes that poll over REST are shown as of their last request, for ten minutes; that they have refused something shows only in " +
        "that they ask for it again. Exit code 1 when any of the nodes shown is in ERROR, or the server cannot be reached.",
    )
    .argument("[node]", "id of a node")
    .addOption(adminOption())
    .addOption(outputOption());
  addExamples(command, [
    ["xds status", "all nodes"],
    ["xds status edge-1", "why node edge-1 has refused something"],
    [
      'xds status -o json | jq \'.nodes[] | select(.state | IN("SYNCED", "DRAINING") | not).id\'',
      "the nodes that are not up to date",
    ],
  ]);
  command.action(async (node: string | undefined, options: StatusOptions) => exit(await status(node, options)));
}

async function status(id: string | undefined, { admin, output }: StatusOptions): Promise<number> {
  const report = await ask(admin, id);
  if (typeof report === "string") {
    complain(report);
    return 1;
  }
  const { nodes } = report;
  const [node] = nodes;
  if (id !== undefined && !node) {
    complain(`no node with the id ${JSON.stringify(id)} is connected; \`xds status\` lists those that are`);
    return 1;
  }
  const now = Date.now();
  print(output, id === undefined ? report : node, () =>
    [
      stale(report, now),
      id === undefined ? overview(nodes, now) : nodes.map((one) => detail(one, now)).join("\n"),
    ].join(""),
  );
  return nodes.some(({ state }) => state === "ERROR") ? 1 : 0;
}

/**
 * What the admin port tells; a text: why it cannot be had.
 * @throws UsageError
 */
export async function ask(admin: string, id: string | undefined): Promise<StatusReport | string> {
  if (!/^https?:\/\/./.test(admin) || !URL.canParse(admin))
    throw new UsageError(`--admin is a URL such as http://127.0.0.1:18002, not ${JSON.stringify(admin)}`);
  const url = `${admin.replace(/\/+$/, "")}/status${id === undefined ? "" : `?node=${encodeURIComponent(id)}`}`;
  let text: string;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
    text = await answer.text();
    if (!answer.ok) return `${url} answers ${answer.status}: ${refusalIn(text)}`;
  } catch (error) {
    const { cause } = error as Error;
    const why = cause === undefined ? messageOf(error) : messageOf(cause);
    return `the admin port cannot be reached at ${admin}: ${why}; is \`xds serve\` running there? --admin, or XDS_ADMIN, names another`;
  }
  try {
    const report = JSON.parse(text) as Partial<StatusReport> | null;
    if (Array.isArray(report?.nodes)) return report as StatusReport;
  } catch {
    // Some other server's page.
  }
  return `what answers at ${url} is not the admin port of \`xds serve\``;
}

const colours: Readonly<Record<SyncState, (text: string) => string>> = {
  SYNCED: paint.good,
  DRAINING: paint.good,
  NOT_SENT: paint.faint,
  STALE: paint.warn,
  ERROR: paint.bad,
};
const stateCell = (state: SyncState): Cell => ({ text: state, paint: colours[state] });

/** Why the newest configuration is not served; "": it is. */
function stale({ reloads: { failure } }: StatusReport, now: number): string {
  if (!failure) return "";
  const since = paint.bad("still serving the last good configuration");
  return `${since}; the files cannot be served since ${ago(failure.since, now)}:\n  ${printable(failure.message)}\n\n`;
}

function overview(nodes: readonly NodeReport[], now: number): string {
  const rows = nodes.flatMap((node) => {
    const client = clientOf(node);
    const address = node.addresses.join(" ");
    if (node.types.length === 0) return [[node.id, "-", stateCell(node.state), "-", "-", client, address]];
    return node.types.map(({ type, state, acked }): Cell[] => [
      node.id,
      type,
      stateCell(state),
      acked?.version ?? "-",
      acked ? ago(acked.at, now) : "-",
      client,
      address,
    ]);
  });
  const lines = table(
    ["node", "type", "state", "version", "last ack", "client", "address"],
    rows,
    "no node is connected",
  );
  const failing = nodes.filter(({ state }) => state === "ERROR").map(({ id }) => id);
  if (failing.length === 0) return lines;
  const count = failing.length === 1 ? "1 node has" : `${failing.length} nodes have`;
  return `${lines}\n${count} refused something; \`xds status ${printable(failing[0] ?? "")}\` tells why\n`;
}

function detail(node: NodeReport, now: number): string {
  const facts = [
    ["node", node.id],
    ["cluster", node.cluster || "-"],
    ["client", clientOf(node)],
    ["address", node.addresses.join(" ")],
    ["variant", node.variants.join(" ")],
    ["connected", ago(node.connectedAt, now)],
    ["state", node.state],
  ] as const;
  const head = facts.map(([name, value]) => `${`${name}:`.padEnd(11)}${printable(value)}\n`).join("");
  const rows = node.types.map(({ type, state, wildcard, names, sent, acked }): Cell[] => {
    const asks = [...(wildcard ? ["all"] : []), ...(names > 0 || !wildcard ? [`${names} named`] : [])];
    return [type, stateCell(state), asks.join(", "), entry(sent, now), entry(acked, now)];
  });
  const types = table(["type", "state", "asks for", "sent", "acked"], rows, "it asks for nothing");
  return `${head}\n${types}${node.types.map((type) => refusal(type, now) + waits(type, now)).join("")}`;
}

const entry = (of: EntryReport | undefined, now: number) =>
  of ? `${of.version || '""'} (${of.nonce && `nonce ${of.nonce}, `}${ago(of.at, now)})` : "-";

function refusal({ type, nacked, retryAt }: TypeReport, now: number): string {
  if (!nacked) return "";
  const { version, nonce, at, message, names } = nacked;
  const shown = names.slice(0, mostNames).map(printable);
  if (names.length > mostNames) shown.push(`and ${names.length - mostNames} more`);
  const words = message
    .trim()
    .split("\n")
    .map((line) => `  ${printable(line)}\n`);
  const response = [
    `version ${printable(version)}`,
    nonce && `nonce ${printable(nonce)}`,
    names.length > 0 && `with ${shown.join(", ")}`,
  ];
  const again = retryAt === undefined ? "" : `; offered again ${until(retryAt, now)}`;
  return `\n${paint.bad(`${printable(type)} refused`)} ${ago(at, now)}: ${response.filter(Boolean).join(", ")}${again}\n${words.join("")}`;
}

const mostNames = 10;

/** The resources that wait, and why, a line each. */
function waits({ type, waits = [] }: TypeReport, now: number): string {
  if (waits.length === 0) return "";
  const lines = waits.slice(0, mostNames).map(({ name, reason, until: end }) => {
    const again = end === undefined ? "" : `; looked at again ${until(end, now)}`;
    return `  ${printable(name)}: ${printable(reason)}${again}\n`;
  });
  if (waits.length > mostNames) lines.push(`  and ${waits.length - mostNames} more\n`);
  return `\n${printable(type)} that wait:\n${lines.join("")}`;
}

const clientOf = ({ agent, version }: NodeReport) => [agent, version].filter(Boolean).join(" ") || "-";

/** How long ago a time is, in its largest unit. */
function ago(time: string, now: number): string {
  const length = inLargestUnit((now - Date.parse(time)) / 1_000);
  return length === undefined ? "now" : `${length} ago`;
}

/** How soon a time is, in its largest unit. */
function until(time: string, now: number): string {
  const length = inLargestUnit((Date.parse(time) - now) / 1_000);
  return length === undefined ? "now" : `in ${length}`;
}

/** undefined: less than a second. */
function inLargestUnit(seconds: number): string | undefined {
  for (const [unit, length] of units) if (seconds >= length) return `${Math.floor(seconds / length)}${unit}`;
  return undefined;
}
const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;
