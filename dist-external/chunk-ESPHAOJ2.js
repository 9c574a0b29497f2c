import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  allAtOnce
} from "./chunk-IDIDKZNG.js";
import {
  Resource
} from "./chunk-AKMKR4LC.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/resource/resource-set.js
import { hash } from "node:crypto";
var toResource = (input, api) => input instanceof Resource ? input : Resource.of(input, { api });
var ResourceSet = class _ResourceSet {
  type;
  resources;
  ownVersion;
  constructor(type, resources, ownVersion) {
    this.type = type;
    this.resources = resources;
    this.ownVersion = ownVersion;
  }
  /**
   * Makes a set of resources of one type. `version` replaces the version that is made from the members.
   * @throws XdsError WRONG_TYPE, DUPLICATE_NAME (P10), INVALID_OPTION for an empty version, and the errors of {@link
   * Resource.of}
   */
  static of(type, inputs, version) {
    return allAtOnce(_ResourceSet.making(type, inputs, version));
  }
  /** @internal {@link ResourceSet.of} in steps. It also computes each member's digest for `SetHash`. */
  static *making(type, inputs, version) {
    const resources = /* @__PURE__ */ new Map();
    if (version !== void 0 && (typeof version !== "string" || version === ""))
      throw new XdsError("INVALID_OPTION", `the version of ${type.name} must be a non-empty string, is ${JSON.stringify(version)}`);
    for (const input of inputs) {
      const resource = toResource(input, type.api);
      mustBeOf(type, resource);
      if (resources.has(resource.key))
        throw duplicateName(type, resource.name);
      resources.set(resource.key, resource);
      digestOf(resource);
      yield;
    }
    yield* checkingDistinct(type, resources);
    return new _ResourceSet(type, resources, version);
  }
};
function mustBeDistinct(type, resources) {
  allAtOnce(checkingDistinct(type, resources));
}
function* checkingDistinct(type, resources) {
  const taken = /* @__PURE__ */ new Set();
  for (const resource of resources.values()) {
    for (const alias of resource?.aliasKeys ?? []) {
      if (taken.has(alias) || resources.get(alias))
        throw duplicateName(type, alias);
      taken.add(alias);
    }
    yield;
  }
}
function duplicateName({ typeUrl }, name) {
  return new XdsError("DUPLICATE_NAME", `two resources of type ${typeUrl} are named ${JSON.stringify(name)}`);
}
function mustBeOf(type, resource) {
  if (resource.type.typeUrl !== type.typeUrl)
    throw new XdsError("WRONG_TYPE", `${JSON.stringify(resource.name)} is a ${resource.type.typeUrl}; only ${type.typeUrl} is allowed here`);
}
var SetHash = class {
  high = 0;
  low = 0;
  add(resource) {
    return this.move(resource, 1);
  }
  remove(resource) {
    return this.move(resource, -1);
  }
  /** Returns the version as 16 hexadecimal digits. */
  toString() {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }
  /** Adds or subtracts the first 64 bits of a member's hash, modulo 2^64. */
  move(member, sign) {
    const digest = digestOf(member);
    const low = this.low + sign * word(digest, 4);
    const carry = Math.floor(low / 2 ** 32);
    this.low = low >>> 0;
    this.high = this.high + sign * word(digest, 0) + carry >>> 0;
    return this;
  }
};
function digestOf(member) {
  member.digest ??= hash("sha256", `${member.key}\0${member.version}`, "binary").slice(0, 8);
  return member.digest;
}
var word = (bytes, at) => (bytes.charCodeAt(at) << 24 | bytes.charCodeAt(at + 1) << 16 | bytes.charCodeAt(at + 2) << 8 | bytes.charCodeAt(at + 3)) >>> 0;

export {
  toResource,
  ResourceSet,
  mustBeDistinct,
  duplicateName,
  SetHash
};
