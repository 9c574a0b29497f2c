import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const require = createRequire(import.meta.url);

/**
 * The FileDescriptorSet of all protos under a directory, imports first, with comments. buf is not asked for modules of
 * its registry, so that no network is needed.
 */
export function compileProtos(directory) {
  const image = join(directory, "image.binpb");
  writeFileSync(join(directory, "buf.yaml"), "version: v2\n");
  const buf = join(packageOf("@bufbuild/buf"), "bin", "buf");
  run("buf", [buf, "build", directory, "--as-file-descriptor-set", "-o", image], {
    env: { ...process.env, BUF_CACHE_DIR: join(directory, ".cache") },
  });
  return fromBinary(FileDescriptorSetSchema, readFileSync(image));
}

/**
 * A module and its types for each of the named files of a set, by path. google/protobuf/* is left to
 * @bufbuild/protobuf/wkt.
 */
export function generateTypes(set, fileToGenerate) {
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate,
    parameter: "target=js+dts,import_extension=js",
    protoFile: set.file,
  });
  const plugin = join(packageOf("@bufbuild/protoc-gen-es"), "bin", "protoc-gen-es");
  const output = run("protoc-gen-es", [plugin], { input: toBinary(CodeGeneratorRequestSchema, request) });
  const response = fromBinary(CodeGeneratorResponseSchema, output);
  if (response.error) throw new Error(`protoc-gen-es: ${response.error}`);
  return new Map(response.file.map((file) => [file.name, Buffer.from(file.content)]));
}

/** Runs a program of node_modules to its end; what it printed on stdout. */
function run(name, args, options) {
  const result = spawnSync(process.execPath, args, { maxBuffer: 2 ** 28, ...options });
  if (result.error) throw new Error(`cannot run ${name}: ${result.error.message}`);
  if (result.status !== 0) {
    const binaryMissing = name === "buf" && String(result.stderr).includes("ENOENT");
    const why = binaryMissing
      ? `its program for ${process.platform} ${process.arch} is absent; run npm ci without --omit=optional`
      : `${result.stderr}${result.stdout}`;
    throw new Error(`${name} failed (${result.signal ?? result.status}): ${why}`);
  }
  return result.stdout;
}

function packageOf(name) {
  return dirname(require.resolve(`${name}/package.json`));
}
