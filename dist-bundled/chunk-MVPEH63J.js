import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  protoCamelCase
} from "./chunk-2XSFRHN3.js";

// dist/schema/json-names.js
function fillJsonNames(proto) {
  const isFile = proto.$typeName === "google.protobuf.FileDescriptorProto";
  for (const field of isFile ? proto.extension : [...proto.field, ...proto.extension])
    field.jsonName ||= protoCamelCase(field.name);
  for (const message of isFile ? proto.messageType : proto.nestedType)
    fillJsonNames(message);
}

export {
  fillJsonNames
};
