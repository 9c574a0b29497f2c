import { type Command, Option } from "commander";
import type {
  EntryReport,
  FailureReport,
  NodeReport,
  RevisionsReport,
  StatusReport,
  TypeReport,
  WorkerReport,
} from "../../admin/node-report.js";
import { messageOf } from "../../errors.js";
import { printable } from "../../printable.js";
import type { SyncState } from "../../server/status/status.js";
import { errorMessageIn } from "../report/error-message.js";
import { configOption, readCall } from "../settings/call.js";
import { ago, until } from "../terminal/ages.js";
import { addExamples, type Exit, type OutputOptions, outputOption, UsageError } from "../terminal/command.js";
import { type Cell, complain, paint, print, table } from "../terminal/output.js";

interface StatusOptions extends OutputOptions {
  readonly config?: string;
}

/** The longest wait for the server's answer, in milliseconds. */
const patienceMs = 10_000;

/** `--admin`, for commands that ask the admin port. */
export function adminOption(): Option {
  return new Option("--admin <url>", "URL of the server's admin port; if xds.yaml sets the port, that is the default")
    .default("http://127.0.0.1:18002")
    .env("XDS_ADMIN");
}

/** The URL of the admin port: `--admin` or `XDS_ADMIN`, else the port that `xds serve` would open here. */
export async function adminOf(command: Command, config: string | undefined): Promise<string> {
  const { admin } = command.opts<{ admin: string }>();
  if (command.getOptionValueSource("admin") !== "default") return admin;
  const { adminHost, adminPort } = (await readCall([], config, command, ["adminHost", "adminPort"])).settings;
  if (!adminPort || adminPort === "off") return admin;
  const host = adminHost === "0.0.0.0" ? "127.0.0.1" : adminHost === "::" ? "::1" : adminHost;
  return `http://${host.includes(":") ? `[${host}]` : host}:${adminPort}`;
}

/** `xds status`. */
export function addStatus(program: Command, exit: Exit): void {
  const command = program
    .command("status")
    .summary("show what each node was sent, ACKed and NACKed")
    .description(
      "Show the nodes of a running `xds serve`, with one line for each type that a node subscribes to. With NODE, show that node in " +
        "detail, with the messages of its NACKs.\n\nSYNCED: the node has ACKed everything. DRAINING: the node has ACKed everything, and " +
        "still keeps resources that only its old listeners use; they are removed when the drain time is over. STALE: a response is " +
        "unanswered, or something has changed since. NOT_SENT: nothing was sent yet. ERROR: the node has refused a response (NACK), and has not " +
        "ACKed a later one yet.\n\nNodes that poll over REST are shown for ten minutes after their last request. REST has no NACK: a " +
        "node that has refused a resource only asks for it again.\n\nWith `xds serve --store`, the nodes of all replicas are shown, whichever replica " +
        "is asked. A replica that does not answer within 3 seconds is named.\n\nExit code 1 if a node shown is in ERROR, or if the server, " +
        "another replica or a worker does not answer.",
    )
    .argument("[node]", "id of a node")
    .addOption(adminOption())
    .addOption(configOption())
    .addOption(outputOption());
  addExamples(command, [
    ["xds status", "all nodes"],
    ["xds status edge-1", "the details of node edge-1, with the messages of its NACKs"],
    [
      'xds status -o json | jq \'.nodes[] | select(.state | IN("SYNCED", "DRAINING") | not).id\'',
      "the nodes that are not up to date",
    ],
  ]);
  command.action(async (node: string | undefined, options: StatusOptions) =>
    exit(await status(node, options, command)),
  );
}

