import { once } from "node:events";
import type { Command } from "commander";
import type { ResourceChange } from "../../client/resource.js";
import type { XdsClient } from "../../client/xds-client.js";
import { XdsError } from "../../errors.js";
import { printable } from "../../printable.js";
import type { ResourceType } from "../../resource/xds-api.js";
import { changeOf, changeText } from "../compare/changes.js";
import { adviceOnNoAnswer, asResource } from "../remote/fetch-resources.js";
import { addRemoteOptions, connect, type RemoteOptions, serverOption } from "../remote/remote.js";
import { typeArgument, typeNamed } from "../schema/resource-type-name.js";
import { type ApiOptions, addApiOptions, useApi } from "../settings/api-options.js";
import { addExamples, type Exit, type OutputOptions, outputOption } from "../terminal/command.js";
import { complain, jsonOf, paint, print } from "../terminal/output.js";
import { ending } from "../terminal/signals.js";

interface WatchOptions extends RemoteOptions, ApiOptions, OutputOptions {
  readonly showSecrets?: boolean;
}

/** `xds watch`. */
export function addWatch(program: Command, exit: Exit): void {
  const command = program
    .command("watch")
    .summary("stay connected to any xDS server, and print changes")
    .description(
      "Subscribe to all resources of some types, ACK each response, and print what it changed: time, type, version, and the fields that " +
        "are different. The command reconnects when the connection is lost. SIGINT or SIGTERM ends it. With JSON each response is one " +
        "object on one line; with YAML it is one document.",
    )
    .addArgument(typeArgument("<type...>", "types: clusters, endpoints, listeners, routes, …"))
    .addOption(serverOption())
    .option("--show-secrets", "print private keys and other secrets instead of [redacted]")
    .addOption(outputOption());
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds watch clusters endpoints --node-id edge-1", "changes of the clusters and endpoints of node edge-1"],
    ["xds watch listeners -o json | jq .changes", "changes as JSON, for programs"],
  ]);
  command.action(async (types: string[], options: WatchOptions) => exit(await watch(types, options)));
}

async function watch(typeNames: readonly string[], options: WatchOptions): Promise<number> {
  const { output, showSecrets = false } = options;
  await useApi(options);
  const types = typeNames.map(typeNamed);
  let isTold = false;
  const client = await connect(
    options,
    {
      onStreamClosed: ({ error, retryInMs }) => {
        if (!error) return;
        isTold = true;
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
  void warnOfNoAnswer(client, types, options, () => isTold);
  await Promise.race([ending(), once(process.stdout, "error")]); // an error means that the reader has gone, as after `| head`
  await client.close();
  return 0;
}

/** Reports once which types the server has not answered in time. `isTold`: whether the reason was already reported. */
async function warnOfNoAnswer(
  client: XdsClient,
  types: readonly ResourceType[],
  { server, nodeId, timeout: timeoutMs }: WatchOptions,
  isTold: () => boolean,
): Promise<void> {
  const isSilent = async ({ typeUrl }: ResourceType) => {
    try {
      await client.synced(typeUrl, ({ accepted, nacked }) => accepted > 0 || nacked !== undefined, { timeoutMs });
      return false;
    } catch (error) {
      return error instanceof XdsError && error.code === "TIMED_OUT";
    }
  };
  const answers = await Promise.all(types.map(isSilent));
  const silent = types.filter((_, index) => answers[index]);
  if (silent.length === 0 || isTold()) return;
  const names = silent.map(({ name }) => name).join(", ");
  complain(
    `${server} has not answered for ${names} within ${timeoutMs / 1_000} s; ${adviceOnNoAnswer(nodeId)}; still waiting`,
  );
}

const changeIn = ({ before, after }: ResourceChange, withSecrets: boolean) =>
  changeOf(before && asResource(before), after && asResource(after), withSecrets);
