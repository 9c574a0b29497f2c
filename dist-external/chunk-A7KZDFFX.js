import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  contentOf
} from "./chunk-QZJZLV5G.js";
import {
  envoyRegistry,
  findResourceType
} from "./chunk-C24J2H5X.js";
import {
  isType
} from "./chunk-FZLOJTJW.js";
import {
  redactions
} from "./chunk-Y6GK5AYW.js";
import {
  formatPath,
  scalar,
  valueAt
} from "./chunk-ZG5KWCWM.js";
import {
  clusterType,
  endpointType,
  listenerType,
  secretType
} from "./chunk-QMJ32M3M.js";

// dist/source/documents/document-path.js
var each = /* @__PURE__ */ Symbol("each element");
var eachValue = /* @__PURE__ */ Symbol("each value");
function nodesAt(node, path) {
  let found = [{ node, steps: [] }];
  for (const step of path)
    found = found.flatMap((from) => next(from, step));
  return found;
}
function next(from, step) {
  const { node, steps } = from;
  if (step === each)
    return elements(from);
  if (typeof step === "function")
    return step(node) ? [from] : [];
  const entries2 = step === eachValue ? node.kind === "map" ? node.entries : [] : entriesOf(node, step);
  return entries2.map(({ key, value }) => ({ node: value, parent: node, steps: [...steps, key] }));
}
function elements(list) {
  const { node, steps } = list;
  if (isNothing(node))
    return [];
  if (node.kind !== "list")
    return [list];
  const all = [];
  for (const [index, item] of node.items.entries()) {
    const found = { node: item, parent: node, steps: [...steps, index] };
    if (item.kind !== "list")
      all.push(found);
    else
      for (const inner of elements(found))
        all.push(inner);
  }
  return all;
}
function withoutList(map, [step, ...rest]) {
  const [entry] = typeof step === "string" ? entriesOf(map, step) : [];
  if (!entry)
    return map;
  const others = map.entries.filter((other) => other !== entry);
  if (rest[0] === each)
    return { ...map, entries: others };
  if (entry.value.kind !== "map")
    return map;
  return { ...map, entries: [...others, { ...entry, value: withoutList(entry.value, rest) }] };
}
function entriesOf(node, field) {
  const found = node.kind === "map" ? node.entries.find(({ key }) => spellings(field).includes(key)) : void 0;
  return found ? [found] : [];
}
var spellings = (field) => [
  field,
  field.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
];
var isNothing = (node) => node.kind === "scalar" && node.value === null;

