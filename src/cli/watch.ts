import { once } from "node:events";
import type { Command } from "commander";
import type { ResourceChange } from "../client/resource.js";
import { printable } from "../printable.js";
import { type ApiOptions, addApiOptions, useApi } from "./api-options.js";
import { changeOf, changeText } from "./changes.js";
import { addExamples, type Exit, type OutputOptions, outputOption } from "./command.js";
import { ending } from "./ending.js";
import { asResource } from "./fetch-resources.js";
import { complain, jsonOf, paint, print } from "./output.js";
import { addRemoteOptions, connect, type RemoteOptions, serverOption } from "./remote.js";
import { typeArgument, typeNamed } from "./resource-type-name.js";

interface WatchOptions extends RemoteOptions, ApiOptions, OutputOptions {
  readonly showSecrets?: boolean;
}

/** `xds watch`. */
export function addWatch(program: Command, exit: Exit): void {
  const command = program
    .command("watch")
    .summary("stay connected to any xDS server, and print what changes")
    .description(
      "Subscribe to all resources of some types, ACK what comes, and print each response as what it changed: time, type and version, and " +
        "the fields that are different. It connects again when the server goes, until SIGINT or SIGTERM ends it. As JSON, an object a line; as YAML, " +
        "a document each.",
    )
    .addArgument(typeArgument("<type...>", "types: clusters, endpoints, listeners, routes, …"))
    .addOption(serverOption())
    .option("--show-secrets", "print private keys and the like instead of [redacted]")
    .addOption(outputOption());
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds watch clusters endpoints --node-id edge-1", "what node edge-1 is served of these, as it changes"],
    ["xds watch listeners -o json | jq .changes", "the same for programs"],
  ]);
  command.action(async (types: string[], options: WatchOptions) => exit(await watch(types, options)));
}

async function watch(typeNames: readonly string[], options: WatchOptions): Promise<number> {
  const { output, showSecrets = false } = options;
  await useApi(options);
  const types = typeNames.map(typeNamed);
  const client = await connect(
    options,
    {
      onStreamClosed: ({ error, retryInMs }) => {
        if (!error) return;
        const next = retryInMs === undefined ? "" : `; trying again in ${(retryInMs / 1000).toFixed(1)} s`;
        complain(`${printable(error.message)}${next}`);
      },
      onChange: ({ typeUrl, version, changes }) => {
        const { name: type } = typeNamed(typeUrl);
        const told = changes.flatMap((change) => changeIn(change, showSecrets) ?? []);
        const time = new Date().toISOString();
        if (output === "yaml") process.stdout.write("---\n");
        if (output === "json") process.stdout.write(jsonOf({ time, type, version, changes: told }, 0));
        else
          print(output, { time, type, version, changes: told }, () => {
            const head = paint.faint(`${time} ${type} version ${printable(version) || "(none)"}`);
            return `${head}\n${told.map(changeText).join("")}`;
          });
      },
    },
    true,
  );
  for (const { typeUrl } of types) client.subscribe(typeUrl);
  await Promise.race([ending(), once(process.stdout, "error")]); // an error: nobody reads it any more, as after `| head`
  await client.close();
  return 0;
}

const changeIn = ({ before, after }: ResourceChange, withSecrets: boolean) =>
  changeOf(before && asResource(before), after && asResource(after), withSecrets);
