import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import { type DescMessage, fromJson, type Message, type Registry, toBinary } from "@bufbuild/protobuf";
import type { Any, Duration } from "@bufbuild/protobuf/wkt";
import { messageOf } from "../errors.js";
import { Resource, type ResourceOptions } from "../resource/resource.js";
import { findResourceType, type ResourceType, resourceTypes } from "../resource/types.js";
import { envoyRegistry } from "../schema/registry.js";
import { MessageJson, TooManyValues } from "./message-json.js";
import { nearest } from "./nearest.js";
import { type Fault, formatPath, LineIndex, type PathStep, type Place, type Problem } from "./problem.js";
import { describeNode } from "./scalar-json.js";
import { typeNamed, wrongType } from "./type-names.js";
import { parseYaml, type YamlMap, type YamlNode } from "./yaml.js";

/** A resource, and where it was read. */
export interface LocatedResource extends Place {
  readonly resource: Resource;
}

/** What a file says. It is to be used only if it has no problems. */
export interface ResourceFile {
  readonly resources: readonly LocatedResource[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  /** What was left out of what is served, and why; in the order of the file. */
  readonly notes: readonly Problem[];
  /** @internal The hash of a resource's text → the resource, for the next reading of the file. */
  readonly bySource: ReadonlyMap<string, Resource>;
}

export interface ReadOptions {
  /** What the file said before: a resource whose text is the same is not read again, but is the same object. */
  readonly previous?: ResourceFile | undefined;
  /** The messages that may occur; by default those of the Envoy API. */
  readonly registry?: Registry;
}

/**
 * Reads a file of resources: YAML or JSON; each document either an object with a list `resources`, as in Envoy's own
 * configuration by file, or one resource. A resource is an object with its `@type`, or an
 * envoy.service.discovery.v3.Resource with one, which gives it a name. All problems of the file are told.
 */
export function readResourceFile(file: string, bytes: Uint8Array, options: ReadOptions = {}): ResourceFile {
  if (!isUtf8(bytes)) return { resources: [], problems: [notUtf8(file, bytes)], notes: [], bySource: new Map() };
  const text = new TextDecoder().decode(bytes);
  const reader = new ResourceReader(text, options);
  reader.read();
  const lines = new LineIndex(text);
  const faults = reader.faults.sort((a, b) => a.at - b.at);
  return {
    problems: faults.map(({ at, path, message }) => ({ file, ...lines.place(at), path, message })),
    resources: reader.resources.map(({ at, resource }) => ({ resource, file, ...lines.place(at) })),
    notes: [],
    bySource: reader.bySource,
  };
}

function notUtf8(file: string, bytes: Uint8Array): Problem {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    if (!isUtf8(text) || newline === -1) {
      const column = new TextDecoder().decode(text).indexOf("\u{fffd}") + 1;
      return { file, line, column, path: "", message: "not UTF-8 text; save the file as UTF-8" };
    }
    start = end + 1;
  }
}

const listType = "envoy.service.discovery.v3.DiscoveryResponse";
const wrapperType = "envoy.service.discovery.v3.Resource";
const exampleType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

class ResourceReader {
  readonly resources: { at: number; resource: Resource }[] = [];
  readonly faults: Fault[] = [];
  readonly bySource = new Map<string, Resource>();
  private readonly documents: readonly YamlNode[];
  private readonly previous: ReadonlyMap<string, Resource> | undefined;
  private readonly registry: Registry;
  private readonly json: MessageJson;

  constructor(
    private readonly text: string,
    { previous, registry = envoyRegistry() }: ReadOptions,
  ) {
    const { documents, faults, size, hasAliases } = parseYaml(text);
    this.documents = documents;
    this.faults.push(...faults);
    this.registry = registry;
    this.json = new MessageJson(registry, size);
    if (!hasAliases) this.previous = previous?.bySource ?? new Map();
  }

  read(): void {
    for (const document of this.documents) {
      try {
        this.document(document);
      } catch (error) {
        if (!(error instanceof TooManyValues)) throw error;
        this.fault(document.at, [], error.message);
        break;
      }
    }
    this.faults.push(...this.json.faults);
  }

  private document(node: YamlNode): void {
    if (node.kind === "scalar" && node.value === null) return;
    const list = valueAt(node, "resources");
    const type = valueAt(node, "@type");
    if (node.kind === "map" && list && (!type || isType(type, listType))) this.list(node, list);
    else if (type) this.resource(node, [], this.text.length);
    else
      this.fault(
        node.at,
        [],
        `expected an object with a list "resources:", or one resource with its "@type", got ${describeDocument(node)}`,
      );
  }

  private list(document: YamlMap, list: YamlNode): void {
    const rest = { ...document, entries: document.entries.filter(({ key }) => key !== "resources") };
    const desc = this.registry.getMessage(listType);
    if (desc) this.json.read(desc, rest, [], "@type");
    if (list.kind === "list") {
      for (const [index, item] of list.items.entries()) {
        const end = list.items[index + 1]?.at ?? this.text.length;
        this.resource(item, ["resources", index], end);
      }
    } else if (list.kind !== "scalar" || list.value !== null)
      this.fault(
        list.at,
        ["resources"],
        `expected a list of resources, got ${describeNode(list)}; put "- " before each`,
      );
  }

  /** `end`: where in the text the resource ends at the latest. */
  private resource(node: YamlNode, steps: readonly PathStep[], end: number): void {
    // Where there are aliases, the same text may stand for something else than before.
    const source = this.previous && hash("sha1", this.text.slice(node.at, end), "base64");
    const same = source === undefined ? undefined : this.previous?.get(source);
    const before = this.resources.length;
    if (same) this.resources.push({ at: node.at, resource: same });
    else this.newResource(node, steps);
    const read = this.resources[before]?.resource;
    if (source !== undefined && read) this.bySource.set(source, read);
  }

