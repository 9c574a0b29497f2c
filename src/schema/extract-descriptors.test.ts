import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { builtInSet } from "../../test/schema/newer-api.js";
import { extractDescriptors } from "./extract-descriptors.js";
import { lazyRegistry } from "./lazy-registry.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-extract-"));
});
afterAll(() => rm(directory, { recursive: true }));

const elf = Buffer.from("7f454c46020101", "hex");
const windowSize = 16 << 20;

/** The files as protoc's C++ code has them: without names for JSON, each as a text that ends with a NUL. */
function compiled(files: readonly FileDescriptorProto[]): Buffer[] {
  return files.map((file) => {
    const copy = fromBinary(FileDescriptorProtoSchema, toBinary(FileDescriptorProtoSchema, file));
    const clear = (of: FileDescriptorProto | DescriptorProto) => {
      for (const field of [...("field" in of ? of.field : []), ...of.extension]) field.jsonName = "";
      for (const nested of "field" in of ? of.nestedType : of.messageType) clear(nested);
    };
    clear(copy);
    return Buffer.concat([toBinary(FileDescriptorProtoSchema, copy), Buffer.alloc(1)]);
  });
}

/** A file with these parts, each where it is to begin. */
async function binary(parts: readonly (readonly [at: number, bytes: Uint8Array])[]): Promise<string> {
  const path = join(directory, "envoy");
  await rm(path, { force: true });
  const file = await open(path, "w");
  for (const [at, bytes] of parts) await file.write(bytes, 0, bytes.length, at);
  await file.close();
  return path;
}

const builtIn = builtInSet().file;
const all = Buffer.concat(compiled(builtIn));

describe("extractDescriptors()", () => {
  test("finds every file, wherever it lies, with the names for JSON that C++ leaves out", async () => {
    // The first file lies across the end of the first part that is looked at, the second right before it.
    const [first = all, second = all, ...others] = compiled(builtIn);
    const path = await binary([
      [0, elf],
      [windowSize - second.length - 40, second],
      [windowSize - 20, first],
      [windowSize + 70_000, Buffer.concat(others)],
    ]);
    const bytes = await extractDescriptors(path);
    const found = fromBinary(FileDescriptorSetSchema, bytes).file;
    const byName = new Map(found.map((file) => [file.name, file]));
    expect([...byName.keys()].sort()).toEqual(builtIn.map(({ name }) => name).sort());
    for (const file of builtIn) expect(bytesOf(byName.get(file.name)), file.name).toBe(bytesOf(file));
    for (const [index, { name, dependency }] of found.entries())
      for (const imported of dependency) expect([...byName.keys()].indexOf(imported), name).toBeLessThan(index);
    expect([...lazyRegistry(bytes)].length).toBeGreaterThan(1300);
  });

  test("passes over what only looks like a descriptor, and over smaller copies of one", async () => {
    const ads = builtIn.find(({ name }) => name === "envoy/service/discovery/v3/ads.proto") as FileDescriptorProto;
    const copy = create(FileDescriptorProtoSchema, { name: ads.name, package: ads.package });
    const [small = all, whole = all] = compiled([copy, ads]);
    const path = await binary([
      [0, elf],
      [
        100,
        Buffer.from(
          "a text about ads.proto, and one more: \n\x09ads.proto\0\n\x07.proto\0\x0a\xff\xff\x03.proto",
          "latin1",
        ),
      ],
      [400, small],
      [600, Buffer.concat([small.subarray(0, -1), whole])], // side by side, as gRPC's C core has its own
      [8000, all],
      [8000 + all.length + 100, small],
    ]);
    const found = fromBinary(FileDescriptorSetSchema, await extractDescriptors(path)).file;
    expect(bytesOf(found.find(({ name }) => name === ads.name))).toBe(bytesOf(ads));
    expect(found).toHaveLength(builtIn.length);
  });

  test.each([
    ["is not there", undefined, /^\S+ cannot be read: ENOENT/],
    ["is a directory", "directory", /^\S+ cannot be read: EISDIR/],
    ["is a script", Buffer.from("#!/bin/sh\n"), /^\S+ is a script; give the Envoy binary itself$/],
    ["is empty", Buffer.alloc(0), /^\S+ is not a program for Linux or macOS; give the Envoy binary itself$/],
    [
      "is a program without descriptors",
      elf,
      /^\S+ contains no API descriptors: it is not an Envoy, or is cut off or compressed/,
    ],
    [
      "is a program with other descriptors",
      Buffer.concat([
        elf,
        Buffer.alloc(9),
        ...compiled(builtIn.filter(({ name }) => name.startsWith("google/protobuf/"))),
      ]),
      /^\S+ contains the descriptors of \d+ proto files, but not envoy\/service\/discovery\/v3\/ads\.proto: it is not an Envoy$/,
    ],
    [
      "lacks a file that another one imports",
      Buffer.concat([
        elf,
        Buffer.alloc(9),
        ...compiled(builtIn.filter(({ name }) => name !== "xds/core/v3/authority.proto")),
      ]),
      /^\S+ is incomplete: xds\/core\/v3\/authority\.proto, which \S+\.proto imports, is not in it/,
    ],
  ])("refuses what %s", async (_, content, message) => {
    let path = join(directory, "other");
    await rm(path, { force: true });
    if (content === "directory") path = directory;
    else if (content) await writeFile(path, content);
    await expect(extractDescriptors(path)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(message as RegExp),
    });
  });
});

const bytesOf = (file: FileDescriptorProto | undefined) =>
  file && Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString("latin1");
