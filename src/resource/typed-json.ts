import { scalar, valueAt, type YamlMap, type YamlNode } from "../json/node.js";
import { describeNode } from "../json/scalar-json.js";
import { isType } from "../json/type-names.js";

/** The name of the message that gives a resource a name, a version, a TTL and aliases. */
export const wrapperName = "envoy.service.discovery.v3.Resource";
const wrapperType = `type.googleapis.com/${wrapperName}`;

/**
 * Returns the resource in an envoy.service.discovery.v3.Resource, or undefined for another value. The `Resource` can
 * lack its `@type`, as in a DeltaDiscoveryResponse: it is known by its field `resource`, which no resource has.
 */
export function wrappedIn(node: YamlNode): YamlMap | undefined {
  const type = valueAt(node, "@type");
  const resource = valueAt(node, "resource");
  return resource?.kind === "map" && (!type || isType(type, wrapperName)) ? resource : undefined;
}

/** Whether a value is an object without the type of its resource. This includes a `Resource` around such an object. */
export function lacksType(node: YamlNode): node is YamlMap {
  const resource = wrappedIn(node) ?? node;
  return resource.kind === "map" && !valueAt(resource, "@type");
}

/** Adds an `@type` to a value that lacks one. `typeUrl` is the type of the resource. */
export function withType(node: YamlNode, typeUrl?: string): YamlNode {
  if (node.kind !== "map") return node;
  const resource = wrappedIn(node);
  if (!resource) return typed(node, typeUrl);
  const entries = node.entries.map((entry) =>
    entry.value === resource ? { ...entry, value: typed(resource, typeUrl) } : entry,
  );
  return typed({ ...node, entries }, wrapperType);
}

function typed(node: YamlMap, typeUrl: string | undefined): YamlMap {
  if (typeUrl === undefined || valueAt(node, "@type")) return node;
  return { ...node, entries: [{ key: "@type", at: node.at, value: scalar(node.at, typeUrl) }, ...node.entries] };
}

export const exampleType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** Describes a value that stands in place of an object with an `@type`. */
export function describeDocument(node: YamlNode): string {
  if (node.kind !== "map") return describeNode(node);
  return node.entries.length === 0 ? "an empty object" : "another object";
}
