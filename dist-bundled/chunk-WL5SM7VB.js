import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  packedDescriptors
} from "./chunk-5RCTYBO5.js";
import {
  fillJsonNames
} from "./chunk-MVPEH63J.js";
import {
  BinaryReader,
  BinaryWriter,
  FileDescriptorProtoSchema,
  WireType,
  createFileRegistry,
  fromBinary
} from "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/schema/lazy-registry.js
function lazyRegistry(bytes) {
  const index = indexFiles(bytes);
  const load = fileLoader(index.files);
  const types = /* @__PURE__ */ new Map();
  const expanded = /* @__PURE__ */ new Set();
  const expand = (fileName) => {
    if (expanded.has(fileName))
      return;
    for (const type of typesOf(load(fileName)))
      types.set(type.typeName, type);
    expanded.add(fileName);
  };
  const fileOf = (typeName) => {
    for (let name = typeName; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const file = index.owners.get(name);
      if (file !== void 0)
        return file;
    }
    return void 0;
  };
  const get = (typeName) => {
    const known = types.get(typeName);
    if (known)
      return known;
    const file = fileOf(typeName);
    if (file !== void 0)
      expand(file);
    return types.get(typeName);
  };
  const ofKind = (kind, typeName) => {
    const type = get(typeName);
    return type?.kind === kind ? type : void 0;
  };
  return {
    kind: "registry",
    files: () => index.files.keys(),
    fileBytes: (name) => index.files.get(name),
    fileOf,
    get,
    getMessage: (typeName) => ofKind("message", typeName),
    getEnum: (typeName) => ofKind("enum", typeName),
    getService: (typeName) => ofKind("service", typeName),
    getExtension: (typeName) => ofKind("extension", typeName),
    getExtensionFor: (extendee, no) => {
      const name = index.extensions.get(`${extendee.typeName} ${no}`);
      return name === void 0 ? void 0 : ofKind("extension", name);
    },
    [Symbol.iterator]: () => {
      for (const name of index.files.keys())
        expand(name);
      return types.values();
    }
  };
}
var fileField = { name: 1, package: 2, dependency: 3, messageType: 4, enumType: 5, service: 6, extension: 7 };
var declarationField = { name: 1, extendee: 2, number: 3 };
function indexFiles(bytes) {
  const index = { files: /* @__PURE__ */ new Map(), owners: /* @__PURE__ */ new Map(), extensions: /* @__PURE__ */ new Map() };
  const imports = /* @__PURE__ */ new Map();
  try {
    const set = new BinaryReader(bytes);
    while (set.pos < set.len) {
      const [no, wireType] = set.tag();
      if (no === 1)
        indexFile(set.bytes(), index, imports);
      else
        set.skip(wireType, no);
    }
  } catch (error) {
    const why = `not a serialized FileDescriptorSet, or cut off: ${messageOf(error)}; \`xds schema extract\` writes one`;
    throw new XdsError("INVALID_OPTION", why, { cause: error });
  }
  for (const [imported, by] of imports)
    if (!index.files.has(imported))
      throw new XdsError("INVALID_OPTION", `the descriptor set lacks ${imported}, which ${by} imports; make it with its imports (protoc --include_imports)`);
  return index;
}
function indexFile(bytes, index, imports) {
  let fileName = "";
  let prefix = "";
  const declared = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    if (no === fileField.name)
      fileName = reader.string();
    else if (no === fileField.package)
      prefix = `${reader.string()}.`;
    else if (no === fileField.dependency)
      imports.set(reader.string(), fileName);
    else if (no >= fileField.messageType && no <= fileField.extension) {
      declared.push(readDeclaration(reader, no === fileField.extension));
    } else
      reader.skip(wireType, no);
  }
  index.files.set(fileName, bytes);
  for (const { name, extendee, number } of declared) {
    index.owners.set(prefix + name, fileName);
    if (extendee !== "")
      index.extensions.set(`${extendee.replace(/^\./, "")} ${number}`, prefix + name);
  }
}
function readDeclaration(reader, isExtension) {
  const found = { name: "", extendee: "", number: 0 };
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const [no, wireType] = reader.tag();
    if (no === declarationField.name)
      found.name = reader.string();
    else if (isExtension && no === declarationField.extendee)
      found.extendee = reader.string();
    else if (isExtension && no === declarationField.number)
      found.number = reader.int32();
    else
      reader.skip(wireType, no);
    if (!isExtension && found.name !== "")
      reader.pos = end;
  }
  return found;
}
function fileLoader(files) {
  const built = /* @__PURE__ */ new Map();
  const load = (fileName) => {
    const known = built.get(fileName);
    if (known)
      return known;
    const proto = fromBinary(FileDescriptorProtoSchema, files.get(fileName));
    fillJsonNames(proto);
    const registry = createFileRegistry(proto, (imported) => withoutImports(load(imported)));
    const desc = registry.getFile(fileName);
    Object.assign(desc, { dependencies: proto.dependency.map(load) });
    built.set(fileName, desc);
    return desc;
  };
  return load;
}
function withoutImports(desc) {
  const dependencies = desc.proto.publicDependency.map((i) => withoutImports(desc.dependencies[i]));
  return Object.create(desc, { dependencies: { value: dependencies } });
}
function* typesOf(desc) {
  if (desc.kind === "file") {
    yield* desc.enums;
    yield* desc.services;
    yield* desc.extensions;
    for (const message of desc.messages)
      yield* typesOf(message);
  } else {
    yield desc;
    yield* desc.nestedEnums;
    yield* desc.nestedExtensions;
    for (const message of desc.nestedMessages)
      yield* typesOf(message);
  }
}

