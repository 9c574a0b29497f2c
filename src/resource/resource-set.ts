import { hash } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import { XdsError } from "../errors.js";
import { allAtOnce, type InSteps } from "../in-turns.js";
import { Resource } from "./resource.js";
import type { ResourceType, XdsApi } from "./xds-api.js";

/** A message that is yet to be encoded, or a resource. */
export type ResourceInput = Message | Resource;

export const toResource = (input: ResourceInput, api: XdsApi): Resource =>
  input instanceof Resource ? input : Resource.of(input, { api });

/** The resources of one type, by name, in the order given. It never changes. */
export class ResourceSet {
  private constructor(
    readonly type: ResourceType,
    readonly resources: ReadonlyMap<string, Resource>,
    /** The version given by the user; undefined if the version is the hash of the members. */
    readonly ownVersion: string | undefined,
  ) {}

  /**
   * Makes a set of resources of one type. `version` replaces the version that is made from the members.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME (P10), INVALID_OPTION for an empty version, and the errors of {@link
   * Resource.of}
   */
  static of(type: ResourceType, inputs: Iterable<ResourceInput>, version?: string): ResourceSet {
    return allAtOnce(ResourceSet.making(type, inputs, version));
  }

  /** @internal {@link ResourceSet.of} in steps. It also computes each member's digest for `SetHash`. */
  static *making(type: ResourceType, inputs: Iterable<ResourceInput>, version?: string): InSteps<ResourceSet> {
    const resources = new Map<string, Resource>();
    if (version !== undefined && (typeof version !== "string" || version === ""))
      throw new XdsError(
        "INVALID_OPTION",
        `the version of ${type.name} must be a non-empty string, is ${JSON.stringify(version)}`,
      );
    for (const input of inputs) {
      const resource = toResource(input, type.api);
      mustBeOf(type, resource);
      if (resources.has(resource.key)) throw duplicateName(type, resource.name);
      resources.set(resource.key, resource);
      digestOf(resource);
      yield;
    }
    yield* checkingDistinct(type, resources);
    return new ResourceSet(type, resources, version);
  }
}

/**
 * Checks that no alias is the name or an alias of another resource. The map is by key; undefined values are skipped.
 * @throws XdsError DUPLICATE_NAME
 */
export function mustBeDistinct(type: ResourceType, resources: ReadonlyMap<string, Resource | undefined>): void {
  allAtOnce(checkingDistinct(type, resources));
}

function* checkingDistinct(type: ResourceType, resources: ReadonlyMap<string, Resource | undefined>): InSteps<void> {
  const taken = new Set<string>();
  for (const resource of resources.values()) {
    for (const alias of resource?.aliasKeys ?? []) {
      if (taken.has(alias) || resources.get(alias)) throw duplicateName(type, alias);
      taken.add(alias);
    }
    yield;
  }
}

export function duplicateName({ typeUrl }: ResourceType, name: string): XdsError {
  return new XdsError("DUPLICATE_NAME", `two resources of type ${typeUrl} are named ${JSON.stringify(name)}`);
}

/**
 * Checks the type of a resource.
 * @throws XdsError WRONG_TYPE
 */
export function mustBeOf(type: ResourceType, resource: Resource): void {
  if (resource.type.typeUrl !== type.typeUrl)
    throw new XdsError(
      "WRONG_TYPE",
      `${JSON.stringify(resource.name)} is a ${resource.type.typeUrl}; only ${type.typeUrl} is allowed here`,
    );
}

/**
 * The version of a set, made from its content: the sum, modulo 2^64, of a hash of each member's name and version.
 *
 * Each change costs one addition, and the order of changes does not matter. The version is the same on every replica.
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

  /** Returns the version as 16 hexadecimal digits. */
  toString(): string {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }

  /** Adds or subtracts the first 64 bits of a member's hash, modulo 2^64. */
  private move(member: Member, sign: 1 | -1): this {
    const digest = digestOf(member);
    const low = this.low + sign * word(digest, 4);
    const carry = Math.floor(low / 2 ** 32); // -1, 0 or 1
    this.low = low >>> 0;
    this.high = (this.high + sign * word(digest, 0) + carry) >>> 0;
    return this;
  }
}

/** The parts of a resource that its set's version depends on. */
type Member = Pick<Resource, "key" | "version"> & { digest?: string | undefined };

function digestOf(member: Member): string {
  // The version is always hashed together with the name. A version given by the user may look like a hash of ours, but
  // does not depend on the name. Encoding "binary", one character per byte, is faster than hex or a Buffer.
  member.digest ??= hash("sha256", `${member.key}\0${member.version}`, "binary").slice(0, 8);
  return member.digest;
}

/** The unsigned 32-bit number in four bytes. */
const word = (bytes: string, at: number): number =>
  ((bytes.charCodeAt(at) << 24) |
    (bytes.charCodeAt(at + 1) << 16) |
    (bytes.charCodeAt(at + 2) << 8) |
    bytes.charCodeAt(at + 3)) >>>
  0;