// dist/source/documents/document-kinds.js
var at = (...path) => ({ path });
var refused = { path: ["error_state"], leftOut: "the Envoy refused this update" };
var lists = {
  ClustersConfigDump: [
    ["static_clusters", "StaticCluster", at("cluster")],
    ["dynamic_active_clusters", "DynamicCluster", at("cluster"), refused],
    ["dynamic_warming_clusters", "DynamicCluster", at("cluster"), refused]
  ],
  EndpointsConfigDump: [
    ["static_endpoint_configs", "StaticEndpointConfig", at("endpoint_config")],
    ["dynamic_endpoint_configs", "DynamicEndpointConfig", at("endpoint_config"), refused]
  ],
  ListenersConfigDump: [
    ["static_listeners", "StaticListener", at("listener")],
    [
      "dynamic_listeners",
      "DynamicListener",
      at("active_state", "listener"),
      at("warming_state", "listener"),
      { path: ["draining_state"], leftOut: "the Envoy was draining it" },
      refused
    ]
  ],
  ScopedRoutesConfigDump: [
    ["inline_scoped_route_configs", "InlineScopedRouteConfigs"],
    ["dynamic_scoped_route_configs", "DynamicScopedRouteConfigs", at("scoped_route_configs", each), refused]
  ],
  RoutesConfigDump: [
    ["static_route_configs", "StaticRouteConfig"],
    ["dynamic_route_configs", "DynamicRouteConfig", at("route_config"), refused]
  ],
  SecretsConfigDump: [
    ["static_secrets", "StaticSecret", at("secret")],
    ["dynamic_active_secrets", "DynamicSecret", at("secret"), refused],
    ["dynamic_warming_secrets", "DynamicSecret", at("secret"), refused]
  ],
  EcdsConfigDump: [["ecds_filters", "EcdsFilterConfig", at("ecds_filter"), refused]]
};
var section = (name, parts) => ({ message: `envoy.admin.v3.${name}`, parts });
var bootstrapDump = section("BootstrapConfigDump", [{ path: ["bootstrap"], leftOut: "it is the Envoy's own file" }]);
var wholeSections = [
  bootstrapDump,
  ...Object.entries(lists).map(([name, all]) => section(name, all.flatMap(([list, , ...parts]) => parts.map((part) => ({ ...part, path: [list, each, ...part.path] })))))
];
var entries = Object.entries(lists).flatMap(([name, all]) => Array.from(new Map(all.map(([, entry, ...parts]) => [entry, parts])), ([entry, parts]) => section(`${name}.${entry}`, parts)));
var sections = [...wholeSections, ...entries];
var isSection = ({ message }) => (node) => {
  const type = valueAt(node, "@type");
  return type !== void 0 && isType(type, message);
};
var isAnySection = (node) => sections.some((one) => isSection(one)(node));
var dumpAt = (...path) => ({
  parts: [
    ...sections.flatMap((one) => one.parts.map((part) => ({ ...part, path: [...path, isSection(one), ...part.path] }))),
    { path: [...path, (node) => !isAnySection(node)], leftOut: "a resource of its type cannot be served" }
  ],
  own: { bootstrap: [...path, isSection(bootstrapDump), "bootstrap"], sections: [path] }
});
function dumpsAt(...path) {
  const [whole, apart] = [dumpAt(...path, "configs", each), dumpAt(...path, (node) => !hasSections(node))];
  const sections2 = [...whole.own.sections, ...apart.own.sections];
  return { parts: [...whole.parts, ...apart.parts], own: { ...whole.own, sections: sections2 } };
}
var hasSections = (node) => (valueAt(node, "configs")?.kind ?? "scalar") !== "scalar";
var isDump = (node) => {
  const type = valueAt(node, "@type");
  return hasSections(node) || type?.kind === "scalar" && /\/envoy\.admin\.v3\.\w+(?:\.\w+)?$/.test(type.text);
};
var leadsToDumps = (document, path) => {
  const found = nodesAt(document, path);
  return found.length > 0 && found.every(({ node }) => isDump(node));
};
var onEnvoy = "it cannot be served; keep it in the Envoy's own file";
var inBootstrap = "it cannot be served; `xds bootstrap --from` keeps it in the Envoy's own file";
var isOfBootstrap = ({ entries: entries2 }) => {
  const fields = envoyRegistry().getMessage(bootstrapMessage)?.fields ?? [];
  return entries2.every(({ key }) => fields.some(({ name, jsonName }) => key === name || key === jsonName));
};
var configDump = dumpAt("configs", each);
var xdsOfGateways = dumpsAt("xds", eachValue);
var clustersSection = "envoy.admin.v3.ClustersConfigDump";
var bootstrapMessage = "envoy.config.bootstrap.v3.Bootstrap";
var documentKinds = [
  {
    message: "envoy.service.discovery.v3.DeltaDiscoveryResponse",
    keys: ["system_version_info", "removed_resources", "removed_resource_names"],
    parts: [at("resources", each)]
  },
  {
    message: "envoy.service.discovery.v3.DiscoveryResponse",
    keys: ["resources"],
    parts: [at("resources", each)]
  },
  {
    message: bootstrapMessage,
    keys: ["static_resources", "dynamic_resources", "admin", "node"],
    isOne: (document) => document.kind === "map" && document.entries.length > 0 && isOfBootstrap(document),
    parts: [
      { path: ["static_resources", "clusters", each], type: clusterType },
      { path: ["static_resources", "listeners", each], type: listenerType },
      { path: ["static_resources", "secrets", each], type: secretType }
    ],
    own: { bootstrap: [], others: inBootstrap }
  },
  {
    message: "envoy.admin.v3.ConfigDump",
    isOne: hasSections,
    ...configDump,
    own: { ...configDump.own, others: onEnvoy }
  },
  // One section alone. `istioctl proxy-config secret -o json` and similar commands leave out its "@type".
  ...wholeSections.map(({ message, parts }) => ({
    message,
    keys: [...new Set(parts.flatMap(({ path: [step] }) => typeof step === "string" ? [step] : []))],
    parts,
    own: { bootstrap: ["bootstrap"], sections: [[]] }
  })),
  ...entries.map(({ message, parts }) => ({ message, parts, own: { bootstrap: ["bootstrap"], sections: [[]] } })),
  // A list of sections, as from `jq .configs`.
  {
    isOne: (document) => document.kind === "list" && leadsToDumps(document, [each]),
    ...dumpAt(each)
  },
  // From `egctl x translate --to xds`: a dump, or a section of one, for each gateway.
  {
    isOne: (document) => leadsToDumps(document, ["xds", eachValue]),
    ...xdsOfGateways,
    own: { ...xdsOfGateways.own, others: "it is not an Envoy configuration" }
  },
  // From `egctl config envoy-proxy`: the same for each proxy, by namespace and name.
  {
    isOne: (document) => document.kind === "map" && leadsToDumps(document, [eachValue, eachValue]),
    ...dumpsAt(eachValue, eachValue)
  },
  { isOne: (document) => document.kind === "list", parts: [{ path: [each] }] }
];
function kindOf(document) {
  const type = valueAt(document, "@type");
  if (type)
    return documentKinds.find(({ message }) => message !== void 0 && isType(type, message));
  const has = (key) => valueAt(document, ...spellings(key)) !== void 0;
  return documentKinds.find(({ keys, isOne }) => keys?.some(has) === true || isOne?.(document) === true);
}

