import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ControlClient } from "../../control/control-client.js";
import { messageOf, XdsError } from "../../errors.js";
import { useEnvoyApi } from "../../resource/default-api.js";
import { isBuiltInApi } from "../../schema/registry.js";
import { readGiven } from "../../source/files/whole-file.js";
import { adminOf, adminOption } from "../commands/status.js";
import { type ApiOptions, useApi } from "../settings/api-options.js";
import { configOption, readCall } from "../settings/call.js";
import { addSettings } from "../settings/setting-options.js";
import { defaultStateDirectory } from "../settings/state-directory.js";
import type { StoreAddress } from "../settings/store-address.js";
import { etcdOptions, openEtcd, storePlace, storeSettings } from "../settings/store-options.js";
import { closeAtEnd } from "../terminal/at-end.js";
import { NoConfiguration, UsageError } from "../terminal/command.js";
import { plainLog } from "../terminal/log.js";

/** How a command finds the server that it asks, or gives an order. */
export interface ControlOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly tokenFile?: string;
}

/** Why an order is given. */
export interface WhyOptions {
  readonly why: string;
}

/** `--why`, which every order has to have. */
export const whyOption = (): Option =>
  new Option("--why <text>", "the reason, for the audit log (required)").makeOptionMandatory();

/** How the argument `[path...]` of these commands is explained. */
export const servedPathsHelp =
  "the paths that were given to `xds serve`: they lead to its state directory; by default those of XDS_PATHS or xds.yaml";

/**
 * Adds the options by which a command finds the server, or the store. Commands that have `--admin` already take the
 * rest only.
 */
export function addControlOptions(command: Command, isAdminThere = false): Command {
  if (!isAdminThere) command.addOption(configOption()).addOption(adminOption());
  addSettings(command, storeSettings);
  return command
    .addOption(
      new Option("--state-dir <dir>", "state directory of the server, whose socket is used by default").env(
        "XDS_STATE_DIR",
      ),
    )
    .addOption(
      new Option("--token-file <file>", "file with a token: the admin port is used, in place of the socket").env(
        "XDS_TOKEN_FILE",
      ),
    );
}

/**
 * Like {@link controlOf}, for a command whose only arguments are the paths that a server serves.
 * @throws UsageError also for paths that are not needed, because they may be meant for something else
 */
export function orderedOf(
  paths: readonly string[],
  options: ControlOptions,
  command: Command,
  needsServer = false,
): Promise<ControlClient> {
  const revision = paths.find((path) => /^@\d+$/.test(path));
  if (revision !== undefined) {
    const hint = command.name() === "undo" ? `; write --to ${revision}` : "";
    throw new UsageError(`${revision} is a revision; expected paths that \`xds serve\` was given${hint}`);
  }
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  const other = ["stateDir", "tokenFile", "store"].find(isGiven);
  if (paths.length > 0 && other)
    throw new UsageError(
      `${paths.map((path) => JSON.stringify(path)).join(", ")} would be the way to the server, but ${longFlag(command, other)} names it; leave one of them out`,
    );
  return controlOf(paths, options, command, needsServer);
}

const longFlag = (command: Command, name: string) =>
  command.options.find((option) => option.attributeName() === name)?.long ?? name;

/**
 * The server that a command's options name, or the store. `given` are the paths that a server serves, as far as the
 * command knows them. `needsServer`: what the command is about is not in a store.
 * @throws UsageError, NoConfiguration, XdsError INVALID_OPTION; as the store's calls do
 */
