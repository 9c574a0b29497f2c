import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { fillJsonNames } from "./json-names.js";

/**
 * Reads the API that an Envoy was built with out of its binary, without running it.
 *
 * The binary may be for Linux or macOS, and may be stripped. The result is a complete serialized FileDescriptorSet with
 * imports first. This takes about 0.3 s, and little memory for a binary of any size.
 * @throws XdsError INVALID_OPTION for a file that cannot be read or is not an Envoy
 */
export async function extractDescriptors(envoy: string): Promise<Uint8Array> {
  const files = await findFiles(envoy);
  const invalid = (why: string) => new XdsError("INVALID_OPTION", `${envoy} ${why}`);
  if (files.size === 0)
    throw invalid(
      "contains no API descriptors: it is not an Envoy, or is cut off or compressed; give the Envoy binary itself",
    );
  if (!files.has(fileOfEveryEnvoy))
    throw invalid(
      `contains the descriptors of ${files.size} proto files, but not ${fileOfEveryEnvoy}: it is not an Envoy`,
    );
  const set = create(FileDescriptorSetSchema, { file: importsFirst(files, invalid) });
  set.file.forEach(fillJsonNames);
  return toBinary(FileDescriptorSetSchema, set);
}

/** The name of a proto file that every Envoy contains. */
const fileOfEveryEnvoy = "envoy/service/discovery/v3/ads.proto";

/**
 * Bytes of the binary in memory at a time, and how many of these are read again with the next part. The overlap is
 * longer than any file's descriptor.
 */
const windowSize = 16 << 20;
const overlap = 1 << 20;

interface FoundDescriptor {
  readonly file: FileDescriptorProto;
  readonly size: number;
}

/**
 * Finds the descriptor of each proto file in the binary, by file name.
 *
 * Of several descriptors for one file, the largest counts: gRPC brings its own copies of some files, which may lack
 * parts.
 */
async function findFiles(path: string): Promise<Map<string, FoundDescriptor>> {
  const files = new Map<string, FoundDescriptor>();
  for await (const window of windows(path))
    for (const found of filesIn(window)) {
      const known = files.get(found.file.name);
      if (!known || known.size < found.size) files.set(found.file.name, found);
    }
  return files;
}

/** Yields the parts of a program's file one after the other, all in the same buffer. */
async function* windows(path: string): AsyncGenerator<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe would be waited for
    const buffer = Buffer.alloc(windowSize);
    let carried = 0;
    for (let isFirst = true; ; isFirst = false) {
      const length = carried + (await fill(handle, buffer, carried));
      if (isFirst) mustBeProgram(path, buffer.subarray(0, length));
      yield buffer.subarray(0, length);
      if (length < windowSize) return;
      buffer.copyWithin(0, windowSize - overlap);
      carried = overlap;
    }
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("INVALID_OPTION", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  } finally {
    await handle?.close();
  }
}

/** Reads until the buffer is full or the file ends. Returns how many bytes of the buffer after `from` were filled. */
async function fill(handle: FileHandle, buffer: Buffer, from: number): Promise<number> {
  let at = from;
  while (at < buffer.length) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, null);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at - from;
}

/** The first bytes of a program: ELF, 64-bit Mach-O, and Mach-O for several architectures. */
const magics = ["7f454c46", "cffaedfe", "cafebabe"];

/** Whether a file that begins with these bytes is a program. */
export const isProgram = (start: Uint8Array): boolean =>
  magics.includes(Buffer.from(start.subarray(0, 4)).toString("hex"));

function mustBeProgram(path: string, start: Buffer): void {
  if (isProgram(start)) return;
  const is = start.toString("latin1", 0, 2) === "#!" ? "a script" : "not a program for Linux or macOS";
  throw new XdsError("INVALID_OPTION", `${path} is ${is}; give the Envoy binary itself`);
}

const nameTag = 0x0a;
const extension = ".proto";
const longestName = 255;

/**
 * Finds file descriptors in a part of a binary.
 *
 * The C++ code that protoc generates contains each file's serialized descriptor, followed by a NUL. A descriptor begins
 * with the file's name: 0x0a, the name's length, and a text that ends in ".proto".
 */
function* filesIn(window: Buffer): Generator<FoundDescriptor> {
  for (let at = window.indexOf(extension); at >= 0; at = window.indexOf(extension, at + 1)) {
    const start = startOf(window, at + extension.length);
    const end = start === undefined ? undefined : endOf(window, start);
    if (start === undefined || end === undefined) continue;
    // A copy, because messages keep views of the bytes that they are decoded from.
    const file = decoded(Uint8Array.from(window.subarray(start, end)));
    if (file) yield { file, size: end - start };
  }
}

/** The start of the descriptor whose name ends at `nameEnd`; undefined if no descriptor has its name there. */
function startOf(window: Buffer, nameEnd: number): number | undefined {
  for (let length = extension.length + 1; length <= longestName; length++) {
    const start = nameEnd - length - (length < 128 ? 2 : 3);
    if (window[start] === nameTag && varint(window, start + 1)?.value === length) return start;
  }
  return undefined;
}

/**
 * The position of the NUL after the descriptor's fields; undefined if these bytes are not a complete descriptor.
 *
 * All fields have tags of one byte. A second name before the NUL begins another descriptor: the descriptors in gRPC's C
 * core lie side by side, and are copies.
 */
function endOf(window: Buffer, start: number): number | undefined {
  for (let at = start; at < window.length; ) {
    const tag = window[at] as number;
    if (tag === 0) return at;
    if (tag === nameTag && at > start) return undefined;
    const isMessage = (tag & 7) === 2;
    const number = tag < 128 && (isMessage || (tag & 7) === 0) ? varint(window, at + 1) : undefined;
    if (!number) return undefined;
    at = number.end + (isMessage ? number.value : 0);
  }
  return undefined;
}

/** Reads a varint of up to 35 bits; undefined if none ends in the window. */
function varint(window: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = window[start + i];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 128 ** i;
    if (byte < 128) return { value, end: start + i + 1 };
  }
  return undefined;
}

/** Decodes a descriptor; undefined for other bytes, and for a bare file name, such as one in a message text. */
function decoded(bytes: Uint8Array): FileDescriptorProto | undefined {
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.$unknown || file.syntax + file.package === "" ? undefined : file;
  } catch {
    return undefined; // bytes that only begin like a descriptor
  }
}

function importsFirst(
  files: ReadonlyMap<string, FoundDescriptor>,
  invalid: (why: string) => XdsError,
): FileDescriptorProto[] {
  const sorted = new Map<string, FileDescriptorProto>();
  const visited = new Set<string>();
  const add = (name: string, wantedBy: string) => {
    if (visited.has(name)) return;
    visited.add(name);
    const found = files.get(name);
    if (!found)
      throw invalid(`is incomplete: ${name}, which ${wantedBy} imports, is not in it; is it the whole Envoy binary?`);
    for (const imported of found.file.dependency) add(imported, name);
    sorted.set(name, found.file);
  };
  for (const name of [...files.keys()].sort()) add(name, "");
  return [...sorted.values()];
}
