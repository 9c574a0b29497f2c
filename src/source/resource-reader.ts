import { type DescMessage, fromJson, type Message, type Registry, toBinary } from "@bufbuild/protobuf";
import type { Any, Duration } from "@bufbuild/protobuf/wkt";
import { messageOf } from "../errors.js";
import { Resource, type ResourceOptions } from "../resource/resource.js";
import { findResourceType, type ResourceType, resourceTypes, secretType } from "../resource/types.js";
import type { MessageJson, Rewrites } from "./message-json.js";
import { nearest } from "./nearest.js";
import { formatPath, type PathStep } from "./problem.js";
import { describeNode } from "./scalar-json.js";
import { describeType, typeNamed, wrongType } from "./type-names.js";
import { scalar, valueAt, type YamlMap, type YamlNode } from "./yaml.js";

const wrapperType = "envoy.service.discovery.v3.Resource";
const exampleType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** Makes resources of objects with their `@type`, and tells `json.faults` why not. */
export class ResourceReader {
  constructor(
    private readonly registry: Registry,
    private readonly json: MessageJson,
    /** What is made of the messages in a resource of this type URL. */
    private readonly rewritesOf: (typeUrl: string) => Rewrites,
    /** Messages quote no value. */
    private readonly hidesValues: boolean,
  ) {}

  /** `steps` is where the object stands in its document, `typeUrl` its type where it has no `@type`. */
  read(node: YamlNode, steps: readonly PathStep[], typeUrl?: string): Resource | undefined {
    const type = typeUrl === undefined ? valueAt(node, "@type") : scalar(node.at, typeUrl);
    if (!type) {
      this.json.mayHaveSecrets = true; // nobody knows what it is
      const expected = `expected an object with its "@type", such as ${exampleType}`;
      return this.fault(node.at, steps, `${expected}, got ${describeDocument(node)}`);
    }
    if (node.kind === "map" && isType(type, wrapperType)) return this.wrapped(node, steps);
    const found = this.resourceType(type, steps);
    const message = found && this.message(found.desc, node, steps, found.type, typeUrl === undefined);
    if (!message) return undefined;
    const { nameField } = found.type;
    const name = nameField === undefined ? "" : (message as unknown as Record<string, unknown>)[nameField];
    if (name === "" || typeof name !== "string") return this.fault(node.at, steps, missingName(found.type, found.desc));
    return this.encode(node, steps, found.type, () => toBinary(found.desc, message), { name });
  }

  /** An envoy.service.discovery.v3.Resource: a name around a resource. */
  private wrapped(node: YamlMap, steps: readonly PathStep[]): Resource | undefined {
    const desc = this.registry.getMessage(wrapperType);
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
    const { name, version, resource, ttl, aliases } = message as Message & Wrapper;
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
    const type = findResourceType(typeUrl);
    const desc = typeNamed(node, this.registry);
    const isKnown = type !== undefined && desc !== undefined;
    if (!isKnown || type.typeUrl === secretType) this.json.mayHaveSecrets = true;
    if (isKnown) return { type, desc };
    return this.fault(node.at, [...steps, "@type"], this.unusableType(node, typeUrl, type, desc));
  }

  private unusableType(node: YamlNode, typeUrl: string, type?: ResourceType, desc?: DescMessage): string {
    if (type) return `the schema of ${typeUrl} is not known here, so it cannot be read from a file`;
    const urls = resourceTypes().map((known) => known.typeUrl);
    if (!desc) {
      const last = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
      const meant = nearest(typeUrl, urls) ?? urls.find((url) => last !== "" && url.endsWith(`.${last}`));
      if (meant) return `expected the type of a resource, got ${describeType(node)}; did you mean ${meant}?`;
      return wrongType(node, this.registry);
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
      return fromJson(desc, json, { registry: this.registry });
    } catch (error) {
      // Of what MessageJson does not look at, such as the depth of messages.
      return this.fault(node.at, steps, this.hidesValues ? `it is no ${desc.typeName}` : messageOf(error));
    }
  }

  private encode(
    node: YamlNode,
    steps: readonly PathStep[],
    type: ResourceType,
    body: () => Uint8Array,
    options: ResourceOptions,
  ): Resource | undefined {
    try {
      return Resource.fromBytes(type.typeUrl, body(), options);
    } catch (error) {
      return this.fault(node.at, steps, messageOf(error));
    }
  }

  private fault(at: number, steps: readonly PathStep[], message: string): undefined {
    this.json.faults.push({ at, path: formatPath(steps), message });
    return undefined;
  }
}

/** What is read of an envoy.service.discovery.v3.Resource. */
interface Wrapper {
  readonly name: string;
  readonly version: string;
  readonly aliases: string[];
  readonly ttl?: Duration;
  readonly resource?: Any;
}

const servedOfWrapper = ["name", "version", "resource", "ttl", "aliases"];

/** Whether an `@type` is the one of a message, by its full name. */
export const isType = (node: YamlNode, typeName: string) =>
  node.kind === "scalar" && String(node.value).endsWith(`/${typeName}`);

function missingName(type: ResourceType, desc: DescMessage): string {
  const field = type.nameField === undefined ? undefined : desc.field[type.nameField]?.name;
  if (field !== undefined)
    return `expected a name, by which clients ask for the resource, got none; set the field ${field}`;
  return `${desc.typeName} has no name of its own; give it one with an object around it: {"@type": type.googleapis.com/${wrapperType}, name: …, resource: …}`;
}

/** In place of an object with an `@type`. */
export function describeDocument(node: YamlNode): string {
  if (node.kind !== "map") return describeNode(node);
  return node.entries.length === 0 ? "an empty object" : "another object";
}
