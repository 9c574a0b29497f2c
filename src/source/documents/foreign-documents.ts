import { valueAt, type YamlNode } from "../yaml/yaml.js";

const textAt = (node: YamlNode | undefined, key: string): string => {
  const value = valueAt(node, key);
  return value?.kind === "scalar" && typeof value.value === "string" ? value.value : "";
};

/** Advice for Kubernetes objects, by the ends of their API groups. */
const controllers: readonly (readonly [groups: RegExp, advice: string])[] = [
  [
    /(?:^|\.)istio\.io$/,
    "Istio makes Envoy configuration from it; `istioctl proxy-config all POD -o json` prints the configuration of a proxy",
  ],
  [
    /^gateway\.(?:networking\.k8s|envoyproxy)\.io$/,
    "a gateway's controller makes an Envoy's configuration of it; Envoy Gateway prints that by `egctl x translate --from " +
      "gateway-api --to xds -f FILE -o yaml`, and the Envoy itself at /config_dump",
  ],
];

const otherController = "a controller makes Envoy configuration from it, which the Envoy prints at /config_dump";

/** Describes documents that are no Envoy configuration, such as Kubernetes objects, and what to do about them. */
export function foreignDocument(node: YamlNode): string | undefined {
  if (valueAt(node, "host_statuses", "hostStatuses") || valueAt(node, "cluster_statuses", "clusterStatuses"))
    return "this is the state of endpoints, not configuration, as an Envoy prints it at /clusters, and older versions of `istioctl proxy-config endpoints` do; use /config_dump?include_eds";
  const [apiVersion, kind] = [textAt(node, "apiVersion"), textAt(node, "kind")];
  if (!/^[\w.-]+(?:\/v\w+)?$/.test(apiVersion) || !/^\w+$/.test(kind)) return undefined;
  const items = valueAt(node, "items");
  const [first, ...others] = kind.endsWith("List") && items?.kind === "list" ? items.items : [];
  const object = first ? objectOf(first, kind.replace(/List$/, ""), apiVersion) : objectOf(node, kind, apiVersion);
  const what = first ? "a list of Kubernetes objects" : "a Kubernetes object";
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return `this is ${what} (${object.named}${more}), not an Envoy configuration; ${object.advice}`;
}

/** A description of an object, and advice. Elements of a list may leave out their kind and version. */
function objectOf(node: YamlNode, listKind: string, listVersion: string): { named: string; advice: string } {
  const kind = textAt(node, "kind") || listKind;
  const apiVersion = textAt(node, "apiVersion") || listVersion;
  const name = nameIn(node, "name");
  const group = apiVersion.replace(/\/.*$/, "");
  const advice =
    apiVersion === "v1" && (kind === "ConfigMap" || kind === "Secret")
      ? inData(node, kind, name ?? "NAME")
      : (controllers.find(([groups]) => groups.test(group))?.[1] ?? otherController);
  return { named: `${/^\w+$/.test(kind) ? kind : "unknown"}${name === undefined ? "" : ` ${name}`}`, advice };
}

/** A word of an object's metadata, if it is safe in a command. */
function nameIn(node: YamlNode, key: string): string | undefined {
  const name = textAt(valueAt(node, "metadata"), key);
  return /^[\w.-]{1,253}$/.test(name) ? name : undefined;
}

/** Advice for an object that has files in it. */
function inData(node: YamlNode, kind: string, name: string): string {
  if (textAt(node, "type") === "kubernetes.io/tls")
    return (
      "Envoy reads tls.crt and tls.key as files: mount or save them, and write an Envoy Secret that names them, such as " +
      `{"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: ${name}, ` +
      "tls_certificate: {certificate_chain: {filename: tls.crt}, private_key: {filename: tls.key}}}"
    );
  const data = valueAt(node, "data");
  const keys = data?.kind === "map" ? data.entries.map(({ key }) => key) : [];
  const file = keys.find((key) => /^[\w.-]{1,253}\.(?:ya?ml|json)$/.test(key));
  const path = `{.data.${(file ?? "KEY").replaceAll(".", "\\.")}}`;
  const decode = kind === "Secret" ? " | base64 -d" : "";
  const namespace = nameIn(node, "namespace");
  const where = namespace === undefined ? "" : ` -n ${namespace}`;
  return `extract the file in it: kubectl get ${kind.toLowerCase()} ${name}${where} -o jsonpath='${path}'${decode} | xds validate -`;
}
