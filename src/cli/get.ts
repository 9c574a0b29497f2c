import { Argument, type Command } from "commander";
import { referencesOf } from "../resource/references.js";
import { clusterType, findResourceType, listenerType } from "../resource/types.js";
import { type ApiOptions, addApiOptions, useApi } from "./api-options.js";
import {
  addExamples,
  completedWith,
  type Exit,
  type OutputOptions,
  outputOption,
  UsageError,
  unknownWords,
} from "./command.js";
import { type Fetched, fetchResources, type Unavailable, type Wanted } from "./fetch-resources.js";
import { complain, print, table } from "./output.js";
import { addRemoteOptions, connect, type RemoteOptions, serverOption } from "./remote.js";
import { typeArgument, typeNamed } from "./resource-type-name.js";
import { shownResource, tellRedacted, tellUnknown } from "./shown.js";

interface GetOptions extends RemoteOptions, ApiOptions, OutputOptions {
  readonly all?: boolean;
  readonly showSecrets?: boolean;
}

/** `xds get`. */
export function addGet(program: Command, exit: Exit): void {
  const command = program
    .command("get")
    .summary("ask any xDS server for resources, as a client")
    .description(
      "Ask an xDS server, this one or another, for resources, as a client that ACKs what it gets, and print them. As JSON and YAML they " +
        "are whole, and a file that `xds serve` takes.\n\nTYPE is a short name (clusters, endpoints, listeners, routes, secrets, …), a " +
        "message's name or a type URL. Exit code 1 when something asked for is not there.",
    )
    .addArgument(typeArgument("[type]", "the type of resource; may be left out with --all"))
    .addArgument(
      completedWith(
        new Argument("[name...]", "names; without any, all that the server gives to this node"),
        unknownWords,
      ),
    )
    .addOption(serverOption())
    .option("--all", "also all that the resources refer to; without TYPE from clusters and listeners on")
    .option("--show-secrets", "print private keys and the like instead of [redacted]")
    .addOption(outputOption());
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds get clusters --server 127.0.0.1:18000 --node-id edge-1", "all clusters that node edge-1 is served"],
    ["xds get routes local_route -o yaml", "one route configuration, in full"],
    [
      "xds get --all -o yaml > config.yaml",
      "all that this node is served, as a file for `xds serve config.yaml`; with secrets, if --show-secrets is given too",
    ],
  ]);
  command.action(async (type: string | undefined, names: string[], options: GetOptions) =>
    exit(await get(type, names, options)),
  );
}

async function get(typeName: string | undefined, names: readonly string[], options: GetOptions): Promise<number> {
  const { all: follow = false, showSecrets = false, timeout, output } = options;
  await useApi(options);
  if (typeName === undefined && !follow) throw new UsageError("which type? Name one, such as clusters, or give --all");
  const wanted: Wanted =
    typeName === undefined
      ? new Map([clusterType, listenerType].map((typeUrl) => [typeUrl, ["*"]]))
      : new Map([[typeNamed(typeName).typeUrl, names.length > 0 ? names : ["*"]]]);
  const client = await connect(options);
  let fetched: Fetched;
  try {
    fetched = await fetchResources(client, wanted, { follow, timeoutMs: timeout });
  } finally {
    await client.close();
  }
  const { resources, missing, unanswered } = fetched;
  const shown = output === "table" ? [] : resources.map((resource) => shownResource(resource, showSecrets));
  const isAnswered = missing.length + unanswered.length === 0;
  const rows = () =>
    table(
      ["type", "name", "version", "refers to"],
      resources.map((resource) => {
        const targets = referencesOf(resource).map(
          ({ typeUrl, name }) => `${findResourceType(typeUrl)?.name ?? typeUrl}/${name}`,
        );
        const shown = targets.slice(0, 3).join(" ") + (targets.length > 3 ? ` and ${targets.length - 3} more` : "");
        return [resource.type.name, resource.name, resource.version, shown];
      }),
      `${options.server} gives node ${JSON.stringify(options.nodeId)} no such resources`,
    );
  // Without an answer it is not known that there are none.
  if (output !== "table" || resources.length > 0 || isAnswered) print(output, { resources: shown }, rows);
  if (output !== "table") tellUnknown(resources);
  tellRedacted(resources, shown);
  for (const one of missing) tellUnavailable(one);
  for (const one of unanswered)
    tellUnavailable(
      one,
      one.name === "*"
        ? "; a server that has nothing for this node may stay silent (--node-id, --node-cluster)"
        : options.variant === "sotw"
          ? "; in SotW a server cannot say that there is none"
          : "",
    );
  return isAnswered ? 0 : 1;
}

function tellUnavailable({ type, name, reason }: Unavailable, hint = ""): void {
  const what = name === "*" ? type.name : `${type.name} ${JSON.stringify(name)}`;
  complain(`${what}: ${reason}${hint}`);
}
