import { hash } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import { XdsError } from "../errors.js";
import { Resource } from "./resource.js";
import type { ResourceType } from "./types.js";

/** A message to encode, or a resource that is encoded already. */
export type ResourceInput = Message | Resource;

export const toResource = (input: ResourceInput): Resource => (input instanceof Resource ? input : Resource.of(input));

/** The resources of one type, by name, in the order given. Never changes. */
export class ResourceSet {
  private constructor(
    readonly type: ResourceType,
    readonly resources: ReadonlyMap<string, Resource>,
    /** The version given by the user; undefined: the hash of the members' versions. */
    readonly ownVersion: string | undefined,
  ) {}

  /**
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME (P10), INVALID_OPTION for an empty version, and what {@link
   * Resource.of} throws
   */
  static of(type: ResourceType, inputs: Iterable<ResourceInput>, version?: string): ResourceSet {
    const resources = new Map<string, Resource>();
    if (version !== undefined && (typeof version !== "string" || version === ""))
      throw new XdsError(
        "INVALID_OPTION",
        `the version of ${type.name} is ${JSON.stringify(version)}; it has to be a string that is not empty`,
      );
    for (const input of inputs) {
      const resource = toResource(input);
      mustBeOf(type, resource);
      if (resources.has(resource.key)) throw duplicateName(type, resource.name);
      resources.set(resource.key, resource);
    }
    mustBeDistinct(type, resources);
    return new ResourceSet(type, resources, version);
  }
}

/**
 * Checks that no alias is another resource's name or alias. `resources` by key; undefined is passed over.
 * @throws XdsError DUPLICATE_NAME
 */
export function mustBeDistinct(type: ResourceType, resources: ReadonlyMap<string, Resource | undefined>): void {
  const taken = new Set<string>();
  for (const resource of resources.values())
    for (const alias of resource?.aliasKeys ?? []) {
      if (taken.has(alias) || resources.get(alias)) throw duplicateName(type, alias);
      taken.add(alias);
    }
}

export function duplicateName({ typeUrl }: ResourceType, name: string): XdsError {
  return new XdsError("DUPLICATE_NAME", `two resources of type ${typeUrl} are named ${JSON.stringify(name)}`);
}

/** @throws XdsError WRONG_TYPE */
export function mustBeOf(type: ResourceType, resource: Resource): void {
  if (resource.type.typeUrl !== type.typeUrl)
    throw new XdsError(
      "WRONG_TYPE",
      `${JSON.stringify(resource.name)} is a ${resource.type.typeUrl}, where only ${type.typeUrl} can be`,
    );
}

/**
 * The version of a set by its content: the sum, modulo 2^64, of a hash of each member's name and version. One addition
 * per change keeps it up to date, whatever the order. It is the same on every replica.
 */
export class SetHash {
  private high = 0;
  private low = 0;

  add(resource: Member): this {
    return this.move(resource, 1);
  }

  remove(resource: Member): this {
    return this.move(resource, -1);
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }

  /** Adds or subtracts the first 64 bits of a member's hash, modulo 2^64. */
  private move({ key, version }: Member, sign: 1 | -1): this {
    // Always hashed: a version of the user's own may look like one of ours, and then says nothing of the name.
    const digest = hash("sha256", `${key}\0${version}`, "binary"); // a byte a character: faster than hex or a Buffer
    const low = this.low + sign * word(digest, 4);
    const carry = Math.floor(low / 2 ** 32); // -1, 0 or 1
    this.low = low >>> 0;
    this.high = (this.high + sign * word(digest, 0) + carry) >>> 0;
    return this;
  }
}

/** What counts of a resource. */
type Member = Pick<Resource, "key" | "version">;

/** The unsigned 32-bit number of four bytes. */
const word = (bytes: string, at: number): number =>
  ((bytes.charCodeAt(at) << 24) |
    (bytes.charCodeAt(at + 1) << 16) |
    (bytes.charCodeAt(at + 2) << 8) |
    bytes.charCodeAt(at + 3)) >>>
  0;
