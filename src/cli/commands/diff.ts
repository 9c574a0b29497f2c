import type { Command } from "commander";
import type { StatusReport } from "../../admin/node-report.js";
import { printable } from "../../printable.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { canonicalName } from "../../resource/names.js";
import type { Resource } from "../../resource/resource.js";
import { anonymousNode } from "../../schema/node.js";
import { waitsShown } from "../../server/status/waits.js";
import { nodeGroups } from "../../serving/node-groups.js";
import { allResources, commonLayer, isOwnLayer, viewOf } from "../../source/reading/layers.js";
import type { Configuration } from "../../source/reading/source.js";
import { type ChangedResource, changeText } from "../compare/changes.js";
import {
  type ComparedConfiguration,
  checkGroup,
  configurationHelp,
  isAddress,
  isThere,
  loadOperands,
} from "../compare/compared-configuration.js";
import { Comparison, type Draining } from "../compare/comparison.js";
import { isRevision, loadRevision } from "../compare/revision-operand.js";
import { addControlOptions, type ControlOptions, controlOf, useApiOf } from "../remote/control.js";
import { warnOfUnknown } from "../remote/printed-resource.js";
import { addRemoteOptions, type RemoteOptions } from "../remote/remote.js";
import { typeOption } from "../schema/resource-type-name.js";
import { type ApiOptions, addApiOptions, useApiFor } from "../settings/api-options.js";
import { configOption, type FilesCall, groupField, readFilesCall } from "../settings/call.js";
import {
  addExamples,
  type Exit,
  NoConfiguration,
  type OutputOptions,
  outputOption,
  UsageError,
} from "../terminal/command.js";
import { complain, print } from "../terminal/output.js";
import { adminOf, adminOption, ask } from "./status.js";

interface DiffOptions extends Omit<RemoteOptions, "server">, ControlOptions, ApiOptions, OutputOptions {
  readonly node?: string;
  readonly group?: string;
  readonly showSecrets?: boolean;
}

/** `xds diff`. */
export function addDiff(program: Command, exit: Exit): void {
  const command = program
    .command("diff")
    .summary("compare two configurations, resource by resource and field by field")
    .description(
      "Compare two configurations, resource by resource and field by field: the changes from A to B. Exit code 1 if they " +
        `differ.\n\nA and B can be ${configurationHelp}; or @N, a revision of a running \`xds serve\` (\`xds history\`), without its live ` +
        "resources, which are endpoints and secrets.\n\nWith --node instead of A and B, the server's admin port is asked: the " +
        "changes from what the node has ACKed to what it is served. Resources that the node keeps only until its old listeners " +
        "have drained are no difference; a note names them.\n\n" +
        "A config dump does not contain everything. What it lacks is not compared, and a note says so where it matters. Secrets are " +
        "[redacted]. An Envoy's dump has the content of the files that a secret names (certificate chain, private key, trusted CA, CRL), " +
        "not their names. It has endpoints only with ?include_eds. Two things in an Envoy's endpoints are no difference: defaults that the " +
        "Envoy filled in, and fields that its dump never has (metadata and proximity of localities, endpoint_stale_after, " +
        "weighted_priority_health, disable_active_health_check). The health of an endpoint is the one that the Envoy has found.",
    )
    .argument("[a]", "the configuration before")
    .argument("[b]", "the configuration after; by default the files that xds.yaml or XDS_PATHS names")
    .addOption(configOption())
    .option("--node <id>", "compare what this connected node has ACKed with what it is served")
    .option(
      "--group <group>",
      "in a directory, compare what the nodes of this group are served; by default each group is compared separately",
    )
    .addOption(adminOption())
    .addOption(typeOption())
    .option("--show-secrets", "print private keys and other secrets instead of [redacted]")
    .addOption(outputOption());
  addControlOptions(command, true);
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds diff config/ new-config/", "what new files would change"],
    ["xds diff 127.0.0.1:18000 config/ --node-id edge-1", "from what node edge-1 is served now to what the files have"],
    ["xds diff --node edge-1", "what node edge-1 has not ACKed yet, or has NACKed"],
    ["xds diff @12 @13", "what revision 13 has changed"],
    ["xds diff @12 config/", "what edits of the files have changed since revision 12 of `xds serve config/`"],
    ["xds diff config/ 'http://127.0.0.1:9901/config_dump?include_eds'", "from the files to what an Envoy has"],
  ]);
  command.action(async (a: string | undefined, b: string | undefined, options: DiffOptions) =>
    exit(await diff(a, b, options, command)),
  );
}

