import { clusterType, listenerType, secretType } from "../resource/types.js";
import type { PathStep } from "./problem.js";
import { isType } from "./resource-reader.js";
import { valueAt, type YamlEntry, type YamlMap, type YamlNode } from "./yaml.js";

/** One kind of document that holds resources, beside the single resource with its `@type`. */
export interface DocumentKind {
  /** The full name of its message, by which an `@type` tells it. */
  readonly message: string;
  /** Without an `@type` any of these keys tells it. */
  readonly keys: readonly string[];
  /** Where resources are in it. Of those of one type and name the first is served. */
  readonly parts: readonly Part[];
  /** It is what an Envoy has by itself, of which not everything can be served; and where its bootstrap is in that. */
  readonly bootstrap?: Way;
}

/** A place in documents of a kind. */
export interface Part {
  readonly way: Way;
  /** The type URL of what is there, where it has no `@type`. */
  readonly type?: string;
  /** Why it is not served. */
  readonly leftOut?: string;
}

/** Steps from a document into it: to a field, as the API spells it; to each element of a list; on, if a condition holds. */
export type Way = readonly (string | typeof each | ((node: YamlNode) => boolean))[];

export const each = Symbol("each element");

const ofType = (typeName: string) => (node: YamlNode) => {
  const type = valueAt(node, "@type");
  return type !== undefined && isType(type, typeName);
};

/** A place in a configuration dump: in the element of `configs` of this type. */
const dump = (type: string, ...steps: Way): Way => ["configs", each, ofType(`envoy.admin.v3.${type}`), ...steps];

/** The lists of a configuration dump whose elements tell an update that the Envoy refused. */
const updated: readonly [type: string, list: string][] = [
  ["ClustersConfigDump", "dynamic_active_clusters"],
  ["ClustersConfigDump", "dynamic_warming_clusters"],
  ["EndpointsConfigDump", "dynamic_endpoint_configs"],
  ["ListenersConfigDump", "dynamic_listeners"],
  ["ScopedRoutesConfigDump", "dynamic_scoped_route_configs"],
  ["RoutesConfigDump", "dynamic_route_configs"],
  ["SecretsConfigDump", "dynamic_active_secrets"],
  ["SecretsConfigDump", "dynamic_warming_secrets"],
  ["EcdsConfigDump", "ecds_filters"],
];
const dumped = new Set(
  ["BootstrapConfigDump", ...updated.map(([type]) => type)].map((name) => `envoy.admin.v3.${name}`),
);

/** The kind of what an Envoy, or the admin port of this program, tells at `/config_dump`. */
export const dumpMessage = "envoy.admin.v3.ConfigDump";

