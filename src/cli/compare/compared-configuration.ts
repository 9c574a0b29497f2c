import { existsSync, statSync } from "node:fs";
import { messageOf } from "../../errors.js";
import { printable } from "../../printable.js";
import { envoyRegistry, resourceTypes } from "../../resource/default-api.js";
import { referrerTypes } from "../../resource/references/table.js";
import type { Resource } from "../../resource/resource.js";
import { clusterType, endpointType, listenerType, secretType } from "../../resource/types.js";
import type { ResourceType } from "../../resource/xds-api.js";
import { dumpForms, dumpList } from "../../server/csds/config-dumps.js";
import { type DumpFacts, hasBootstrap } from "../../source/documents/dump-facts.js";
import { formatProblem, type Problem } from "../../source/files/problem.js";
import { isStream } from "../../source/files/stream.js";
import { readGiven } from "../../source/files/whole-file.js";
import { configurationOf, viewOf } from "../../source/reading/layers.js";
import { type ResourceFile, readResourceFile } from "../../source/reading/resource-file.js";
import type { GoodReading } from "../../source/reading/source.js";
import {
  adviceOnNoAnswer,
  type Fetched,
  fetchResources,
  type Unavailable,
  wordsAtEnd,
} from "../remote/fetch-resources.js";
import { connect, type RemoteOptions } from "../remote/remote.js";
import { errorMessageIn } from "../report/error-message.js";
import { type LoadOptions, loadConfiguration } from "../report/load-configuration.js";
import { NoConfiguration, UsageError } from "../terminal/command.js";

/** The help text for operands that are configurations. */
export const configurationHelp =
  "a file or directory, or - for standard input; HOST:PORT of an xDS server; or http://…/config_dump on the admin port of an Envoy or of this program";

/** A configuration, with the facts of the dump if it is a config dump. */
export interface ComparedConfiguration extends GoodReading {
  readonly dump?: DumpFacts;
  /** Set if the configuration is from a server that did not answer for everything. */
  readonly unanswered?: Unanswered;
  /** For a revision: the type URLs of resources that belong to no revision. */
  readonly live?: ReadonlySet<string>;
  /** For a revision: the layers of each group and the rules that group nodes, as JSON text. */
  readonly rules?: string;
}

/** The requests that a server did not answer. */
export interface Unanswered {
  readonly server: string;
  /** Reason → types that were not answered. */
  readonly reasons: ReadonlyMap<string, readonly ResourceType[]>;
  /** The type URLs of these types. For single names: type URL, a space and the name. */
  readonly keys: ReadonlySet<string>;
}

/** A line for each reason, with the types that the server did not answer for. */
export const unansweredLines = ({ unanswered }: ComparedConfiguration): string[] =>
  Array.from(
    unanswered?.reasons ?? [],
    ([reason, types]) =>
      `${unanswered?.server} did not answer for ${types.map(({ name }) => name).join(", ")} (${reason})`,
  );

/** Whether a missing type or name in an operand means that it does not exist. In a part of a dump it may exist. */
export function tells(
  { dump, unanswered }: Pick<ComparedConfiguration, "dump" | "unanswered">,
  typeUrl: string,
  name?: string,
): boolean {
  if (unanswered) return ![typeUrl, `${typeUrl} ${name}`].some((key) => unanswered.keys.has(key));
  if (!dump) return true;
  const isUnread =
    name === undefined
      ? [...dump.unreadKeys].some((key) => key.startsWith(`${typeUrl} `))
      : [name, ""].some((each) => dump.unreadKeys.has(`${typeUrl} ${each}`));
  return !isUnread && !dump.isOfSomeNames && hasPartOf(dump, typeUrl);
}

/** Whether a dump is of a kind that contains resources of a type. */
export function hasPartOf(dump: DumpFacts, typeUrl: string): boolean {
  const form = dumpForms[typeUrl];
  if (!form) return false;
  if (hasBootstrap(dump))
    return (
      dump.sections.has(form.message) ||
      (typeUrl !== endpointType && alwaysThere.every((type) => hasMessageOf(dump, type)))
    );
  const { field, entry } = dumpList(form, envoyRegistry());
  return dump.lists.has(`${form.message} ${field.name}`) || dump.sections.has(entry.typeName);
}

/**
 * An Envoy always prints the messages of these types. It prints those of other types once it has had a resource of the
 * type, and endpoints if they were requested.
 */
