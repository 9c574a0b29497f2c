import { existsSync } from "node:fs";
import { messageOf } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { resourceTypes } from "../resource/types.js";
import { DirectorySource } from "../source/directory.js";
import { formatProblem, type Problem } from "../source/problem.js";
import { readResourceFile } from "../source/resource-file.js";
import type { Configuration } from "../source/source.js";
import { UsageError } from "./command.js";
import { connect, fetchResources, type RemoteOptions } from "./remote.js";

/** How the commands that read a configuration say where it may be. */
export const operandHelp =
  "a file or directory; HOST:PORT, an xDS server that is asked as a client; or http://…/config_dump, of an Envoy's or this program's admin port";

/** A configuration cannot be had: exit code 1. */
export class NoConfiguration extends Error {}

/**
 * Reads a configuration from wherever it is (see {@link operandHelp}). What is asked for as a client is what the node of the options
 * is served.
 * @throws UsageError, NoConfiguration with a line for each problem, XdsError STREAM_ENDED
 */
export async function loadOperand(operand: string, remote: Omit<RemoteOptions, "server">): Promise<Configuration> {
  if (/^https?:\/\//.test(operand)) return only(await fromUrl(operand, remote.timeout));
  if (existsSync(operand)) return fromPaths([operand]);
  if (/^(\[[^\]]+\]|[^/\s:]+):\d+$/.test(operand)) return only(await fromServer({ ...remote, server: operand }));
  throw new UsageError(`${JSON.stringify(operand)} is not there; expected ${operandHelp}`);
}

const only = (common: readonly Resource[]): Configuration => ({ common, groups: new Map() });

/** @throws NoConfiguration */
export async function fromPaths(paths: readonly string[]): Promise<Configuration> {
  const source = new DirectorySource(paths);
  const reading = await source.open(() => {});
  await source.close();
  if ("problems" in reading) throw new NoConfiguration(listed(reading.problems));
  return reading.configuration;
}

async function fromUrl(url: string, timeoutMs: number): Promise<readonly Resource[]> {
  let text: string;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    text = await answer.text();
    if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${text.slice(0, 500)}`);
  } catch (error) {
    const { cause } = error as Error;
    throw new NoConfiguration(`${url} cannot be had: ${messageOf(error)}${cause ? ` (${messageOf(cause)})` : ""}`);
  }
  const { resources, problems } = readResourceFile(url, Buffer.from(text));
  if (problems.length > 0) throw new NoConfiguration(listed(problems));
  return resources.map(({ resource }) => resource);
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
