import { hash } from "node:crypto";
import { fromBinary, type Message } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { encodeMessage } from "../schema/encode-message.js";
import { envoyRegistry } from "../schema/registry.js";
import { anyField, deltaEntry, errorEntry, type PackedBytes, wrappedEntry } from "./entries.js";
import { canonicalName } from "./names.js";
import type { Reference } from "./references.js";
import { type ResourceType, resourceType } from "./types.js";

/** What may be set beside a resource's message. */
export interface ResourceOptions {
  /** The name, where it is not the message's own: of a type without a name field, or an xdstp name. */
  readonly name?: string;
  /** A version of the user's own instead of the hash of the content; not empty. */
  readonly version?: string;
  /**
   * How long, in milliseconds, a client keeps the resource if nothing more is heard of it; the caches send heartbeats. Only
   * clients that support it are told (P57). From 0.000001 (a nanosecond) to 315,576,000,000,000 (10,000 years).
   */
  readonly ttlMs?: number;
  /** Other names by which clients may subscribe to it (delta, P59). */
  readonly aliases?: readonly string[];
}

/** Why a resource cannot be had, as clients are told it: a `google.rpc.Status`. */
export interface ResourceError {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
}

const noAliases: readonly string[] = [];

/** What a google.protobuf.Duration can hold: one nanosecond to 10,000 years. */
const shortestTtlMs = 1e-6;
const longestTtlMs = 315_576_000_000_000;

/** One resource as it is served: named, versioned and encoded once. Every cache, stream and response shares it. */
export class Resource {
  /** @internal Written by referencesOf(). */
  references: readonly Reference[] | undefined = undefined;
  /** The name by which caches and subscriptions know it: that of all equal xdstp names (P64), else just the name. */
  readonly key: string;
  /** Its aliases, each in the spelling of all equal xdstp names, as {@link Resource.key} is. */
  readonly aliasKeys: readonly string[];

  private constructor(
    readonly type: ResourceType,
    readonly name: string,
    /** The hash of name and content, or the user's own. */
    readonly version: string,
    private readonly content: PackedBytes,
    readonly aliases: readonly string[],
    /** In milliseconds; undefined: clients keep it until it is removed. */
    readonly ttlMs: number | undefined,
    /** Set where it stands for a resource that cannot be had, which clients are told in `resource_errors` (P65). */
    readonly error: ResourceError | undefined,
    /** @internal It has nothing but its name and stands for a resource that does not exist (P40, P56). */
    readonly isPlaceholder = false,
  ) {
    this.key = canonicalName(name);
    const aliasKeys = aliases.map(canonicalName);
    // Mostly one array for both.
    this.aliasKeys = aliasKeys.every((key, index) => key === aliases[index]) ? aliases : aliasKeys;
  }

  /**
   * Encodes a message: one made with the schemas of `ts-control-plane/envoy/…` or with those that `xds schema types` generates, or an
   * `Any` that holds one.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE
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
    const type = resourceType(`type.googleapis.com/${message.$typeName}`);
    const schema = envoyRegistry().getMessage(message.$typeName);
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
   * Takes a message that is encoded already. Its name is read from it, where the type's schema is known, unless one is given.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE
   */
  static fromBytes(typeUrl: string, body: Uint8Array, options: ResourceOptions = {}): Resource {
    const type = resourceType(typeUrl);
    const name = options.name ?? nameIn(type, decode(typeUrl, body));
    return Resource.encode(type, name, body, options);
  }

  /**
   * Stands for a resource that cannot be had: clients are told so by name, once, while everything else goes on (P65).
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME
   */
  static failed(typeUrl: string, name: string, error: ResourceError): Resource {
    const text = Buffer.from(`${error.code} ${error.message}`);
    const resource = Resource.encode(resourceType(typeUrl), name, text, {}, error);
    resource.references = []; // the text is no message to look for them in
    return resource;
  }

  /** @internal A message with nothing but its name, for a type whose row allows it. */
  static placeholder(type: ResourceType, name: string): Resource {
    const writer = new BinaryWriter().tag(type.placeholder?.field ?? 1, WireType.LengthDelimited).string(name);
    return Resource.encode(type, name, writer.finish(), {}, undefined, true);
  }