async function diff(
  a: string | undefined,
  b: string | undefined,
  options: DiffOptions,
  command: Command,
): Promise<number> {
  const { node, showSecrets = false, output, config } = options;
  const call = await readFilesCall([], config, command);
  const admin = node === undefined ? "" : await adminOf(command, config);
  const [from, to] = node === undefined ? [[a ?? ""], b === undefined ? call.paths : [b]] : dumpsOf(node, admin);
  if ((a === undefined) === (node === undefined) || to.length === 0)
    throw new UsageError(
      "nothing to compare; name two configurations, or one if xds.yaml or XDS_PATHS names the other, or give only --node",
    );
  if (from.includes("-") && to.includes("-"))
    throw new UsageError("standard input (-) is given twice; give a file for one of the two");
  if (node !== undefined) await askNode(node, admin); // says what to do where there is no such port
  const revisions = [from, to].filter(([operand = ""]) => isRevision(operand));
  const client =
    revisions.length > 0 ? await controlOf([from, to].flat().filter(isThere), options, command) : undefined;
  if (client) await useApiOf(client, call.api);
  else await useApiFor([...from, ...to], call.api, options.timeout);
  const load = (side: readonly string[]) => {
    const [operand = ""] = side;
    if (client && isRevision(operand)) return loadRevision(client, operand);
    return loadOperands(side, options, call.files);
  };
  const operands = [await load(from), await load(to)] as const;
  checkGroup(options.group, ...operands);
  const isAsked = [from, to].some(([operand = ""]) => isAddress(operand) && !isThere(operand));
  const group = options.group ?? (isAsked ? groupAsked(call, options, operands) : undefined);
  const [before, after] = operands.map(({ configuration }) => configuration) as [Configuration, Configuration];
  const draining = node === undefined ? undefined : drainingIn(await askNode(node, admin));
  const sameServer = node !== undefined;
  const comparison = new Comparison(...operands, { withSecrets: showSecrets, sameServer, draining });
  const changes = configurationChanges(before, after, group, comparison);
  const gaps = [...comparison.gaps()];
  if (comparison.isEmpty) {
    for (const gap of gaps) complain(gap);
    const advice = operands.some(({ dump }) => dump) ? "; ask for the whole dump, /config_dump?include_eds" : "";
    throw new NoConfiguration(`nothing could be compared${advice}`);
  }
  print(output, { changes }, () =>
    changes.length === 0
      ? `no difference${gaps.length > 0 ? " in what was compared" : ""}\n`
      : changes.map((change) => ownerText(change) + changeText(change)).join(""),
  );
  const hasGroups = before.groups.size + after.groups.size > 0;
  const hasAllGroups = (operand: string) => isThere(operand) || isRevision(operand);
  if (hasGroups && group === undefined && ![...from, ...to].every(hasAllGroups))
    complain("one side has node groups, and the other is what one node has; name that node's group with --group");
  const hasOtherRules = differInRules(operands);
  if (hasOtherRules) complain("which node is in which group, or which layers a group has, is different too");
  for (const note of [...gaps, ...comparison.notes()]) complain(note);
  warnOfUnknown([before, after].flatMap((configuration) => [...allResources(configuration)]));
  return changes.length > 0 || hasOtherRules ? 1 : 0;
}

/**
 * The group, by the rules of xds.yaml, of the node that this command is to a server. The result is undefined if there
 * is no xds.yaml, if no operand has groups, or if nodes without a group are served nothing.
 */
function groupAsked(
  call: FilesCall,
  { nodeId: id, nodeCluster: cluster, nodeMetadata: metadata = {} }: DiffOptions,
  operands: readonly ComparedConfiguration[],
): string | undefined {
  const { file, groupRules, settings } = call;
  const known = new Set(operands.flatMap(({ configuration }) => [...configuration.groups.keys()]));
  if (file === undefined || known.size === 0) return undefined;
  const group = nodeGroups(groupRules, groupField(call))({ ...anonymousNode(envoyRegistry()), id, cluster, metadata });
  if (!known.has(group) && settings.unmatchedNodes === "none") return undefined;
  complain(
    `${file} puts node ${JSON.stringify(id)} into ${known.has(group) ? `group ${group}` : "no group"}; choose another group with --group`,
  );
  return group;
}

/** The URLs of what a node has ACKed, and of what it is served. */
function dumpsOf(node: string, admin: string): [string[], string[]] {
  const url = `${admin.replace(/\/$/, "")}/config_dump?node=${encodeURIComponent(node)}`;
  return [[url], [`${url}&state=served`]];
}

