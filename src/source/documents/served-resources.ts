import type { JsonObject } from "@bufbuild/protobuf";
import type { Rewrites, Tell } from "../../json/message-json.js";
import { findResourceType } from "../../resource/default-api.js";
import { clusterType, endpointType, listenerType, secretType } from "../../resource/types.js";
import { redactions } from "../../schema/sensitive.js";
import { type Fault, formatPath, type LeftOut } from "../files/problem.js";
import { contentOf, scalar, valueAt, type YamlEntry, type YamlNode } from "../yaml/yaml.js";
import type { DocumentKind, EnvoysOwn, Part } from "./document-kinds.js";
import { type FoundNode, nodesAt, spellings } from "./document-path.js";

/** A resource in an Envoy's own configuration. */
export interface FoundResource extends FoundNode {
  readonly part: Part;
  readonly typeUrl: string;
  /** The name, or "" if there is none. */
  readonly name: string;
  /** The `version_info` beside it in a dump, or "". */
  readonly version: string;
}

/**
 * The resources of an Envoy's own configuration that can be served, and a note for each part that is left out or
 * changed. With `keepRedacted`, resources with redacted secrets are included; they are only for comparisons.
 */
export function servedResources(
  document: YamlNode,
  { parts, own }: DocumentKind & { readonly own: EnvoysOwn },
  keepRedacted: boolean,
): {
  resources: readonly FoundResource[];
  leftOut: readonly FoundResource[];
  notes: Fault[];
  faults: readonly Fault[];
} {
  const candidates = parts.flatMap((part) => nodesAt(document, part.path).map((found) => candidate(found, part)));
  const needed = ownClusters(document, own, candidates);
  const stays = own.sections ? "in the Envoy's own file" : "in the bootstrap (`xds bootstrap --from` keeps it)";
  const taken = new Set<string>();
  const names = new ListenerNames(candidates);
  const notes = uncovered(document, parts, own);
  const note = ({ node, steps }: FoundNode, message: string, leftOut?: LeftOut) =>
    notes.push({ at: node.at, path: formatPath(steps), message, ...(leftOut && { leftOut }) });
  const resources: FoundResource[] = [];
  const left: FoundResource[] = [];
  const faults: Fault[] = [];
  const isFile = own.sections === undefined;
  const first = new Map<string, FoundResource>();
  for (const each of candidates) {
    const [, reason] = reasons.find(([holds]) => holds(each, needed, taken, keepRedacted)) ?? [];
    const why = each.part.leftOut ?? (typeof reason === "function" ? reason(each, needed, stays) : reason);
    const other = first.get(keyOf(each)) ?? each;
    first.set(keyOf(each), other);
    if (other !== each && isFile && areRefused(each, other)) {
      const message = `${JSON.stringify(each.name)} is also the name of ${formatPath(other.steps)}, and Envoy refuses two with the same name; rename or remove one`;
      faults.push({ at: each.node.at, path: formatPath(each.steps), message });
    } else if (why !== undefined) {
      const { typeUrl, name, node } = each;
      const kind = typeUrl === clusterType ? "cluster" : "listener";
      const what = typeof reason === "function" ? `${kind} ${JSON.stringify(name)} is not served` : "left out";
      note(each, `${what}: ${why}`, { ...(name && { resource: { typeUrl, name } }), why, content: contentOf(node) });
      left.push(each);
    } else {
      const served = names.named(each);
      if (served !== each) note(each, `has no name; it is served with the name ${JSON.stringify(served.name)}`);
      taken.add(keyOf(served));
      resources.push(served);
    }
  }
  return { resources, leftOut: left, notes, faults };
}

/** The rewrites of messages in a resource of a type, so that the served resource means the same as in the Envoy. */
export const servedRewrites = (typeUrl: string): Rewrites => ({
  of: typeUrl === endpointType ? ofEndpoints : ofOthers,
});

/** A reference to a static secret is only its name. The secret is served, so the reference needs a source. */
const ofOthers: Rewrites["of"] = new Map([
  [
    "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig",
    (json) => {
      const isStatic = json.sdsConfig === undefined && typeof json.name === "string" && !/^$|^xdstp:/.test(json.name);
      return isStatic ? { ...json, sdsConfig: { ads: {}, resourceApiVersion: "V3" } } : json;
    },
  ],
]);