const alwaysThere = [clusterType, listenerType, secretType];
const hasMessageOf = ({ sections }: DumpFacts, typeUrl: string) => sections.has(dumpForms[typeUrl]?.message ?? "");

/** Whether a dump is only a part (`?resource=`, `?mask=`, `?name_regex=`). */
export const isPartial = (dump: DumpFacts): boolean =>
  dump.isOfSomeNames || !(hasBootstrap(dump) ? dump.sections.size > 1 : hasAllParts(dump));

/**
 * Whether a dump is from this program. Only this program's dumps have no bootstrap but a list of every type, and
 * versions of endpoints.
 */
export const isOwn = (dump: DumpFacts): boolean =>
  !hasBootstrap(dump) &&
  (hasAllParts(dump) || [...dump.versions.keys()].some(({ type }) => type.typeUrl === endpointType));

const hasAllParts = (dump: DumpFacts) => Object.keys(dumpForms).every((typeUrl) => hasPartOf(dump, typeUrl));

/** The most lines about resources that cannot be read. */
const mostUnread = 20;

/** A line for each resource of a dump that could not be read, with the reason. */
export function unreadLines(unread: readonly Problem[]): string[] {
  const lines = unread.slice(0, mostUnread).map(formatProblem);
  const more = unread.length - mostUnread;
  return more > 0 ? [...lines, `${more} more resources of the dump cannot be read; xds validate names them`] : lines;
}

/** How files are read. */
type FileOptions = Pick<LoadOptions, "except" | "groups" | "resourceType">;

/**
 * Reads a configuration from any of the places in {@link configurationHelp}. Only files and directories can be several.
 * To a server, this is a client with the node of the options. `except` are files in directories that are no
 * configuration.
 * @throws UsageError, NoConfiguration with a line for each problem, XdsError STREAM_ENDED
 */
export async function loadOperands(
  operands: readonly string[],
  remote: Omit<RemoteOptions, "server">,
  files: FileOptions,
): Promise<ComparedConfiguration> {
  const absent = operands.find((operand) => !isThere(operand));
  if (absent === undefined) return fromPaths(operands, files);
  const isUrl = /^https?:\/\//.test(absent);
  if (!isUrl && !isAddress(absent))
    throw new NoConfiguration(`${JSON.stringify(absent)} does not exist; expected ${configurationHelp}`);
  if (operands.length > 1)
    throw new UsageError(
      `${JSON.stringify(absent)} is no file or directory; only files and directories can be several`,
    );
  return isUrl ? fromUrl(absent, remote.timeout) : fromServer({ ...remote, server: absent });
}

/** Whether an operand is a file, a directory or standard input. */
export const isThere = (operand: string): boolean => isStream(operand) || existsSync(operand);

/** Whether an operand is the address of an xDS server, if there is no file of that name. */
export const isAddress = (operand: string): boolean => /^(\[[^\]]+\]|[^/\s:]+):\d+$/.test(operand);

/**
 * Checks that at least one of the configurations has the group.
 * @throws UsageError
 */
export function checkGroup(group: string | undefined, ...operands: readonly ComparedConfiguration[]): void {
  const known = new Set(operands.flatMap(({ configuration }) => [...configuration.groups.keys()]));
  if (group === undefined || known.has(group)) return;
  const there = known.size === 0 ? "there are no node groups" : `the groups are ${[...known].sort().join(", ")}`;
  throw new UsageError(`--group ${JSON.stringify(group)}: there is no such node group; ${there}`);
}

/** A configuration for all nodes that comes from no file. */
const only = (common: readonly Resource[]): GoodReading => ({
  configuration: configurationOf(common),
  places: new Map(),
  notes: [],
});

/** @throws NoConfiguration */
async function fromPaths(paths: readonly string[], files: FileOptions): Promise<ComparedConfiguration> {
  const [path] = paths;
  if (path !== undefined && paths.length === 1 && (isStream(path) || statSync(path).isFile())) {
    // A file that cannot be read is reported below.
    const bytes = await readGiven(path).catch(() => undefined);
    const file = bytes?.includes("/envoy.admin.v3.")
      ? readResourceFile(path, bytes, { forComparing: true })
      : undefined;
    if (file?.dump) return { ...told(file), places: new Map(file.resources.map((each) => [each.resource, each])) };
  }
  const reading = await loadConfiguration(paths, { ...files, takesRedacted: true });
  if ("problems" in reading) throw new NoConfiguration(listed(reading.problems));
  const [dump, ...others] = reading.dumps?.values() ?? [];
  return dump && others.length === 0 ? { ...reading, dump } : reading;
}

