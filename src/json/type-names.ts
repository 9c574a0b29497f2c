import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { nearest } from "../nearest.js";
import { otherApiHint } from "../schema/registry.js";
import type { YamlNode } from "./node.js";
import { isOlderName, olderApi } from "./older-api.js";
import { describeNode, hiddenValue } from "./scalar-json.js";

const nameInUrl = (typeUrl: string) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
const lastPart = (name: string) => name.slice(name.lastIndexOf(".") + 1);

/** Returns the message for the value of an `@type`; undefined if the registry does not have it. */
export function typeNamed(node: YamlNode, registry: Registry): DescMessage | undefined {
  const typeUrl = node.kind === "scalar" ? node.value : undefined;
  if (typeof typeUrl !== "string" || typeUrl.lastIndexOf("/") < 1) return undefined;
  return registry.getMessage(nameInUrl(typeUrl));
}

/** Whether an `@type` stands for the message with this full name. */
export const isType = (node: YamlNode, typeName: string): boolean =>
  node.kind === "scalar" && String(node.value).endsWith(`/${typeName}`);

/**
 * Formats the value of an `@type` for a message. A value that looks like a type URL is always shown, also near secrets.
 */
export function describeType(node: YamlNode): string {
  const isUrl =
    node.kind === "scalar" && /^(?:type\.googleapis\.com\/[\w.]+|(?:envoy|google|udpa|xds)(?:\.\w+)+)$/.test(node.text);
  return isUrl ? JSON.stringify(node.text) : describeNode(node);
}

/** How many unknown types of a file get a suggestion. One suggestion takes about a millisecond. */
const mostSuggestions = 100;

/** Explains unknown types in a file. */
export class WrongTypes {
  /** The suggestion for each unknown name. */
  private readonly suggested = new Map<string, string | undefined>();

  constructor(private readonly registry: Registry) {}

  /** Explains why {@link typeNamed} finds no message. */
  explain(node: YamlNode): string {
    const typeUrl = node.kind === "scalar" ? node.value : undefined;
    if (typeof typeUrl !== "string" || typeUrl === "")
      return `expected the type of a message, type.googleapis.com/<its full name>, got ${describeNode(node)}`;
    const name = nameInUrl(typeUrl);
    if (this.registry.getMessage(name))
      return `expected "type.googleapis.com/${name}", got ${describeType(node)}; add the part before the name`;
    const meant = this.suggestion(name);
    if (isOlderName(name))
      return `${describeType(node)} is of the v2 API, ${olderApi}; ${meant ? `the v3 API has type.googleapis.com/${meant}` : "write it with the v3 API's message"}`;
    const got = describeType(node);
    const didYouMean = meant ? `; did you mean type.googleapis.com/${meant}?` : "";
    if (got === hiddenValue)
      return `expected the type of a message, type.googleapis.com/<its full name>, got ${got}${didYouMean}`;
    const advice = meant
      ? `did you mean type.googleapis.com/${meant}?${otherApiHint(this.registry).replace("; if", " If")}`
      : `see the Envoy API for its full name${otherApiHint(this.registry)}`;
    return `no message of this Envoy API is named ${got}; ${advice}`;
  }

  private suggestion(name: string): string | undefined {
    if (!this.suggested.has(name) && this.suggested.size < mostSuggestions)
      this.suggested.set(name, likelyType(name, namesByLastPart(this.registry)));
    return this.suggested.get(name);
  }
}

type NamesByLastPart = ReadonlyMap<string, readonly string[]>;
const indexes = new WeakMap<Registry, NamesByLastPart>();

/** The full names of all messages, by the last part of the name. */
function namesByLastPart(registry: Registry): NamesByLastPart {
  const known = indexes.get(registry);
  if (known) return known;
  const index = new Map<string, string[]>();
  for (const type of registry) {
    if (type.kind !== "message") continue;
    const last = lastPart(type.typeName);
    const names = index.get(last);
    if (names) names.push(type.typeName);
    else index.set(last, [type.typeName]);
  }
  indexes.set(registry, index);
  return index;
}

/**
 * The most likely message for an unknown name: one with a similar name, or one with the same last part in another
 * package, as for names of the v2 API.
 */
function likelyType(name: string, index: NamesByLastPart): string | undefined {
  const last = lastPart(name);
  const same = index.get(last);
  if (!same) return nearest(name, index.get(nearest(last, index.keys()) ?? "") ?? []);
  const only = same.length === 1 ? same[0] : undefined;
  return nearest(name, same) ?? only ?? same.find((other) => /^envoy\.config\.\w+\.v3\./.test(other));
}
