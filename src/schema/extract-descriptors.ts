import { type FileHandle, open } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { fillJsonNames } from "./json-names.js";

/**
 * The API that an Envoy was built with, read out of its binary (Linux or macOS, also a stripped one) without running it: a
 * serialized FileDescriptorSet, whole and with imports first. Takes about 0.3 s, and little memory whatever the binary's size.
 * @throws XdsError INVALID_OPTION for a file that cannot be read or is no Envoy
 */
export async function extractDescriptors(envoy: string): Promise<Uint8Array> {
  const files = await findFiles(envoy);
  const refuse = (why: string) => new XdsError("INVALID_OPTION", `${envoy} ${why}`);
  if (files.size === 0)
    throw refuse(
      "has no API descriptors in it: it is no Envoy, or cut off, or compressed; give the Envoy binary itself",
    );
  if (!files.has(mark))
    throw refuse(`has the descriptors of ${files.size} proto files in it, but not ${mark}: it is no Envoy`);
  const set = create(FileDescriptorSetSchema, { file: importsFirst(files, refuse) });
  set.file.forEach(fillJsonNames);
  return toBinary(FileDescriptorSetSchema, set);
}

/** A file that every Envoy has. */
const mark = "envoy/service/discovery/v3/ads.proto";

/** How much of a binary is looked at at once, and how much of it again with what follows: more than any file's descriptor. */
const windowSize = 16 << 20;
const overlap = 1 << 20;

interface Found {
  readonly file: FileDescriptorProto;
  readonly size: number;
}

/**
 * By name, each file whose descriptor is in the binary. Of several the largest: gRPC brings its own copies of a few, and may have
 * left something out.
 */
async function findFiles(path: string): Promise<Map<string, Found>> {
  const files = new Map<string, Found>();
  for await (const window of windows(path))
    for (const found of filesIn(window)) {
      const known = files.get(found.file.name);
      if (!known || known.size < found.size) files.set(found.file.name, found);
    }
  return files;
}

/** The same buffer again and again, with the next part of a program's file in it. */
async function* windows(path: string): AsyncGenerator<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const buffer = Buffer.alloc(windowSize);
    let kept = 0;
    for (let isFirst = true; ; isFirst = false) {
      const length = kept + (await fill(handle, buffer, kept));
      if (isFirst) mustBeProgram(path, buffer.subarray(0, length));
      yield buffer.subarray(0, length);
      if (length < windowSize) return;
      buffer.copyWithin(0, windowSize - overlap);
      kept = overlap;
    }
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("INVALID_OPTION", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  } finally {
    await handle?.close();
  }
}

/** Reads until the buffer is full or the file at its end; returns how much. */
async function fill(handle: FileHandle, buffer: Buffer, from: number): Promise<number> {
  let at = from;
  while (at < buffer.length) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, null);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at - from;
}

/** ELF; Mach-O of 64 bits, and with several architectures. */
const magics = ["7f454c46", "cffaedfe", "cafebabe"];

/** Whether a file that begins so is one. */
export const isProgram = (start: Uint8Array): boolean =>
  magics.includes(Buffer.from(start.subarray(0, 4)).toString("hex"));

function mustBeProgram(path: string, start: Buffer): void {
  if (isProgram(start)) return;
  const is = start.toString("latin1", 0, 2) === "#!" ? "a script" : "no program for Linux or macOS";
  throw new XdsError("INVALID_OPTION", `${path} is ${is}; give the Envoy binary itself`);
}

const nameTag = 0x0a;
const extension = ".proto";
const longestName = 255;

/**
 * What protoc generates for C++ has each file's descriptor as it is, with a NUL behind it. A descriptor begins with the
 * file's name: 0x0a, its length, and a text that ends in ".proto".
 */
function* filesIn(window: Buffer): Generator<Found> {
  for (let at = window.indexOf(extension); at >= 0; at = window.indexOf(extension, at + 1)) {
    const start = startOf(window, at + extension.length);
    const end = start === undefined ? undefined : endOf(window, start);
    if (start === undefined || end === undefined) continue;
    const file = decoded(Uint8Array.from(window.subarray(start, end))); // a copy: messages keep views of what they are read from
    if (file) yield { file, size: end - start };
  }
}

/** Where the descriptor begins whose name ends here. */
function startOf(window: Buffer, nameEnd: number): number | undefined {
  for (let length = extension.length + 1; length <= longestName; length++) {
    const start = nameEnd - length - (length < 128 ? 2 : 3);
    if (window[start] === nameTag && varint(window, start + 1)?.value === length) return start;
  }
  return undefined;
}

/**
 * Where the NUL is that follows the descriptor's fields, all of which have tags of one byte. Another name before it begins
 * another descriptor: those of gRPC's C core lie side by side, and are copies.
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

/** A number of up to 35 bits. */
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

/** Undefined: it is none, or only the name of one, as texts may have it. */
function decoded(bytes: Uint8Array): FileDescriptorProto | undefined {
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.$unknown || file.syntax + file.package === "" ? undefined : file;
  } catch {
    return undefined; // bytes that only begin like one
  }
}

function importsFirst(files: ReadonlyMap<string, Found>, refuse: (why: string) => XdsError): FileDescriptorProto[] {
  const sorted = new Map<string, FileDescriptorProto>();
  const visited = new Set<string>();
  const add = (name: string, wantedBy: string) => {
    if (visited.has(name)) return;
    visited.add(name);
    const found = files.get(name);
    if (!found)
      throw refuse(`is incomplete: ${name}, which ${wantedBy} imports, is not in it; is it the whole Envoy binary?`);
    for (const imported of found.file.dependency) add(imported, name);
    sorted.set(name, found.file);
  };
  for (const name of [...files.keys()].sort()) add(name, "");
  return [...sorted.values()];
}
