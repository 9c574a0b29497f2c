import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  MessageJson
} from "./chunk-AKMKR4LC.js";
import {
  nodeOf
} from "./chunk-ZG5KWCWM.js";

// dist/json/any-content.js
import { fromJson, toBinary } from "@bufbuild/protobuf";
var anyName = "google.protobuf.Any";
var typeNameOf = (typeUrl) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
var schemaOf = (typeUrl, registry) => registry.getMessage(typeNameOf(typeUrl));
var typedStructs = /* @__PURE__ */ new Set(["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"]);
var isTypedStruct = (typeName) => typedStructs.has(typeName);
function fromTypedStruct(message, registry, hidesValues = false) {
  const { typeUrl, value = {} } = message;
  const schema = schemaOf(typeUrl, registry);
  if (!schema)
    return void 0;
  const reader = new MessageJson(registry, { values: Infinity, characters: Infinity }, hidesValues);
  const unknownFields = [];
  reader.unknownFields = unknownFields;
  const json = reader.read(schema, nodeOf(value, hidesValues), []);
  const { faults } = reader;
  if (reader.mayHaveSecrets && !hidesValues && faults.length + unknownFields.length > 0)
    return fromTypedStruct(message, registry, true);
  const bytes = faults.length === 0 ? toBinary(schema, fromJson(schema, json, { registry })) : void 0;
  return { schema, bytes, faults, unknownFields };
}

export {
  anyName,
  typeNameOf,
  schemaOf,
  isTypedStruct,
  fromTypedStruct
};
