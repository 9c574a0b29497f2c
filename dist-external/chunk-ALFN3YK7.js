import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  errorMessageIn
} from "./chunk-D5GLPEAO.js";
import {
  configOption,
  readCall
} from "./chunk-XNJ3ZUMM.js";
import {
  UsageError,
  addExamples,
  outputOption
} from "./chunk-M4PHON7U.js";
import {
  complain,
  paint,
  print,
  table
} from "./chunk-VMMSHLDO.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/commands/status.js
import { Option } from "commander";

// dist/cli/terminal/ages.js
function ago(time, now) {
  const length = inLargestUnit((now - Date.parse(time)) / 1e3);
  return length === void 0 ? "now" : `${length} ago`;
}
function until(time, now) {
  const length = inLargestUnit((Date.parse(time) - now) / 1e3);
  return length === void 0 ? "now" : `in ${length}`;
}
function inLargestUnit(seconds) {
  for (const [unit, length] of units)
    if (seconds >= length)
      return `${Math.floor(seconds / length)}${unit}`;
  return void 0;
}
var units = [
  ["d", 86400],
  ["h", 3600],
  ["m", 60],
  ["s", 1]
];

// dist/cli/commands/status.js
var patienceMs = 1e4;
function adminOption() {
  return new Option("--admin <url>", "URL of the server's admin port; if xds.yaml sets the port, that is the default").default("http://127.0.0.1:18002").env("XDS_ADMIN");
}
async function adminOf(command, config) {
  const { admin } = command.opts();
  if (command.getOptionValueSource("admin") !== "default")
    return admin;
  const { adminHost, adminPort } = (await readCall([], config, command, ["adminHost", "adminPort"])).settings;
  if (!adminPort || adminPort === "off")
    return admin;
  const host = adminHost === "0.0.0.0" ? "127.0.0.1" : adminHost === "::" ? "::1" : adminHost;
  return `http://${host.includes(":") ? `[${host}]` : host}:${adminPort}`;
}
function addStatus(program, exit) {
  const command = program.command("status").summary("show what each node was sent, ACKed and NACKed").description("Show the nodes of a running `xds serve`, with one line for each type that a node subscribes to. With NODE, show that node in detail, with the messages of its NACKs.\n\nSYNCED: the node has ACKed everything. DRAINING: the node has ACKed everything, and still keeps resources that only its old listeners use; they are removed when the drain time is over. STALE: a response is unanswered, or something has changed since. NOT_SENT: nothing was sent yet. ERROR: the node has refused a response (NACK), and has not ACKed a later one yet.\n\nNodes that poll over REST are shown for ten minutes after their last request. REST has no NACK: a node that has refused a resource only asks for it again. Exit code 1 if a node shown is in ERROR, or if the server cannot be reached.").argument("[node]", "id of a node").addOption(adminOption()).addOption(configOption()).addOption(outputOption());
  addExamples(command, [
    ["xds status", "all nodes"],
    ["xds status edge-1", "the details of node edge-1, with the messages of its NACKs"],
    [
      `xds status -o json | jq '.nodes[] | select(.state | IN("SYNCED", "DRAINING") | not).id'`,
      "the nodes that are not up to date"
    ]
  ]);
  command.action(async (node, options) => exit(await status(node, options, command)));
}
async function status(id, { config, output }, command) {
  const report = await ask(await adminOf(command, config), id);
  if (typeof report === "string") {
    complain(report);
    return 1;
  }
  const { nodes } = report;
  const [node] = nodes;
  if (id !== void 0 && !node) {
    complain(`no node with the id ${JSON.stringify(id)} is connected; \`xds status\` lists those that are`);
    return 1;
  }
  const now = Date.now();
  print(output, id === void 0 ? report : node, () => [
    stale(report, now),
    id === void 0 ? overview(nodes, now) : nodes.map((one) => detail(one, now)).join("\n")
  ].join(""));
  return nodes.some(({ state }) => state === "ERROR") ? 1 : 0;
}
async function ask(admin, id) {
  if (!/^https?:\/\/./.test(admin) || !URL.canParse(admin))
    throw new UsageError(`--admin is a URL such as http://127.0.0.1:18002, not ${JSON.stringify(admin)}`);
  const url = `${admin.replace(/\/+$/, "")}/status${id === void 0 ? "" : `?node=${encodeURIComponent(id)}`}`;
  let text;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
    text = await answer.text();
    if (!answer.ok)
      return `${url} answers ${answer.status}: ${errorMessageIn(text)}`;
  } catch (error) {
    const { cause } = error;
    const why = cause === void 0 ? messageOf(error) : messageOf(cause);
    return `the admin port cannot be reached at ${admin}: ${why}; is \`xds serve\` running there? Choose another port with --admin or XDS_ADMIN`;
  }
  try {
    const report = JSON.parse(text);
    if (Array.isArray(report?.nodes))
      return report;
  } catch {
  }
  return `${url} answers, but it is not the admin port of \`xds serve\``;
}
var colours = {
  SYNCED: paint.good,
  DRAINING: paint.good,
  NOT_SENT: paint.faint,
  STALE: paint.warn,
  ERROR: paint.bad
};
var stateCell = (state) => ({ text: state, paint: colours[state] });
function stale({ reloads, certificates, revisions }, now) {
  const told = (kept, why, failure) => failure ? `${paint.bad(kept)}; ${why} since ${ago(failure.since, now)}:
  ${printable(failure.message)}

` : "";
  return told("still serving the last good configuration", "the files cannot be served", reloads.failure) + told("still serving the old certificates", "the new ones cannot be used", certificates?.failure) + (revisions ? waiting(revisions, now) : "");
}
function waiting({ held, frozen, rollout, store, stable }, now) {
  const lines = [];
  if (store?.away) {
    const what = stable > 0 ? `@${stable} stays served` : "nothing is served until it answers";
    lines.push(`${paint.warn("the store is away")} since ${ago(store.away.since, now)}, and ${what}:`);
    lines.push(`  ${printable(store.away.error)}`);
  }
  if (held) {
    const remedy = frozen ? "it waits for the end of the freeze" : `serve it with: xds approve ${held.content.slice(0, 12)}`;
    lines.push(`${paint.warn("a change is held")} since ${ago(held.at, now)}; ${remedy}`);
    for (const reason of held.reasons)
      lines.push(`  ${printable(reason)}`);
  }
  if (frozen)
    lines.push(`${paint.warn("changes are frozen")} by ${printable(frozen.by)}: ${printable(frozen.why)}`);
  if (rollout) {
    const { revision, wave, share, state, waitsFor } = rollout;
    const why = waitsFor === void 0 ? "" : `, waits: ${printable(waitsFor)}`;
    const share100 = `${Math.round(share * 100)} % of the nodes`;
    lines.push(`rolling out @${revision}: wave ${wave}, ${wave === 0 ? "the first node" : share100}, ${state}${why}`);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}

`;
}
function overview(nodes, now) {
  const rows = nodes.flatMap((node) => {
    const client = clientOf(node);
    const address = node.addresses.join(" ");
    if (node.types.length === 0)
      return [[node.id, "-", stateCell(node.state), "-", "-", client, address]];
    return node.types.map(({ type, state, acked }) => [
      node.id,
      type,
      stateCell(state),
      acked?.version ?? "-",
      acked ? ago(acked.at, now) : "-",
      client,
      address
    ]);
  });
  const lines = table(["node", "type", "state", "version", "last ack", "client", "address"], rows, "no node is connected");
  const failing = nodes.filter(({ state }) => state === "ERROR").map(({ id }) => id);
  if (failing.length === 0)
    return lines;
  const count = failing.length === 1 ? "1 node has" : `${failing.length} nodes have`;
  return `${lines}
${count} refused a response; \`xds status ${printable(failing[0] ?? "")}\` shows why
`;
}
function detail(node, now) {
  const facts = [
    ["node", node.id],
    ["cluster", node.cluster || "-"],
    ["client", clientOf(node)],
    ["address", node.addresses.join(" ")],
    ["variant", node.variants.join(" ")],
    ["connected", ago(node.connectedAt, now)],
    ["state", node.state]
  ];
  const head = facts.map(([name, value]) => `${`${name}:`.padEnd(11)}${printable(value)}
`).join("");
  const rows = node.types.map(({ type, state, wildcard, names, sent, acked }) => {
    const asks = [...wildcard ? ["all"] : [], ...names > 0 || !wildcard ? [`${names} named`] : []];
    return [type, stateCell(state), asks.join(", "), entry(sent, now), entry(acked, now)];
  });
  const types = table(["type", "state", "subscribed", "sent", "acked"], rows, "the node has no subscriptions");
  return `${head}
${types}${node.types.map((type) => nackText(type, now) + waits(type, now)).join("")}`;
}
var entry = (of, now) => of ? `${of.version || '""'} (${of.nonce && `nonce ${of.nonce}, `}${ago(of.at, now)})` : "-";
function nackText({ type, nacked, retryAt }, now) {
  if (!nacked)
    return "";
  const { version, nonce, at, message, names } = nacked;
  const shown = names.slice(0, mostNames).map(printable);
  if (names.length > mostNames)
    shown.push(`and ${names.length - mostNames} more`);
  const words = message.trim().split("\n").map((line) => `  ${printable(line)}
`);
  const response = [
    `version ${printable(version)}`,
    nonce && `nonce ${printable(nonce)}`,
    names.length > 0 && `with ${shown.join(", ")}`
  ];
  const again = retryAt === void 0 ? "" : `; sent again ${until(retryAt, now)}`;
  return `
${paint.bad(`${printable(type)} refused`)} ${ago(at, now)}: ${response.filter(Boolean).join(", ")}${again}
${words.join("")}`;
}
var mostNames = 10;
function waits({ type, waits: waits2 = [] }, now) {
  if (waits2.length === 0)
    return "";
  const lines = waits2.slice(0, mostNames).map(({ name, reason, until: end }) => {
    const again = end === void 0 ? "" : `; checked again ${until(end, now)}`;
    return `  ${printable(name)}: ${printable(reason)}${again}
`;
  });
  if (waits2.length > mostNames)
    lines.push(`  and ${waits2.length - mostNames} more
`);
  return `
waiting ${printable(type)}:
${lines.join("")}`;
}
var clientOf = ({ agent, version }) => [agent, version].filter(Boolean).join(" ") || "-";

export {
  ago,
  until,
  adminOption,
  adminOf,
  addStatus,
  ask
};
