import { createFileRegistry, type DescFile, fromBinary, type Registry } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { fillJsonNames } from "./json-names.js";

/** A registry of types that also knows the files that declare them. File names end in `.proto`. */
export interface SchemaRegistry extends Registry {
  /** The names of all files, google/protobuf/* included. */
  files(): Iterable<string>;
  /** A file's serialized FileDescriptorProto: a view that must not be written to. */
  fileBytes(name: string): Uint8Array | undefined;
  /** The file that declares a type or, by a longer name, something inside it (a nested type, a field, a method). */
  fileOf(typeName: string): string | undefined;
}

type Type = Registry extends Iterable<infer T> ? T : never;
type TypeOf<Kind extends Type["kind"]> = Extract<Type, { kind: Kind }>;

/**
 * Makes a registry from a serialized FileDescriptorSet, which must contain every file that its files import.
 *
 * A file and its imports are built when one of the file's types is first requested; until then only the file's names
 * are read. Extensions declared inside a message are found by name, but not by `getExtensionFor`.
 * @throws XdsError INVALID_OPTION for bytes that are not a FileDescriptorSet, and for a set that lacks a file
 */
export function lazyRegistry(bytes: Uint8Array): SchemaRegistry {
  const index = indexFiles(bytes);
  const load = fileLoader(index.files);
  const types = new Map<string, Type>(); // all types of the expanded files, by name
  const expanded = new Set<string>(); // the names of the files that have been built

  const expand = (fileName: string) => {
    if (expanded.has(fileName)) return;
    for (const type of typesOf(load(fileName))) types.set(type.typeName, type);
    expanded.add(fileName);
  };
  const fileOf = (typeName: string) => {
    for (let name = typeName; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const file = index.owners.get(name);
      if (file !== undefined) return file;
    }
    return undefined;
  };
  const get = (typeName: string): Type | undefined => {
    const known = types.get(typeName);
    if (known) return known;
    const file = fileOf(typeName);
    if (file !== undefined) expand(file);
    return types.get(typeName);
  };
  const ofKind = <Kind extends Type["kind"]>(kind: Kind, typeName: string): TypeOf<Kind> | undefined => {
    const type = get(typeName);
    return type?.kind === kind ? (type as TypeOf<Kind>) : undefined;
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
      return name === undefined ? undefined : ofKind("extension", name);
    },
    [Symbol.iterator]: () => {
      for (const name of index.files.keys()) expand(name);
      return types.values();
    },
  };
}

/** Field numbers of descriptor.proto, as far as the index needs them. */
const fileField = { name: 1, package: 2, dependency: 3, messageType: 4, enumType: 5, service: 6, extension: 7 };
const declarationField = { name: 1, extendee: 2, number: 3 };

interface Index {
  /** File name → its serialized FileDescriptorProto. */
  files: Map<string, Uint8Array>;
  /** Full name of a top-level type → the name of its file. */
  owners: Map<string, string>;
  /** "extendee number" → full name of the extension. */
  extensions: Map<string, string>;
}

/** Reads only the names in a FileDescriptorSet. That takes a tenth of the time that decoding the whole set takes. */
function indexFiles(bytes: Uint8Array): Index {
  const index: Index = { files: new Map(), owners: new Map(), extensions: new Map() };
  const imports = new Map<string, string>(); // a file → one that imports it
  try {
    const set = new BinaryReader(bytes);
    while (set.pos < set.len) {
      const [no, wireType] = set.tag();
      if (no === 1) indexFile(set.bytes(), index, imports);
      else set.skip(wireType, no);
    }
  } catch (error) {
    const why = `not a serialized FileDescriptorSet, or cut off: ${messageOf(error)}; \`xds schema extract\` writes one`;
    throw new XdsError("INVALID_OPTION", why, { cause: error });
  }
  for (const [imported, by] of imports)
    if (!index.files.has(imported))
      throw new XdsError(
        "INVALID_OPTION",
        `the descriptor set lacks ${imported}, which ${by} imports; make it with its imports (protoc --include_imports)`,
      );
  return index;
}

function indexFile(bytes: Uint8Array, index: Index, imports: Map<string, string>): void {
  let fileName = "";
  let prefix = "";
  const declared: Declaration[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    if (no === fileField.name) fileName = reader.string();
    else if (no === fileField.package) prefix = `${reader.string()}.`;
    else if (no === fileField.dependency) imports.set(reader.string(), fileName);
    else if (no >= fileField.messageType && no <= fileField.extension) {
      declared.push(readDeclaration(reader, no === fileField.extension));
    } else reader.skip(wireType, no);
  }
  index.files.set(fileName, bytes);
  for (const { name, extendee, number } of declared) {
    index.owners.set(prefix + name, fileName);
    if (extendee !== "") index.extensions.set(`${extendee.replace(/^\./, "")} ${number}`, prefix + name);
  }
}

interface Declaration {
  name: string;
  extendee: string;
  number: number;
}

/** Reads the name of the next type; for an extension also the extended message and the field number. */
function readDeclaration(reader: BinaryReader, isExtension: boolean): Declaration {
  const found = { name: "", extendee: "", number: 0 };
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const [no, wireType] = reader.tag();
    if (no === declarationField.name) found.name = reader.string();
    else if (isExtension && no === declarationField.extendee) found.extendee = reader.string();
    else if (isExtension && no === declarationField.number) found.number = reader.int32();
    else reader.skip(wireType, no);
    if (!isExtension && found.name !== "") reader.pos = end; // the name is written first
  }
  return found;
}

/** Builds each file once. */
function fileLoader(files: ReadonlyMap<string, Uint8Array>): (fileName: string) => DescFile {
  const built = new Map<string, DescFile>();
  const load = (fileName: string) => {
    const known = built.get(fileName);
    if (known) return known;
    const proto = fromBinary(FileDescriptorProtoSchema, files.get(fileName) as Uint8Array);
    fillJsonNames(proto);
    const registry = createFileRegistry(proto, (imported) => withoutImports(load(imported)));
    const desc = registry.getFile(fileName) as DescFile;
    Object.assign(desc, { dependencies: proto.dependency.map(load) });
    built.set(fileName, desc);
    return desc;
  };
  return load;
}

/**
 * A copy of a file that lists only its public imports, which are all that an importing file may use.
 *
 * Without this, createFileRegistry() would walk every path of the import graph, and their number grows exponentially.
 */
function withoutImports(desc: DescFile): DescFile {
  const dependencies = desc.proto.publicDependency.map((i) => withoutImports(desc.dependencies[i] as DescFile));
  return Object.create(desc, { dependencies: { value: dependencies } });
}

/** Every type that a file or message declares, at any depth. */
function* typesOf(desc: DescFile | TypeOf<"message">): Iterable<Type> {
  if (desc.kind === "file") {
    yield* desc.enums;
    yield* desc.services;
    yield* desc.extensions;
    for (const message of desc.messages) yield* typesOf(message);
  } else {
    yield desc;
    yield* desc.nestedEnums;
    yield* desc.nestedExtensions;
    for (const message of desc.nestedMessages) yield* typesOf(message);
  }
}
