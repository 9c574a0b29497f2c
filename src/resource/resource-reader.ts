import { type DescMessage, fromJson, type JsonValue, type Message, toBinary } from "@bufbuild/protobuf";
import type { Any, Duration } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { type Fault, formatPath, type PathStep } from "../json/fault.js";
import { MessageJson, noRewrites, type Rewrites } from "../json/message-json.js";
import { nodeOf, scalar, valueAt, type YamlMap, type YamlNode } from "../json/node.js";
import { isOlderName } from "../json/older-api.js";
import { describeType, isType, typeNamed } from "../json/type-names.js";
import { nearest } from "../nearest.js";
import { longestName } from "./names.js";
import type { ResourceOptions } from "./resource-options.js";
import { findTypeNamed } from "./type-spellings.js";
import { describeDocument, exampleType, withType, wrapperName } from "./typed-json.js";
import { secretType } from "./types.js";
import type { ResourceType, XdsApi } from "./xds-api.js";

export interface ReaderOptions {
  /** The changes to messages in a resource of this type URL. By default there are none. */
  readonly rewritesOf?: (typeUrl: string) => Rewrites;
  /** Messages quote no value. Default false. */
  readonly hidesValues?: boolean;
  /** The resource's name, if it is known from elsewhere. */
  readonly name?: string | undefined;
}

/** Reads objects with their `@type` as resources, and adds to `json.faults` what is wrong with them. */
export class ResourceReader<R> {
  private readonly rewritesOf: (typeUrl: string) => Rewrites;
  private readonly hidesValues: boolean;
  private readonly name: string | undefined;

  constructor(
    /** Makes the resource of its encoded message. What it throws becomes a fault. */
    private readonly make: (typeUrl: string, body: Uint8Array, options: ResourceOptions) => R,
    private readonly api: XdsApi,
    private readonly json: MessageJson,
    { rewritesOf = () => noRewrites, hidesValues = false, name }: ReaderOptions = {},
  ) {
    this.rewritesOf = rewritesOf;
    this.hidesValues = hidesValues;
    this.name = name;
  }

  /** `steps` is where the object stands in its document, `typeUrl` its type where it has no `@type`. */
  read(node: YamlNode, steps: readonly PathStep[], typeUrl?: string): R | undefined {
    const type = typeUrl === undefined ? valueAt(node, "@type") : scalar(node.at, typeUrl);
    if (!type) {
      this.json.mayHaveSecrets = true; // its content is unknown
      const expected = `expected an object with its "@type", such as ${exampleType}`;
      return this.fault(node.at, steps, `${expected}, got ${describeDocument(node)}`);
    }
    if (node.kind === "map" && isType(type, wrapperName)) return this.wrapped(node, steps);
    const found = this.resourceType(type, steps);
    const message = found && this.message(found.desc, node, steps, found.type, typeUrl === undefined);
    if (!message) return undefined;
    const { nameField } = found.type;
    const ownName = nameField === undefined ? "" : (message as unknown as Record<string, unknown>)[nameField];
    const name = this.name ?? ownName;
    if (name === "" || typeof name !== "string") return this.fault(node.at, steps, missingName(found.type, found.desc));
    return this.encode(node, steps, found.type, () => toBinary(found.desc, message), { name });
  }

