import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { wktPublicImportPaths } from "@bufbuild/protobuf/codegenv2";
import {
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  CodeGeneratorResponseSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../../errors.js";
import { packageRoot } from "../../package-root.js";
import { fillJsonNames } from "../../schema/json-names.js";
import type { SchemaRegistry } from "../../schema/lazy-registry.js";

export type Target = "ts" | "js+dts";

/** How much was generated. */
export interface GeneratedTypes {
  readonly out: string;
  readonly files: number;
  readonly protoFiles: number;
}

const generator = "@bufbuild/protoc-gen-es";

/**
 * Writes TypeScript, or JavaScript with declarations, for proto files and all that they import. Files that are part of
 * @bufbuild/protobuf are imported from there.
 * @throws XdsError INVALID_OPTION if the generator is not installed, the directory cannot be written to, or a
 * proto file has a name that would lead out of it
 */
export async function generateTypes(
  registry: SchemaRegistry,
  roots: readonly string[],
  { out, target }: { readonly out: string; readonly target: Target },
): Promise<GeneratedTypes> {
  const protoFile = withImports(registry, roots);
  const fileToGenerate = protoFile.map(({ name }) => name).filter((name) => !Object.hasOwn(wktPublicImportPaths, name));
  protoFile.forEach(checkName);
  const parameter = `target=${target},import_extension=js`;
  const request = create(CodeGeneratorRequestSchema, { protoFile, fileToGenerate, parameter });
  const { file, error } = await run(await generatorPath(), toBinary(CodeGeneratorRequestSchema, request));
  if (error) throw new XdsError("INVALID_OPTION", `${generator}: ${error}`);
  try {
    for (const { name, content } of file) {
      const path = join(out, name);
      await mustBeNoLink(out, name);
      await makeDirectory(dirname(path));
      await writeFile(path, content);
    }
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("INVALID_OPTION", `${out} cannot be written to: ${messageOf(cause)}`, { cause });
  }
  return { out, files: file.length, protoFiles: fileToGenerate.length };
}

/**
 * Checks the name of a proto file. The name comes from the descriptors. It decides where types are written, and it
 * appears in comments.
 */
function checkName({ name }: FileDescriptorProto): void {
  const isPlain =
    /^[\w.+@-]+(\/[\w.+@-]+)*$/.test(name) && !name.split("/").some((part) => part === "." || part === "..");
  if (!isPlain)
    throw new XdsError(
      "INVALID_OPTION",
      `no types are generated for the proto file ${JSON.stringify(name)} of the descriptors: expected a relative path ` +
        'such as "envoy/config/core/v3/base.proto", of letters, digits and _ . + @ -, without ".."; correct its name in the descriptors',
    );
}

/** Checks that no link below `out` leads out of it. `out` itself may be a link, because the user chose it. */
async function mustBeNoLink(out: string, name: string): Promise<void> {
  let path = out;
  for (const part of name.split("/")) {
    path = join(path, part);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isSymbolicLink())
      throw new XdsError(
        "INVALID_OPTION",
        `${path} is a symbolic link, which would lead out of ${out}; remove it, or choose another --out`,
      );
  }
}

/** Makes a directory and its parents. Node's `recursive` never ends in a file system without mkdir, such as /proc. */
async function makeDirectory(path: string): Promise<void> {
  if (existsSync(path) || dirname(path) === path) return;
  await makeDirectory(dirname(path));
  await mkdir(path);
}

/** The proto files with all their imports. Imports come first. */
function withImports(registry: SchemaRegistry, roots: readonly string[]): FileDescriptorProto[] {
  const files = new Map<string, FileDescriptorProto>();
  const visited = new Set<string>();
  const add = (name: string) => {
    if (visited.has(name)) return;
    visited.add(name);
    const proto = fromBinary(FileDescriptorProtoSchema, registry.fileBytes(name) as Uint8Array);
    proto.dependency.forEach(add);
    fillJsonNames(proto);
    files.set(name, proto);
  };
  roots.forEach(add);
  return [...files.values()];
}

/** The path of the generator: the one that the user installed, else one beside this package. */
async function generatorPath(): Promise<string> {
  const path = [resolve("package.json"), import.meta.url].map(packageFile).find((found) => found !== undefined);
  const range = await generatorRange();
  const install = `npm install --save-dev ${generator}@${range}`;
  if (path === undefined)
    throw new XdsError("INVALID_OPTION", `${generator}, which generates the types, is not installed; ${install}`);
  const { version, bin } = JSON.parse(await readFile(path, "utf8")) as { version: string; bin: Record<string, string> };
  if (!version.startsWith("2."))
    throw new XdsError("INVALID_OPTION", `${generator} ${version} is installed, but ${range} is needed; ${install}`);
  return join(dirname(path), bin["protoc-gen-es"] as string);
}

function packageFile(from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${generator}/package.json`);
  } catch {
    return undefined;
  }
}

/**
 * The versions of the generator that work with each @bufbuild/protobuf that this package allows, also the oldest one.
 * An older runtime may not accept the output of a newer generator.
 */
async function generatorRange(): Promise<string> {
  const text = await readFile(new URL("package.json", packageRoot()), "utf8");
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
  return (dependencies["@bufbuild/protobuf"] as string).replace("^", "~");
}

async function run(program: string, request: Uint8Array): Promise<CodeGeneratorResponse> {
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => {}); // the generator has ended, and its exit code says why
  child.stdin.end(request);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new XdsError("INVALID_OPTION", `${generator} (${program}) has failed: ${code ?? signal}`);
  return fromBinary(CodeGeneratorResponseSchema, Buffer.concat(chunks));
}
