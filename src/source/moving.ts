import type { JsonObject } from "@bufbuild/protobuf";
import { clusterType, endpointType, findResourceType, listenerType, secretType } from "../resource/types.js";
import { redactions } from "../schema/sensitive.js";
import { type DocumentKind, type Found, follow, type Part, spellings } from "./document-kinds.js";
import type { Rewrites, Tell } from "./message-json.js";
import { type Fault, formatPath } from "./problem.js";
import { scalar, valueAt, type YamlEntry, type YamlMap, type YamlNode } from "./yaml.js";

/** A resource in an Envoy's own configuration. */
interface Candidate extends Found {
  readonly part: Part;
  readonly typeUrl: string;
  /** "": it has none. */
  readonly name: string;
  /** The `version_info` that a dump has beside it; "": none. */
  readonly version: string;
}

/**
 * What of an Envoy's own configuration can be served, and a note for each thing that is left out or made otherwise. `keepRedacted`: also
 * what has secrets that the Envoy did not tell, which is for comparing only.
 */
export function moved(
  document: YamlMap,
  kind: DocumentKind,
  keepRedacted: boolean,
): { resources: readonly Candidate[]; notes: Fault[] } {
  const candidates = kind.parts.flatMap((part) => follow(document, part.way).map((found) => candidate(found, part)));
  const own = ownClusters(document, kind, candidates);
  const taken = new Set<string>();
  const notes = uncovered(document, kind);
  const note = ({ node, steps }: Found, message: string) =>
    notes.push({ at: node.at, path: formatPath(steps), message });
  const resources: Candidate[] = [];
  for (const each of candidates) {
    const [, reason] = reasons.find(([holds]) => holds(each, own, taken, keepRedacted)) ?? [];
    const leftOut = each.part.leftOut ?? reason;
    if (leftOut !== undefined) note(each, `left out: ${leftOut}`);
    else {
      const served = named(each);
      if (served !== each) note(each, `has no name to be asked for by; it is served as ${JSON.stringify(served.name)}`);
      taken.add(keyOf(served));
      resources.push(served);
    }
  }
  return { resources, notes };
}

/** What is made of the messages in a resource of a type, so that it says by itself what it said in the Envoy. */
export const movedRewrites = (typeUrl: string): Rewrites => (typeUrl === endpointType ? ofEndpoints : ofOthers);

/** Secrets are referred to by nothing but their names. Once they are served, they have to be asked for. */
const ofOthers: Rewrites = new Map([
  [
    "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig",
    (json) => {
      const isStatic = json.sdsConfig === undefined && typeof json.name === "string" && !/^$|^xdstp:/.test(json.name);
      return isStatic ? { ...json, sdsConfig: { ads: {}, resourceApiVersion: "V3" } } : json;
    },
  ],
]);

/** An Envoy dumps endpoints as it has them at the moment, not as it was told. */
const ofEndpoints: Rewrites = new Map<string, (json: JsonObject, tell: Tell) => JsonObject>([
  [
    "envoy.config.endpoint.v3.LocalityLbEndpoints",
    // 0 stands for none, which it would not take back.
    ({ loadBalancingWeight: weight = 0, ...json }) =>
      Number(weight) > 0 ? { ...json, loadBalancingWeight: weight } : json,
  ],
  [
    "envoy.config.endpoint.v3.LbEndpoint",
    (json, tell) => {
      const { healthStatus: health = "HEALTHY" } = json;
      const advice = "remove this if its own checks had found that";
      if (health !== "HEALTHY")
        tell("note", "health_status", `served as ${health}, as it was for the Envoy; ${advice}`);
      return json;
    },
  ],
]);