export async function controlOf(
  given: readonly string[],
  { config, tokenFile, stateDir: stateDirectory }: ControlOptions,
  command: Command,
  needsServer = false,
): Promise<ControlClient> {
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  if (isGiven("store") && needsServer)
    throw new UsageError(
      "a store has no held changes: a server holds them, so name it with --state-dir, or --admin and --token-file. What `xds publish` holds, its --approve publishes",
    );
  for (const [name, flag] of [
    ["stateDir", "--state-dir"],
    ["tokenFile", "--token-file"],
    ["admin", "--admin"],
  ] as const)
    if (isGiven("store") && isGiven(name))
      throw new UsageError(`--store and ${flag} name two ways to the revisions; leave one of them out`);
  if (isGiven("stateDir") && isGiven("tokenFile"))
    throw new UsageError("--state-dir and --token-file name two ways to the server; leave one of them out");
  if (tokenFile !== undefined && !isGiven("stateDir") && !isGiven("store")) {
    const admin = await adminOf(command, config);
    if (!/^https?:\/\/./.test(admin) || !URL.canParse(admin))
      throw new UsageError(`--admin is a URL such as http://127.0.0.1:18002, not ${JSON.stringify(admin)}`);
    return new ControlClient({ admin, token: await readToken(tokenFile) });
  }
  if (isGiven("admin")) throw new UsageError("the admin port takes orders with a token only; give --token-file too");
  // The settings file may have a mistake just now.
  if (isGiven("stateDir") && stateDirectory !== undefined && stateDirectory !== "memory")
    return new ControlClient({ stateDirectory: resolve(stateDirectory) });
  const call = await readCall(given, config, command, ["stateDir", "liveTypes", ...storeSettings]);
  const { stateDir, store, liveTypes } = call.settings;
  const etcd = etcdOptions(call.settings);
  if (store && etcd && !needsServer && !isGiven("stateDir")) return storeControl(store, etcd, liveTypes);
  if (stateDir === "memory")
    throw new NoConfiguration(
      "a server with its state in memory has no socket for orders; use its admin port, with --admin and --token-file",
    );
  if (stateDir !== undefined) {
    const missing = given.find((path) => !existsSync(path));
    if (missing === undefined) return new ControlClient({ stateDirectory: resolve(stateDir) });
    throw new UsageError(
      `${JSON.stringify(missing)} is no path that there is; leave it out, because xds.yaml or XDS_STATE_DIR names the server's state directory`,
    );
  }
  const paths = [...(etcd ? [storePlace(etcd)] : []), ...call.statePaths];
  if (paths.length === 0)
    throw new UsageError(
      "which server? Give the paths that it serves, here, in XDS_PATHS or in `paths:` of xds.yaml; or its --state-dir; or its --admin with --token-file",
    );
  return new ControlClient({ stateDirectory: defaultStateDirectory(paths) });
}

/** Orders for a store, without a server. */
async function storeControl(
  { text }: StoreAddress,
  etcd: NonNullable<ReturnType<typeof etcdOptions>>,
  liveTypes: readonly string[],
): Promise<ControlClient> {
  const { StoreControl } = await import("../../serving/store-control.js"); // loads what --help does not need
  const opened = await StoreControl.open(await openEtcd(etcd, plainLog), liveTypes);
  closeAtEnd(() => opened.close());
  return new ControlClient({ control: opened.control, store: text });
}

/**
 * Goes by the API of these options, else by that of the server: what it shows can be read by its own API only.
 * @throws as {@link useApi}, and as the client does
 */
export async function useApiOf(client: ControlClient, api: ApiOptions): Promise<void> {
  if (api.descriptors !== undefined || api.envoy !== undefined) return useApi(api);
  const descriptors = await client.descriptors();
  if (!isBuiltInApi(descriptors)) useEnvoyApi(descriptors);
}

/** The token in a file: its first line that is one, alone or as `name:token`. @throws XdsError INVALID_OPTION */
async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readGiven(file, { maxBytes: 64 << 10 })).toString();
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `--token-file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const line = text.split(/\r?\n/).find((one) => !/^\s*(#|$)/.test(one)) ?? "";
  const token = /^\s*(?:[\w.@-]+:\s*)?([^\s:]+)\s*$/.exec(line)?.[1];
  if (token === undefined)
    throw new XdsError("INVALID_OPTION", `--token-file ${file} has no token: expected a line with it, or name:token`);
  return token;
}
