// Usage: node scripts/generate.mjs [--force]
//
// Generates the Envoy v3 API into gen/ (git-ignored, published): a JavaScript module and its types for every proto
// file, and gen/envoy.binpb, the serialized FileDescriptorSet of all of them and, for reflection, of the health service.
// The protos come out of @grpc/grpc-js-xds and grpc-health-check; nothing is downloaded. A run that would change nothing
// ends at once.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const gen = join(root, "gen");
const stampFile = join(gen, "stamp.json");
const require = createRequire(import.meta.url);
const scripts = ["generate.mjs", "stage-protos.mjs", "compile-protos.mjs"];
const packages = ["@grpc/grpc-js-xds", "grpc-health-check", "@bufbuild/buf", "@bufbuild/protoc-gen-es"];

/** Where protos lie in the packages that have them: each folder is one import root. */
const importRoots = {
  "@grpc/grpc-js-xds": ["deps/envoy-api", "deps/xds", "deps/googleapis", "deps/protoc-gen-validate"],
  "grpc-health-check": ["proto"],
};

/** Generates gen/ when it is absent or was made of other versions. `quiet`: says nothing when there is nothing to do. */
export async function generate({ force = false, quiet = false } = {}) {
  const stamp = currentStamp();
  if (!force && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    if (!quiet) console.log("gen/ is up to date");
    return;
  }
  console.log("generating gen/ from the Envoy API's protos: takes some seconds, once");
  const { stageProtos } = await import("./stage-protos.mjs");
  const { compileProtos } = await import("./compile-protos.mjs");
  const scratch = mkdtempSync(join(tmpdir(), "ts-control-plane-"));
  try {
    const roots = Object.entries(importRoots).flatMap(([name, folders]) =>
      folders.map((folder) => join(dirname(require.resolve(`${name}/package.json`)), folder)),
    );
    const { staged, dropped } = stageProtos(roots, scratch);
    for (const [file, missing] of dropped) console.log(`  left out: ${file} (needs ${missing}, which no package has)`);

    const files = compileProtos(
      scratch,
      staged.filter((name) => !name.startsWith("health/")), // of it, only the descriptors are needed
    );
    rmSync(stampFile, { force: true });
    writeTree(gen, files);
    writeFileSync(stampFile, stamp);
    console.log(`  ${staged.length} protos, ${files.size} files`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What gen/ is made from and by. */
function currentStamp() {
  const versions = packages.map((name) => [name, require(`${name}/package.json`).version]);
  const hash = createHash("sha256");
  for (const script of scripts) hash.update(readFileSync(join(root, "scripts", script)));
  return `${JSON.stringify({ ...Object.fromEntries(versions), scripts: hash.digest("hex") }, null, 2)}\n`;
}

/** Makes a directory hold exactly these files, touching only those that differ: whoever reads them meanwhile goes on. */
function writeTree(directory, files) {
  for (const [name, content] of files) {
    const path = join(directory, name);
    if (existsSync(path) && content.equals(readFileSync(path))) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !files.has(path.slice(directory.length + 1).replaceAll(sep, "/"))) rmSync(path);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await generate({ force: process.argv.includes("--force") });
  } catch (error) {
    console.error(`generate: ${error.message}`);
    process.exitCode = 1;
  }
}
