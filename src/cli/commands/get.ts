import { Argument, type Command } from "commander";
import { envoyRegistry, findResourceType } from "../../resource/default-api.js";
import { referencesOf } from "../../resource/references/references.js";
import type { Resource } from "../../resource/resource.js";
import { clusterType, listenerType } from "../../resource/types.js";
import { anonymousNode } from "../../schema/node.js";
import { nodeGroupIn } from "../../serving/stored-configuration.js";
import { viewOf } from "../../source/reading/layers.js";
import { type ComparedConfiguration, checkGroup } from "../compare/compared-configuration.js";
import { isRevision, loadRevision } from "../compare/revision-operand.js";
import { addControlOptions, type ControlOptions, controlOf, useApiOf } from "../remote/control.js";
import {
  adviceOnNoAnswer,
  type Fetched,
  fetchResources,
  type Unavailable,
  type Wanted,
  wordsAtEnd,
} from "../remote/fetch-resources.js";
import { printedResource, warnOfRedacted, warnOfUnknown } from "../remote/printed-resource.js";
import { addRemoteOptions, connect, type RemoteOptions, serverOption } from "../remote/remote.js";
import { typeArgument, typeNamed } from "../schema/resource-type-name.js";
import { type ApiOptions, addApiOptions, useApi } from "../settings/api-options.js";
import {
  addExamples,
  completedWith,
  type Exit,
  type OutputOptions,
  outputOption,
  UsageError,
  unknownWords,
} from "../terminal/command.js";
import { complain, print, table } from "../terminal/output.js";

interface GetOptions extends RemoteOptions, ControlOptions, ApiOptions, OutputOptions {
  readonly all?: boolean;
  readonly showSecrets?: boolean;
  readonly at?: string;
  readonly group?: string;
  readonly node?: string;
}

/** `xds get`. */
export function addGet(program: Command, exit: Exit): void {
  const command = program
    .command("get")
    .summary("fetch resources from any xDS server, as a client does")
    .description(
      "Fetch resources from any xDS server, and print them. The command is a client that ACKs what it receives. JSON and YAML output has " +
        "the whole resources, and is a file for `xds serve`.\n\nTYPE is a short name (clusters, endpoints, listeners, routes, secrets, …), a " +
        "message's name or a type URL. Exit code 1 if the server does not have everything that was requested.",
    )
    .addArgument(typeArgument("[type]", "the type of the resources; optional with --all"))
    .addArgument(
      completedWith(
        new Argument("[name...]", "names; by default all resources that the server sends to this node"),
        unknownWords,
      ),
    )
    .addOption(serverOption())
    .option(
      "--at <revision>",
      "print a revision of a running `xds serve`, such as @12, instead of what --server serves; without its live resources, which are endpoints and secrets",
    )
    .option("--group <group>", "with --at: what the nodes of this group are served; by default those of no group")
    .option("--node <id>", "with --at: what the node with this id is served, by the rules of the revision")
    .option(
      "--all",
      "also fetch everything that the resources refer to; without TYPE, start with clusters and listeners; with --at, print all types",
    )
    .option("--show-secrets", "print private keys and other secrets instead of [redacted]")
    .addOption(outputOption());
  addControlOptions(command);
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds get clusters --server 127.0.0.1:18000 --node-id edge-1", "all clusters of node edge-1"],
    ["xds get routes local_route -o yaml", "one route configuration, in full"],
    [
      "xds get --all -o yaml > config.yaml",
      "everything that this node is served, as a file for `xds serve config.yaml`; add --show-secrets for its secrets",
    ],
    ["xds get clusters --at @12", "all clusters of revision 12; `xds history` lists revisions"],
  ]);
  command.action(async (type: string | undefined, names: string[], options: GetOptions) =>
    exit(
      await (options.at === undefined ? get(type, names, options) : getAt(options.at, type, names, options, command)),
    ),
  );
}

