import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  fillJsonNames
} from "./chunk-MVPEH63J.js";
import {
  FileDescriptorProtoSchema,
  create,
  fileDesc,
  file_google_protobuf_descriptor,
  fromBinary,
  messageDesc,
  toBinary
} from "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/schema/generate-types.js
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

// node_modules/@bufbuild/protobuf/dist/esm/wkt/gen/google/protobuf/compiler/plugin_pb.js
var file_google_protobuf_compiler_plugin = /* @__PURE__ */ fileDesc("CiVnb29nbGUvcHJvdG9idWYvY29tcGlsZXIvcGx1Z2luLnByb3RvEhhnb29nbGUucHJvdG9idWYuY29tcGlsZXIiRgoHVmVyc2lvbhINCgVtYWpvchgBIAEoBRINCgVtaW5vchgCIAEoBRINCgVwYXRjaBgDIAEoBRIOCgZzdWZmaXgYBCABKAkigQIKFENvZGVHZW5lcmF0b3JSZXF1ZXN0EhgKEGZpbGVfdG9fZ2VuZXJhdGUYASADKAkSEQoJcGFyYW1ldGVyGAIgASgJEjgKCnByb3RvX2ZpbGUYDyADKAsyJC5nb29nbGUucHJvdG9idWYuRmlsZURlc2NyaXB0b3JQcm90bxJFChdzb3VyY2VfZmlsZV9kZXNjcmlwdG9ycxgRIAMoCzIkLmdvb2dsZS5wcm90b2J1Zi5GaWxlRGVzY3JpcHRvclByb3RvEjsKEGNvbXBpbGVyX3ZlcnNpb24YAyABKAsyIS5nb29nbGUucHJvdG9idWYuY29tcGlsZXIuVmVyc2lvbiKSAwoVQ29kZUdlbmVyYXRvclJlc3BvbnNlEg0KBWVycm9yGAEgASgJEhoKEnN1cHBvcnRlZF9mZWF0dXJlcxgCIAEoBBIXCg9taW5pbXVtX2VkaXRpb24YAyABKAUSFwoPbWF4aW11bV9lZGl0aW9uGAQgASgFEkIKBGZpbGUYDyADKAsyNC5nb29nbGUucHJvdG9idWYuY29tcGlsZXIuQ29kZUdlbmVyYXRvclJlc3BvbnNlLkZpbGUafwoERmlsZRIMCgRuYW1lGAEgASgJEhcKD2luc2VydGlvbl9wb2ludBgCIAEoCRIPCgdjb250ZW50GA8gASgJEj8KE2dlbmVyYXRlZF9jb2RlX2luZm8YECABKAsyIi5nb29nbGUucHJvdG9idWYuR2VuZXJhdGVkQ29kZUluZm8iVwoHRmVhdHVyZRIQCgxGRUFUVVJFX05PTkUQABIbChdGRUFUVVJFX1BST1RPM19PUFRJT05BTBABEh0KGUZFQVRVUkVfU1VQUE9SVFNfRURJVElPTlMQAkJyChxjb20uZ29vZ2xlLnByb3RvYnVmLmNvbXBpbGVyQgxQbHVnaW5Qcm90b3NaKWdvb2dsZS5nb2xhbmcub3JnL3Byb3RvYnVmL3R5cGVzL3BsdWdpbnBiqgIYR29vZ2xlLlByb3RvYnVmLkNvbXBpbGVy", [file_google_protobuf_descriptor]);
var CodeGeneratorRequestSchema = /* @__PURE__ */ messageDesc(file_google_protobuf_compiler_plugin, 1);
var CodeGeneratorResponseSchema = /* @__PURE__ */ messageDesc(file_google_protobuf_compiler_plugin, 2);
var CodeGeneratorResponse_Feature;
(function(CodeGeneratorResponse_Feature2) {
  CodeGeneratorResponse_Feature2[CodeGeneratorResponse_Feature2["NONE"] = 0] = "NONE";
  CodeGeneratorResponse_Feature2[CodeGeneratorResponse_Feature2["PROTO3_OPTIONAL"] = 1] = "PROTO3_OPTIONAL";
  CodeGeneratorResponse_Feature2[CodeGeneratorResponse_Feature2["SUPPORTS_EDITIONS"] = 2] = "SUPPORTS_EDITIONS";
})(CodeGeneratorResponse_Feature || (CodeGeneratorResponse_Feature = {}));

