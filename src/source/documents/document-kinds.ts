import { isType } from "../../json/type-names.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { clusterType, listenerType, secretType } from "../../resource/types.js";
import { valueAt, type YamlMap, type YamlNode } from "../yaml/yaml.js";
import { type DocumentPath, each, eachValue, nodesAt, spellings } from "./document-path.js";

/** One kind of document that holds resources. A single resource is no such document. */
export interface DocumentKind {
  /** The full name of its message, by which an `@type` identifies it. Absent if it is no message. */
  readonly message?: string;
  /** Without an `@type`, any of these keys identifies it. */
  readonly keys?: readonly string[];
  /** Without an `@type`, identifies it by its shape. */
  readonly isOne?: (document: YamlNode) => boolean;
  /** Where its resources are. If several have the same type and name, the first one is served. */
  readonly parts: readonly Part[];
  /** Set for an Envoy's own configuration. Some parts of it cannot be served. */
  readonly own?: EnvoysOwn;
}

/** The other parts of an Envoy's own configuration. */
export interface EnvoysOwn {
  /** The place of the bootstrap in the document. */
  readonly bootstrap: DocumentPath;
  /** The places of the sections of a dump from `/config_dump`. */
  readonly sections?: readonly DocumentPath[];
  /** Why other keys of the document are left out. Absent if they have no configuration. */
  readonly others?: string;
}

/** A place of resources in documents of a kind. */
export interface Part {
  readonly path: DocumentPath;
  /** The type URL of resources there that have no `@type`. */
  readonly type?: string;
  /** Why the resources there are not served, if they are not. */
  readonly leftOut?: string;
}

/**
 * One message of a configuration dump. The order of its parts is the order of preference: active configuration first.
 */
interface Section {
  readonly message: string;
  readonly parts: readonly Part[];
}

/** A list in a section, the message of its elements, and the parts of an element. */
type List = readonly [list: string, entry: string, ...parts: readonly Part[]];

const at = (...path: DocumentPath): Part => ({ path });
const refused: Part = { path: ["error_state"], leftOut: "the Envoy refused this update" };

/** The sections of a dump. They do not contain what is inline in a listener or a cluster. */
const lists: Readonly<Record<string, readonly List[]>> = {
  ClustersConfigDump: [
    ["static_clusters", "StaticCluster", at("cluster")],
    ["dynamic_active_clusters", "DynamicCluster", at("cluster"), refused],
    ["dynamic_warming_clusters", "DynamicCluster", at("cluster"), refused],
  ],
  EndpointsConfigDump: [
    ["static_endpoint_configs", "StaticEndpointConfig", at("endpoint_config")],
    ["dynamic_endpoint_configs", "DynamicEndpointConfig", at("endpoint_config"), refused],
  ],
  ListenersConfigDump: [
    ["static_listeners", "StaticListener", at("listener")],
    [
      "dynamic_listeners",
      "DynamicListener",
      at("active_state", "listener"),
      at("warming_state", "listener"),
      { path: ["draining_state"], leftOut: "the Envoy was draining it" },
      refused,
    ],
  ],
  ScopedRoutesConfigDump: [
    ["inline_scoped_route_configs", "InlineScopedRouteConfigs"],
    ["dynamic_scoped_route_configs", "DynamicScopedRouteConfigs", at("scoped_route_configs", each), refused],
  ],
  RoutesConfigDump: [
    ["static_route_configs", "StaticRouteConfig"],
    ["dynamic_route_configs", "DynamicRouteConfig", at("route_config"), refused],
  ],
  SecretsConfigDump: [
    ["static_secrets", "StaticSecret", at("secret")],
    ["dynamic_active_secrets", "DynamicSecret", at("secret"), refused],
    ["dynamic_warming_secrets", "DynamicSecret", at("secret"), refused],
  ],
  EcdsConfigDump: [["ecds_filters", "EcdsFilterConfig", at("ecds_filter"), refused]],
};

const section = (name: string, parts: readonly Part[]): Section => ({ message: `envoy.admin.v3.${name}`, parts });

const bootstrapDump = section("BootstrapConfigDump", [{ path: ["bootstrap"], leftOut: "it is the Envoy's own file" }]);

const wholeSections: readonly Section[] = [
  bootstrapDump,
  ...Object.entries(lists).map(([name, all]) =>
    section(
      name,
      all.flatMap(([list, , ...parts]) => parts.map((part) => ({ ...part, path: [list, each, ...part.path] }))),
    ),
  ),
];

/** With `?resource=`, a dump has the elements of one list instead of sections. */
const entries: readonly Section[] = Object.entries(lists).flatMap(([name, all]) =>
  Array.from(new Map(all.map(([, entry, ...parts]) => [entry, parts])), ([entry, parts]) =>
    section(`${name}.${entry}`, parts),
  ),
);

const sections = [...wholeSections, ...entries];

const isSection =
  ({ message }: Section) =>
  (node: YamlNode) => {
    const type = valueAt(node, "@type");
    return type !== undefined && isType(type, message);
  };
const isAnySection = (node: YamlNode) => sections.some((one) => isSection(one)(node));