/** Why a resource stays with the Envoy, or is lost. */
const reasons: readonly (readonly [
  holds: (candidate: Candidate, own: ReadonlySet<string>, taken: ReadonlySet<string>, keepRedacted: boolean) => boolean,
  reason: string,
])[] = [
  [
    ({ typeUrl, name }, own) => typeUrl === clusterType && own.has(name),
    "the Envoy needs this cluster before it is served any; keep it in the Envoy's own file",
  ],
  [
    ({ typeUrl, node }) => typeUrl === listenerType && valueAt(node, ...spellings("api_listener")) !== undefined,
    "Envoy takes an api_listener from its own file only; keep it there",
  ],
  [
    ({ node }, _own, _taken, keepRedacted) => !keepRedacted && isRedacted(node),
    'it holds a secret that the Envoy did not tell ("[redacted]"); write it into a file of its own',
  ],
  [
    ({ typeUrl, node }) =>
      typeUrl === secretType && node.kind === "map" && node.entries.every(({ key }) => ["@type", "name"].includes(key)),
    "the Envoy had not got it yet",
  ],
  [(candidate, _, taken) => taken.has(keyOf(candidate)), "one of its name comes before it"],
];

const keyOf = ({ typeUrl, name }: Candidate) => `${typeUrl} ${name}`;

function candidate({ node, parent, steps }: Found, part: Part): Candidate {
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
    node,
    steps,
    part,
    typeUrl,
    name: name?.kind === "scalar" ? name.text : "",
    version: version?.kind === "scalar" ? version.text : "",
  };
}

/** A static listener needs no name; one that is served does. */
function named(from: Candidate): Candidate {
  const { node, typeUrl } = from;
  if (typeUrl !== listenerType || from.name !== "" || node.kind !== "map") return from;
  const address = valueAt(node, "address");
  const socket = valueAt(address, ...spellings("socket_address"));
  const parts = [
    valueAt(socket, "address"),
    valueAt(socket, ...spellings("port_value")),
    valueAt(valueAt(address, "pipe"), "path"),
  ];
  const name = parts.flatMap((part) => (part?.kind === "scalar" ? [part.text] : [])).join("_");
  if (name === "") return from; // Reading it tells that it has no name.
  const entries = node.entries.filter(({ key }) => key !== "name");
  const value = scalar(node.at, name);
  return { ...from, name, node: { ...node, entries: [...entries, { key: "name", at: node.at, value }] } };
}

/**
 * The clusters that an Envoy needs to start with: those that its bootstrap names outside of what is served, such as that of its
 * management server, and those of configuration sources wherever they are, which Envoy takes from its bootstrap only.
 */
function ownClusters(
  document: YamlMap,
  { bootstrap = [] }: DocumentKind,
  candidates: readonly Candidate[],
): ReadonlySet<string> {
  const served = [...spellings("static_resources"), "node"];
  const outside = follow(document, bootstrap)
    .flatMap(({ node }) => (node.kind === "map" ? node.entries : []))
    .filter(({ key }) => !served.includes(key));
  const sources = candidates
    .flatMap(({ node }) => [...entriesIn(node)])
    .filter(({ key }) => spellings("api_config_source").includes(key));
  return new Set([...outside, ...sources].flatMap(({ value }) => [...clusterNamesIn(value)]));
}

/** The texts in all fields that are called after a cluster: `cluster`, `cluster_name`, `collector_cluster`, … */
function* clusterNamesIn(node: YamlNode): Iterable<string> {
  for (const { key, value } of entriesIn(node))
    if (/cluster/i.test(key))
      for (const name of value.kind === "list" ? value.items : [value]) if (name.kind === "scalar") yield name.text;
}

/** Whether something in it is a secret that the Envoy did not tell. */
export const isRedacted = (node: YamlNode) =>
  [...entriesIn(node)].some(({ value }) => value.kind === "scalar" && redactions.has(value.text));

/** All that is in a value, and in what is in it; each once, though aliases repeat it. */
function* entriesIn(node: YamlNode): Iterable<YamlEntry> {
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

/** A note for each part of the document that no resource is in. */
function uncovered(document: YamlMap, { parts }: DocumentKind): Fault[] {
  const covered = new Set([
    "@type",
    ...parts.flatMap(({ way: [step] }) => (typeof step === "string" ? spellings(step) : [])),
  ]);
  return document.entries
    .filter(({ key }) => !covered.has(key))
    .map(({ key, at }) => ({
      at,
      path: key,
      message: "left out: it cannot be served; keep it in the Envoy's own file",
    }));
}
