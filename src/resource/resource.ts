import { hash } from "node:crypto";
import { fromBinary, type JsonValue, type Message } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { checkOptions } from "../options.js";
import { encodeMessage } from "../schema/encode-message.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { anyField, deltaEntry, errorEntry, type PackedBytes, wrappedEntry } from "../wire/entries.js";
import { canonicalName } from "./names.js";
import type { Reference } from "./reference.js";
import { type JsonResourceOptions, type ResourceOptions, resourceOptionNames } from "./resource-options.js";
import { readResourceJson } from "./resource-reader.js";
import type { ResourceType } from "./xds-api.js";
import { XdsApi } from "./xds-api.js";

/** Why a resource is not available: the `google.rpc.Status` that clients receive. */
export interface ResourceError {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
}

const noAliases: readonly string[] = [];

/** The range of a google.protobuf.Duration: one nanosecond to 10,000 years. */
const shortestTtlMs = 1e-6;
const longestTtlMs = 315_576_000_000_000;

/** A named, versioned resource, encoded once. All caches, streams and responses share it. */
export class Resource {
  /** @internal The result of referencesOf(), which sets it. */
  references: readonly Reference[] | undefined = undefined;
  /** @internal The resource's part of its set's version. `SetHash` sets it. */
  digest: string | undefined = undefined;
  /**
   * The name in canonical spelling, by which caches and subscriptions know the resource. All equal xdstp names share it
   * (P64).
   */
  readonly key: string;
  /** The aliases, each in canonical spelling as in {@link Resource.key}. */
  readonly aliasKeys: readonly string[];

  private constructor(
    readonly type: ResourceType,
    readonly name: string,
    /** The hash of name and content, or the version given by the user. */
    readonly version: string,
    private readonly content: PackedBytes,
    readonly aliases: readonly string[],
    /** In milliseconds. `undefined` if clients keep it until it is removed. */
    readonly ttlMs: number | undefined,
    /** Set if the resource is not available. Clients then receive this error in `resource_errors` (P65). */
    readonly error: ResourceError | undefined,
    /** @internal True for a resource without content that stands for a nonexistent one (P40, P56). */
    readonly isPlaceholder = false,
  ) {
    this.key = canonicalName(name);
    const aliasKeys = aliases.map(canonicalName);
    // Most aliases are canonical already. Then both properties share one array.
    this.aliasKeys = aliasKeys.every((key, index) => key === aliases[index]) ? aliases : aliasKeys;
  }

  /**
   * Makes a resource from a message, which it encodes.
   *
   * The message may be made with the schemas of `ts-control-plane/envoy/…` or those that `xds schema types` generates.
   * It may also be an `Any` that contains one.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE, and INVALID_OPTION for wrong options
   */
  static of(message: Message, options: ResourceOptions = {}): Resource {
    if (typeof (message as Partial<Message> | undefined)?.$typeName !== "string")
      throw new XdsError(
        "INVALID_RESOURCE",
        "not a message; make one with create() or fromJson() of @bufbuild/protobuf and a schema of ts-control-plane/envoy/…",
      );
    if (message.$typeName === "google.protobuf.Any") {
      const any = message as Any;
      return Resource.fromBytes(any.typeUrl, any.value, options);
    }
    const { api = XdsApi.default } = options;
    const type = api.resourceType(`type.googleapis.com/${message.$typeName}`);
    const schema = api.registry.getMessage(message.$typeName);
    if (!schema)
      throw new XdsError(
        "INVALID_RESOURCE",
        `no schema is known for ${message.$typeName}; encode it yourself and use Resource.fromBytes()`,
      );
    const name = options.name ?? nameIn(type, message);
    let body: Uint8Array;
    try {
      body = encodeMessage(schema, message);
    } catch (cause) {
      throw new XdsError(
        "INVALID_RESOURCE",
        `${type.name} resource ${JSON.stringify(name)} cannot be encoded: ${messageOf(cause)}`,
        { cause },
      );
    }
    return Resource.encode(type, name, body, options);
  }