async function fromUrl(url: string, timeoutMs: number): Promise<ComparedConfiguration> {
  let text: string;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    text = await answer.text();
    if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${errorMessageIn(text)}`);
    if (!text.trimStart().startsWith("{"))
      throw new Error("it is no config dump; the URL of a dump is /config_dump on an admin port");
  } catch (error) {
    const { cause } = error as Error;
    throw new NoConfiguration(
      `${url} cannot be fetched: ${printable(messageOf(error))}${cause ? ` (${printable(messageOf(cause))})` : ""}`,
    );
  }
  // An Envoy prints {} if it has nothing that matches `?resource=`.
  const document = text.trim() === "{}" ? '{ "configs": [] }' : text;
  const operand = told(readResourceFile(url, Buffer.from(document), { forComparing: true }));
  return operand.dump
    ? { ...operand, dump: asAsked(operand.dump, url, viewOf(operand.configuration, undefined)) }
    : operand;
}

/** Adds what the URL says about which part of a dump this is. The content does not say all of it. */
function asAsked(dump: DumpFacts, url: string, resources: readonly Resource[]): DumpFacts {
  const asked = new URL(url).searchParams;
  return {
    ...dump,
    isOfSomeNames: dump.isOfSomeNames || asked.has("name_regex"),
    cut: asked.has("resource") && asked.has("mask") ? new Set(resources) : dump.cut,
  };
}

/** @throws NoConfiguration */
function told({ resources, problems, notes, dump }: ResourceFile): ComparedConfiguration {
  if (problems.length > 0) throw new NoConfiguration(listed(problems));
  return { ...only(resources.map(({ resource }) => resource)), notes, ...(dump && { dump }) };
}

/**
 * All resources of each type that can be requested without names, and everything that they refer to.
 * @throws NoConfiguration if the server answers for no type
 */
async function fromServer(remote: RemoteOptions): Promise<ComparedConfiguration> {
  const { variant, server, nodeId, timeout: timeoutMs } = remote;
  const types = resourceTypes().filter(
    ({ emptyIsWildcard, service }) => emptyIsWildcard && (variant === "delta" ? service?.delta : service?.stream),
  );
  const wanted = new Map(types.map(({ typeUrl }) => [typeUrl, ["*"]]));
  let atEnd: string | undefined;
  const client = await connect(remote, { onStreamClosed: ({ status }) => (atEnd ??= wordsAtEnd(status)) });
  let fetched: Fetched;
  try {
    fetched = await fetchResources(client, wanted, { follow: true, timeoutMs });
  } finally {
    await client.close();
  }
  const silent = fetched.unanswered.filter(({ name }) => name === "*");
  if (silent.length === types.length) {
    const [{ reason } = { reason: "" }] = silent;
    const words = [reason, ...(atEnd && !reason.includes(" status ") ? [atEnd] : []), adviceOnNoAnswer(nodeId)];
    throw new NoConfiguration(`${server} did not answer for any type: ${words.join("; ")}`);
  }
  return { ...only(fetched.resources), ...unansweredBy(server, fetched.unanswered) };
}

function unansweredBy(server: string, unanswered: readonly Unavailable[]): Pick<ComparedConfiguration, "unanswered"> {
  if (unanswered.length === 0) return {};
  const reasons = new Map<string, ResourceType[]>();
  for (const { type, name, reason } of unanswered)
    if (name === "*") reasons.set(reason, [...(reasons.get(reason) ?? []), type]);
  const keys = unanswered.map(({ type, name }) => (name === "*" ? type.typeUrl : `${type.typeUrl} ${name}`));
  // Types that are requested only by name get their names from the types that refer to them.
  const byName = resourceTypes().filter(
    ({ typeUrl, emptyIsWildcard }) => !emptyIsWildcard && referrerTypes[typeUrl]?.some((from) => keys.includes(from)),
  );
  return { unanswered: { server, reasons, keys: new Set([...keys, ...byName.map(({ typeUrl }) => typeUrl)]) } };
}

function listed(problems: readonly Problem[]): string {
  return problems.slice(0, 100).map(formatProblem).join("\n");
}
