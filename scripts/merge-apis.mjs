import { create } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, SourceCodeInfoSchema } from "@bufbuild/protobuf/wkt";
import { isWanted } from "./stage-protos.mjs";

/**
 * The API of an Envoy, with the comments of an older one that was compiled from protos, and with the files that only
 * the older one has: an Envoy lacks what it does not use itself, such as CSDS and what only gRPC clients read. Imports
 * come first. A file whose types the Envoy declares elsewhere is left out.
 */
export function mergeApis(envoy, older) {
  const [newFiles, oldFiles] = [envoy, older].map((set) => new Map(set.file.map((file) => [file.name, file])));
  const files = importsFirst([...newFiles.keys()].filter(isWanted), newFiles);
  const declared = new Set(files.flatMap(topLevelNames));
  const onlyOlder = older.file.filter((file) => !newFiles.has(file.name) && isWanted(file.name));
  const added = onlyOlder.filter((file) => !topLevelNames(file).some((name) => declared.has(name)));
  const all = new Map([...oldFiles, ...newFiles]);
  const set = create(FileDescriptorSetSchema, {
    file: importsFirst(
      [...files, ...added].map(({ name }) => name),
      all,
    ),
  });
  copyComments(older, set);
  return set;
}

function importsFirst(names, files) {
  const sorted = new Set();
  const visited = new Set();
  const add = (name) => {
    if (visited.has(name)) return;
    visited.add(name);
    const file = files.get(name);
    if (!file) throw new Error(`the API lacks ${name}, which another file imports`);
    file.dependency.forEach(add);
    sorted.add(file);
  };
  names.forEach(add);
  return [...sorted];
}

const topLevelNames = (file) =>
  [...file.messageType, ...file.enumType, ...file.service].map(({ name }) => `${file.package}.${name}`);

/** By full name: what a set's declarations have of SourceCodeInfo, where their comments are. */
export function locationsByName(set) {
  const found = new Map();
  for (const file of set.file) {
    const locations = new Map(file.sourceCodeInfo?.location.map((location) => [location.path.join(), location]));
    for (const { name, path } of declarations(file)) {
      const location = locations.get(path.join());
      if (location) found.set(name, location);
    }
  }
  return found;
}

/** Gives every declaration of one set the comments that the declaration of the same full name has in the other. */
function copyComments(from, to) {
  const comments = locationsByName(from);
  for (const file of to.file) {
    const location = [];
    for (const { name, path } of declarations(file)) {
      const known = comments.get(name);
      if (known) location.push({ ...known, path });
    }
    file.sourceCodeInfo = create(SourceCodeInfoSchema, { location });
  }
}

/** By kind: the lists of a descriptor that declare something, with their numbers in descriptor.proto. */
const value = {};
const enumeration = { value: [2, value] };
const service = { method: [2, value] };
const message = { field: [2, value], enumType: [4, enumeration], extension: [6, value], oneofDecl: [8, value] };
message.nestedType = [3, message];
const fileLists = {
  messageType: [4, message],
  enumType: [5, enumeration],
  service: [6, service],
  extension: [7, value],
};

/** Everything that a file declares: its full name, and its path in the descriptor. */
function* declarations(of, lists = fileLists, prefix = of.package, path = []) {
  for (const [list, [number, kind]] of Object.entries(lists))
    for (const [index, one] of of[list].entries()) {
      const found = { name: `${prefix}.${one.name}`, path: [...path, number, index] };
      yield found;
      yield* declarations(one, kind, found.name, found.path);
    }
}
