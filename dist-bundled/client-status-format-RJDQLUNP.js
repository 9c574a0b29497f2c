import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  tooManyParts
} from "./chunk-GGCEGR2M.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import {
  WireReader
} from "./chunk-4IMF5HEM.js";
import {
  apiMessage
} from "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import {
  BinaryWriter,
  WireType,
  create,
  fromBinary,
  fromJson,
  toBinary,
  toJson
} from "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/server/csds/client-status-format.js
var mostMatchers = 100;
var mostMatcherBytes = 1024;
function checkMatcher(index, bytes) {
  if (index >= mostMatchers)
    throw new XdsError("INVALID_REQUEST", `node_matchers has more than ${mostMatchers} matchers`);
  if (bytes > mostMatcherBytes)
    throw new XdsError("INVALID_REQUEST", `node_matchers[${index}] has ${bytes} bytes; a matcher may have at most ${mostMatcherBytes}`);
}
var schemaOfRequest = (registry) => apiMessage(registry, "envoy.service.status.v3.ClientStatusRequest");
var protobufFormat = (registry) => ({
  decode: (body, checkNode) => {
    try {
      const excess = tooManyParts(schemaOfRequest(registry), body, mostParts);
      if (excess)
        throw new XdsError("INVALID_REQUEST", `a request with more than ${mostParts[excess]} ${excess}`);
      checkFields(body, checkNode);
      return fromBinary(schemaOfRequest(registry), body);
    } catch (cause) {
      if (cause instanceof XdsError)
        throw cause;
      throw new XdsError("INVALID_REQUEST", `not a ClientStatusRequest: ${messageOf(cause)}`, { cause });
    }
  },
  write: (schema, message) => Buffer.from(toBinary(schema, message)),
  compose: (schema, init, fields) => {
    const parts = [toBinary(schema, create(schema, init))];
    for (const [name, values] of Object.entries(fields))
      for (const value of values) {
        const head = new BinaryWriter().tag(fieldOf(schema, name).number, WireType.LengthDelimited);
        parts.push(head.uint32(value.length).finish(), value);
      }
    return Buffer.concat(parts);
  }
});
var mostParts = { messages: 2e4, fields: 1e5 };
function checkFields(body, checkNode) {
  const reader = new WireReader(body);
  let matchers = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited)
      reader.skip(wireType, field);
    else {
      const { length } = reader.bytes();
      if (field === 1)
        checkMatcher(matchers++, length);
      else if (field === 2)
        checkNode(length);
    }
  }
}
var textOf = (json) => printable(JSON.stringify(json));
var jsonFormat = (registry) => ({
  decode: (body, checkNode) => {
    const options = { registry, ignoreUnknownFields: true };
    try {
      const json = JSON.parse(Buffer.from(body).toString("utf8"));
      const { nodeMatchers, node_matchers, node } = Object(json);
      for (const [at, matcher] of [nodeMatchers ?? [], node_matchers ?? []].flat().entries())
        checkMatcher(at, sizeOf(matcher));
      if (node)
        checkNode(sizeOf(node));
      return fromJson(schemaOfRequest(registry), json, options);
    } catch (cause) {
      if (cause instanceof XdsError)
        throw cause;
      const why = `the body is not a ClientStatusRequest in JSON ({} asks for all nodes): ${messageOf(cause)}`;
      throw new XdsError("INVALID_JSON", why, { cause });
    }
  },
  write: (schema, message) => Buffer.from(textOf(toJson(schema, message, { registry }))),
  compose: (schema, init, fields) => {
    const head = textOf(toJson(schema, create(schema, init))).slice(0, -1);
    const parts = [Buffer.from(head)];
    let separator = head === "{" ? "" : ",";
    for (const [name, values] of Object.entries(fields)) {
      const { jsonName, fieldKind } = fieldOf(schema, name);
      const [open, close] = fieldKind === "list" ? ["[", "]"] : ["", ""];
      parts.push(Buffer.from(`${separator}${JSON.stringify(jsonName)}:${open}`));
      for (const [at, value] of values.entries())
        parts.push(...at === 0 ? [value] : [comma, value]);
      parts.push(Buffer.from(close));
      separator = ",";
    }
    return Buffer.concat([...parts, Buffer.from("}")]);
  }
});
var comma = Buffer.from(",");
var sizeOf = (json) => Buffer.byteLength(JSON.stringify(json));
function fieldOf(schema, name) {
  const field = schema.field[name];
  if (!field)
    throw new Error(`the descriptors lack ${schema.typeName}.${name}`);
  return field;
}
export {
  jsonFormat,
  protobufFormat
};