/** Every kind that is read, in the order in which they are looked for. */
export const documentKinds: readonly DocumentKind[] = [
  {
    message: "envoy.service.discovery.v3.DiscoveryResponse",
    keys: ["resources"],
    parts: [{ way: ["resources", each] }],
  },
  {
    message: "envoy.config.bootstrap.v3.Bootstrap",
    keys: ["static_resources", "dynamic_resources", "admin", "node"],
    parts: [
      { way: ["static_resources", "clusters", each], type: clusterType },
      { way: ["static_resources", "listeners", each], type: listenerType },
      { way: ["static_resources", "secrets", each], type: secretType },
    ],
    bootstrap: [],
  },
  {
    message: dumpMessage,
    keys: ["configs"],
    // What is in use comes before what was to take its place. What is inline in a listener or a cluster is not a part.
    parts: [
      { way: dump("ClustersConfigDump", "static_clusters", each, "cluster") },
      { way: dump("ClustersConfigDump", "dynamic_active_clusters", each, "cluster") },
      { way: dump("ClustersConfigDump", "dynamic_warming_clusters", each, "cluster") },
      { way: dump("EndpointsConfigDump", "static_endpoint_configs", each, "endpoint_config") },
      { way: dump("EndpointsConfigDump", "dynamic_endpoint_configs", each, "endpoint_config") },
      { way: dump("ListenersConfigDump", "static_listeners", each, "listener") },
      { way: dump("ListenersConfigDump", "dynamic_listeners", each, "active_state", "listener") },
      { way: dump("ListenersConfigDump", "dynamic_listeners", each, "warming_state", "listener") },
      {
        way: dump("ListenersConfigDump", "dynamic_listeners", each, "draining_state"),
        leftOut: "the Envoy was draining it",
      },
      {
        way: dump("ScopedRoutesConfigDump", "dynamic_scoped_route_configs", each, "scoped_route_configs", each),
      },
      { way: dump("RoutesConfigDump", "dynamic_route_configs", each, "route_config") },
      { way: dump("SecretsConfigDump", "static_secrets", each, "secret") },
      { way: dump("SecretsConfigDump", "dynamic_active_secrets", each, "secret") },
      { way: dump("SecretsConfigDump", "dynamic_warming_secrets", each, "secret") },
      { way: dump("EcdsConfigDump", "ecds_filters", each, "ecds_filter") },
      ...updated.map(([type, list]) => ({
        way: dump(type, list, each, "error_state"),
        leftOut: "the Envoy refused this update",
      })),
      { way: dump("BootstrapConfigDump"), leftOut: "it is the Envoy's own file" },
      {
        way: ["configs", each, (node) => ![...dumped].some((name) => ofType(name)(node))],
        leftOut: "nothing of its type can be served",
      },
    ],
    bootstrap: dump("BootstrapConfigDump", "bootstrap"),
  },
];

/** The kind that a document is of, if it is of one. */
export function kindOf(document: YamlNode): DocumentKind | undefined {
  const type = valueAt(document, "@type");
  if (type) return documentKinds.find(({ message }) => isType(type, message));
  return documentKinds.find(({ keys }) => keys.some((key) => valueAt(document, ...spellings(key))));
}

/** A value in a document. */
export interface Found {
  readonly node: YamlNode;
  /** The object or list that it is in; undefined: it is the document. */
  readonly parent?: YamlNode;
  readonly steps: readonly PathStep[];
}

/** What a way leads to. */
export function follow(node: YamlNode, way: Way): Found[] {
  let found: Found[] = [{ node, steps: [] }];
  for (const step of way) found = found.flatMap((from) => next(from, step));
  return found;
}

function next({ node, steps }: Found, step: Way[number]): Found[] {
  if (step === each)
    return node.kind === "list"
      ? node.items.map((item, index) => ({ node: item, parent: node, steps: [...steps, index] }))
      : [];
  if (typeof step === "function") return step(node) ? [{ node, steps }] : [];
  const entry = entryOf(node, step);
  return entry ? [{ node: entry.value, parent: node, steps: [...steps, entry.key] }] : [];
}

/** The document without the lists that its parts are elements of. */
export function withoutParts(document: YamlMap, { parts }: DocumentKind): YamlMap {
  return parts.reduce((rest, { way }) => withoutList(rest, way), document);
}

function withoutList(map: YamlMap, [step, ...rest]: Way): YamlMap {
  const entry = typeof step === "string" ? entryOf(map, step) : undefined;
  const { value } = entry ?? {};
  const others = map.entries.filter((other) => other !== entry);
  if (entry && value?.kind === "list" && rest[0] === each) return { ...map, entries: others };
  if (!entry || value?.kind !== "map") return map;
  return { ...map, entries: [...others, { ...entry, value: withoutList(value, rest) }] };
}

const entryOf = (node: YamlNode, field: string): YamlEntry | undefined =>
  node.kind === "map" ? node.entries.find(({ key }) => spellings(field).includes(key)) : undefined;

/** A field's name in the proto file, and in lowerCamelCase. */
export const spellings = (field: string): [string, string] => [
  field,
  field.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
];