  /**
   * Makes a resource from an encoded message. Its name is read from the message unless one is given, which needs the
   * type's schema.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE, and INVALID_OPTION for wrong options
   */
  static fromBytes(typeUrl: string, body: Uint8Array, options: ResourceOptions = {}): Resource {
    const { api = XdsApi.default } = options;
    const type = api.resourceType(typeUrl);
    const name = options.name ?? nameIn(type, decode(type, body));
    return Resource.encode(type, name, body, options);
  }

  /**
   * Reads a resource in JSON, by the rules by which Envoy and `xds serve` read files: both spellings of a field
   * (`connectTimeout`, `connect_timeout`) are right. The object has its `@type`, or `typeUrl` gives it. An
   * `envoy.service.discovery.v3.Resource` around a resource gives it a name, a version, a TTL and aliases. The options
   * override these.
   * @throws XdsError INVALID_RESOURCE with a line for each field that is wrong; INVALID_OPTION for the options
   */
  static fromJson(json: JsonValue, { typeUrl, ...options }: JsonResourceOptions = {}): Resource {
    const content = readResourceJson(json, options.api ?? XdsApi.default, typeUrl, options.name);
    return Resource.fromBytes(content.typeUrl, content.body, { ...content.options, ...options });
  }

  /**
   * Makes a resource that stands for an unavailable one. Clients receive the error for its name once (P65); all other
   * resources are not affected.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME
   */
  static failed(typeUrl: string, name: string, error: ResourceError, api: XdsApi = XdsApi.default): Resource {
    const text = Buffer.from(`${error.code} ${error.message}`);
    const resource = Resource.encode(api.resourceType(typeUrl), name, text, {}, error);
    resource.references = []; // the content is an error's text, which has no references
    return resource;
  }

  /** @internal Makes a message that has only its name, for a type whose row allows it. */
  static placeholder(type: ResourceType, name: string): Resource {
    const writer = new BinaryWriter().tag(type.placeholder?.field ?? 1, WireType.LengthDelimited).string(name);
    return Resource.encode(type, name, writer.finish(), {}, undefined, true);
  }

  private static encode(
    type: ResourceType,
    name: string,
    body: Uint8Array,
    options: ResourceOptions,
    error?: ResourceError,
    isPlaceholder = false,
  ): Resource {
    checkOptions("Resource", options, resourceOptionNames);
    const { version: ownVersion, ttlMs, aliases = noAliases } = options;
    const invalid = (why: string) =>
      new XdsError("INVALID_OPTION", `${type.name} resource ${JSON.stringify(name)}: ${why}`);
    if (name === "")
      throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
    if (ownVersion === "") throw invalid("its version is empty");
    if (ttlMs !== undefined && !(ttlMs >= shortestTtlMs && ttlMs <= longestTtlMs))
      throw invalid(`ttlMs must be from ${shortestTtlMs} to ${longestTtlMs}, is ${ttlMs}`);
    checkAliases(name, aliases, invalid);
    const version =
      ownVersion ?? contentVersion([name, ...aliases, ttlMs ?? "", error ? "error" : ""].join("\0"), body);
    // The name is copied: it may be a substring of a file's text, which would stay in memory with it.
    return new Resource(
      type,
      Buffer.from(name).toString(),
      version,
      asBuffer(body).toString("latin1"),
      aliases,
      ttlMs,
      error,
      isPlaceholder,
    );
  }

  /** @internal The Envoy API by which it is written as JSON. */
  get registry(): SchemaRegistry {
    return this.type.api.registry;
  }

  /** @internal The size of the encoded message, in bytes. */
  get size(): number {
    return this.content.length;
  }

  /** @internal The largest size of the resource in a response, in bytes. */
  get entryBytes(): number {
    const { content, type, name, version, aliases } = this;
    let names = Buffer.byteLength(name) + Buffer.byteLength(version);
    for (const alias of aliases) names += Buffer.byteLength(alias) + 4;
    return content.length + type.typeUrl.length + names + 40;
  }