// dist/source/documents/foreign-documents.js
var textAt = (node, key) => {
  const value = valueAt(node, key);
  return value?.kind === "scalar" && typeof value.value === "string" ? value.value : "";
};
var controllers = [
  [
    /(?:^|\.)istio\.io$/,
    "Istio makes Envoy configuration from it; `istioctl proxy-config all POD -o json` prints the configuration of a proxy"
  ],
  [
    /^gateway\.(?:networking\.k8s|envoyproxy)\.io$/,
    "a gateway's controller makes an Envoy's configuration of it; Envoy Gateway prints that by `egctl x translate --from gateway-api --to xds -f FILE -o yaml`, and the Envoy itself at /config_dump"
  ]
];
var otherController = "a controller makes Envoy configuration from it, which the Envoy prints at /config_dump";
function foreignDocument(node) {
  if (valueAt(node, "host_statuses", "hostStatuses") || valueAt(node, "cluster_statuses", "clusterStatuses"))
    return "this is the state of endpoints, not configuration, as an Envoy prints it at /clusters, and older versions of `istioctl proxy-config endpoints` do; use /config_dump?include_eds";
  const [apiVersion, kind] = [textAt(node, "apiVersion"), textAt(node, "kind")];
  if (!/^[\w.-]+(?:\/v\w+)?$/.test(apiVersion) || !/^\w+$/.test(kind))
    return void 0;
  const items = valueAt(node, "items");
  const [first, ...others] = kind.endsWith("List") && items?.kind === "list" ? items.items : [];
  const object = first ? objectOf(first, kind.replace(/List$/, ""), apiVersion) : objectOf(node, kind, apiVersion);
  const what = first ? "a list of Kubernetes objects" : "a Kubernetes object";
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return `this is ${what} (${object.named}${more}), not an Envoy configuration; ${object.advice}`;
}
function objectOf(node, listKind, listVersion) {
  const kind = textAt(node, "kind") || listKind;
  const apiVersion = textAt(node, "apiVersion") || listVersion;
  const name = nameIn(node, "name");
  const group = apiVersion.replace(/\/.*$/, "");
  const advice = apiVersion === "v1" && (kind === "ConfigMap" || kind === "Secret") ? inData(node, kind, name ?? "NAME") : controllers.find(([groups]) => groups.test(group))?.[1] ?? otherController;
  return { named: `${/^\w+$/.test(kind) ? kind : "unknown"}${name === void 0 ? "" : ` ${name}`}`, advice };
}
function nameIn(node, key) {
  const name = textAt(valueAt(node, "metadata"), key);
  return /^[\w.-]{1,253}$/.test(name) ? name : void 0;
}
function inData(node, kind, name) {
  if (textAt(node, "type") === "kubernetes.io/tls")
    return `Envoy reads tls.crt and tls.key as files: mount or save them, and write an Envoy Secret that names them, such as {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: ${name}, tls_certificate: {certificate_chain: {filename: tls.crt}, private_key: {filename: tls.key}}}`;
  const data = valueAt(node, "data");
  const keys = data?.kind === "map" ? data.entries.map(({ key }) => key) : [];
  const file = keys.find((key) => /^[\w.-]{1,253}\.(?:ya?ml|json)$/.test(key));
  const path = `{.data.${(file ?? "KEY").replaceAll(".", "\\.")}}`;
  const decode = kind === "Secret" ? " | base64 -d" : "";
  const namespace = nameIn(node, "namespace");
  const where = namespace === void 0 ? "" : ` -n ${namespace}`;
  return `extract the file in it: kubectl get ${kind.toLowerCase()} ${name}${where} -o jsonpath='${path}'${decode} | xds validate -`;
}

