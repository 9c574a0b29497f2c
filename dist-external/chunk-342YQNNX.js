import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/resource/names.js
var scheme = "xdstp:";
var longestName = 4096;
function canonicalName(name) {
  if (!name.startsWith(scheme))
    return name;
  const [path, parameters] = split(name);
  if (!parameters.includes("&"))
    return name;
  return `${path}?${parameters.split("&").sort().join("&")}`;
}
function hasSpellings(name) {
  return name.startsWith(scheme) && name.includes("&");
}
function isGlob(name) {
  return name.startsWith(scheme) && split(name)[0].endsWith("/*");
}
function collectionOf(name) {
  if (!name.startsWith(scheme))
    return void 0;
  const [path, parameters] = split(name);
  return `${path.slice(0, path.lastIndexOf("/"))}/*${parameters && `?${parameters}`}`;
}
function split(name) {
  const query = name.indexOf("?");
  return query < 0 ? [name, ""] : [name.slice(0, query), name.slice(query + 1)];
}

// dist/schema/encode-message.js
import { create, toBinary } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
function encodeMessage(desc, message) {
  return toBinary(desc, fitted(desc, message));
}
function fitted(desc, message) {
  const shape = shapeOf(desc);
  const fields = message;
  let copy;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    const member = shape.members.get(key);
    const fittedValue2 = member ? fittedMember(desc, member, value) : value;
    if (!member && key[0] !== "$" && isSet(value))
      throw unknown(desc, key);
    if (fittedValue2 !== value) {
      copy ??= { ...fields };
      copy[key] = fittedValue2;
    }
  }
  for (const [key, zero] of shape.zeros) {
    if (key in fields)
      continue;
    copy ??= { ...fields };
    copy[key] = zero;
  }
  return copy ?? message;
}
function fittedMember(desc, member, value) {
  if (member.kind === "oneof") {
    const chosen = value;
    if (chosen.case === void 0)
      return value;
    const field = member.fields.find(({ localName }) => localName === chosen.case);
    if (!field)
      throw unknown(desc, chosen.case);
    const inner2 = field.message ? fittedValue(field.message, chosen.value, field) : chosen.value;
    return inner2 === chosen.value ? value : { case: chosen.case, value: inner2 };
  }
  const inner = member.message;
  if (!inner || value === void 0 || value === null)
    return value;
  switch (member.fieldKind) {
    case "message":
      return fittedValue(inner, value, member);
    case "list": {
      if (!Array.isArray(value))
        return value;
      const fittedItems = value.map((item) => fittedValue(inner, item, member));
      return fittedItems.some((item, index) => item !== value[index]) ? fittedItems : value;
    }
    case "map": {
      const entries = Object.entries(value).map(([key, item]) => [key, item, fittedValue(inner, item, member)]);
      if (entries.every(([, item, fittedItem]) => item === fittedItem))
        return value;
      return Object.fromEntries(entries.map(([key, , fittedItem]) => [key, fittedItem]));
    }
    default:
      return value;
  }
}
function fittedValue(desc, value, field) {
  if (typeof value === "object" && value !== null && "$typeName" in value)
    return fitted(desc, value);
  if (value === void 0 || value === null || desc.typeName === "google.protobuf.Struct" || isWrapperDesc(desc))
    return value;
  const schema = `${desc.typeName.slice(desc.file.proto.package.length + 1).replaceAll(".", "_")}Schema`;
  throw new XdsError("INVALID_RESOURCE", `${field.parent.typeName}.${field.name} is not a message (${desc.typeName}); make it with create(${schema}, \u2026)`);
}
var shapes = /* @__PURE__ */ new WeakMap();
function shapeOf(desc) {
  let shape = shapes.get(desc);
  if (!shape) {
    const zeros = Object.entries(create(desc)).filter(([key]) => key !== "$typeName");
    shape = { members: new Map(desc.members.map((member) => [member.localName, member])), zeros };
    shapes.set(desc, shape);
  }
  return shape;
}
function isSet(value) {
  if (typeof value !== "object" || value === null)
    return Boolean(value);
  if ("case" in value && !("$typeName" in value))
    return value.case !== void 0;
  return Object.keys(value).length > 0;
}
var unknown = (desc, key) => new XdsError("INVALID_RESOURCE", `${desc.typeName} has no field ${key} in the Envoy API in use, so its value would be lost; useEnvoyApi() or an XdsApi takes a newer API (xds: --envoy or --descriptors), and an Any with the encoded message is served unchanged`);

export {
  longestName,
  canonicalName,
  hasSpellings,
  isGlob,
  collectionOf,
  encodeMessage
};