  private newResource(node: YamlNode, steps: readonly PathStep[]): void {
    const type = node.kind === "map" ? valueAt(node, "@type") : undefined;
    if (node.kind !== "map" || !type) {
      this.fault(
        node.at,
        steps,
        `expected an object with its "@type", such as ${exampleType}, got ${describeDocument(node)}`,
      );
      return;
    }
    if (isType(type, wrapperType)) {
      this.wrapped(node, steps);
      return;
    }
    const found = this.resourceType(type, steps);
    if (!found) return;
    const message = this.message(found.desc, node, steps);
    if (!message) return;
    const { nameField } = found.type;
    const name = nameField === undefined ? "" : (message as unknown as Record<string, unknown>)[nameField];
    if (name === "" || typeof name !== "string") this.fault(node.at, steps, missingName(found.type, found.desc));
    else this.encode(node, steps, found.type, () => toBinary(found.desc, message), { name });
  }

  /** An envoy.service.discovery.v3.Resource: a name around a resource. */
  private wrapped(node: YamlMap, steps: readonly PathStep[]): void {
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
    const innerType = inner && valueAt(inner, "@type");
    if (!innerType) {
      const got = inner ? describeDocument(inner) : "none";
      this.fault((inner ?? node).at, [...steps, "resource"], `expected a resource with its "@type", got ${got}`);
      return;
    }
    const found = this.resourceType(innerType, [...steps, "resource"]);
    const message = found && desc && this.message(desc, node, steps);
    if (!message) return;
    const { name, version, resource, ttl, aliases } = message as Message & Wrapper;
    const options = {
      ...(name !== "" && { name }),
      ...(version !== "" && { version }),
      ...(ttl && { ttlMs: Number(ttl.seconds) * 1000 + ttl.nanos / 1e6 }),
      aliases,
    };
    this.encode(node, steps, found.type, () => resource?.value ?? new Uint8Array(0), options);
  }

  /** The type of a resource, and the schema that it is read with. */
  private resourceType(
    node: YamlNode,
    steps: readonly PathStep[],
  ): { type: ResourceType; desc: DescMessage } | undefined {
    const typeUrl = node.kind === "scalar" ? String(node.value) : "";
    const type = findResourceType(typeUrl);
    const desc = typeNamed(node, this.registry);
    if (type && desc) return { type, desc };
    this.fault(node.at, [...steps, "@type"], this.unusableType(node, typeUrl, type, desc));
    return undefined;
  }

  private unusableType(node: YamlNode, typeUrl: string, type?: ResourceType, desc?: DescMessage): string {
    if (type) return `the schema of ${typeUrl} is not known here, so it cannot be read from a file`;
    const urls = resourceTypes().map((known) => known.typeUrl);
    if (!desc) {
      const last = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
      const meant = nearest(typeUrl, urls) ?? urls.find((url) => last !== "" && url.endsWith(`.${last}`));
      if (meant) return `expected the type of a resource, got ${describeNode(node)}; did you mean ${meant}?`;
      return wrongType(node, this.registry);
    }
    const names = urls.map((url) => url.slice(url.lastIndexOf("/") + 1)).join(", ");
    return `expected the type of a resource, type.googleapis.com/ and one of ${names}; got ${describeNode(node)}`;
  }

  /** The message that an object stands for, if nothing is wrong with it. */
  private message(desc: DescMessage, node: YamlMap, steps: readonly PathStep[]): Message | undefined {
    const before = this.json.faults.length;
    const json = this.json.read(desc, node, steps, "@type");
    if (this.json.faults.length > before) return undefined;
    try {
      return fromJson(desc, json, { registry: this.registry });
    } catch (error) {
      // Of what MessageJson does not look at, such as the depth of messages.
      this.fault(node.at, steps, messageOf(error));
      return undefined;
    }
  }

  private encode(
    node: YamlNode,
    steps: readonly PathStep[],
    type: ResourceType,
    body: () => Uint8Array,
    options: ResourceOptions,
  ): void {
    try {
      this.resources.push({ at: node.at, resource: Resource.fromBytes(type.typeUrl, body(), options) });
    } catch (error) {
      this.fault(node.at, steps, messageOf(error));
    }
  }

  private fault(at: number, steps: readonly PathStep[], message: string): void {
    this.faults.push({ at, path: formatPath(steps), message });
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

function valueAt(node: YamlNode, key: string): YamlNode | undefined {
  return node.kind === "map" ? node.entries.find((entry) => entry.key === key)?.value : undefined;
}

const isType = (node: YamlNode, typeName: string) =>
  node.kind === "scalar" && String(node.value).endsWith(`/${typeName}`);

function missingName(type: ResourceType, desc: DescMessage): string {
  const field = type.nameField === undefined ? undefined : desc.field[type.nameField]?.name;
  if (field !== undefined) return `expected a name in ${field}, which is how clients ask for the resource; got none`;
  return `${desc.typeName} has no name of its own; give it one with an object around it: {"@type": type.googleapis.com/${wrapperType}, name: …, resource: …}`;
}

/** In place of an object with an `@type`. */
function describeDocument(node: YamlNode): string {
  if (node.kind !== "map") return describeNode(node);
  const keys = node.entries.slice(0, 4).map(({ key }) => key);
  if (keys.length === 0) return "an empty object";
  const hint = keys.includes("static_resources") ? " (a bootstrap, which is Envoy's own file)" : "";
  return `an object with ${keys.join(", ")}${node.entries.length > 4 ? ", …" : ""}${hint}`;
}