async function get(typeName: string | undefined, names: readonly string[], options: GetOptions): Promise<number> {
  const { all: follow = false, showSecrets = false, timeout, output } = options;
  await useApi(options);
  if (typeName === undefined && !follow)
    throw new UsageError("no type given; name one, such as clusters, or give --all");
  const wanted: Wanted =
    typeName === undefined
      ? new Map([clusterType, listenerType].map((typeUrl) => [typeUrl, ["*"]]))
      : new Map([[typeNamed(typeName).typeUrl, names.length > 0 ? names : ["*"]]]);
  let atEnd: string | undefined;
  const client = await connect(options, { onStreamClosed: ({ status }) => (atEnd ??= wordsAtEnd(status)) });
  let fetched: Fetched;
  try {
    fetched = await fetchResources(client, wanted, { follow, timeoutMs: timeout });
  } finally {
    await client.close();
  }
  const { resources, missing, unanswered } = fetched;
  const shown = output === "table" ? [] : resources.map((resource) => printedResource(resource, showSecrets));
  const isAnswered = missing.length + unanswered.length === 0;
  const rows = () =>
    resourceTable(resources, `${options.server} has no such resources for node ${JSON.stringify(options.nodeId)}`);
  // Without an answer it is not known that there are none.
  if (output !== "table" || resources.length > 0 || isAnswered) print(output, { resources: shown }, rows);
  if (output !== "table") warnOfUnknown(resources);
  warnOfRedacted(resources, shown);
  for (const one of missing) tellUnavailable(one);
  for (const one of unanswered)
    tellUnavailable(
      one,
      one.name === "*"
        ? "; some servers do not answer a node for which they have nothing (--node-id, --node-cluster)"
        : options.variant === "sotw"
          ? "; in SotW a server cannot report that a resource does not exist"
          : "",
    );
  if (atEnd !== undefined && unanswered.length > 0)
    complain(`${options.server}: ${atEnd}; ${adviceOnNoAnswer(options.nodeId)}`);
  return isAnswered ? 0 : 1;
}

function tellUnavailable({ type, name, reason }: Unavailable, hint = ""): void {
  const what = name === "*" ? type.name : `${type.name} ${JSON.stringify(name)}`;
  complain(`${what}: ${reason}${hint}`);
}

function resourceTable(resources: readonly Resource[], none: string): string {
  const rows = resources.map((resource) => {
    const targets = referencesOf(resource).map(
      ({ typeUrl, name }) => `${findResourceType(typeUrl)?.name ?? typeUrl}/${name}`,
    );
    const shown = targets.slice(0, 3).join(" ") + (targets.length > 3 ? ` and ${targets.length - 3} more` : "");
    return [resource.type.name, resource.name, resource.version, shown];
  });
  return table(["type", "name", "version", "refers to"], rows, none);
}

/** The group of a node with this id, by the rules of a revision. undefined: it has none. */
function groupIn({ rules = "null", configuration }: ComparedConfiguration, id: string): string | undefined {
  const group = nodeGroupIn(JSON.parse(rules))({ ...anonymousNode(envoyRegistry()), id });
  return configuration.groups.has(group) ? group : undefined;
}

/** The same of a revision of a running server. */
async function getAt(
  at: string,
  typeName: string | undefined,
  names: readonly string[],
  options: GetOptions,
  command: Command,
): Promise<number> {
  const { all, node, output, showSecrets = false } = options;
  if (!isRevision(at)) throw new UsageError(`--at is a revision such as @12, not ${JSON.stringify(at)}`);
  if (typeName === undefined && !all) throw new UsageError("which type? Name one, such as clusters, or give --all");
  if (options.group !== undefined && node !== undefined) throw new UsageError("give --group or --node, not both");
  for (const [name, flag] of [
    ["nodeId", "--node-id"],
    ["nodeCluster", "--node-cluster"],
    ["nodeMetadata", "--node-metadata"],
  ] as const)
    if (command.getOptionValueSource(name) === "cli")
      throw new UsageError(`${flag} is what a server is told; with --at, give --node or --group`);
  const client = await controlOf([], options, command);
  if (showSecrets && !client.seesSecrets)
    throw new UsageError("--show-secrets needs the socket in the server's state directory; the admin port shows none");
  await useApiOf(client, options);
  const type = typeName === undefined ? undefined : typeNamed(typeName);
  const revision = await loadRevision(client, at);
  checkGroup(options.group, revision);
  const group = options.group ?? (node === undefined ? undefined : groupIn(revision, node));
  const resources = viewOf(revision.configuration, group)
    .filter((one) => (!type || one.type === type) && (names.length === 0 || names.includes(one.name)))
    .sort((a, b) => a.type.order - b.type.order || (a.name < b.name ? -1 : 1));
  const shown = output === "table" ? [] : resources.map((resource) => printedResource(resource, showSecrets));
  print(output, { resources: shown }, () => resourceTable(resources, `${at} has no such resources`));
  if (output !== "table") warnOfUnknown(resources);
  warnOfRedacted(resources, shown);
  const { live = new Set<string>() } = revision;
  if (type ? live.has(type.typeUrl) : live.size > 0) {
    const names = Array.from(live, (typeUrl) => findResourceType(typeUrl)?.name ?? typeUrl);
    complain(`${names.join(" and ")} are not in revisions: they are the same whatever is served`);
  }
  const missing = names.filter((name) => !resources.some((one) => one.name === name));
  for (const name of missing) complain(`${type?.name} ${JSON.stringify(name)}: ${at} has none of this name`);
  return missing.length > 0 ? 1 : 0;
}
