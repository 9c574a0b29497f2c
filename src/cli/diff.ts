import { existsSync } from "node:fs";
import type { Command } from "commander";
import { printable } from "../printable.js";
import { canonicalName } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { waitsShown } from "../server/waits.js";
import type { Configuration } from "../source/source.js";
import { type ApiOptions, addApiOptions, useApi } from "./api-options.js";
import { type ChangedResource, changeText } from "./changes.js";
import { addExamples, type Exit, type OutputOptions, outputOption, UsageError } from "./command.js";
import { Comparison, type Draining } from "./comparison.js";
import { checkGroup, loadOperands, operandHelp } from "./operand.js";
import { complain, print } from "./output.js";
import { addRemoteOptions, type RemoteOptions } from "./remote.js";
import { tellUnknown } from "./shown.js";
import { adminOption, ask } from "./status.js";

interface DiffOptions extends Omit<RemoteOptions, "server">, ApiOptions, OutputOptions {
  readonly node?: string;
  readonly group?: string;
  readonly admin: string;
  readonly showSecrets?: boolean;
}

/** `xds diff`. */
export function addDiff(program: Command, exit: Exit): void {
  const command = program
    .command("diff")
    .summary("compare two configurations, resource by resource and field by field")
    .description(
      `Compare two configurations, resource by resource and field by field: from A to B. Exit code 1 when they differ.\n\nEach is ${operandHelp}. ` +
        "With --node instead of both: from what a node has ACKed to what it is to have, as the server's admin port tells. What it has only until its old listeners have drained is no difference; a note names it.\n\n" +
        "What a config dump does not tell is not compared, and a note says so where it matters: secrets are [redacted]; an Envoy has the " +
        "content of the files that a secret names (certificate chain, private key, trusted CA, CRL), not the names; and it has endpoints " +
        "with ?include_eds only. Of these, defaults that the Envoy filled in are no difference, nor are the fields that it leaves out " +
        "(metadata and proximity of localities, endpoint_stale_after, weighted_priority_health, disable_active_health_check); their health " +
        "is what the Envoy has found.",
    )
    .argument("[a]", "from this")
    .argument("[b]", "to this")
    .option("--node <id>", "compare what this connected node has with what it is served")
    .option(
      "--group <group>",
      "of a directory, what the nodes of this group are served; by default all groups, each apart",
    )
    .addOption(adminOption())
    .option("--show-secrets", "print private keys and the like instead of [redacted]")
    .addOption(outputOption());
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds diff config/ new-config/", "what a change of files would change"],
    ["xds diff 127.0.0.1:18000 config/ --node-id edge-1", "what node edge-1 is served now, against the files"],
    ["xds diff --node edge-1", "what node edge-1 has not taken yet, or has refused"],
    [
      "xds diff config/ 'http://127.0.0.1:9901/config_dump?include_eds'",
      "what the files say, against what an Envoy has",
    ],
  ]);
  command.action(async (a: string | undefined, b: string | undefined, options: DiffOptions) =>
    exit(await diff(a, b, options)),
  );
}

async function diff(a: string | undefined, b: string | undefined, options: DiffOptions): Promise<number> {
  const { node, group, showSecrets = false, output } = options;
  const [from, to] = node === undefined ? [a, b] : dumpsOf(node, options.admin);
  if (from === undefined || to === undefined || (node !== undefined && a !== undefined))
    throw new UsageError("compare what? Name two configurations, or give --node alone");
  await useApi(options);
  const operands = [await loadOperands([from], options), await loadOperands([to], options)] as const;
  checkGroup(group, ...operands);
  const [before, after] = operands.map(({ configuration }) => configuration) as [Configuration, Configuration];
  const draining = node === undefined ? undefined : await drainingOf(node, options.admin);
  const sameServer = node !== undefined;
  const comparison = new Comparison(...operands, { withSecrets: showSecrets, sameServer, draining });
  const changes = configurationChanges(before, after, group, comparison);
  print(output, { changes }, () =>
    changes.length === 0
      ? "no difference\n"
      : changes
          .map(
            (change) => (change.group === undefined ? "" : `group ${printable(change.group)}: `) + changeText(change),
          )
          .join(""),
  );
  const hasGroups = before.groups.size + after.groups.size > 0;
  if (hasGroups && group === undefined && ![from, to].every((operand) => existsSync(operand)))
    complain("one side has node groups, the other is what one node has; --group says of which group that node is");
  for (const note of comparison.notes()) complain(note);
  tellUnknown([before, after].flatMap(({ common, groups }) => [...common, ...[...groups.values()].flat()]));
  return changes.length > 0 ? 1 : 0;
}

/** What a node has ACKed, and what it is to have. */
function dumpsOf(node: string, admin: string): [string, string] {
  const url = `${admin.replace(/\/$/, "")}/config_dump?node=${encodeURIComponent(node)}`;
  return [url, `${url}&state=served`];
}

/** What a node keeps only for its old listeners, on every stream where it waits; undefined: the server does not say. */
async function drainingOf(node: string, admin: string): Promise<Draining | undefined> {
  const report = await ask(admin, node);
  if (typeof report === "string") return undefined;
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

type GroupChange = ChangedResource & { readonly group?: string };

function configurationChanges(
  before: Configuration,
  after: Configuration,
  group: string | undefined,
  comparison: Comparison,
): GroupChange[] {
  if (group !== undefined) {
    const all = ({ common, groups }: Configuration) => [...common, ...(groups.get(group) ?? [])];
    return listChanges(all(before), all(after), comparison);
  }
  const changes: GroupChange[] = listChanges(before.common, after.common, comparison);
  for (const name of new Set([...before.groups.keys(), ...after.groups.keys()]))
    for (const change of listChanges(before.groups.get(name) ?? [], after.groups.get(name) ?? [], comparison))
      changes.push({ group: name, ...change });
  return changes;
}

/** By type in the order of the table, then by name. */
function listChanges(
  before: readonly Resource[],
  after: readonly Resource[],
  comparison: Comparison,
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
  return sorted.flatMap(([, [was, is]]) => comparison.changeOf(was, is) ?? []);
}
