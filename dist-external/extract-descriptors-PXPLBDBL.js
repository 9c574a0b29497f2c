import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  fillJsonNames
} from "./chunk-UAQ3KOHG.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/schema/extract-descriptors.js
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
async function extractDescriptors(envoy) {
  const files = await findFiles(envoy);
  const invalid = (why) => new XdsError("INVALID_OPTION", `${envoy} ${why}`);
  if (files.size === 0)
    throw invalid("contains no API descriptors: it is not an Envoy, or is cut off or compressed; give the Envoy binary itself");
  if (!files.has(fileOfEveryEnvoy))
    throw invalid(`contains the descriptors of ${files.size} proto files, but not ${fileOfEveryEnvoy}: it is not an Envoy`);
  const set = create(FileDescriptorSetSchema, { file: importsFirst(files, invalid) });
  set.file.forEach(fillJsonNames);
  return toBinary(FileDescriptorSetSchema, set);
}
var fileOfEveryEnvoy = "envoy/service/discovery/v3/ads.proto";
var windowSize = 16 << 20;
var overlap = 1 << 20;
async function findFiles(path) {
  const files = /* @__PURE__ */ new Map();
  for await (const window of windows(path))
    for (const found of filesIn(window)) {
      const known = files.get(found.file.name);
      if (!known || known.size < found.size)
        files.set(found.file.name, found);
    }
  return files;
}
async function* windows(path) {
  let handle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(windowSize);
    let carried = 0;
    for (let isFirst = true; ; isFirst = false) {
      const length = carried + await fill(handle, buffer, carried);
      if (isFirst)
        mustBeProgram(path, buffer.subarray(0, length));
      yield buffer.subarray(0, length);
      if (length < windowSize)
        return;
      buffer.copyWithin(0, windowSize - overlap);
      carried = overlap;
    }
  } catch (cause) {
    if (cause instanceof XdsError)
      throw cause;
    throw new XdsError("INVALID_OPTION", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  } finally {
    await handle?.close();
  }
}
async function fill(handle, buffer, from) {
  let at = from;
  while (at < buffer.length) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, null);
    if (bytesRead === 0)
      break;
    at += bytesRead;
  }
  return at - from;
}
var magics = ["7f454c46", "cffaedfe", "cafebabe"];
var isProgram = (start) => magics.includes(Buffer.from(start.subarray(0, 4)).toString("hex"));
function mustBeProgram(path, start) {
  if (isProgram(start))
    return;
  const is = start.toString("latin1", 0, 2) === "#!" ? "a script" : "not a program for Linux or macOS";
  throw new XdsError("INVALID_OPTION", `${path} is ${is}; give the Envoy binary itself`);
}
var nameTag = 10;
var extension = ".proto";
var longestName = 255;
function* filesIn(window) {
  for (let at = window.indexOf(extension); at >= 0; at = window.indexOf(extension, at + 1)) {
    const start = startOf(window, at + extension.length);
    const end = start === void 0 ? void 0 : endOf(window, start);
    if (start === void 0 || end === void 0)
      continue;
    const file = decoded(Uint8Array.from(window.subarray(start, end)));
    if (file)
      yield { file, size: end - start };
  }
}
function startOf(window, nameEnd) {
  for (let length = extension.length + 1; length <= longestName; length++) {
    const start = nameEnd - length - (length < 128 ? 2 : 3);
    if (window[start] === nameTag && varint(window, start + 1)?.value === length)
      return start;
  }
  return void 0;
}
function endOf(window, start) {
  for (let at = start; at < window.length; ) {
    const tag = window[at];
    if (tag === 0)
      return at;
    if (tag === nameTag && at > start)
      return void 0;
    const isMessage = (tag & 7) === 2;
    const number = tag < 128 && (isMessage || (tag & 7) === 0) ? varint(window, at + 1) : void 0;
    if (!number)
      return void 0;
    at = number.end + (isMessage ? number.value : 0);
  }
  return void 0;
}
function varint(window, start) {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = window[start + i];
    if (byte === void 0)
      return void 0;
    value += (byte & 127) * 128 ** i;
    if (byte < 128)
      return { value, end: start + i + 1 };
  }
  return void 0;
}
function decoded(bytes) {
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.$unknown || file.syntax + file.package === "" ? void 0 : file;
  } catch {
    return void 0;
  }
}
function importsFirst(files, invalid) {
  const sorted = /* @__PURE__ */ new Map();
  const visited = /* @__PURE__ */ new Set();
  const add = (name, wantedBy) => {
    if (visited.has(name))
      return;
    visited.add(name);
    const found = files.get(name);
    if (!found)
      throw invalid(`is incomplete: ${name}, which ${wantedBy} imports, is not in it; is it the whole Envoy binary?`);
    for (const imported of found.file.dependency)
      add(imported, name);
    sorted.set(name, found.file);
  };
  for (const name of [...files.keys()].sort())
    add(name, "");
  return [...sorted.values()];
}
export {
  extractDescriptors,
  isProgram
};