/** @throws NoConfiguration */
async function askNode(node: string, admin: string): Promise<StatusReport> {
  const report = await ask(admin, node);
  if (typeof report === "string") throw new NoConfiguration(report);
  return report;
}

/** The resources that a node keeps only for its old listeners, on each stream where they wait to be removed. */
function drainingIn(report: StatusReport): Draining {
  const names = new Set<string>();
  const others = new Set<string>();
  const cutTypes: string[] = [];
  for (const { type, typeUrl, waits = [] } of report.nodes.flatMap(({ types }) => types)) {
    for (const { name, why } of waits) (why === "draining" ? names : others).add(`${typeUrl} ${canonicalName(name)}`);
    if (waits.length >= waitsShown) cutTypes.push(type);
  }
  for (const other of others) names.delete(other);
  return { has: ({ type, key }) => names.has(`${type.typeUrl} ${key}`), cutTypes };
}

/**
 * A change in a group's own resources, or in a layer. Without both, in the resources for nodes without a group. A
 * change of a group can also be one of all its layers together, which no layer has alone.
 */
type GroupChange = ChangedResource & { readonly group?: string; readonly layer?: string };

function ownerText({ group, layer }: GroupChange): string {
  if (group !== undefined) return `group ${printable(group)}: `;
  return layer === undefined ? "" : `layer ${printable(layer)}: `;
}

function configurationChanges(
  before: Configuration,
  after: Configuration,
  group: string | undefined,
  comparison: Comparison,
): GroupChange[] {
  if (group !== undefined) return listChanges(viewOf(before, group), viewOf(after, group), comparison);
  const changes: GroupChange[] = [];
  const told = new Map<Resource | undefined, Set<Resource | undefined>>();
  for (const layer of new Set([...before.layers.keys(), ...after.layers.keys()])) {
    const [was = [], is = []] = [before, after].map(({ layers }) => layers.get(layer)?.resources);
    const isOwn = [before, after].some((configuration) => isOwnLayer(configuration, layer));
    const of = layer === commonLayer ? {} : isOwn ? { group: layer } : { layer };
    const tell: IsShown = (a, b) => {
      told.set(a, (told.get(a) ?? new Set()).add(b));
      return true;
    };
    for (const change of listChanges(was, is, comparison, tell)) changes.push({ ...of, ...change });
  }
  // What layers remove, and which layers a group has, shows only in the resources that the group is served.
  for (const name of before.groups.keys()) {
    if (!after.groups.has(name) || layerFacts(before, name) === layerFacts(after, name)) continue;
    const isShown: IsShown = (a, b) => !told.get(a)?.has(b);
    for (const change of listChanges(viewOf(before, name), viewOf(after, name), comparison, isShown))
      changes.push({ group: name, ...change });
  }
  return changes;
}

/** The names of a group's layers, and what each of them removes, as text. */
function layerFacts({ groups, layers }: Configuration, group: string): string {
  const removed = (layer: string) => layers.get(layer)?.removes.map(({ typeUrl, key }) => `${typeUrl} ${key}`) ?? [];
  return JSON.stringify((groups.get(group) ?? []).map((layer) => [layer, removed(layer).sort()]));
}

/** Whether two revisions differ in their rules. What layers remove is shown as changes, and does not count here. */
function differInRules(operands: readonly ComparedConfiguration[]): boolean {
  const [a, b] = operands.map(({ rules }) => {
    if (rules === undefined) return undefined;
    const { removes: _, ...others } = (JSON.parse(rules) ?? {}) as { removes?: unknown };
    return JSON.stringify(others);
  });
  return a !== undefined && b !== undefined && a !== b;
}

/** Whether the change from one resource to the other is shown. */
type IsShown = (was: Resource | undefined, is: Resource | undefined) => boolean;

/** By type in the order of the table, then by name. */
function listChanges(
  before: readonly Resource[],
  after: readonly Resource[],
  comparison: Comparison,
  isShown: IsShown = () => true,
): ChangedResource[] {
  const pairs = new Map<string, [Resource | undefined, Resource | undefined]>();
  for (const [side, list] of [before, after].entries())
    for (const resource of list) {
      const key = `${String(resource.type.order).padStart(6)} ${resource.type.name} ${resource.key}`;
      const pair = pairs.get(key) ?? [undefined, undefined];
      pair[side] = resource;
      pairs.set(key, pair);
    }
  const sorted = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([, [was, is]]) => (isShown(was, is) ? (comparison.changeOf(was, is) ?? []) : []));
}
