import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { otherApiHint } from "../schema/registry.js";
import { nearest } from "./nearest.js";
import { describeNode } from "./scalar-json.js";
import type { YamlNode } from "./yaml.js";

const nameIn = (typeUrl: string) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);

/** The message that the value of an `@type` names, if the registry has it. */
export function typeNamed(node: YamlNode, registry: Registry): DescMessage | undefined {
  const typeUrl = node.kind === "scalar" ? node.value : undefined;
  if (typeof typeUrl !== "string" || !typeUrl.includes("/")) return undefined;
  return registry.getMessage(nameIn(typeUrl));
}

/** A type URL as messages have it: always, if it looks like one. */
export function describeType(node: YamlNode): string {
  const isUrl =
    node.kind === "scalar" && /^(?:type\.googleapis\.com\/[\w.]+|(?:envoy|google|udpa|xds)(?:\.\w+)+)$/.test(node.text);
  return isUrl ? JSON.stringify(node.text) : describeNode(node);
}

/** Why {@link typeNamed} finds nothing. */
export function wrongType(node: YamlNode, registry: Registry): string {
  const typeUrl = node.kind === "scalar" ? node.value : undefined;
  if (typeof typeUrl !== "string" || typeUrl === "")
    return `expected the type of a message, type.googleapis.com/<its full name>, got ${describeNode(node)}`;
  const name = nameIn(typeUrl);
  if (registry.getMessage(name))
    return `expected "type.googleapis.com/${name}", got ${describeType(node)}; add what comes before the name`;
  const meant = likelyType(name, registry);
  const hint = meant
    ? `did you mean type.googleapis.com/${meant}?`
    : `see the Envoy API for its full name${otherApiHint()}`;
  return `no message of this Envoy API is named ${describeType(node)}; ${hint}`;
}

/** The message of a mistyped name; or one of another package that is called the same, as those of the v2 API are. */
function likelyType(name: string, registry: Registry): string | undefined {
  const names = Array.from(registry).flatMap((type) => (type.kind === "message" ? [type.typeName] : []));
  const close = nearest(name, names);
  const last = name.slice(name.lastIndexOf(".") + 1);
  const same = names.filter((other) => other.endsWith(`.${last}`));
  if (close && (!same.length || same.includes(close))) return close;
  return same.length === 1 ? same[0] : (same.find((other) => /^envoy\.config\.\w+\.v3\./.test(other)) ?? close);
}