// dist/source/documents/served-resources.js
function servedResources(document, { parts, own }, keepRedacted) {
  const candidates = parts.flatMap((part) => nodesAt(document, part.path).map((found) => candidate(found, part)));
  const needed = ownClusters(document, own, candidates);
  const stays = own.sections ? "in the Envoy's own file" : "in the bootstrap (`xds bootstrap --from` keeps it)";
  const taken = /* @__PURE__ */ new Set();
  const names = new ListenerNames(candidates);
  const notes = uncovered(document, parts, own);
  const note = ({ node, steps }, message, leftOut) => notes.push({ at: node.at, path: formatPath(steps), message, ...leftOut && { leftOut } });
  const resources = [];
  const left = [];
  const faults = [];
  const isFile = own.sections === void 0;
  const first = /* @__PURE__ */ new Map();
  for (const each2 of candidates) {
    const [, reason] = reasons.find(([holds]) => holds(each2, needed, taken, keepRedacted)) ?? [];
    const why = each2.part.leftOut ?? (typeof reason === "function" ? reason(each2, needed, stays) : reason);
    const other = first.get(keyOf(each2)) ?? each2;
    first.set(keyOf(each2), other);
    if (other !== each2 && isFile && areRefused(each2, other)) {
      const message = `${JSON.stringify(each2.name)} is also the name of ${formatPath(other.steps)}, and Envoy refuses two with the same name; rename or remove one`;
      faults.push({ at: each2.node.at, path: formatPath(each2.steps), message });
    } else if (why !== void 0) {
      const { typeUrl, name, node } = each2;
      const kind = typeUrl === clusterType ? "cluster" : "listener";
      const what = typeof reason === "function" ? `${kind} ${JSON.stringify(name)} is not served` : "left out";
      note(each2, `${what}: ${why}`, { ...name && { resource: { typeUrl, name } }, why, content: contentOf(node) });
      left.push(each2);
    } else {
      const served = names.named(each2);
      if (served !== each2)
        note(each2, `has no name; it is served with the name ${JSON.stringify(served.name)}`);
      taken.add(keyOf(served));
      resources.push(served);
    }
  }
  return { resources, leftOut: left, notes, faults };
}
var servedRewrites = (typeUrl) => ({
  of: typeUrl === endpointType ? ofEndpoints : ofOthers
});
var ofOthers = /* @__PURE__ */ new Map([
  [
    "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig",
    (json) => {
      const isStatic = json.sdsConfig === void 0 && typeof json.name === "string" && !/^$|^xdstp:/.test(json.name);
      return isStatic ? { ...json, sdsConfig: { ads: {}, resourceApiVersion: "V3" } } : json;
    }
  ]
]);
var ofEndpoints = /* @__PURE__ */ new Map([
  [
    "envoy.config.endpoint.v3.LocalityLbEndpoints",
    // In a dump, 0 means no weight. An Envoy refuses the weight 0.
    ({ loadBalancingWeight: weight = 0, ...json }) => Number(weight) > 0 ? { ...json, loadBalancingWeight: weight } : json
  ],
  [
    "envoy.config.endpoint.v3.LbEndpoint",
    (json, tell) => {
      const { healthStatus: health = "HEALTHY" } = json;
      const advice = "remove this if the Envoy's own health checks had found that";
      if (health !== "HEALTHY")
        tell("note", "health_status", `served as ${health}, the state in the dump; ${advice}`);
      return json;
    }
  ]
]);
var reasons = [
  [
    ({ typeUrl, name }, needed) => typeUrl === clusterType && needed.has(name),
    ({ name }, needed, stays) => `\`${needed.get(name)}\` names it, so it must stay ${stays}`
  ],
  [
    ({ typeUrl, node }) => typeUrl === listenerType && valueAt(node, ...spellings("api_listener")) !== void 0,
    (_candidate, _needed, stays) => `Envoy accepts an api_listener only from its own file, so it must stay ${stays}`
  ],
  [
    ({ node }, _needed, _taken, keepRedacted) => !keepRedacted && isRedacted(node),
    'it holds a secret that the Envoy has hidden ("[redacted]"); write it into a separate file'
  ],
  [
    ({ typeUrl, node }) => typeUrl === secretType && node.kind === "map" && node.entries.every(({ key }) => ["@type", "name"].includes(key)),
    "the Envoy had not received it yet"
  ],
  [
    ({ typeUrl, name }, _needed, _taken, keepRedacted) => keepRedacted && name === "" && typeUrl !== listenerType,
    "the dump does not have its name"
  ],
  [(candidate2, _, taken) => taken.has(keyOf(candidate2)), "a resource with the same name comes before it"]
];
function areRefused({ typeUrl, name, node }, other) {
  if (name === "" || typeUrl === clusterType)
    return name !== "";
  return typeUrl === secretType && fieldsOf(node).some((field) => field !== "name" && fieldsOf(other.node).includes(field));
}
var fieldsOf = (node) => node.kind === "map" ? node.entries.map(({ key }) => spellings(key)[1]).filter((key) => key !== "@type") : [];
var keyOf = ({ typeUrl, name }) => `${typeUrl} ${name}`;
function candidate(found, part) {
  const { node, parent } = found;
  const type = valueAt(node, "@type");
  const typeUrl = part.type ?? (type?.kind === "scalar" ? type.text : "");
  const { nameField = "" } = findResourceType(typeUrl) ?? {};
  const name = valueAt(node, nameField, nameField.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  const version = valueAt(parent, ...spellings("version_info"));
  return {
    ...found,
    part,
    typeUrl,
    name: name?.kind === "scalar" ? name.text : "",
    version: version?.kind === "scalar" ? version.text : ""
  };
}
function addressOf(listener) {
  const address = valueAt(listener, "address");
  const socket = valueAt(address, ...spellings("socket_address"));
  const protocol = valueAt(socket, "protocol");
  const isUdp = protocol?.kind === "scalar" && /^(?:udp|1)$/i.test(protocol.text);
  return [
    valueAt(socket, "address"),
    valueAt(socket, ...spellings("port_value")),
    valueAt(valueAt(address, "pipe"), "path"),
    isUdp ? scalar(listener.at, "udp") : void 0
  ].flatMap((part) => part?.kind === "scalar" ? [part.text] : []).join("_");
}
var ListenerNames = class {
  taken;
  /** Address → the last number used for it. */
  made = /* @__PURE__ */ new Map();
  constructor(candidates) {
    this.taken = new Set(candidates.filter(({ typeUrl }) => typeUrl === listenerType).map(({ name }) => name));
  }
  /** The listener with a name. A missing name becomes the address, with a number if that name is taken. */
  named(from) {
    const { node, typeUrl } = from;
    if (typeUrl !== listenerType || from.name !== "" || node.kind !== "map")
      return from;
    const address = addressOf(node);
    if (address === "")
      return from;
    let number = this.made.get(address) ?? 1;
    let name = number === 1 ? address : `${address}_${number}`;
    while (this.taken.has(name))
      name = `${address}_${++number}`;
    this.made.set(address, number);
    this.taken.add(name);
    const value = scalar(node.at, name);
    const entries2 = [...node.entries.filter(({ key }) => key !== "name"), { key: "name", at: node.at, value }];
    return { ...from, name, node: { ...node, entries: entries2 } };
  }
};
function ownClusters(document, { bootstrap }, candidates) {
  const served = [...spellings("static_resources"), "node"];
  const outside = nodesAt(document, bootstrap).flatMap(({ node }) => node.kind === "map" ? node.entries : []).filter(({ key }) => !served.includes(key));
  const sources = candidates.flatMap(({ node }) => [...entriesIn(node)]).filter(({ key }) => spellings("api_config_source").includes(key));
  const isDynamic = ({ key }) => isReplaced(key);
  const all = [...outside.filter(isDynamic), ...sources, ...outside.filter((entry) => !isDynamic(entry))];
  return new Map(all.flatMap(({ key, value }) => Array.from(clusterNamesIn(value), (name) => [name, key])));
}
function* clusterNamesIn(node) {
  for (const { key, value } of entriesIn(node))
    if (/cluster/i.test(key)) {
      for (const name of value.kind === "list" ? value.items : [value])
        if (name.kind === "scalar")
          yield name.text;
    }
}
var isRedacted = (node) => [...entriesIn(node)].some(({ value }) => value.kind === "scalar" && redactions.has(value.text));
function* entriesIn(node) {
  const seen = /* @__PURE__ */ new Set();
  const open = [node];
  for (let next2 = open.pop(); next2; next2 = open.pop()) {
    if (next2.kind === "scalar" || seen.has(next2))
      continue;
    seen.add(next2);
    if (next2.kind === "list")
      for (const item of next2.items)
        open.push(item);
    else
      for (const entry of next2.entries) {
        yield entry;
        open.push(entry.value);
      }
  }
}
function uncovered(document, parts, { others }) {
  if (others === void 0 || document.kind !== "map")
    return [];
  const covered = /* @__PURE__ */ new Set([
    "@type",
    ...parts.flatMap(({ path: [step] }) => typeof step === "string" ? spellings(step) : [])
  ]);
  return document.entries.filter(({ key }) => !covered.has(key)).map(({ key, at: at2, value }) => {
    const why = isReplaced(key) ? replaced : others;
    return { at: at2, path: key, message: `left out: ${why}`, leftOut: { why, content: contentOf(value) } };
  });
}
var isReplaced = (key) => spellings("dynamic_resources").includes(key);
var replaced = "it cannot be served; `xds bootstrap --from` replaces it with this server";

export {
  each,
  nodesAt,
  withoutList,
  spellings,
  isNothing,
  clustersSection,
  bootstrapMessage,
  kindOf,
  foreignDocument,
  servedResources,
  servedRewrites,
  ownClusters,
  clusterNamesIn,
  isRedacted,
  entriesIn,
  isReplaced
};