/** The parts of a dump. `path` leads to its sections. */
const dumpAt = (...path: DocumentPath) => ({
  parts: [
    ...sections.flatMap((one) => one.parts.map((part) => ({ ...part, path: [...path, isSection(one), ...part.path] }))),
    { path: [...path, (node: YamlNode) => !isAnySection(node)], leftOut: "a resource of its type cannot be served" },
  ],
  own: { bootstrap: [...path, isSection(bootstrapDump), "bootstrap"], sections: [path] },
});

/** The parts of several dumps or sections of dumps. `path` leads to them. */
function dumpsAt(...path: DocumentPath): Pick<DocumentKind, "parts"> & { own: EnvoysOwn } {
  const [whole, apart] = [dumpAt(...path, "configs", each), dumpAt(...path, (node) => !hasSections(node))];
  const sections = [...whole.own.sections, ...apart.own.sections];
  return { parts: [...whole.parts, ...apart.parts], own: { ...whole.own, sections } };
}

const hasSections = (node: YamlNode) => (valueAt(node, "configs")?.kind ?? "scalar") !== "scalar";
/** Whether a value is a dump or a section of one. The section can be of an unknown kind. */
const isDump = (node: YamlNode) => {
  const type = valueAt(node, "@type");
  return hasSections(node) || (type?.kind === "scalar" && /\/envoy\.admin\.v3\.\w+(?:\.\w+)?$/.test(type.text));
};
/** Whether a path leads only to dumps or sections of dumps. */
const leadsToDumps = (document: YamlNode, path: DocumentPath) => {
  const found = nodesAt(document, path);
  return found.length > 0 && found.every(({ node }) => isDump(node));
};

const onEnvoy = "it cannot be served; keep it in the Envoy's own file";
const inBootstrap = "it cannot be served; `xds bootstrap --from` keeps it in the Envoy's own file";

/**
 * Whether all fields of an object are fields of a bootstrap. A resource never passes, because it has a name and a
 * bootstrap has none.
 */
const isOfBootstrap = ({ entries }: YamlMap) => {
  const fields = envoyRegistry().getMessage(bootstrapMessage)?.fields ?? [];
  return entries.every(({ key }) => fields.some(({ name, jsonName }) => key === name || key === jsonName));
};

/** The parts of `/config_dump` on the admin port of an Envoy or of this program. */
const configDump = dumpAt("configs", each);
const xdsOfGateways = dumpsAt("xds", eachValue);

/** The full name of the section with clusters. The names of its entries begin with it. */
export const clustersSection = "envoy.admin.v3.ClustersConfigDump";

/** The kind of an Envoy's own file. */
export const bootstrapMessage = "envoy.config.bootstrap.v3.Bootstrap";

/** Every kind of document, in the order in which they are tried. */
export const documentKinds: readonly DocumentKind[] = [
  {
    message: "envoy.service.discovery.v3.DeltaDiscoveryResponse",
    keys: ["system_version_info", "removed_resources", "removed_resource_names"],
    parts: [at("resources", each)],
  },
  {
    message: "envoy.service.discovery.v3.DiscoveryResponse",
    keys: ["resources"],
    parts: [at("resources", each)],
  },
  {
    message: bootstrapMessage,
    keys: ["static_resources", "dynamic_resources", "admin", "node"],
    isOne: (document) => document.kind === "map" && document.entries.length > 0 && isOfBootstrap(document),
    parts: [
      { path: ["static_resources", "clusters", each], type: clusterType },
      { path: ["static_resources", "listeners", each], type: listenerType },
      { path: ["static_resources", "secrets", each], type: secretType },
    ],
    own: { bootstrap: [], others: inBootstrap },
  },
  {
    message: "envoy.admin.v3.ConfigDump",
    isOne: hasSections,
    ...configDump,
    own: { ...configDump.own, others: onEnvoy },
  },
  // One section alone. `istioctl proxy-config secret -o json` and similar commands leave out its "@type".
  ...wholeSections.map(({ message, parts }) => ({
    message,
    keys: [...new Set(parts.flatMap(({ path: [step] }) => (typeof step === "string" ? [step] : [])))],
    parts,
    own: { bootstrap: ["bootstrap"], sections: [[]] },
  })),
  ...entries.map(({ message, parts }) => ({ message, parts, own: { bootstrap: ["bootstrap"], sections: [[]] } })),
  // A list of sections, as from `jq .configs`.
  {
    isOne: (document) => document.kind === "list" && leadsToDumps(document, [each]),
    ...dumpAt(each),
  },
  // From `egctl x translate --to xds`: a dump, or a section of one, for each gateway.
  {
    isOne: (document) => leadsToDumps(document, ["xds", eachValue]),
    ...xdsOfGateways,
    own: { ...xdsOfGateways.own, others: "it is not an Envoy configuration" },
  },
  // From `egctl config envoy-proxy`: the same for each proxy, by namespace and name.
  {
    isOne: (document) => document.kind === "map" && leadsToDumps(document, [eachValue, eachValue]),
    ...dumpsAt(eachValue, eachValue),
  },
  { isOne: (document) => document.kind === "list", parts: [{ path: [each] }] },
];

/** The kind of a document, if it is known. */
export function kindOf(document: YamlNode): DocumentKind | undefined {
  const type = valueAt(document, "@type");
  if (type) return documentKinds.find(({ message }) => message !== undefined && isType(type, message));
  const has = (key: string) => valueAt(document, ...spellings(key)) !== undefined;
  return documentKinds.find(({ keys, isOne }) => keys?.some(has) === true || isOne?.(document) === true);
}
