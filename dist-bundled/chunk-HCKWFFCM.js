import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  ResourceSet,
  toResource
} from "./chunk-KZCVAWTX.js";
import {
  allAtOnce
} from "./chunk-IDIDKZNG.js";
import {
  canonicalName
} from "./chunk-7P7SAT7Z.js";
import {
  XdsApi
} from "./chunk-ZTJUYVIA.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/resource/snapshot.js
var Snapshot = class _Snapshot {
  sets;
  versionOfOthers;
  api;
  constructor(sets, versionOfOthers, api) {
    this.sets = sets;
    this.versionOfOthers = versionOfOthers;
    this.api = api;
  }
  /** A snapshot without resources, with the default API. */
  static empty = new _Snapshot(/* @__PURE__ */ new Map(), void 0, XdsApi.default);
  /**
   * Makes a snapshot of resources of any types.
   *
   * A {@link Resource} is used as it is, so unchanged resources need no new encoding. A type with a version and without
   * resources becomes an empty set of that version.
   * @throws XdsError DUPLICATE_NAME, MISSING_NAME, UNKNOWN_TYPE, INVALID_RESOURCE with the resource's position;
   * UNKNOWN_TYPE for a version of an unknown type; INVALID_OPTION for an unknown option, and for a version that is not
   * a non-empty string
   */
  static of(inputs, options = {}) {
    return allAtOnce(_Snapshot.making(inputs, options));
  }
  /** @internal {@link Snapshot.of} in steps. */
  static *making(inputs, options = {}) {
    const { api = XdsApi.default } = options;
    const { ofAll, ofTypes } = readVersions(options);
    const byType = /* @__PURE__ */ new Map();
    for (const typeUrl of ofTypes.keys())
      byType.set(typeUrl, { type: api.resourceType(typeUrl), resources: [] });
    let index = 0;
    for (const input of inputs) {
      let resource;
      try {
        resource = toResource(input, api);
      } catch (error) {
        if (!(error instanceof XdsError))
          throw error;
        throw new XdsError(error.code, `resource ${index} of the snapshot: ${messageOf(error)}`, { cause: error });
      }
      const { type } = resource;
      const known = byType.get(type.typeUrl);
      if (known)
        known.resources.push(resource);
      else
        byType.set(type.typeUrl, { type, resources: [resource] });
      index++;
      yield;
    }
    const sets = /* @__PURE__ */ new Map();
    for (const [typeUrl, { type, resources }] of byType)
      sets.set(typeUrl, yield* ResourceSet.making(type, resources, ofTypes.get(typeUrl) ?? ofAll));
    return new _Snapshot(sets, ofAll, api);
  }
  /**
   * Returns a copy of this snapshot with other resources of one type. The copy shares the other types.
   * @throws XdsError as {@link Snapshot.of}, and WRONG_TYPE
   */
  with(typeUrl, inputs, version) {
    const type = this.sets.get(typeUrl)?.type ?? this.api.resourceType(typeUrl);
    const set = ResourceSet.of(type, inputs, version);
    return new _Snapshot(new Map(this.sets).set(typeUrl, set), this.versionOfOthers, this.api);
  }
  /** Returns the resources of a type, by name. */
  resources(typeUrl) {
    return this.sets.get(typeUrl)?.resources ?? none;
  }
  /** The resource of a type with this name, if there is one. */
  get(typeUrl, name) {
    return this.sets.get(typeUrl)?.resources.get(canonicalName(name));
  }
  /** Returns the set of a type; undefined if the snapshot has none. */
  set(typeUrl) {
    return this.sets.get(typeUrl);
  }
  /**
   * @internal Returns the user's version of a type, also of one without a set; undefined if the version is the hash of
   * the content.
   */
  ownVersion(typeUrl) {
    const set = this.sets.get(typeUrl);
    return set ? set.ownVersion : this.versionOfOthers;
  }
  /** Returns the types of all sets. */
  types() {
    return Array.from(this.sets.values(), ({ type }) => type);
  }
  /** Returns the type URLs of all sets. */
  typeUrls() {
    return [...this.sets.keys()];
  }
};
function readVersions(options) {
  checkOptions("Snapshot", options, { version: true, api: true });
  const { version } = options;
  const invalid = (what, got) => new XdsError("INVALID_OPTION", `${what} must be a non-empty string, is ${JSON.stringify(got)}`);
  if (version === void 0)
    return { ofAll: void 0, ofTypes: /* @__PURE__ */ new Map() };
  if (typeof version === "object" && version !== null && !Array.isArray(version)) {
    const ofTypes = Object.entries(version).filter((entry) => entry[1] !== void 0);
    for (const [typeUrl, own] of ofTypes) {
      if (typeof own !== "string" || own === "")
        throw invalid(`the version of ${typeUrl}`, own);
    }
    return { ofAll: void 0, ofTypes: new Map(ofTypes) };
  }
  if (typeof version !== "string" || version === "")
    throw invalid("the version of a snapshot", version);
  return { ofAll: version, ofTypes: /* @__PURE__ */ new Map() };
}
var none = /* @__PURE__ */ new Map();

export {
  Snapshot
};
