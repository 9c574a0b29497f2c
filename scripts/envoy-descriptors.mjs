import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cache, envoyBinary, fullest, pinned } from "./envoy-wheel.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const extractor = ["schema/extract-descriptors", "schema/json-names", "errors"];

/** A hash of what the API is read from and by. */
export const apiKey = hashOf(
  pinned.wheels[fullest].sha256,
  ...extractor.map((name) => readFileSync(join(root, "src", `${name}.ts`))),
);

/**
 * The API of the pinned Envoy, as a serialized FileDescriptorSet without comments. It is read out of the binary once,
 * by `extractDescriptors()` of src/, and kept in .cache/envoy/. Throws an Error of one line where the wheel cannot be
 * had.
 */
export async function envoyDescriptors() {
  const file = join(cache, `api-${pinned.version}-${apiKey.slice(0, 16)}.binpb`);
  if (existsSync(file)) return readFileSync(file);
  const binary = await envoyBinary(pinned.version, fullest);
  const bytes = await (await loadExtractor())(binary);
  const scratch = `${file}.${process.pid}`;
  writeFileSync(scratch, bytes);
  renameSync(scratch, file);
  return bytes;
}

/** The library is not built yet, so only this part of it is compiled. */
async function loadExtractor() {
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, "extractor-")); // in here it finds node_modules
  try {
    const tsc = createRequire(import.meta.url).resolve("typescript/lib/tsc.js");
    const options = ["--noCheck", "--module", "nodenext", "--target", "es2023", "--rootDir", "src", "--outDir", out];
    const sources = extractor.map((name) => `src/${name}.ts`);
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...sources], { cwd: root });
    if (status !== 0) throw new Error(`the compiler refuses ${extractor[0]}: ${stdout}`);
    const { extractDescriptors } = await import(pathToFileURL(join(out, `${extractor[0]}.js`)).href);
    return extractDescriptors;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function hashOf(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
