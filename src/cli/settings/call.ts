import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { type Command, Option } from "commander";
import { envoyRegistry } from "../../resource/default-api.js";
import { anonymousNode } from "../../schema/node.js";
import { type GroupRule, nodeGroups } from "../../serving/node-groups.js";
import type { LayeredGroup } from "../../source/directory.js";
import type { Configuration } from "../../source/reading/source.js";
import { UsageError } from "../terminal/command.js";
import type { ApiOptions } from "./api-options.js";
import { resolveSettings } from "./setting-options.js";
import type { SettingName, Settings } from "./settings.js";
import { noSettingsFile, readSettingsFile } from "./settings-file.js";

/** The result of the command line, the environment and the settings file. */
export interface Call<Name extends SettingName = SettingName> {
  /** The paths to read. The list is empty if no path was given anywhere. */
  readonly paths: readonly string[];
  readonly settings: Pick<Settings, Name>;
  readonly groupRules: readonly GroupRule[];
  /** The groups that have layers. If there are any, all rules belong to them. */
  readonly layered: readonly LayeredGroup[];
  /** The settings file, if there is one. */
  readonly file: string | undefined;
  /**
   * The default state directory is made from these paths: the paths that were given, or else the settings file. Its own
   * paths and layers do not count, because they can change while the server runs. Empty if there are no paths.
   */
  readonly statePaths: readonly string[];
}

const usualFile = "xds.yaml";

export const configOption = () =>
  new Option("--config <file>", "the settings file (default ./xds.yaml if it exists, env XDS_CONFIG)");

/**
 * Resolves the settings of these names. `given` are the paths of the command line, and `config` is its `--config`.
 * @throws UsageError, NoConfiguration
 */
export async function readCall<Name extends SettingName>(
  given: readonly string[],
  config: string | undefined,
  command: Command,
  names: readonly Name[],
): Promise<Call<Name>> {
  const file = config ?? process.env.XDS_CONFIG ?? (existsSync(usualFile) ? usualFile : undefined);
  const {
    values,
    paths: ofFile,
    groupRules,
    layered,
  } = file === undefined ? noSettingsFile : await readSettingsFile(file);
  const ofEnvironment = (process.env.XDS_PATHS ?? "").split(delimiter).filter(Boolean);
  const explicit = [given, ofEnvironment].find(({ length }) => length > 0);
  const statePaths = explicit ?? (file !== undefined && ofFile.length + layered.length > 0 ? [file] : []);
  const settings = resolveSettings(command, values, names);
  return { paths: explicit ?? ofFile, settings, groupRules, layered, file, statePaths };
}

/** Which files `xds serve` would serve, and how to read them, for commands that only read. */
export interface FilesCall extends Call<"nodeGroup" | "unmatchedNodes" | "fileMemory" | "fileTime"> {
  /** The options of the flags and the environment, else those of the settings file. */
  readonly api: ApiOptions;
  /**
   * How the files are read: `except` are files that are no configuration, and `resourceType` is the type of resources
   * without an `@type`.
   */
  readonly files: {
    readonly except: readonly string[];
    readonly resourceType: string | undefined;
    readonly groups: readonly LayeredGroup[];
  };
}

/** Like {@link readCall}, for the settings about the files that `xds serve` reads. */
export async function readFilesCall(
  given: readonly string[],
  config: string | undefined,
  command: Command,
): Promise<FilesCall> {
  const call = await readCall(given, config, command, [
    "nodeGroup",
    "unmatchedNodes",
    "fileMemory",
    "fileTime",
    "resourceType",
    "descriptors",
    "envoy",
  ]);
  const { descriptors, envoy } = command.opts<ApiOptions>();
  const isGiven = descriptors !== undefined || envoy !== undefined;
  return {
    ...call,
    api: isGiven ? { descriptors, envoy } : call.settings,
    files: {
      except: call.file === undefined ? [] : [call.file],
      resourceType: call.settings.resourceType,
      groups: call.layered,
    },
  };
}

/** The field that names the group of a node that no rule matches. There is none if the groups have layers. */
export const groupField = ({ layered, settings }: Pick<Call<"nodeGroup">, "layered" | "settings">) =>
  layered.length > 0 ? undefined : settings.nodeGroup;

/** Options that choose the nodes whose configuration is used. */
export interface GroupOptions {
  readonly group?: string;
  readonly node?: string;
}

/** Adds `--group` and `--node` to a command that reads files. */
export function addGroupOptions(command: Command): void {
  command
    .option("--group <group>", "only what the nodes of this group are served; by default all groups")
    .option("--node <id>", "only what the node with this id is served, by the rules in xds.yaml or --node-group");
}

/**
 * The group that these options choose among those of a configuration. `none` means nodes without a group. The result is
 * undefined if all groups are chosen.
 * @throws UsageError for an unknown group
 */
export function chosenGroup(
  call: FilesCall,
  { group, node }: GroupOptions,
  { groups }: Configuration,
): { readonly group: string } | "none" | undefined {
  if (group !== undefined && node !== undefined) throw new UsageError("give --group or --node, not both");
  if (group !== undefined) {
    if (groups.has(group)) return { group };
    const there =
      groups.size === 0 ? "there are no node groups" : `the groups are ${[...groups.keys()].sort().join(", ")}`;
    throw new UsageError(`--group ${JSON.stringify(group)}: there is no such node group; ${there}`);
  }
  if (node === undefined) return undefined;
  const found = nodeGroups(call.groupRules, groupField(call))({ ...anonymousNode(envoyRegistry()), id: node });
  return groups.has(found) ? { group: found } : "none";
}

/** @throws UsageError if there are no paths */
export function checkPaths({ paths, layered }: Pick<Call, "paths" | "layered">, to: string): void {
  if (paths.length === 0 && layered.length === 0)
    throw new UsageError(
      `nothing to ${to}: name files or directories, as in \`xds ${to} config/\`, in XDS_PATHS, or in \`paths:\` of xds.yaml`,
    );
}
