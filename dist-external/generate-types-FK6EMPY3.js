import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  fillJsonNames
} from "./chunk-UAQ3KOHG.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/schema/generate-types.js
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { wktPublicImportPaths } from "@bufbuild/protobuf/codegenv2";
import { CodeGeneratorRequestSchema, CodeGeneratorResponseSchema, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
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
