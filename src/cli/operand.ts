import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { messageOf } from "../errors.js";
import { printable } from "../printable.js";
import type { Resource } from "../resource/resource.js";
import { resourceTypes } from "../resource/types.js";
import { dumpForms } from "../server/config-dumps.js";
import { formatProblem, type Problem } from "../source/problem.js";
import { type DumpFacts, type ResourceFile, readResourceFile } from "../source/resource-file.js";
import type { GoodReading } from "../source/source.js";
import { NoConfiguration, UsageError } from "./command.js";
import { fetchResources } from "./fetch-resources.js";
import { loadConfiguration } from "./load-configuration.js";
import { refusalIn } from "./refusal.js";
import { connect, type RemoteOptions } from "./remote.js";

/** How the commands that read a configuration say where it may be. */
export const operandHelp =
  "a file or directory; HOST:PORT, an xDS server that is asked as a client; or http://…/config_dump, of an Envoy's or this program's admin port";

/** A configuration, and if it is a config dump, what that tells beside. */
export interface Operand extends GoodReading {
  readonly dump?: DumpFacts;
}

/** This program's dumps have no bootstrap in them. */
export const isOfEnvoy = ({ sections }: DumpFacts): boolean => sections.has("envoy.admin.v3.BootstrapConfigDump");

/** Whether an operand that has nothing of a type says thereby that there is nothing. */
export function tells({ dump }: Operand, typeUrl: string): boolean {
  const form = dumpForms[typeUrl];
  return !dump || (form !== undefined && (!isOfEnvoy(dump) || dump.sections.has(form.message)));
}

/**
 * Reads a configuration from wherever it is (see {@link operandHelp}); of files and directories there may be several. What is asked
 * for as a client is what the node of the options is served.
 * @throws UsageError, NoConfiguration with a line for each problem, XdsError STREAM_ENDED
 */
export async function loadOperands(
  operands: readonly string[],
  remote: Omit<RemoteOptions, "server">,
): Promise<Operand> {
  const absent = operands.find((operand) => !existsSync(operand));
  if (absent === undefined) return fromPaths(operands);
  const isUrl = /^https?:\/\//.test(absent);
  if (!isUrl && !/^(\[[^\]]+\]|[^/\s:]+):\d+$/.test(absent))
    throw new NoConfiguration(`${JSON.stringify(absent)} is not there; expected ${operandHelp}`);
  if (operands.length > 1)
    throw new UsageError(`${JSON.stringify(absent)} is no file or directory, and only of those there may be several`);
  return isUrl ? fromUrl(absent, remote.timeout) : only(await fromServer({ ...remote, server: absent }));
}

/**
 * Of a group that none of the configurations has.
 * @throws UsageError
 */
export function checkGroup(group: string | undefined, ...operands: readonly Operand[]): void {
  const known = new Set(operands.flatMap(({ configuration }) => [...configuration.groups.keys()]));
  if (group === undefined || known.has(group)) return;
  const there = known.size === 0 ? "there are no node groups" : `there are ${[...known].sort().join(", ")}`;
  throw new UsageError(`--group ${JSON.stringify(group)}: no directory groups/${group} has anything; ${there}`);
}

/** What is for all who ask, and stands in no file. */
const only = (common: readonly Resource[]): GoodReading => ({
  configuration: { common, groups: new Map() },
  places: new Map(),
  notes: [],
});

/** @throws NoConfiguration */
async function fromPaths(paths: readonly string[]): Promise<Operand> {
  const [path] = paths;
  if (path !== undefined && paths.length === 1 && statSync(path).isFile()) {
    const bytes = await readFile(path).catch(() => undefined); // what cannot be read is told below
    const file = bytes?.includes("/envoy.admin.v3.")
      ? readResourceFile(path, bytes, { forComparing: true })
      : undefined;
    if (file?.dump) return { ...told(file), places: new Map(file.resources.map((each) => [each.resource, each])) };
  }
  const reading = await loadConfiguration(paths, true);
  if ("problems" in reading) throw new NoConfiguration(listed(reading.problems));
  return reading;
}

async function fromUrl(url: string, timeoutMs: number): Promise<Operand> {
  let text: string;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    text = await answer.text();
    if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${refusalIn(text)}`);
    if (!text.trimStart().startsWith("{"))
      throw new Error("it is no config dump; that is at /config_dump of an admin port");
  } catch (error) {
    const { cause } = error as Error;
    throw new NoConfiguration(
      `${url} cannot be had: ${printable(messageOf(error))}${cause ? ` (${printable(messageOf(cause))})` : ""}`,
    );
  }
  return told(readResourceFile(url, Buffer.from(text), { forComparing: true }));
}

/** @throws NoConfiguration */
function told({ resources, problems, dump }: ResourceFile): Operand {
  if (problems.length > 0) throw new NoConfiguration(listed(problems));
  return { ...only(resources.map(({ resource }) => resource)), ...(dump && { dump }) };
}

/** All of every type that the server gives without being asked for names, and what that refers to. */
async function fromServer(remote: RemoteOptions): Promise<readonly Resource[]> {
  const client = await connect(remote);
  try {
    const { variant, timeout: timeoutMs } = remote;
    const types = resourceTypes().filter(
      ({ emptyIsWildcard, service }) => emptyIsWildcard && (variant === "delta" ? service?.delta : service?.stream),
    );
    const wanted = new Map(types.map(({ typeUrl }) => [typeUrl, ["*"]]));
    // A type of which there is nothing may stay unanswered.
    return (await fetchResources(client, wanted, { follow: true, timeoutMs })).resources;
  } finally {
    await client.close();
  }
}

function listed(problems: readonly Problem[]): string {
  return problems.slice(0, 100).map(formatProblem).join("\n");
}