/** An Envoy's dump has the current state of endpoints, not the endpoints that the Envoy received. */
const ofEndpoints: Rewrites["of"] = new Map<string, (json: JsonObject, tell: Tell) => JsonObject>([
  [
    "envoy.config.endpoint.v3.LocalityLbEndpoints",
    // In a dump, 0 means no weight. An Envoy refuses the weight 0.
    ({ loadBalancingWeight: weight = 0, ...json }) =>
      Number(weight) > 0 ? { ...json, loadBalancingWeight: weight } : json,
  ],
  [
    "envoy.config.endpoint.v3.LbEndpoint",
    (json, tell) => {
      const { healthStatus: health = "HEALTHY" } = json;
      const advice = "remove this if the Envoy's own health checks had found that";
      if (health !== "HEALTHY") tell("note", "health_status", `served as ${health}, the state in the dump; ${advice}`);
      return json;
    },
  ],
]);

/** Why a resource is not served. */
const reasons: readonly (readonly [
  holds: (
    candidate: FoundResource,
    needed: ReadonlyMap<string, string>,
    taken: ReadonlySet<string>,
    keepRedacted: boolean,
  ) => boolean,
  reason: string | ((candidate: FoundResource, needed: ReadonlyMap<string, string>, stays: string) => string),
])[] = [
  [
    ({ typeUrl, name }, needed) => typeUrl === clusterType && needed.has(name),
    ({ name }, needed, stays) => `\`${needed.get(name)}\` names it, so it must stay ${stays}`,
  ],
  [
    ({ typeUrl, node }) => typeUrl === listenerType && valueAt(node, ...spellings("api_listener")) !== undefined,
    (_candidate, _needed, stays) => `Envoy accepts an api_listener only from its own file, so it must stay ${stays}`,
  ],
  [
    ({ node }, _needed, _taken, keepRedacted) => !keepRedacted && isRedacted(node),
    'it holds a secret that the Envoy has hidden ("[redacted]"); write it into a separate file',
  ],
  [
    ({ typeUrl, node }) =>
      typeUrl === secretType && node.kind === "map" && node.entries.every(({ key }) => ["@type", "name"].includes(key)),
    "the Envoy had not received it yet",
  ],
  [
    ({ typeUrl, name }, _needed, _taken, keepRedacted) => keepRedacted && name === "" && typeUrl !== listenerType,
    "the dump does not have its name",
  ],
  [(candidate, _, taken) => taken.has(keyOf(candidate)), "a resource with the same name comes before it"],
];

/** Whether an Envoy refuses to start with both of these, of the same type and name, in its own file. */
function areRefused({ typeUrl, name, node }: FoundResource, other: FoundResource): boolean {
  if (name === "" || typeUrl === clusterType) return name !== "";
  // Secrets of different kinds may have the same name.
  return (
    typeUrl === secretType && fieldsOf(node).some((field) => field !== "name" && fieldsOf(other.node).includes(field))
  );
}

const fieldsOf = (node: YamlNode) =>
  node.kind === "map" ? node.entries.map(({ key }) => spellings(key)[1]).filter((key) => key !== "@type") : [];

const keyOf = ({ typeUrl, name }: FoundResource) => `${typeUrl} ${name}`;

function candidate(found: FoundNode, part: Part): FoundResource {
  const { node, parent } = found;
  const type = valueAt(node, "@type");
  const typeUrl = part.type ?? (type?.kind === "scalar" ? type.text : "");
  const { nameField = "" } = findResourceType(typeUrl) ?? {};
  const name = valueAt(
    node,
    nameField,
    nameField.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );
  const version = valueAt(parent, ...spellings("version_info"));
  return {
    ...found,
    part,
    typeUrl,
    name: name?.kind === "scalar" ? name.text : "",
    version: version?.kind === "scalar" ? version.text : "",
  };
}

/** The address of a listener as a name, or "" if it has no address. */
function addressOf(listener: YamlNode): string {
  const address = valueAt(listener, "address");
  const socket = valueAt(address, ...spellings("socket_address"));
  const protocol = valueAt(socket, "protocol");
  const isUdp = protocol?.kind === "scalar" && /^(?:udp|1)$/i.test(protocol.text);
  return [
    valueAt(socket, "address"),
    valueAt(socket, ...spellings("port_value")),
    valueAt(valueAt(address, "pipe"), "path"),
    isUdp ? scalar(listener.at, "udp") : undefined,
  ]
    .flatMap((part) => (part?.kind === "scalar" ? [part.text] : []))
    .join("_");
}

