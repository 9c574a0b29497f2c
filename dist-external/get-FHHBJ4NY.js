import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  isRevision,
  loadRevision
} from "./chunk-7IO22XIX.js";
import {
  checkGroup
} from "./chunk-DZGPP57Z.js";
import {
  printedResource,
  warnOfRedacted,
  warnOfUnknown
} from "./chunk-BHKIGZZV.js";
import {
  addRemoteOptions,
  adviceOnNoAnswer,
  connect,
  fetchResources,
  serverOption,
  wordsAtEnd
} from "./chunk-VV7PIHL5.js";
import "./chunk-LRFMP6YI.js";
import "./chunk-MUMYPMVW.js";
import "./chunk-PZFUJURE.js";
import {
  addControlOptions,
  controlOf,
  useApiOf
} from "./chunk-RLHPDD4O.js";
import "./chunk-HR4TENBB.js";
import "./chunk-MSQBXV6K.js";
import "./chunk-YPK3NTLS.js";
import "./chunk-ETZYIBCP.js";
import "./chunk-W75H6G5K.js";
import "./chunk-OTIELJGT.js";
import "./chunk-4C7NFQI4.js";
import "./chunk-ALFN3YK7.js";
import "./chunk-D5GLPEAO.js";
import "./chunk-XNJ3ZUMM.js";
import "./chunk-5APHYVAK.js";
import {
  addApiOptions,
  typeArgument,
  typeNamed,
  useApi
} from "./chunk-7GRO2XK4.js";
import {
  UsageError,
  addExamples,
  completedWith,
  outputOption,
  unknownWords
} from "./chunk-M4PHON7U.js";
import {
  complain,
  print,
  table
} from "./chunk-VMMSHLDO.js";
import "./chunk-4V4LNO3N.js";
import {
  anonymousNode
} from "./chunk-VTU7YHMV.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-LJEOXCCV.js";
import {
  nodeGroupIn
} from "./chunk-UHTHQG76.js";
import "./chunk-U7CKKRTO.js";
import "./chunk-4DK7NEUR.js";
import "./chunk-KDGB6NNX.js";
import "./chunk-A7KZDFFX.js";
import "./chunk-JFHIICP2.js";
import "./chunk-RV3J6E72.js";
import {
  referencesOf
} from "./chunk-2FHVCSGV.js";
import "./chunk-QZJZLV5G.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-M2ZGPBJF.js";
import {
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  envoyRegistry,
  findResourceType
} from "./chunk-C24J2H5X.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-2R5XDSOQ.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-ZAJWG27E.js";
import "./chunk-IXIW5MLW.js";
import "./chunk-AKMKR4LC.js";
import "./chunk-342YQNNX.js";
import "./chunk-FZLOJTJW.js";
import "./chunk-Y6GK5AYW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZG5KWCWM.js";
import {
  clusterType,
  listenerType
} from "./chunk-QMJ32M3M.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-XDPTIA73.js";
import "./chunk-IKJYNGYW.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-U7IGFR2H.js";
import "./chunk-27MTFUNG.js";