// node_modules/@bufbuild/protobuf/dist/esm/codegenv2/symbols.js
var packageName = "@bufbuild/protobuf";
var wktPublicImportPaths = {
  "google/protobuf/compiler/plugin.proto": packageName + "/wkt",
  "google/protobuf/any.proto": packageName + "/wkt",
  "google/protobuf/api.proto": packageName + "/wkt",
  "google/protobuf/cpp_features.proto": packageName + "/wkt",
  "google/protobuf/descriptor.proto": packageName + "/wkt",
  "google/protobuf/duration.proto": packageName + "/wkt",
  "google/protobuf/empty.proto": packageName + "/wkt",
  "google/protobuf/field_mask.proto": packageName + "/wkt",
  "google/protobuf/go_features.proto": packageName + "/wkt",
  "google/protobuf/java_features.proto": packageName + "/wkt",
  "google/protobuf/source_context.proto": packageName + "/wkt",
  "google/protobuf/struct.proto": packageName + "/wkt",
  "google/protobuf/timestamp.proto": packageName + "/wkt",
  "google/protobuf/type.proto": packageName + "/wkt",
  "google/protobuf/wrappers.proto": packageName + "/wkt"
};
var symbols = {
  isMessage: { typeOnly: false, bootstrapWktFrom: "../../is-message.js", from: packageName },
  Message: { typeOnly: true, bootstrapWktFrom: "../../types.js", from: packageName },
  create: { typeOnly: false, bootstrapWktFrom: "../../create.js", from: packageName },
  fromJson: { typeOnly: false, bootstrapWktFrom: "../../from-json.js", from: packageName },
  fromJsonString: { typeOnly: false, bootstrapWktFrom: "../../from-json.js", from: packageName },
  fromBinary: { typeOnly: false, bootstrapWktFrom: "../../from-binary.js", from: packageName },
  toBinary: { typeOnly: false, bootstrapWktFrom: "../../to-binary.js", from: packageName },
  toJson: { typeOnly: false, bootstrapWktFrom: "../../to-json.js", from: packageName },
  toJsonString: { typeOnly: false, bootstrapWktFrom: "../../to-json.js", from: packageName },
  protoInt64: { typeOnly: false, bootstrapWktFrom: "../../proto-int64.js", from: packageName },
  JsonValue: { typeOnly: true, bootstrapWktFrom: "../../json-value.js", from: packageName },
  JsonObject: { typeOnly: true, bootstrapWktFrom: "../../json-value.js", from: packageName },
  UnknownEnum: { typeOnly: true, bootstrapWktFrom: "../../types.js", from: packageName },
  codegen: {
    boot: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/boot.js", from: packageName + "/codegenv2" },
    fileDesc: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/file.js", from: packageName + "/codegenv2" },
    enumDesc: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/enum.js", from: packageName + "/codegenv2" },
    extDesc: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/extension.js", from: packageName + "/codegenv2" },
    messageDesc: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/message.js", from: packageName + "/codegenv2" },
    serviceDesc: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/service.js", from: packageName + "/codegenv2" },
    tsEnum: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/enum.js", from: packageName + "/codegenv2" },
    objEnum: { typeOnly: false, bootstrapWktFrom: "../../codegenv2/enum.js", from: packageName + "/codegenv2" },
    GenFile: { typeOnly: true, bootstrapWktFrom: "../../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenEnum: { typeOnly: true, bootstrapWktFrom: "../../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenExtension: { typeOnly: true, bootstrapWktFrom: "../../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenMessage: { typeOnly: true, bootstrapWktFrom: "../../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenService: { typeOnly: true, bootstrapWktFrom: "../../codegenv2/types.js", from: packageName + "/codegenv2" }
  }
};

// dist/cli/schema/generate-types.js
var generator = "@bufbuild/protoc-gen-es";
async function generateTypes(registry, roots, { out, target }) {
  const protoFile = withImports(registry, roots);
  const fileToGenerate = protoFile.map(({ name }) => name).filter((name) => !Object.hasOwn(wktPublicImportPaths, name));
  protoFile.forEach(checkName);
  const parameter = `target=${target},import_extension=js`;
  const request = create(CodeGeneratorRequestSchema, { protoFile, fileToGenerate, parameter });
  const { file, error } = await run(await generatorPath(), toBinary(CodeGeneratorRequestSchema, request));
  if (error)
    throw new XdsError("INVALID_OPTION", `${generator}: ${error}`);
  try {
    for (const { name, content } of file) {
      const path = join(out, name);
      await mustBeNoLink(out, name);
      await makeDirectory(dirname(path));
      await writeFile(path, content);
    }
  } catch (cause) {
    if (cause instanceof XdsError)
      throw cause;
    throw new XdsError("INVALID_OPTION", `${out} cannot be written to: ${messageOf(cause)}`, { cause });
  }
  return { out, files: file.length, protoFiles: fileToGenerate.length };
}
function checkName({ name }) {
  const isPlain = /^[\w.+@-]+(\/[\w.+@-]+)*$/.test(name) && !name.split("/").some((part) => part === "." || part === "..");
  if (!isPlain)
    throw new XdsError("INVALID_OPTION", `no types are generated for the proto file ${JSON.stringify(name)} of the descriptors: expected a relative path such as "envoy/config/core/v3/base.proto", of letters, digits and _ . + @ -, without ".."; correct its name in the descriptors`);
}
async function mustBeNoLink(out, name) {
  let path = out;
  for (const part of name.split("/")) {
    path = join(path, part);
    const stats = await lstat(path).catch(() => void 0);
    if (stats?.isSymbolicLink())
      throw new XdsError("INVALID_OPTION", `${path} is a symbolic link, which would lead out of ${out}; remove it, or choose another --out`);
  }
}
async function makeDirectory(path) {
  if (existsSync(path) || dirname(path) === path)
    return;
  await makeDirectory(dirname(path));
  await mkdir(path);
}
function withImports(registry, roots) {
  const files = /* @__PURE__ */ new Map();
  const visited = /* @__PURE__ */ new Set();
  const add = (name) => {
    if (visited.has(name))
      return;
    visited.add(name);
    const proto = fromBinary(FileDescriptorProtoSchema, registry.fileBytes(name));
    proto.dependency.forEach(add);
    fillJsonNames(proto);
    files.set(name, proto);
  };
  roots.forEach(add);
  return [...files.values()];
}
async function generatorPath() {
  const path = [resolve("package.json"), import.meta.url].map(packageFile).find((found) => found !== void 0);
  const range = await generatorRange();
  const install = `npm install --save-dev ${generator}@${range}`;
  if (path === void 0)
    throw new XdsError("INVALID_OPTION", `${generator}, which generates the types, is not installed; ${install}`);
  const { version, bin } = JSON.parse(await readFile(path, "utf8"));
  if (!version.startsWith("2."))
    throw new XdsError("INVALID_OPTION", `${generator} ${version} is installed, but ${range} is needed; ${install}`);
  return join(dirname(path), bin["protoc-gen-es"]);
}
function packageFile(from) {
  try {
    return createRequire(from).resolve(`${generator}/package.json`);
  } catch {
    return void 0;
  }
}
async function generatorRange() {
  const text = await readFile(new URL("../../../package.json", import.meta.url), "utf8");
  const { dependencies } = JSON.parse(text);
  return dependencies["@bufbuild/protobuf"].replace("^", "~");
}
async function run(program, request) {
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const chunks = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stdin.on("error", () => {
  });
  child.stdin.end(request);
  const [code, signal] = await once(child, "close");
  if (code !== 0)
    throw new XdsError("INVALID_OPTION", `${generator} (${program}) has failed: ${code ?? signal}`);
  return fromBinary(CodeGeneratorResponseSchema, Buffer.concat(chunks));
}
export {
  generateTypes
};