/** Names for listeners without one. A static listener needs no name, a served one does. */
class ListenerNames {
  private readonly taken: Set<string>;
  /** Address → the last number used for it. */
  private readonly made = new Map<string, number>();

  constructor(candidates: readonly FoundResource[]) {
    this.taken = new Set(candidates.filter(({ typeUrl }) => typeUrl === listenerType).map(({ name }) => name));
  }

  /** The listener with a name. A missing name becomes the address, with a number if that name is taken. */
  named(from: FoundResource): FoundResource {
    const { node, typeUrl } = from;
    if (typeUrl !== listenerType || from.name !== "" || node.kind !== "map") return from;
    const address = addressOf(node);
    if (address === "") return from; // Reading it reports the missing name.
    let number = this.made.get(address) ?? 1;
    let name = number === 1 ? address : `${address}_${number}`;
    while (this.taken.has(name)) name = `${address}_${++number}`;
    this.made.set(address, number);
    this.taken.add(name);
    const value = scalar(node.at, name);
    const entries = [...node.entries.filter(({ key }) => key !== "name"), { key: "name", at: node.at, value }];
    return { ...from, name, node: { ...node, entries } };
  }
}

/**
 * The clusters that an Envoy needs in its own file: clusters that its bootstrap names outside of served resources, such
 * as that of its management server, and clusters of configuration sources anywhere, which Envoy takes only from its
 * bootstrap. Each comes with the field that names it.
 */
export function ownClusters(
  document: YamlNode,
  { bootstrap }: EnvoysOwn,
  candidates: readonly FoundNode[],
): ReadonlyMap<string, string> {
  const served = [...spellings("static_resources"), "node"];
  const outside = nodesAt(document, bootstrap)
    .flatMap(({ node }) => (node.kind === "map" ? node.entries : []))
    .filter(({ key }) => !served.includes(key));
  const sources = candidates
    .flatMap(({ node }) => [...entriesIn(node)])
    .filter(({ key }) => spellings("api_config_source").includes(key));
  // If several fields name a cluster, the last one is kept. dynamic_resources come first, because they may be replaced.
  const isDynamic = ({ key }: YamlEntry) => isReplaced(key);
  const all = [...outside.filter(isDynamic), ...sources, ...outside.filter((entry) => !isDynamic(entry))];
  return new Map(all.flatMap(({ key, value }) => Array.from(clusterNamesIn(value), (name) => [name, key])));
}

/** The texts in all fields that are named after a cluster: `cluster`, `cluster_name`, `collector_cluster`, … */
export function* clusterNamesIn(node: YamlNode): Iterable<string> {
  for (const { key, value } of entriesIn(node))
    if (/cluster/i.test(key))
      for (const name of value.kind === "list" ? value.items : [value]) if (name.kind === "scalar") yield name.text;
}

/** Whether a value contains a redacted secret. */
export const isRedacted = (node: YamlNode) =>
  [...entriesIn(node)].some(({ value }) => value.kind === "scalar" && redactions.has(value.text));

/** All entries of a value, at any depth. Values that aliases repeat are visited once. */
export function* entriesIn(node: YamlNode): Iterable<YamlEntry> {
  const seen = new Set<YamlNode>();
  const open = [node];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.kind === "scalar" || seen.has(next)) continue;
    seen.add(next);
    if (next.kind === "list") for (const item of next.items) open.push(item);
    else
      for (const entry of next.entries) {
        yield entry;
        open.push(entry.value);
      }
  }
}

/** A note for each part of the document without resources. */
function uncovered(document: YamlNode, parts: readonly Part[], { others }: EnvoysOwn): Fault[] {
  if (others === undefined || document.kind !== "map") return [];
  const covered = new Set([
    "@type",
    ...parts.flatMap(({ path: [step] }) => (typeof step === "string" ? spellings(step) : [])),
  ]);
  return document.entries
    .filter(({ key }) => !covered.has(key))
    .map(({ key, at, value }) => {
      const why = isReplaced(key) ? replaced : others;
      return { at, path: key, message: `left out: ${why}`, leftOut: { why, content: contentOf(value) } };
    });
}

/** Whether an Envoy no longer needs a key of its own file when the file is served. */
export const isReplaced = (key: string): boolean => spellings("dynamic_resources").includes(key);
const replaced = "it cannot be served; `xds bootstrap --from` replaces it with this server";