  /** @internal Returns field 2 of a DiscoveryResponse, or field 7 for an error, with tag and length. */
  sotwEntry(withTtl: boolean): Uint8Array {
    const { type, name, version, aliases, ttlMs, error, content } = this;
    if (error) return errorEntry(7, name, error);
    const any = anyField(type.typeUrl, content);
    return withTtl && ttlMs !== undefined ? wrappedEntry({ name, version, aliases, ttlMs }, any) : any;
  }

  /** @internal Returns field 2 of a DeltaDiscoveryResponse, or field 9 for an error, under the requested name (P64). */
  deltaEntry(withTtl: boolean, name = this.name): Uint8Array {
    const { type, version, aliases, error, content } = this;
    if (error) return errorEntry(9, name, error);
    const ttlMs = withTtl ? this.ttlMs : undefined;
    return deltaEntry({ name, version, aliases, ttlMs }, anyField(type.typeUrl, content));
  }

  /** The encoded message, copied at each call. */
  get body(): Uint8Array {
    return Buffer.from(this.content, "latin1");
  }

  /** @internal Whether both have the same encoded message. */
  hasBodyOf(other: Resource): boolean {
    return this.content === other.content;
  }

  /**
   * @internal Whether clients receive the same for both resources: names, aliases, TTL, and message or error. Versions
   * are not compared.
   */
  hasContentOf(other: Resource): boolean {
    if (this === other) return true;
    const { key, aliasKeys, ttlMs, error } = this;
    if (key !== other.key || ttlMs !== other.ttlMs || aliasKeys.length !== other.aliasKeys.length) return false;
    if ((error === undefined) !== (other.error === undefined) || !this.hasBodyOf(other)) return false;
    if (aliasKeys.length === 0) return true;
    const others = new Set(other.aliasKeys);
    return aliasKeys.every((alias) => others.has(alias));
  }

  /**
   * Decodes the message, at each call again.
   * @throws XdsError INVALID_RESOURCE if the type has no known schema, and for a resource that stands for an error
   */
  message(): Message {
    if (this.error)
      throw new XdsError("INVALID_RESOURCE", `${JSON.stringify(this.name)} stands for an error: ${this.error.message}`);
    return decode(this.type, this.body);
  }
}

/** The first 16 hexadecimal digits of the SHA-256 of name and content. They are the same on every replica. */
function contentVersion(name: string, body: Uint8Array): string {
  // The digest is cut as bytes: a substring of its digits would keep all digits in memory.
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\0`), body]), "buffer").toString("hex", 0, 8);
}

function checkAliases(name: string, aliases: readonly string[], invalid: (why: string) => XdsError): void {
  const names = new Set([canonicalName(name)]);
  for (const alias of aliases) {
    if (alias === "") throw invalid("an alias is empty");
    const key = canonicalName(alias);
    if (names.has(key)) throw invalid(`the alias ${JSON.stringify(alias)} is its name or another of its aliases`);
    names.add(key);
  }
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);

function decode({ typeUrl, api }: ResourceType, body: Uint8Array): Message {
  const schema = api.registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema)
    throw new XdsError(
      "INVALID_RESOURCE",
      `no schema is known for ${typeUrl}, so its name cannot be read; pass one: { name }`,
    );
  try {
    return fromBinary(schema, body);
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `these bytes are not a ${schema.typeName}: ${messageOf(cause)}`, { cause });
  }
}

function nameIn(type: ResourceType, message: Message): string {
  const name = type.nameField && (message as unknown as Record<string, unknown>)[type.nameField];
  if (typeof name === "string" && name !== "") return name;
  throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
}

const howToName = (type: ResourceType) =>
  type.nameField ? `set its field ${type.nameField}` : "its message has no name field, so pass one: { name }";