  /** An envoy.service.discovery.v3.Resource: a name around a resource. */
  private wrapped(node: YamlMap, steps: readonly PathStep[]): R | undefined {
    const desc = this.api.registry.getMessage(wrapperName);
    for (const { key, at } of node.entries) {
      const field = desc?.fields.find(({ name, jsonName }) => name === key || jsonName === key);
      if (field && !servedOfWrapper.includes(field.name))
        this.fault(
          at,
          [...steps, key],
          `not served; of a Resource only ${servedOfWrapper.join(", ")} are; remove this`,
        );
    }
    const inner = valueAt(node, "resource");
    const innerType = valueAt(inner, "@type");
    if (!innerType) {
      this.json.mayHaveSecrets = true;
      const got = inner ? describeDocument(inner) : "none";
      return this.fault((inner ?? node).at, [...steps, "resource"], `expected a resource with its "@type", got ${got}`);
    }
    const found = this.resourceType(innerType, [...steps, "resource"]);
    const message = found && desc && this.message(desc, node, steps, found.type, true);
    if (!message) return undefined;
    const { version, resource, ttl, aliases, name: givenName } = message as Message & Wrapper;
    const name = this.name ?? givenName;
    const options = {
      ...(name !== "" && { name }),
      ...(version !== "" && { version }),
      ...(ttl && { ttlMs: Number(ttl.seconds) * 1000 + ttl.nanos / 1e6 }),
      aliases,
    };
    return this.encode(node, steps, found.type, () => resource?.value ?? new Uint8Array(0), options);
  }

  /** The type of a resource, and the schema that it is read with. */
  private resourceType(
    node: YamlNode,
    steps: readonly PathStep[],
  ): { type: ResourceType; desc: DescMessage } | undefined {
    const typeUrl = node.kind === "scalar" ? String(node.value) : "";
    const type = this.api.findResourceType(typeUrl);
    const desc = typeNamed(node, this.api.registry);
    const isKnown = type !== undefined && desc !== undefined;
    if (!isKnown || type.typeUrl === secretType) this.json.mayHaveSecrets = true;
    if (isKnown) return { type, desc };
    return this.fault(node.at, [...steps, "@type"], this.unusableType(node, typeUrl, type, desc));
  }

  private unusableType(node: YamlNode, typeUrl: string, type?: ResourceType, desc?: DescMessage): string {
    if (type) return `the schema of ${typeUrl} is not known here, so it cannot be read from a file`;
    const urls = this.api.resourceTypes().map((known) => known.typeUrl);
    if (!desc) {
      const short = /^\w+$/.test(typeUrl) ? findTypeNamed(typeUrl, this.api) : undefined; // such a word is no secret
      if (short) return `expected the type of a resource as a type URL, got "${typeUrl}"; write ${short.typeUrl}`;
      if (isOlderName(typeUrl.slice(typeUrl.lastIndexOf("/") + 1))) return this.json.wrongTypes.explain(node);
      const last = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
      const meant = nearest(typeUrl, urls) ?? urls.find((url) => last !== "" && url.endsWith(`.${last}`));
      if (meant) return `expected the type of a resource, got ${describeType(node)}; did you mean ${meant}?`;
      return this.json.wrongTypes.explain(node);
    }
    const names = urls.map((url) => url.slice(url.lastIndexOf("/") + 1)).join(", ");
    return `expected the type of a resource, type.googleapis.com/ and one of ${names}; got ${describeType(node)}`;
  }

  /** The message that an object stands for, if nothing is wrong with it. */
  private message(
    desc: DescMessage,
    node: YamlNode,
    steps: readonly PathStep[],
    { typeUrl }: ResourceType,
    hasType: boolean,
  ): Message | undefined {
    const before = this.json.faults.length;
    const options = { rewrites: this.rewritesOf(typeUrl), ...(hasType && { leaveOut: "@type" }) };
    const json = this.json.read(desc, node, steps, options);
    if (this.json.faults.length > before) return undefined;
    try {
      return fromJson(desc, json, { registry: this.api.registry });
    } catch (error) {
      // MessageJson does not check everything, for example not the depth of messages.
      return this.fault(node.at, steps, this.hidesValues ? `it is not a valid ${desc.typeName}` : messageOf(error));
    }
  }

  private encode(
    node: YamlNode,
    steps: readonly PathStep[],
    type: ResourceType,
    body: () => Uint8Array,
    options: ResourceOptions,
  ): R | undefined {
    const tooLong = whyTooLong(options);
    if (tooLong !== undefined) return this.fault(node.at, steps, tooLong);
    try {
      return this.make(type.typeUrl, body(), options);
    } catch (error) {
      return this.fault(node.at, steps, messageOf(error));
    }
  }