  private static encode(
    type: ResourceType,
    name: string,
    body: Uint8Array,
    { version: ownVersion, ttlMs, aliases = noAliases }: ResourceOptions,
    error?: ResourceError,
    isPlaceholder = false,
  ): Resource {
    const refuse = (why: string) =>
      new XdsError("INVALID_OPTION", `${type.name} resource ${JSON.stringify(name)}: ${why}`);
    if (name === "")
      throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
    if (ownVersion === "") throw refuse("its version is empty");
    if (ttlMs !== undefined && !(ttlMs >= shortestTtlMs && ttlMs <= longestTtlMs))
      throw refuse(`ttlMs has to be from ${shortestTtlMs} to ${longestTtlMs}, is ${ttlMs}`);
    checkAliases(name, aliases, refuse);
    const version =
      ownVersion ?? contentVersion([name, ...aliases, ttlMs ?? "", error ? "error" : ""].join("\0"), body);
    // A name may be a part of a file's text, which would stay in memory with it.
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

  /** @internal How many bytes it takes in a response, at most. */
  get entryBytes(): number {
    const { content, type, name, version, aliases } = this;
    let names = Buffer.byteLength(name) + Buffer.byteLength(version);
    for (const alias of aliases) names += Buffer.byteLength(alias) + 4;
    return content.length + type.typeUrl.length + names + 40;
  }

  /** @internal Field 2 of a DiscoveryResponse, or 7 if it is an error, tag and length included. */
  sotwEntry(withTtl: boolean): Uint8Array {
    const { type, name, version, aliases, ttlMs, error, content } = this;
    if (error) return errorEntry(7, name, error);
    const any = anyField(type.typeUrl, content);
    return withTtl && ttlMs !== undefined ? wrappedEntry({ name, version, aliases, ttlMs }, any) : any;
  }

  /** @internal Field 2 of a DeltaDiscoveryResponse, or 9 if it is an error, under the name that was asked for (P64). */
  deltaEntry(withTtl: boolean, name = this.name): Uint8Array {
    const { type, version, aliases, error, content } = this;
    if (error) return errorEntry(9, name, error);
    const ttlMs = withTtl ? this.ttlMs : undefined;
    return deltaEntry({ name, version, aliases, ttlMs }, anyField(type.typeUrl, content));
  }

  /** The encoded message: a copy, made at each call. */
  get body(): Uint8Array {
    return Buffer.from(this.content, "latin1");
  }

  /** @internal Whether both have the same encoded message. */
  hasBodyOf(other: Resource): boolean {
    return this.content === other.content;
  }

  /**
   * @internal Whether clients are sent the same of both: names, aliases, TTL and message or error. Versions are not
   * compared.
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
   * The message, decoded anew at each call.
   * @throws XdsError INVALID_RESOURCE where the type has no known schema
   */
  message(): Message {
    if (this.error)
      throw new XdsError("INVALID_RESOURCE", `${JSON.stringify(this.name)} stands for an error: ${this.error.message}`);
    return decode(this.type.typeUrl, this.body);
  }
}

/** The first 16 hexadecimal digits of the SHA-256 of name and content: the same on every replica. */
function contentVersion(name: string, body: Uint8Array): string {
  // As bytes: a part of all digits would keep all digits in memory.
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\0`), body]), "buffer").toString("hex", 0, 8);
}

function checkAliases(name: string, aliases: readonly string[], refuse: (why: string) => XdsError): void {
  const names = new Set([canonicalName(name)]);
  for (const alias of aliases) {
    if (alias === "") throw refuse("an alias is empty");
    const key = canonicalName(alias);
    if (names.has(key)) throw refuse(`the alias ${JSON.stringify(alias)} is its name or another of its aliases`);
    names.add(key);
  }
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);

function decode(typeUrl: string, body: Uint8Array): Message {
  const schema = envoyRegistry().getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  if (!schema)
    throw new XdsError("INVALID_RESOURCE", `no schema is known for ${typeUrl}, so its name has to be given by hand`);
  try {
    return fromBinary(schema, body);
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `these bytes are no ${schema.typeName}: ${messageOf(cause)}`, { cause });
  }
}

function nameIn(type: ResourceType, message: Message): string {
  const name = type.nameField && (message as unknown as Record<string, unknown>)[type.nameField];
  if (typeof name === "string" && name !== "") return name;
  throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
}

const howToName = (type: ResourceType) =>
  type.nameField ? `set its field ${type.nameField}` : "its message has no field for it, so give one: { name }";
