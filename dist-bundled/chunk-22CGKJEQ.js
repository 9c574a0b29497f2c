import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  BinaryReader
} from "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/wire/response-decoding.js
var wrapperTypeUrl = "type.googleapis.com/envoy.service.discovery.v3.Resource";
var decodeDiscoveryResponse = (bytes) => decode("DiscoveryResponse", bytes, (entry) => {
  const { typeUrl, value } = any(entry);
  if (typeUrl === wrapperTypeUrl)
    return wrapped(value);
  return { name: "", aliases: [], version: "", typeUrl, body: value, ttlMs: void 0 };
});
var decodeDeltaDiscoveryResponse = (bytes) => decode("DeltaDiscoveryResponse", bytes, wrapped);
var layouts = {
  DiscoveryResponse: { controlPlane: 6, errors: 7, removed: 0, removedNames: 0 },
  DeltaDiscoveryResponse: { controlPlane: 7, errors: 9, removed: 6, removedNames: 8 }
};
function decode(message, bytes, entry) {
  const layout = layouts[message];
  const text = { version: "", typeUrl: "", nonce: "", controlPlane: "" };
  const resources = [];
  const removed = [];
  const errors = [];
  try {
    fields(bytes, (field, reader) => {
      if (field === 1)
        text.version = reader.string();
      else if (field === 2)
        resources.push(entry(reader.bytes()));
      else if (field === 4)
        text.typeUrl = reader.string();
      else if (field === 5)
        text.nonce = reader.string();
      else if (field === layout.controlPlane)
        text.controlPlane = firstString(reader.bytes());
      else if (field === layout.errors)
        errors.push(resourceError(reader.bytes()));
      else if (field === layout.removed)
        removed.push(reader.string());
      else if (field === layout.removedNames)
        removed.push(firstString(reader.bytes()));
      else
        return false;
      return true;
    });
  } catch (cause) {
    throw new XdsError("INVALID_RESPONSE", `not a ${message}: ${messageOf(cause)}`, { cause });
  }
  return { ...text, resources, removed, errors };
}
function fields(bytes, take) {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!take(field, reader))
      reader.skip(wireType, field);
  }
}
function wrapped(bytes) {
  const aliases = [];
  let [name, version] = ["", ""];
  let content;
  let ttlMs;
  fields(bytes, (field, reader) => {
    if (field === 1)
      version = reader.string();
    else if (field === 2)
      content = any(reader.bytes());
    else if (field === 3)
      name = reader.string();
    else if (field === 4)
      aliases.push(reader.string());
    else if (field === 6)
      ttlMs = milliseconds(reader.bytes());
    else if (field === 8)
      name ||= firstString(reader.bytes());
    else
      return false;
    return true;
  });
  return { name, aliases, version, typeUrl: content?.typeUrl ?? "", body: content?.value, ttlMs };
}
function any(bytes) {
  const found = { typeUrl: "", value: new Uint8Array() };
  fields(bytes, (field, reader) => {
    if (field === 1)
      found.typeUrl = reader.string();
    else if (field === 2)
      found.value = reader.bytes();
    else
      return false;
    return true;
  });
  return found;
}
function milliseconds(bytes) {
  let [seconds, nanos] = [0, 0];
  fields(bytes, (field, reader) => {
    if (field === 1)
      seconds = Number(reader.int64());
    else if (field === 2)
      nanos = reader.int32();
    else
      return false;
    return true;
  });
  return seconds * 1e3 + nanos / 1e6;
}
function firstString(bytes) {
  let found = "";
  fields(bytes, (field, reader) => {
    if (field !== 1)
      return false;
    found = reader.string();
    return true;
  });
  return found;
}
function resourceError(bytes) {
  let [name, code, message] = ["", 0, ""];
  fields(bytes, (field, reader) => {
    if (field === 1)
      name = firstString(reader.bytes());
    else if (field === 2)
      fields(reader.bytes(), (inner, status) => {
        if (inner === 1)
          code = status.int32();
        else if (inner === 2)
          message = status.string();
        else
          return false;
        return true;
      });
    else
      return false;
    return true;
  });
  return { name, error: { code, message } };
}

export {
  decodeDiscoveryResponse,
  decodeDeltaDiscoveryResponse
};