  private fault(at: number, steps: readonly PathStep[], message: string): undefined {
    this.json.faults.push({ at, path: formatPath(steps), message });
    return undefined;
  }
}

/** The content of a resource's JSON: its encoded message, and what a wrapper around it adds. */
export interface JsonContent {
  readonly typeUrl: string;
  readonly body: Uint8Array;
  readonly options: ResourceOptions;
}

/** How many mistakes an error shows. */
const mostShown = 10;

/**
 * Reads a resource in JSON by this API. `typeUrl` is its type where it has no `@type`. `name` is its name, if it is
 * known.
 * @throws XdsError INVALID_RESOURCE with a line for each field that is wrong
 */
export function readResourceJson(json: JsonValue, api: XdsApi, typeUrl?: string, name?: string): JsonContent {
  const content = contentOf(json, api, typeUrl, name);
  if ("body" in content) return content;
  const shown = content.slice(0, mostShown).map(({ path, message }) => (path ? `${path}: ${message}` : message));
  if (content.length > shown.length) shown.push(`and ${content.length - shown.length} more`);
  throw new XdsError("INVALID_RESOURCE", shown.join("\n"));
}

/** The content, or what is wrong with it. Where there may be a secret, no mistake quotes a value. */
function contentOf(
  json: JsonValue,
  api: XdsApi,
  typeUrl?: string,
  name?: string,
  hidesValues = false,
): JsonContent | Fault[] {
  const reading = new MessageJson(api.registry, { values: Infinity, characters: Infinity }, hidesValues);
  const make = (type: string, body: Uint8Array, options: ResourceOptions) => ({ typeUrl: type, body, options });
  const node = withType(nodeOf(json, hidesValues), typeUrl);
  const content = new ResourceReader(make, api, reading, { hidesValues, name }).read(node, []);
  if (content && typeUrl !== undefined && content.typeUrl !== typeUrl)
    reading.faults.push({ at: 0, path: "@type", message: `expected ${typeUrl}, got ${content.typeUrl}` });
  if (content && reading.faults.length === 0) return content;
  return reading.mayHaveSecrets && !hidesValues ? contentOf(json, api, typeUrl, name, true) : reading.faults;
}

/** The most aliases of a resource. All of them are checked together. */
const mostAliases = 1_000;

/** A mistake that quotes nothing: a name may be as long as the file. */
function whyTooLong({ name = "", version = "", aliases = [] }: ResourceOptions): string | undefined {
  const why = (what: string, length: number) =>
    `the resource has ${what} of ${length} characters, where ${longestName} are the most; shorten it`;
  if (name.length > longestName) return why("a name", name.length);
  if (version.length > longestName) return why("a version", version.length);
  if (aliases.length > mostAliases)
    return `the resource has ${aliases.length} aliases, where ${mostAliases} are the most; remove some`;
  const alias = aliases.find(({ length }) => length > longestName);
  return alias === undefined ? undefined : why("an alias", alias.length);
}

/** The fields that are read from an envoy.service.discovery.v3.Resource. */
interface Wrapper {
  readonly name: string;
  readonly version: string;
  readonly aliases: string[];
  readonly ttl?: Duration;
  readonly resource?: Any;
}

const servedOfWrapper = ["name", "version", "resource", "ttl", "aliases"];

function missingName(type: ResourceType, desc: DescMessage): string {
  const field = type.nameField === undefined ? undefined : desc.field[type.nameField]?.name;
  if (field !== undefined)
    return `expected a name, by which clients ask for the resource, got none; set the field ${field}`;
  return `${desc.typeName} has no name of its own; give it one with an object around it: {"@type": type.googleapis.com/${wrapperName}, name: …, resource: …}`;
}