// dist/cli/commands/get.js
import { Argument } from "commander";
function addGet(program, exit) {
  const command = program.command("get").summary("fetch resources from any xDS server, as a client does").description("Fetch resources from any xDS server, and print them. The command is a client that ACKs what it receives. JSON and YAML output has the whole resources, and is a file for `xds serve`.\n\nTYPE is a short name (clusters, endpoints, listeners, routes, secrets, \u2026), a message's name or a type URL. Exit code 1 if the server does not have everything that was requested.").addArgument(typeArgument("[type]", "the type of the resources; optional with --all")).addArgument(completedWith(new Argument("[name...]", "names; by default all resources that the server sends to this node"), unknownWords)).addOption(serverOption()).option("--at <revision>", "print a revision of a running `xds serve`, such as @12, instead of what --server serves; without its live resources, which are endpoints and secrets").option("--group <group>", "with --at: what the nodes of this group are served; by default those of no group").option("--node <id>", "with --at: what the node with this id is served, by the rules of the revision").option("--all", "also fetch everything that the resources refer to; without TYPE, start with clusters and listeners; with --at, print all types").option("--show-secrets", "print private keys and other secrets instead of [redacted]").addOption(outputOption());
  addControlOptions(command);
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds get clusters --server 127.0.0.1:18000 --node-id edge-1", "all clusters of node edge-1"],
    ["xds get routes local_route -o yaml", "one route configuration, in full"],
    [
      "xds get --all -o yaml > config.yaml",
      "everything that this node is served, as a file for `xds serve config.yaml`; add --show-secrets for its secrets"
    ],
    ["xds get clusters --at @12", "all clusters of revision 12; `xds history` lists revisions"]
  ]);
  command.action(async (type, names, options) => exit(await (options.at === void 0 ? get(type, names, options) : getAt(options.at, type, names, options, command))));
}
async function get(typeName, names, options) {
  const { all: follow = false, showSecrets = false, timeout, output } = options;
  await useApi(options);
  if (typeName === void 0 && !follow)
    throw new UsageError("no type given; name one, such as clusters, or give --all");
  const wanted = typeName === void 0 ? new Map([clusterType, listenerType].map((typeUrl) => [typeUrl, ["*"]])) : /* @__PURE__ */ new Map([[typeNamed(typeName).typeUrl, names.length > 0 ? names : ["*"]]]);
  let atEnd;
  const client = await connect(options, { onStreamClosed: ({ status }) => atEnd ??= wordsAtEnd(status) });
  let fetched;
  try {
    fetched = await fetchResources(client, wanted, { follow, timeoutMs: timeout });
  } finally {
    await client.close();
  }
  const { resources, missing, unanswered } = fetched;
  const shown = output === "table" ? [] : resources.map((resource) => printedResource(resource, showSecrets));
  const isAnswered = missing.length + unanswered.length === 0;
  const rows = () => resourceTable(resources, `${options.server} has no such resources for node ${JSON.stringify(options.nodeId)}`);
  if (output !== "table" || resources.length > 0 || isAnswered)
    print(output, { resources: shown }, rows);
  if (output !== "table")
    warnOfUnknown(resources);
  warnOfRedacted(resources, shown);
  for (const one of missing)
    tellUnavailable(one);
  for (const one of unanswered)
    tellUnavailable(one, one.name === "*" ? "; some servers do not answer a node for which they have nothing (--node-id, --node-cluster)" : options.variant === "sotw" ? "; in SotW a server cannot report that a resource does not exist" : "");
  if (atEnd !== void 0 && unanswered.length > 0)
    complain(`${options.server}: ${atEnd}; ${adviceOnNoAnswer(options.nodeId)}`);
  return isAnswered ? 0 : 1;
}
function tellUnavailable({ type, name, reason }, hint = "") {
  const what = name === "*" ? type.name : `${type.name} ${JSON.stringify(name)}`;
  complain(`${what}: ${reason}${hint}`);
}
function resourceTable(resources, none) {
  const rows = resources.map((resource) => {
    const targets = referencesOf(resource).map(({ typeUrl, name }) => `${findResourceType(typeUrl)?.name ?? typeUrl}/${name}`);
    const shown = targets.slice(0, 3).join(" ") + (targets.length > 3 ? ` and ${targets.length - 3} more` : "");
    return [resource.type.name, resource.name, resource.version, shown];
  });
  return table(["type", "name", "version", "refers to"], rows, none);
}
function groupIn({ rules = "null", configuration }, id) {
  const group = nodeGroupIn(JSON.parse(rules))({ ...anonymousNode(envoyRegistry()), id });
  return configuration.groups.has(group) ? group : void 0;
}
async function getAt(at, typeName, names, options, command) {
  const { all, node, output, showSecrets = false } = options;
  if (!isRevision(at))
    throw new UsageError(`--at is a revision such as @12, not ${JSON.stringify(at)}`);
  if (typeName === void 0 && !all)
    throw new UsageError("which type? Name one, such as clusters, or give --all");
  if (options.group !== void 0 && node !== void 0)
    throw new UsageError("give --group or --node, not both");
  for (const [name, flag] of [
    ["nodeId", "--node-id"],
    ["nodeCluster", "--node-cluster"],
    ["nodeMetadata", "--node-metadata"]
  ])
    if (command.getOptionValueSource(name) === "cli")
      throw new UsageError(`${flag} is what a server is told; with --at, give --node or --group`);
  const client = await controlOf([], options, command);
  if (showSecrets && !client.seesSecrets)
    throw new UsageError("--show-secrets needs the socket in the server's state directory; the admin port shows none");
  await useApiOf(client, options);
  const type = typeName === void 0 ? void 0 : typeNamed(typeName);
  const revision = await loadRevision(client, at);
  checkGroup(options.group, revision);
  const group = options.group ?? (node === void 0 ? void 0 : groupIn(revision, node));
  const resources = viewOf(revision.configuration, group).filter((one) => (!type || one.type === type) && (names.length === 0 || names.includes(one.name))).sort((a, b) => a.type.order - b.type.order || (a.name < b.name ? -1 : 1));
  const shown = output === "table" ? [] : resources.map((resource) => printedResource(resource, showSecrets));
  print(output, { resources: shown }, () => resourceTable(resources, `${at} has no such resources`));
  if (output !== "table")
    warnOfUnknown(resources);
  warnOfRedacted(resources, shown);
  const { live = /* @__PURE__ */ new Set() } = revision;
  if (type ? live.has(type.typeUrl) : live.size > 0) {
    const names2 = Array.from(live, (typeUrl) => findResourceType(typeUrl)?.name ?? typeUrl);
    complain(`${names2.join(" and ")} are not in revisions: they are the same whatever is served`);
  }
  const missing = names.filter((name) => !resources.some((one) => one.name === name));
  for (const name of missing)
    complain(`${type?.name} ${JSON.stringify(name)}: ${at} has none of this name`);
  return missing.length > 0 ? 1 : 0;
}
export {
  addGet
};
