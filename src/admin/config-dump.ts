import { create, type DescMessage, type JsonObject } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { messageJson } from "../resource/resource-json.js";
import { resourceType } from "../resource/types.js";
import { clientStatus } from "../server/client-config.js";
import { type DumpForm, type DumpRow, dumpForms, dumpList, genericForm, timestamp } from "../server/config-dumps.js";
import type { TypeResources } from "../server/node-resources.js";
import { redacted } from "../server/redact.js";
import type { XdsServer } from "../server/xds-server.js";
import type { SnapshotGroups } from "./groups.js";

/** The parameters of `/config_dump`; `include_eds` is Envoy's, and endpoints are always there. */
export const dumpParameters = ["node", "state", "group", "name_regex", "resource", "include_eds"];

/**
 * An `envoy.admin.v3.ConfigDump` as Envoy's own admin prints it, in pieces: what a group is served (by default that of all nodes), or what
 * a node has ACKed or is served. What the API marks as sensitive is not shown.
 * @throws XdsError INVALID_REQUEST, NO_CONFIGURATION, UNKNOWN_NODE
 */
export async function configDump(
  server: XdsServer,
  groups: SnapshotGroups | undefined,
  defaultGroup: string | undefined,
  query: URLSearchParams,
): Promise<Iterable<string>> {
  const node = query.get("node");
  const state = query.get("state") ?? "acked";
  if (state !== "acked" && state !== "served")
    throw new XdsError("INVALID_REQUEST", `state is acked or served, not ${JSON.stringify(state)}`);
  if (node === null && query.has("state")) throw new XdsError("INVALID_REQUEST", "state needs node=<id>");
  if (node !== null && query.has("group")) throw new XdsError("INVALID_REQUEST", "give node or group, not both");
  const types = node === null ? ofGroup(groups, query.get("group") ?? defaultGroup) : server.nodeResources(node, state);
  if (!types)
    throw new XdsError("UNKNOWN_NODE", `no connected node has the id ${JSON.stringify(node)}; /clients lists them`);
  const list = query.get("resource");
  const kinds = [...Object.values(dumpForms), genericForm].map(({ list: name }) => snakeCase(name));
  if (list !== null && !kinds.includes(list))
    throw new XdsError("INVALID_REQUEST", `resource is one of ${kinds.join(", ")}, not ${JSON.stringify(list)}`);
  return pieces(types, await nameTest(query.get("name_regex")), list ?? undefined);
}

function ofGroup(groups: SnapshotGroups | undefined, group: string | undefined): TypeResources[] {
  if (!groups)
    throw new XdsError("INVALID_REQUEST", "this server's cache has no groups; node=<id> shows what a node has");
  const all = groups.keys();
  const some = all.slice(0, mostGroups).map((key) => JSON.stringify(key));
  const known = `there are ${some.join(", ") || "none yet"}${all.length > mostGroups ? ", …" : ""}`;
  if (group === undefined) throw new XdsError("INVALID_REQUEST", `give group=<group> or node=<id>; groups: ${known}`);
  const snapshot = groups.get(group);
  if (!snapshot)
    throw new XdsError(
      "NO_CONFIGURATION",
      `no group ${JSON.stringify(group)} has a configuration of its own; ${known}`,
    );
  const types = snapshot.typeUrls().map((typeUrl) => ({
    typeUrl,
    version: snapshot.ownVersion(typeUrl) ?? "",
    updatedAt: 0,
    resources: new Map([...snapshot.resources(typeUrl).values()].map((resource) => [resource.name, resource])),
    nack: undefined,
    refused: new Set<string>(),
  }));
  return types.sort((a, b) => resourceType(a.typeUrl).order - resourceType(b.typeUrl).order);
}

/** More than these help nobody. */
const mostGroups = 20;

/** What a whole name has to match. Loaded here: few ask by it. */
async function nameTest(pattern: string | null): Promise<((name: string) => boolean) | undefined> {
  if (pattern === null) return undefined;
  const { Expressions } = await import("../server/expressions.js");
  const refuse = (why: string, cause: unknown) => new XdsError("INVALID_REQUEST", `name_regex: ${why}`, { cause });
  return new Expressions().test(pattern, refuse);
}

const atType = (name: string) => `type.googleapis.com/${name}`;
const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `list`: only the entries of the lists of this name, not the messages that have them, as Envoy's `resource=`. */
function* pieces(
  types: readonly TypeResources[],
  isNamed: ((name: string) => boolean) | undefined,
  list: string | undefined,
): Iterable<string> {
  yield '{\n "configs": [';
  let separator = "";
  for (const type of types) {
    const form = dumpForms[type.typeUrl] ?? genericForm;
    const { schema, field, entry: entrySchema } = dumpList(form);
    if (list !== undefined && list !== field.name) continue;
    const resources: [string, Resource | undefined][] = [];
    for (const resource of type.resources) {
      if (!isNamed || isNamed(resource[0])) resources.push(resource);
      if (isNamed) yield ""; // others may have their turn
    }
    if (resources.length === 0) continue;
    if (list === undefined) {
      const hasVersion = schema.field.versionInfo !== undefined;
      const version = hasVersion && type.version !== "" ? `\n   "version_info": ${JSON.stringify(type.version)},` : "";
      yield `${separator}\n  {\n   "@type": ${JSON.stringify(atType(form.message))},${version}\n   ${JSON.stringify(field.name)}: [`;
      separator = "";
    }
    for (const [name, resource] of resources) {
      const json = entryJson(entrySchema, form, type, name, resource);
      const shown = list === undefined ? json : { "@type": atType(entrySchema.typeName), ...json };
      yield `${separator}\n${indented(shown, list === undefined ? "    " : "  ")}`;
      separator = ",";
    }
    if (list === undefined) yield "\n   ]\n  }";
    separator = ",";
  }
  yield "\n ]\n}\n";
}

const indented = (json: JsonObject, by: string) => by + JSON.stringify(json, undefined, 1).replaceAll("\n", `\n${by}`);

function entryJson(
  schema: DescMessage,
  form: DumpForm,
  { typeUrl, updatedAt, nack, refused }: TypeResources,
  ...[name, resource]: [string, Resource | undefined]
): JsonObject {
  const isRefused = nack !== undefined && refused.has(name);
  const error = resource?.error?.message;
  const lastUpdated = timestamp(updatedAt);
  const row: DumpRow = {
    name,
    version: resource?.version ?? "",
    config: undefined,
    lastUpdated: resource && lastUpdated,
    common: {
      lastUpdated: resource && lastUpdated,
      clientStatus: isRefused ? clientStatus.NACKED : updatedAt > 0 ? clientStatus.ACKED : 0,
      errorState: isRefused
        ? { lastUpdateAttempt: timestamp(nack.at), details: nack.message, versionInfo: nack.version }
        : error === undefined
          ? undefined
          : { details: error },
    },
  };
  const json = (of: DumpRow) => messageJson(schema, create(schema, form.entry(of, typeUrl)));
  try {
    return json({ ...row, config: resource && !resource.error ? redacted(resource) : undefined });
  } catch (cause) {
    const details = `its content cannot be written as JSON: ${messageOf(cause)}`;
    return json({ ...row, common: { ...row.common, errorState: { details } } });
  }
}
