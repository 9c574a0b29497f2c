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
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME (P10), and what {@link Resource.of} throws
   */
  static of(type: ResourceType, inputs: Iterable<ResourceInput>, version?: string): ResourceSet {
    const resources = new Map<string, Resource>();
    const aliases = new Map<string, Resource>();
    const refuse = (name: string) =>
      new XdsError("DUPLICATE_NAME", `two resources of type ${type.typeUrl} are named ${JSON.stringify(name)}`);
    for (const input of inputs) {
      const resource = toResource(input);
      mustBeOf(type, resource);
      if (resources.has(resource.key)) throw refuse(resource.name);
      resources.set(resource.key, resource);
      for (const alias of resource.aliases) {
        if (aliases.has(alias)) throw refuse(alias);
        aliases.set(alias, resource);
      }
    }
    for (const alias of aliases.keys()) if (resources.has(alias)) throw refuse(alias);
    return new ResourceSet(type, resources, version);
  }
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
 * The version of a set by its content: a hash of its members that can be kept up to date by one addition per change,
 * whatever the order (the sum of the members' 64-bit hashes). The same on every replica.
 */
export class SetHash {
  private high = 0;
  private low = 0;

  add(resource: Resource): this {
    return this.move(resource, 1);
  }

  remove(resource: Resource): this {
    return this.move(resource, -1);
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }

  private move({ key: name, version }: Resource, sign: 1 | -1): this {
    // A version by content covers the name already; one of the user's own need not.
    const digest = /^[0-9a-f]{16}$/.test(version) ? version : hash("sha256", `${name}\0${version}`, "hex");
    this.high = (this.high + sign * Number.parseInt(digest.slice(0, 8), 16)) >>> 0;
    this.low = (this.low + sign * Number.parseInt(digest.slice(8, 16), 16)) >>> 0;
    return this;
  }
}