async function status(id: string | undefined, { config, output }: StatusOptions, command: Command): Promise<number> {
  const report = await ask(await adminOf(command, config), id);
  if (typeof report === "string") {
    complain(report);
    return 1;
  }
  const { nodes, replicas = [], workers = [] } = report;
  const silent = replicas.filter((one) => "silent" in one);
  for (const { replica, silent: why } of silent)
    complain(`replica ${replica} does not answer, and its nodes are missing: ${why}`);
  const [node] = nodes;
  if (id !== undefined && !node) {
    complain(`no node with the id ${JSON.stringify(id)} is connected; \`xds status\` lists those that are`);
    return 1;
  }
  const now = Date.now();
  // A node can have streams to several replicas.
  print(output, id === undefined ? report : nodes.length === 1 ? node : nodes, () =>
    [
      stale(report, now),
      id === undefined ? overview(nodes, now, replicas.length > 1) : nodes.map((one) => detail(one, now)).join("\n"),
    ].join(""),
  );
  const isPartial = silent.length > 0 || workers.some(({ missing }) => missing !== undefined);
  return isPartial || nodes.some(({ state }) => state === "ERROR") ? 1 : 0;
}

/**
 * The answer of the admin port, or a text that says why there is none.
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
    if (!answer.ok) return `${url} answers ${answer.status}: ${errorMessageIn(text)}`;
  } catch (error) {
    const { cause } = error as Error;
    const why = cause === undefined ? messageOf(error) : messageOf(cause);
    return `the admin port cannot be reached at ${admin}: ${why}; is \`xds serve\` running there? Choose another port with --admin or XDS_ADMIN`;
  }
  try {
    const report = JSON.parse(text) as Partial<StatusReport> | null;
    if (Array.isArray(report?.nodes)) return report as StatusReport;
  } catch {
    // Some other server's page.
  }
  return `${url} answers, but it is not the admin port of \`xds serve\``;
}

const colours: Readonly<Record<SyncState, (text: string) => string>> = {
  SYNCED: paint.good,
  DRAINING: paint.good,
  NOT_SENT: paint.faint,
  STALE: paint.warn,
  ERROR: paint.bad,
};
const stateCell = (state: SyncState): Cell => ({ text: state, paint: colours[state] });

/** Explains why the newest configuration is not served, or why the newest certificates or settings are not used. */
function stale({ reloads, certificates, settings, revisions, workers = [] }: StatusReport, now: number): string {
  const told = (kept: string, why: string, failure: FailureReport | undefined) =>
    failure ? `${paint.bad(kept)}; ${why} since ${ago(failure.since, now)}:\n  ${printable(failure.message)}\n\n` : "";
  return (
    told("still serving the last good configuration", "the files cannot be served", reloads.failure) +
    told("still serving the old certificates", "the new ones cannot be used", certificates?.failure) +
    told("the old settings stay in use", "the settings file cannot be used", settings?.failure) +
    (revisions ? waiting(revisions, now) : "") +
    workers.map((one) => absent(one)).join("")
  );
}

/** Says that the nodes of a worker are missing in the report, and why. */
const absent = ({ worker, state, missing }: WorkerReport): string => {
  if (missing === undefined) return "";
  const what = state === "serving" ? "does not answer" : "does not serve";
  return `${paint.warn(`worker ${worker} ${what}`)}, and its nodes are missing: ${printable(missing)}\n\n`;
};

