import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  resourceDocument
} from "./chunk-YPK3NTLS.js";
import {
  complain
} from "./chunk-VMMSHLDO.js";
import {
  schemaOf
} from "./chunk-IXIW5MLW.js";
import {
  redactions
} from "./chunk-Y6GK5AYW.js";

// dist/validation/unknown-content.js
import { fromBinary, isMessage } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
function hasUnknownContent({ type, body }) {
  return isUnknown(type.typeUrl, body, type.api.registry);
}
function isUnknown(typeUrl, bytes, registry) {
  const schema = schemaOf(typeUrl, registry);
  try {
    return schema ? hasUnknown(fromBinary(schema, bytes), registry) : bytes.length > 0;
  } catch {
    return false;
  }
}
function hasUnknown(value, registry) {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array)
    return false;
  if (isMessage(value, AnySchema))
    return isUnknown(value.typeUrl, value.value, registry);
  return (value.$unknown?.length ?? 0) > 0 || Object.values(value).some((inner) => hasUnknown(inner, registry));
}

// dist/cli/remote/printed-resource.js
var printedResource = resourceDocument;
function warnOfUnknown(resources) {
  tellOf(Array.from(resources).filter(hasUnknownContent), "fields or extensions that the Envoy API in use does not know; they are left out here; choose another API with --envoy or --descriptors");
}
function warnOfRedacted(resources, shown) {
  const isRedacted = shown.map((json) => {
    const text = JSON.stringify(json);
    return [...redactions].some((redaction) => text.includes(JSON.stringify(redaction)));
  });
  tellOf(resources.filter((_, index) => isRedacted[index]), "secrets, which are printed as [redacted] and cannot be served like that; --show-secrets prints them");
}
function tellOf([first, ...others], what) {
  if (!first)
    return;
  const more = others.length === 0 ? " has" : `, and ${others.length} more, have`;
  complain(`${first.type.name} ${JSON.stringify(first.name)}${more} ${what}`);
}

export {
  printedResource,
  warnOfUnknown,
  warnOfRedacted
};
