import { hash } from "node:crypto";
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { envoyRegistry } from "../schema/registry.js";
import type { Reference } from "./references.js";
import { findResourceType, type ResourceType, resourceType } from "./types.js";

/** What may be set beside a resource's message. */
export interface ResourceOptions {
  /** The name, where it is not the message's own: of a type without a name field, or an xdstp name. */
  readonly name?: string;
  /** A version of the user's own instead of the hash of the content; not empty. */
  readonly version?: string;
}

/** @internal The version of what stands in for a resource that does not exist. */
export const placeholderVersion = "placeholder";

/** A message of a resource's type, or the same in an `Any`. */
export type ResourceMessage = Message;

/**
 * One resource as it is served: named, versioned and encoded once. Every cache, stream and response shares it.
 *
 * Its bytes are one entry of a delta response with the `Any` last: `DeltaDiscoveryResponse.resources` and
 * `Resource.resource` are both field 2, as is `DiscoveryResponse.resources`, so the tail of a delta entry is a SotW one.
 */
export class Resource {
  /** @internal Written by referencesOf(). */
  references: readonly Reference[] | undefined = undefined;

  private constructor(
    readonly type: ResourceType,
    readonly name: string,
    /** The hash of name and content, or the user's own. */
    readonly version: string,
    /** @internal Field 2 of a DeltaDiscoveryResponse, tag and length included. */
    readonly deltaEntry: Uint8Array,
    /** Where in `deltaEntry` field 2 of a DiscoveryResponse begins. */
    private readonly anyAt: number,
    /** Where in `deltaEntry` the message's own bytes begin. */
    private readonly bodyAt: number,
  ) {}

  /**
   * Encodes a message: one made with the schemas of `ts-control-plane/envoy/…`, or an `Any` that holds one.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE
   */
  static of(message: ResourceMessage, options: ResourceOptions = {}): Resource {
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
      body = toBinary(schema, message);
    } catch (cause) {
      throw new XdsError(
        "INVALID_RESOURCE",
        `${type.name} resource ${JSON.stringify(name)} cannot be encoded: ${messageOf(cause)}`,
        { cause },
      );
    }
    return Resource.encode(type, name, body, options.version);
  }

  /**
   * Takes a message that is encoded already. Its name is read from it, where the type's schema is known, unless one is given.
   * @throws XdsError UNKNOWN_TYPE, MISSING_NAME, INVALID_RESOURCE
   */
  static fromBytes(typeUrl: string, body: Uint8Array, options: ResourceOptions = {}): Resource {
    const type = resourceType(typeUrl);
    const name = options.name ?? nameIn(type, decode(typeUrl, body));
    return Resource.encode(type, name, body, options.version);
  }

  /** @internal A message with nothing but its name, for a type whose row allows it. */
  static placeholder(type: ResourceType, name: string): Resource {
    const writer = new BinaryWriter().tag(type.placeholder?.field ?? 1, WireType.LengthDelimited).string(name);
    return Resource.encode(type, name, writer.finish(), placeholderVersion);
  }

  private static encode(type: ResourceType, name: string, body: Uint8Array, ownVersion: string | undefined): Resource {
    if (name === "")
      throw new XdsError("MISSING_NAME", `a resource of type ${type.typeUrl} has no name; ${howToName(type)}`);
    if (ownVersion === "")
      throw new XdsError("INVALID_OPTION", `${type.name} resource ${JSON.stringify(name)}: its version is empty`);
    const version = ownVersion ?? contentVersion(name, body);
    const any = new BinaryWriter().tag(1, WireType.LengthDelimited).string(type.typeUrl);
    any.tag(2, WireType.LengthDelimited).bytes(body);
    const anyField = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(any.finish()).finish();
    const head = new BinaryWriter().tag(3, WireType.LengthDelimited).string(name);
    const headField = head.tag(1, WireType.LengthDelimited).string(version).finish();
    const size = headField.length + anyField.length;
    const tag = new BinaryWriter().tag(2, WireType.LengthDelimited).uint32(size).finish();
    const entry = new Uint8Array(tag.length + size);
    entry.set(tag);
    entry.set(headField, tag.length);
    entry.set(anyField, tag.length + headField.length);
    return new Resource(type, name, version, entry, tag.length + headField.length, entry.length - body.length);
  }

  /** @internal Field 2 of a DiscoveryResponse, tag and length included. */
  get sotwEntry(): Uint8Array {
    return this.deltaEntry.subarray(this.anyAt);
  }

  /** The encoded message. Shared: not to be written to. */
  get body(): Uint8Array {
    return this.deltaEntry.subarray(this.bodyAt);
  }

  /**
   * The message, decoded anew at each call.
   * @throws XdsError INVALID_RESOURCE where the type has no known schema
   */
  message(): Message {
    return decode(this.type.typeUrl, this.body);
  }
}

/** The first 16 hexadecimal digits of the SHA-256 of name and content: the same on every replica. */
function contentVersion(name: string, body: Uint8Array): string {
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\0`), body]), "hex").slice(0, 16);
}

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

/** Whether a message is one that {@link Resource.of} takes. */
export function isResourceMessage(message: Message): boolean {
  return (
    message.$typeName === "google.protobuf.Any" ||
    findResourceType(`type.googleapis.com/${message.$typeName}`) !== undefined
  );
}
