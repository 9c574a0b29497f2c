import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";

const wanted = [/^envoy\/.*\/v3\//, /^envoy\/annotations\//, /^(xds|udpa|health)\//];

/**
 * Whether a file is wanted for itself: the v3 API, its annotations, all of xds and udpa, and the health service.
 * Imports come along.
 */
export const isWanted = (name) => wanted.some((pattern) => pattern.test(name));

/**
 * Copies the Envoy v3 API's protos, and what they import, out of some import roots into one tree that compiles.
 * `staged`: the names of the files; `dropped`: those that import, directly or through others, what no package has. Of a
 * file that only collects others (`import public`), just those are left out of it.
 */
export function stageProtos(roots, out) {
  const pathOf = (name) => roots.map((root) => join(root, name)).find(existsSync);
  const imports = new Map(); // name -> the names it cannot do without; undefined where the file is not to be had
  const visit = (name) => {
    if (imports.has(name) || name.startsWith("google/protobuf/")) return;
    const path = pathOf(name);
    const found = path && importsOf(readFileSync(path, "utf8"));
    imports.set(
      name,
      found?.flatMap(({ file, isPublic }) => (isPublic ? [] : [file])),
    );
    for (const { file } of found ?? []) visit(file);
  };
  for (const root of roots) protoFiles(root).filter(isWanted).forEach(visit);
  if (imports.size === 0) throw new Error(`no protos in ${roots.join(", ")}: is @grpc/grpc-js-xds installed whole?`);

  const missing = findMissing(imports);
  const staged = [...imports.keys()].filter((name) => !missing.has(name)).sort();
  for (const name of staged) {
    const text = readFileSync(pathOf(name), "utf8");
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(
      join(out, name),
      text.replace(importStatement, (line, kind, file) => (kind === "public" && missing.has(file) ? "" : line)),
    );
  }
  addIgnoreEmpty(join(out, "validate/validate.proto"));
  return { staged, dropped: [...missing].filter(([name]) => imports.get(name)).sort() };
}

function protoFiles(root) {
  const names = readdirSync(root, { recursive: true }).map((name) => name.replaceAll(sep, "/"));
  return names.filter((name) => name.endsWith(".proto")).sort();
}

const importStatement = /^\s*import\s+(?:(public|weak)\s+)?"(.+?)"\s*;/gm;

function importsOf(text) {
  return Array.from(text.matchAll(importStatement), ([, kind, file]) => ({ file, isPublic: kind === "public" }));
}

/** Name -> the absent file that keeps it from compiling. */
function findMissing(imports) {
  const missing = new Map();
  for (const [name, list] of imports) if (!list) missing.set(name, name);
  for (let before = -1; before !== missing.size; ) {
    before = missing.size;
    for (const [name, list] of imports) {
      const cause = list?.find((imported) => missing.has(imported));
      if (cause && !missing.has(name)) missing.set(name, missing.get(cause));
    }
  }
  return missing;
}

/**
 * The package's validate.proto is older than `ignore_empty` (protoc-gen-validate 0.5), which the Envoy API uses.
 * The field numbers are those of https://github.com/bufbuild/protoc-gen-validate/blob/v1.0.4/validate/validate.proto.
 */
function addIgnoreEmpty(path) {
  let text = readFileSync(path, "utf8");
  if (text.includes("ignore_empty")) return;
  const numbers = { String: 26, Bytes: 14, Repeated: 5, Map: 6, Float: 8, Double: 8 };
  for (const sign of ["Int", "UInt", "SInt", "Fixed", "SFixed"]) numbers[`${sign}32`] = numbers[`${sign}64`] = 8;
  for (const [kind, number] of Object.entries(numbers)) {
    const opening = `message ${kind}Rules {`;
    if (!text.includes(opening)) throw new Error(`${path}: no "${opening}" to add ignore_empty to`);
    text = text.replace(opening, `${opening}\n    optional bool ignore_empty = ${number};`);
  }
  writeFileSync(path, text);
}
