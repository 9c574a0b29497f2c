import { create, type DescMessage, type JsonObject } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { messageJson } from "../resource/resource-json.js";
import type { XdsApi } from "../resource/xds-api.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { clientStatus } from "../server/csds/client-config.js";
import {
  type DumpForm,
  type DumpRow,
  dumpForms,
  dumpList,
  genericForm,
  timestamp,
} from "../server/csds/config-dumps.js";
import { redacted } from "../server/csds/redact.js";
import type { TypeResources } from "../server/status/node-resources.js";
import type { XdsServer } from "../server/xds-server.js";
import type { SnapshotGroups } from "./groups.js";

/** The parameters of `/config_dump`. `include_eds` is accepted as in Envoy, but endpoints are always included. */
export const dumpParameters = ["node", "state", "group", "name_regex", "resource", "include_eds"];

/**
 * An `envoy.admin.v3.ConfigDump` as JSON, in pieces, in the form of Envoy's own admin port. It shows what a group is
 * served (by default `defaultGroup`), or what a node has ACKed or is served. Content that the API marks as sensitive is
 * not shown.
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
    throw new XdsError("INVALID_REQUEST", `state must be acked or served, is ${JSON.stringify(state)}`);
  if (node === null && query.has("state")) throw new XdsError("INVALID_REQUEST", "state needs node=<id>");
  if (node !== null && query.has("group")) throw new XdsError("INVALID_REQUEST", "give node or group, not both");
  const types =
    node === null
      ? ofGroup(groups, query.get("group") ?? defaultGroup)
      : server.nodes(({ id }) => id === node)[0]?.resources(state);
  if (!types)
    throw new XdsError("UNKNOWN_NODE", `no connected node has the id ${JSON.stringify(node)}; /clients lists them`);
  const list = query.get("resource");
  const kinds = [...Object.values(dumpForms), genericForm].map(({ list: name }) => snakeCase(name));
  if (list !== null && !kinds.includes(list))
    throw new XdsError("INVALID_REQUEST", `resource must be one of ${kinds.join(", ")}, is ${JSON.stringify(list)}`);
  return dumpPieces(server.api, types, await nameTest(query.get("name_regex")), list ?? undefined);
}

function ofGroup(groups: SnapshotGroups | undefined, group: string | undefined): TypeResources[] {
  if (!groups)
    throw new XdsError("INVALID_REQUEST", "this server's cache has no groups; node=<id> shows what a node has");
  const all = groups.keys();
  const some = all.slice(0, mostGroups).map((key) => JSON.stringify(key));
  const known = `groups: ${some.join(", ") || "none yet"}${all.length > mostGroups ? ", …" : ""}`;
  if (group === undefined) throw new XdsError("INVALID_REQUEST", `give group=<group> or node=<id>; ${known}`);
  const snapshot = groups.get(group);
  if (!snapshot)
    throw new XdsError(
      "NO_CONFIGURATION",
      `no group ${JSON.stringify(group)} has a configuration of its own; ${known}`,
    );
  const types = snapshot.types().sort((a, b) => a.order - b.order);
  return types.map(({ typeUrl }) => ({
    typeUrl,
    version: snapshot.ownVersion(typeUrl) ?? "",
    updatedAt: 0,
    resources: new Map([...snapshot.resources(typeUrl).values()].map((resource) => [resource.name, resource])),
    nack: undefined,
    refused: new Set<string>(),
  }));
}

/** The most groups that an error message lists. */
const mostGroups = 20;

/**
 * A test whether a whole name matches a pattern. The engine is loaded only here, because few requests have a pattern.
 */
async function nameTest(pattern: string | null): Promise<((name: string) => boolean) | undefined> {
  if (pattern === null) return undefined;
  const { Expressions } = await import("../server/csds/expressions.js");
  const refuse = (why: string) => new XdsError("INVALID_REQUEST", `name_regex: ${why}`);
  return new Expressions().test(pattern, refuse);
}

const atType = (name: string) => `type.googleapis.com/${name}`;
const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The JSON of a dump, in pieces. `list` selects the entries of the lists with this name, without the messages around
 * them, as Envoy's `resource=` does. A dump without `list` and `matchesName` has the list of every type with a form of
 * its own, even if it is empty. So a missing list shows that the dump is only a part.
 */
function* dumpPieces(
  api: XdsApi,
  found: readonly TypeResources[],
  matchesName: ((name: string) => boolean) | undefined,
  list: string | undefined,
): Iterable<string> {
  yield '{\n "configs": [';
  let separator = "";
  const isWhole = list === undefined && matchesName === undefined;
  const types = isWhole ? withEmptyTypes(found, api) : found;
  for (const type of types) {
    const form = dumpForms[type.typeUrl] ?? genericForm;
    const { schema, field, entry: entrySchema } = dumpList(form, api.registry);
    if (list !== undefined && list !== field.name) continue;
    const resources: [string, Resource | undefined][] = [];
    for (const resource of type.resources) {
      if (!matchesName || matchesName(resource[0])) resources.push(resource);
      if (matchesName) yield ""; // a place to pause
    }
    if (resources.length === 0 && !(isWhole && form !== genericForm)) continue;
    if (list === undefined) {
      const hasVersion = schema.field.versionInfo !== undefined;
      const version = hasVersion && type.version !== "" ? `\n   "version_info": ${JSON.stringify(type.version)},` : "";
      yield `${separator}\n  {\n   "@type": ${JSON.stringify(atType(form.message))},${version}\n   ${JSON.stringify(field.name)}: [`;
      separator = "";
    }
    for (const [name, resource] of resources) {
      const json = entryJson(api.registry, entrySchema, form, type, name, resource);
      const shown = list === undefined ? json : { "@type": atType(entrySchema.typeName), ...json };
      yield `${separator}\n${indented(shown, list === undefined ? "    " : "  ")}`;
      separator = ",";
    }
    if (list === undefined) yield "\n   ]\n  }";
    separator = ",";
  }
  yield "\n ]\n}\n";
}

/** The types, and empty ones for all other types with a form of their own, in the order of the table of types. */
function withEmptyTypes(types: readonly TypeResources[], api: XdsApi): TypeResources[] {
  const empty = Object.keys(dumpForms)
    .filter((typeUrl) => !types.some((type) => type.typeUrl === typeUrl))
    .map((typeUrl) => ({
      typeUrl,
      version: "",
      updatedAt: 0,
      resources: new Map(),
      nack: undefined,
      refused: new Set<string>(),
    }));
  const orderOf = ({ typeUrl }: TypeResources) => api.findResourceType(typeUrl)?.order ?? Number.POSITIVE_INFINITY;
  return [...types, ...empty].sort((a, b) => orderOf(a) - orderOf(b));
}

const indented = (json: JsonObject, by: string) => by + JSON.stringify(json, undefined, 1).replaceAll("\n", `\n${by}`);

function entryJson(
  registry: SchemaRegistry,
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
  const json = (dumpRow: DumpRow) => messageJson(schema, create(schema, form.entry(dumpRow, typeUrl)), registry);
  try {
    return json({ ...row, config: resource && !resource.error ? redacted(resource, registry) : undefined });
  } catch (cause) {
    const details = `its content cannot be written as JSON: ${messageOf(cause)}`;
    return json({ ...row, common: { ...row.common, errorState: { details } } });
  }
}