/** Explains what is held, frozen or rolled out, and that the store is away. */
function waiting({ held, frozen, rollout, store, stable }: RevisionsReport, now: number): string {
  const lines: string[] = [];
  if (store?.away) {
    const what = stable > 0 ? `@${stable} stays served` : "nothing is served until it answers";
    lines.push(`${paint.warn("the store is away")} since ${ago(store.away.since, now)}, and ${what}:`);
    lines.push(`  ${printable(store.away.error)}`);
  }
  if (held) {
    const remedy = frozen
      ? "it waits for the end of the freeze"
      : `serve it with: xds approve ${held.content.slice(0, 12)}`;
    lines.push(`${paint.warn("a change is held")} since ${ago(held.at, now)}; ${remedy}`);
    for (const reason of held.reasons) lines.push(`  ${printable(reason)}`);
  }
  if (frozen) lines.push(`${paint.warn("changes are frozen")} by ${printable(frozen.by)}: ${printable(frozen.why)}`);
  if (rollout) {
    const { revision, wave, share, state, waitsFor, paused } = rollout;
    const waits = waitsFor === undefined ? "" : `, waits: ${printable(waitsFor)}`;
    const why = `${waits}${paused === undefined ? "" : `, paused: ${printable(paused)}`}`;
    const share100 = `${Math.round(share * 100)} % of the nodes`;
    lines.push(`rolling out @${revision}: wave ${wave}, ${wave === 0 ? "the first node" : share100}, ${state}${why}`);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n\n`;
}

function overview(nodes: readonly NodeReport[], now: number, showsReplicas: boolean): string {
  const rows = nodes.flatMap((node) => {
    const client = clientOf(node);
    const address = node.addresses.join(" ");
    const replica = showsReplicas ? [node.replica ?? "-"] : [];
    if (node.types.length === 0) return [[node.id, "-", stateCell(node.state), "-", "-", client, address, ...replica]];
    return node.types.map(({ type, state, acked }): Cell[] => [
      node.id,
      type,
      stateCell(state),
      acked?.version ?? "-",
      acked ? ago(acked.at, now) : "-",
      client,
      address,
      ...replica,
    ]);
  });
  const lines = table(
    ["node", "type", "state", "version", "last ack", "client", "address", ...(showsReplicas ? ["replica"] : [])],
    rows,
    "no node is connected",
  );
  const failing = nodes.filter(({ state }) => state === "ERROR").map(({ id }) => id);
  if (failing.length === 0) return lines;
  const count = failing.length === 1 ? "1 node has" : `${failing.length} nodes have`;
  return `${lines}\n${count} refused a response; \`xds status ${printable(failing[0] ?? "")}\` shows why\n`;
}

function detail(node: NodeReport, now: number): string {
  const facts = [
    ["node", node.id],
    ["cluster", node.cluster || "-"],
    ["client", clientOf(node)],
    ["address", node.addresses.join(" ")],
    ...(node.replica === undefined ? [] : [["replica", node.replica] as const]),
    ["variant", node.variants.join(" ")],
    ["connected", ago(node.connectedAt, now)],
    ["state", node.state],
  ] as const;
  const head = facts.map(([name, value]) => `${`${name}:`.padEnd(11)}${printable(value)}\n`).join("");
  const rows = node.types.map(({ type, state, wildcard, names, sent, acked }): Cell[] => {
    const asks = [...(wildcard ? ["all"] : []), ...(names > 0 || !wildcard ? [`${names} named`] : [])];
    return [type, stateCell(state), asks.join(", "), entry(sent, now), entry(acked, now)];
  });
  const types = table(["type", "state", "subscribed", "sent", "acked"], rows, "the node has no subscriptions");
  return `${head}\n${types}${node.types.map((type) => nackText(type, now) + waits(type, now)).join("")}`;
}

const entry = (of: EntryReport | undefined, now: number) =>
  of ? `${of.version || '""'} (${of.nonce && `nonce ${of.nonce}, `}${ago(of.at, now)})` : "-";

function nackText({ type, nacked, retryAt }: TypeReport, now: number): string {
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
  const again = retryAt === undefined ? "" : `; sent again ${until(retryAt, now)}`;
  return `\n${paint.bad(`${printable(type)} refused`)} ${ago(at, now)}: ${response.filter(Boolean).join(", ")}${again}\n${words.join("")}`;
}

const mostNames = 10;

/** The resources that wait, one a line, with the reason. */
function waits({ type, waits = [] }: TypeReport, now: number): string {
  if (waits.length === 0) return "";
  const lines = waits.slice(0, mostNames).map(({ name, reason, until: end }) => {
    const again = end === undefined ? "" : `; checked again ${until(end, now)}`;
    return `  ${printable(name)}: ${printable(reason)}${again}\n`;
  });
  if (waits.length > mostNames) lines.push(`  and ${waits.length - mostNames} more\n`);
  return `\nwaiting ${printable(type)}:\n${lines.join("")}`;
}

const clientOf = ({ agent, version }: NodeReport) => [agent, version].filter(Boolean).join(" ") || "-";
