import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { compileProtos, generateTypes } from "./compile-protos.mjs";
import { locationsByName, mergeApis } from "./merge-apis.mjs";
import { stageProtos } from "./stage-protos.mjs";

/** google/protobuf/* is in @bufbuild/protobuf; of the health service, only the descriptors are needed. */
const withoutTypes = /^(google\/protobuf|health)\//;

/**
 * The files of gen/, by path: from the protos in some import roots and, where they are given, an Envoy's serialized
 * descriptors. gen/built-in.js has all descriptors as a text (Brotli in base64), so that bundlers take them along
 * without being told, and the texts of `about`. gen/envoy.binpb is the same for the tests.
 * gen/comments.json has the comments by full name.
 */
export function apiFiles(roots, descriptors, about) {
  const protos = compiled(roots);
  const set = descriptors ? mergeApis(fromBinary(FileDescriptorSetSchema, descriptors), protos) : protos;
  const names = set.file.map(({ name }) => name).filter((name) => !withoutTypes.test(name));
  const files = generateTypes(set, names);
  files.set("comments.json", Buffer.from(JSON.stringify(commentsByName(set))));
  for (const file of set.file) file.sourceCodeInfo = undefined; // the comments are in files of their own
  const bytes = toBinary(FileDescriptorSetSchema, set);
  files.set("envoy.binpb", Buffer.from(bytes));
  const exported = Object.entries({ ...about, packedDescriptors: brotliCompressSync(bytes).toString("base64") });
  files.set("built-in.js", text(exported.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)));
  return files.set("built-in.d.ts", text(exported.map(([name]) => `export declare const ${name}: string;`)));
}

function compiled(roots) {
  const scratch = mkdtempSync(join(tmpdir(), "ts-control-plane-"));
  try {
    stageProtos(roots, scratch);
    return compileProtos(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The comment before each declaration, or behind it, by the declaration's full name. */
function commentsByName(set) {
  const entries = Array.from(locationsByName(set), ([name, { leadingComments, trailingComments }]) => [
    name,
    (leadingComments || trailingComments || "").replaceAll("\r", ""),
  ]);
  return Object.fromEntries(entries.filter(([, comment]) => comment.trim() !== ""));
}

const text = (lines) => Buffer.from(`${lines.join("\n")}\n`);