// dist/schema/registry.js
import { brotliDecompressSync } from "node:zlib";
var builtInDescriptors = () => brotliDecompressSync(Buffer.from(packedDescriptors, "base64"));
var builtIn;
function builtInApi() {
  builtIn ??= knownApi(builtInDescriptors());
  return builtIn;
}
var isBuiltInApi = (descriptors) => Buffer.compare(builtInDescriptors(), descriptors) === 0;
function readApi(descriptors) {
  const api = knownApi(descriptors);
  const lacks = (name) => api.registry.fileOf(name) === void 0;
  const lacking = [...neededMessages, ...neededExtensions].filter(lacks);
  if (lacking.length > 0) {
    const others = lacking.length > 3 ? ` and ${lacking.length - 3} more` : "";
    throw new XdsError("INVALID_OPTION", `these descriptors are not a complete Envoy API: they lack ${lacking.slice(0, 3).join(", ")}${others}; extractDescriptors(), or \`xds schema extract\`, reads a complete API out of an Envoy binary`);
  }
  const added = filesFor(serviceMessages.filter(lacks), api.registry);
  return added.length === 0 ? api : knownApi(Buffer.concat([descriptors, ...added]));
}
var knownApi = (descriptors) => ({ registry: lazyRegistry(descriptors), descriptors });
var postedApi = (api) => ({
  descriptors: api.descriptors,
  isBuiltIn: api === builtIn
});
function takenApi({ descriptors, isBuiltIn: isBuiltIn2 }) {
  const api = knownApi(descriptors);
  if (isBuiltIn2)
    builtIn = api;
  return api;
}
function filesFor(typeNames, other) {
  if (typeNames.length === 0)
    return [];
  const from = lazyRegistry(builtInDescriptors());
  const known = new Set(other.files());
  const files = [];
  const add = (name) => {
    const file = name === void 0 || known.has(name) ? void 0 : from.fileBytes(name);
    if (name === void 0 || !file)
      return;
    known.add(name);
    fromBinary(FileDescriptorProtoSchema, file).dependency.forEach(add);
    files.push(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(file).finish());
  };
  for (const typeName of typeNames)
    add(from.fileOf(typeName));
  return files;
}
var otherApiHint = (of) => isBuiltIn(of) ? "; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()" : "";
var isBuiltIn = (of) => of === (of.kind === "registry" ? builtIn?.registry : builtIn?.registry.get(of.typeName));
var neededMessages = [
  "envoy.config.core.v3.Node",
  "envoy.service.discovery.v3.DiscoveryRequest",
  "envoy.service.discovery.v3.DiscoveryResponse",
  "envoy.service.discovery.v3.Resource"
];
var serviceMessages = [
  "envoy.admin.v3.ConfigDump",
  "envoy.service.load_stats.v3.LoadStatsRequest",
  "envoy.service.load_stats.v3.LoadStatsResponse",
  "envoy.service.status.v3.ClientConfig",
  "envoy.service.status.v3.ClientStatusRequest",
  "envoy.service.status.v3.ClientStatusResponse"
];
var neededExtensions = [
  "envoy.annotations.deprecated_at_minor_version",
  "envoy.annotations.deprecated_at_minor_version_enum",
  "envoy.annotations.disallowed_by_default",
  "envoy.annotations.disallowed_by_default_enum",
  "udpa.annotations.sensitive",
  "validate.disabled",
  "validate.required",
  "validate.rules"
];
var apiMessage = (registry, name) => registry.getMessage(name);
var extensions = /* @__PURE__ */ new WeakMap();
function apiExtension(file, name) {
  const known = extensions.get(file) ?? /* @__PURE__ */ new Map();
  extensions.set(file, known);
  if (!known.has(name)) {
    const imported = file.dependencies.flatMap((dependency) => dependency.extensions);
    const found = imported.find(({ typeName }) => typeName === name);
    known.set(name, found);
  }
  return known.get(name);
}

export {
  lazyRegistry,
  builtInApi,
  isBuiltInApi,
  readApi,
  postedApi,
  takenApi,
  otherApiHint,
  apiMessage,
  apiExtension
};
